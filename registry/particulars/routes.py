"""Pages of what an organization holds and does beside its entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.rules.queries import parameters
from core.text import N_, Message
from core.web import paging
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.agencies.queries import division_names, visible_agencies
from registry.delegations.queries import names_of
from registry.organizations.models import (
    DETACHMENTS,
    FOUNDINGS,
    SOURCES,
    TAGS,
    Organization,
    OrganizationChange,
    OrganizationTag,
)
from registry.organizations.queries import (
    changes_of,
    editable_organization,
    named_in,
    organization_in_scope,
    register_facts,
)
from registry.organizations.reports import FIELD_WORDS, VALUE_WORDS
from registry.organizations.rules import ROR_DEFAULTS, register_findings, supervision_level
from registry.particulars import queries, services
from registry.particulars.forms import (
    FIELDS_OF,
    DepartmentForm,
    EndForm,
    FilingForm,
    FundForm,
    HonourForm,
    ProfileForm,
    QualificationForm,
    RevocationForm,
    StaffForm,
    TagForm,
)
from registry.particulars.models import DEPARTMENT_ROLES, HONOURS, LEVELS, QUALIFICATIONS, CommunityFund

bp = Blueprint("particulars", __name__, url_prefix="/organizations/<int:organization_id>/particulars")

Answer = str | tuple[str, int] | Response


@bp.get("/")
@allow("organization.read", "own.read")
def show(organization_id: int) -> str:
    organization = organization_in_scope(current_user, organization_id)
    if organization is None:
        abort(404)
    today = clock.today()
    rules = parameters("ROR", ROR_DEFAULTS, on=today, jurisdiction=organization.agency.division_code)
    holdings = queries.holdings_of(organization)
    return render_template(
        "particulars/show.html",
        organization=organization,
        profile=organization.profile,
        asked=FIELDS_OF[organization.register_class],
        findings=register_findings(register_facts(organization), on=today),
        level=supervision_level(
            organization.register_class,
            organization.status,
            under_investigation=organization.under_investigation,
            parameters=rules,
        ),
        holdings=holdings,
        places=division_names([row.division_code for row in holdings.funds]),
        today=today,
        tags=TAGS,
        detachments=DETACHMENTS,
        foundings=FOUNDINGS,
        qualifications=QUALIFICATIONS,
        honours=HONOURS,
        levels=LEVELS,
        roles=DEPARTMENT_ROLES,
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id),
    )


@bp.get("/changes")
@allow("organization.read", "own.read")
def changes(organization_id: int) -> str:
    """Every change of a field: who, when, from what to what, on what evidence."""
    organization = organization_in_scope(current_user, organization_id)
    if organization is None:
        abort(404)
    asked = request.args.get("field", "")
    page = paging.paginate(changes_of(organization, field=asked), (OrganizationChange.id, True))
    return render_template(
        "particulars/changes.html",
        organization=organization,
        page=page,
        asked=asked,
        persons=named_in(page.rows),
        people=names_of({row.changed_by for row in page.rows if row.changed_by is not None}),
        fields=FIELD_WORDS,
        values=VALUE_WORDS,
        sources=SOURCES,
    )


def editable_or_404(organization_id: int) -> Organization:
    organization = editable_organization(current_user, organization_id, "organization.edit")
    if organization is None:
        abort(404)
    return organization


def answer(
    organization: Organization,
    form: Any,
    write: Callable[[], object],
    *,
    title: str | Message,
    action: str,
    done: str,
    back: str = "particulars.show",
) -> Answer:
    """A form about one organization: written when it is right, shown again with its errors when not.

    ``back`` is the page (an endpoint) that shows what was written.
    """
    address = url_for(back, organization_id=organization.id)
    if form.validate_on_submit():
        try:
            write()
            flash(gettext(done), "ok")
            return redirect(address, code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "organizations/record.html",
        organization=organization,
        form=form,
        title=title,
        action=action,
        back=address,
    )
    return page, 422 if form.is_submitted() else 200


@bp.route("/profile", methods=["GET", "POST"])
@allow("organization.edit")
def profile(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = ProfileForm(obj=organization.profile)
    asked = FIELDS_OF[organization.register_class]
    for name in [field.name for field in form if field.name not in (*asked, "evidence")]:
        del form[name]

    def write() -> None:
        facts = {name: form[name].data for name in asked}
        services.set_profile(organization, by=current_user, evidence=form.evidence.data or "", **facts)

    return answer(
        organization, form, write,
        title=N_("What the register asks for"), action=N_("Keep the particulars"), done=N_("The particulars are kept."),
    )  # fmt: skip


@bp.route("/tag", methods=["GET", "POST"])
@allow("organization.edit")
def tag(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = TagForm(data={"since": clock.today()})
    return answer(
        organization, form,
        lambda: services.give_tag(
            organization, form.tag.data, since=form.since.data, document=form.document.data or "", by=current_user
        ),
        title=N_("Recognize the organization"), action=N_("Note the recognition"), done=N_("The recognition is noted."),
    )  # fmt: skip


@bp.route("/tag/<int:row_id>/end", methods=["GET", "POST"])
@allow("organization.edit")
def end_tag(organization_id: int, row_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    row = db.session.get(OrganizationTag, row_id)
    if row is None or row.organization_id != organization.id or row.until is not None:
        abort(404)
    form = EndForm(data={"until": clock.today()})
    return answer(
        organization, form,
        lambda: services.end_tag(row, until=form.until.data, by=current_user),
        title=N_("End the recognition"), action=N_("Note the last day"), done=N_("The last day is noted."),
    )  # fmt: skip


@bp.route("/qualification", methods=["GET", "POST"])
@allow("organization.edit")
def qualification(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = QualificationForm()
    return answer(
        organization, form,
        lambda: services.record_qualification(
            organization, form.kind.data, valid_from=form.valid_from.data, valid_to=form.valid_to.data,
            document=form.document.data or "", issued_by=form.issued_by.data or "", by=current_user,
        ),
        title=N_("Note a status or qualification"), action=N_("Note the status"), done=N_("The status is noted."),
    )  # fmt: skip


@bp.route("/filing", methods=["GET", "POST"])
@allow("organization.edit")
def filing(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = FilingForm()
    return answer(
        organization, form,
        lambda: services.file_fundraising(
            organization, number=form.number.data, title=form.title.data, starts_on=form.starts_on.data,
            ends_on=form.ends_on.data, target=form.target.data, by=current_user,
        ),
        title=N_("File a fundraising plan"), action=N_("File the plan"), done=N_("The plan is filed."),
    )  # fmt: skip


@bp.route("/fund", methods=["GET", "POST"])
@allow("organization.edit")
def fund(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = FundForm(data={"set_up_on": clock.today()})
    return answer(
        organization, form,
        lambda: services.set_up_fund(
            organization, name=form.name.data, division_code=form.division_code.data,
            purpose=form.purpose.data, set_up_on=form.set_up_on.data, by=current_user,
        ),
        title=N_("Note a community charity fund"), action=N_("Note the fund"), done=N_("The fund is noted."),
    )  # fmt: skip


@bp.route("/fund/<int:fund_id>/end", methods=["GET", "POST"])
@allow("organization.edit")
def end_fund(organization_id: int, fund_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    row = db.session.get(CommunityFund, fund_id)
    if row is None or row.host_id != organization.id or row.ended_on is not None:
        abort(404)
    form = EndForm(data={"until": clock.today()})
    return answer(
        organization, form,
        lambda: services.end_fund(row, ended_on=form.until.data, by=current_user),
        title=N_("End the fund"), action=N_("Note the last day"), done=N_("The last day is noted."),
    )  # fmt: skip


@bp.route("/honour", methods=["GET", "POST"])
@allow("organization.edit")
def honour(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = HonourForm()
    return answer(
        organization, form,
        lambda: services.record_honour(
            organization, kind=form.kind.data, title=form.title.data, level=form.level.data,
            given_by=form.given_by.data, given_on=form.given_on.data, valid_to=form.valid_to.data,
            document=form.document.data or "", by=current_user,
        ),
        title=N_("Note a brand or an award"), action=N_("Note it"), done=N_("It is noted."),
    )  # fmt: skip


@bp.route("/honour/<int:honour_id>/revoke", methods=["GET", "POST"])
@allow("organization.edit")
def revoke_honour(organization_id: int, honour_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    row = queries.honour_of(organization, honour_id) or abort(404)
    form = RevocationForm(data={"revoked_on": clock.today()})
    return answer(
        organization, form,
        lambda: services.revoke_honour(
            row, revoked_on=form.revoked_on.data, reason=form.reason.data, by=current_user
        ),
        title=Message(N_("Take back “%(title)s”"), {"title": row.title}), action=N_("Note that it was taken back"),
        done=N_("It is noted as taken back."),
    )  # fmt: skip


@bp.route("/staff", methods=["GET", "POST"])
@allow("organization.edit")
def staff(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = StaffForm(data={"year": clock.today().year - 1})
    return answer(
        organization, form,
        lambda: services.record_staff(
            organization, form.year.data, by=current_user, **{name: form[name].data for name in services.COUNTS}
        ),
        title=N_("Employees and jobs of a year"), action=N_("Note the numbers"), done=N_("The numbers are noted."),
    )  # fmt: skip


@bp.route("/department", methods=["GET", "POST"])
@allow("organization.edit")
def department(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    units = list(db.session.scalars(visible_agencies(current_user)))
    form = DepartmentForm(units, data={"since": clock.today()})

    def write() -> None:
        agency = db.session.get(Agency, int(form.unit.data)) if form.unit.data else None
        services.assign_department(
            organization, form.role.data, agency=agency, unit_name=form.unit_name.data or "",
            since=form.since.data, by=current_user,
        )  # fmt: skip

    return answer(
        organization, form, write,
        title=N_("Say which department does what"), action=N_("Assign the department"), done=N_("The department is assigned."),
    )  # fmt: skip
