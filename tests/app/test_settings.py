"""Settings: what production refuses, and that all state lies in the instance folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import SettingsError, load


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("APP_ENV", "APP_DEMO", "DATABASE_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APP_INSTANCE", str(tmp_path / "state"))


def test_development_needs_nothing(tmp_path):
    instance, config = load(Path("/nowhere"))
    assert instance == tmp_path / "state"
    assert config["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{instance}/shanzhi.db"
    assert len(config["SECRET_KEY"]) >= 32
    assert load(Path("/nowhere"))[1]["SECRET_KEY"] == config["SECRET_KEY"]
    assert (instance / "keys" / "session.key").stat().st_mode & 0o077 == 0


def test_production_refuses_the_demonstration(monkeypatch):
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("APP_DEMO", "1")
    with pytest.raises(SettingsError, match="APP_DEMO"):
        load(Path("/nowhere"))


@pytest.mark.parametrize("secret", ["dev", "secret", "change me", "x" * 31])
def test_production_refuses_development_secrets(monkeypatch, secret):
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", secret)
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        load(Path("/nowhere"))


def test_production_sends_its_cookie_over_tls_alone(monkeypatch):
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/shanzhi")
    _, config = load(Path("/nowhere"))
    assert config["SESSION_COOKIE_SECURE"]
    assert config["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://somewhere/shanzhi"


def test_an_unknown_environment_is_named(monkeypatch):
    monkeypatch.setenv("APP_ENV", "staging")
    with pytest.raises(SettingsError, match="APP_ENV"):
        load(Path("/nowhere"))
