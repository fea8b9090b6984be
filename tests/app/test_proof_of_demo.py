"""Any single row of the ledger or the audit trail that is changed, removed or slipped in is named.

On the demonstration world, on both databases, with triggers, foreign keys and checks
out of the way: whoever does this owns the database, but neither the keys nor the seals.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import Table, delete, func, insert, select, text, update

from core.audit import commands as audit
from core.audit.models import AuditEntry
from core.db import db, transaction
from core.money import Money
from finance.ledger import commands as ledger
from finance.ledger.models import Account, Posting, Transfer
from tests.app.told import copy_on, demo
from tests.conftest import ENGINES, dispose
from tests.tampering import drop_triggers

TABLES = {"audit_entry": (AuditEntry.__table__, audit), "posting": (Posting.__table__, ledger)}
ORDER = {
    "audit_entry": ("at", "object_type", "object_id", "seq"),
    "posting": ("transfer_id", "account_id", "seq"),
}
ROWS = 2


@pytest.fixture(scope="module", params=ENGINES)
def told_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("proof") / "instance"
    app = copy_on(request.param, demo(tmp_path_factory), folder)
    yield app
    dispose(app)


class _Undo(Exception):
    pass


@contextmanager
def forging(app: Flask) -> Iterator[None]:
    """Whatever is done inside is seen by the verifiers there, and undone."""
    with app.app_context():
        try:
            with transaction() as session:
                assert drop_triggers(session) >= len(TABLES)
                if session.get_bind().dialect.name == "postgresql":
                    session.execute(text("SET LOCAL session_replication_role = replica"))
                    session.execute(text("ALTER TABLE posting DROP CONSTRAINT ck_posting_amount_not_zero"))
                else:
                    session.execute(text("PRAGMA defer_foreign_keys = ON"))
                yield
                raise _Undo
        except _Undo:
            db.session.remove()


def verdict(which: Any) -> tuple[int, str]:
    db.session.expire_all()
    found = CliRunner().invoke(which.verify_command)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


def rows_of(name: str, *, limit: int | None = None) -> list[Any]:
    """The rows of a chain table, the newest first."""
    table = TABLES[name][0]
    query = select(table).order_by(*(table.c[key].desc() for key in ORDER[name])).limit(limit)
    return list(db.session.execute(query))


def some_row(name: str, salt: str) -> Any:
    return random.Random(f"{name}/{salt}").choice(rows_of(name))


def this(table: Table, row: Any) -> list[Any]:
    return [column == row._mapping[column.name] for column in table.primary_key.columns]


def key_of(name: str, row: Any) -> str:
    if name == "posting":
        return f"posting {row.account_id} #"
    return f"audit_entry {row.object_type}/{row.object_id} #"


def other(value: Any) -> Any:
    """A value of the same type that is not this one."""
    if isinstance(value, Money):
        return value + Money(1)
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 1_000_003
    if value is None:
        return 1
    return f"{value}x" if len(value) < 30 else value[:-1] + ("0" if value[-1] != "0" else "1")


def test_the_told_world_holds(told_app):
    with told_app.app_context():
        assert len(rows_of("posting")) > 200
        assert len(rows_of("audit_entry")) > 1_500
        assert verdict(audit)[0] == 0
        code, output = verdict(ledger)
        assert (code, output) == (0, "ledger: every chain holds, every transfer sums to zero\n")


CELLS = [
    (name, column.name, place)
    for name, (table, _commands) in TABLES.items()
    for column in table.columns
    for place in range(ROWS)
]


@pytest.mark.parametrize(("name", "column", "place"), CELLS)
def test_any_changed_column_is_named(told_app, name, column, place):
    table, commands = TABLES[name]
    with forging(told_app):
        row = some_row(name, f"{column}{place}")
        db.session.execute(
            update(table).where(*this(table, row)).values({column: other(row._mapping[column])})
        )
        code, output = verdict(commands)
    assert code == 1
    assert key_of(name, row) in output


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("posting", "UPDATE posting SET amount = amount + 0.4 WHERE {this}"),
        ("posting", "UPDATE posting SET amount = 'much' WHERE {this}"),
        ("posting", "UPDATE posting SET posted_at = posted_at || ' ' WHERE {this}"),
        ("posting", "UPDATE posting SET posted_at = 'yesterday' WHERE {this}"),
        ("posting", "UPDATE posting SET seq = 'first' WHERE {this}"),
        ("audit_entry", "UPDATE audit_entry SET at = 'yesterday' WHERE {this}"),
        ("audit_entry", "UPDATE audit_entry SET seq = 'first' WHERE {this}"),
        ("audit_entry", "UPDATE audit_entry SET event = CAST(event AS BLOB) WHERE {this}"),
    ],
)
def test_what_sqlite_lets_into_a_column_is_named(told_app, name, statement):
    with told_app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("PostgreSQL keeps the types of its columns")
    table, commands = TABLES[name]
    with forging(told_app):
        row = some_row(name, statement)
        where = " AND ".join(f"{column.name} = :{column.name}" for column in table.primary_key.columns)
        values = {column.name: row._mapping[column.name] for column in table.primary_key.columns}
        db.session.execute(text(statement.format(this=where)), values)
        code, output = verdict(commands)
    assert code == 1
    assert key_of(name, row) in output


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("which", ["middle", "last", "last ten", "a whole chain"])
def test_any_deleted_row_is_named(told_app, name, which):
    table, commands = TABLES[name]
    with forging(told_app):
        rows = rows_of(name)
        middle = rows[len(rows) // 2]
        doomed = {
            "middle": [middle],
            "last": rows[:1],
            "last ten": rows[:10],
            "a whole chain": [row for row in rows if key_of(name, row) == key_of(name, middle)],
        }[which]
        for row in doomed:
            db.session.execute(delete(table).where(*this(table, row)))
        code, output = verdict(commands)
    assert code == 1
    for row in doomed:
        assert key_of(name, row) in output


@pytest.mark.parametrize("whole", [True, False])
def test_a_cut_ledger_with_mended_accounts_shows_in_the_seals(told_app, whole):
    """The last transfer is gone with its postings, and its accounts look as if it had never been."""
    table = Posting.__table__
    with forging(told_app):
        newest = db.session.scalar(select(func.max(Transfer.id)))
        gone = list(db.session.execute(select(table).where(table.c.transfer_id == newest)))
        for row in gone:
            db.session.execute(delete(table).where(*this(table, row)))
            before = db.session.execute(
                select(table).where(table.c.account_id == row.account_id).order_by(table.c.seq.desc())
            ).first()
            db.session.execute(
                update(Account.__table__)
                .where(Account.id == row.account_id)
                .values(
                    last_seq=before.seq if before else 0,
                    last_hash=before.hash if before else "0" * 64,
                    balance=before.balance_after if before else Money(0),
                )
            )
        if whole:
            db.session.execute(delete(Transfer.__table__).where(Transfer.id == newest))
        code, output = verdict(ledger)
    assert code == 1
    for row in gone:
        assert f"posting {row.account_id} #" in output


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("where", ["behind its chain", "in another chain", "as a chain of its own"])
def test_a_row_copied_in_is_named(told_app, name, where):
    table, commands = TABLES[name]
    with forging(told_app):
        row = some_row(name, where)
        values = dict(row._mapping)
        owner = "account_id" if name == "posting" else "object_id"
        if where == "behind its chain":
            last = select(func.max(table.c.seq)).where(*this(table, row)[:-1])
            values["seq"] = db.session.scalar(last) + 1
        elif where == "in another chain":
            stranger = next(
                item
                for item in rows_of(name)
                if key_of(name, item) != key_of(name, row)
                and (name == "posting" or item.object_type == row.object_type)
            )
            values[owner] = stranger._mapping[owner]
            last = select(func.max(table.c.seq)).where(*this(table, stranger)[:-1])
            values["seq"] = db.session.scalar(last) + 1
        else:
            values[owner], values["seq"] = 9_999_999, 1
        db.session.execute(insert(table).values(values))
        code, output = verdict(commands)
    assert code == 1
    key = (
        f"posting {values[owner]} #"
        if name == "posting"
        else f"audit_entry {row.object_type}/{values[owner]} #"
    )
    assert key in output


@pytest.mark.parametrize(
    ("model", "change", "named"),
    [
        (Account, {"balance": Account.__table__.c.balance + Money(100)}, "account {id} #"),
        (Account, {"last_hash": "1:" + "0" * 64}, "account {id} #"),
        (Account, None, "account {id} #"),
        (Transfer, {"memo": "forged"}, "content does not match"),
        (Transfer, {"reference_id": 424242}, "content does not match"),
        (Transfer, None, "content does not match"),
    ],
)
def test_what_stands_beside_the_postings_is_named(told_app, model, change, named):
    """A forged balance, a rewritten or deleted transfer, a deleted account."""
    with forging(told_app):
        row = db.session.execute(
            select(model.__table__).join(Posting.__table__).order_by(model.__table__.c.id.desc())
        ).first()
        if change is None:
            db.session.execute(delete(model.__table__).where(model.__table__.c.id == row.id))
        else:
            db.session.execute(update(model.__table__).where(model.__table__.c.id == row.id).values(change))
        code, output = verdict(ledger)
    assert code == 1
    assert named.format(id=row.id) in output


def test_lost_seal_lines_are_told_and_sealing_again_ends_it(told_app):
    """A seal file that lost its end is no proof of a cut chain; the verifier says what it cannot see."""
    files = sorted((Path(told_app.instance_path) / "seals").glob("heads-*.jsonl"))
    kept = {path: path.read_bytes() for path in files}
    lines = kept[files[-1]].splitlines(keepends=True)
    try:
        files[-1].write_bytes(b"".join(lines[: len(lines) // 2]))
        with told_app.app_context():
            code, output = verdict(audit)
            assert code == 0
            assert "longer than their newest seal" in output
            assert CliRunner().invoke(audit.seal_command).exit_code == 0
            assert "longer than" not in verdict(audit)[1]
        files[-1].write_bytes(files[-1].read_bytes().replace(b'"seq":1', b'"seq":2', 1))
        with told_app.app_context():
            code, output = verdict(audit)
        assert code == 1
        assert "not a genuine seal" in output
    finally:
        for path in (Path(told_app.instance_path) / "seals").glob("heads-*.jsonl"):
            path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


def test_a_broken_chain_is_not_sealed(told_app):
    with forging(told_app):
        row = rows_of("audit_entry", limit=1)[0]
        db.session.execute(delete(AuditEntry.__table__).where(*this(AuditEntry.__table__, row)))
        found = CliRunner().invoke(audit.seal_command)
    assert found.exit_code == 1
    assert "nothing is sealed" in found.output
