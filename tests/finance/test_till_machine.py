"""Any sequence of steps by anybody: a model that knows only sets and sums says what must come out.

The model is written apart from the product: it knows who may do what, that nobody acts twice, the
limits, and where the money lies; not how any of it is checked.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from finance.commitments.queries import sums_of
from finance.commitments.services import lift_hold, place_hold
from finance.disbursements import services
from finance.disbursements.models import Disbursement
from finance.ledger.queries import verify
from registry.delegations.services import delegate
from tests import world
from tests.finance.money import make_account, make_commitment
from tests.finance.test_till import colleague, set_limit

HOLDERS = {
    "review": {"finreview"},
    "approve": {"leader", "leader2"},
    "release": {"finance", "finance2"},
    "pay": {"finance", "finance2"},
    "return": {"finance", "finance2"},
    "cancel": {"clerk", "clerk2", "finreview", "leader", "leader2"},
    "request": {"clerk", "clerk2"},
}
PEOPLE = ["clerk", "clerk2", "finreview", "leader", "leader2", "reviewer", "finance", "finance2"]
LIMIT = 300_00
# In fen, of 1,000.00 yuan by 1:3:6.
PARTS = (100_00, 300_00, 600_00)


def machine(app: Flask) -> type[RuleBasedStateMachine]:
    class Till(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.context = app.app_context()
            self.context.push()
            with transaction():
                colleague("leader2")
                colleague("finance2", "finance_clerk")
                colleague("clerk2", "funder_clerk")
                set_limit("leader", "300")
                # The reviewing officer stands in for the leader from the first day.
                leader = world.user("leader")
                delegate(
                    leader.roles[0],
                    world.user("reviewer"),
                    valid_from=clock.today(),
                    valid_to=clock.today(),
                    by=leader,
                )
                self.commitment = make_commitment(
                    "1000", tranches=[(1, "甲", "signed"), (3, "乙", "signed"), (6, "丙", "signed")]
                )
                self.account = make_account()
            self.alive: dict[int, dict] = {}
            self.held = None
            self.receipts = 0
            self.committed, self.payable, self.paid = 1000_00, 0, 0

        def attempt(self, allowed: bool, work: object) -> None:
            try:
                with transaction():
                    work()  # type: ignore[operator]
            except Refusal as refusal:
                assert not allowed, refusal.sentence.english()
                db.session.expire_all()
            else:
                assert allowed, "the product did what the model forbids"

        @rule(place=st.integers(0, 2), who=st.sampled_from(PEOPLE))
        def request(self, place: int, who: str) -> None:
            free = place not in self.alive
            allowed = free and who in HOLDERS["request"] and self.held is None
            made: list[Disbursement] = []
            self.receipts += 1
            self.attempt(
                allowed,
                lambda: made.append(
                    services.request_disbursement(
                        self.commitment.tranches[place],
                        payee_account=self.account,
                        receipt_number=f"SJ-{self.receipts}",
                        by=world.user(who),
                    )
                ),
            )
            if allowed:
                self.alive[place] = {"row": made[0].id, "state": "requested", "acted": {who}}

        @rule(
            place=st.integers(0, 2),
            name=st.sampled_from(["review", "approve", "approve", "release", "pay", "return", "cancel"]),
            who=st.sampled_from(PEOPLE),
        )
        def step(self, place: int, name: str, who: str) -> None:
            known = self.alive.get(place)
            if known is None:
                return
            state, acted, amount = known["state"], known["acted"], PARTS[place]
            # A lent step counts for both.
            acting = {who, "leader"} if who == "reviewer" and name == "approve" else {who}
            holds = who in HOLDERS[name] or (who == "reviewer" and name in ("approve", "cancel"))
            fits = {
                "review": state == "requested",
                "approve": state in ("reviewed", "first"),
                "release": state == "approved",
                "pay": state == "released",
                "return": state in ("released", "paid"),
                "cancel": state in ("requested", "reviewed", "first", "approved"),
            }[name]
            forward = name in ("review", "approve", "release")
            allowed = holds and fits and not (forward and (acting & acted or self.held is not None))
            row = db.session.get_one(Disbursement, known["row"])
            by = world.user(who)
            work = {
                "review": lambda: services.review(row, by=by),
                "approve": lambda: services.approve(row, by=by),
                "release": lambda: services.release(row, by=by),
                "pay": lambda: services.mark_paid(row, paid_on=clock.today(), voucher_number="PZ", by=by),
                "return": lambda: services.mark_returned(row, reason="户名不符", by=by),
                "cancel": lambda: services.cancel(row, reason="重复", by=by),
            }[name]
            self.attempt(allowed, work)
            if not allowed:
                return
            if forward:
                acted |= acting
            limited = "leader" in acting and amount > LIMIT
            if name == "review":
                known["state"] = "reviewed"
            elif name == "approve" and state == "reviewed" and limited:
                known["state"] = "first"
            elif name == "approve":
                known["state"] = "approved"
                self.committed, self.payable = self.committed - amount, self.payable + amount
            elif name == "release":
                known["state"] = "released"
            elif name == "pay":
                known["state"] = "paid"
                self.payable, self.paid = self.payable - amount, self.paid + amount
            else:
                if state == "paid":
                    self.paid, self.committed = self.paid - amount, self.committed + amount
                elif state in ("approved", "released"):
                    self.payable, self.committed = self.payable - amount, self.committed + amount
                del self.alive[place]

        @rule()
        def hold_or_lift(self) -> None:
            with transaction():
                if self.held is None:
                    self.held = place_hold(
                        self.commitment, reason="objection", text="", by=world.user("clerk")
                    )
                else:
                    lift_hold(self.held, by=world.user("clerk"))
                    self.held = None

        @invariant()
        def the_money_lies_where_the_model_says(self) -> None:
            if not hasattr(self, "commitment"):
                return
            sums = sums_of([self.commitment])[self.commitment.id]
            got = (sums["committed"].fen, sums["payable"].fen, sums["paid"].fen)
            assert got == (self.committed, self.payable, self.paid)
            assert sum(got) == 1000_00
            for place, known in self.alive.items():
                row = db.session.get_one(Disbursement, known["row"])
                assert row.state == {"first": "first_approved"}.get(known["state"], known["state"])
                assert row.amount == Money(PARTS[place]) <= self.commitment.tranches[place].amount
            db.session.rollback()

        def teardown(self) -> None:
            if not hasattr(self, "commitment"):
                return
            assert verify() == []
            db.session.remove()
            self.context.pop()

    return Till


def test_any_sequence_of_steps_is_what_the_model_says(bare_app: Flask, engine: str) -> None:
    if engine == "postgresql":
        pytest.skip("the same services; the races run there")
    # Each run begins in a copy of the world, database and seals: one application serves them all.
    folder, kept = Path(bare_app.instance_path), Path(tempfile.mkdtemp()) / "world"
    with bare_app.app_context():
        db.engine.dispose()
    shutil.copytree(folder, kept)
    base = machine(bare_app)

    class Fresh(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__()
            with bare_app.app_context():
                db.session.remove()
                db.engine.dispose()
            shutil.rmtree(folder)
            shutil.copytree(kept, folder)

    run_state_machine_as_test(
        Fresh,
        settings=settings(max_examples=20, stateful_step_count=25, deadline=None, phases=(Phase.generate,)),
    )
    shutil.rmtree(kept.parent)
