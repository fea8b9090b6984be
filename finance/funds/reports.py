"""The table of money by source and year for export; what a wish would change before it is saved."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import xlsxwriter
from flask_babel import gettext as _
from sqlalchemy import select

from core.db import db
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from core.web.words import say
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.policy import Wish, earmark_findings, purposes_of
from finance.funds.queries import YearTotal, budget_name, figures_of_budgets, figures_of_earmarks
from finance.funds.rules import FUND_KINDS, LOTTERY, PURPOSES, SOURCE_KINDS, TIERS
from registry.agencies.models import Agency

HEADINGS = (
    N_("Fund source"), N_("Kind"), N_("Tier"), N_("Unit"), N_("Fiscal year"), N_("New budget"),
    N_("From the level above"), N_("Carried in"), N_("Adjusted"), N_("Carried on"), N_("Budgeted"),
    N_("Available"), N_("Set aside, free"), N_("Reserved"), N_("Committed"), N_("To be paid"), N_("Paid"),
    N_("Returned"),
)  # fmt: skip
TEXTS = 5


def totals_workbook(sources: dict[FundSource, dict[int, YearTotal]]) -> io.BytesIO:
    """One row for each source and year, amounts in yuan; names stay text whatever they look like."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"constant_memory": True})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    money = book.add_format({"num_format": "#,##0.00"})
    for column, heading in enumerate(HEADINGS):
        unit = f" ({_('yuan')})" if column >= TEXTS else ""
        sheet.write_string(0, column, say(heading) + unit, bold)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(HEADINGS) - 1, 18)
    line = 0
    for source, years in sources.items():
        for year, total in years.items():
            line += 1
            texts = (
                source.name,
                say(SOURCE_KINDS[source.kind]),
                say(TIERS[source.tier]) if source.tier else "",
                source.agency.name,
                str(year),
            )
            for column, text in enumerate(texts):
                sheet.write_string(line, column, text)
            for column, amount in enumerate(_amounts(total), TEXTS):
                # Whole fen below 2^53 are exact in a cell's double at two decimals.
                sheet.write_number(line, column, amount.fen / 100, money)
    book.close()
    stream.seek(0)
    return stream


def _amounts(total: YearTotal) -> tuple[Money, ...]:
    figures = total.figures
    return (
        total.new, total.upper, total.carried_in, total.changed, total.carried_out, figures.budgeted,
        figures.available, figures.earmarked, figures.reserved, figures.committed, figures.payable,
        figures.paid, figures.returned,
    )  # fmt: skip


# What a wish would change ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One balance before and after; ``endpoint`` with ``values`` opens its rows."""

    label: Message
    before: Money
    after: Money
    endpoint: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RatioChange:
    """The 30% figure before and after; ``None`` where nothing was added yet."""

    label: Message
    before: Fraction | None
    after: Fraction | None
    threshold: Fraction
    numbers: Message
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShareChange:
    """What a purpose has of a lottery source's year, before and after."""

    label: Message
    before: Money
    after: Money
    before_share: Fraction | None
    after_share: Fraction | None


@dataclass(frozen=True, slots=True)
class SourceShares:
    """The shares of one lottery source and year; ``what`` says of which money."""

    source: FundSource
    year: int
    what: Message
    rows: list[ShareChange]


@dataclass(slots=True)
class WhatIf:
    """What saving would change. Made by reading alone: nothing is written."""

    balances: list[Change] = field(default_factory=list)
    ratios: list[RatioChange] = field(default_factory=list)
    shares: list[SourceShares] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bought:
    """A contract that does not exist yet, as the 30% figure would see it.

    Without ``contractor_code`` and ``contractor_kind``: with some social organization.
    """

    agency: Agency
    amount: Money
    fund_term: str
    name: str
    service_key: str = ""
    contractor_code: str = ""
    contractor_kind: str = ""
    host_code: str = ""
    public_service: bool = True
    is_venture: bool = False


_ratio: list[Callable[[Sequence[Bought]], list[RatioChange]]] = []


def tell_ratio(source: Callable[[Sequence[Bought]], list[RatioChange]]) -> None:
    """Let the room that knows the 30% figure say how contracts would change it."""
    _ratio[:] = [source]


def ratio_changes(bought: Sequence[Bought]) -> list[RatioChange]:
    return _ratio[0](bought) if _ratio and bought else []


def what_if_set_aside(wish: Wish, *, agency: Agency) -> WhatIf:
    """Setting this money aside: the budget's balance, the lottery's shares, the 30% figure once it is spent."""
    budget = wish.budget
    figure = figures_of_budgets([budget])[budget.id]
    found = WhatIf(findings=earmark_findings(wish))
    found.balances.append(
        Change(
            Message(N_("Available in %(name)s"), {"name": budget_name(budget)}),
            figure.available,
            figure.available - wish.amount,
            "funds.budget",
            {"budget_id": budget.id},
        )
    )
    found.balances.append(
        Change(
            Message(N_("Set aside, free")), figure.earmarked, figure.earmarked + wish.amount, "funds.budget",
            {"budget_id": budget.id},
        )
    )  # fmt: skip
    if budget.fund_source.kind == LOTTERY:
        found.shares.append(lottery_shares(budget, {wish.purpose: wish.amount}, bound=False))
    if FUND_KINDS[budget.fund_source.kind].public:
        # The best there can be: all of it spent on a new service of a registered social organization.
        found.ratios = ratio_changes(
            [
                Bought(
                    agency, wish.amount, FUND_KINDS[budget.fund_source.kind].official, wish.title
                )
            ]
        )  # fmt: skip
    return found


def lottery_shares(budget: Budget, more: dict[str, Money], *, bound: bool) -> SourceShares:
    """Shares by purpose in the budget's source and year, before and after ``more`` by purpose.

    ``bound``: of the money owed or paid; otherwise of all that is set aside.
    """
    source = budget.fund_source
    earmarks = db.session.scalars(
        select(Earmark)
        .join(Budget, Budget.id == Earmark.budget_id)
        .where(Budget.fund_source_id == source.id, Budget.fiscal_year == budget.fiscal_year)
    ).all()
    figures = figures_of_earmarks(earmarks)
    now: dict[str, Money] = dict.fromkeys([*purposes_of(source), *more], Money(0))
    for item in earmarks:
        one = figures[item.id]
        now[item.purpose] = now.get(item.purpose, Money(0)) + (one.bound if bound else one.whole)
    total = sum(now.values(), Money(0))
    later = total + sum(more.values(), Money(0))
    words = purposes_of(source)
    rows = [
        ShareChange(
            Message(words.get(code) or PURPOSES.get(code, code)),
            amount,
            amount + more.get(code, Money(0)),
            amount.ratio_to(total),
            (amount + more.get(code, Money(0))).ratio_to(later),
        )
        for code, amount in now.items()
    ]
    what = Message(N_("of the money owed or paid")) if bound else Message(N_("of the money set aside"))
    return SourceShares(source, budget.fiscal_year, what, rows)
