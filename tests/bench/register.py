"""``run.py bench registry``: the register at 1,000,000 organizations beside the same at 10,000, on both databases.

Every page is measured as a share of the trivial page of the same server in the same run: the list, each
filter and each pair of filters (those that find nothing too), a search of two signs, a page deep in the
list. Limits: at least 3 %, at most 1.5 times dearer than at 10,000, at most 8 queries.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, insert, select, text

from core import clock
from core.db import db, transaction
from core.web.paging import key_of
from registry.accounts.models import User
from registry.agencies.models import Agency
from registry.credit.models import CreditEntry
from registry.keys.jobs import catch_up, sort_in
from registry.keys.queries import ORDER
from registry.organizations.models import FIELDS, Grade, Organization, PartyFacts
from tests import postgres, world
from tests.bench.load import check, rate, server
from tests.bench.pages import line, queries
from tests.bench.worlds import BUILD, sqlite_url
from tests.conftest import MIGRATIONS, dispose, make_app

LARGE, SMALL = 1_000_000, 10_000
ROUNDS = 3
SECONDS = 1.0
BATCH = 20_000
COUNTIES, TOWNSHIPS = 12, 25
LEAST_SHARE, MOST_GROWTH, MOST_QUERIES = 0.03, 1.5, 8
PLACES = "东西南北上下新金宝龙凤永安平康和乐春秋河山林海星月云天"
WORKS = (
    "养老服务", "社区服务", "儿童关爱", "助残康复", "社会工作", "志愿服务", "文化艺术", "环境保护", "法律援助", "心理健康",
    "科技创新", "农业技术", "体育健身", "书画研究", "慈善救助", "教育发展", "创业促进", "妇女权益", "退役军人", "邻里互助",
)  # fmt: skip
FORMS = {
    "social_association": ("协会", "促进会", "联合会"), "social_service_agency": ("服务中心", "发展中心"), "foundation": ("基金会",),
}  # fmt: skip
PREFIX = {"social_association": "51", "social_service_agency": "52", "foundation": "53"}
# A value that many have, one that few have, and for pairs without a hit values that exclude one another.
FILTERS = {
    "division": ("150602", "150602003"), "kind": ("social_association", "foundation"), "class": ("registered", "filed"),
    "status": ("normal", "revoked"), "field": ("elderly", "party"), "grade": ("3", "5"),
    "list": ("none", "dishonesty_list"), "party": ("sole", "functional"),
}  # fmt: skip


def seed(size: int) -> None:
    """Units of a city with townships, and ``size`` organizations with grades, listings and party facts."""
    dice = random.Random(20260101)
    with transaction() as session:
        root = session.scalars(select(Agency).where(Agency.parent_id.is_(None)).order_by(Agency.id)).first()
        places: list[tuple[int, str]] = []
        for county in range(1, COUNTIES + 1):
            code = f"1506{county:02d}"
            unit = session.scalar(
                select(Agency).where(Agency.division_code == code, Agency.parent_id == root.id)
            )
            if unit is None:
                unit = _unit(session, f"示例第{county}旗民政局", "civil_affairs_bureau", code, root)
            for township in range(2, TOWNSHIPS + 2):
                below = _unit(
                    session, f"示例{county}旗第{township}街道", "subdistrict", f"{code}{township:03d}", unit
                )
                places.append((below.id, below.division_code))
    first = (db.session.scalar(select(func.max(Organization.id))) or 0) + 1
    today = clock.today()
    for start in range(0, size, BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {Organization: [], Grade: [], CreditEntry: [], PartyFacts: []}
        for n in range(start, min(start + BATCH, size)):
            number = first + n
            unit_id, division = places[dice.randrange(len(places))]
            kind = (
                "foundation" if n % 50 == 0 else dice.choice(("social_association", "social_service_agency"))
            )
            filed = dice.random() < 0.3 and kind != "foundation"
            name = f"{dice.choice(PLACES)}{dice.choice(PLACES)}{dice.choice(PLACES)}{dice.choice(WORKS)}{dice.choice(FORMS[kind])}"
            rows[Organization].append({
                "id": number, "agency_id": unit_id, "kind": "filed_community_so" if filed else kind,
                "register_class": "filed" if filed else "registered", "name": name, "sort_key": "",
                "credit_code": None if filed else world.credit_code(PREFIX[kind], division[:6], number % 1_000_000),
                "division_code": division, "registered_on": today - timedelta(days=400 + n % 3000),
                "status": ("revoked" if n % 200 == 0 else "abnormal" if n % 40 == 0 else "normal"),
                "fields": [] if n % 5 == 0 else dice.sample(list(FIELDS), 1 + n % 2) if n % 500 else ["party"],
                "under_investigation": False, "business_scope": "", "address": "", "phone": "",
            })  # fmt: skip
            if n % 4 == 0:
                rows[Grade].append({"organization_id": number, "grade": 5 if n % 400 == 0 else dice.randint(1, 4),
                                    "valid_from": today - timedelta(days=100), "valid_to": today + timedelta(days=1000)})  # fmt: skip
            if n % 60 == 0:
                rows[CreditEntry].append({"organization_id": number, "kind": "dishonesty_list" if n % 600 == 0 else "abnormal_list",
                                          "entered_on": today - timedelta(days=90), "grounds": "示例", "source": "", "grade": ""})  # fmt: skip
            if n % 2 == 0:
                rows[PartyFacts].append({"organization_id": number, "full_members": n % 7,
                                         "party_org_kind": "functional" if n % 300 == 0 else "sole" if n % 7 >= 3 else "joint",
                                         "party_in_charter": True})  # fmt: skip
        with transaction() as session:
            for model, values in rows.items():
                if values:
                    session.execute(insert(model.__table__), values)
    if db.engine.dialect.name == "postgresql":
        with transaction() as session:
            session.execute(
                select(
                    func.setval(func.pg_get_serial_sequence("organization", "id"), func.max(Organization.id))
                )
            )


def _unit(session: Any, name: str, kind: str, code: str, parent: Agency) -> Agency:
    unit = Agency(name=name, kind=kind, division_code=code, parent_id=parent.id)
    session.add(unit)
    session.flush()
    unit.path = f"{parent.path}{unit.id}/"
    return unit


def made(engine: str, size: int) -> tuple[Path, str]:
    """A world with so many organizations, sorted in; kept under ``build/bench`` for SQLite."""
    folder = BUILD / f"register-{engine}-{size}"
    if engine == "sqlite" and (folder / "done").exists():
        return folder, sqlite_url(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = sqlite_url(folder) if engine == "sqlite" else postgres.fresh_database(f"register_{size}")
    app = make_app(url, folder)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        world.build()
        began = time.perf_counter()
        seed(size)
        seeded = time.perf_counter()
        catch_up()
        sort_in()
        done = time.perf_counter()
        print(
            f"  {engine}: {size:,} rows written in {seeded - began:.0f} s, sorted in in {done - seeded:.0f} s ({size / (done - seeded):,.0f} rows/s)",
            flush=True,
        )
        db.session.remove()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE" if engine == "postgresql" else "ANALYZE"))
    dispose(app)
    (folder / "done").touch()
    return folder, url


def pages_of(app: Flask) -> dict[str, str]:
    """The addresses to measure, by what they show."""
    found = {"list": "/organizations/"}
    for name, (many, few) in FILTERS.items():
        found[f"{name}={many}"] = f"/organizations/?{name}={many}"
        found[f"{name}={few}"] = f"/organizations/?{name}={few}"
    for (first, ones), (second, others) in itertools.combinations(FILTERS.items(), 2):
        found[f"{first}={ones[0]} {second}={others[0]}"] = (
            f"/organizations/?{first}={ones[0]}&{second}={others[0]}"
        )
        found[f"{first}={ones[1]} {second}={others[1]}"] = (
            f"/organizations/?{first}={ones[1]}&{second}={others[1]}"
        )
    found["nothing: kind=foundation class=filed"] = "/organizations/?kind=foundation&class=filed"
    found["nothing: kind=enterprise status=normal"] = "/organizations/?kind=enterprise&status=normal"
    found["two signs"] = "/organizations/?q=%E5%85%BB%E8%80%81"
    found["initials"] = "/organizations/?q=ylfw"
    found["part of a code"] = "/organizations/?q=0602MJ0"
    found["two signs, no hit"] = "/organizations/?q=%E9%BE%98%E9%BE%98"
    found["deep page"] = f"/organizations/?after={_deep(app)}"
    return found


def _deep(app: Flask) -> str:
    """The key of an organization in the middle of the order."""
    with app.app_context():
        number = (db.session.scalar(select(func.max(Organization.id))) or 2) // 2
        row = db.session.get(Organization, number)
        return key_of(row, ORDER)


def signed_in(app: Flask, login: str) -> str:
    with app.app_context():
        token = db.session.scalars(select(User).where(User.login == login)).one().get_id()
        db.session.remove()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"], session["_permanent"] = token, True, True
        session["csrf_token"] = "0" * 40
    client.get("/home")
    cookie = client.get_cookie("session")
    assert cookie is not None
    return f"session={cookie.value}"


def prepared(instance: Path, url: str) -> tuple[str, dict[str, str], dict[str, tuple[int, int]]]:
    """A session, the pages, and of each its queries and how many rows it shows."""
    app = make_app(url, instance)
    # The session is signed with the key that the server will read.
    os.environ["SECRET_KEY"] = app.config["SECRET_KEY"]
    cookie = signed_in(app, "clerk")
    pages = pages_of(app)
    client = app.test_client()
    client.set_cookie("session", cookie.removeprefix("session="))
    known = {
        name: (queries(app, cookie, path), client.get(path).data.count(b'class="sheet__main"'))
        for name, path in pages.items()
    }
    dispose(app)
    return cookie, pages, known


def measure(engine: str) -> int:
    """Both sizes side by side: a page of the large register, the same of the small one, the trivial page, in turn.

    A page that shows more rows in the large register than in the small one is compared with a full page
    of the small one: the rows are shown, not searched.
    """
    worlds = {size: made(engine, size) for size in (SMALL, LARGE)}
    ready = {size: prepared(*place) for size, place in worlds.items()}
    missed = 0
    with server(*worlds[SMALL]) as small, server(*worlds[LARGE]) as large:
        cookies = {small: ready[SMALL][0], large: ready[LARGE][0]}
        print(f"\n{engine}, {LARGE:,} organizations against {SMALL:,}", flush=True)
        for name, path in ready[LARGE][1].items():
            asked, rows = ready[LARGE][2][name]
            like = ready[SMALL][1][name if ready[SMALL][2][name][1] >= rows else "list"]
            check(small, like, cookies[small])
            check(large, path, cookies[large])
            shares, growths = [], []
            for _ in range(ROUNDS):
                trivial = rate(large, "/healthz", cookies[large], seconds=SECONDS)
                here = rate(large, path, cookies[large], seconds=SECONDS)
                there = rate(small, like, cookies[small], seconds=SECONDS)
                shares.append(here / trivial)
                growths.append(there / max(here, 1 / SECONDS))
            share, growth = statistics.median(shares), statistics.median(growths)
            good = share >= LEAST_SHARE and growth <= MOST_GROWTH and asked <= MOST_QUERIES
            missed += line(
                name,
                f"{share:.2%}, growth {growth:.2f}, {asked} queries, {rows} rows",
                good,
                "≥ 3 %, ≤ 1.5, ≤ 8",
            )
            sys.stdout.flush()
    return missed


def run() -> int:
    engines = os.environ.get("BENCH_ENGINES", "sqlite postgresql").split()
    return sum(measure(engine) for engine in engines)


if __name__ == "__main__":
    sys.exit(run())
