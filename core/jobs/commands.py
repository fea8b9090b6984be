"""``flask jobs``: the background worker."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import click
from flask.cli import AppGroup

from core.db import db
from core.jobs.services import regular_work, run_next, sweep

cli = AppGroup("jobs", help="Background work.")
log = logging.getLogger(__name__)

# An idle look is one read of an index; so long does asked-for work wait at most.
SECONDS_BETWEEN_LOOKS = 0.5
STALE_SWEEP = timedelta(minutes=1)


@cli.command("work")
@click.option("--once", is_flag=True, help="Do what is due and stop.")
@click.option("--beside", type=int, metavar="PID", help="Stop when this parent process ends.")
def work_command(once: bool, beside: int | None) -> None:
    """Work through queued jobs and regular work until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A handler that took the event's lock itself could meet the wait that holds it.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set, daemon=True).start())
    if beside is not None:
        threading.Thread(target=_watch_parent, args=(stop, beside), daemon=True).start()
    due: dict[str, float] = {}
    while not stop.is_set():
        try:
            _round(due, stop)
        except Exception:
            # The database may be away for a moment; the worker outlives it.
            log.exception("the worker could not look for work")
            stop.wait(5)
        finally:
            db.session.remove()
        if once:
            break
        stop.wait(SECONDS_BETWEEN_LOOKS)


def _round(due: dict[str, float], stop: threading.Event) -> None:
    for name, (every, work) in {"sweep": (STALE_SWEEP, sweep), **regular_work()}.items():
        if due.get(name, 0.0) <= time.monotonic() and not stop.is_set():
            due[name] = time.monotonic() + every.total_seconds()
            _guarded(name, work)
    while not stop.is_set() and run_next(stop):
        db.session.remove()


def _watch_parent(stop: threading.Event, parent: int) -> None:
    """Ends the worker with its server, however the server ended."""
    while os.getppid() == parent:
        time.sleep(1)
    stop.set()


def _guarded(name: str, work: Callable[[], object]) -> None:
    """One piece of regular work that fails must not stop the others."""
    try:
        work()
    except Exception:
        log.exception("regular work %s failed", name)
        db.session.rollback()
