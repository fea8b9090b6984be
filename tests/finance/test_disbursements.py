"""Money leaves by three people, once, and only when nothing stands against it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.queries import verify as audit_verify
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import sums_of
from finance.commitments.services import exclude, lift_hold, place_hold
from finance.disbursements import services
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.rules import TillFacts, till
from finance.ledger.queries import verify
from registry.interests.models import Interest
from tests import world
from tests.finance.money import NUMBER, make_account, make_commitment, make_request


def held(commitment_id: int) -> dict[str, str]:
    sums = sums_of([db.session.get_one(Commitment, commitment_id)])[commitment_id]
    return {kind: amount.plain() for kind, amount in sums.items()}


def test_the_way_of_a_payment(app: Flask) -> None:
    with transaction():
        commitment = make_commitment("98000.01")
        assert [part.amount.plain() for part in commitment.tranches] == ["49000.00", "39200.00", "9800.01"]
        payment = make_request(commitment)
        assert payment.number == "150600-GYCT-2026-05-003-HT-ZF01"
    with transaction():
        services.review(payment, by=world.user("finreview"))
    assert held(commitment.id)["committed"] == "98000.01"
    with transaction():
        services.approve(payment, by=world.user("leader"))
    assert held(commitment.id) == {
        "committed": "49000.01",
        "payable": "49000.00",
        "paid": "0.00",
        "returned": "0.00",
    }
    with transaction():
        services.release(payment, by=world.user("finance"))
        services.mark_paid(
            payment, paid_on=payment.requested_at.date(), voucher_number="PZ-1", by=world.user("finance")
        )
    assert held(commitment.id) == {
        "committed": "49000.01",
        "payable": "0.00",
        "paid": "49000.00",
        "returned": "0.00",
    }
    assert payment.amount == Money.yuan(49000)
    assert verify() == []


def test_forty_parallel_approvals_pay_what_the_money_covers(bare_app: Flask) -> None:
    """40 payments of X compete for a committed balance of 10 X: exactly 10 are approved."""
    with bare_app.app_context():
        ids = over_planned()
    start = threading.Barrier(len(ids))
    outcomes: list[str] = []

    def run(disbursement_id: int) -> None:
        with bare_app.app_context():
            start.wait()
            try:
                with transaction():
                    services.approve(
                        db.session.get_one(Disbursement, disbursement_id), by=world.user("leader")
                    )
                outcomes.append("approved")
            except Refusal as refusal:
                outcomes.append(f"{refusal.status}")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(item,)) for item in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["409"] * 30 + ["approved"] * 10
    with bare_app.app_context():
        commitment_id = db.session.scalars(select(Commitment.id)).one()
        assert held(commitment_id) == {
            "committed": "0.00",
            "payable": "1000.00",
            "paid": "0.00",
            "returned": "0.00",
        }
        states = db.session.scalars(select(Disbursement.state)).all()
        assert sorted(states) == ["approved"] * 10 + ["reviewed"] * 30
        assert verify() == []
        assert audit_verify() == []


def over_planned() -> list[int]:
    """A commitment of 1,000 yuan with 40 tranches of 100 yuan each, written past the services."""
    with transaction() as session:
        commitment = make_commitment("1000", tranches=[(1, "整款", "signed")])
        account = make_account()
        commitment.tranches[0].amount = Money.yuan(100)
        for number in range(2, 41):
            session.add(
                Tranche(
                    commitment_id=commitment.id,
                    number=number,
                    title=f"第{number}款",
                    condition="signed",
                    original_amount=Money.yuan(100),
                    amount=Money.yuan(100),
                )
            )
        session.flush()
        session.refresh(commitment)
        ids = []
        for tranche in commitment.tranches:
            row = Disbursement(
                agency_id=commitment.agency_id,
                commitment_id=commitment.id,
                tranche_id=tranche.id,
                payee_account_id=account.id,
                number=f"ZF-{tranche.number:02d}",
                amount=Money.yuan(100),
                receipt_number=f"SJ-{tranche.number}",
                state="reviewed",
                requested_by=world.user("clerk").id,
                reviewed_by=world.user("finreview").id,
                requested_at=clock.now(),
            )
            session.add(row)
            session.flush()
            ids.append(row.id)
        return ids


def test_two_requests_for_one_tranche_make_one_payment(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        tranche_id = make_commitment().tranches[0].id
        account_id = make_account().id
    start = threading.Barrier(6)
    outcomes: list[str] = []

    def run(number: int) -> None:
        with bare_app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    services.request_disbursement(
                        session.get_one(Tranche, tranche_id),
                        payee_account=session.get_one(PayeeAccount, account_id),
                        receipt_number=f"SJ-{number}",
                        by=world.user("clerk"),
                    )
                outcomes.append("requested")
            except (Refusal, IntegrityError):
                outcomes.append("told")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["requested"] + ["told"] * 5


def test_the_database_refuses_a_second_living_payment(app: Flask) -> None:
    with transaction():
        payment = make_request()
    with pytest.raises(IntegrityError), transaction() as session:
        columns = {
            column.name: getattr(payment, column.name)
            for column in Disbursement.__table__.columns
            if column.name not in ("id", "number", "receipt_number")
        }
        session.add(Disbursement(**columns, number="other", receipt_number="other"))


def test_two_conflicting_steps_at_once_one_wins(bare_app: Flask) -> None:
    with bare_app.app_context():
        with transaction():
            payment_id = make_request().id
        with transaction():
            services.review(db.session.get_one(Disbursement, payment_id), by=world.user("finreview"))
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def run(step: str) -> None:
        with bare_app.app_context():
            start.wait()
            try:
                with transaction():
                    payment = db.session.get_one(Disbursement, payment_id)
                    if step == "approve":
                        services.approve(payment, by=world.user("leader"))
                    else:
                        services.cancel(payment, reason="重复", by=world.user("clerk"))
                outcomes.append(step)
            except Refusal as refusal:
                outcomes.append(str(refusal.status))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(step,)) for step in ("approve", "cancel")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with bare_app.app_context():
        state = db.session.get_one(Disbursement, payment_id).state
        # Cancelling after the approval is allowed and gives the money back; approving a cancelled one is not.
        if "409" in outcomes:
            assert sorted(outcomes) in (["409", "approve"], ["409", "cancel"])
        else:
            assert state == "cancelled"
        sums = sums_of([db.session.get_one(Commitment, 1)])[1]
        assert sums["committed"] + sums["payable"] == Money.yuan("98000.01")
        assert verify() == []


FORWARD = {
    "requested": ("review", "finreview"),
    "reviewed": ("approve", "leader"),
    "approved": ("release", "finance"),
}


def advance(payment: Disbursement, until: str) -> None:
    while payment.state != until:
        name, login = FORWARD[payment.state]
        getattr(services, name)(payment, by=world.user(login))


@pytest.mark.parametrize("state", list(FORWARD))
def test_a_hold_stops_every_step_forward(app: Flask, state: str) -> None:
    with transaction():
        payment = make_request()
        advance(payment, state)
        hold = place_hold(
            payment.commitment, reason="rectification", text="补齐签到表", by=world.user("clerk")
        )
    name, login = FORWARD[state]
    with pytest.raises(Refusal) as caught, transaction():
        getattr(services, name)(payment, by=world.user(login))
    assert caught.value.rule == "RDT-d"
    assert "补齐签到表" in caught.value.sentence.english()
    with transaction():
        lift_hold(hold, by=world.user("clerk"))
        getattr(services, name)(payment, by=world.user(login))
    assert payment.state != state


@pytest.mark.parametrize("login", ["clerk", "finreview", "leader", "finance"])
def test_an_excluded_person_is_refused_at_every_step(app: Flask, login: str) -> None:
    with transaction():
        commitment = make_commitment()
        account = make_account()
        exclude(commitment, [world.user(login).person_id], reason="scored", by=world.user("reviewer"))
    steps = [
        (
            "clerk",
            lambda: services.request_disbursement(
                commitment.tranches[0], payee_account=account, receipt_number="SJ-1", by=world.user("clerk")
            ),
        ),
        ("finreview", lambda: services.review(payment(), by=world.user("finreview"))),
        ("leader", lambda: services.approve(payment(), by=world.user("leader"))),
        ("finance", lambda: services.release(payment(), by=world.user("finance"))),
    ]

    def payment() -> Disbursement:
        return db.session.scalars(select(Disbursement)).one()

    for who, step in steps:
        if who == login:
            with pytest.raises(Refusal) as caught, transaction():
                step()
            assert caught.value.rule == "REX-1"
            return
        with transaction():
            step()


def test_a_tie_to_the_payee_excludes(app: Flask) -> None:
    with transaction() as session:
        payment = make_request()
        session.add(
            Interest(
                person_id=world.user("finreview").person_id,
                organization_id=payment.commitment.organization_id,
                kind="kinship",
                since=clock.today() - timedelta(days=900),
                until=clock.today() - timedelta(days=300),
            )
        )
    with pytest.raises(Refusal, match="must stand back"), transaction():
        services.review(payment, by=world.user("finreview"))


def test_money_goes_back_when_cancelled_or_returned(app: Flask) -> None:
    with transaction():
        payment = make_request()
        commitment = payment.commitment
        advance(payment, "approved")
        services.cancel(payment, reason="票据有误", by=world.user("leader"))
    assert held(commitment.id)["committed"] == "98000.01"
    with transaction():
        again = services.request_disbursement(
            commitment.tranches[0],
            payee_account=payment.payee_account,
            receipt_number=payment.receipt_number,
            by=world.user("clerk"),
        )
        assert again.number.endswith("-ZF01-2")
        advance(again, "released")
        services.mark_paid(again, paid_on=clock.today(), voucher_number="PZ-1", by=world.user("finance"))
        services.mark_returned(again, reason="户名不符", by=world.user("finance"))
    assert held(commitment.id) == {
        "committed": "98000.01",
        "payable": "0.00",
        "paid": "0.00",
        "returned": "0.00",
    }
    assert verify() == []


def test_a_receipt_is_good_for_one_payment(app: Flask) -> None:
    with transaction():
        payment = make_request(receipt="SJ-0001")
    for number, match in (("SJ-0001", "already used"), ("  ", "missing")):
        with pytest.raises(Refusal, match=match), transaction():
            services.request_disbursement(
                payment.commitment.tranches[1],
                payee_account=payment.payee_account,
                receipt_number=number,
                by=world.user("clerk"),
            )


def test_only_the_payees_confirmed_account_is_paid(app: Flask) -> None:
    with transaction():
        commitment = make_commitment()
        other = world.organization("示例夕阳红为老服务中心")
        wrong = services.record_payee_account(
            other,
            account_name=other.name,
            bank="示例银行",
            number="6228480099990000",
            by=world.user("finance"),
        )
        own = services.record_payee_account(
            world.organization(),
            account_name="示例暖邻社区服务中心",
            bank="示例银行",
            number="6228480099991111",
            by=world.user("finance"),
        )
    for account, match in ((wrong, "Pay the payee or its host"), (own, "second person")):
        with pytest.raises(Refusal, match=match), transaction():
            services.request_disbursement(
                commitment.tranches[0], payee_account=account, receipt_number="SJ", by=world.user("clerk")
            )
    with pytest.raises(Refusal, match="yourself"), transaction():
        services.confirm_payee_account(own, by=world.user("finance"))
    with pytest.raises(Refusal, match="already recorded"), transaction():
        services.record_payee_account(
            world.organization(),
            account_name="示例暖邻社区服务中心",
            bank="示例银行",
            number="6228 4800 9999 1111",
            by=world.user("finance"),
        )


def test_account_numbers_lie_encrypted(app: Flask) -> None:
    with transaction():
        account = make_account(NUMBER)
        assert services.reveal_number(account, by=world.user("finreview")) == NUMBER
    stored = db.session.execute(text("SELECT * FROM payee_account")).mappings().one()
    assert not any(NUMBER in str(value) for value in stored.values())
    details = db.session.scalars(select(AuditEntry.details)).all()
    assert not any(NUMBER in item for item in details)
    if db.engine.dialect.name == "sqlite":
        for path in Path(app.instance_path).rglob("shanzhi.db*"):
            assert NUMBER.encode() not in path.read_bytes()
    key = Path(app.instance_path) / "keys" / "payee.key"
    assert key.stat().st_mode & 0o077 == 0


names = st.text(alphabet="示例(（)） 甲", min_size=1, max_size=8)


@given(
    amount=st.integers(-5, 50),
    planned=st.integers(0, 50),
    available=st.integers(0, 50),
    used=st.booleans(),
    confirmed=st.booleans(),
    account_name=names,
    payee=names,
    holds=st.lists(
        st.tuples(st.sampled_from(["rectification", "objection"]), st.text(max_size=5)), max_size=2
    ),
)
def test_the_till_passes_only_what_meets_every_check(
    amount: int,
    planned: int,
    available: int,
    used: bool,
    confirmed: bool,
    account_name: str,
    payee: str,
    holds: list,
) -> None:
    facts = TillFacts(
        amount=Money(amount),
        planned=Money(planned),
        available=Money(available),
        receipt_number="SJ",
        receipt_used_by="ZF" if used else "",
        account_name=account_name,
        account_names=[payee],
        account_confirmed=confirmed,
        account_closed=False,
        account_is_payees=True,
        holds=holds,
    )
    clean = all(item.verdict is Verdict.PASS for item in till(facts))
    width = str.maketrans("（）", "()", " ")
    same = account_name.translate(width) == payee.translate(width)
    assert clean == (0 < amount <= min(planned, available) and not used and confirmed and same and not holds)
