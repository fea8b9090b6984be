"""Pages of the books: months and years, closed and opened again; opening balances."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from wtforms.fields import SelectChoice

from core import clock
from core.audit.queries import history_of
from core.db import db
from core.lifecycle import state_of
from core.money import Money
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.urls import asked_year
from core.web.words import month_of
from finance.books import queries, services
from finance.books.forms import OpeningForm, ReasonForm
from finance.books.imports import COLUMNS, EXAMPLES, read_opening
from finance.books.models import BookYear, OpeningImport
from finance.books.policy import Row, opening_errors
from finance.books.reports import template_workbook
from finance.books.rules import last_day
from finance.ledger.models import Period
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("books", __name__, url_prefix="/books")

navigation.add_entry(
    "books.list", N_("Months and years"), icon="cal", group="money", order=52, permissions=("fund.read",)
)
EVENTS = {
    "closed": N_("books closed"),
    "reopening_asked": N_("opening asked for"),
    "reopened": N_("books opened again"),
    "kept_closed": N_("kept closed"),
    "read": N_("table read"),
    "taken": N_("brought in"),
    "dropped": N_("the table was set aside"),
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """What somebody else began in the books and this person may end."""
    months, years = queries.waiting_reopenings(user)
    for month in months:
        yield navigation.Task(
            title=Message(N_("Books of %(month)s: opening is asked for"), {"month": month_of(month.month)}),
            url=url_for("books.month", period_id=month.id),
            action=Message(N_("Look and decide")),
        )
    for year in years:
        yield navigation.Task(
            title=Message(N_("Books of %(year)s: opening is asked for"), {"year": year.year}),
            url=url_for("books.year", year_id=year.id),
            action=Message(N_("Look and decide")),
        )
    agencies = user.agency_ids("fund.review")
    if agencies:
        waiting = queries.visible_imports(user).where(
            OpeningImport.state == "read",
            OpeningImport.agency_id.in_(agencies),
            OpeningImport.read_by != user.id,
        )
        for opening in db.session.scalars(waiting):
            yield navigation.Task(
                title=Message(N_("Opening balances to bring in: %(file)s"), {"file": opening.file_name}),
                url=url_for("books.opening", import_id=opening.id),
                action=Message(N_("Look and decide")),
            )


navigation.add_tasks("books", _tasks)


def _unit() -> Agency:
    """The unit asked for, inside the person's reach; the first of them without a wish."""
    offered = queries.units(current_user)
    wanted = request.values.get("unit", type=int)
    if wanted is None:
        own = current_user.agency_ids("fund.manage") or current_user.agency_ids("fund.review")
        return next((unit for unit in offered if unit.id in own), offered[0])
    return next((unit for unit in offered if unit.id == wanted), None) or abort(404)


def _names(*ids: int | None) -> dict[int, str]:
    wanted = {user_id for user_id in ids if user_id is not None}
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(wanted)))}


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    """The twelve months of a year of one unit's books, and the year itself."""
    unit = _unit()
    years = queries.years_of_books(unit.id)
    year = asked_year(years[0])
    rows = queries.months_of(unit.id, year)
    book_year = queries.year_of(unit.id, year)
    target = queries.next_to_close(unit.id)
    manages = current_user.may("fund.manage", agency_id=unit.id)
    return render_template(
        "books/list.html",
        unit=unit,
        units=queries.units(current_user),
        year=year,
        years=years,
        months=[date(year, number, 1) for number in range(1, 13)],
        rows=rows,
        turnover=queries.turnover_by_month(unit.id, year),
        last_day=last_day,
        today=clock.today(),
        book_year=book_year,
        year_open=queries.open_months(unit.id, year),
        target=target,
        findings=queries.findings_for(unit.id, target) if target and manages else [],
        manages=manages,
        names=_names(*(row.closed_by for row in rows.values()), book_year.closed_by if book_year else None),
    )


@bp.post("/close")
@allow("fund.manage")
def close() -> Any:
    unit = _unit()
    try:
        month = date.fromisoformat(f"{request.form.get('month', '')[:7]}-01")
    except ValueError:
        abort(400)
    closed = services.close_months(unit, month, by=current_user)
    flash(
        _(
            "The books are closed up to %(month)s (%(count)s months now).",
            month=month_of(month),
            count=len(closed),
        ),
        "ok",
    )
    return redirect(url_for("books.list", unit=unit.id, year=month.year), code=303)


@bp.post("/close-year")
@allow("fund.manage")
def close_year() -> Any:
    unit = _unit()
    year = request.form.get("year", type=int) or abort(400)
    if not 2000 <= year <= 2100:
        abort(400)
    services.close_year(unit, year, by=current_user)
    flash(_("The year %(year)s is closed.", year=year), "ok")
    return redirect(url_for("books.list", unit=unit.id, year=year), code=303)


def _show(thing: Period | BookYear, form: ReasonForm) -> str:
    return render_template(
        "books/show.html",
        thing=thing,
        year=thing if isinstance(thing, BookYear) else None,
        unit=db.session.get_one(Agency, thing.agency_id),
        state=state_of(thing),
        form=form,
        may_ask=thing.state == "closed" and current_user.may("fund.manage", agency_id=thing.agency_id),
        may_agree=thing.state == "reopening"
        and thing.asked_by != current_user.id
        and current_user.may("fund.review", agency_id=thing.agency_id),
        names=_names(thing.closed_by, thing.asked_by, thing.reopened_by),
        history=history_of(thing),
        events=EVENTS,
        money=lambda fen: Money(fen),
    )


def _month_or_404(period_id: int) -> Period:
    return queries.period_in_scope(current_user, period_id) or abort(404)


def _year_or_404(year_id: int) -> BookYear:
    return queries.year_in_scope(current_user, year_id) or abort(404)


@bp.get("/months/<int:period_id>")
@allow("fund.read")
def month(period_id: int) -> Any:
    return _show(_month_or_404(period_id), ReasonForm())


@bp.get("/years/<int:year_id>")
@allow("fund.read")
def year(year_id: int) -> Any:
    return _show(_year_or_404(year_id), ReasonForm())


@bp.post("/months/<int:period_id>/<any(ask, reopen, keep):step>")
@allow("fund.manage", "fund.review")
def month_step(period_id: int, step: str) -> Any:
    return _step(_month_or_404(period_id), step, url_for("books.month", period_id=period_id))


@bp.post("/years/<int:year_id>/<any(ask, reopen, keep):step>")
@allow("fund.manage", "fund.review")
def year_step(year_id: int, step: str) -> Any:
    return _step(_year_or_404(year_id), step, url_for("books.year", year_id=year_id))


def _step(thing: Period | BookYear, step: str, back: str) -> Any:
    if step == "ask":
        form = ReasonForm()
        if not form.validate_on_submit():
            return _show(thing, form), 422
        services.ask_to_open(thing, reason=form.reason.data, by=current_user)
        flash(_("A second person of finance is asked to agree."), "ok")
    elif step == "reopen":
        services.open_again(thing, by=current_user)
        flash(_("The books are open again."), "ok")
    else:
        services.keep_closed(thing, by=current_user)
        flash(_("The books stay closed."), "ok")
    return redirect(back, code=303)


# Opening balances


@bp.get("/opening")
@allow("fund.read")
def openings() -> Any:
    found = db.session.scalars(queries.visible_imports(current_user).limit(200)).all()
    return render_template(
        "books/openings.html",
        imports=found,
        names=_names(*(item.read_by for item in found), *(item.taken_by for item in found)),
        may_read=current_user.may_somewhere("fund.manage"),
    )


@bp.get("/opening/template.xlsx")
@allow("fund.read")
def template() -> Any:
    """An empty opening table with the headings and one example of each kind of row."""
    return send_file(
        template_workbook(COLUMNS, EXAMPLES),
        mimetype=XLSX,
        as_attachment=True,
        download_name=f"{_('opening balances')}.xlsx",
    )


@bp.route("/opening/new", methods=["GET", "POST"])
@allow("fund.manage")
def new_opening() -> Any:
    form = OpeningForm()
    offered = {unit.id: unit for unit in queries.units(current_user, "fund.manage")}
    form.agency_id.choices = [SelectChoice(unit.id, unit.name) for unit in offered.values()]
    errors: Any = []
    if form.validate_on_submit():
        data, name = form.file.data.read(), form.file.data.filename or "file"
        result = read_opening(io.BytesIO(data), name)
        errors = result.errors or opening_errors(offered[form.agency_id.data], result.rows)
        if not errors and not result.rows:
            form.file.errors = [_("The table has no rows below its headings.")]
        elif not errors:
            opening = services.read_in(
                offered[form.agency_id.data],
                [row.to_dict() for row in result.rows],
                file_name=name,
                sha256=hashlib.sha256(data).hexdigest(),
                by=current_user,
            )
            flash(_("The table was read without a mistake. A second person brings it in."), "ok")
            return redirect(url_for("books.opening", import_id=opening.id), code=303)
    status = 422 if form.is_submitted() else 200
    columns = [(names[0], field) for field, names in COLUMNS.items()]
    return render_template("books/new_opening.html", form=form, errors=errors, columns=columns), status


@bp.get("/opening/<int:import_id>")
@allow("fund.read")
def opening(import_id: int) -> Any:
    found = queries.import_in_scope(current_user, import_id) or abort(404)
    rows = [Row(**item) for item in found.rows]
    budgets = [row for row in rows if row.record == "budget"]
    reviewer = current_user.may("fund.review", agency_id=found.agency_id)
    return render_template(
        "books/opening.html",
        opening=found,
        state=state_of(found),
        rows=rows,
        money=lambda fen: Money(fen),
        sums={
            "budgets": Money(sum(row.amount for row in budgets)),
            "spent": Money(sum(row.amount for row in rows if row.record == "spent")),
            "promised": Money(sum(row.amount for row in rows if row.record == "tranche")),
            "paid": Money(sum(row.amount for row in rows if row.record == "tranche" and row.paid_on)),
        },
        errors=opening_errors(found.agency, rows) if found.state == "read" else [],
        may_take=found.state == "read" and reviewer and found.read_by != current_user.id,
        may_drop=found.state == "read" and current_user.may("fund.manage", agency_id=found.agency_id),
        names=_names(found.read_by, found.taken_by),
        history=history_of(found),
        events=EVENTS,
    )


@bp.post("/opening/<int:import_id>/take")
@allow("fund.review")
def take_opening(import_id: int) -> Any:
    found = queries.import_in_scope(current_user, import_id) or abort(404)
    services.take(found, by=current_user)
    flash(
        _("Brought in: %(rows)s rows. The ledger verifies.", rows=len(found.rows))
        if not found.breaks
        else _("Brought in: %(rows)s rows. The verifier names breaks: see below.", rows=len(found.rows)),
        "wrong" if found.breaks else "ok",
    )
    return redirect(url_for("books.opening", import_id=found.id), code=303)


@bp.post("/opening/<int:import_id>/drop")
@allow("fund.manage")
def drop_opening(import_id: int) -> Any:
    found = queries.import_in_scope(current_user, import_id) or abort(404)
    services.drop(found, by=current_user)
    flash(_("The table was set aside; nothing of it was brought in."), "ok")
    return redirect(url_for("books.openings"), code=303)
