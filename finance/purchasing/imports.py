"""Looking through a purchase table before it is taken: what it would add, change and take away."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from core.access.policy import Refusal
from core.bulk import collector_at_rest
from core.spreadsheets import RowError
from core.text import N_, Message
from finance.contracts.imports import REQUIRED_COLUMNS, read_purchases
from finance.contracts.models import PurchaseImport
from finance.contracts.rules import PurchaseRow
from finance.purchasing.queries import Plan, headings_of_unit, identity_of, planned
from finance.purchasing.services import unpacked

SHOWN_ERRORS, SHOWN_ROWS, SHOWN_CHANGES, SHOWN_WARNINGS = 200, 10, 20, 50


def look_through(
    batch: PurchaseImport, within: list[str], *, progress: Callable[[int, int], None] | None = None
) -> tuple[list[PurchaseRow], dict[str, Any]]:
    """The checked rows of an uploaded table, and what a person should know before taking them (as JSON).

    Rows are there only where nothing stands in the way: ``errors``, ``missing`` columns, ``refusals``.
    """
    if batch.file is None or batch.file.state == "blocked":
        raise Refusal(
            Message(N_("This file is blocked: the scanner found something in it. Upload a clean one.")),
            status=403,
        )
    with collector_at_rest():
        result = read_purchases(
            io.BytesIO(unpacked(batch.file)),
            batch.file_name,
            headings=headings_of_unit(batch.agency_id),
            progress=progress,
        )
    preview: dict[str, Any] = {
        "errors": [error.to_dict() for error in result.errors[:SHOWN_ERRORS]],
        "error_count": len(result.errors),
        "truncated": result.truncated,
        "unknown": result.ignored_columns,
        "missing": [
            error.column
            for error in result.errors
            if error.row == 1 and not error.value and error.column in REQUIRED_COLUMNS
        ],
        "refusals": [],
    }
    if result.errors:
        return [], preview
    if not result.rows:
        empty = Message(N_("The table has no rows below its header: there is nothing to import."))
        return [], preview | {"errors": [RowError(0, "", "", empty).to_dict()], "error_count": 1}
    with collector_at_rest():
        plan = planned(result.rows, batch.replaces_id, within)
    return ([] if plan.refusals else result.rows), preview | _told(result.rows, plan)


def _told(rows: list[PurchaseRow], plan: Plan) -> dict[str, Any]:
    changes: list[dict[str, Any]] = []
    same = 0
    change_count = 0
    for row in rows:
        old = plan.before.get(identity_of(row))
        if old is None:
            continue
        if replace(row, row=old.row) == old:
            same += 1
            continue
        change_count += 1
        if len(changes) < SHOWN_CHANGES:
            changes.append(
                {
                    "contract_no": row.contract_no, "purchaser": row.purchaser, "year": row.fiscal_year,
                    "before": old.net.fen, "after": row.net.fen,
                    "fields": [name for name in _COMPARED if getattr(row, name) != getattr(old, name)],
                }
            )  # fmt: skip
    years: dict[int, list[int]] = {}
    for row in rows:
        sums = years.setdefault(row.fiscal_year, [0, 0])
        sums[0] += 1
        sums[1] += row.net.fen
    warnings = list(_warnings(rows))
    return {
        "refusals": [refusal.sentence.to_dict() for refusal in plan.refusals],
        "new": len(rows) - len(plan.before),
        "changed": change_count,
        "same": same,
        "gone": len(plan.gone),
        "first": [_shown(row) for row in rows[:SHOWN_ROWS]],
        "changes": changes,
        "leaving": [_shown(row) for row in plan.gone[:SHOWN_WARNINGS]],
        "years": [[year, *sums] for year, sums in sorted(years.items())],
        "warnings": [
            {"row": row, "message": message.to_dict()} for row, message in warnings[:SHOWN_WARNINGS]
        ],
        "warning_count": len(warnings),
    }


_COMPARED = (
    "division_code", "service_key", "service_name", "catalogue_code", "public_service", "contractor",
    "contractor_code", "contractor_kind", "host_code", "so_share", "amount", "cancelled_amount", "fund_source",
    "method", "signed_on", "is_venture", "budget_amount", "paid_amount", "subcontract_so_share",
)  # fmt: skip


def _shown(row: PurchaseRow) -> dict[str, Any]:
    return {
        "row": row.row, "contract_no": row.contract_no, "year": row.fiscal_year, "division": row.division_code,
        "purchaser": row.purchaser, "service": row.service_name or row.service_key,
        "contractor": row.contractor, "net": row.net.fen,
    }  # fmt: skip


def _warnings(rows: list[PurchaseRow]) -> Iterator[tuple[int, Message]]:
    """What is allowed and yet looks wrong."""
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        alike = (
            row.fiscal_year, row.division_code, row.purchaser, row.service_key, row.service_name,
            row.contractor, row.amount.fen, row.signed_on,
        )  # fmt: skip
        first = seen.setdefault(alike, row.row)
        if first != row.row:
            yield (
                row.row,
                Message(
                    N_("Like row %(first)s but for the contract number: is it the same contract twice?"),
                    {"first": first},
                ),
            )
        branch = row.catalogue_code[:1].upper()
        if (branch == "B" and row.public_service) or (branch == "A" and not row.public_service):
            yield (
                row.row,
                Message(
                    N_(
                        "The catalogue code %(code)s disagrees with “public service”; the answer in the row decides."
                    ),
                    {"code": row.catalogue_code},
                ),
            )
