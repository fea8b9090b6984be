"""The register: the list, an organization's page, and the forms that keep it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.rules.queries import parameters
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.agencies.queries import division_names
from registry.organizations import queries, services
from registry.organizations.forms import (
    ConfirmForm,
    ContactForm,
    GradeForm,
    InspectionForm,
    OrganizationForm,
    StatusForm,
    UpgradeForm,
)
from registry.organizations.models import (
    COMMUNITY_TYPES,
    DIRECT_CLASSES,
    FIELDS,
    INSPECTION_RESULTS,
    KINDS,
    PARTY_ORGANIZATIONS,
    REGISTER_CLASSES,
    STATUSES,
    TAGS,
    Organization,
)
from registry.organizations.reports import STALE
from registry.organizations.rules import ROR_DEFAULTS
from registry.persons.models import Person
from registry.persons.services import record_person

bp = Blueprint("organizations", __name__, url_prefix="/organizations")


@bp.before_request
def place_in_menu() -> None:
    """An organization's page belongs to the register for a department, to “my organization” for its people."""
    office = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    g.menu_entry = "directory.list" if office else "organizations.own"


navigation.add_entry(
    "organizations.own",
    N_("My organization"),
    icon="org",
    group="register",
    order=20,
    permissions=("own.read",),
)

EVENTS = {
    "registered": N_("Entered into the register"),
    "came_with_list": N_("Entered with an imported list"),
    "edited": N_("Entry changed"),
    "verified": N_("Entry verified"),
    "confirmed": N_("Entry compared again, unchanged"),
    "upgraded": N_("Filed organization registered"),
    "profile_changed": N_("Particulars changed"),
    "particular_corrected": N_("What was noted is corrected"),
    "particular_struck": N_("What was noted is struck out"),
    "tag_given": N_("Recognition noted"),
    "tag_ended": N_("Recognition ended"),
    "qualification_recorded": N_("Status or qualification noted"),
    "fundraising_filed": N_("Fundraising plan filed"),
    "fund_set_up": N_("Community charity fund noted"),
    "fund_ended": N_("Community charity fund ended"),
    "honour_recorded": N_("Brand or award noted"),
    "honour_revoked": N_("Brand or award taken back"),
    "staff_recorded": N_("Employees and jobs noted"),
    "department_assigned": N_("Department assigned"),
    "term_recorded": N_("Term noted"),
    "appointed": N_("Leader noted"),
    "post_ended": N_("Post ended"),
    "candidate_checked": N_("Candidate checked"),
    "member_joined": N_("Member of a hub noted"),
    "member_left": N_("Membership ended"),
    "served": N_("Service of the hub noted"),
    "update_accepted": N_("Reported change accepted"),
    "merged": N_("Double entry joined"),
    "outcome_decided": N_("Outcome decided"),
    "closed_down": N_("Winding-up finished"),
    "status_changed": N_("Standing changed"),
    "grade_recorded": N_("Grade noted"),
    "inspection_recorded": N_("Annual inspection noted"),
    "party_facts_recorded": N_("Party-building facts noted"),
    "party_route_set": N_("Route of supervision noted"),
    "party_charter_noted": N_("Clauses of the charter noted"),
    "party_step_done": N_("Step of party building noted"),
    "party_members_surveyed": N_("Party members surveyed"),
    "party_member_added": N_("Member added to the roster"),
    "party_member_left": N_("Member left"),
    "party_post_given": N_("Instructor sent"),
    "party_post_ended": N_("Instructor's post ended"),
    "contact_changed": N_("Contact changed"),
    "department_changed": N_("Responsible department changed"),
    "credit_entered": N_("Credit entry made"),
    "credit_removed": N_("Credit entry removed"),
}
# How each standing looks.
TONES = {
    "normal": "done", "abnormal": "wrong", "liquidating": "waiting", "deregistered": "closed", "revoked": "wrong",
}  # fmt: skip
Answer = str | tuple[str, int] | Response


@bp.app_context_processor
def words() -> dict[str, Any]:
    """The register's own words, for every page that shows an organization."""
    return {"ORGANIZATION_KINDS": KINDS, "ORGANIZATION_STATUSES": STATUSES, "ORGANIZATION_TONES": TONES}


def tasks(user: Any) -> Iterable[navigation.Task]:
    """Entries that wait for a second pair of eyes."""
    if not user.may_somewhere("organization.verify"):
        return
    for organization in queries.waiting_for_verification(user):
        yield navigation.Task(
            title=Message(N_("Verify the entry of %(name)s"), {"name": organization.name}),
            url=url_for("organizations.show", organization_id=organization.id),
            action=Message(N_("Compare and verify")),
            meta=Message(organization.credit_code) if organization.credit_code else None,
        )
    before = queries.stale_before(parameters("ROR", ROR_DEFAULTS, on=clock.today()))
    stale, _sums = tables.summary(
        queries.stale_organizations(user, before, permission="organization.verify"), whole=False
    )
    if stale:
        yield navigation.Task(
            title=Message(
                N_("%(count)s entries were last verified before %(day)s"),
                {"count": str(stale), "day": before},
            ),
            url=url_for("organizations.stale"),
            action=Message(N_("Compare them again")),
        )


navigation.add_tasks("organizations", tasks)


@bp.get("/own")
@allow("own.read")
def own() -> Answer:
    """An organization's people go straight to its page; those of several choose."""
    found = queries.own_organizations(current_user)
    if len(found) == 1:
        return redirect(url_for("organizations.show", organization_id=found[0].id), code=303)
    return render_template("organizations/own.html", organizations=found)


@bp.get("/<int:organization_id>")
@allow("organization.read", "own.read")
def show(organization_id: int) -> Answer:
    organization = queries.organization_in_scope(current_user, organization_id)
    if organization is None:
        joined = queries.joined_into(current_user, organization_id) or abort(404)
        return redirect(url_for("organizations.show", organization_id=joined.id), code=301)
    today = clock.today()
    years = range(today.year - 1, max(today.year - 6, _first_year(organization) - 1), -1)
    results = {item.year: item.result for item in organization.inspections}
    return render_template(
        "organizations/show.html",
        organization=organization,
        grade=queries.grade_on(organization, today),
        today=today,
        inspections=[(year, results.get(year)) for year in sorted({*years, *results}, reverse=True)],
        instructor=db.session.get(Person, organization.party.instructor_id)
        if organization.party and organization.party.instructor_id
        else None,
        classes=REGISTER_CLASSES,
        results=INSPECTION_RESULTS,
        party_kinds=PARTY_ORGANIZATIONS,
        fields=FIELDS,
        direct_classes=DIRECT_CLASSES,
        community_types=COMMUNITY_TYPES,
        tags=TAGS,
        former=queries.former_identities(organization),
        division=division_names([organization.division_code]).get(organization.division_code, ""),
        stale_before=queries.stale_before(
            parameters("ROR", ROR_DEFAULTS, on=today, jurisdiction=organization.agency.division_code)
        ),
        events=queries.trail_of(organization),
        words=EVENTS,
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id),
        may_verify=current_user.may("organization.verify", agency_id=organization.agency_id)
        and organization.verified_by is None
        and organization.recorded_by != current_user.id,
        may_confirm=current_user.may("organization.verify", agency_id=organization.agency_id)
        and organization.verified_by is not None
        and organization.recorded_by != current_user.id,
        may_edit_contact=current_user.may("own.edit", organization_id=organization.id),
    )


def _first_year(organization: Organization) -> int:
    return organization.registered_on.year if organization.registered_on else clock.today().year


def _in_scope(organization_id: int) -> Organization:
    organization = queries.organization_in_scope(current_user, organization_id)
    if organization is None:
        abort(404)
    return organization


def _editable(organization_id: int, permission: str = "organization.edit") -> Organization:
    organization = queries.editable_organization(current_user, organization_id, permission)
    if organization is None:
        abort(404)
    return organization


def _to(organization: Organization, message: str) -> Response:
    flash(message, "ok")
    return redirect(url_for("organizations.show", organization_id=organization.id), code=303)


@bp.route("/new", methods=["GET", "POST"])
@allow("organization.edit")
def register() -> Answer:
    agencies = _agencies_to_keep()
    form = OrganizationForm(agencies, data={"division_code": agencies[0].division_code[:6]})
    if form.validate_on_submit():
        try:
            facts = _facts(form)
            if facts is not None:
                agency = db.session.get_one(Agency, int(form.agency.data))
                organization = services.register_organization(agency=agency, by=current_user, **facts)
                return _to(
                    organization, gettext("The organization is on the register. Another person verifies it.")
                )
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("organizations/register.html", form=form), 422 if form.is_submitted() else 200


def _agencies_to_keep() -> list[Agency]:
    """The units at which this person keeps the register."""
    ids = current_user.agency_ids("organization.edit")
    return [*db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path))]


def _facts(form: OrganizationForm) -> dict[str, Any] | None:
    """A valid form as arguments of the services; ``None`` with an error at the field when the host is unknown."""
    host = None
    if (form.host.data or "").strip():
        host = queries.named(queries.visible_organizations(current_user), form.host.data)
        if host is None:
            form.host.errors = [gettext("No organization of this name or code is on your register.")]
            return None
    leader = None
    if (form.leader.data or "").strip():
        leader = record_person(form.leader.data, phone=form.leader_phone.data or "", by=current_user)
    return {
        "kind": form.kind.data,
        "name": form.name.data,
        "credit_code": form.credit_code.data,
        "division_code": form.division_code.data,
        "registered_on": form.registered_on.data,
        "register_class": form.register_class.data,
        "host": host,
        "legal_representative": leader,
        "business_scope": form.business_scope.data or "",
        "fields": form.fields.data or [],
        "address": form.address.data or "",
        "phone": form.phone.data or "",
        "direct_class": form.direct_class.data,
        "community_type": form.community_type.data,
    }


@bp.route("/<int:organization_id>/edit", methods=["GET", "POST"])
@allow("organization.edit")
def edit(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    leader = organization.legal_representative
    form = OrganizationForm([organization.agency], organization, data=_entered(organization))
    if form.validate_on_submit():
        try:
            facts = _facts(form)
            if facts is not None:
                if leader and (form.leader.data, form.leader_phone.data) == (leader.name, leader.phone):
                    facts["legal_representative"] = leader
                services.edit_organization(
                    organization, by=current_user, evidence=form.evidence.data or "", **facts
                )
                return _to(organization, gettext("The entry is changed. Another person verifies it."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("organizations/edit.html", form=form, organization=organization),
        422 if form.is_submitted() else 200,
    )


def _entered(organization: Organization) -> dict[str, Any]:
    """An entry as its form shows it."""
    leader = organization.legal_representative
    plain = (
        "name", "kind", "register_class", "credit_code", "registered_on", "division_code", "business_scope",
        "fields", "address", "phone", "direct_class", "community_type",
    )  # fmt: skip
    return {
        **{name: getattr(organization, name) for name in plain},
        "agency": str(organization.agency_id),
        "host": organization.host.name if organization.host else "",
        "leader": leader.name if leader else "",
        "leader_phone": leader.phone if leader else "",
    }


@bp.post("/<int:organization_id>/verify")
@allow("organization.verify")
def verify(organization_id: int) -> Response:
    organization = _editable(organization_id, "organization.verify")
    services.verify_organization(organization, by=current_user)
    return _to(organization, gettext("The entry is verified."))


@bp.route("/<int:organization_id>/confirm", methods=["GET", "POST"])
@allow("organization.verify")
def confirm(organization_id: int) -> Answer:
    """The entry was compared with the certificate again and has not changed."""
    organization = _editable(organization_id, "organization.verify")
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            services.confirm_unchanged(organization, evidence=form.evidence.data or "", by=current_user)
            return _to(organization, gettext("The entry counts as verified from today on."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record_page(organization, form, N_("Compare the entry again"), N_("It is unchanged"))


@bp.route("/<int:organization_id>/upgrade", methods=["GET", "POST"])
@allow("organization.edit")
def upgrade(organization_id: int) -> Answer:
    """A filed organization has registered: the same entry, with its history and projects."""
    organization = _editable(organization_id)
    if organization.register_class != "filed":
        abort(404)
    form = UpgradeForm(
        organization, data={"name": organization.name, "division_code": organization.division_code[:6]}
    )
    if form.validate_on_submit():
        try:
            services.upgrade_filed(
                organization,
                kind=form.kind.data,
                name=form.name.data,
                credit_code=form.credit_code.data,
                registered_on=form.registered_on.data,
                division_code=form.division_code.data,
                evidence=form.evidence.data,
                by=current_user,
            )
            return _to(organization, gettext("It is registered now; its history, links and projects stayed."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record_page(
        organization, form, N_("The filed organization has registered"), N_("Note the registration")
    )


@bp.get("/stale")
@allow("organization.read")
def stale() -> str:
    """Entries that nobody has compared with the certificate for twelve months."""
    table = tables.show(STALE, current_user, joinedload(Organization.agency))
    return render_template(
        "organizations/stale.html",
        table=table,
        page=table.page,
        before=queries.stale_before(parameters("ROR", ROR_DEFAULTS, on=clock.today())),
    )


@bp.route("/<int:organization_id>/grade", methods=["GET", "POST"])
@allow("organization.edit")
def grade(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    form = GradeForm()
    if form.validate_on_submit():
        try:
            services.record_grade(
                organization, int(form.grade.data), form.valid_from.data, form.valid_to.data, by=current_user
            )
            return _to(organization, gettext("The grade is noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record_page(organization, form, N_("Note a grade"), N_("Note the grade"))


@bp.route("/<int:organization_id>/inspection", methods=["GET", "POST"])
@allow("organization.edit")
def inspection(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    form = InspectionForm(data={"year": clock.today().year - 1})
    if form.validate_on_submit():
        try:
            services.record_inspection(organization, form.year.data, form.result.data, by=current_user)
            return _to(organization, gettext("The inspection is noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record_page(organization, form, N_("Note an annual inspection"), N_("Note the inspection"))


@bp.route("/<int:organization_id>/status", methods=["GET", "POST"])
@allow("organization.edit")
def status(organization_id: int) -> Answer:
    organization = _editable(organization_id)
    if organization.status in services.ENDING:
        abort(404)
    form = StatusForm(obj=organization)
    if form.validate_on_submit():
        try:
            services.set_status(
                organization,
                form.status.data,
                under_investigation=form.under_investigation.data,
                reason=form.reason.data,
                by=current_user,
            )
            return _to(organization, gettext("The standing is noted."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record_page(organization, form, N_("Change the standing"), N_("Note the standing"))


@bp.route("/<int:organization_id>/contact", methods=["GET", "POST"])
@allow("own.edit")
def contact(organization_id: int) -> Answer:
    """An organization keeps its own address and telephone."""
    organization = _in_scope(organization_id)
    if not current_user.may("own.edit", organization_id=organization.id):
        abort(404)
    form = ContactForm(obj=organization)
    if form.validate_on_submit():
        services.set_contact(
            organization, address=form.address.data or "", phone=form.phone.data or "", by=current_user
        )
        return _to(organization, gettext("The contact is kept."))
    return _record_page(organization, form, N_("Address and telephone"), N_("Keep the contact"))


def _record_page(organization: Organization, form: Any, title: str, action: str) -> tuple[str, int]:
    return (
        render_template(
            "organizations/record.html", organization=organization, form=form, title=title, action=action
        ),
        422 if form.is_submitted() else 200,
    )
