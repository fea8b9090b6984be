"""The pool of experts, and an expert's own declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.lifecycle import state_of
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.agencies.queries import subtree
from registry.experts import queries, services
from registry.experts.forms import (
    AbsenceForm,
    ActivityForm,
    AdmissionForm,
    ConductForm,
    ExpertForm,
    FilterForm,
    KnowledgeForm,
)
from registry.experts.models import CONDUCT, Expert
from registry.experts.reports import EXPERTS
from registry.experts.rules import ADMISSION_MONTHS
from registry.interests.forms import OrganizationInterestForm
from registry.interests.models import KINDS, RELATIONS
from registry.interests.queries import employments_of, interests_of_person, relatives_of
from registry.interests.rules import counts
from registry.interests.services import declare_interest
from registry.organizations.models import FIELDS, Organization
from registry.organizations.queries import named, visible_organizations
from registry.persons.models import Person
from registry.persons.services import record_person

bp = Blueprint("experts", __name__, url_prefix="/experts")

navigation.add_entry(
    "experts.list", N_("Experts"), icon="users", group="register", order=30, permissions=("expert.read",)
)
navigation.add_entry(
    "experts.own", N_("My ties to organizations"), icon="users", group="register", order=40,
    permissions=("expert.declare",),
)  # fmt: skip


@bp.before_request
def place_in_menu() -> None:
    own = request.endpoint in ("experts.own", "experts.declare")
    g.menu_entry = "experts.own" if own else "experts.list"


EVENTS = {
    "added": N_("Proposed for the pool"),
    "admitted": N_("Admitted to the pool"),
    "refused": N_("Not admitted"),
    "proposed_anew": N_("Proposed anew"),
    "edited": N_("Entry changed"),
    "absence_noted": N_("Days away noted"),
    "absence_withdrawn": N_("Days away taken back"),
    "conduct_noted": N_("Conduct noted"),
    "activated": N_("Back in the draw"),
    "deactivated": N_("Taken out of the draw"),
}
Answer = str | tuple[str, int] | Response


def tasks(user: Any) -> Iterable[navigation.Task]:
    """Experts who wait for a second person, and admissions that end."""
    if user.may_somewhere("expert.verify"):
        for expert in queries.waiting_for_admission(user):
            yield navigation.Task(
                title=Message(N_("Admit %(name)s to the pool of experts"), {"name": expert.person.name}),
                url=url_for("experts.show", expert_id=expert.id),
                action=Message(N_("Look and admit")),
            )
    if user.may_somewhere("expert.edit"):
        for expert in queries.expiring(user):
            yield navigation.Task(
                title=Message(N_("The admission of the expert %(name)s ends"), {"name": expert.person.name}),
                url=url_for("experts.show", expert_id=expert.id),
                action=Message(N_("Propose anew, or let it end")),
                due=expert.valid_to,
            )


navigation.add_tasks("experts", tasks)


@bp.get("/", endpoint="list")
@allow("expert.read")
def list_experts() -> str:
    form = FilterForm(request.args)
    table = tables.show(EXPERTS, current_user)
    return render_template(
        "experts/list.html", form=form, table=table, page=table.page, fields=FIELDS, today=clock.today()
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("expert.edit")
def add() -> Answer:
    ids = current_user.agency_ids("expert.edit")
    agencies = db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()
    form = ExpertForm(agencies)
    if form.validate_on_submit():
        try:
            agency = db.session.get_one(Agency, int(form.agency.data))
            expert = services.add_expert(
                agency,
                record_person(
                    form.name.data, phone=form.phone.data, title=form.title.data or "", by=current_user
                ),
                fields=form.fields.data,
                employer=form.employer.data,
                employer_organization=named(visible_organizations(current_user), form.employer.data),
                employed_by_agency=agency if form.insider.data else None,
                professional_title=form.professional_title.data or "",
                regions=form.codes(),
                most_panels=form.most_panels.data,
                by=current_user,
            )
            flash(gettext("Proposed. Another person admits the expert; until then nobody draws them."), "ok")
            return redirect(url_for("experts.show", expert_id=expert.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("experts/add.html", form=form), 422 if form.is_submitted() else 200


@bp.get("/<int:expert_id>")
@allow("expert.read")
def show(expert_id: int) -> str:
    expert = queries.expert_in_scope(current_user, expert_id)
    if expert is None:
        abort(404)
    return _expert_page(expert, ActivityForm(formdata=None))


def _expert_page(expert: Expert, form: Any, admission: AdmissionForm | None = None) -> str:
    today = clock.today()
    may_verify = current_user.may("expert.verify", agency_id=expert.agency_id)
    return render_template(
        "experts/show.html",
        expert=expert,
        form=form,
        admission=admission
        or AdmissionForm(formdata=None, data={"valid_to": clock.add_months(today, ADMISSION_MONTHS)}),
        state=state_of(expert),
        may_admit=may_verify and expert.state == "proposed" and expert.proposed_by != current_user.id,
        work=employments_of(expert.person_id),
        three_years=clock.add_months(today, -36),
        conduct=queries.conduct_of(expert),
        conduct_words=CONDUCT,
        panels=queries.panels_of_year([expert.id], today.year).get(expert.id, 0),
        may_read_person=current_user.may("person.read", agency_id=expert.agency_id),
        fields=FIELDS,
        events=history_of(expert),
        words=EVENTS,
        may_edit=current_user.may("expert.edit", agency_id=expert.agency_id),
        **_interests(expert.person_id),
    )


def _interests(person_id: int) -> dict[str, Any]:
    return {
        "interests": interests_of_person(person_id),
        "kinds": KINDS,
        "counts": counts,
        "today": clock.today(),
    }


@bp.post("/<int:expert_id>/activity")
@allow("expert.edit")
def set_activity(expert_id: int) -> Answer:
    """Out of the draw when in it, and the other way round."""
    expert = _editable(expert_id)
    form = ActivityForm()
    if not form.validate_on_submit():
        return _expert_page(expert, form), 422
    services.set_active(expert, request.form.get("active") == "1", reason=form.reason.data, by=current_user)
    flash(
        gettext("The expert may be drawn again.")
        if expert.active
        else gettext("The expert is not drawn from now on."),
        "ok",
    )
    return redirect(url_for("experts.show", expert_id=expert.id), code=303)


def _editable(expert_id: int) -> Expert:
    expert = queries.editable_expert(current_user, expert_id)
    if expert is None:
        abort(404)
    return expert


@bp.route("/<int:expert_id>/edit", methods=["GET", "POST"])
@allow("expert.edit")
def edit(expert_id: int) -> Answer:
    expert = _editable(expert_id)
    form = KnowledgeForm(
        data={
            "fields": expert.fields,
            "employer": expert.employer,
            "professional_title": expert.professional_title,
            "regions": " ".join(expert.regions),
            "most_panels": expert.most_panels,
        }
    )
    if form.validate_on_submit():
        try:
            services.edit_expert(
                expert,
                fields=form.fields.data,
                employer=form.employer.data,
                professional_title=form.professional_title.data or "",
                regions=form.codes(),
                most_panels=form.most_panels.data,
                by=current_user,
            )
            flash(gettext("The entry is changed."), "ok")
            return redirect(url_for("experts.show", expert_id=expert.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(expert, form, gettext("Change what the draw goes by"), gettext("Save the entry"))


def _form_page(expert: Expert, form: Any, title: str, act: str, **more: Any) -> Answer:
    page = render_template(
        "components/form_page.html",
        form=form,
        title=title,
        act=act,
        intro=expert.person.name,
        back=more.pop("back", None) or url_for("experts.show", expert_id=expert.id),
        place=[
            {"label": gettext("Experts"), "url": url_for("experts.list")},
            {"label": expert.person.name, "url": url_for("experts.show", expert_id=expert.id)},
        ],
    )
    return page, 422 if form.is_submitted() else 200


@bp.post("/<int:expert_id>/admission")
@allow("expert.verify")
def admit(expert_id: int) -> Answer:
    """The second person's yes until a day, or no with why."""
    expert = queries.editable_expert(current_user, expert_id, "expert.verify")
    if expert is None:
        abort(404)
    if request.form.get("answer") == "refuse":
        form = ActivityForm()
        if not form.validate_on_submit():
            return _expert_page(expert, form), 422
        services.refuse_expert(expert, reason=form.reason.data, by=current_user)
        flash(gettext("The expert is not admitted."), "ok")
        return redirect(url_for("experts.show", expert_id=expert.id), code=303)
    admission = AdmissionForm()
    if admission.validate_on_submit():
        try:
            services.admit_expert(expert, admission.valid_to.data, by=current_user)
            flash(gettext("The expert is in the pool and may be drawn."), "ok")
            return redirect(url_for("experts.show", expert_id=expert.id), code=303)
        except Refusal as refusal:
            if refusal.status == 403:
                raise
            admission.valid_to.errors = [say(refusal.sentence)]
    return _expert_page(expert, ActivityForm(formdata=None), admission), 422


@bp.post("/<int:expert_id>/proposal")
@allow("expert.edit")
def propose(expert_id: int) -> Answer:
    """Ask for the admission anew."""
    expert = _editable(expert_id)
    services.propose_again(expert, by=current_user)
    flash(gettext("Proposed. Another person admits the expert; until then nobody draws them."), "ok")
    return redirect(url_for("experts.show", expert_id=expert.id), code=303)


@bp.route("/<int:expert_id>/absences/new", methods=["GET", "POST"])
@allow("expert.edit")
def absence(expert_id: int) -> Answer:
    expert = _editable(expert_id)
    return _absence([expert], url_for("experts.show", expert_id=expert.id))


def _absence(experts: list[Expert], back: str) -> Answer:
    form = AbsenceForm(data={"starts_on": clock.today(), "ends_on": clock.today()})
    if form.validate_on_submit():
        try:
            for expert in experts:
                services.note_absence(
                    expert,
                    form.starts_on.data,
                    form.ends_on.data,
                    reason=form.reason.data or "",
                    by=current_user,
                )
            flash(gettext("Noted. No draw whose scoring falls on these days takes the expert."), "ok")
            return redirect(back, code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    if back == url_for("experts.own"):
        page = render_template(
            "components/form_page.html",
            form=form,
            title=gettext("Note days away"),
            act=gettext("Note the days away"),
            back=back,
        )
        return page, 422 if form.is_submitted() else 200
    return _form_page(experts[0], form, gettext("Note days away"), gettext("Note the days away"))


@bp.route("/own/absences/new", methods=["GET", "POST"])
@allow("expert.declare")
def own_absence() -> Answer:
    """An expert says when not to be drawn, for every pool at once."""
    found = queries.of_person(current_user.person_id)
    if not found:
        abort(404)
    return _absence(found, url_for("experts.own"))


@bp.post("/<int:expert_id>/absences/<int:absence_id>/withdraw")
@allow("expert.edit")
def withdraw_absence(expert_id: int, absence_id: int) -> Answer:
    expert = _editable(expert_id)
    _withdraw([expert], absence_id)
    return redirect(url_for("experts.show", expert_id=expert.id), code=303)


@bp.post("/own/absences/<int:absence_id>/withdraw")
@allow("expert.declare")
def withdraw_own(absence_id: int) -> Answer:
    """An expert takes back the same days in every pool."""
    _withdraw(queries.of_person(current_user.person_id), absence_id)
    return redirect(url_for("experts.own"), code=303)


def _withdraw(experts: list[Expert], absence_id: int) -> None:
    rows = [row for expert in experts for row in expert.absences]
    chosen = next((row for row in rows if row.id == absence_id), None)
    if chosen is None:
        abort(404)
    days = (chosen.starts_on, chosen.ends_on)
    for row in rows:
        if (row.starts_on, row.ends_on) == days:
            services.withdraw_absence(row, by=current_user)
    flash(gettext("Taken back. Draws take the expert on these days again."), "ok")


@bp.route("/<int:expert_id>/conduct/new", methods=["GET", "POST"])
@allow("expert.edit")
def conduct(expert_id: int) -> Answer:
    expert = _editable(expert_id)
    form = ConductForm()
    if form.validate_on_submit():
        services.note_conduct(expert, form.kind.data, form.note.data, by=current_user)
        flash(gettext("Noted. A breach takes the expert out of the draw at once."), "ok")
        return redirect(url_for("experts.show", expert_id=expert.id), code=303)
    return _form_page(expert, form, gettext("Note conduct"), gettext("Note the conduct"))


@bp.route("/<int:expert_id>/interests/new", methods=["GET", "POST"])
@allow("expert.edit")
def declare_for(expert_id: int) -> Answer:
    expert = _editable(expert_id)
    return _declare(
        expert.person, visible_organizations(current_user), url_for("experts.show", expert_id=expert.id)
    )


@bp.get("/own")
@allow("expert.declare")
def own() -> str:
    pools = queries.of_person(current_user.person_id)
    return render_template(
        "experts/own.html",
        # Days are noted for every pool at once: each is shown once.
        away=list(
            {
                (item.starts_on, item.ends_on): item
                for pool in pools
                for item in pool.absences
                if item.ends_on >= clock.today()
            }.values()
        ),
        work=employments_of(current_user.person_id),
        kin=relatives_of(current_user.person_id),
        relations=RELATIONS,
        in_a_pool=bool(pools),
        **_interests(current_user.person_id),
    )


@bp.route("/own/declare", methods=["GET", "POST"])
@allow("expert.declare")
def declare() -> Answer:
    """An expert declares; the organizations are those of the units that may draw this expert."""
    agencies = [item.agency for item in current_user.held("expert.declare") if item.agency is not None]
    within = select(Organization).where(
        Organization.agency_id.in_(subtree(agencies).with_only_columns(Agency.id).order_by(None))
    )
    return _declare(current_user.person, within, url_for("experts.own"))


def _declare(person: Person, within: Select[Any], back: str) -> Answer:
    form = OrganizationInterestForm()
    if form.validate_on_submit():
        organization = named(within, form.organization.data)
        if organization is None:
            form.organization.errors = [
                gettext(
                    "No organization of exactly this name or code is on the register. Copy it from the certificate."
                )
            ]
        else:
            try:
                declare_interest(
                    person,
                    organization,
                    form.kind.data,
                    form.since.data,
                    until=form.until.data,
                    position=form.position.data or "",
                    note=form.note.data or "",
                    by=current_user,
                )
                flash(gettext("The tie is noted; draws and approvals ask about it from now on."), "ok")
                return redirect(back, code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return (
        render_template("experts/declare.html", form=form, person=person, back=back),
        422 if form.is_submitted() else 200,
    )
