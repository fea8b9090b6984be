"""What contracts that do not exist yet would change: balances, the 30% figure, the lottery's shares."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from core import clock
from core.money import Money
from core.text import N_, Message
from finance.contracts.queries import continuations
from finance.contracts.rules import CONSORTIUM, PurchaseRow, ServiceKey
from finance.evidence.queries import rows_of_services
from finance.figures.queries import figures
from finance.figures.rules import compute_ratio
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

# Rows of one service in two years; a service with more is bought by the piece.
ROWS = 5000

VIEWS = {
    "own": N_("Thirty percent figure of the level"),
    "own_with_venture": N_("Thirty percent figure of the level, with venture grants"),
    "rollup": N_("Thirty percent figure with the levels below"),
    "rollup_with_venture": N_("Thirty percent figure with the levels below and venture grants"),
}


def changes_of_ratio(bought: Sequence[Bought]) -> list[RatioChange]:
    """The figures of the level and of the level with those below, before and after the contracts.

    The kept figure is taken as it is; only the services that the contracts belong to are computed anew,
    so that a page costs the same over a hundred rows and a million.
    """
    year = clock.today().year
    found = figures(bought[0].agency.division_code, year, exact=True)
    more = [_as_row(item, place, year) for place, item in enumerate(bought)]
    links = continuations()
    rows = [
        item.row
        for item in rows_of_services(
            found, _joined({row.service for row in more}, links), "rollup_with_venture", limit=ROWS
        )
    ]
    venture = any(item.is_venture for item in bought)
    changes = []
    for view in ("own_with_venture", "rollup_with_venture") if venture else ("own", "rollup"):
        before = found.figures[view]
        part, part_after = (
            compute_ratio(
                taken,
                year,
                found.division,
                include_venture=before.include_venture,
                rollup=before.rollup,
                parameters=found.book.at,
                continues=links,
                basis=found.basis,
            )
            for taken in (rows, [*rows, *more])
        )
        added = before.added_total_fen + part_after.added_total_fen - part.added_total_fen
        social = before.added_so_fen + part_after.added_so_fen - part.added_so_fen
        changes.append(
            RatioChange(
                Message(VIEWS[view]),
                before.ratio,
                social / added if added else None,
                before.threshold,
                Message(
                    N_(
                        "added %(before)s, then %(after)s yuan; from social organizations %(so)s, then %(so_after)s"
                    ),
                    {
                        "before": Money(before.added_total_fen),
                        "after": Money(added),
                        "so": Money(before.added_so_fen.__floor__()),
                        "so_after": Money(social.__floor__()),
                    },
                ),
                {"division": found.division, "year": year, "view": view},
            )
        )
    return changes


def _joined(services: set[ServiceKey], links: Sequence[tuple[ServiceKey, ServiceKey]]) -> set[ServiceKey]:
    """The services with all that confirmed continuations join to them, over any number of steps."""
    known: set[ServiceKey] = set()
    while services - known:
        known = set(services)
        services = services | {end for link in links if known.intersection(link) for end in link}
    return services


def _as_row(item: Bought, place: int, year: int) -> PurchaseRow:
    nobody = not item.contractor_code and not item.contractor_kind
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
        # Nobody yet, but a social organization: as a consortium whose work is all a social organization's.
        contractor_kind=CONSORTIUM if nobody else item.contractor_kind,
        host_code=item.host_code,
        so_share=Fraction(1) if nobody else None,
        amount=item.amount,
        cancelled_amount=Money(0),
        fund_source=item.fund_term,
        method="",
        signed_on=clock.today(),
        is_venture=item.is_venture,
        budget_amount=item.amount,
    )


def what_if_owed(
    parts: Sequence[tuple[Earmark, Money]], bought: Sequence[Bought], *, reserved: bool = False
) -> WhatIf:
    """Owing these parts of earmarks to somebody: what is free (or reserved) then, and the figures.

    ``reserved``: the first earmark's part lies reserved already.
    """
    found = WhatIf(ratios=ratio_changes(bought))
    standing = figures_of_earmarks([earmark for earmark, _amount in parts])
    lottery: dict[int, tuple[Earmark, dict[str, Money]]] = {}
    for place, (earmark, amount) in enumerate(parts):
        figure = standing[earmark.id]
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
