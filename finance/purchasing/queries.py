"""Reading what a table of purchases would change, and the tables that were read in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from finance.contracts.models import Purchase, PurchaseHeading, PurchaseImport
from finance.contracts.queries import rows_from
from finance.contracts.rules import PurchaseRow
from registry.agencies.rules import tree_prefix

Identity = tuple[str, int, str]


def identity_of(row: PurchaseRow) -> Identity:
    """What tells a contract: purchaser, fiscal year, number."""
    return (row.purchaser, row.fiscal_year, row.contract_no)


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking a table would do: the rows that stand under its numbers now, those that would go, and
    why it cannot be taken.
    """

    before: dict[Identity, PurchaseRow]
    gone: list[PurchaseRow]
    refusals: list[Refusal]


def planned(rows: list[PurchaseRow], replaces_id: int | None, within: list[str] | None) -> Plan:
    """Compare a checked table with what is there. ``within``: the divisions a person may import for."""
    before: dict[Identity, PurchaseRow] = {}
    concluded: list[str] = []
    wanted = {identity_of(row) for row in rows}
    years: dict[int, set[str]] = {}
    for purchaser, year, _number in wanted:
        years.setdefault(year, set()).add(purchaser)
    for year, purchasers in sorted(years.items()):
        named = sorted(purchasers)
        for start in range(0, len(named), 200):
            found = select(Purchase).where(
                Purchase.purchaser.in_(named[start : start + 200]), Purchase.fiscal_year == year
            )
            if len(wanted) < 200:
                found = found.where(Purchase.contract_no.in_({number for _p, _y, number in wanted}))
            here = {identity: row for row in rows_from(found) if (identity := identity_of(row)) in wanted}
            before.update(here)
            own = db.session.execute(
                found.where(Purchase.commitment_id.is_not(None)).with_only_columns(
                    Purchase.purchaser, Purchase.fiscal_year, Purchase.contract_no
                )
            )
            concluded += [row.contract_no for row in own if tuple(row) in wanted]
    gone = []
    if replaces_id is not None:
        mine = select(Purchase).where(Purchase.import_id == replaces_id, Purchase.commitment_id.is_(None))
        gone = [row for row in rows_from(mine) if identity_of(row) not in wanted]
    return Plan(before, gone, list(_refusals(rows, before, gone, concluded, within)))


def _refusals(
    rows: list[PurchaseRow],
    before: dict[Identity, PurchaseRow],
    gone: list[PurchaseRow],
    concluded: list[str],
    within: list[str] | None,
) -> Iterator[Refusal]:
    if within is not None:
        prefixes = tuple(tree_prefix(code) for code in within)
        touched = {row.division_code for row in (*rows, *before.values(), *gone)}
        strangers = sorted(code for code in touched if not code.startswith(prefixes))
        if strangers:
            yield Refusal(
                Message(
                    N_(
                        "The table has rows of divisions that are not yours: %(codes)s. Take them out and import again."
                    ),
                    {"codes": "、".join(strangers[:10])},
                ),
                status=403,
            )
    if concluded:
        yield Refusal(
            Message(
                N_("Contract %(number)s was concluded in this system; change it there, not by a table."),
                {"number": "、".join(sorted(concluded)[:10])},
            )
        )


def visible_imports(user: Any) -> Select[Any]:
    """The imports of the units for which a person may import."""
    return select(PurchaseImport).where(PurchaseImport.agency_id.in_(user.agency_ids("purchase.import")))


def headings_of_unit(agency_id: int | None) -> dict[str, str]:
    """The headings that a unit has explained: heading → column."""
    return {
        row.heading: row.column_name
        for row in db.session.scalars(select(PurchaseHeading).where(PurchaseHeading.agency_id == agency_id))
    }
