"""Many hands on the same money at once: ``python3 run.py soak races [--seed N] [--actors N] [--rounds N]``.

Threads of one process with a database connection each, on SQLite and on PostgreSQL. Everybody takes from
the same budget, commits from the same earmark, and takes every step on the same payments at the same time.
What went through must be exactly what the books say: nothing is lost, nothing happens twice.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from finance.commitments.models import Commitment
from finance.commitments.queries import sums_of
from finance.commitments.services import commit, return_surplus
from finance.disbursements import services as till
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.funds.models import Budget, Earmark
from finance.funds.services import earmark
from finance.ledger.models import Transfer
from finance.ledger.queries import balance, verify
from tests import world
from tests.finance.money import make_account, make_budget
from tests.soak.stages import stages

PROJECTS = 8


def run(app: Flask, *, actors: int, seed: int) -> list[str]:
    """What was lost or doubled, in words; empty when all is well."""
    chance = random.Random(seed)
    wrong: list[str] = []
    with app.app_context(), transaction():
        budget = make_budget(100_000, name=f"示例来源 {seed}")
        make_account(f"62284800{seed:08d}")
        budget_id, unit = budget.id, world.agency().id
    amounts = [chance.randrange(1, 4_000_00) for _ in range(actors)]
    taken = _all_at_once(app, [_earmark(budget_id, unit, amount) for amount in amounts])
    wrong += _compare_budget(app, budget_id, amounts, taken)
    wrong += _commitments(app, budget_id, actors, chance)
    wrong += _payments(app, actors, chance)
    with app.app_context():
        wrong += [str(item) for item in verify()]
        db.session.remove()
    return wrong


def _all_at_once(app: Flask, acts: list[Callable[[], Any]]) -> list[Any]:
    """Each act in a thread and transaction of its own, started together; ``None`` for the refused."""
    start, found = threading.Barrier(len(acts)), [None] * len(acts)
    errors: list[BaseException] = []

    def work(place: int) -> None:
        with app.app_context():
            try:
                start.wait()
                with transaction():
                    found[place] = acts[place]()
            except Refusal:
                pass
            except BaseException as error:
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


def _earmark(budget_id: int, unit: int, amount: int) -> Callable[[], int]:
    def act() -> int:
        return earmark(
            db.session.get_one(Budget, budget_id),
            agency=world.agency(),
            title="示例专项",
            purpose="elderly",
            amount=Money(amount),
            by=world.user("finance"),
        ).id

    return act


def _compare_budget(app: Flask, budget_id: int, amounts: list[int], taken: list[Any]) -> list[str]:
    with app.app_context():
        left = balance("budget", budget_id, "budget").fen
        given = sum(amount for amount, made in zip(amounts, taken, strict=True) if made)
        wrong = []
        if left + given != 100_000_00:
            wrong.append(f"the budget has {left} left and gave {given}: together not 10,000,000 fen")
        refused = [amount for amount, made in zip(amounts, taken, strict=True) if not made]
        if any(amount <= left for amount in refused):
            wrong.append("somebody was refused money that was there")
        db.session.remove()
    return wrong


def _commitments(app: Flask, budget_id: int, actors: int, chance: random.Random) -> list[str]:
    """All commit from one earmark of which only some can have their part."""
    with app.app_context(), transaction():
        found = db.session.scalars(select(Earmark).where(Earmark.budget_id == budget_id)).all()
        largest = max(found, key=lambda item: item.amount)
        source, whole = largest.id, largest.amount.fen
    part = max(1, whole // PROJECTS)
    today = clock.today()
    tag = chance.randrange(10**9)

    def act(place: int) -> Callable[[], int]:
        return lambda: (
            commit(
                db.session.get_one(Earmark, source),
                organization=world.organization(),
                number=f"R-{tag}-{place}",
                title="示例项目",
                track="venture_grant",
                amount=Money(part),
                starts_on=today,
                ends_on=today + timedelta(days=90),
                tranches=[(1, "全额", "signed")],
                from_reservation=False,
                by=world.user("leader"),
            ).id
        )

    made = [item for item in _all_at_once(app, [act(place) for place in range(actors)]) if item]
    wrong = []
    with app.app_context():
        left = balance("earmark", source, "earmark").fen
        if len(made) != whole // part or left != whole - len(made) * part:
            wrong.append(f"{len(made)} commitments of {part} from {whole}, {left} left")
        db.session.remove()
    return wrong


def _payments(app: Flask, actors: int, chance: random.Random) -> list[str]:
    """Everybody takes every step on the same payments; each step happens once."""
    wrong: list[str] = []
    with app.app_context():
        commitments = list(
            db.session.scalars(select(Commitment.id).order_by(Commitment.id.desc()).limit(PROJECTS))
        )
        account = db.session.scalars(select(PayeeAccount.id).order_by(PayeeAccount.id.desc())).first()
        db.session.remove()

    def request(commitment_id: int) -> Callable[[], int]:
        return lambda: (
            till.request_disbursement(
                db.session.get_one(Commitment, commitment_id).tranches[0],
                payee_account=db.session.get_one(PayeeAccount, account),
                receipt_number=f"SJ-{commitment_id}",
                by=world.user("clerk"),
            ).id
        )

    made = _all_at_once(app, [request(commitments[place % len(commitments)]) for place in range(actors)])
    payments = sorted(item for item in made if item)
    if len(payments) != len(commitments):
        wrong.append(f"{len(payments)} payments for {len(commitments)} tranches")

    def step(verb: str, login: str, payment_id: int, **facts: Any) -> Callable[[], str]:
        def act() -> str:
            getattr(till, verb)(db.session.get_one(Disbursement, payment_id), by=world.user(login), **facts)
            return f"{verb}/{payment_id}"

        return act

    paid = {"paid_on": clock.today(), "voucher_number": "PZ-1"}
    for verb, login, facts in (
        ("review", "finreview", {}),
        ("approve", "leader", {}),
        ("release", "finance", {}),
        ("mark_paid", "finance", paid),
    ):
        acts = [step(verb, login, payments[place % len(payments)], **facts) for place in range(actors)]
        if verb == "mark_paid":
            # Half of them record the payment, half the bank's return: one of the two holds.
            acts[1::2] = [
                step("mark_returned", "finance", payments[chance.randrange(len(payments))], reason="退回")
                for _ in acts[1::2]
            ]
        chance.shuffle(acts)
        counts = Counter(item for item in _all_at_once(app, acts) if item)
        wrong += [f"{name} happened {count} times" for name, count in counts.items() if count > 1]
    with app.app_context():
        for payment in db.session.scalars(select(Disbursement).where(Disbursement.id.in_(payments))):
            sums = sums_of([payment.commitment])[payment.commitment_id]
            place = {"paid": "paid", "returned": "committed", "released": "payable"}[payment.state]
            if sums[place] != payment.amount or sum(sums.values(), Money(0)) != payment.amount:
                wrong.append(f"{payment.number} is {payment.state}, its money lies on {sums}")
        db.session.remove()
    wrong += _surplus(app, actors, payments)
    return wrong


def _surplus(app: Flask, actors: int, payments: list[int]) -> list[str]:
    """The same surplus is sent in by everybody: it is booked once."""
    with app.app_context():
        paid = db.session.scalars(
            select(Disbursement.commitment_id).where(
                Disbursement.id.in_(payments), Disbursement.state == "paid"
            )
        ).first()
        db.session.remove()
    if paid is None:
        return []
    key = f"race/{paid}"
    act = lambda: return_surplus(  # noqa: E731 - one of many equal acts
        db.session.get_one(Commitment, paid), Money(1), key=key, by=world.user("finance")
    )
    _all_at_once(app, [act] * actors)
    with app.app_context():
        count = db.session.scalar(
            select(func.count()).select_from(Transfer).where(Transfer.key.like(f"surplus/{key}%"))
        )
        db.session.remove()
    # Out of what was paid, and on to the budget: two transfers, once each.
    return [] if count == 2 else [f"one surplus made {count} transfers"]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py soak races", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--actors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(words)
    broken = 0
    with stages() as apps:
        for engine, app in apps.items():
            for place in range(options.rounds):
                wrong = run(app, actors=options.actors, seed=options.seed + place)
                broken += bool(wrong)
                print(
                    f"{engine}, seed {options.seed + place}: {wrong or 'nothing lost, nothing doubled'}",
                    flush=True,
                )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
