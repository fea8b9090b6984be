"""``run.py bench finance``: posting against the same statements replayed bare, and 100,000 postings as a workbook.

Posting a payment is what the ledger does for it: off the commitment when it is approved, out when it is
paid, two transactions. Every statement is noted and sent again by the bare driver to a copy of the
database as it was before, with the same settings and commits, payment by payment: the share of the rate is
bare time over the product's time, over all payments, with what the databases do now and then (checkpoints)
on both sides. Beside it stand, without a limit, the share of the median payment, and both for the whole life
of a payment (request, review, approve, release, paid), with every check of the till. The workbook of postings is compared with bare xlsxwriter writing the same cells, its
memory with that for a tenth of the rows.
"""

from __future__ import annotations

import io
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import event, insert, make_url, select

from core import clock
from core.audit.chains import chain_hash
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from core.web.tables import write_workbook
from finance.commitments.models import Commitment
from finance.commitments.services import commit, shift
from finance.disbursements import services as till
from finance.disbursements.models import PayeeAccount
from finance.exports.reports import POSTINGS
from finance.funds.services import earmark
from finance.ledger.models import Account, Posting, Transfer, posting_content, transfer_content
from tests import postgres, world
from tests.bench.exports import _bare, _cells, apart, peak
from tests.bench.pages import line
from tests.conftest import dispose, make_app
from tests.finance.money import make_account, make_budget
from tests.soak.stages import stages

PAYMENTS = 120
WARM = 5
LEAST = {"sqlite": 0.05, "postgresql": 0.20}
POSTED = 100_000
HEADS = ("kind", "key", "reference_type", "reference_id", "reverses_id", "memo", "posted_at", "posted_by",
         "booked_on")  # fmt: skip
MEGABYTE = 1 << 20
Note = tuple[str, str, Any, bool]  # what (run, commit, rollback), statement, parameters, many at once


def run() -> int:
    missed = 0
    with stages() as apps:
        for engine, app in apps.items():
            print(f"\n{engine}")
            share, usual, count = posting(app, engine, _posting)
            missed += line(
                f"posting a payment ({count} statements): share of the bare rate",
                f"{share:.1%}", share >= LEAST[engine], f"≥ {LEAST[engine]:.0%}",
            )  # fmt: skip
            print(f"       of the median payment, without checkpoints: {usual:.1%}")
            share, usual, count = posting(app, engine, _life)
            print(f"       a payment's whole life ({count} statements): {share:.1%}, median {usual:.1%}")
            fill(app, POSTED)
            dispose(app)
            where = (app.instance_path, app.config["SQLALCHEMY_DATABASE_URI"])
            ratio, rows = apart(times, *where)
            missed += line(
                f"{rows:,} postings: time over bare xlsxwriter", f"{ratio:.2f}", ratio <= 1.5, "≤ 1.5"
            )
            small, large = apart(memory, *where, "2001"), apart(memory, *where, "")
            grown = (large - small) / MEGABYTE
            missed += line(
                "memory above that for a tenth of the rows", f"{grown:.0f} MB", grown <= 32, "≤ 32 MB"
            )
    return missed


# Posting ------------------------------------------------------------------------------------------


def posting(app: Flask, engine: str, work: Callable[[int, int], None]) -> tuple[float, float, int]:
    """Bare time over the product's time for the same statements, in all and of the median payment; how many
    statements one payment takes."""
    tag = work.__name__
    with app.app_context():
        with transaction():
            budget = make_budget(name=f"示例来源 {tag}")
            lot = earmark(
                budget, agency=world.agency(), title="示例专项", purpose="elderly", amount=budget.amount,
                by=world.user("finance"),
            )  # fmt: skip
            # A second account of the same organization would be a changed one, which waits.
            account = db.session.scalars(select(PayeeAccount).limit(1)).first() or make_account()
            today = clock.today()
            ids = [
                commit(
                    lot, organization=world.organization(), number=f"B{tag}-{place}", title="示例项目",
                    track="venture_grant", amount=Money(100_000), starts_on=today, ends_on=today,
                    tranches=[(1, "全额", "signed")], from_reservation=False, by=world.user("leader"),
                ).id
                for place in range(PAYMENTS + WARM)
            ]  # fmt: skip
            account_id = account.id
        db.session.remove()
        for row_id in ids[:WARM]:
            work(row_id, account_id)
    dispose(app)
    with tempfile.TemporaryDirectory() as folder:
        bare = _copy(app, engine, Path(folder))
        notes: list[Note] = []
        own: list[float] = []
        spent: list[float] = []
        with app.app_context():
            _listen(db.engine, notes)
        for row_id in ids[WARM:]:
            notes.clear()
            with app.app_context():
                begin = time.perf_counter()
                work(row_id, account_id)
                own.append(time.perf_counter() - begin)
            sent = list(notes)
            begin = time.perf_counter()
            _replay(bare, sent)
            spent.append(time.perf_counter() - begin)
        bare.close()
        dispose(app)
    statements = sum(what == "run" for what, *_rest in sent)
    return sum(spent) / sum(own), statistics.median(spent) / statistics.median(own), statements


def _posting(commitment_id: int, _account_id: int) -> None:
    """The two movements of a payment, each in its transaction and its own session."""
    for giver, taker, kind in (
        ("committed", "payable", "disbursement_approved"),
        ("payable", "paid", "disbursement_paid"),
    ):
        with transaction():
            commitment = db.session.get_one(Commitment, commitment_id)
            shift(
                commitment, giver, taker, commitment.amount, kind=kind, key=f"bench/{commitment_id}/{kind}",
                reference=("commitment", commitment_id), memo=commitment.number, by=SYSTEM,
            )  # fmt: skip
        db.session.remove()


def _life(commitment_id: int, account_id: int) -> None:
    """Five requests of five pages, each with its transaction and its own session."""
    with transaction():
        payment_id = till.request_disbursement(
            db.session.get_one(Commitment, commitment_id).tranches[0],
            payee_account=db.session.get_one(PayeeAccount, account_id),
            receipt_number=f"SJ-{commitment_id}",
            by=world.user("clerk"),
        ).id
    db.session.remove()
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("review", "finreview", {}),
        ("approve", "leader", {}),
        ("release", "finance", {}),
        ("mark_paid", "finance", {"paid_on": clock.today(), "voucher_number": f"PZ-{commitment_id}"}),
    ]
    for verb, login, facts in steps:
        with transaction():
            getattr(till, verb)(
                db.session.get_one(till.Disbursement, payment_id), by=world.user(login), **facts
            )
        db.session.remove()


def _listen(engine: Any, notes: list[Note]) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def ran(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        notes.append(("run", statement, parameters, many))

    @event.listens_for(engine, "commit")
    def committed(_connection: Any) -> None:
        notes.append(("commit", "", None, False))

    @event.listens_for(engine, "rollback")
    def undone(_connection: Any) -> None:
        notes.append(("rollback", "", None, False))


def _copy(app: Flask, engine: str, folder: Path) -> Any:
    """A bare connection to a copy of the database as it is now."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if engine == "sqlite":
        target = folder / "copy.db"
        with sqlite3.connect(url.database or "") as source, sqlite3.connect(target) as other:
            source.backup(other)
        source.close()
        other.close()
        connection = sqlite3.connect(target, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY",
                       "recursive_triggers=ON"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        return connection
    name = f"bare_copy_{folder.name[-8:].lower()}"
    with postgres.administration() as administration:
        postgres.copy_database(administration, url.database or "", name)
    plain = url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    return psycopg.connect(plain)


def _replay(connection: Any, notes: list[Note]) -> None:
    cursor = connection.cursor()
    for what, statement, parameters, many in notes:
        if what != "run":
            getattr(connection, what)()
        elif many:
            cursor.executemany(statement, parameters)
        else:
            cursor.execute(statement, parameters or ())
            if cursor.description:
                cursor.fetchall()


# The workbook -------------------------------------------------------------------------------------


def fill(app: Flask, count: int) -> None:
    """So many postings on accounts of the bureau, chained and written straight to the tables.

    A tenth of them lies in the year 2001, so that a tenth can be asked for.
    """
    with app.app_context():
        now = clock.now()
        with transaction() as session:
            unit, start = (
                world.agency().id,
                (session.scalar(select(Transfer.id).order_by(Transfer.id.desc())) or 0) + 1,
            )
            giver, taker = [
                Account(kind=kind, owner_type="bench", owner_id=1, agency_id=unit, restricted=False)
                for kind in ("source", "budget")
            ]
            session.add_all([giver, taker])
            session.flush()
            half, kept = count // 2, {"reverses_id": None, "posted_by": None}
            transfers = [
                {
                    **kept, "id": start + place, "kind": "disbursement_paid", "key": f"bench/{place}", "reference_type": "bench",
                    "reference_id": place, "memo": f"示凭2026{place:06d} 示例项目拨款", "posted_at": now,
                    "booked_on": clock.today().replace(year=2001) if place < half // 10 else None,
                }
                for place in range(half)
            ]  # fmt: skip
            session.execute(insert(Transfer), transfers)
            about = [transfer_content({name: row.get(name) for name in HEADS}) for row in transfers]
            for account, sign in ((giver, -1), (taker, 1)):
                session.execute(insert(Posting), _chain(account, sign, transfers, about))
        db.session.remove()


def _chain(
    account: Account, sign: int, transfers: list[dict[str, Any]], about: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The account's side of the transfers, chained from its first posting as the ledger would."""
    postings: list[dict[str, Any]] = []
    for place, (transfer, content) in enumerate(zip(transfers, about, strict=True)):
        amount = Money(sign * (10_000 + place))
        account.balance += amount
        columns = {
            "account_id": account.id, "seq": place + 1, "transfer_id": transfer["id"], "amount": amount,
            "balance_after": account.balance, "posted_at": transfer["posted_at"], "prev_hash": account.last_hash,
        }  # fmt: skip
        account.last_seq = place + 1
        account.last_hash = chain_hash(posting_content(columns, content), account.last_hash)
        postings.append({**columns, "hash": account.last_hash})
    return postings


def _export(app: Flask, target: Any, year: str = "") -> int:
    with app.app_context(), force_locale("zh_Hans_CN"):
        args = {"year": year} if year else {}
        return write_workbook(POSTINGS, world.user("finance"), args, target, step=lambda _done, _all: None)


def memory(instance: str, url: str, year: str) -> int:
    """The most memory that this process held after one export, in bytes."""
    _export(make_app(url, Path(instance)), io.BytesIO(), year)
    return peak()


def times(instance: str, url: str) -> tuple[float, int]:
    """The better of two times of the export over the better of two of writing the same cells; how many rows."""
    app = make_app(url, Path(instance))
    target = io.BytesIO()
    rows = _export(app, target)
    cells = _cells(target)
    own, bare = [], []
    for _ in range(2):
        begin = time.perf_counter()
        _export(app, io.BytesIO())
        own.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        _bare(cells)
        bare.append(time.perf_counter() - begin)
    return min(own) / min(bare), rows
