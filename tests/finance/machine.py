"""A machine that does anything finance can do, in any order, and a plain model it is compared with.

The model keeps whole fen in dictionaries and knows no ledger: what it says after each step must be what
the accounts say. Run by ``test_machine`` for a while and by ``run.py soak money`` for long.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from finance.commitments.models import Commitment, Tranche
from finance.commitments.services import (
    cancel_reservation,
    commit,
    end,
    lift_hold,
    place_hold,
    reduce_tranche,
    release_remainder,
    reserve,
    return_surplus,
)
from finance.disbursements import services as till
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.funds.models import Budget, Earmark
from finance.funds.services import (
    adjust,
    approve_adjustment,
    approve_budget,
    create_source,
    earmark,
    enter_budget,
    release_earmark,
)
from finance.ledger.models import Account
from finance.ledger.queries import verify
from finance.recoveries import services as recoveries
from tests import world
from tests.finance.money import make_account

NUMBERS = itertools.count(1)
fen = st.integers(1, 9_000_000)
pick = st.integers(0, 99)
STEPS: dict[str, tuple[str, str]] = {
    # verb: state before, state after
    "review": ("requested", "reviewed"),
    "approve": ("reviewed", "approved"),
    "release": ("approved", "released"),
    "mark_paid": ("released", "paid"),
}
PEOPLE = {"review": "finreview", "approve": "leader", "release": "finance", "mark_paid": "finance"}


class Project:
    """What the model knows of a commitment: money by place, tranches, payments, holds."""

    def __init__(self, row_id: int, amount: int, parts: dict[int, int], tranches: list[int]) -> None:
        self.id = row_id
        self.amount = amount
        self.parts = parts  # earmark id → its part
        self.tranches = tranches
        self.planned = list(tranches)
        self.payments: dict[int, tuple[int, int]] = {}  # payment id → tranche, amount
        self.committed, self.payable, self.paid = amount, 0, 0
        self.held: int | None = None
        self.ended = False


class FinanceMachine(RuleBasedStateMachine):
    """See the module. ``app`` is set by who runs it."""

    app: Flask

    @initialize(amounts=st.lists(st.integers(1_000_000, 90_000_000), min_size=1, max_size=3))
    def begin(self, amounts: list[int]) -> None:
        self.context = self.app.app_context()
        self.context.push()
        self.available: dict[int, int] = {}
        self.earmarks: dict[int, dict[str, int]] = {}
        self.home: dict[int, int] = {}  # earmark id → budget id
        self.projects: list[Project] = []
        self.states: dict[int, str] = {}
        self.given = 0
        with transaction():
            self.account = (db.session.scalars(select(PayeeAccount).limit(1)).first() or make_account()).id
        for amount in amounts:
            self._budget(amount)

    def _budget(self, amount: int) -> None:
        number = next(NUMBERS)
        with transaction():
            source = create_source(
                world.agency(),
                kind="general_public_budget",
                name=f"示例来源 {number} {clock.now().timestamp()}",
                by=world.user("finance"),
            )
            budget = enter_budget(
                source,
                fiscal_year=clock.today().year,
                amount=Money(amount),
                document_number=f"示财〔{number}〕",
                by=world.user("finance"),
            )
            approve_budget(budget, by=world.user("finreview"))
            self.available[budget.id] = amount
        self.given += amount

    # One step: done wholly, or refused wholly.

    def _try(self, act: Callable[[], Any], *, allowed: bool | None) -> Any:
        """Run ``act`` in a transaction; it goes through exactly when the model says so (``None``: either)."""
        try:
            with transaction():
                done = act()
        except Refusal as refusal:
            assert not allowed, f"refused: {refusal}"
            return None
        assert allowed is not False, "went through, and must not"
        return done

    def _some(self, items: Any, place: int) -> Any:
        items = list(items)
        return items[place % len(items)]

    @rule(place=pick, amount=st.integers(-9_000_000, 9_000_000).filter(bool))
    def adjust_a_budget(self, place: int, amount: int) -> None:
        row_id = self._some(self.available, place)

        def act() -> bool:
            change = adjust(
                db.session.get_one(Budget, row_id),
                Money(amount),
                reason="年中调整",
                document_number=f"示调 {next(NUMBERS)}",
                by=world.user("finance"),
            )
            approve_adjustment(change, by=world.user("finreview"))
            return True

        # A budget stays above zero, so that the whole of it is never taken away.
        if self._try(act, allowed=None if amount < 0 else True):
            assert self.available[row_id] + amount >= 0
            self.available[row_id] += amount
            self.given += amount

    @rule(place=pick, amount=fen)
    def set_aside(self, place: int, amount: int) -> None:
        row_id = self._some(self.available, place)

        def act() -> int:
            return earmark(
                db.session.get_one(Budget, row_id),
                agency=world.agency(),
                title="示例专项",
                purpose="elderly",
                amount=Money(amount),
                by=world.user("finance"),
            ).id

        made = self._try(act, allowed=amount <= self.available[row_id])
        if made:
            self.available[row_id] -= amount
            self.earmarks[made] = {"available": amount, "reserved": 0}
            self.home[made] = row_id

    @precondition(lambda self: self.earmarks)
    @rule(place=pick)
    def give_back_what_is_free(self, place: int) -> None:
        row_id = self._some(self.earmarks, place)
        free = self.earmarks[row_id]["available"]
        if self._try(
            lambda: release_earmark(db.session.get_one(Earmark, row_id), by=world.user("finance")) and True,
            allowed=free > 0,
        ):
            self.earmarks[row_id]["available"] = 0
            self.available[self.home[row_id]] += free

    @precondition(lambda self: self.earmarks)
    @rule(place=pick, amount=fen, back=st.booleans())
    def reserve_and_cancel(self, place: int, amount: int, back: bool) -> None:
        row_id = self._some(self.earmarks, place)
        sums = self.earmarks[row_id]
        giver, taker = ("reserved", "available") if back else ("available", "reserved")
        verb = cancel_reservation if back else reserve
        if self._try(
            lambda: verb(
                db.session.get_one(Earmark, row_id),
                Money(amount),
                key=f"m/{next(NUMBERS)}",
                by=world.user("leader"),
            ),
            allowed=amount <= sums[giver],
        ):
            sums[giver] -= amount
            sums[taker] += amount

    @precondition(lambda self: any(sums["available"] for sums in self.earmarks.values()))
    @rule(
        shares=st.integers(1, 3),
        weights=st.lists(st.integers(1, 97), min_size=1, max_size=4),
        part=st.integers(1, 100),
    )
    def commit_from_several_sources(self, shares: int, weights: list[int], part: int) -> None:
        givers = [row_id for row_id, sums in self.earmarks.items() if sums["available"]][:shares]
        parts = {row_id: max(1, self.earmarks[row_id]["available"] * part // 100) for row_id in givers}
        amount = sum(parts.values())
        today = clock.today()

        def act() -> tuple[int, list[int]]:
            rows = [db.session.get_one(Earmark, row_id) for row_id in givers]
            made = commit(
                rows[0],
                organization=world.organization(),
                number=f"M-{next(NUMBERS)}-{int(clock.now().timestamp() * 1e6)}",
                title="示例项目",
                track="venture_grant",
                amount=Money(amount),
                starts_on=today,
                ends_on=today + timedelta(days=300),
                tranches=[(weight, f"第{place}期", "signed") for place, weight in enumerate(weights, 1)],
                from_reservation=False,
                shares=[(row, Money(parts[row.id])) for row in rows] if len(rows) > 1 else (),
                by=world.user("leader"),
            )
            return made.id, [tranche.amount.fen for tranche in made.tranches]

        done = self._try(act, allowed=True)
        assert sum(done[1]) == amount, "the tranches sum to the grant"
        for row_id, given in parts.items():
            self.earmarks[row_id]["available"] -= given
        self.projects.append(Project(done[0], amount, parts, done[1]))

    def _alive(self, project: Project, tranche: int) -> bool:
        return any(
            place == tranche and self.states[row_id] not in ("returned", "cancelled")
            for row_id, (place, _amount) in project.payments.items()
        )

    @precondition(lambda self: self.projects)
    @rule(place=pick, tranche=pick)
    def request_a_payment(self, place: int, tranche: int) -> None:
        project = self._some(self.projects, place)
        at = tranche % len(project.planned)
        amount = project.planned[at]
        owed = project.committed - sum(
            amount
            for row_id, (_at, amount) in project.payments.items()
            if self.states[row_id] in ("requested", "reviewed")
        )
        allowed = (
            not self._alive(project, at)
            and project.held is None
            and 0 < amount <= project.committed
            and (amount <= owed or None)
        )

        def act() -> int:
            row = db.session.get_one(Commitment, project.id).tranches[at]
            return till.request_disbursement(
                row,
                payee_account=db.session.get_one(PayeeAccount, self.account),
                receipt_number=f"SJ-{next(NUMBERS)}",
                by=world.user("clerk"),
            ).id

        made = self._try(act, allowed=allowed)
        if made:
            project.payments[made] = (at, amount)
            self.states[made] = "requested"

    def _payment(self, place: int) -> tuple[Project, int, int]:
        found = [(project, row_id) for project in self.projects for row_id in project.payments]
        project, row_id = found[place % len(found)]
        return project, row_id, project.payments[row_id][1]

    @precondition(lambda self: self.states)
    @rule(place=pick, verb=st.sampled_from([*STEPS, *STEPS]), whole=st.booleans())
    def step_a_payment(self, place: int, verb: str, whole: bool) -> None:
        project, row_id, amount = self._payment(place)
        verbs = list(STEPS)
        # Often the whole way, so that money is paid at all; else one step, in turn or out of it.
        for each in verbs if whole else [verb]:
            before, after = STEPS[each]
            due = self.states[row_id] == before
            allowed: bool | None = due
            if due and project.held is not None and each != "mark_paid":
                allowed = False
            if due and each in ("review", "approve") and amount > project.committed:
                allowed = False
            if self._try(lambda each=each: self._step(row_id, each), allowed=allowed):
                self.states[row_id] = after
                if each == "approve":
                    project.committed -= amount
                    project.payable += amount
                if each == "mark_paid":
                    project.payable -= amount
                    project.paid += amount

    def _step(self, row_id: int, verb: str) -> bool:
        payment = db.session.get_one(Disbursement, row_id)
        facts = (
            {"paid_on": clock.today(), "voucher_number": f"PZ-{next(NUMBERS)}"} if verb == "mark_paid" else {}
        )
        getattr(till, verb)(payment, by=world.user(PEOPLE[verb]), **facts)
        return True

    @precondition(lambda self: self.states)
    @rule(place=pick)
    def the_bank_returns_it(self, place: int) -> None:
        project, row_id, amount = self._payment(place)
        state = self.states[row_id]
        # Paid money of which a part has come back already cannot come back whole.
        allowed = None if state == "paid" else state == "released"
        if self._try(
            lambda: (
                till.mark_returned(
                    db.session.get_one(Disbursement, row_id), reason="户名不符", by=world.user("finance")
                )
                or True
            ),
            allowed=allowed,
        ):
            if state == "paid":
                project.paid -= amount
            else:
                project.payable -= amount
            project.committed += amount
            self.states[row_id] = "returned"

    @precondition(lambda self: self.states)
    @rule(place=pick)
    def cancel_it(self, place: int) -> None:
        project, row_id, amount = self._payment(place)
        state = self.states[row_id]
        if self._try(
            lambda: (
                till.cancel(db.session.get_one(Disbursement, row_id), reason="重复", by=world.user("clerk"))
                or True
            ),
            allowed=None if state in ("requested", "reviewed", "approved") else False,
        ):
            if state == "approved":
                project.payable -= amount
                project.committed += amount
            self.states[row_id] = "cancelled"

    @precondition(lambda self: self.projects)
    @rule(place=pick, part=st.integers(1, 130))
    def return_a_surplus(self, place: int, part: int) -> None:
        project = self._some(self.projects, place)
        amount = max(1, project.paid * part // 100)
        before = self._budgets()
        if self._try(
            lambda: return_surplus(
                db.session.get_one(Commitment, project.id),
                Money(amount),
                key=f"m/{next(NUMBERS)}",
                by=world.user("finance"),
            ),
            allowed=amount <= project.paid,
        ):
            project.paid -= amount
            self._back_to_budgets(before, amount, project)

    @precondition(lambda self: any(project.paid for project in self.projects))
    @rule(place=pick, part=st.integers(1, 130))
    def recover(self, place: int, part: int) -> None:
        project = self._some([item for item in self.projects if item.paid], place)
        amount = max(1, project.paid * part // 100)
        before = self._budgets()
        number = next(NUMBERS)

        def act() -> bool:
            case = recoveries.propose(
                db.session.get_one(Commitment, project.id),
                ground="unused",
                amount=Money(amount),
                due_on=clock.today() + timedelta(days=30),
                reason="未使用",
                by=world.user("clerk"),
            )
            recoveries.review_legal(case, by=world.user("reviewer"))
            recoveries.review_money(case, by=world.user("finreview"))
            recoveries.order(case, basis="会议纪要", by=world.user("leader"))
            for share in case.amount.split([60, 40]):
                if share:
                    recoveries.book_return(
                        case, share, received_on=clock.today(),
                        voucher_number=f"HK-{number}-{next(NUMBERS)}", by=world.user("finance"),
                    )  # fmt: skip
            return True

        if self._try(act, allowed=amount <= project.paid):
            project.paid -= amount
            self._back_to_budgets(before, amount, project)

    def _budgets(self) -> dict[int, int]:
        return {row_id: self._balance("budget", row_id, "budget") for row_id in self.available}

    def _back_to_budgets(self, before: dict[int, int], amount: int, project: Project) -> None:
        """What came back lies on the budgets of the project's own sources, to the fen."""
        after = self._budgets()
        came = {row_id: after[row_id] - before[row_id] for row_id in before}
        assert sum(came.values()) == amount
        own = {self.home[row_id] for row_id in project.parts}
        assert all(value >= 0 and (not value or row_id in own) for row_id, value in came.items())
        for row_id, value in came.items():
            self.available[row_id] += value

    @precondition(lambda self: self.projects)
    @rule(place=pick, tranche=pick, part=st.integers(0, 100))
    def plan_less(self, place: int, tranche: int, part: int) -> None:
        project = self._some(self.projects, place)
        at = tranche % len(project.planned)
        if self._alive(project, at):
            return
        amount = project.planned[at] * part // 100

        def act() -> bool:
            row = db.session.get_one(Commitment, project.id).tranches[at]
            reduce_tranche(row, Money(amount), reason="审计核减", by=world.user("leader"))
            return True

        if self._try(act, allowed=True):
            project.planned[at] = amount

    @precondition(lambda self: self.projects)
    @rule(place=pick)
    def hold_or_lift(self, place: int) -> None:
        project = self._some(self.projects, place)

        def act() -> int | None:
            row = db.session.get_one(Commitment, project.id)
            if project.held is None:
                return place_hold(row, reason="rectification", text="整改", by=world.user("leader")).id
            held = next(hold for hold in row.holds if hold.id == project.held)
            lift_hold(held, by=world.user("leader"))
            return None

        project.held = self._try(act, allowed=True)

    @precondition(lambda self: self.projects)
    @rule(place=pick)
    def end_a_project(self, place: int) -> None:
        project = self._some(self.projects, place)
        in_hand = [row_id for row_id in project.payments if self.states[row_id] in ("requested", "reviewed")]
        if project.ended or project.payable or in_hand:
            return
        before = {row_id: self._balance("earmark", row_id, "earmark") for row_id in project.parts}

        def act() -> bool:
            row = db.session.get_one(Commitment, project.id)
            released = release_remainder(row, by=world.user("leader"))
            assert released.fen == project.committed
            end(row, on=clock.today(), by=world.user("leader"))
            return True

        if self._try(act, allowed=True):
            for row_id, was in before.items():
                now = self._balance("earmark", row_id, "earmark")
                self.earmarks[row_id]["available"] += now - was
            project.committed, project.ended = 0, True

    def _balance(self, owner: str, row_id: int, kind: str) -> int:
        found = db.session.scalar(
            select(Account.balance).where(
                Account.owner_type == owner, Account.owner_id == row_id, Account.kind == kind
            )
        )
        return found.fen if found is not None else 0

    # What holds after every step.

    @invariant()
    def the_accounts_say_what_the_model_says(self) -> None:
        if not hasattr(self, "available"):
            return
        db.session.rollback()
        assert self._budgets() == self.available
        for row_id, sums in self.earmarks.items():
            assert self._balance("earmark", row_id, "earmark") == sums["available"]
            assert self._balance("earmark", row_id, "reserved") == sums["reserved"]
        for project in self.projects:
            row = db.session.get_one(Commitment, project.id)
            shares = [share.id for share in row.shares]
            for kind in ("committed", "payable", "paid"):
                held = sum(self._balance("commitment_share", share, kind) for share in shares)
                assert held == getattr(project, kind), f"{kind} of {row.number}"
            assert sum(tranche.original_amount.fen for tranche in row.tranches) == project.amount
            assert sum(share.amount.fen for share in row.shares) == project.amount

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        total, below = db.session.execute(
            select(
                func.sum(Account.balance),
                func.count().filter(Account.restricted, Account.balance < Money(0)),
            )
        ).one()
        assert (total or Money(0)) == Money(0)
        assert below == 0

    @invariant()
    def no_payment_exceeds_its_tranche(self) -> None:
        rows = db.session.execute(
            select(Disbursement.id).join(Tranche, Tranche.id == Disbursement.tranche_id)
            .where(Disbursement.state.not_in(("returned", "cancelled")), Disbursement.amount > Tranche.amount)
        ).all()  # fmt: skip
        assert rows == []
        twice = db.session.execute(
            select(Disbursement.tranche_id)
            .where(Disbursement.state.not_in(("returned", "cancelled")))
            .group_by(Disbursement.tranche_id)
            .having(func.count() > 1)
        ).all()
        assert twice == []

    def teardown(self) -> None:
        if hasattr(self, "context"):
            db.session.rollback()
            assert verify() == []
            db.session.remove()
            self.context.pop()
