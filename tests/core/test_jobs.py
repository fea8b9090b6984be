"""Jobs: the row is the queue; progress, cancel, result, attempts and what happens when a worker dies."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
from flask import Flask

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.files.services import read
from core.jobs import services
from core.jobs.models import Job
from core.jobs.services import Task, add_kind, cancel, forget, queue, run_next, sweep
from core.text import Message
from tests import world

PDF = b"%PDF-1.4 a result"


@pytest.fixture
def kind(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """``kind(work)`` makes a kind of job that does ``work(task)``, and queues one of the clerk."""
    monkeypatch.setattr(services, "_kinds", dict(services._kinds))
    monkeypatch.setattr(services, "SECONDS_BETWEEN_STEPS", 0)

    def make(work, by: str = "clerk") -> int:
        add_kind("test", work)
        with transaction():
            return queue("test", {"n": 3}, by=world.user(by) if by else SYSTEM).id

    return make


def job(number: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, number)


def test_work_says_how_far_it_is_and_leaves_its_result_to_its_owner(kind, monkeypatch):
    seen = []

    def work(task: Task) -> None:
        assert task.actor.login == "clerk"
        for done in range(task.payload["n"]):
            task.step(done, task.payload["n"])
            seen.append(job(task.number).done)
        task.keep(io.BytesIO(PDF), "result.pdf")

    number = kind(work)
    assert run_next() and not run_next()
    assert seen == [0, 1, 2]
    row = job(number)
    assert (row.state, row.done, row.total, row.attempts) == ("done", 3, 3, 1)
    assert (
        row.result is not None and read(row.result) == PDF and row.result.stored_by == world.user("clerk").id
    )


def test_nothing_is_done_for_a_transaction_that_was_rolled_back(kind, app):
    kind(lambda task: None, by="")
    run_next()
    with pytest.raises(RuntimeError, match="no"), transaction():
        queue("test", {}, by=SYSTEM)
        raise RuntimeError("no")
    assert not run_next()


def test_a_waiting_job_is_cancelled_at_once_a_running_one_at_its_next_step(kind):
    steps = []

    def work(task: Task) -> None:
        task.step(1, 5)
        with transaction():
            cancel(db.session.get_one(Job, task.number), by=world.user("clerk"))
        steps.append(1)
        task.step(2, 5)
        steps.append(2)

    running = kind(work)
    run_next()
    assert (job(running).state, job(running).done, steps) == ("cancelled", 2, [1])
    waiting = kind(work)
    with transaction():
        cancel(job(waiting), by=world.user("clerk"))
    assert job(waiting).state == "cancelled" and not run_next()


def test_only_the_owner_cancels_and_a_finished_job_stays(kind):
    number = kind(lambda task: None)
    with pytest.raises(Refusal), transaction():
        cancel(job(number), by=world.user("reviewer"))
    run_next()
    with transaction():
        cancel(job(number), by=world.user("clerk"))
    assert job(number).state == "done"


def test_work_that_fails_is_tried_three_times_and_a_refusal_once(kind, caplog):
    def broken(task: Task) -> None:
        with transaction() as session:
            session.get_one(Job, task.number).kind = "changed"
            raise ValueError("broken")

    number = kind(broken)
    for attempts in (1, 2, 3):
        run_next()
        assert job(number).attempts == attempts and job(number).kind == "test"
    assert job(number).state == "failed" and "broken" in job(number).error and not run_next()

    def refused(task: Task) -> None:
        raise Refusal(Message("You do not have the permission for this step."))

    number = kind(refused)
    run_next()
    refusal = services.refusal_of(job(number))
    assert job(number).state == "failed" and refusal is not None and "permission" in refusal.id


def test_a_closed_account_gets_no_work_done(kind, app):
    done = []
    number = kind(lambda task: done.append(1))
    with transaction():
        world.user("clerk").active = False
    run_next()
    assert job(number).state == "failed" and not done


def test_a_stopping_worker_puts_its_job_back(kind):
    stop = threading.Event()

    def work(task: Task) -> None:
        task.step(1, 2)
        stop.set()
        task.step(2, 2)

    number = kind(work)
    run_next(stop)
    assert (job(number).state, job(number).attempts) == ("queued", 0)


def test_the_sweep_puts_back_what_a_dead_worker_held_and_gives_up_in_the_end(kind):
    number = kind(lambda task: None)
    for attempts, state in ((1, "queued"), (3, "failed")):
        with transaction():
            row = job(number)
            row.state, row.attempts = "running", attempts
            row.touched_at = clock.now() - services.STALE_AFTER - timedelta(seconds=1)
        assert sweep() == 1 and job(number).state == state
    assert sweep() == 0


def test_finished_work_is_forgotten_with_its_result(kind):
    number = kind(lambda task: task.keep(io.BytesIO(PDF), "result.pdf"))
    run_next()
    forget()
    assert job(number).result_id is not None
    with transaction():
        job(number).touched_at = clock.now() - services.KEEP_RESULTS - timedelta(days=1)
    forget()
    assert db.session.query(Job).count() == 0


def test_one_person_does_not_fill_the_queue(kind):
    for _ in range(services.OPEN_JOBS):
        kind(lambda task: None)
    with pytest.raises(Refusal, match="still waiting"):
        kind(lambda task: None)
    kind(lambda task: None, by="reviewer")


def test_the_worker_beside_a_server_ends_when_that_is_gone(app):
    """It would run for ever; its parent is another process than the one it is told to stay with."""
    result = app.test_cli_runner().invoke(args=["jobs", "work", "--beside", "999999999"])
    assert result.exit_code == 0, result.output
