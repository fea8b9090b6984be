"""``run.py bench pages``: list and object pages against the trivial page of the same server.

Limits of the foundation: a list of 50 rows and an application page answer at least 3 % of the
trivial page's requests per second, with at most 8 and 12 queries, and cost at most 1.3 times more
at 20,000 applications than at 1,000.
"""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from app.factory import create_app
from core.db import db
from grants.applications.models import Application
from registry.accounts.models import User
from tests.bench.load import check, rate, server
from tests.bench.worlds import world

LARGE, SMALL = 20_000, 1_000
ROUNDS = 3
LOGIN = "clerk"


def run() -> int:
    missed = 0
    for engine in ("sqlite", "postgresql"):
        figures = {size: measure(*world(engine, size)) for size in (SMALL, LARGE)}
        large, small = figures[LARGE], figures[SMALL]
        print(f"\n{engine}, {LARGE:,} applications; trivial page {large['trivial']:.0f} requests/s")
        for page, most in (("list", 8), ("application", 12)):
            share = large[page] / large["trivial"]
            growth = (small[page] / small["trivial"]) / share
            missed += line(f"{page}: share of the trivial rate", f"{share:.2%}", share >= 0.03, "≥ 3 %")
            missed += line(f"{page}: growth from {SMALL:,}", f"{growth:.2f}", growth <= 1.3, "≤ 1.3")
            missed += line(
                f"{page}: queries",
                str(large[f"{page}_queries"]),
                large[f"{page}_queries"] <= most,
                f"≤ {most}",
            )
    return missed


def line(what: str, value: str, good: bool, limit: str) -> int:
    print(f"  {'ok  ' if good else 'MISS'} {what}: {value} ({limit})")
    return 0 if good else 1


def measure(instance: Path, url: str) -> dict[str, Any]:
    """Rates of the three pages, each the median of rounds in turn, and the queries of two."""
    # The session is signed with the key of the instance that the server will read.
    os.environ["APP_INSTANCE"] = str(instance)
    app = create_app({"SQLALCHEMY_DATABASE_URI": url})
    cookie, paths = prepare(app)
    figures: dict[str, Any] = {f"{page}_queries": queries(app, cookie, path) for page, path in paths.items()}
    with app.app_context():
        db.engine.dispose()
    rates: dict[str, list[float]] = {"trivial": [], **{page: [] for page in paths}}
    with server(instance, url) as address:
        for path in paths.values():
            check(address, path, cookie)
            rate(address, path, cookie, seconds=1)
        for _ in range(ROUNDS):
            rates["trivial"].append(rate(address, "/healthz", cookie))
            for page, path in paths.items():
                rates[page].append(rate(address, path, cookie))
    return figures | {page: statistics.median(values) for page, values in rates.items()}


def prepare(app: Flask) -> tuple[str, dict[str, str]]:
    """A signed-in session and the pages to ask for."""
    with app.app_context():
        token = db.session.scalars(select(User).where(User.login == LOGIN)).one().get_id()
        application = db.session.scalar(
            select(Application.id).where(Application.state == "awarded").order_by(Application.id).limit(1)
        )
        db.session.remove()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"], session["_permanent"] = token, True, True
        session["csrf_token"] = "0" * 40
    client.get("/home")
    cookie = client.get_cookie("session")
    assert cookie is not None
    return f"session={cookie.value}", {
        "list": "/applications/",
        "application": f"/applications/{application}",
    }


def queries(app: Flask, cookie: str, path: str) -> int:
    """Statements of one request, without the transaction's own words."""
    count = 0

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal count
        count += not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK"))

    with app.app_context():
        engine = db.engine
    client = app.test_client()
    client.set_cookie("session", cookie.removeprefix("session="))
    client.get(path)
    event.listen(engine, "before_cursor_execute", seen)
    answer = client.get(path)
    event.remove(engine, "before_cursor_execute", seen)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return count


if __name__ == "__main__":
    sys.exit(run())
