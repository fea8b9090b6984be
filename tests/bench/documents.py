"""``run.py bench documents``: the printed agreement against bare WeasyPrint, and four at once.

The bare printer lays out the same page with the same fonts, kept from one document to the next.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
import urllib.request
from typing import Any

from sqlalchemy import select

from app.factory import create_app
from core.db import db
from core.documents.printer import Press
from core.documents.services import document_page, document_rules
from projects.agreements.models import Agreement
from projects.agreements.reports import document_facts
from tests.bench.load import rate, server
from tests.bench.pages import line, prepare
from tests.bench.worlds import demo, sqlite_url

ROUNDS = 15


def run() -> int:
    instance = demo()
    os.environ["APP_INSTANCE"] = str(instance)
    app = create_app({"SQLALCHEMY_DATABASE_URI": sqlite_url(instance)})
    cookie, _paths = prepare(app)
    with app.test_request_context():
        agreement = db.session.scalars(select(Agreement).order_by(Agreement.id).limit(1)).one()
        page = document_page(*printed(agreement))
        rules, path = document_rules(), f"/agreements/{agreement.id}/document.pdf"
        db.session.remove()
    press = Press()
    press.pdf(page, rules)
    own, bare = [], []
    with server(instance, sqlite_url(instance), workers=1) as address:
        _get(address + path, cookie)
        for _ in range(ROUNDS):
            own.append(_timed(_get, address + path, cookie))
            bare.append(_timed(press.pdf, page, rules))
        # The best of each: the printers give way to whatever else the machine does.
        share = min(bare) / min(own)
        alone = rate(address, "/healthz", cookie)
        calm = statistics.median(_timed(_get, address + "/applications/", cookie) for _ in range(10))
        stop, count = threading.Event(), [0] * 4
        threads = [
            threading.Thread(target=_print_on, args=(address + path, cookie, stop, count, place))
            for place in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(1)
        kept = rate(address, "/healthz", cookie) / alone
        slowest = max(_timed(_get, address + "/applications/", cookie) for _ in range(10))
        stop.set()
        for thread in threads:
            thread.join()
    print(f"\none agreement {min(own) * 1000:.0f} ms; {min(count)}–{max(count)} printed by each of four")
    missed = line("agreement: rate over bare WeasyPrint", f"{share:.0%}", share >= 0.8, "≥ 80 %")
    missed += line("four at once: each gets its documents", str(min(count)), min(count) > 0, "> 0")
    missed += line("trivial page meanwhile, share of its rate", f"{kept:.0%}", kept >= 0.25, "≥ 25 %")
    waits = slowest / calm
    missed += line(
        "list meanwhile, the slowest of ten over its time alone", f"{waits:.1f}", waits <= 10, "≤ 10"
    )
    return missed


def printed(agreement: Agreement) -> tuple[str, dict[str, Any]]:
    """Template and context of the printed agreement, as its page makes them."""
    return "agreements/document.html", document_facts(agreement)


def _get(url: str, cookie: str) -> bytes:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Cookie": cookie}), timeout=120
    ) as answer:
        return answer.read()


def _timed(work: Any, *arguments: Any) -> float:
    begin = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begin


def _print_on(url: str, cookie: str, stop: threading.Event, count: list[int], place: int) -> None:
    while not stop.is_set():
        _get(url, cookie)
        count[place] += 1
