"""Party organizations: the list, one with its organizations, papers and checklists, and its forms."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import serve, store
from core.text import N_
from core.web import tables
from core.web.forms import sent_day
from core.web.gate import allow
from core.web.words import say
from registry.accounts.models import User
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.organizations.queries import named, visible_organizations
from registry.party_orgs import queries, services
from registry.party_orgs.forms import (
    CoverForm,
    EditOrgForm,
    EndOrgForm,
    FoundOrgForm,
    OrgFilterForm,
    PaperForm,
    check_form,
)
from registry.party_orgs.models import (
    CHECKS,
    MARKS,
    ORG_FORMS,
    ORG_KINDS,
    PAPERS,
    PartyCover,
    PartyOrg,
)
from registry.party_orgs.reports import ORGS
from registry.party_orgs.rules import FULL_MARK, SOURCES
from registry.persons.models import Person
from registry.persons.services import record_person

bp = Blueprint("party_orgs", __name__, url_prefix="/party-organizations")
Answer = str | tuple[str, int] | Response

EVENTS = {
    "founded": N_("Founded"),
    "edited": N_("Entry changed"),
    "covered": N_("Organization joined"),
    "uncovered": N_("Organization left"),
    "ended": N_("Ended"),
    "paper_kept": N_("Paper kept"),
    "checked": N_("Checklist filled in"),
}
VIEWS = {
    "alive": N_("existing"),
    "good": N_("with the eight and the six"),
    "not_good": N_("not with the eight and the six"),
    "papers_missing": N_("list, chart or table missing"),
}
SCHEMES = {"eight": N_("The eight things it has"), "six": N_("The six things it does well")}


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "party.overview"


@bp.get("/", endpoint="list")
@allow("party.read")
def list_orgs() -> str:
    table = tables.show(
        ORGS,
        current_user,
        joinedload(PartyOrg.secretary),
        selectinload(PartyOrg.covers).joinedload(PartyCover.organization),
    )
    day = queries.asked_day(request.args.get("on", "")) or clock.today()
    return render_template(
        "party_orgs/list.html",
        form=OrgFilterForm(request.args),
        table=table,
        page=table.page,
        kinds=ORG_KINDS,
        forms=ORG_FORMS,
        views=VIEWS,
        counts=queries.org_figures(current_user, day),
        view=request.args.get("view", ""),
        may_edit=current_user.may_somewhere("party.edit"),
    )


def _org(party_org_id: int) -> PartyOrg:
    return queries.org_in_scope(current_user, party_org_id) or abort(404)


def _editable(party_org_id: int) -> PartyOrg:
    row = _org(party_org_id)
    return row if current_user.may("party.edit", agency_id=row.agency_id) else abort(404)


def _to(row: PartyOrg, message: str) -> Response:
    flash(message, "ok")
    return redirect(url_for("party_orgs.show", party_org_id=row.id), code=303)


@bp.get("/<int:party_org_id>")
@allow("party.read")
def show(party_org_id: int) -> str:
    row = _org(party_org_id)
    checks = queries.checks_of(row)
    papers = queries.papers_of(row)
    latest_papers = {paper.kind: paper for paper in reversed(papers)}
    latest = {check.scheme: check for check in reversed(checks)}
    people = {check.assessor_id for check in checks}
    return render_template(
        "party_orgs/show.html",
        today=clock.today(),
        row=row,
        kinds=ORG_KINDS,
        forms=ORG_FORMS,
        schemes=SCHEMES,
        items=CHECKS,
        marks=MARKS,
        full=FULL_MARK,
        latest=latest,
        checks=checks,
        papers=PAPERS,
        latest_papers=latest_papers,
        assessors={
            user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(people)))
        },
        readable={
            item.organization_id
            for item in row.covers
            if item.organization.agency_id in current_user.agency_ids("party.read")
        },
        may_edit=current_user.may("party.edit", agency_id=row.agency_id) and row.until is None,
        history=history_of(row),
        events=EVENTS,
        source=SOURCES["P6"],
    )


def _secretary(form: Any, known: Person | None = None) -> Person | None:
    name, phone = (form.secretary.data or "").strip(), (form.secretary_phone.data or "").strip()
    if not name:
        return None
    if known is not None and (name, phone) == (known.name, known.phone):
        return known
    return record_person(name, phone=phone, by=current_user)


def _named(field: Any) -> Organization | None:
    """The organization a field names, with the error at the field when there is none."""
    found = named(visible_organizations(current_user), field.data)
    if found is None:
        field.errors = [gettext("No organization of this name or code is on your register.")]
    return found


@bp.route("/new", methods=["GET", "POST"])
@allow("party.edit")
def found() -> Answer:
    agencies = [
        *db.session.scalars(
            select(Agency).where(Agency.id.in_(current_user.agency_ids("party.edit"))).order_by(Agency.path)
        )
    ]
    form = FoundOrgForm(agencies, data={"organization": request.args.get("organization", "")})
    if form.validate_on_submit():
        organization = _named(form.organization) if (form.organization.data or "").strip() else None
        if not form.organization.errors:
            try:
                row = services.found_org(
                    db.session.get_one(Agency, int(form.agency.data)),
                    name=form.name.data,
                    kind=form.kind.data,
                    form=form.form.data,
                    superior=form.superior.data,
                    founded_on=form.founded_on.data,
                    secretary=_secretary(form),
                    by=current_user,
                )
                if organization is not None:
                    services.cover(row, organization, since=form.founded_on.data, by=current_user)
                return _to(row, gettext("The party organization is entered."))
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return render_template("party_orgs/found.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/<int:party_org_id>/edit", methods=["GET", "POST"])
@allow("party.edit")
def edit(party_org_id: int) -> Answer:
    row = _editable(party_org_id)
    known = row.secretary
    form = EditOrgForm(
        data={
            "name": row.name,
            "form": row.form,
            "superior": row.superior,
            "secretary": known.name if known else "",
            "secretary_phone": known.phone if known else "",
        }
    )
    if form.validate_on_submit():
        try:
            services.edit_org(
                row,
                name=form.name.data,
                form=form.form.data,
                superior=form.superior.data,
                secretary=_secretary(form, known),
                by=current_user,
            )
            return _to(row, gettext("The entry is changed."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(row, form, N_("Change the party organization"), N_("Keep the changes"))


@bp.route("/<int:party_org_id>/end", methods=["GET", "POST"])
@allow("party.edit")
def end(party_org_id: int) -> Answer:
    row, form = _editable(party_org_id), EndOrgForm()
    if form.validate_on_submit():
        try:
            services.end_org(row, reason=form.reason.data, by=current_user)
            return _to(row, gettext("The party organization ends today; its history stays."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(row, form, N_("End the party organization"), N_("End it today"))


@bp.route("/<int:party_org_id>/organizations/new", methods=["GET", "POST"])
@allow("party.edit")
def cover(party_org_id: int) -> Answer:
    row, form = _editable(party_org_id), CoverForm()
    if form.validate_on_submit():
        organization = _named(form.organization)
        if organization is not None:
            try:
                services.cover(row, organization, since=form.since.data, by=current_user)
                return _to(row, gettext("%(name)s belongs to it now.", name=organization.name))
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return _record(row, form, N_("Add an organization it covers"), N_("Add the organization"))


@bp.post("/covers/<int:cover_id>/end")
@allow("party.edit")
def uncover(cover_id: int) -> Response:
    made = db.session.get(PartyCover, cover_id) or abort(404)
    row = _editable(made.party_org_id)
    services.uncover(made, on=sent_day("on"), by=current_user)
    return _to(row, gettext("The day the organization leaves the party organization is noted."))


@bp.route("/<int:party_org_id>/papers/new", methods=["GET", "POST"])
@allow("party.edit")
def paper(party_org_id: int) -> Answer:
    row, form = _editable(party_org_id), PaperForm(data={"kind": request.args.get("kind", "duties")})
    if form.validate_on_submit():
        try:
            file = store(form.file.data.stream, form.file.data.filename, by=current_user)
            services.keep_paper(row, form.kind.data, dated_on=form.dated_on.data, file=file, by=current_user)
            return _to(row, gettext("The paper is kept."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(row, form, N_("Keep a list, chart or table"), N_("Keep the paper"))


@bp.route("/<int:party_org_id>/checks/<any(eight,six):scheme>/new", methods=["GET", "POST"])
@allow("party.edit")
def check(party_org_id: int, scheme: str) -> Answer:
    row, form = _editable(party_org_id), check_form(scheme)
    if form.validate_on_submit():
        try:
            sent = {item: form[f"file_{item}"].data for item in CHECKS[scheme]}
            services.record_check(
                row,
                scheme,
                assessed_on=form.assessed_on.data,
                marks={item: int(form[f"mark_{item}"].data) for item in CHECKS[scheme]},
                notes={item: form[f"note_{item}"].data or "" for item in CHECKS[scheme]},
                files={
                    item: store(file.stream, file.filename, by=current_user)
                    for item, file in sent.items()
                    if file and file.filename
                },
                note=form.note.data or "",
                by=current_user,
            )
            return _to(row, gettext("The checklist is filled in."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("party_orgs/check.html", form=form, row=row, title=SCHEMES[scheme], items=CHECKS[scheme]),
        422 if form.is_submitted() else 200,
    )  # fmt: skip


@bp.get("/<int:party_org_id>/files/<int:file_id>")
@allow("party.read")
def file(party_org_id: int, file_id: int) -> Response:
    stored: StoredFile = queries.stored_for_org(_org(party_org_id), file_id) or abort(404)
    return serve(stored)


def _record(row: PartyOrg, form: Any, title: str, action: str) -> tuple[str, int]:
    return (
        render_template("party_orgs/record.html", row=row, form=form, title=title, action=action),
        422 if form.is_submitted() else 200,
    )
