"""Writing purchases: imported from a table, or concluded here."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.purchasing.models import Purchase, PurchaseImport, ServiceContinuation
from finance.purchasing.rules import PurchaseRow, ServiceKey
from registry.agencies.rules import tree_prefix
from registry.organizations.models import Organization

# Contractor kinds as the import table writes them (official terms).
CONTRACTOR_KINDS = {
    "social_association": "社会团体",
    "social_service_agency": "社会服务机构",
    "foundation": "基金会",
    "filed_community_so": "备案社区社会组织",
    "enterprise": "企业",
    "public_institution": "事业单位",
    "mass_organization": "群团组织",
}


def import_purchases(
    rows: list[PurchaseRow], *, file_name: str, sha256: str, by: Actor, within: list[str] | None = None
) -> PurchaseImport:
    """Take a checked table: new contracts are added, a known number is a correction that replaces its row.

    ``within`` limits the divisions a person may import for. A contract concluded here cannot be
    overwritten by a table. All or nothing: the caller's transaction.
    """
    if within is not None:
        prefixes = tuple(tree_prefix(code) for code in within)
        strangers = sorted({row.division_code for row in rows if not row.division_code.startswith(prefixes)})
        if strangers:
            raise Refusal(
                Message(
                    N_(
                        "The table has rows of divisions that are not yours: %(codes)s. Take them out and import again."
                    ),
                    {"codes": "、".join(strangers[:10])},
                ),
                status=403,
            )
    batch = PurchaseImport(
        file_name=file_name[-200:],
        sha256=sha256,
        rows=len(rows),
        imported_at=clock.now(),
        imported_by=by.actor_id,
    )
    db.session.add(batch)
    db.session.flush()
    known = _known(rows)
    for row in rows:
        existing = known.get((row.purchaser, row.fiscal_year, row.contract_no))
        if existing is None:
            db.session.add(Purchase(**_columns(row), import_id=batch.id))
            continue
        if existing.commitment_id is not None:
            raise Refusal(
                Message(
                    N_("Contract %(number)s was concluded in this system; change it there, not by a table."),
                    {"number": row.contract_no},
                )
            )
        before = {"amount": existing.amount.fen, "cancelled": existing.cancelled_amount.fen}
        for name, value in _columns(row).items():
            setattr(existing, name, value)
        existing.import_id = batch.id
        batch.replaced += 1
        append("purchase", existing.id, "corrected", by=by, details={"before": before, "import": batch.id})
    db.session.flush()
    record(batch, "imported", by=by, details={"file": batch.file_name, "sha256": sha256, "rows": batch.rows})
    return batch


def _known(rows: list[PurchaseRow]) -> dict[tuple[str, int, str], Purchase]:
    """Stored purchases that carry one of the numbers, by (purchaser, fiscal year, number)."""
    numbers = sorted({row.contract_no for row in rows})
    found: dict[tuple[str, int, str], Purchase] = {}
    for start in range(0, len(numbers), 500):
        for item in db.session.scalars(
            select(Purchase).where(Purchase.contract_no.in_(numbers[start : start + 500]))
        ):
            found[item.purchaser, item.fiscal_year, item.contract_no] = item
    return found


def _columns(row: PurchaseRow) -> dict[str, Any]:
    names = (
        "contract_no", "fiscal_year", "division_code", "purchaser", "service_key", "service_name", "catalogue_code",
        "public_service", "contractor", "contractor_code", "contractor_kind", "host_code", "amount",
        "cancelled_amount", "fund_source", "method", "signed_on", "is_venture",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {
        "so_share": str(row.so_share) if row.so_share is not None else None
    }


class Concluded(Protocol):
    """What a commitment tells of a contract; commitments are a room above this one."""

    id: Any
    number: Any
    amount: Any


def record_concluded(
    commitment: Concluded,
    *,
    division_code: str,
    purchaser: str,
    service_key: str,
    service_name: str,
    catalogue_code: str,
    public_service: bool,
    contractor: Organization,
    fund_source: str,
    method: str,
    signed_on: date,
    is_venture: bool,
    by: Actor,
) -> Purchase:
    """The purchase of a contract concluded here, so that it arrives in the 30% figure by itself."""
    purchase = Purchase(
        division_code=division_code,
        fiscal_year=signed_on.year,
        contract_no=commitment.number,
        purchaser=purchaser,
        service_key=service_key,
        service_name=service_name,
        catalogue_code=catalogue_code,
        public_service=public_service,
        contractor=contractor.name,
        contractor_code=contractor.credit_code or "",
        contractor_kind=CONTRACTOR_KINDS.get(contractor.kind, "其他"),
        host_code=(contractor.host.credit_code or "") if contractor.host is not None else "",
        amount=commitment.amount,
        cancelled_amount=Money(0),
        fund_source=fund_source,
        method=method,
        signed_on=signed_on,
        is_venture=is_venture,
        commitment_id=commitment.id,
    )
    db.session.add(purchase)
    record(purchase, "concluded", by=by, details={"commitment": commitment.number})
    return purchase


def confirm_continuation(
    earlier: ServiceKey, later: ServiceKey, *, fiscal_year: int, by: Actor
) -> ServiceContinuation:
    """Note that a service goes on with another under a new name, key, purchaser or division."""
    link = ServiceContinuation(
        earlier_division=earlier[0],
        earlier_purchaser=earlier[1],
        earlier_key=":".join(earlier[2]),
        later_division=later[0],
        later_purchaser=later[1],
        later_key=":".join(later[2]),
        fiscal_year=fiscal_year,
        confirmed_by=by.actor_id,
    )
    db.session.add(link)
    record(link, "confirmed", by=by)
    return link


def cancel_part(purchase: Purchase, cancelled: Money, *, by: Actor) -> None:
    """Set how much of a concluded contract was cancelled; it reduces its own row (DOMAIN 3.1)."""
    before = purchase.cancelled_amount
    purchase.cancelled_amount = cancelled
    record(purchase, "cancelled in part", by=by, details={"before": before.fen, "after": cancelled.fen})
