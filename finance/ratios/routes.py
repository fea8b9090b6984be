"""Pages of the 30% figure: the figure with its rows, the trend, the reasons, who may be invited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core import clock
from core.money import Money, percent_against
from core.text import N_, Message
from core.web import charts, navigation
from core.web.forms import asked_day
from core.web.gate import allow
from finance.contracts.queries import division_labels, lies_in, service_named, with_joined
from finance.contracts.rules import BASES, R30_SOURCES, judge_row
from finance.exceptions.queries import proposals_waiting
from finance.figures.queries import Reading, figures, judging, levels, lines
from finance.figures.rules import BASIS_WORDS, LABELS, total_by_source, year_on_year_of
from finance.ratios import queries
from finance.ratios.forms import InvitationForm
from finance.ratios.reports import rows_workbook
from finance.ratios.rules import FAIR_COMPETITION, LEVERS, REASON_WORDS, invitation_finding, quarter_on
from finance.snapshots.queries import (
    agency_freezing,
    due_day,
    rows_of_year,
    snapshots_of,
    snapshots_waiting,
    years_due,
)
from finance.snapshots.routes import ACTIONS, asked_level, what_is_asked
from registry.agencies.rules import normalise_division

bp = Blueprint("ratios", __name__)

navigation.add_entry(
    "ratios.show",
    N_("Thirty percent rule"),
    icon="ratio",
    group="money",
    order=60,
    permissions=("purchase.read",),
)

LINES_ON_A_PAGE = 30

VERDICT_WORDS = {
    "": N_("All contracts"),
    "counts": N_("For social organizations"),
    "total": N_("In the total only"),
    "outside": N_("Out of scope"),
}

WATCH = {
    "met": N_("met"),
    "below": N_("below the threshold"),
    "foreseen": N_("heading below the threshold"),
    "not_applicable": N_("nothing was added"),
}


def _tasks(user: Any) -> Iterable[navigation.Task]:
    """Years to freeze, figures to review and publish, exceptions to decide, levels heading below."""
    for division, year, due in years_due(user):
        yield navigation.Task(
            title=Message(N_("30-percent figure of %(year)s to freeze and publish"), {"year": year}),
            url=url_for("ratios.show", division=division, year=year),
            action=Message(N_("Freeze the year")),
            due=due,
        )
    for snapshot, step in snapshots_waiting(user):
        yield navigation.Task(
            title=Message(N_("Frozen 30-percent figure of %(year)s"), {"year": snapshot.fiscal_year}),
            url=url_for("snapshots.show", snapshot_id=snapshot.id),
            action=Message(ACTIONS[step]),
            due=due_day(snapshot.division_code, snapshot.fiscal_year),
        )
    for proposal in proposals_waiting(user):
        yield navigation.Task(
            title=Message(N_("Exception for %(name)s"), {"name": proposal.contractor}),
            url=url_for("exceptions.list"),
            action=Message(N_("Confirm or refuse")),
        )
    for item in queries.warnings_for(user):
        yield navigation.Task(
            title=Message(
                N_("30-percent figure of %(year)s: %(state)s at %(shown)s in quarter %(quarter)s"),
                {
                    "year": item.fiscal_year,
                    "state": Message(WATCH[item.status]),
                    "shown": item.shown,
                    "quarter": item.quarter,
                },
            ),
            url=url_for("ratios.show", division=item.division_code, year=item.fiscal_year, _anchor="levers"),
            action=Message(N_("See what would close the gap")),
        )


navigation.add_tasks("ratios", _tasks)


@bp.app_template_filter("fen")
def fen(value: int | Fraction) -> str:
    """Exact fen as yuan; a fraction of a fen is cut off, so that no sum looks larger than it is."""
    return Money(Fraction(value).__floor__()).format()


@bp.app_template_filter("fen_up")
def fen_up(value: int | Fraction) -> str:
    """Exact fen as yuan, rounded up: what is missing is never shown as less than it is."""
    return Money(Fraction(value).__ceil__()).format()


@bp.app_template_filter("against")
def against(value: Fraction | None, threshold: Fraction) -> str:
    """A ratio that never shows a miss as met."""
    return percent_against(value, threshold)


def _moment(year: int) -> tuple[date | None, int]:
    """The day whose rules are asked for, and the quarter to whose end the figure goes."""
    day = asked_day("as-of")
    quarter = request.args.get("quarter", 4, type=int)
    if quarter not in (1, 2, 3, 4):
        abort(404)
    if day is not None and "quarter" not in request.args and day.year == year:
        quarter = quarter_on(day)
    return day, quarter


def _view() -> str:
    view = request.args.get("view", "own")
    return view if view in LABELS else "own"


@bp.get("/ratio/")
@allow("purchase.read")
def show() -> Any:
    """The 30% page of a level and year; every figure opens to its contracts."""
    asked = what_is_asked()
    if asked is None:
        return render_template("ratios/show.html", result=None)
    division, year = asked.division, asked.year
    day, quarter = _moment(year)
    # From the next page on only the services are of interest.
    whole = not request.args.get("after")
    trend_years = (
        sorted(item for item in asked.years if item <= year)[-queries.TREND_YEARS :] if whole else []
    )
    reading = Reading(division, {year, *trend_years})
    result = queries.figures_as_of(reading, year, on=day, quarter=quarter)
    view = _view()
    figure = result.figures[view]
    page = lines(result, view, limit=LINES_ON_A_PAGE, after=request.args.get("after", ""))
    own_levels = levels(result, venture="venture" in view) if whole and quarter == 4 else []
    largest = page.lines if whole else []
    snapshots = snapshots_of(division) if whole else []
    waiting = any(item.fiscal_year == year and item.state in ("prepared", "reviewed") for item in snapshots)
    labels = division_labels(
        {
            division,
            *asked.offered,
            *(item.division for item in own_levels),
            *(line.division for line in page.lines),
        }
    )
    return render_template(
        "ratios/show.html",
        result=result,
        figure=figure,
        view=view,
        day=day,
        quarter=quarter,
        last_quarter=quarter_on(clock.today()) if year == clock.today().year else 4,
        lines=page,
        whole=whole,
        levels=own_levels,
        labels=labels,
        sources=total_by_source(figure),
        cross_check=year_on_year_of(figure),
        years=asked.years,
        divisions={code: labels[code] for code in asked.offered},
        side_by_side=reading.bases(year, on=day) if whole and quarter == 4 else {},
        trend=_trend(reading, trend_years),
        snapshots=snapshots,
        watched=queries.watched(division, year) if whole else [],
        levers=queries.levers(figure, largest) if figure.status == "below" else [],
        planned=queries.planned_purchases(division, year, rollup=figure.rollup, limit=8)
        if whole and year >= clock.today().year
        else [],
        needed_more=queries.needed_more(figure),
        may_freeze=whole and not waiting and quarter == 4 and year < clock.today().year
        and agency_freezing(current_user, division) is not None,
        due=due_day(division, year),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        BASES=BASES,
        WATCH=WATCH,
        LEVERS=LEVERS,
        FAIR_COMPETITION=FAIR_COMPETITION,
        R30_SOURCES=R30_SOURCES,
    )  # fmt: skip


def _trend(reading: Reading, years: Sequence[int]) -> charts.Chart | None:
    """Own level and roll-up over up to five years against the threshold."""
    if len(years) < 2:
        return None
    found = queries.trend(reading, years)
    addresses = {
        view: [url_for("ratios.show", division=reading.division, year=item[0], view=view) for item in found]
        for view in ("own", "rollup")
    }
    return charts.lines(
        _("Over the years"),
        charts.PERCENT,
        [str(item[0]) for item in found],
        [
            charts.Series(_("Own level"), [item[1].ratio for item in found], addresses["own"]),
            charts.Series(_("Rolled up"), [item[2].ratio for item in found], addresses["rollup"]),
        ],
        threshold=charts.Threshold(found[-1][1].threshold, _("Threshold")),
        head=_("Year"),
    )


@bp.get("/ratio/contracts")
@allow("purchase.read")
def contracts() -> Any:
    """The contracts behind a figure, each with the reason why it counts or not."""
    asked = what_is_asked() or abort(404)
    day, quarter = _moment(asked.year)
    result = judging(asked.division, asked.year, on=day)
    verdict, reason = request.args.get("verdict", ""), request.args.get("reason", "")
    if verdict not in ("", *queries.VERDICTS) or reason not in ("", *REASON_WORDS):
        abort(404)
    view = _view()
    service = None
    if request.args.get("service"):
        at = request.args.get("at", asked.division)
        if not (at.isdecimal() and at.isascii() and lies_in(at, [asked.division])):
            abort(404)
        purchaser, text = request.args.get("purchaser", ""), request.args["service"]
        service = service_named(at, purchaser, text) or abort(404)
    found, following = queries.contracts(
        result,
        view,
        verdict=verdict,
        reason=reason,
        services=with_joined(service) if service else [],
        quarter=quarter,
        after=request.args.get("after", ""),
    )
    return render_template(
        "ratios/contracts.html",
        result=result,
        view=view,
        day=day,
        quarter=quarter,
        contracts=found,
        following=following,
        verdict=verdict,
        reason=reason,
        service=service,
        labels=division_labels(
            {asked.division, *(normalise_division(item.row.division_code) for item in found)}
        ),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        VERDICT_WORDS=VERDICT_WORDS,
        REASON_WORDS=REASON_WORDS,
    )


@bp.get("/ratio/reasons")
@allow("purchase.read")
def reasons() -> Any:
    """What the contracts of each reason sum to, in scope and out of it."""
    asked = what_is_asked() or abort(404)
    day, quarter = _moment(asked.year)
    result = judging(asked.division, asked.year, on=day)
    view = _view()
    sums = queries.sums_by_reason(result, view, quarter=quarter)
    return render_template(
        "ratios/reasons.html",
        result=result,
        view=view,
        day=day,
        quarter=quarter,
        sums=sums,
        total=sum(item.fen for item in sums if item.in_scope),
        social=sum((item.so_fen for item in sums), Fraction(0)),
        outside=sum(item.fen for item in sums if not item.in_scope),
        labels=division_labels({asked.division}),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        REASON_WORDS=REASON_WORDS,
    )


@bp.get("/ratio/rows.xlsx")
@allow("purchase.read")
def rows() -> Any:
    """The rows behind the figure as XLSX, both years, each with its reason."""
    level = asked_level() or abort(404)
    division, year = level
    day, _quarter = _moment(year)
    view = _view()
    result = figures(division, year, on=day)
    judged = (
        judge_row(
            row,
            result.book.at(normalise_division(row.division_code)),
            include_venture=True if "venture" in view else None,
            basis=result.basis,
        )
        for row in rows_of_year(division, year)
        if view.startswith("rollup") or normalise_division(row.division_code) == division
    )
    return send_file(
        rows_workbook(judged),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"R30-{division}-{year}.xlsx",
    )


@bp.get("/ratio/invitation")
@allow("purchase.read", "call.draft")
def invitation() -> Any:
    """Whom a purchase may invite: asked before the notice is written; nothing is kept."""
    asked = bool(request.args.get("amount") or request.args.getlist("invited"))
    form = InvitationForm(formdata=request.args if asked else None)
    finding = None
    held = current_user.main_assignment
    division = held.agency.division_code if held is not None and held.agency is not None else ""
    limit, label = queries.procurement_limit(division or "100000", clock.today())
    if asked and form.validate():
        finding = invitation_finding(form.amount.data, form.invited.data, limit, rule_set=label)
    return render_template(
        "ratios/invitation.html",
        form=form,
        finding=finding,
        limit=limit,
        LEVERS=LEVERS,
        FAIR_COMPETITION=FAIR_COMPETITION,
    ), 422 if form.errors else 200
