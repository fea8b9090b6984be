"""Sessions end by themselves: idle, old, or because the account is no longer what it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.settings import SettingsError, load
from core import clock
from core.audit.services import SYSTEM
from core.db import transaction
from registry.accounts import services
from tests import world

IDLE, AGE = timedelta(minutes=30), timedelta(hours=8)


def inside(client, after: timedelta = timedelta()) -> bool:
    with clock.at(START + after):
        return client.get("/account").status_code == 200


START = clock.now()


def test_a_session_ends_when_idle(client_as):
    client = client_as("clerk")
    assert inside(client)
    assert inside(client, IDLE - timedelta(minutes=1))
    # That click counts: the half hour begins anew.
    assert inside(client, 2 * IDLE - timedelta(minutes=2))
    assert not inside(client, 3 * IDLE)
    assert not inside(client, 3 * IDLE), "it stays ended"


def test_a_session_ends_after_a_working_day_however_busy(client_as):
    client = client_as("clerk")
    minutes = range(0, int(AGE.total_seconds() // 60), 25)
    assert all(inside(client, timedelta(minutes=item)) for item in minutes)
    assert not inside(client, AGE + timedelta(minutes=5))


def test_an_older_copy_of_the_cookie_ends_no_later(client_as):
    client = client_as("clerk")
    assert inside(client)
    kept = client.get_cookie("session").value
    assert inside(client, timedelta(minutes=20))
    client.set_cookie("session", kept)
    assert not inside(client, timedelta(minutes=40))


def test_the_limits_are_settings(bare_app, client_as):
    bare_app.config["SESSION_IDLE"] = 5 * 60
    client = client_as("clerk")
    assert inside(client)
    assert not inside(client, timedelta(minutes=6))


@pytest.mark.parametrize("act", [services.close_account, services.lock_account])
def test_a_session_ends_with_the_account(bare_app, client_as, act):
    client = client_as("clerk")
    assert inside(client)
    with bare_app.app_context(), transaction():
        act(world.user("clerk"), by=world.user("admin"))
    assert not inside(client)
    with bare_app.app_context():
        assert not world.user("clerk").is_active


def test_a_session_ends_with_the_password(bare_app, client_as):
    client = client_as("clerk")
    assert inside(client)
    with bare_app.app_context(), transaction():
        services.set_password(world.user("clerk"), "another long phrase 新密码", by=SYSTEM)
    assert not inside(client)


def test_settings_that_are_no_limits_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("APP_INSTANCE", str(tmp_path))
    monkeypatch.setenv("APP_IDLE_MINUTES", "10")
    monkeypatch.setenv("APP_SESSION_HOURS", "4")
    _, config = load(tmp_path)
    assert (config["SESSION_IDLE"], config["SESSION_AGE"]) == (600, 4 * 3600)
    for wrong in ("0", "-5", "soon", "100000"):
        monkeypatch.setenv("APP_IDLE_MINUTES", wrong)
        with pytest.raises(SettingsError):
            load(tmp_path)


def test_a_page_that_asks_how_its_work_stands_keeps_no_session_alive(client_as):
    client = client_as("clerk")
    assert inside(client)
    with clock.at(START + IDLE - timedelta(minutes=1)):
        assert client.get("/work/", headers={"Polling": "1"}).status_code == 200
    assert not inside(client, IDLE + timedelta(minutes=1))
