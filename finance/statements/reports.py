"""The reports: what stands in their lines, and where each figure opens to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement

from core import clock
from core.money import Money
from core.text import N_, Message
from core.web import charts
from core.web.reporting import Cell, Head, Line, Report
from core.web.words import month_of, say, translate
from finance.commitments.rules import SOURCE_DUE
from finance.contracts.queries import division_labels
from finance.funds.models import Budget, FundSource
from finance.funds.queries import Figures, budget_name
from finance.funds.rules import SOURCE_KINDS
from finance.statements import queries, rules
from finance.statements.queries import Execution
from finance.statements.rules import BAND_WORDS

ZERO = Money(0)


def rate(part: Money, whole: Money) -> Fraction | None:
    return part.ratio_to(whole)


def _month(month: date) -> str:
    return f"{month:%Y-%m}"


# Budget execution -------------------------------------------------------------------------------

EXECUTION_VIEWS = {
    "source": N_("by source"),
    "level": N_("by level"),
    "month": N_("by month"),
    "budget": N_("by budget"),
}
_COLUMNS = ("budgeted", "available", "set_aside", "bound", "paid")
_HEADS = (
    Head(Message(N_("Budgeted"))),
    Head(Message(N_("Available"))),
    Head(Message(N_("Set aside"))),
    Head(Message(N_("Owed, unpaid"))),
    Head(Message(N_("Paid"))),
    Head(Message(N_("Execution rate")), "percent"),
)


def execution(user: Any, year: int, view: str, division: str = "") -> Report:
    """How far the budgets of a fiscal year are executed, by source, level, month of payment or budget."""
    conditions: list[ColumnElement[bool]] = []
    if division:
        conditions.append(Budget.agency.has(division_code=division))
    rows = queries.execution(user, year, *conditions)
    makers: dict[str, Callable[[Sequence[Execution], int], Report]] = {
        "source": _by_source,
        "level": _by_level,
        "month": _by_month,
        "budget": _by_budget,
    }
    report = makers[view](rows, year)
    paid = sum((row.figures.paid for row in rows), ZERO)
    report.agrees = (
        Message(N_("Paid by month of the books, all months")),
        sum((amount for row in rows for amount in row.paid.values()), ZERO),
        paid,
        url_for("exports.postings", fiscal=year, kind="paid"),
    )
    report.views = [
        (
            label,
            url_for("statements.execution", year=year, view=name, division=division or None),
            name == view,
        )
        for name, label in EXECUTION_VIEWS.items()
    ]
    return report


def _cells(figures: Figures, url: str) -> list[Cell]:
    return [
        *(Cell(getattr(figures, name), url) for name in _COLUMNS),
        Cell(rate(figures.paid, figures.budgeted)),
    ]


def _sums(rows: Sequence[Execution]) -> Figures:
    return sum((row.figures for row in rows), Figures())


def _grouped(
    rows: Sequence[Execution],
    year: int,
    key: Callable[[Execution], Any],
    line: Callable[[Any, Sequence[Execution]], Line],
    first: str,
) -> Report:
    groups: dict[Any, list[Execution]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    made = [line(value, members) for value, members in groups.items()]
    sums = [(item.head, _sums(members)) for item, members in zip(made, groups.values(), strict=True)]
    chart = (
        [
            charts.bars(
                translate(N_("Budgeted and paid")),
                charts.WAN,
                [head for head, _figures in sums],
                [
                    charts.Series(
                        translate(N_("Budgeted")),
                        [figures.budgeted for _head, figures in sums],
                        [item.url for item in made],
                    ),
                    charts.Series(
                        translate(N_("Paid")),
                        [figures.paid for _head, figures in sums],
                        [item.cells[4].url for item in made],
                    ),
                ],
                horizontal=True,
                head=translate(first),
            )
        ]
        if made
        else []
    )
    return Report(
        name="execution",
        title=N_("Budget execution"),
        first=first,
        heads=_HEADS,
        lines=made,
        totals=_cells(_sums(rows), ""),
        charts=chart,
    )


def _by_source(rows: Sequence[Execution], year: int) -> Report:
    def line(source: FundSource, members: Sequence[Execution]) -> Line:
        url = url_for("funds.source", source_id=source.id)
        cells = _cells(_sums(members), url)
        cells[4] = Cell(
            cells[4].value, url_for("exports.postings", source=source.id, fiscal=year, kind="paid")
        )
        return Line(source.name, cells, url, say(SOURCE_KINDS.get(source.kind, source.kind)))

    return _grouped(rows, year, lambda row: row.budget.fund_source, line, N_("Fund source"))


def _by_level(rows: Sequence[Execution], year: int) -> Report:
    names = division_labels({row.budget.agency.division_code for row in rows})

    def line(code: str, members: Sequence[Execution]) -> Line:
        url = url_for("statements.execution", year=year, view="budget", division=code)
        return Line(f"{code} {names.get(code, '')}".strip(), _cells(_sums(members), url), url)

    return _grouped(rows, year, lambda row: row.budget.agency.division_code, line, N_("Level"))


def _by_budget(rows: Sequence[Execution], year: int) -> Report:
    def line(key: int, members: Sequence[Execution]) -> Line:
        budget = members[0].budget
        url = url_for("funds.budget", budget_id=budget.id)
        cells = _cells(members[0].figures, url)
        cells[4] = Cell(cells[4].value, url_for("exports.postings", budget=budget.id, kind="paid"))
        return Line(budget_name(budget), cells, url, budget.agency.name)

    return _grouped(rows, year, lambda row: row.budget.id, line, N_("Annual budget"))


def _by_month(rows: Sequence[Execution], year: int) -> Report:
    """Payments of the year's budgets by month of the books; payments before and after the year have lines of their own."""
    months = sorted(
        {date(year, number, 1) for number in range(1, 13)} | {month for row in rows for month in row.paid}
    )
    budgeted = _sums(rows).budgeted
    so_far, lines = ZERO, []
    for month in months:
        paid = sum((row.paid_in(month) for row in rows), ZERO)
        so_far += paid
        url = url_for("exports.postings", fiscal=year, month=_month(month), kind="paid")
        lines.append(
            Line(
                month_of(month), [Cell(paid, url if paid else ""), Cell(so_far), Cell(rate(so_far, budgeted))]
            )
        )
    urls = [line.cells[0].url for line in lines]
    chart = charts.bars(
        translate(N_("Paid by month")),
        charts.WAN,
        [line.head for line in lines],
        [charts.Series("", [line.cells[0].value for line in lines], urls)],  # type: ignore[misc]
        head=translate(N_("Month")),
    )
    total = sum((amount for row in rows for amount in row.paid.values()), ZERO)
    return Report(
        name="execution",
        title=N_("Budget execution"),
        first=N_("Month"),
        heads=(
            Head(Message(N_("Paid in the month"))),
            Head(Message(N_("Paid so far"))),
            Head(Message(N_("Execution rate")), "percent"),
        ),
        lines=lines,
        totals=[Cell(total), Cell(total), Cell(rate(total, budgeted))],
        charts=[chart] if rows else [],
    )


# Ageing of advances -----------------------------------------------------------------------------


def advances(user: Any) -> Report:
    """Paid and not yet shown as spent, by months since the payment."""
    rows = queries.advances(user)
    lines = [
        Line(
            row.commitment.title,
            [
                Cell(row.paid, url_for("commitments.show", commitment_id=row.commitment.id) + "#ledger"),
                Cell(row.spent, url_for("commitments.show", commitment_id=row.commitment.id)),
                Cell(row.outstanding),
                *(Cell(amount or None) for amount in row.bands),
            ],
            url_for("commitments.show", commitment_id=row.commitment.id),
            f"{row.commitment.number} · {row.commitment.organization.name}",
        )
        for row in rows
    ]
    bands = [sum((row.bands[place] for row in rows), ZERO) for place in range(len(BAND_WORDS))]
    chart = charts.bars(
        translate(N_("Advances by age")),
        charts.WAN,
        [translate(words) for words in BAND_WORDS],
        [charts.Series("", bands)],
        head=translate(N_("Months since the payment")),
    )
    paid, spent = sum((row.paid for row in rows), ZERO), sum((row.spent for row in rows), ZERO)
    return Report(
        name="advances",
        title=N_("Ageing of advances"),
        first=N_("Project"),
        heads=(
            Head(Message(N_("Paid"))),
            Head(Message(N_("Shown as spent"))),
            Head(Message(N_("Not yet shown as spent"))),
            *(Head(Message(words)) for words in BAND_WORDS),
        ),
        lines=lines,
        totals=[Cell(paid), Cell(spent), Cell(paid - spent), *(Cell(amount) for amount in bands)],
        charts=[chart] if rows else [],
        note=N_("Vouchers cover the oldest payments first; what is left lies in the newest."),
    )


# Tranche calendar -------------------------------------------------------------------------------


def calendar(user: Any, month: date | None = None) -> Report:
    """What falls due and the cash it needs, by month; with ``month`` the tranches of that month."""
    rows = queries.dues(user)
    today = clock.today().replace(day=1)
    groups: dict[date, list[queries.Due]] = {}
    for row in rows:
        # What is past due needs its cash now.
        groups.setdefault(max(row.month, today), []).append(row)
    total = sum((row.tranche.amount for row in rows), ZERO)
    sums = {
        key: sum((row.tranche.amount for row in members), ZERO) for key, members in sorted(groups.items())
    }
    urls = [url_for("statements.calendar", month=_month(key)) for key in sums]
    chart = charts.bars(
        translate(N_("Cash needed by month")),
        charts.WAN,
        [month_of(key) for key in sums],
        [charts.Series("", list(sums.values()), urls)],
        head=translate(N_("Month")),
    )
    report = Report(
        name="calendar",
        title=N_("Tranche calendar"),
        first=N_("Month"),
        heads=(
            Head(Message(N_("Tranches")), "count"),
            Head(Message(N_("Past due")), "count"),
            Head(Message(N_("Cash needed"))),
        ),
        lines=[
            Line(
                month_of(key),
                [
                    Cell(len(members), url),
                    Cell(sum(row.due_on < clock.today() for row in members) or None),
                    Cell(sums[key], url),
                ],
                url,
            )
            for (key, members), url in zip(sorted(groups.items()), urls, strict=True)
        ],
        totals=[Cell(len(rows)), Cell(sum(row.due_on < clock.today() for row in rows)), Cell(total)],
        charts=[chart] if rows else [],
        note=SOURCE_DUE,
        agrees=(
            Message(N_("Tranches still to be paid")),
            total,
            queries.owed_in_ledger(user),
            url_for("commitments.list"),
        ),
    )
    if month is None:
        return report
    members = groups.get(month, [])
    report.first = N_("Project")
    report.heads = (
        Head(Message(N_("Tranche")), "text"),
        Head(Message(N_("Falls due")), "day"),
        Head(Message(N_("Payment")), "text"),
        Head(Message(N_("Cash needed"))),
    )
    report.lines = [
        Line(
            row.commitment.title,
            [
                Cell(row.tranche.title),
                Cell(row.due_on),
                Cell(row.number or None),
                Cell(row.tranche.amount, url_for("commitments.show", commitment_id=row.commitment.id)),
            ],
            url_for("commitments.show", commitment_id=row.commitment.id),
            f"{row.commitment.number} · {row.commitment.organization.name}",
        )
        for row in members
    ]
    report.totals = [
        Cell(None),
        Cell(None),
        Cell(None),
        Cell(sum((row.tranche.amount for row in members), ZERO)),
    ]
    report.charts, report.agrees = [], None
    report.views = [(N_("All months"), url_for("statements.calendar"), False)]
    return report


# Labour remuneration ----------------------------------------------------------------------------


def labour_tax(user: Any) -> Report:
    """What is withheld from the fees that projects booked: fees for one matter in one month are taxed together."""
    rows = [
        (month, payee, fees, rules.labour_tax(sum((fee.amount for fee in fees), ZERO)))
        for (month, payee, _commitment), fees in queries.fees_together(user).items()
    ]
    months = sorted({month for month, *_rest in rows})

    def by_month(figure: Callable[[rules.LabourTax], Money]) -> list[Money]:
        return [
            sum((figure(tax) for at, _payee, _fees, tax in rows if at == month), ZERO) for month in months
        ]

    chart = charts.bars(
        translate(N_("Fees by month")),
        charts.YUAN,
        [_month(month) for month in months],
        [
            charts.Series(translate(N_("To pay out")), by_month(lambda tax: tax.net)),
            charts.Series(translate(N_("To withhold")), by_month(lambda tax: tax.tax)),
        ],
        stacked=True,
        head=translate(N_("Month")),
    )
    income, withheld = sum((row[3].income for row in rows), ZERO), sum((row[3].tax for row in rows), ZERO)
    return Report(
        name="labour_tax",
        title=N_("Tax on labour remuneration"),
        first=N_("Paid to"),
        heads=(
            Head(Message(N_("Month")), "text"),
            Head(Message(N_("Vouchers")), "text"),
            Head(Message(N_("Before tax"))),
            Head(Message(N_("Taxable"))),
            Head(Message(N_("Rate")), "percent"),
            Head(Message(N_("To withhold"))),
            Head(Message(N_("To pay out"))),
        ),
        lines=[
            Line(
                payee,
                [
                    Cell(_month(month)),
                    Cell(", ".join(fee.voucher_number for fee in fees)),
                    Cell(tax.income),
                    Cell(tax.taxable),
                    Cell(tax.rate),
                    Cell(tax.tax),
                    Cell(tax.net),
                ],
            )
            for month, payee, fees, tax in rows
        ],
        totals=[
            Cell(None),
            Cell(None),
            Cell(income),
            Cell(None),
            Cell(None),
            Cell(withheld),
            Cell(income - withheld),
        ],
        charts=[chart] if rows else [],
        note=rules.SOURCE_TAX,
    )


# Variance ---------------------------------------------------------------------------------------

_VARIANCE = (
    Head(Message(N_("Planned"))),
    Head(Message(N_("Spent"))),
    Head(Message(N_("Difference"))),
    Head(Message(N_("Spent of the plan")), "percent"),
)


def _variance_cells(planned: Money, spent: Money, url: str) -> list[Cell]:
    return [Cell(planned, url), Cell(spent, url), Cell(spent - planned, url), Cell(rate(spent, planned))]


def variance(user: Any, code: str = "") -> Report:
    """Planned and spent by budget line over all projects; with ``code`` that line, project by project."""
    rows = queries.variances(user)
    groups: dict[str, list[queries.Variance]] = {}
    for row in rows:
        groups.setdefault(row.line.code, []).append(row)

    def sums(members: Sequence[queries.Variance]) -> tuple[Money, Money]:
        return sum((row.line.planned for row in members), ZERO), sum(
            (row.line.spent for row in members), ZERO
        )

    if code:
        members = groups.get(code, [])
        lines = [
            Line(
                row.commitment.title,
                _variance_cells(
                    row.line.planned,
                    row.line.spent,
                    url_for("commitments.show", commitment_id=row.commitment.id),
                ),
                url_for("commitments.show", commitment_id=row.commitment.id),
                f"{row.commitment.number} · {row.commitment.organization.name}",
            )
            for row in members
        ]
        report = Report(
            "variance", N_("Variance by budget line"), N_("Project"), _VARIANCE, lines,
            _variance_cells(*sums(members), ""),
        )  # fmt: skip
        report.views = [(N_("All lines"), url_for("statements.variance"), False)]
        return report
    lines = [
        Line(
            say(members[0].line.label),
            _variance_cells(*sums(members), url_for("statements.variance", line=line)),
            url_for("statements.variance", line=line),
        )
        for line, members in groups.items()
    ]
    chart = charts.bars(
        translate(N_("Planned and spent by line")),
        charts.WAN,
        [line.head for line in lines],
        [
            charts.Series(
                translate(N_("Planned")),
                [sums(members)[0] for members in groups.values()],
                [line.url for line in lines],
            ),
            charts.Series(
                translate(N_("Spent")),
                [sums(members)[1] for members in groups.values()],
                [line.url for line in lines],
            ),
        ],
        horizontal=True,
        head=translate(N_("Budget line")),
    )
    return Report(
        "variance", N_("Variance by budget line"), N_("Budget line"), _VARIANCE, lines,
        _variance_cells(*sums(rows), ""), [chart] if rows else [],
    )  # fmt: skip


# Input over years -------------------------------------------------------------------------------


def years_input(user: Any, last: int, span: int = 3) -> Report:
    """What each source put in over some years: budgeted by fiscal year, paid by year of the books."""
    years = [last - place for place in range(span - 1, -1, -1)]
    rows = queries.inputs(user, years)

    def total(figures: Callable[[queries.Input], Mapping[int, Money]], year: int) -> Money:
        return sum((figures(row).get(year, ZERO) for row in rows), ZERO)

    lines = []
    for row in rows:
        url = url_for("funds.source", source_id=row.source.id)
        paid = [
            Cell(
                row.paid.get(year, ZERO),
                url_for("exports.postings", source=row.source.id, year=year, kind="paid")
                if row.paid.get(year)
                else "",
            )
            for year in years
        ]
        budgeted = [Cell(row.budgeted.get(year, ZERO), url) for year in years]
        lines.append(
            Line(
                row.source.name,
                [*budgeted, *paid, Cell(sum((row.paid.get(year, ZERO) for year in years), ZERO))],
                url,
                say(SOURCE_KINDS.get(row.source.kind, row.source.kind)),
            )
        )
    budgeted_sums = [total(lambda row: row.budgeted, year) for year in years]
    paid_sums = [total(lambda row: row.paid, year) for year in years]
    chart = charts.bars(
        translate(N_("Input of %(span)s years"), span=span),
        charts.WAN,
        [str(year) for year in years],
        [
            charts.Series(
                translate(N_("Budgeted")),
                budgeted_sums,
                [url_for("statements.execution", year=year, view="source") for year in years],
            ),
            charts.Series(
                translate(N_("Paid")),
                paid_sums,
                [url_for("exports.postings", year=year, kind="paid") for year in years],
            ),
        ],
        head=translate(N_("Year")),
    )
    return Report(
        name="input",
        title=N_("Input of three years"),
        first=N_("Fund source"),
        heads=(
            *(Head(Message(N_("Budgeted %(year)s"), {"year": year})) for year in years),
            *(Head(Message(N_("Paid %(year)s"), {"year": year})) for year in years),
            Head(Message(N_("Paid in all"))),
        ),
        lines=lines,
        totals=[*(Cell(amount) for amount in [*budgeted_sums, *paid_sums]), Cell(sum(paid_sums, ZERO))],
        charts=[chart] if rows else [],
    )
