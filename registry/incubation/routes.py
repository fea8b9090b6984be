"""Incubation: places and who runs them, hosted organizations, the ledger of services, spaces, coverage."""

from __future__ import annotations

from datetime import timedelta
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
from core.files.services import serve, store
from core.text import N_
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.incubation import queries, services
from registry.incubation.forms import (
    AdmitForm,
    BookForm,
    CloseForm,
    EditPlaceForm,
    FilterForm,
    LeaveForm,
    LedgerFilterForm,
    OpenPlaceForm,
    OperatorForm,
    ServiceForm,
    SpaceForm,
    StrikeForm,
    TargetForm,
)
from registry.incubation.models import (
    LEVELS,
    OUTCOMES,
    SERVICES,
    SLOTS,
    TERMS,
    USES,
    HostedStay,
    IncubationService,
    Incubator,
    IncubatorOperator,
    IncubatorSpace,
)
from registry.incubation.reports import LEDGER, PLACES, SPACES, STAYS
from registry.incubation.rules import coverage_finding, operator_finding
from registry.organizations.models import Organization
from registry.organizations.queries import named, own_organizations, tags_on, visible_organizations

bp = Blueprint("incubation", __name__, url_prefix="/incubation")
Answer = str | tuple[str, int] | Response

navigation.add_entry(
    "incubation.list",
    N_("Incubation"),
    icon="heart",
    group="register",
    order=50,
    permissions=("incubation.read", "own.read"),
)

EVENTS = {
    "place_opened": N_("Place opened"),
    "edited": N_("Entry changed"),
    "place_closed": N_("Place closed"),
    "operator_set": N_("Operator set"),
    "admitted": N_("Organization admitted"),
    "stay_ended": N_("Organization left the place"),
    "space_offered": N_("Space offered"),
    "space_withdrawn": N_("Space withdrawn"),
}
SERVICE_EVENTS = {"recorded": N_("Service recorded"), "struck_out": N_("Line struck out")}
BOOKING_EVENTS = {"booked": N_("Space booked"), "booking_cancelled": N_("Booking cancelled")}
TARGET_EVENTS = {"target_set": N_("Target of coverage set")}


@bp.app_context_processor
def words() -> dict[str, Any]:
    return {"INCUBATION_LEVELS": LEVELS, "INCUBATION_SERVICES": SERVICES, "INCUBATION_USES": USES}


@bp.get("/", endpoint="list")
@allow("incubation.read", "own.read")
def list_places() -> str:
    table = tables.show(
        PLACES,
        current_user,
        joinedload(Incubator.parent),
        selectinload(Incubator.operators).joinedload(IncubatorOperator.organization),
    )
    office = current_user.may_somewhere("incubation.read")
    year = clock.today().year
    return render_template(
        "incubation/list.html",
        form=FilterForm(request.args),
        table=table,
        page=table.page,
        hosted=queries.hosted_by_place([row.id for row in table.page.rows]),
        operator_of=queries.operator_of,
        counts=queries.figures(current_user, year) if office else None,
        year=year,
        level=request.args.get("level", ""),
        may_edit=current_user.may_somewhere("incubation.edit"),
    )


def _place(incubator_id: int) -> Incubator:
    return queries.place_in_scope(current_user, incubator_id) or abort(404)


def _editable(incubator_id: int) -> Incubator:
    row = _place(incubator_id)
    return row if queries.may_edit(current_user, row) else abort(404)


def _to(row: Incubator, message: str) -> Response:
    flash(message, "ok")
    return redirect(url_for("incubation.show", incubator_id=row.id), code=303)


def _record(form: Any, title: str, action: str, *, back: str, name: str) -> tuple[str, int]:
    return (
        render_template("incubation/record.html", form=form, title=title, action=action, back=back, name=name),
        422 if form.is_submitted() else 200,
    )  # fmt: skip


def _back(row: Incubator) -> dict[str, str]:
    return {"back": url_for("incubation.show", incubator_id=row.id), "name": row.name}


def _named(field: Any) -> Organization | None:
    """The organization a field names, with the error at the field when there is none."""
    found = named(visible_organizations(current_user), field.data)
    if found is None:
        field.errors = [gettext("No organization of this name or code is on your register.")]
    return found


@bp.get("/<int:incubator_id>")
@allow("incubation.read", "own.read")
def show(incubator_id: int) -> str:
    row = _place(incubator_id)
    operator = queries.operator_of(row)
    units = current_user.agency_ids("organization.read")
    own = current_user.organization_ids("own.read")
    return render_template(
        "incubation/show.html",
        row=row,
        operator=operator,
        finding=operator_finding(tags_on(operator.organization_id, clock.today())) if operator else None,
        below=queries.places_below(row),
        readable=current_user.agency_ids("incubation.read"),
        stays=queries.stays_in(row),
        services=queries.services_of(row),
        outcomes=OUTCOMES,
        terms=TERMS,
        may_see_parent=row.parent is not None
        and current_user.may("incubation.read", agency_id=row.parent.agency_id),
        may_follow=lambda body: body.agency_id in units or body.id in own,
        may_edit=queries.may_edit(current_user, row) and row.until is None,
        may_record=queries.may_record(current_user, row) and row.until is None,
        history=history_of(row),
        events=EVENTS,
    )


def _keeping() -> dict[str, Agency]:
    """The units at which this person keeps incubation."""
    ids = current_user.agency_ids("incubation.edit")
    return {
        str(item.id): item
        for item in db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path))
    }


@bp.route("/new", methods=["GET", "POST"], endpoint="open")
@allow("incubation.edit")
def open_place() -> Answer:
    agencies = _keeping()
    above = {str(item.id): item for item in queries.places_above(current_user)}
    first = next(iter(agencies.values()))
    form = OpenPlaceForm(
        [*agencies.values()],
        [*above.values()],
        data={"division_code": request.args.get("division") or first.division_code, "uses": ["incubation"]},
    )
    if form.validate_on_submit():
        try:
            row = services.open_place(
                agencies[form.agency.data],
                level=form.level.data,
                name=form.name.data,
                division_code=form.division_code.data,
                opened_on=form.opened_on.data,
                parent=above.get(form.parent.data or ""),
                address=form.address.data or "",
                area=form.area.data,
                uses=form.uses.data,
                by=current_user,
            )
            return _to(row, gettext("The place is entered. Name its operator next."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("incubation/open.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/<int:incubator_id>/edit", methods=["GET", "POST"])
@allow("incubation.edit")
def edit(incubator_id: int) -> Answer:
    row = _editable(incubator_id)
    form = EditPlaceForm(data={"name": row.name, "address": row.address, "area": row.area, "uses": row.uses})
    if form.validate_on_submit():
        try:
            services.edit_place(
                row,
                name=form.name.data,
                address=form.address.data or "",
                area=form.area.data,
                uses=form.uses.data,
                by=current_user,
            )
            return _to(row, gettext("The entry is changed."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(form, N_("Change the place"), N_("Keep the changes"), **_back(row))


@bp.route("/<int:incubator_id>/close", methods=["GET", "POST"])
@allow("incubation.edit")
def close(incubator_id: int) -> Answer:
    row, form = _editable(incubator_id), CloseForm()
    if form.validate_on_submit():
        try:
            services.close_place(row, reason=form.reason.data, by=current_user)
            return _to(row, gettext("The place closes today; its history stays."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(form, N_("Close the place"), N_("Close it today"), **_back(row))


@bp.route("/<int:incubator_id>/operator", methods=["GET", "POST"])
@allow("incubation.edit")
def operator(incubator_id: int) -> Answer:
    row, form = _editable(incubator_id), OperatorForm()
    if form.validate_on_submit():
        organization = _named(form.organization)
        if organization is not None:
            try:
                services.set_operator(
                    row,
                    organization,
                    since=form.since.data,
                    contract=form.contract.data or "",
                    by=current_user,
                )
                return _to(row, gettext("The operator is named."))
            except Refusal as refusal:
                source = gettext("Source: %(source)s", source=refusal.source) if refusal.source else ""
                form.form_errors.append(f"{say(refusal.sentence)} {refusal.rule} {source}".strip())
    return _record(form, N_("Name the operator"), N_("Name the operator"), **_back(row))


# Hosting ----------------------------------------------------------------------------------------


@bp.route("/<int:incubator_id>/hosted/new", methods=["GET", "POST"])
@allow("incubation.edit")
def admit(incubator_id: int) -> Answer:
    row, form = _editable(incubator_id), AdmitForm()
    if form.validate_on_submit():
        organization = _named(form.organization)
        if organization is not None:
            try:
                services.admit(
                    row, organization, since=form.since.data, note=form.note.data or "", by=current_user
                )
                return _to(row, gettext("%(name)s is hosted here now.", name=organization.name))
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return _record(form, N_("Admit an organization"), N_("Admit the organization"), **_back(row))


@bp.route("/hosted/<int:stay_id>/leave", methods=["GET", "POST"])
@allow("incubation.edit")
def leave(stay_id: int) -> Answer:
    stay = db.session.scalar(
        select(HostedStay)
        .join(HostedStay.incubator)
        .where(
            HostedStay.id == stay_id,
            Incubator.agency_id.in_(current_user.agency_ids("incubation.edit")),
        )
        .options(joinedload(HostedStay.incubator), joinedload(HostedStay.organization))
    ) or abort(404)
    form = LeaveForm()
    if form.validate_on_submit():
        try:
            services.leave(
                stay,
                until=form.until.data,
                outcome=form.outcome.data,
                note=form.note.data or "",
                by=current_user,
            )
            return _to(stay.incubator, gettext("The stay ends with its outcome."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(
        form,
        N_("How the organization leaves"),
        N_("End the stay"),
        back=url_for("incubation.show", incubator_id=stay.incubator_id),
        name=stay.organization.name,
    )


@bp.get("/hosted")
@allow("incubation.read")
def hosted() -> str:
    table = tables.show(
        STAYS, current_user, joinedload(HostedStay.incubator), joinedload(HostedStay.organization)
    )
    return render_template(
        "incubation/hosted.html",
        table=table,
        page=table.page,
        outcomes=OUTCOMES,
        state=request.args.get("state", ""),
    )


# The ledger -------------------------------------------------------------------------------------


@bp.route("/<int:incubator_id>/services/new", methods=["GET", "POST"])
@allow("incubation.edit", "own.edit")
def serve_organization(incubator_id: int) -> Answer:
    row = _place(incubator_id)
    if not queries.may_record(current_user, row):
        abort(404)
    hosted_here = [item.organization for item in queries.stays_in(row)]
    form = ServiceForm()
    if form.validate_on_submit():
        organization = None
        text = (form.organization.data or "").strip()
        if text:
            # An operator's people know the bodies hosted here; the unit knows its register.
            organization = next(
                (item for item in hosted_here if text in (item.name, item.credit_code)), None
            ) or _named(form.organization)
        if not form.organization.errors:
            try:
                sent = form.file.data
                services.record_service(
                    row,
                    kind=form.kind.data,
                    title=form.title.data,
                    served_on=form.served_on.data,
                    minutes=form.minutes.data,
                    people=form.people.data,
                    organization=organization,
                    recipient=form.recipient.data or "",
                    account=form.account.data or "",
                    file=store(sent.stream, sent.filename, by=current_user)
                    if sent and sent.filename
                    else None,
                    by=current_user,
                )
                return _to(row, gettext("The service stands in the ledger."))
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return _record(form, N_("Record a service"), N_("Keep the service"), **_back(row))


@bp.get("/ledger")
@allow("incubation.read")
def ledger() -> str:
    table = tables.show(
        LEDGER,
        current_user,
        joinedload(IncubationService.incubator),
        joinedload(IncubationService.organization),
    )
    everything = queries.visible_services(current_user).where(IncubationService.struck_on.is_(None))
    return render_template(
        "incubation/ledger.html",
        form=LedgerFilterForm(request.args),
        table=table,
        page=table.page,
        counts=tables.counts_by(everything, IncubationService.kind, [*SERVICES]),
        kind=request.args.get("kind", ""),
    )


def _service(service_id: int) -> IncubationService:
    return queries.service_in_scope(current_user, service_id) or abort(404)


@bp.get("/services/<int:service_id>")
@allow("incubation.read", "own.read")
def show_service(service_id: int) -> str:
    made = _service(service_id)
    return render_template(
        "incubation/show_service.html",
        made=made,
        place=made.incubator,
        may_strike=made.struck_on is None and queries.may_edit(current_user, made.incubator),
        history=history_of(made),
        events=SERVICE_EVENTS,
    )


@bp.get("/services/<int:service_id>/file")
@allow("incubation.read", "own.read")
def proof(service_id: int) -> Response:
    made = _service(service_id)
    if made.file is None:
        abort(404)
    return serve(made.file, inline_image=True)


@bp.route("/services/<int:service_id>/strike", methods=["GET", "POST"])
@allow("incubation.edit")
def strike(service_id: int) -> Answer:
    made = _service(service_id)
    if not queries.may_edit(current_user, made.incubator):
        abort(404)
    form = StrikeForm()
    if form.validate_on_submit():
        try:
            services.strike_service(made, why=form.why.data, by=current_user)
            flash(gettext("The line is struck out; it counts no more and stays to be read."), "ok")
            return redirect(url_for("incubation.show_service", service_id=made.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(
        form,
        N_("Strike out the line"),
        N_("Strike it out"),
        back=url_for("incubation.show_service", service_id=made.id),
        name=made.title,
    )


# Space ------------------------------------------------------------------------------------------


@bp.get("/spaces")
@allow("incubation.read", "own.read")
def spaces() -> str:
    table = tables.show(SPACES, current_user, joinedload(IncubatorSpace.incubator))
    return render_template("incubation/spaces.html", table=table, page=table.page, terms=TERMS)


@bp.route("/<int:incubator_id>/spaces/new", methods=["GET", "POST"])
@allow("incubation.edit")
def space(incubator_id: int) -> Answer:
    row, form = _editable(incubator_id), SpaceForm()
    if form.validate_on_submit():
        try:
            services.offer_space(
                row,
                name=form.name.data,
                seats=form.seats.data,
                terms=form.terms.data,
                price=form.price.data,
                equipment=form.equipment.data or "",
                by=current_user,
            )
            return _to(row, gettext("The space is offered."))
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(form, N_("Offer a space"), N_("Offer the space"), **_back(row))


def _space(space_id: int) -> IncubatorSpace:
    return queries.space_in_scope(current_user, space_id) or abort(404)


@bp.get("/spaces/<int:space_id>")
@allow("incubation.read", "own.read")
def show_space(space_id: int) -> str:
    row = _space(space_id)
    return render_template(
        "incubation/show_space.html",
        row=row,
        bookings=queries.bookings_of(row, since=clock.today() - timedelta(days=7)),
        terms=TERMS,
        slots=SLOTS,
        own=current_user.organization_ids("own.edit"),
        may_edit=queries.may_edit(current_user, row.incubator),
        may_read=current_user.may("incubation.read", agency_id=row.incubator.agency_id),
        may_book=row.offered
        and row.incubator.until is None
        and (current_user.may_somewhere("own.edit") or queries.may_edit(current_user, row.incubator)),
    )


@bp.post("/spaces/<int:space_id>/withdraw")
@allow("incubation.edit")
def withdraw(space_id: int) -> Response:
    row = _space(space_id)
    if not queries.may_edit(current_user, row.incubator):
        abort(404)
    services.withdraw_space(row, by=current_user)
    flash(gettext("The space is offered no more; bookings made stand."), "ok")
    return redirect(url_for("incubation.show_space", space_id=row.id), code=303)


@bp.route("/spaces/<int:space_id>/book", methods=["GET", "POST"])
@allow("incubation.edit", "own.edit")
def book(space_id: int) -> Answer:
    row = _space(space_id)
    own = current_user.organization_ids("own.edit")
    keeps = queries.may_edit(current_user, row.incubator)
    if not (keeps or own):
        abort(404)
    mine = own_organizations(current_user)
    form = BookForm(data={"organization": mine[0].name if mine and not keeps else ""})
    if form.validate_on_submit():
        organization = _named(form.organization)
        if organization is not None and not keeps and organization.id not in own:
            form.organization.errors = [gettext("You book for your own organization.")]
        elif organization is not None:
            try:
                services.book_space(
                    row,
                    organization,
                    day=form.day.data,
                    slot=form.slot.data,
                    purpose=form.purpose.data,
                    by=current_user,
                )
                flash(gettext("The space is booked."), "ok")
                return redirect(url_for("incubation.show_space", space_id=row.id), code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return _record(
        form,
        N_("Book the space"),
        N_("Book half a day"),
        back=url_for("incubation.show_space", space_id=row.id),
        name=row.name,
    )


@bp.post("/bookings/<int:booking_id>/cancel")
@allow("incubation.edit", "own.edit")
def cancel(booking_id: int) -> Response:
    booking = queries.booking_to_cancel(current_user, booking_id) or abort(404)
    services.cancel_booking(booking, by=current_user)
    flash(gettext("The booking is taken back."), "ok")
    return redirect(url_for("incubation.show_space", space_id=booking.space_id), code=303)


# Coverage ---------------------------------------------------------------------------------------


@bp.get("/coverage")
@allow("incubation.read")
def coverage() -> str:
    """Which townships have a station, against the year's target (S3-13)."""
    year = clock.today().year
    rows = queries.townships(current_user)
    target = queries.target_of(current_user, year)
    covered = sum(1 for _agency, station in rows if station is not None)
    gap = request.args.get("gap") == "1"
    return render_template(
        "incubation/coverage.html",
        rows=[item for item in rows if not gap or item[1] is None],
        total=len(rows),
        covered=covered,
        gap=gap,
        year=year,
        target=target,
        finding=coverage_finding(covered, len(rows), target.stations if target else None),
        editable=current_user.agency_ids("incubation.edit"),
    )


@bp.route("/coverage/target", methods=["GET", "POST"])
@allow("incubation.edit")
def target() -> Answer:
    agencies = _keeping()
    form = TargetForm([*agencies.values()], data={"year": clock.today().year})
    if form.validate_on_submit():
        try:
            services.set_target(
                agencies[form.agency.data],
                year=form.year.data,
                stations=form.stations.data,
                source=form.source.data,
                by=current_user,
            )
            flash(gettext("The target is kept."), "ok")
            return redirect(url_for("incubation.coverage"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _record(
        form,
        N_("Target of coverage"),
        N_("Keep the target"),
        back=url_for("incubation.coverage"),
        name=gettext("Coverage of townships"),
    )


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "incubation.list"
