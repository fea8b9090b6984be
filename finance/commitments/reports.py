"""What contracts that do not exist yet would change: balances, the 30% figure, the lottery's shares."""

from __future__ import annotations

from collections.abc import Sequence

from core import clock
from core.money import Money
from core.text import N_, Message
from finance.funds.models import Earmark
from finance.funds.queries import figures_of_earmarks
from finance.funds.reports import (
    Bought,
    Change,
    RatioChange,
    WhatIf,
    lottery_shares,
    ratio_changes,
)
from finance.funds.rules import LOTTERY
from finance.purchasing.queries import continuations, ratio
from finance.purchasing.rules import PurchaseRow, compute_ratio

VIEWS = {
    "own": N_("Thirty percent figure of the level"),
    "own_with_venture": N_("Thirty percent figure of the level, with venture grants"),
    "rollup": N_("Thirty percent figure with the levels below"),
    "rollup_with_venture": N_("Thirty percent figure with the levels below and venture grants"),
}


def changes_of_ratio(bought: Sequence[Bought]) -> list[RatioChange]:
    """The figures of the level and of the level with those below, before and after the contracts."""
    year = clock.today().year
    result = ratio(bought[0].agency.division_code, year)
    rows = [*result.rows, *(_as_row(item, place, year) for place, item in enumerate(bought))]
    links = continuations()
    venture = any(item.is_venture for item in bought)
    changes = []
    for view in ("own_with_venture", "rollup_with_venture") if venture else ("own", "rollup"):
        before = result.figures[view]
        after = compute_ratio(
            rows,
            year,
            result.division,
            include_venture=before.include_venture,
            rollup=before.rollup,
            parameters=result.rules,
            continues=links,
        )
        changes.append(
            RatioChange(
                Message(VIEWS[view]),
                before.ratio,
                after.ratio,
                before.threshold,
                Message(
                    N_(
                        "added %(before)s, then %(after)s yuan; from social organizations %(so)s, then %(so_after)s"
                    ),
                    {
                        "before": Money(before.added_total_fen),
                        "after": Money(after.added_total_fen),
                        "so": Money(before.added_so_fen.__floor__()),
                        "so_after": Money(after.added_so_fen.__floor__()),
                    },
                ),
                {"division": result.division, "year": year, "view": view},
            )
        )
    return changes


def _as_row(item: Bought, place: int, year: int) -> PurchaseRow:
    return PurchaseRow(
        contract_no=f"?{place}",
        fiscal_year=year,
        division_code=item.agency.division_code,
        purchaser=item.agency.name,
        service_key=item.service_key or f"?{place} {item.name}",
        service_name=item.name,
        catalogue_code="",
        public_service=item.public_service,
        contractor="",
        contractor_code=item.contractor_code,
        contractor_kind=item.contractor_kind,
        host_code=item.host_code,
        so_share=None,
        amount=item.amount,
        cancelled_amount=Money(0),
        fund_source=item.fund_term,
        method="",
        signed_on=clock.today(),
        is_venture=item.is_venture,
    )


def what_if_owed(
    parts: Sequence[tuple[Earmark, Money]], bought: Sequence[Bought], *, reserved: bool = False
) -> WhatIf:
    """Owing these parts of earmarks to somebody: what is free (or reserved) then, and the figures.

    ``reserved``: the first earmark's part lies reserved already.
    """
    found = WhatIf(ratios=ratio_changes(bought))
    figures = figures_of_earmarks([earmark for earmark, _amount in parts])
    lottery: dict[int, tuple[Earmark, dict[str, Money]]] = {}
    for place, (earmark, amount) in enumerate(parts):
        figure = figures[earmark.id]
        kept = reserved and place == 0
        free = figure.reserved if kept else figure.available
        found.balances.append(
            Change(
                Message(
                    N_("Reserved in “%(name)s”") if kept else N_("Free in “%(name)s”"),
                    {"name": earmark.title},
                ),
                free,
                free - amount,
                "funds.earmark",
                {"earmark_id": earmark.id},
            )
        )
        if earmark.budget.fund_source.kind == LOTTERY:
            _first, more = lottery.setdefault(earmark.budget_id, (earmark, {}))
            purpose = parts[0][0].purpose
            more[purpose] = more.get(purpose, Money(0)) + amount
    found.shares = [lottery_shares(earmark.budget, more, bound=True) for earmark, more in lottery.values()]
    return found
