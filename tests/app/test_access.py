"""Who may enter where: a reviewed table, and one test for each door made from it."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.access.policy import PERMISSIONS, ROLES, Role
from core.access.words import STEPS, WORDS
from tests import world
from tests.conftest import Templates, dispose, make_app

REVIEWED = Path(__file__).parents[1] / "data" / "access_matrix.csv"
with REVIEWED.open(encoding="utf-8", newline="") as stream:
    DOORS = list(csv.DictReader(stream))
GUARDED = [
    (door["endpoint"], door["url"], door["methods"], door["needs"]) for door in DOORS if door["nobody"] == "-"
]
REFUSED = "您的岗位不包括这个页面"
NEEDING = [door for door in GUARDED if door[3] != "an account"]


@pytest.fixture(scope="module")
def gate_app(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for all doors: nothing gets past them, so nothing is written."""
    _url, source = templates.get("sqlite")
    folder = tmp_path_factory.mktemp("gate") / "instance"
    shutil.copytree(source, folder)
    app = make_app(f"sqlite:///{folder / 'shanzhi.db'}", folder)
    # The gate alone is tried here; what forms must carry is tried in tests/core.
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    dispose(app)


@pytest.fixture
def client_with(gate_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlaskClient]:
    """Somebody with exactly these permissions; ``None`` is nobody."""

    def make(permissions: frozenset[str] | None) -> FlaskClient:
        client = gate_app.test_client()
        if permissions is not None:
            role = Role("funder_clerk", "made for this test", "agency", permissions)
            monkeypatch.setitem(ROLES, "funder_clerk", role)
            with gate_app.app_context():
                token = world.user("clerk").get_id()
            with client.session_transaction() as session:
                session["_user_id"] = token
        return client

    return make


def address(url: str) -> str:
    """The URL of a rule with something in each place."""
    url = re.sub(r"<any\('?([^,')]*)'?[^>]*>", r"\1", url)
    url = re.sub(r"<int:[^>]*>", "1", url)
    return re.sub(r"<[^>]*>", "x", url)


def test_the_matrix_is_the_reviewed_one(gate_app):
    """A new door, or one that opens for others, is reviewed: flask access matrix > tests/data/access_matrix.csv"""
    found = gate_app.test_cli_runner().invoke(args=["access", "matrix"])
    assert found.exit_code == 0
    now = list(csv.DictReader(io.StringIO(found.output)))
    before = {door["endpoint"] + door["url"]: door for door in DOORS}
    after = {door["endpoint"] + door["url"]: door for door in now}
    assert sorted(after) == sorted(before)
    assert [after[key] for key in after if after[key] != before[key]] == []


@pytest.mark.parametrize(("endpoint", "url", "methods", "needs"), NEEDING, ids=[door[0] for door in NEEDING])
def test_every_permission_but_the_needed_one_is_refused(client_with, endpoint, url, methods, needs):
    client = client_with(PERMISSIONS - set(needs.split(" or ")))
    for method in methods.split():
        answer = client.open(address(url), method=method)
        assert answer.status_code == 403, (endpoint, method)
        assert REFUSED in answer.text


@pytest.mark.parametrize(("endpoint", "url", "methods", "needs"), GUARDED, ids=[door[0] for door in GUARDED])
def test_nobody_is_shown_the_way_in(client_with, endpoint, url, methods, needs):
    client = client_with(None)
    for method in methods.split():
        answer = client.open(address(url), method=method)
        assert answer.status_code == 302, (endpoint, method)
        assert "/sign-in" in answer.location


@pytest.mark.parametrize(("endpoint", "url", "methods", "needs"), NEEDING, ids=[door[0] for door in NEEDING])
def test_the_needed_permission_alone_passes_the_gate(client_with, endpoint, url, methods, needs):
    """What the gate lets in may still be 404 (nothing in scope) or 400 (no one-time key)."""
    for permission in needs.split(" or "):
        client = client_with(frozenset({permission}))
        for method in methods.split():
            answer = client.open(address(url), method=method)
            assert answer.status_code != 302 or "/sign-in" not in answer.location
            assert REFUSED.encode() not in answer.data, (endpoint, permission)
            assert answer.status_code < 500


def test_every_permission_is_told_in_words():
    assert set(WORDS) == PERMISSIONS
    named = {name for step in STEPS for name in (*step.prepare, *step.review, *step.approve)}
    assert named <= PERMISSIONS


def test_no_role_takes_two_steps_of_one_act():
    """经办, 复核 and 审批 lie with different roles, so that one assignment never holds two of them."""
    for step in STEPS:
        for role in ROLES.values():
            held = [bool(role.permissions & set(part)) for part in (step.prepare, step.review, step.approve)]
            assert sum(held) <= 1, (step.act, role.name)


def test_the_page_of_roles_tells_every_role_and_permission(gate_app):
    client = gate_app.test_client()
    with gate_app.app_context():
        token = world.user("expert1").get_id()
    with client.session_transaction() as session:
        session["_user_id"] = token
        session["locale"] = "en"
    page = client.get("/roles")
    assert page.status_code == 200
    for role in ROLES.values():
        assert role.label in page.text
    for words in WORDS.values():
        assert words.replace("'", "&#39;") in page.text
