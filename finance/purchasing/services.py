"""Writing purchases: imported from a table, or concluded here."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from operator import attrgetter
from typing import IO, Any, Protocol

from sqlalchemy import BigInteger, Date, bindparam, column, delete, inspect, select, table, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.bulk import collector_at_rest, write_rows
from core.db import db
from core.files.models import StoredFile
from core.files.services import clean_name, store
from core.files.services import read as read_file
from core.money import Money
from core.spreadsheets import MAX_BYTES
from core.text import N_, Message
from finance.contracts.models import ContractorOverride, Purchase, PurchaseHeading, PurchaseImport
from finance.contracts.queries import as_row, concluded, paid_by_row, under
from finance.contracts.rules import R30_SOURCES, PurchaseRow
from finance.figures.models import LevelFigure
from finance.figures.services import Touched, recompute, refresh
from finance.purchasing.queries import Plan, identity_of, planned
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division
from registry.organizations.models import Organization
from registry.organizations.rules import check_credit_code

_TOLD_ONE_BY_ONE = 2_000

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
    """Take a checked table at once: new contracts are added, a known number is a correction that replaces its row.

    ``within`` limits the divisions a person may import for. A contract concluded here cannot be
    overwritten by a table. All or nothing: the caller's transaction.
    """
    batch = PurchaseImport(
        file_name=file_name[-200:],
        sha256=sha256,
        rows=len(rows),
        imported_at=clock.now(),
        imported_by=by.actor_id,
    )
    db.session.add(batch)
    db.session.flush()
    take_rows(batch, rows, by=by, within=within)
    return batch


def open_import(
    stream: IO[bytes], file_name: str, *, agency: Agency, by: Actor, replaces: PurchaseImport | None = None
) -> PurchaseImport:
    """Keep an uploaded table as it came; nothing of it counts before it was looked through and taken.

    ``replaces``: an earlier import of the unit whose rows go where they are missing in this file.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refusal(
            Message(
                N_("The file is larger than %(limit)s MB, also unpacked: split it."),
                {"limit": MAX_BYTES >> 20},
            ),
            status=413,
        )
    if not data.strip():
        raise Refusal(Message(N_("The file is empty. Choose it again.")))
    name = clean_name(file_name)
    batch = PurchaseImport(
        file_name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=0,
        imported_at=clock.now(),
        imported_by=by.actor_id,
        agency_id=agency.id,
        file_id=_packed(data, name, by=by, max_bytes=MAX_BYTES),
        replaces_id=replaces.id if replaces is not None else None,
    )
    db.session.add(batch)
    db.session.flush()
    record(batch, "uploaded", by=by, details={"file": name, "sha256": batch.sha256})
    return batch


def _packed(data: bytes, name: str, *, by: Actor, max_bytes: int | None = None) -> int:
    """A table in a zip, since a plain text is no kind of file that is kept."""
    stream = io.BytesIO()
    # A workbook is a zip itself.
    how = zipfile.ZIP_STORED if data[:2] == b"PK" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(stream, "w", how, compresslevel=1) as archive:
        archive.writestr("table", data)
    stream.seek(0)
    return store(stream, f"{name[-190:]}.zip", by=by, max_bytes=max_bytes).id


def unpacked(file: StoredFile) -> bytes:
    """The table that :func:`open_import` has kept."""
    with zipfile.ZipFile(io.BytesIO(read_file(file))) as archive:
        return archive.read("table")


def note_preview(
    batch: PurchaseImport, rows: list[PurchaseRow], preview: dict[str, Any], *, by: Actor
) -> None:
    """Keep what a look through the file found, and its checked rows for the moment when they are taken."""
    batch.preview = json.dumps(preview, ensure_ascii=False)
    batch.rows = len(rows)
    batch.checked_file_id = None
    if rows and not preview["errors"]:
        lines = "\n".join(
            json.dumps(
                [_plain(row) for row in rows[start : start + _PACKED]],
                ensure_ascii=False,
                separators=(",", ":"),
            )
            for start in range(0, len(rows), _PACKED)
        )
        batch.checked_file_id = _packed(lines.encode(), batch.file_name, by=by)


def take_import(batch: PurchaseImport, *, by: Actor, within: list[str] | None = None) -> None:
    """Take the rows that were looked through: all or none."""
    if batch.taken_at is not None:
        raise Refusal(Message(N_("This table was taken already.")), status=409)
    if batch.checked_file is None:
        raise Refusal(
            Message(N_("This table has mistakes or is not looked through yet: nothing can be taken."))
        )
    with collector_at_rest():
        rows = [
            _from_plain(values)
            for line in unpacked(batch.checked_file).decode().split("\n")
            for values in json.loads(line)
        ]
        take_rows(batch, rows, by=by, within=within)


def discard_import(batch: PurchaseImport, *, by: Actor) -> None:
    """Forget a table that was not taken."""
    if batch.taken_at is not None:
        raise Refusal(Message(N_("This table was taken already.")), status=409)
    append("purchase_import", batch.id, "discarded", by=by, details={"file": batch.file_name})
    db.session.delete(batch)


_PLAIN = (
    "contract_no", "fiscal_year", "division_code", "purchaser", "service_key", "service_name", "catalogue_code",
    "public_service", "contractor", "contractor_code", "contractor_kind", "host_code", "so_share", "amount",
    "cancelled_amount", "fund_source", "method", "signed_on", "is_venture", "budget_amount", "paid_amount",
    "subcontract_so_share",
)  # fmt: skip

_MONEY = tuple(_PLAIN.index(name) for name in ("amount", "cancelled_amount", "budget_amount", "paid_amount"))

_SHARES = (_PLAIN.index("so_share"), _PLAIN.index("subcontract_so_share"))

_DAY = _PLAIN.index("signed_on")

_values_of = attrgetter(*_PLAIN)

# Rows in one line of the kept table.
_PACKED = 1_000


def _plain(row: PurchaseRow) -> list[Any]:
    """A row as JSON: money in fen, the shares and the day as text."""
    values = list(_values_of(row))
    for place in _MONEY:
        if values[place] is not None:
            values[place] = values[place].fen
    for place in (*_SHARES, _DAY):
        if values[place] is not None:
            values[place] = str(values[place])
    return values


def _from_plain(values: list[Any]) -> PurchaseRow:
    for place in _MONEY:
        if values[place] is not None:
            values[place] = Money(values[place])
    # A table looked through before the last column was there holds rows without it.
    values += [None] * (len(_PLAIN) - len(values))
    for place in _SHARES:
        if values[place] is not None:
            values[place] = Fraction(values[place])
    values[_DAY] = date.fromisoformat(values[_DAY])
    whole = [*values[:19], 0, *values[19:]]
    return PurchaseRow(*whole)


# The columns without their types of this product, for statements of many rows.
_BULK = table(
    "purchase",
    column("id", BigInteger),
    *(
        column(name, BigInteger if place in _MONEY else Date if place == _DAY else None)
        for place, name in enumerate(_PLAIN)
    ),
    column("import_id", BigInteger),
)


def take_rows(
    batch: PurchaseImport, rows: list[PurchaseRow], *, by: Actor, within: list[str] | None = None
) -> None:
    """Add and replace the rows of a table, take back what an earlier table had and this one has not."""
    plan = planned(rows, batch.replaces_id, within)
    if plan.refusals:
        raise plan.refusals[0]
    touched: Touched = {}
    for row in rows:
        touched.setdefault(row.service, set()).add(row.fiscal_year)
    for item in (*plan.before.values(), *plan.gone):
        touched.setdefault(item.service, set()).add(item.fiscal_year)
    connection = db.session.connection()
    fresh, changed, same = [], [], []
    for row in rows:
        old = plan.before.get(identity_of(row))
        if old is None:
            fresh.append((*_bulk(row), batch.id))
        elif replace(row, row=old.row) == old:
            same.append(old.row)
        else:
            changed.append(dict(zip(_PLAIN, _bulk(row), strict=True), import_id=batch.id, purchase=old.row))
    write_rows("purchase", (*_PLAIN, "import_id"), fresh)
    if changed:
        fields: dict[str, Any] = {name: bindparam(name) for name in (*_PLAIN, "import_id")}
        connection.execute(update(_BULK).where(_BULK.c.id == bindparam("purchase")).values(fields), changed)
    for start in range(0, len(same), 1_000):
        connection.execute(
            update(_BULK).where(_BULK.c.id.in_(same[start : start + 1_000])).values(import_id=batch.id)
        )
    gone = [item.row for item in plan.gone]
    for start in range(0, len(gone), 1_000):
        connection.execute(delete(_BULK).where(_BULK.c.id.in_(gone[start : start + 1_000])))
    db.session.expire_all()
    _tell_corrections(batch, plan, {item["purchase"] for item in changed}, by)
    batch.rows, batch.replaced, batch.removed = len(rows), len(plan.before), len(gone)
    batch.taken_at = clock.now()
    record(
        batch,
        "imported",
        by=by,
        details={
            "file": batch.file_name, "sha256": batch.sha256, "rows": len(rows), "replaced": len(plan.before),
            "removed": len(gone),
        },
    )  # fmt: skip
    refresh(touched)


def _bulk(row: PurchaseRow) -> list[Any]:
    values = _plain(row)
    values[_DAY] = row.signed_on
    return values


def _tell_corrections(batch: PurchaseImport, plan: Plan, changed: set[int], by: Actor) -> None:
    """What stood there before: beside each contract, or in one file where there are very many."""
    corrected = [item for item in plan.before.values() if item.row in changed]
    if len(corrected) + len(plan.gone) > _TOLD_ONE_BY_ONE:
        lines = "\n".join(
            json.dumps([item.row, *_plain(item)], ensure_ascii=False) for item in (*corrected, *plan.gone)
        )
        number = _packed(lines.encode(), f"before-{batch.id}", by=by)
        append(
            "purchase_import", batch.id, "corrected many", by=by,
            details={"corrected": len(corrected), "removed": len(plan.gone), "before": number},
        )  # fmt: skip
        return
    for item in corrected:
        before = {"amount": item.amount.fen, "cancelled": item.cancelled_amount.fen}
        append("purchase", item.row, "corrected", by=by, details={"before": before, "import": batch.id})
    for item in plan.gone:
        details = {"contract": item.contract_no, "amount": item.amount.fen, "import": batch.id}
        append("purchase", item.row, "taken back", by=by, details=details)


def remember_headings(agency: Agency, chosen: dict[str, str], *, by: Actor) -> None:
    """What the columns of this unit's tables mean, by heading; an empty choice forgets."""
    known = {
        row.heading: row
        for row in db.session.scalars(select(PurchaseHeading).where(PurchaseHeading.agency_id == agency.id))
    }
    for heading, name in chosen.items():
        row = known.get(heading)
        if not name:
            if row is not None:
                db.session.delete(row)
        elif row is None:
            db.session.add(PurchaseHeading(agency_id=agency.id, heading=heading, column_name=name))
        else:
            row.column_name = name
    append("agency", agency.id, "headings remembered", by=by, details={"headings": chosen})
    db.session.flush()


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
        division_code=normalise_division(division_code),
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
        paid_amount=Money(0),
    )
    db.session.add(purchase)
    record(purchase, "concluded", by=by, details={"commitment": commitment.number})
    refresh({as_row(purchase).service: {purchase.fiscal_year}})
    return purchase


def cancel_part(purchase: Purchase, cancelled: Money, *, by: Actor) -> None:
    """Set how much of a concluded contract was cancelled; it reduces its own row (DOMAIN 3.1)."""
    before = purchase.cancelled_amount
    purchase.cancelled_amount = cancelled
    record(purchase, "cancelled in part", by=by, details={"before": before.fen, "after": cancelled.fen})
    refresh({as_row(purchase).service: {purchase.fiscal_year}})


def note_amounts(
    purchase: Purchase, *, by: Actor, budget: Money | None = None, paid: Money | None = None
) -> None:
    """The other two bases of a contract: its budget quota, and what was paid in its fiscal year."""
    if budget is not None:
        purchase.budget_amount = budget
    if paid is not None:
        purchase.paid_amount = paid
    details = {
        name: amount.fen for name, amount in (("budget", budget), ("paid", paid)) if amount is not None
    }
    record(purchase, "amounts noted", by=by, details=details)
    refresh({as_row(purchase).service: {purchase.fiscal_year}})


def note_paid(commitment_ids: Iterable[int], *, by: Actor) -> int:
    """Bring what was paid on contracts concluded here in line with the ledger; how many rows changed.

    A year in which a contract is paid and has no row yet gets one, without an amount of its own: it
    counts on the payment basis alone.
    """
    ids = set(commitment_ids)
    # Two payments of one contract at once wait for one another here.
    db.session.execute(select(Purchase.id).where(Purchase.commitment_id.in_(ids)).with_for_update())
    purchases = concluded(ids)
    rows = {(item.commitment_id, item.fiscal_year): item for item in purchases}
    first = {item.commitment_id: item for item in reversed(purchases)}
    changed = 0
    for (commitment_id, year), amount in sorted(paid_by_row(purchases).items()):
        row = rows.get((commitment_id, year)) or _later_year(first[commitment_id], year)
        if row.paid_amount != amount:
            note_amounts(row, paid=amount, by=by)
            changed += 1
    return changed


def _later_year(first: Purchase, year: int) -> Purchase:
    """The row of a contract in a year after it was signed; nothing of its amount falls there."""
    own = ("id", "fiscal_year", "amount", "cancelled_amount", "budget_amount", "paid_amount", "import_id")
    same = {
        column.key: getattr(first, column.key)
        for column in inspect(Purchase).column_attrs
        if column.key not in own
    }
    row = Purchase(**same, fiscal_year=year, amount=Money(0), cancelled_amount=Money(0))
    db.session.add(row)
    db.session.flush()
    return row


def override_contractor(
    division: str, code: str, *, contractor: str, counts: bool, reason: str, by: Actor
) -> ContractorOverride:
    """Count a contractor as a social organization in a division, or not, whatever its code says (DOMAIN 3.1)."""
    code, division = check_credit_code(code).code, normalise_division(division)
    if not reason.strip():
        raise Refusal(
            Message(N_("Give the reason: whoever checks the figure must be able to follow the decision.")),
            rule="R30",
            source=R30_SOURCES["organization_prefixes"],
        )
    row = db.session.scalar(
        select(ContractorOverride).where(
            ContractorOverride.division_code == division, ContractorOverride.contractor_code == code
        )
    )
    if row is None:
        row = ContractorOverride(division_code=division, contractor_code=code)
        db.session.add(row)
    row.contractor, row.counts, row.reason = contractor, counts, reason.strip()
    row.decided_on, row.decided_by = clock.today(), by.actor_id
    record(row, "decided", by=by, details={"counts": counts, "reason": row.reason})
    _recompute_under(division, row.decided_on.year)
    return row


def withdraw_override(row: ContractorOverride, *, by: Actor) -> None:
    """Let the code decide again."""
    division, year = row.division_code, row.decided_on.year
    details = {"division": division, "code": row.contractor_code, "counts": row.counts}
    append("contractor_override", row.id, "withdrawn", by=by, details=details)
    db.session.delete(row)
    _recompute_under(division, year)


def _recompute_under(division: str, first_year: int) -> None:
    """A decision is in force from its year on."""
    db.session.flush()
    rows = db.session.execute(
        select(LevelFigure.division_code, LevelFigure.fiscal_year)
        .where(under(LevelFigure.division_code, division), LevelFigure.fiscal_year >= first_year)
        .distinct()
    )
    work: dict[int, set[str]] = {}
    for code, year in rows:
        work.setdefault(year, set()).add(code)
    for year, codes in sorted(work.items()):
        recompute(codes, year)
