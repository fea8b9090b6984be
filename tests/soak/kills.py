"""Processes die in the middle of their work: ``python3 run.py soak finance [--seed N] [--kills N]``.

Clerks in processes of their own take payments through their whole life, over the same services as the
pages. With the real server and the real worker beside them, each is killed (SIGKILL) at random moments and
started again. After every kill no payment is half done: the ledger holds for each exactly what its state
says, its last audit entry names that state, and in the end every chain verifies.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.queries import verify as verify_audit
from core.db import db, transaction
from core.jobs.services import queue
from core.money import Money
from finance.commitments.services import commit
from finance.disbursements import services as till
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.exports.jobs import KIND
from finance.funds.models import Budget
from finance.funds.services import earmark
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import verify
from tests import world
from tests.bench.load import ROOT
from tests.conftest import dispose
from tests.finance.money import make_account, make_budget
from tests.soak.stages import stages

CLERKS = 2
# Where the money of a payment lies in each state, of (committed, payable, paid), in shares of its amount.
LIES = {
    "requested": (0, 0, 0),
    "reviewed": (0, 0, 0),
    "first_approved": (0, 0, 0),
    "approved": (-1, 1, 0),
    "released": (-1, 1, 0),
    "paid": (-1, 0, 1),
    "returned": (0, 0, 0),
    "cancelled": (0, 0, 0),
}
EVENTS = {"requested": "requested", "reviewed": "reviewed", "approved": "approved", "released": "released",
          "paid": "paid", "returned": "returned", "cancelled": "cancelled"}  # fmt: skip


@dataclass
class Told:
    """What a campaign found: kills made, steps the clerks had taken in the end, what did not hold."""

    kills: int = 0
    steps: int = 0
    breaks: list[str] = field(default_factory=list)


# The clerks ---------------------------------------------------------------------------------------


def clerk(app: Flask, seed: int) -> None:
    """Take one step after another, for ever, until the process is killed."""
    chance = random.Random(seed)
    with app.app_context():
        while True:
            with contextlib.suppress(Refusal), transaction():
                _step(chance)
            db.session.remove()


def _step(chance: random.Random) -> None:
    """A new project where few payments are under way, else the next step of one of them."""
    open_states = ("requested", "reviewed", "approved", "released")
    waiting = list(
        db.session.scalars(select(Disbursement.id).where(Disbursement.state.in_(open_states)).limit(12))
    )
    if len(waiting) < 6:
        _begin(chance)
        return
    payment = db.session.get_one(Disbursement, chance.choice(waiting))
    if chance.random() < 0.08 and payment.state != "released":
        till.cancel(payment, reason="重复", by=world.user("clerk"))
    elif payment.state == "requested":
        till.review(payment, by=world.user("finreview"))
    elif payment.state == "reviewed":
        till.approve(payment, by=world.user("leader"))
    elif payment.state == "approved":
        till.release(payment, by=world.user("finance"))
    elif chance.random() < 0.2:
        till.mark_returned(payment, reason="户名不符", by=world.user("finance"))
    else:
        till.mark_paid(
            payment, paid_on=clock.today(), voucher_number=f"PZ-{payment.id}", by=world.user("finance")
        )


def _begin(chance: random.Random) -> None:
    """Earmark, commit, request: three services, one transaction."""
    budget = db.session.scalars(select(Budget).order_by(Budget.id.desc()).limit(1)).one()
    tag = f"{chance.randrange(10**12)}-{os.getpid()}"
    lot = earmark(
        budget,
        agency=world.agency(),
        title="示例专项",
        purpose="elderly",
        amount=Money(1_000_01),
        by=world.user("finance"),
    )
    today = clock.today()
    commitment = commit(
        lot,
        organization=world.organization(),
        number=f"K-{tag}",
        title="示例项目",
        track="venture_grant",
        amount=Money(1_000_01),
        starts_on=today,
        ends_on=today + timedelta(days=90),
        tranches=[(60, "首期", "signed"), (40, "尾期", "final_passed")],
        from_reservation=False,
        by=world.user("leader"),
    )
    till.request_disbursement(
        commitment.tranches[0],
        payee_account=db.session.scalars(select(PayeeAccount).limit(1)).one(),
        receipt_number=f"SJ-{tag}",
        by=world.user("clerk"),
    )


def _fork(work: Callable[[], None]) -> int:
    """A child process that only works; whatever happens it never comes back into the parent's code."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(1)


# What must hold -----------------------------------------------------------------------------------


def half_done() -> Iterator[str]:
    """Payments whose money, state and audit trail do not agree, all as they were at one moment."""
    db.session.rollback()
    if db.session.get_bind().dialect.name == "postgresql":
        # The other clerks go on meanwhile; SQLite reads one moment by itself.
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    moved: dict[tuple[int, str], int] = {}
    rows = db.session.execute(
        select(Transfer.reference_id, Account.kind, func.sum(Posting.amount))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(Transfer.reference_type == "disbursement")
        .group_by(Transfer.reference_id, Account.kind)
    )
    for payment_id, kind, amount in rows:
        moved[payment_id, kind] = amount.fen if isinstance(amount, Money) else int(amount)
    newest = (
        select(AuditEntry.object_id, func.max(AuditEntry.seq).label("seq"))
        .where(AuditEntry.object_type == "disbursement")
        .group_by(AuditEntry.object_id)
        .subquery()
    )
    found = db.session.execute(
        select(AuditEntry.object_id, AuditEntry.event)
        .join(newest, (AuditEntry.object_id == newest.c.object_id) & (AuditEntry.seq == newest.c.seq))
        .where(AuditEntry.object_type == "disbursement")
    )
    events: dict[int, str] = dict(found.all())  # type: ignore[arg-type]
    for payment in db.session.scalars(select(Disbursement)):
        lies = tuple(moved.get((payment.id, kind), 0) for kind in ("committed", "payable", "paid"))
        expected = tuple(share * payment.amount.fen for share in LIES[payment.state])
        if lies != expected:
            yield f"payment {payment.id} is {payment.state}: moved {lies}, not {expected}"
        if events.get(payment.id) != EVENTS[payment.state]:
            yield f"payment {payment.id} is {payment.state}, its trail ends with {events.get(payment.id)}"


def run(app: Flask, *, kills: int, seed: int, real: bool = False, most: float = 0.5) -> Told:
    """Kill the clerks, with ``real`` the server and the worker too, ``kills`` times within ``most`` seconds each."""
    chance = random.Random(seed)
    told = Told()
    with app.app_context():
        with transaction():
            make_budget(90_000_000, name=f"示例来源 {seed}")
            make_account(f"62284811{seed:08d}")
        db.session.remove()
    # A forked child must not share a connection.
    dispose(app)
    children: dict[str, tuple[int, Callable[[], int]]] = {}

    def start(name: str, begin: Callable[[], int]) -> None:
        children[name] = (begin(), begin)

    for number in range(CLERKS):
        start(f"clerk {number}", lambda: _fork(lambda: clerk(app, chance.randrange(10**9) + os.getpid())))
    if real:
        for name, begin in _real(app):
            start(name, begin)
    try:
        while told.kills < kills:
            time.sleep(chance.uniform(0.01, most))
            victim = chance.choice(list(children))
            _kill(children[victim][0])
            told.kills += 1
            with app.app_context():
                told.breaks += half_done()
                db.session.remove()
                if real and told.kills % 10 == 0:
                    # One who finds the database taken for longer than it waits, or enough jobs waiting, comes again
                    # with the next ten.
                    with contextlib.suppress(OperationalError, Refusal), transaction():
                        queue(KIND, {"unit": None}, by=world.user("finance"))
                db.session.remove()
            dispose(app)
            start(victim, children[victim][1])
    finally:
        for pid, _begin_again in children.values():
            _kill(pid)
    with app.app_context():
        told.breaks += half_done()
        db.session.remove()
        told.breaks += [str(item) for item in [*verify(), *verify_audit()]]
        told.steps = db.session.scalar(select(func.count()).select_from(Transfer)) or 0
        db.session.remove()
    return told


def _kill(pid: int) -> None:
    """End a process that this campaign started, with all it started itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL) if os.getpgid(pid) == pid else os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _real(app: Flask) -> list[tuple[str, Callable[[], int]]]:
    """The product's own server on a loopback port, somebody who reads its pages, and its worker."""
    environment = os.environ | {
        "APP_INSTANCE": app.instance_path,
        "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def begin(*words: str) -> Callable[[], int]:
        return lambda: subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ).pid  # fmt: skip

    def read() -> None:
        while True:
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).read()
            time.sleep(0.05)

    serve = ("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
             "--no-access-log", "--log-level", "error", "wsgi:app")  # fmt: skip
    return [
        ("server", begin(*serve)),
        ("worker", begin("flask", "--app", "wsgi:app", "jobs", "work")),
        ("reader", lambda: _fork(read)),
    ]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py soak finance", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args(words)
    broken = 0
    with stages() as apps:
        for engine, app in apps.items():
            told = run(app, kills=options.kills, seed=options.seed, real=True, most=1.5)
            broken += len(told.breaks)
            for item in told.breaks[:20]:
                print(item)
            print(
                f"{engine}, seed {options.seed}: {told.kills} kills, {told.steps} transfers, "
                f"{len(told.breaks)} break(s)",
                flush=True,
            )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
