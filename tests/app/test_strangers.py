"""A stranger's rows change nothing: neither a page, nor a count, nor an export, nor an error.

Two worlds: the demonstration world, and the same with a second city beside it that lives a whole round
of grants of its own. Whoever is scoped to the first city gets the same bytes in both, at every address
that the URL map offers. And whoever may do everything, but elsewhere, finds none of it.
"""

from __future__ import annotations

import copy
import io
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.demo import stage as scenes
from app.demo.lottery import plan_year
from app.demo.services import _finished_round
from app.demo.stage import WORLD, Stage
from app.demo.story import on
from app.settings import DEMO_PASSWORD
from app.trail import queries
from core import clock
from core.access.doors import Door, doors
from core.access.policy import PERMISSIONS, ROLES, Role
from core.db import db
from grants.rubrics.services import create_standard_rubrics
from registry.accounts.models import User
from tests.app.told import demo, told, url_of
from tests.conftest import dispose, make_app

# What is public by law is the same for everybody, and so shows every city's rows.
PUBLIC = ("portal.", "rulebook.published", "snapshots.published", "web.", "static", "bootstrap.", "assets.")
# A published call is open to every organization, wherever it is kept.
OPEN_TO_ALL = {"applications.start"}
VIEWERS = ("clerk", "urban_clerk", "supervisor", "op01", "expert01")
TABLES = {
    "account_id": ("account", "payee_account"), "assignment_id": ("role_assignment",), "record_id": ("service_record",),
    "source_id": ("fund_source",), "user_id": ("user_account",),
}  # fmt: skip


def second_city() -> None:
    """Tell another city's life into the present world, under other names, codes and logins."""
    before = copy.deepcopy(WORLD)
    people, accounts = scenes.record_person, scenes.create_user
    changed = copy.deepcopy(before)
    changed["agencies"] = [
        [key, name.replace("示例", "示例邻"), kind, "1507" + division[4:], parent, prefix.replace("示", "邻")]
        for key, name, kind, division, parent, prefix in before["agencies"]
    ]
    for part, code in (("organizations", 2), ("others", 3), ("filed", 1)):
        for row in changed[part]:
            row[0] = row[0].replace("示例", "示例邻")
            row[code] = "1507" + row[code][4:]
            if part == "filed":
                row[2] = row[2].replace("示例", "示例邻")
    WORLD.update(changed)
    try:
        scenes.record_person = lambda name, **facts: people(name.replace("示例", "示例邻"), **facts)
        scenes.create_user = lambda person, login, *rest, **facts: accounts(
            person, f"far.{login}".replace("_", "-"), *rest, **facts
        )
        _tell()
    finally:
        scenes.record_person, scenes.create_user = people, accounts
        WORLD.update(before)


def _tell() -> None:
    place, begin = Stage(), clock.today() - timedelta(days=700)
    with on(begin):
        for scene in (
            scenes.set_agencies,
            scenes.set_organizations,
            scenes.set_others,
            scenes.set_experts,
        ):
            scene(place, DEMO_PASSWORD)
        scenes.set_funds(place)
        scenes.set_budgets(place, begin.year)
        plan_year(place, begin.year)
        rubrics = create_standard_rubrics(place.agencies["city"], by=place.people["clerk"])
    for year in range(begin.year + 1, clock.today().year + 1):
        with on(clock.today().replace(year=year, month=1, day=8)):
            scenes.set_budgets(place, year)
            plan_year(place, year)
    _finished_round(place, rubrics)


def both(factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first = demo(factory)
    # The second begins as a copy of the first, so that what they share has the same numbers.
    second = told(factory, "two-cities", second_city, start=first)
    return first, second


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Flask]]:
    folder = tmp_path_factory.mktemp("strangers")
    apps = []
    for number, source in enumerate(both(tmp_path_factory)):
        shutil.copytree(source, folder / str(number))
        app = make_app(url_of(folder / str(number)), folder / str(number))
        app.config["WTF_CSRF_ENABLED"] = False
        apps.append(app)
    yield apps[0], apps[1]
    for app in apps:
        dispose(app)


def token_of(app: Flask, login: str) -> str:
    with app.app_context():
        return db.session.scalars(select(User).where(User.login == login)).one().get_id()


def client_of(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    token = token_of(app, login)
    with client.session_transaction() as session:
        session["_user_id"], session["csrf_token"] = token, "the same in both"
    return client


def last_ids(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {
            table.name: db.session.scalar(select(func.max(table.c.id))) or 0
            for table in db.metadata.sorted_tables
            if "id" in table.c
        }


def tables_of(argument: str) -> tuple[str, ...]:
    return TABLES.get(argument, (argument.removesuffix("_id"),))


def addresses(door: Door, first: dict[str, int], second: dict[str, int]) -> list[str]:
    """The addresses of a door: with a number of both worlds, and one that only strangers have."""
    rule = re.sub(r"<any\('?([^,')]*)'?[^>]*>", r"\1", door.rule)
    rule = rule.replace("<object_type>", "application").replace("<code>", "en")
    arguments = re.findall(r"<int:([^>]*)>", rule)
    rule = re.sub(r"<[a-z_]+>", "midterm", rule)
    if not arguments:
        searched = door.endpoint.endswith((".list", ".mine", ".projects", ".suggest"))
        return [rule, f"{rule}?q=%E7%A4%BA%E4%BE%8B"] if searched else [rule]
    numbers = set()
    for name in tables_of(arguments[0]):
        numbers |= {first.get(name, 1) or 1, second.get(name, 1) or 1}
    return [re.sub(r"<int:[^>]*>", str(number), rule) for number in sorted(numbers)]


_CHANGING = re.compile(rb'name="(_key|csrf_token)" value="[^"]*"')


def answer(client: FlaskClient, path: str) -> tuple[Any, ...]:
    """Everything of an answer that does not change from one moment to the next."""
    with client.get(path) as found:
        body = _CHANGING.sub(b"", found.data)
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = repr(
                [(name, archive.read(name)) for name in archive.namelist() if "docProps" not in name]
            ).encode()
    elif body[:4] == b"%PDF":
        # Same size but for the time of its making.
        body = str(len(body) // 64).encode()
    return found.status_code, found.headers.get("Location"), found.content_type, body


@pytest.mark.parametrize("login", VIEWERS)
def test_a_strangers_rows_change_no_byte(two, login):
    first, second = two
    lasts = last_ids(first), last_ids(second)
    assert sum(lasts[1].values()) > sum(lasts[0].values()) + 500
    here, there = client_of(first, login), client_of(second, login)
    seen, differing = 0, []
    with clock.at(clock.now()):
        for door in doors(first):
            if "GET" not in door.methods or door.endpoint.startswith(PUBLIC) or door.endpoint in OPEN_TO_ALL:
                continue
            for path in addresses(door, *lasts):
                one, other = answer(here, path), answer(there, path)
                assert one[0] < 500, path
                if one != other:
                    differing.append((path, one[0], other[0]))
                seen += one[0] == 200
    assert differing == []
    assert seen >= 8


def test_a_table_taken_away_holds_no_strangers_row(two):
    with clock.at(clock.now()):
        tables = [
            client_of(app, "supervisor").post("/trail/export", data={"_key": secrets.token_hex(16)}).data
            for app in two
        ]
    assert tables[0] == tables[1]
    assert tables[0].count(b"\n") > 1_500


@pytest.fixture
def somebody_elsewhere(two, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Every permission there is, held at a unit to which nothing of the demonstration world belongs."""
    monkeypatch.setitem(ROLES, "funder_clerk", Role("funder_clerk", "everything", "agency", PERMISSIONS))
    return client_of(two[0], "west_clerk")


def test_a_strangers_number_is_not_found(two, somebody_elsewhere):
    app = two[0]
    lasts = last_ids(app)
    with app.app_context():
        own = db.session.scalars(select(User).where(User.login == "west_clerk")).one()
        own_account, own_roles = own.id, [item.id for item in own.roles]
    tried = 0
    for door in doors(app):
        arguments = re.findall(r"<int:([^>]*)>", door.rule)
        if not arguments or not door.permissions or door.endpoint in OPEN_TO_ALL:
            continue
        for path in addresses(door, lasts, lasts):
            number = int(re.search(r"/(\d+)", path)[1])
            if (arguments[0] == "user_id" and number == own_account) or number in own_roles:
                continue
            for method in door.methods:
                found = somebody_elsewhere.open(path, method=method, data={"_key": secrets.token_hex(16)})
                assert found.status_code == 404, (door.endpoint, method, path, found.status_code)
                tried += 1
    assert tried > 150


def test_every_entry_of_the_trail_belongs_to_a_unit(two, monkeypatch):
    """The auditor of the root sees as much through the scope of each table as without asking."""
    with two[0].app_context():
        user = db.session.scalars(select(User).where(User.login == "supervisor")).one()
        total = db.session.scalar(select(func.count()).select_from(queries.visible_entries(user).subquery()))
        monkeypatch.setattr(queries, "_whole_tree", lambda units: False)
        asked = db.session.scalar(select(func.count()).select_from(queries.visible_entries(user).subquery()))
        assert asked == total > 1_500
