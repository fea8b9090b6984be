"""Lists of organizations brought in: 1,000,000 rows of a CSV by the command line, on both databases.

A command of its own reads and takes the list into a fresh register; its most memory is what the system
counted for that process. Limits: at least 10,000 rows a second, and no more than 32 MB above the memory
for 100,000 rows.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import func, select

from core.db import db
from registry.organizations.models import Organization
from tests import postgres, world
from tests.bench.exports import MEGABYTE, apart, peak
from tests.bench.pages import line
from tests.bench.register import FORMS, PLACES, PREFIX, WORKS
from tests.bench.worlds import BUILD, sqlite_url
from tests.conftest import MIGRATIONS, dispose, make_app

SMALL, LARGE = 100_000, 1_000_000
LEAST_RATE, MOST_GROWTH = 10_000, 32
UNIT = "示例市民政局"
HEADER = [
    "社会组织名称", "统一社会信用代码", "类型", "登记备案情况", "所属区划", "成立时间", "法定代表人", "法定代表人电话", "业务领域",
    "住所", "联系电话", "评估等级", "等级有效期起", "等级有效期止",
]  # fmt: skip
KINDS = {"social_association": "社会团体", "social_service_agency": "民办非企业单位", "foundation": "基金会"}
DIVISIONS = ("150602", "150603", "150621", "150622", "150623", "150624", "150625", "150626", "150627")
AREAS = ("养老服务", "社区治理", "助残服务、社会工作", "关爱儿童", "")


def rows(count: int) -> Iterator[list[str]]:
    """Rows of a province as its offices write them: codes and days in several ways, some filed, each with a leader."""
    dice = random.Random(20260102)
    for n in range(count):
        kind = "foundation" if n % 50 == 0 else dice.choice(("social_association", "social_service_agency"))
        filed = kind != "foundation" and dice.random() < 0.3
        division = DIVISIONS[n % len(DIVISIONS)]
        name = f"{dice.choice(PLACES)}{dice.choice(PLACES)}{dice.choice(WORKS)}{dice.choice(FORMS[kind])}"
        code = world.credit_code(PREFIX[kind], division, n)
        day = date(2000, 1, 1) + timedelta(days=n % 9000)
        graded = n % 4 == 0
        yield [
            f"{name}第{n}号" if filed else name,
            "" if filed else f"{code[:8]} {code[8:]}" if n % 10 == 0 else code,
            "社区社会组织" if filed else KINDS[kind],
            "备案" if filed else "登记",
            division,
            f"{day.year}年{day.month}月{day.day}日" if n % 3 == 0 else day.isoformat(),
            f"示例{PLACES[n % 26]}{PLACES[n // 26 % 26]}",
            f"139{n:08d}",
            AREAS[n % len(AREAS)],
            f"示例路{n % 999}号",
            f"0477-{n % 10_000_000:07d}",
            f"{1 + n % 5}A" if graded else "",
            "2024-01-01" if graded else "",
            "2028.12.31" if graded else "",
        ]


def written(count: int) -> Path:
    """A list of so many organizations as CSV; kept under ``build/bench``."""
    file = BUILD / f"list-{count}.csv"
    if not file.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        with draft.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADER)
            writer.writerows(rows(count))
        draft.replace(file)
    return file


def fresh(engine: str, name: str) -> tuple[Path, str]:
    """An instance folder with an empty register and its units."""
    folder = BUILD / f"intake-{engine}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = sqlite_url(folder) if engine == "sqlite" else postgres.fresh_database(f"intake_{name}")
    app = make_app(url, folder)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        world.build()
    dispose(app)
    return folder, url


def taken(folder: Path, url: str, file: Path) -> tuple[float, int, int]:
    """Read and take a list by the command; the seconds, how many organizations came, the most memory in bytes."""
    app = make_app(url, folder)
    with app.app_context():
        before = db.session.scalar(select(func.count()).select_from(Organization)) or 0
        db.session.remove()
    began = time.perf_counter()
    result = app.test_cli_runner().invoke(
        args=["registry", "import", str(file), "--unit", UNIT, "--take"], catch_exceptions=False
    )
    spent = time.perf_counter() - began
    if result.exit_code:
        raise RuntimeError(result.output)
    most = peak()
    with app.app_context():
        came = (db.session.scalar(select(func.count()).select_from(Organization)) or 0) - before
    dispose(app)
    return spent, came, most


def measure(engine: str) -> int:
    print(f"\n{engine}: lists by the command line", flush=True)
    most: dict[int, int] = {}
    spent, came = 0.0, 0
    for count in (SMALL, LARGE):
        file = written(count)
        folder, url = fresh(engine, str(count))
        spent, came, most[count] = apart(taken, folder, url, file)
        print(
            f"       {count:,} rows: {spent:.1f} s, {most[count] / MEGABYTE:.0f} MB, {came:,} organizations",
            flush=True,
        )
        shutil.rmtree(folder)
    missed = line(
        f"{LARGE:,} rows read and taken", f"{LARGE / spent:,.0f} rows/s", LARGE / spent >= LEAST_RATE,
        f"≥ {LEAST_RATE:,} rows/s",
    )  # fmt: skip
    missed += line("organizations that came of them", f"{came:,}", came == LARGE, "all")
    grown = (most[LARGE] - most[SMALL]) / MEGABYTE
    missed += line(
        f"memory above that for {SMALL:,} rows", f"{grown:.0f} MB", grown <= MOST_GROWTH, "≤ 32 MB"
    )
    return missed


def run() -> int:
    engines = os.environ.get("BENCH_ENGINES", "sqlite postgresql").split()
    return sum(measure(engine) for engine in engines)
