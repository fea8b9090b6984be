"""The auditor's file: every posting in scope with a chain of digests, and what a stand-alone program needs to check it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased

from core import clock
from core.access.policy import Refusal
from core.audit.services import append
from core.db import db, transaction
from core.jobs.services import Task, add_kind
from core.text import N_, Message
from core.web.paging import after_key, in_order
from finance.exports.reports import safe
from finance.ledger.models import Account, Posting, Transfer

KIND = "postings_proof"
CHUNK = 5_000
FORMAT = "shanzhi postings 1"
# In this order they stand in the file; row_digest covers all before it and the digest of the row before.
COLUMNS = (
    "account_id", "seq", "account_kind", "owner_type", "owner_id", "agency_id", "transfer_id", "kind", "key",
    "reference_type", "reference_id", "reverses_id", "memo", "posted_at", "posted_by", "booked_on", "amount_fen",
    "balance_after_fen", "prev_hash", "hash", "row_digest",
)  # fmt: skip
TEXTS = frozenset({"account_kind", "owner_type", "kind", "key", "reference_type", "memo"})
_VALUES = (
    Posting.account_id, Posting.seq, Account.kind.label("account_kind"), Account.owner_type, Account.owner_id,
    Account.agency_id, Posting.transfer_id, Transfer.kind, Transfer.key, Transfer.reference_type,
    Transfer.reference_id, Transfer.reverses_id, Transfer.memo, Posting.posted_at, Transfer.posted_by,
    Transfer.booked_on, Posting.amount, Posting.balance_after, Posting.prev_hash, Posting.hash,
)  # fmt: skip
_KEYS = ((Posting.account_id, False), (Posting.seq, False))


def row_digest(previous: str, cells: list[str]) -> str:
    """SHA-256 over the digest of the row before and the cells as a JSON array."""
    text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def _cells(row: Any) -> list[str]:
    (
        account_id, seq, account_kind, owner_type, owner_id, agency_id, transfer_id, kind, key, reference_type,
        reference_id, reverses_id, memo, posted_at, posted_by, booked_on, amount, balance, prev_hash, digest,
    ) = row  # fmt: skip
    return [
        str(account_id), str(seq), safe(account_kind), safe(owner_type), str(owner_id), _text(agency_id),
        str(transfer_id), safe(kind), safe(key), safe(reference_type), str(reference_id), _text(reverses_id),
        safe(memo), posted_at.isoformat(timespec="microseconds"), _text(posted_by), _text(booked_on),
        str(amount.fen), str(balance.fen), prev_hash, digest,
    ]  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _rows(agencies: set[int], task: Task, total: int) -> Iterator[list[str]]:
    """Account by account, in the order of its numbers; nothing is held open between chunks."""
    query = (
        select(*_VALUES)
        .select_from(Posting)
        .join(Account, Account.id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Account.agency_id.in_(agencies))
        .order_by(*in_order(_KEYS))
        .limit(CHUNK)
    )
    last: list[Any] | None = None
    done = 0
    while True:
        part = db.session.execute(query if last is None else query.where(after_key(_KEYS, last))).all()
        db.session.rollback()
        for row in part:
            yield _cells(row)
        done += len(part)
        task.step(done, max(total, done))
        if len(part) < CHUNK:
            return
        last = [part[-1][0], part[-1][1]]


def write_proof(target: IO[bytes], agencies: set[int], task: Task) -> dict[str, Any]:
    """Write ``postings.csv`` and ``manifest.json`` into a zip; returns the manifest."""
    scope = Account.agency_id.in_(agencies)
    total = db.session.scalar(
        select(func.count()).select_from(Posting).join(Account, Account.id == Posting.account_id).where(scope)
    )
    other, owner = aliased(Posting), aliased(Account)
    # Transfers with a side in books that are not in the file: their postings here do not sum to zero.
    outside = db.session.scalars(
        select(Posting.transfer_id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            scope,
            exists(
                select(other.seq)
                .join(owner, owner.id == other.account_id)
                .where(other.transfer_id == Posting.transfer_id, owner.agency_id.not_in(agencies))
            ),
        )
        .distinct()
        .order_by(Posting.transfer_id)
    ).all()
    digest, rows, amounts = "0" * 64, 0, 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        whole = hashlib.sha256()
        with archive.open("postings.csv", "w", force_zip64=True) as stream:

            def put(cells: list[str]) -> None:
                line = io.StringIO(newline="")
                csv.writer(line).writerow(cells)
                data = line.getvalue().encode()
                whole.update(data)
                stream.write(data)

            put(list(COLUMNS))
            for cells in _rows(agencies, task, total or 0):
                digest = row_digest(digest, cells)
                put([*cells, digest])
                rows += 1
                amounts += int(cells[16])
        manifest = {
            "format": FORMAT,
            "made_at": clock.now().isoformat(timespec="seconds"),
            "agencies": sorted(agencies),
            "rows": rows,
            "sum_fen": amounts,
            "last_row_digest": digest,
            "sha256": whole.hexdigest(),
            "transfers_with_a_side_outside": list(outside),
        }
        archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
    return manifest


def export_proof(task: Task) -> None:
    """The job: scope and permission as they are when it runs; the export is on the record."""
    agencies = set(task.actor.agency_ids("fund.read"))
    wanted = task.payload.get("unit")
    if wanted is not None:
        agencies &= {int(wanted)}
    if not agencies:
        raise Refusal(Message(N_("Your role does not include this list any more.")), status=403)
    with tempfile.TemporaryFile() as file:
        manifest = write_proof(file, agencies, task)
        file.seek(0)
        task.keep(file, f"postings-{clock.today().isoformat()}.zip")
    with transaction():
        for agency_id in sorted(agencies):
            append(
                "agency", agency_id, "postings_exported", by=task.actor,
                details={"rows": manifest["rows"], "sha256": manifest["sha256"], "job": task.number},
            )  # fmt: skip


add_kind(KIND, export_proof)
