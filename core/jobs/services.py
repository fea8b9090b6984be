"""Queuing, running and cancelling jobs."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import IO, Any

from sqlalchemy import delete, func, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM, Actor
from core.db import db, transaction
from core.files.models import StoredFile
from core.files.services import store
from core.jobs.models import Job
from core.text import N_, Message

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
STALE_AFTER = timedelta(minutes=10)
KEEP_RESULTS = timedelta(days=14)
OPEN_JOBS = 10
SECONDS_BETWEEN_STEPS = 0.5


class Stopped(Exception):
    """The work ends between two steps: ``cancelled`` by its owner, or the worker is told to stop."""

    def __init__(self, *, cancelled: bool) -> None:
        super().__init__("cancelled" if cancelled else "the worker stops")
        self.cancelled = cancelled


class Task:
    """One job at work: what is asked, for whom, and how to say how far it is."""

    def __init__(self, job: Job, actor: Actor, stop: threading.Event) -> None:
        self.number = job.id
        self.payload: dict[str, Any] = dict(job.payload)
        self.actor: Any = actor
        self._stop = stop
        self._said = 0.0

    def step(self, done: int, total: int) -> None:
        """Note the progress; call it often, outside a transaction. Raises :class:`Stopped`."""
        if self._stop.is_set():
            raise Stopped(cancelled=False)
        if time.monotonic() - self._said < SECONDS_BETWEEN_STEPS and done < total:
            return
        self._said = time.monotonic()
        with transaction() as session:
            job = session.get_one(Job, self.number)
            job.done, job.total, job.touched_at = done, total, clock.now()
            wanted = job.cancel_wanted
        if wanted:
            raise Stopped(cancelled=True)

    def keep(self, stream: IO[bytes], name: str) -> None:
        """Store the result; the job's owner finds it on the page of the job."""
        with transaction() as session:
            file = store(stream, name, by=self.actor, max_bytes=None)
            session.get_one(Job, self.number).result_id = file.id


Work = Callable[[Task], None]
_kinds: dict[str, Work] = {}
_regular: dict[str, tuple[timedelta, Callable[[], object]]] = {}
_people: list[Callable[[int], Actor | None]] = []


def use_people(lookup: Callable[[int], Actor | None]) -> None:
    """How to find who asked for a job, with the rights held at the time of the work; ``None``: gone."""
    _people[:] = [lookup]


def add_kind(kind: str, work: Work) -> None:
    """``work(task)`` opens its own transactions, short ones: a job must not hold the write lock."""
    _kinds[kind] = work


def add_regular(name: str, every: timedelta, work: Callable[[], object]) -> None:
    """``work()`` runs in the worker every so often and opens its own transactions."""
    _regular[name] = (every, work)


def regular_work() -> dict[str, tuple[timedelta, Callable[[], object]]]:
    return dict(_regular)


def queue(kind: str, payload: dict[str, Any], *, by: Actor, title: Message | None = None) -> Job:
    """Ask for work; it starts after the present transaction is committed.

    Raises :class:`Refusal` when the person has too much work open already.
    """
    if kind not in _kinds:
        raise ValueError(f"unknown kind of job {kind}")
    if by.actor_id is not None and _open_jobs(by.actor_id) >= OPEN_JOBS:
        raise Refusal(
            Message(
                N_("%(count)s of your jobs are still waiting or running: let them finish, or cancel some."),
                {"count": OPEN_JOBS},
            ),
            status=429,
        )
    job = Job(
        kind=kind,
        title=title.to_dict() if title else {},
        payload=payload,
        queued_by=by.actor_id,
        queued_at=clock.now(),
        touched_at=clock.now(),
    )
    db.session.add(job)
    db.session.flush()
    return job


def _open_jobs(user_id: int) -> int:
    return db.session.scalar(
        select(func.count()).where(Job.queued_by == user_id, Job.state.in_(("queued", "running")))
    ) or 0  # fmt: skip


def cancel(job: Job, *, by: Actor) -> None:
    """A waiting job is cancelled at once, a running one at its next step; a finished one stays as it is."""
    if job.queued_by != by.actor_id:
        raise Refusal(Message(N_("Only who asked for the work may cancel it.")), status=403)
    db.session.flush()
    db.session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == "queued")
        .values(state="cancelled", cancel_wanted=True, touched_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == "running")
        .values(cancel_wanted=True)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(job)


def sweep() -> int:
    """Put jobs of dead workers back, and give up those that were tried often enough; how many."""
    stale = (Job.state == "running", Job.touched_at < clock.now() - STALE_AFTER)
    if db.session.scalar(select(Job.id).where(*stale).limit(1)) is None:
        return 0
    with transaction() as session:
        moved = 0
        for tries, state in (
            (Job.attempts >= MAX_ATTEMPTS, "failed"),
            (Job.attempts < MAX_ATTEMPTS, "queued"),
        ):
            values: dict[str, Any] = {"state": state, "touched_at": clock.now()}
            if state == "failed":
                values["error"] = "the worker ended in the middle"
            moved += session.execute(update(Job).where(*stale, tries).values(**values)).rowcount  # type: ignore[attr-defined]
        return moved


def forget() -> None:
    """Finished work and its result files go after a while; the bytes go with the sweep of files."""
    old = (Job.state.in_(("done", "failed", "cancelled")), Job.touched_at < clock.now() - KEEP_RESULTS)
    with transaction() as session:
        files = list(session.scalars(select(Job.result_id).where(*old, Job.result_id.is_not(None))))
        session.execute(delete(Job).where(*old))
        if files:
            session.execute(delete(StoredFile).where(StoredFile.id.in_(files)))


def run_next(stop: threading.Event | None = None) -> bool:
    """Take the oldest queued job and do it; whether there was one."""
    number = db.session.scalar(select(Job.id).where(Job.state == "queued").order_by(Job.id).limit(1))
    if number is None:
        return False
    with transaction() as session:
        taken = session.execute(
            update(Job)
            .where(Job.id == number, Job.state == "queued")
            .values(state="running", attempts=Job.attempts + 1, done=0, touched_at=clock.now())
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return True
    _run(number, stop or threading.Event())
    return True


def _run(number: int, stop: threading.Event) -> None:
    job = db.session.get_one(Job, number)
    attempts, kind, asked_by = job.attempts, job.kind, job.queued_by
    try:
        task = Task(job, _actor(asked_by), stop)
        if kind not in _kinds:
            raise Refusal(Message(N_("This kind of work is not known any more.")))
        _kinds[kind](task)
        _finish(number, "done")
    except Stopped as stopped:
        _finish(number, "cancelled" if stopped.cancelled else "queued", again=not stopped.cancelled)
    except Refusal as refusal:
        # Asking again would be refused again.
        _finish(number, "failed", json.dumps(refusal.sentence.to_dict(), ensure_ascii=False))
    except Exception as error:
        log.exception("job %s (%s) failed", number, kind)
        _finish(number, "failed" if attempts >= MAX_ATTEMPTS else "queued", repr(error)[:2000])


def _actor(user_id: int | None) -> Actor:
    if user_id is None:
        return SYSTEM
    actor = _people[0](user_id) if _people else None
    if actor is None:
        raise Refusal(Message(N_("The account that asked for this work is closed.")))
    return actor


def _finish(number: int, state: str, error: str = "", *, again: bool = False) -> None:
    with transaction() as session:
        job = session.get_one(Job, number)
        job.state, job.error, job.touched_at = state, error, clock.now()
        if again:
            job.attempts -= 1
        if state == "queued" and job.cancel_wanted:
            job.state = "cancelled"
        if state == "done":
            job.done = job.total = max(job.total, 1)


def own_jobs(user_id: int) -> Any:
    """A person's jobs, as a query."""
    return select(Job).where(Job.queued_by == user_id)


def own_job(user_id: int, number: int) -> Job | None:
    return db.session.scalar(own_jobs(user_id).where(Job.id == number))


def working(user_id: int) -> bool:
    """Whether something of this person waits or runs."""
    return _open_jobs(user_id) > 0


def worker_seen() -> bool:
    """Whether any job waits longer than a worker would let it wait."""
    waiting = db.session.scalar(
        select(Job.id)
        .where(Job.state == "queued", Job.queued_at < clock.now() - timedelta(minutes=2))
        .limit(1)
    )
    running = db.session.scalar(select(Job.id).where(Job.state == "running").limit(1))
    return waiting is None or running is not None


def refusal_of(job: Job) -> Message | None:
    """Why a failed job was refused, when it was."""
    if not job.error.startswith("{"):
        return None
    return Message.from_dict(json.loads(job.error))
