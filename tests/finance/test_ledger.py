"""The ledger: always in balance, never below zero, and every tampering is named."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import balance, turnovers, verify
from finance.ledger.services import InsufficientBalance, account_of, move, reverse
from tests.tampering import drop_triggers


def accounts(count: int = 3, owner: str = "test") -> list[Account]:
    """An unrestricted source and restricted accounts."""
    source = account_of(owner, 1, "source", restricted=False)
    return [source, *(account_of(owner, n, "budget") for n in range(1, count))]


def fill(amount: int, to: int = 1, key: str = "fill") -> Transfer:
    items = accounts()
    legs = [(items[0], Money(-amount)), (items[to], Money(amount))]
    return move("test", key=key, legs=legs, reference=("test", 1), by=SYSTEM)


def test_a_move_keeps_balances_and_chain(app: Flask) -> None:
    with transaction():
        fill(500)
        _source, first, second = accounts()
        legs = [(first, Money(-200)), (second, Money(200))]
        move("test", key="on", legs=legs, reference=("test", 1), by=SYSTEM)
    assert balance("test", 1, "source") == Money(-500)
    assert balance("test", 1, "budget") == Money(300)
    assert balance("test", 2, "budget") == Money(200)
    assert balance("test", 9, "budget") == Money(0)
    assert turnovers([first.id])[first.id] == (Money(500), Money(200))
    assert verify() == []


moves = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 900)), min_size=1, max_size=25
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=moves)
def test_any_sequence_of_moves_sums_to_zero_and_nothing_goes_below(
    app: Flask, sequence: list[tuple[int, int, int]]
) -> None:
    expected: dict[int, int] = {}
    with transaction():
        run = db.session.scalar(select(func.count()).select_from(Transfer)) or 0
        owner = f"test{run}"
        items = accounts(4, owner)
        ids = [item.id for item in items]
        for number, (giver, taker, amount) in enumerate(sequence):
            if giver == taker:
                continue
            legs = [(items[giver], Money(-amount)), (items[taker], Money(amount))]
            covered = giver == 0 or expected.get(ids[giver], 0) >= amount
            try:
                move("test", key=f"{run}/{number}", legs=legs, reference=("test", 1), by=SYSTEM)
            except InsufficientBalance as refusal:
                assert not covered
                assert refusal.sentence.params["available"] == Money(expected.get(ids[giver], 0))
                assert refusal.sentence.params["needed"] == Money(amount)
                continue
            assert covered
            expected[ids[giver]] = expected.get(ids[giver], 0) - amount
            expected[ids[taker]] = expected.get(ids[taker], 0) + amount
    for account in db.session.scalars(select(Account).where(Account.id.in_(ids))):
        assert account.balance.fen == expected.get(account.id, 0)
        assert account.balance.fen >= 0 or not account.restricted
    assert sum(db.session.scalars(select(Account.balance)), Money(0)) == Money(0)
    assert verify() == []


def test_the_same_key_is_the_same_transfer(app: Flask) -> None:
    with transaction():
        first = fill(500)
        assert fill(500) is first
    with transaction():
        assert fill(500).id == first.id
    assert balance("test", 1, "budget") == Money(500)
    with pytest.raises(ValueError, match="another transfer"), transaction():
        fill(400)


def test_the_same_key_at_once_posts_once(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        accounts()
    start = threading.Barrier(6)
    found: list[int] = []

    def run() -> None:
        with bare_app.app_context():
            start.wait()
            with transaction():
                found.append(fill(500).id)
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with bare_app.app_context():
        assert len(found) == 6
        assert len(set(found)) == 1
        assert balance("test", 1, "budget") == Money(500)
        assert verify() == []


@pytest.mark.parametrize("amounts", [(-100, 99), (0, 0), (100,)])
def test_legs_that_do_not_balance_are_refused(app: Flask, amounts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError), transaction():
        legs = list(zip(accounts(), map(Money, amounts), strict=False))
        move("test", key="odd", legs=legs, reference=("test", 1), by=SYSTEM)


def test_the_database_is_the_last_defence(app: Flask) -> None:
    with transaction():
        fill(100)
        first = accounts()[1]
    with pytest.raises(Exception, match="balance_not_negative"), transaction() as session:
        session.execute(text("UPDATE account SET balance = -1 WHERE id = :id"), {"id": first.id})


def test_a_reversal_undoes_once(app: Flask) -> None:
    with transaction():
        first = fill(500)
        undone = reverse(first, memo="typed twice", by=SYSTEM)
        assert undone.reverses_id == first.id
        assert reverse(first, memo="typed twice", by=SYSTEM) is undone
        with pytest.raises(Refusal):
            reverse(undone, memo="no", by=SYSTEM)
    assert balance("test", 1, "budget") == Money(0)
    assert verify() == []


def test_what_was_spent_cannot_be_reversed(app: Flask) -> None:
    with transaction():
        first = fill(500)
        items = accounts()
        move(
            "test",
            key="on",
            legs=[(items[1], Money(-1)), (items[2], Money(1))],
            reference=("t", 1),
            by=SYSTEM,
        )
    with pytest.raises(InsufficientBalance), transaction():
        reverse(first, memo="too late", by=SYSTEM)


COPY = (
    "INSERT INTO posting (account_id, seq, transfer_id, amount, balance_after, posted_at, prev_hash, hash) "
    "SELECT account_id, seq + {step}, transfer_id, amount, balance_after, posted_at, prev_hash, hash FROM posting "
    "WHERE account_id = {account} AND seq = {seq}"
)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE posting SET amount = amount + 1 WHERE account_id = {account} AND seq = 2", "#2"),
        ("UPDATE posting SET balance_after = 0 WHERE account_id = {account} AND seq = 2", "#2"),
        ("DELETE FROM posting WHERE account_id = {account} AND seq = 2", "gap: #2 to #2 missing"),
        ("DELETE FROM posting WHERE account_id = {account} AND seq = 4", "rows missing up to sealed #4"),
        ("DELETE FROM posting WHERE account_id = {account}", "all rows missing up to sealed #4"),
        (COPY.format(account="{account}", seq=4, step=1), "#5: content does not match its hash"),
        (COPY.format(account="{account}", seq=2, step=7), "#9: content does not match its hash"),
        ("UPDATE account SET balance = balance + 100 WHERE id = {account}", "balance is"),
        ("UPDATE account SET last_seq = 3 WHERE id = {account}", "the chain should end at #3"),
        ("UPDATE transfer SET memo = 'other' WHERE id = 2", "#2: content does not match its hash"),
        ("UPDATE transfer SET posted_by = 1 WHERE id = 2", "content does not match its hash"),
    ],
)
def test_tampering_is_named(app: Flask, statement: str, named: str) -> None:
    with transaction():
        for number in range(4):
            fill(100, key=f"fill/{number}")
        account = accounts()[1].id
    assert verify() == []
    with transaction() as session:
        # Whoever tampers writes plain SQL past the guards of the tables.
        drop_triggers(session)
        session.execute(text(statement.format(account=account)))
    breaks = [str(item) for item in verify()]
    assert any(named in item for item in breaks), breaks
    result = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert result.exit_code == 1
    assert named in result.output


def test_a_cut_tail_with_a_mended_account_shows_in_the_seals(app: Flask) -> None:
    with transaction():
        for number in range(3):
            fill(100, key=f"fill/{number}")
        items = accounts()[:2]
    with transaction() as session:
        last = [session.get_one(Posting, (item.id, 2)) for item in items]
        drop_triggers(session)
        session.execute(text("DELETE FROM posting WHERE seq = 3"))
        session.execute(text("DELETE FROM transfer WHERE key = 'fill/2'"))
        for item, posting in zip(items, last, strict=True):
            session.execute(
                text("UPDATE account SET balance = :b, last_seq = 2, last_hash = :h WHERE id = :id"),
                {"b": posting.balance_after.fen, "h": posting.hash, "id": item.id},
            )
    breaks = [str(item) for item in verify()]
    assert any("rows missing up to sealed #3" in item for item in breaks)


def test_a_sound_ledger_exits_with_zero(app: Flask) -> None:
    with transaction():
        fill(100)
    result = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert result.exit_code == 0, result.output
    assert (Path(app.instance_path) / "seals").exists()
