"""``flask jobs``: the background worker."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable

import click
from flask.cli import AppGroup

from core.db import db
from core.jobs.services import regular_work, run_next, sweep

cli = AppGroup("jobs", help="Background work.")
log = logging.getLogger(__name__)


@cli.command("work")
@click.option("--once", is_flag=True, help="Do what is due and stop.")
def work_command(once: bool) -> None:
    """Work through queued jobs and regular work until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    due: dict[str, float] = {}
    while not stop.is_set():
        sweep()
        for name, (every, work) in regular_work().items():
            if due.get(name, 0.0) <= time.monotonic():
                due[name] = time.monotonic() + every.total_seconds()
                _guarded(name, work)
        while run_next() and not stop.is_set():
            pass
        db.session.remove()
        if once:
            break
        stop.wait(2)


def _guarded(name: str, work: Callable[[], None]) -> None:
    """One piece of regular work that fails must not stop the others."""
    try:
        work()
    except Exception:
        log.exception("regular work %s failed", name)
        db.session.rollback()
