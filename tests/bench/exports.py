"""``run.py bench export``: the list of 20,000 applications as a workbook, against bare xlsxwriter.

The bare writer gets the same cells, already read; the export reads, translates and writes. Memory is
the most that a process of its own held, for 20,000 rows against 1,000. Meanwhile pages stay served.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import xlsxwriter
from flask_babel import force_locale
from sqlalchemy import select

from app.factory import create_app
from core.db import db
from core.web.tables import LISTINGS, write_workbook
from registry.accounts.models import User
from tests.bench.load import check, rate, server
from tests.bench.pages import LARGE, LOGIN, SMALL, line, prepare
from tests.bench.worlds import world

NAME = "applications.list"
ROUNDS = 3
MEGABYTE = 1 << 20


def run() -> int:
    missed = 0
    for engine in ("sqlite", "postgresql"):
        small = apart(memory, *world(engine, SMALL))
        large_world = world(engine, LARGE)
        large = apart(memory, *large_world)
        ratio, rows = apart(times, *large_world)
        print(f"\n{engine}, {rows:,} rows")
        missed += line("export: time over bare xlsxwriter", f"{ratio:.2f}", ratio <= 1.5, "≤ 1.5")
        grown = (large - small) / MEGABYTE
        missed += line(
            f"export: memory above that for {SMALL:,} rows", f"{grown:.0f} MB", grown <= 32, "≤ 32 MB"
        )
        share = served(*large_world)
        missed += line("trivial page meanwhile, share of its rate", f"{share:.0%}", share >= 0.4, "≥ 40 %")
    return missed


def apart(work: Any, *arguments: Any) -> Any:
    """Do it in a fresh process, whose memory tells of nothing else."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(work, arguments)


def _app(instance: Path, url: str) -> Any:
    os.environ["APP_INSTANCE"] = str(instance)
    return create_app({"SQLALCHEMY_DATABASE_URI": url})


def _export(app: Any, target: Any) -> int:
    with app.app_context(), force_locale("zh_Hans_CN"):
        user = db.session.scalars(select(User).where(User.login == LOGIN)).one()
        return write_workbook(LISTINGS[NAME], user, {}, target, step=lambda _done, _all: None)


def memory(instance: Path, url: str) -> int:
    """The most memory that this process held after one export, in bytes."""
    _export(_app(instance, url), io.BytesIO())
    return peak()


def peak() -> int:
    """The most memory that this process held so far, in bytes.

    What the system counts for a process (``ru_maxrss``) starts with its parent's peak; this starts with the program.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM")) * 1024


def times(instance: Path, url: str) -> tuple[float, int]:
    """Median time of the export over the median time of writing the same cells; how many rows."""
    app = _app(instance, url)
    target = io.BytesIO()
    rows = _export(app, target)
    cells = _cells(target)
    own, bare = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        _export(app, io.BytesIO())
        own.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        _bare(cells)
        bare.append(time.perf_counter() - begin)
    return statistics.median(own) / statistics.median(bare), rows


def _cells(workbook: io.BytesIO) -> list[list[Any]]:
    import pandas

    workbook.seek(0)
    frame = pandas.read_excel(workbook, engine="calamine", header=None, dtype=object)
    return [[None if pandas.isna(value) else value for value in row] for row in frame.itertuples(index=False)]


def _bare(cells: list[list[Any]]) -> None:
    book = xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True})
    sheet = book.add_worksheet()
    money, days = book.add_format({"num_format": "#,##0.00"}), book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate(cells):
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, place, value)
            elif isinstance(value, int | float):
                sheet.write_number(number, place, value, money)
            elif value is not None:
                sheet.write_datetime(number, place, value, days)
    book.close()


def served(instance: Path, url: str) -> float:
    """What the trivial page keeps of its rate while a process beside the server exports over and over."""
    cookie, paths = prepare(_app(instance, url))
    with server(instance, url) as address:
        check(address, paths["list"], cookie)
        alone = rate(address, "/healthz", cookie)
        process = multiprocessing.get_context("spawn").Process(target=_over_and_over, args=(instance, url))
        process.start()
        try:
            time.sleep(4)
            check(address, paths["list"], cookie)
            return rate(address, "/healthz", cookie) / alone
        finally:
            process.kill()
            process.join()


def _over_and_over(instance: Path, url: str) -> None:
    app = _app(instance, url)
    threading.Timer(60, os._exit, (0,)).start()
    while True:
        _export(app, io.BytesIO())
