"""Pages of exports: postings, the auditor's file, vouchers, budget integration, mapping and layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core import clock
from core.audit.services import record
from core.db import db
from core.jobs.services import queue
from core.money import Money
from core.text import N_, Message
from core.web import charts, navigation, tables
from core.web.gate import allow
from core.web.words import say
from finance.books.queries import turnover_by_month, units
from finance.exports import services
from finance.exports.forms import LayoutForm, RuleForm
from finance.exports.jobs import KIND
from finance.exports.models import VoucherRule
from finance.exports.queries import layout_of, mapping_of, rule_in_scope, rules_of, rules_to_confirm
from finance.exports.reports import FILES, POSTINGS, as_csv, as_xlsx, columns_of, month_of
from finance.exports.rules import BOOKS, FIELDS, FILE_WORDS, MOVEMENTS, Entry
from finance.ledger.models import Posting
from finance.ledger.queries import KINDS, TRANSFER_KINDS, owners
from registry.accounts.models import User
from registry.agencies.models import Agency

bp = Blueprint("exports", __name__, url_prefix="/exports")

navigation.add_entry(
    "exports.list",
    N_("Files for other offices"),
    icon="save",
    group="money",
    order=56,
    permissions=("fund.read",),
)
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MAKERS = {"csv": as_csv, "xlsx": as_xlsx}
MONTHS_SHOWN = 24
MONTHS_DRAWN = 12


def _tasks(user: Any) -> Iterator[navigation.Task]:
    """Lines of the mapping that somebody else changed and this person may confirm."""
    for rule in rules_to_confirm(user):
        yield navigation.Task(
            title=Message(
                N_("Accounts for “%(movement)s” to confirm"), {"movement": Message(MOVEMENTS[rule.movement])}
            ),
            url=url_for("exports.mapping", unit=rule.agency_id),
            action=Message(N_("Look and decide")),
        )


navigation.add_tasks("exports", _tasks)


@bp.app_template_filter("account_word")
def account_word(kind: str) -> str:
    """A kind of account in words."""
    return say(KINDS.get(kind, kind))


def _unit(permission: str = "fund.read") -> Agency:
    """The unit asked for, inside the person's reach; the person's own without a wish."""
    offered = units(current_user, permission)
    wanted = request.values.get("unit", type=int)
    if wanted is None:
        own = current_user.agency_ids("fund.manage") or current_user.agency_ids("fund.review")
        return next((unit for unit in offered if unit.id in own), None) or (
            offered[0] if offered else abort(404)
        )
    return next((unit for unit in offered if unit.id == wanted), None) or abort(404)


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    """What can be taken away, by month: vouchers, budget integration, and everything for the auditor."""
    unit = _unit()
    this = clock.today().replace(day=1)
    moved = {
        month: turn.arrived
        for year in {this.year, clock.add_months(this, 1 - MONTHS_DRAWN).year}
        for month, turn in turnover_by_month(unit.id, year).items()
    }
    return render_template(
        "exports/list.html",
        unit=unit,
        units=units(current_user),
        months=[clock.add_months(this, -place) for place in range(MONTHS_SHOWN)],
        files=FILE_WORDS,
        own={file: bool(layout_of(unit.id, file)) for file in FILE_WORDS},
        manages=current_user.may("fund.manage", agency_id=unit.id),
        chart=_moved(
            unit, [clock.add_months(this, place - MONTHS_DRAWN + 1) for place in range(MONTHS_DRAWN)], moved
        )
        if moved
        else None,
    )


def _moved(unit: Agency, months: Sequence[date], moved: Mapping[date, Money]) -> charts.Chart:
    """What arrived on the unit's accounts by month; each month opens to its postings."""
    return charts.bars(
        _("Moved by month"),
        charts.WAN,
        [f"{month:%Y-%m}" for month in months],
        [
            charts.Series(
                "",
                [moved.get(month, Money(0)) for month in months],
                [url_for("exports.postings", unit=unit.id, month=f"{month:%Y-%m}") for month in months],
            )
        ],
        head=_("Month"),
    )


@bp.get("/postings")
@allow("fund.read")
def postings() -> Any:
    """Every posting in scope, through the filters that the figures of reports use."""
    table = tables.show(POSTINGS, current_user)
    count, sums = tables.summary(table.query, Posting.amount)
    return render_template(
        "exports/postings.html",
        table=table,
        page=table.page,
        count=count,
        sums=sums,
        kinds=KINDS,
        movements=TRANSFER_KINDS,
        units=units(current_user),
        owners=owners((item.account.owner_type, item.account.owner_id) for item in table.page.rows),
    )


@bp.post("/proof")
@allow("fund.read")
def proof() -> Any:
    """Ask for the auditor's file of all postings in scope, or of one unit."""
    unit = _unit() if request.form.get("unit") else None
    job = queue(
        KIND,
        {"unit": unit.id if unit else None},
        by=current_user,
        title=Message(N_("Postings for the auditor")),
    )
    record(job, "export_asked", by=current_user, details={"list": KIND, "unit": unit.id if unit else None})
    return redirect(url_for("work.show", job_id=job.id), code=303)


@bp.get("/files/<file>/<month>.<any(csv, xlsx):ending>")
@allow("fund.read")
def file(file: str, month: str, ending: str) -> Any:
    """One month's file for another system, in the unit's columns."""
    span = month_of(month)
    if file not in FILES or span is None:
        abort(404)
    unit = _unit()
    made = MAKERS[ending](columns_of(unit.id, file), FILES[file](unit, span[0]))
    name = f"{say(FILE_WORDS[file])}-{unit.name}-{month}.{ending}"
    return send_file(made, mimetype=MEDIA[ending], as_attachment=True, download_name=name)


# Mapping ----------------------------------------------------------------------------------------


@bp.get("/mapping")
@allow("fund.read")
def mapping() -> Any:
    """How each movement is entered in government accounting, and the changes that wait."""
    unit = _unit()
    own = {(rule.movement, rule.book): rule for rule in rules_of(unit.id)}
    waiting = rules_of(unit.id, "proposed")
    people = {rule.proposed_by for rule in [*own.values(), *waiting]} | {
        rule.confirmed_by for rule in own.values()
    }
    return render_template(
        "exports/mapping.html",
        unit=unit,
        units=units(current_user),
        movements=MOVEMENTS,
        books=BOOKS,
        entries=mapping_of(unit.id),
        own=own,
        waiting={(rule.movement, rule.book): rule for rule in waiting},
        names={
            user.id: user.name
            for user in db.session.scalars(select(User).where(User.id.in_(people - {None})))
        },
        manages=current_user.may("fund.manage", agency_id=unit.id),
        reviews=current_user.may("fund.review", agency_id=unit.id),
        key=_key,
    )


def _key(movement: str) -> str:
    """A movement as part of an address."""
    return movement.replace(">", "-to-")


@bp.route("/mapping/<movement>/<any(financial, budget):book>", methods=["GET", "POST"])
@allow("fund.manage")
def change_rule(movement: str, book: str) -> Any:
    movement = movement.replace("-to-", ">")
    if movement not in MOVEMENTS:
        abort(404)
    unit = _unit("fund.manage")
    form = RuleForm(obj=mapping_of(unit.id)[movement, book])
    if form.validate_on_submit():
        entry = Entry(
            form.debit_code.data,
            form.debit_name.data,
            form.credit_code.data,
            form.credit_name.data,
            form.basis.data,
        )
        services.propose_rule(unit, movement=movement, book=book, entry=entry, by=current_user)
        flash(_("The change waits for a second person of finance."), "ok")
        return redirect(url_for("exports.mapping", unit=unit.id), code=303)
    return render_template(
        "exports/change_rule.html", form=form, unit=unit, movement=MOVEMENTS[movement], book=BOOKS[book]
    ), 422 if form.is_submitted() else 200


def _rule_or_404(rule_id: int) -> VoucherRule:
    return rule_in_scope(current_user, rule_id) or abort(404)


@bp.post("/mapping/<int:rule_id>/<any(confirm, refuse):step>")
@allow("fund.review")
def decide_rule(rule_id: int, step: str) -> Any:
    rule = _rule_or_404(rule_id)
    if step == "confirm":
        services.confirm_rule(rule, by=current_user)
        flash(_("The line is in force: the next vouchers are made with it."), "ok")
    else:
        services.refuse_rule(rule, by=current_user)
        flash(_("The line stays as it was."), "ok")
    return redirect(url_for("exports.mapping", unit=rule.agency_id), code=303)


# Layouts ----------------------------------------------------------------------------------------


@bp.route("/layouts/<file>", methods=["GET", "POST"])
@allow("fund.manage")
def layout(file: str) -> Any:
    """The columns of a file, one a line; none puts the standard back."""
    if file not in FIELDS:
        abort(404)
    unit = _unit("fund.manage")
    fields = FIELDS[file]
    form = LayoutForm(columns=_as_lines(columns_of(unit.id, file), fields))
    form.fields = fields
    if form.validate_on_submit():
        services.set_layout(unit, file, form.read(fields), by=current_user)
        flash(_("The columns are kept; the next file has them."), "ok")
        return redirect(url_for("exports.list", unit=unit.id), code=303)
    return render_template(
        "exports/layout.html", form=form, unit=unit, file=file, title=FILE_WORDS[file], fields=fields,
        own=bool(layout_of(unit.id, file)),
    ), 422 if form.is_submitted() else 200  # fmt: skip


def _as_lines(columns: Any, fields: dict[str, str]) -> str:
    """Columns as they are typed: “heading = field”, or “heading” alone where they are the same."""
    lines = []
    for heading, name, fixed in columns:
        if not name:
            lines.append(f"{heading} = “{fixed}”")
        else:
            lines.append(heading if fields[name] == heading else f"{heading} = {fields[name]}")
    return "\n".join(lines)
