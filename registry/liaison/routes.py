"""Liaison officers and their notices, a unit's page, and what is not covered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.paging import paginate
from core.web.words import say
from registry.agencies.models import KINDS, Agency
from registry.agencies.queries import (
    administered_agencies,
    predecessors_of,
    present_unit,
    sections_of,
    standing,
    terms_of,
    today_standing,
    visible_agencies,
)
from registry.liaison import forms, queries, reports, services
from registry.liaison.models import LiaisonNotice, LiaisonReceipt
from registry.organizations.models import Organization
from registry.organizations.queries import named, visible_organizations
from registry.persons.services import record_person

bp = Blueprint("liaison", __name__, url_prefix="/liaison")

navigation.add_entry(
    "liaison.notices", N_("Liaison"), icon="inbox", group="register", order=82, permissions=("liaison.read",)
)

EVENTS = {
    "appointed": N_("Appointed"),
    "term_ended": N_("Term ended"),
    "published": N_("Published"),
    "read_by": N_("Read"),
    "told": N_("Told otherwise"),
    "reminded": N_("Reminded"),
}
UNIT_EVENTS = {
    "created": N_("Unit added"),
    "changed": N_("Name, division or place changed"),
    "dissolved": N_("Unit dissolved"),
    "section_added": N_("Section added"),
    "section_closed": N_("Section closed"),
    "file_layout_set": N_("Layout of the file set"),
    "payment_layout_set": N_("Layout of payment files set"),
}
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    units = ("liaison.unit", "liaison.coverage", "liaison.gaps")
    g.menu_entry = "accounts.units" if request.endpoint in units else "liaison.notices"


def tasks(user: Any) -> Iterable[navigation.Task]:
    """Notices that a liaison officer has not read."""
    for row in queries.own_receipts(user, unread=True):
        yield navigation.Task(
            title=Message(N_("Read the notice “%(title)s”"), {"title": row.notice.title}),
            url=url_for("liaison.show", notice_id=row.notice_id),
            action=Message(N_("Read and confirm")),
            due=row.notice.due_on,
            meta=Message(N_("from %(unit)s"), {"unit": row.notice.agency.name}),
        )


navigation.add_tasks("liaison", tasks)


def _keeping() -> Sequence[Agency]:
    ids = current_user.agency_ids("liaison.keep")
    return db.session.scalars(
        select(Agency).where(Agency.id.in_(ids), standing(clock.today())).order_by(Agency.path)
    ).all()


# Officers


@bp.get("/officers")
@allow("liaison.read")
def officers() -> str:
    table = tables.show(reports.OFFICERS, current_user)
    return render_template(
        "liaison/officers.html",
        table=table,
        page=table.page,
        keeps=current_user.agency_ids("liaison.keep"),
        q=request.args.get("q", ""),
    )


@bp.route("/officers/new", methods=["GET", "POST"])
@allow("liaison.keep")
def appoint() -> Answer:
    units = db.session.scalars(today_standing(current_user)).all()
    form = forms.OfficerForm(
        _keeping(), units, data={"since": clock.today(), "unit": request.args.get("unit")}
    )
    if form.validate_on_submit():
        organization = None
        if form.organization.data:
            organization = named(visible_organizations(current_user), form.organization.data)
        if form.organization.data and organization is None:
            form.organization.errors = [
                gettext("No organization of exactly this name or code is on the register. Copy it from the certificate.")
            ]  # fmt: skip
        else:
            try:
                services.appoint(
                    db.session.get_one(Agency, int(form.agency.data)),
                    record_person(form.name.data, phone=form.phone.data, by=current_user),
                    form.since.data,
                    unit=db.session.get_one(Agency, int(form.unit.data)) if form.unit.data else None,
                    organization=organization,
                    by=current_user,
                )
                flash(gettext("The liaison officer is appointed."), "ok")
                return redirect(url_for("liaison.officers"), code=303)
            except Refusal as refusal:
                form.form_errors.append(say(refusal.sentence))
    return _form_page(
        form, gettext("Appoint a liaison officer"), gettext("Appoint"), url_for("liaison.officers")
    )


def _form_page(form: Any, title: str, act: str, back: str, **more: Any) -> Answer:
    page = render_template("components/form_page.html", form=form, title=title, act=act, back=back, **more)
    return page, 422 if form.is_submitted() else 200


@bp.route("/officers/<int:officer_id>/end", methods=["GET", "POST"])
@allow("liaison.keep")
def end(officer_id: int) -> Answer:
    row = queries.editable_officer(current_user, officer_id)
    if row is None:
        abort(404)
    form = forms.EndForm(data={"until": clock.today()})
    if form.validate_on_submit():
        try:
            services.end_term(row, form.until.data, by=current_user)
            flash(gettext("The last day is noted."), "ok")
            return redirect(url_for("liaison.officers"), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(
        form, gettext("End the term"), gettext("End the term"), url_for("liaison.officers"),
        intro=f"{row.person.name} · {row.place_name}",
    )  # fmt: skip


# Notices


@bp.get("/")
@allow("liaison.read")
def notices() -> str:
    table = tables.show(reports.NOTICES, current_user)
    return render_template(
        "liaison/notices.html",
        table=table,
        page=table.page,
        counts=queries.read_counts([row.id for row in table.page.rows]),
    )


@bp.get("/receipts")
@allow("liaison.read")
def receipts() -> str:
    table = tables.show(reports.RECEIPTS, current_user)
    return render_template(
        "liaison/receipts.html", table=table, page=table.page, form=forms.ReceiptFilter(request.args)
    )


@bp.get("/own")
@allow.signed_in
def own() -> str:
    """What was sent to the reader."""
    return render_template("liaison/own.html", receipts=queries.own_receipts(current_user))


@bp.route("/new", methods=["GET", "POST"])
@allow("liaison.keep")
def publish() -> Answer:
    form = forms.NoticeForm(_keeping())
    if form.validate_on_submit():
        try:
            notice = services.publish_notice(
                db.session.get_one(Agency, int(form.agency.data)),
                form.title.data,
                form.text.data,
                due_on=form.due_on.data,
                by=current_user,
            )
            flash(gettext("The notice is published; who reads it shows below."), "ok")
            return redirect(url_for("liaison.show", notice_id=notice.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _form_page(
        form,
        gettext("Publish a notice to liaison officers"),
        gettext("Send the notice to the officers"),
        url_for("liaison.notices"),
        intro=gettext("It goes to the officers of your unit and of the units under it."),
    )


@bp.get("/<int:notice_id>")
@allow.signed_in
def show(notice_id: int) -> str:
    return _notice_page(_notice(notice_id))


def _notice(notice_id: int) -> LiaisonNotice:
    return queries.notice_in_scope(current_user, notice_id) or abort(404)


def _notice_page(notice: LiaisonNotice) -> str:
    office = notice.agency_id in current_user.agency_ids("liaison.read")
    mine = [row for row in queries.receipts_of(notice) if row.person_id == current_user.person_id]
    return render_template(
        "liaison/show.html",
        notice=notice,
        office=office,
        receipts=queries.receipts_of(notice) if office else mine,
        unread=any(row.read_at is None for row in mine),
        mine=mine,
        may_keep=current_user.may("liaison.keep", agency_id=notice.agency_id),
        events=history_of(notice) if office else [],
        words=EVENTS,
    )


@bp.post("/<int:notice_id>/reading")
@allow.signed_in
def read(notice_id: int) -> Response:
    """The officer confirms the reading: looking at a page alone writes nothing."""
    notice = _notice(notice_id)
    if not services.confirm_reading(notice, by=current_user):
        raise Refusal(
            Message(N_("This notice does not wait for you: it was read, or sent to somebody else.")),
            status=409,
        )
    flash(gettext("Your reading is noted."), "ok")
    return redirect(url_for("liaison.show", notice_id=notice.id), code=303)


@bp.post("/<int:notice_id>/reminder")
@allow("liaison.keep")
def remind(notice_id: int) -> Response:
    notice = db.session.scalar(
        select(LiaisonNotice).where(
            LiaisonNotice.id == notice_id,
            LiaisonNotice.agency_id.in_(current_user.agency_ids("liaison.keep")),
        )
    )
    if notice is None:
        abort(404)
    count = services.remind(notice, by=current_user)
    flash(gettext("%(count)s officers are reminded.", count=count), "ok")
    return redirect(url_for("liaison.show", notice_id=notice.id), code=303)


@bp.route("/receipts/<int:receipt_id>/told", methods=["GET", "POST"])
@allow("liaison.keep")
def told(receipt_id: int) -> Answer:
    """An officer was told by telephone or in person."""
    row = db.session.scalar(
        select(LiaisonReceipt)
        .join(LiaisonReceipt.notice)
        .where(
            LiaisonReceipt.id == receipt_id,
            LiaisonReceipt.read_at.is_(None),
            LiaisonNotice.agency_id.in_(current_user.agency_ids("liaison.keep")),
        )
    )
    if row is None:
        abort(404)
    form, back = forms.ToldForm(), url_for("liaison.show", notice_id=row.notice_id)
    if form.validate_on_submit():
        services.note_told(row, form.how.data, by=current_user)
        flash(gettext("Noted."), "ok")
        return redirect(back, code=303)
    return _form_page(
        form, gettext("Note that the officer was told"), gettext("Note it"), back, intro=row.person.name
    )


# A unit and what is not covered


@bp.get("/units/<int:agency_id>")
@allow("agency.read")
def unit(agency_id: int) -> str:
    """A unit: what it was when, its sections, who takes which step there, who answers for it."""
    agency = db.session.scalar(visible_agencies(current_user).where(Agency.id == agency_id))
    if agency is None:
        abort(404)
    kept = db.session.scalars(administered_agencies(current_user)).all()
    return render_template(
        "liaison/unit.html",
        agency=agency,
        kinds=KINDS,
        terms=terms_of(agency),
        sections=sections_of(agency),
        predecessors=predecessors_of(agency),
        now=present_unit(agency),
        children=db.session.scalars(
            visible_agencies(current_user).where(Agency.parent_id == agency.id, Agency.successor_id.is_(None))
        ).all(),
        powers=queries.powers_of(agency),
        officers=queries.officers_of_unit(agency),
        today=clock.today(),
        may_manage=current_user.may_somewhere("account.manage") and agency in kept,
        may_appoint=current_user.may_somewhere("liaison.keep"),
        events=history_of(agency),
        words=UNIT_EVENTS,
    )


@bp.get("/coverage")
@allow("liaison.read")
def coverage() -> str:
    """Which townships, communities and organizations nobody answers for; each figure opens."""
    return render_template(
        "liaison/coverage.html",
        rows=[
            (what, label, tables.summary(queries.gap(current_user, what))[0])
            for what, label in queries.GAPS.items()
        ],
    )


@bp.get("/coverage/<what>")
@allow("liaison.read")
def gaps(what: str) -> str:
    if what not in queries.GAPS:
        abort(404)
    query = queries.gap(current_user, what)
    keys = (Agency.path, False) if what.startswith("units") else (Organization.sort_key, False)
    last = (Agency.id, False) if what.startswith("units") else (Organization.id, False)
    return render_template(
        "liaison/gaps.html",
        what=what,
        title_id=queries.GAPS[what],
        page=paginate(query, keys, last),
        units=what.startswith("units"),
        may_appoint=current_user.may_somewhere("liaison.keep") and what == "units_officer",
    )
