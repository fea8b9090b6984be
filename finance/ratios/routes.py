"""Pages of the 30% figure: the figure with its rows, its frozen and published years."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core import clock
from core.money import Money, percent_against
from core.text import N_
from core.web import charts, navigation
from core.web.gate import allow
from finance.purchasing.queries import (
    Ratio,
    division_labels,
    levels_below,
    may_see,
    ratio,
    verdicts,
    visible_divisions,
    years_with_rows,
)
from finance.purchasing.rules import R30_SOURCES, total_by_source, year_on_year_of
from finance.ratios.reports import rows_workbook
from registry.agencies.rules import DivisionError, normalise_division

bp = Blueprint("ratios", __name__, url_prefix="/ratio")

navigation.add_entry(
    "ratios.show",
    N_("Thirty percent rule"),
    icon="ratio",
    group="money",
    order=60,
    permissions=("purchase.read",),
)

ROW_LIMIT = 500


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


@bp.app_template_filter("ident")
def ident(row: object) -> int:
    """Which row this is, to find its verdict: rows are values and may be equal."""
    return id(row)


@bp.get("/")
@allow("purchase.read")
def show() -> Any:
    """The 30% page of a level and year; every figure opens to its rows."""
    result = _chosen()
    if result is None:
        return render_template("ratios/show.html", result=None)
    view = request.args.get("view", "own")
    if view not in result.figures:
        view = "own"
    figure = result.figures[view]
    lines = sorted(figure.services, key=lambda line: (-line.added.fen, line.name))
    joined = {id(row) for line in lines for row in line.rows}
    judged = verdicts(
        [row for row in result.rows if row.fiscal_year == result.year],
        result.rules,
        include_venture="venture" in view,
    )
    by_row = {id(item.row): item for item in judged}
    outside = [
        item
        for item in judged
        if id(item.row) not in joined
        and (figure.rollup or item.row.division_code == result.division)
        and not item.in_scope
    ]
    levels = levels_below(result)
    return render_template(
        "ratios/show.html",
        result=result,
        labels=division_labels({result.division, *(row.division_code for row in result.rows)}),
        figure=figure,
        view=view,
        lines=lines[:ROW_LIMIT],
        hidden=max(0, len(lines) - ROW_LIMIT),
        by_row=by_row,
        outside=outside[:ROW_LIMIT],
        levels=levels,
        sources=total_by_source(figure),
        cross_check=year_on_year_of(figure),
        years=years_with_rows(result.division),
        divisions=visible_divisions(current_user),
        trend=_trend(result),
        R30_SOURCES=R30_SOURCES,
    )


def _trend(result: Ratio) -> charts.Chart | None:
    """Own ratio of up to five years, oldest first; ``None`` where there is one year alone."""
    years = sorted(year for year in years_with_rows(result.division) if year <= result.year)[-5:]
    if len(years) < 2:
        return None
    figures = [
        (result if year == result.year else ratio(result.division, year)).figures["own"] for year in years
    ]
    return charts.bars(
        _("Own level over the years"),
        charts.PERCENT,
        [str(year) for year in years],
        [
            charts.Series(
                "",
                [figure.ratio for figure in figures],
                [url_for("ratios.show", division=result.division, year=year) for year in years],
            )
        ],
        threshold=charts.Threshold(figures[-1].threshold, _("Threshold")),
        head=_("Year"),
    )


def _chosen() -> Ratio | None:
    """The figures asked for, inside the person's reach; ``None`` when there is no division at all."""
    offered = visible_divisions(current_user)
    text = request.args.get("division") or (offered[0] if offered else "")
    if not text:
        return None
    try:
        code = normalise_division(text)
    except DivisionError:
        abort(404)
    if not may_see(current_user, code):
        abort(404)
    newest = next(iter(years_with_rows(code)), clock.today().year)
    year = request.args.get("year", newest, type=int)
    if not 1995 <= year <= 2100:
        abort(404)
    return ratio(code, year)


@bp.get("/rows.xlsx")
@allow("purchase.read")
def rows() -> Any:
    """The rows behind the figure as XLSX."""
    result = _chosen()
    if result is None:
        abort(404)
    rollup = request.args.get("view", "own").startswith("rollup")
    return send_file(
        rows_workbook(result, rollup=rollup),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"R30-{result.division}-{result.year}.xlsx",
    )
