"""Fixtures: an application with a small world on either database, and people at their browsers.

The world is built once for each worker and database and copied for each test, so that tests commit
for real and never see one another.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from http.cookiejar import Cookie
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url
from webtest import TestApp

from app.factory import create_app
from core.db import db
from registry.accounts import services as accounts
from tests import postgres, world

# How long an example takes says something of the machine, and nothing of the product.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

ENGINES = ("sqlite", "postgresql")
MIGRATIONS = Path(__file__).parents[1] / "migrations"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, or the others have long gone home when they end."""
    items.sort(key=lambda item: "e2e" not in item.keywords)


def make_app(url: str, instance: Path) -> Flask:
    os.environ.pop("APP_DEMO", None)
    return create_app(
        {
            "INSTANCE": instance,
            "SQLALCHEMY_DATABASE_URI": url,
            "SECRET_KEY": "tests only " * 4,
            "TESTING": True,
            "PROPAGATE_EXCEPTIONS": True,
            "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 10, "max_overflow": 60},
        }
    )


def dispose(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


class Templates:
    """The two worlds of this worker, each made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[str, tuple[str, Path]] = {}

    def get(self, engine: str) -> tuple[str, Path]:
        if engine not in self.made:
            instance = self.folder / f"template-{engine}"
            instance.mkdir()
            for _url, other in self.made.values():
                _copy_catalogues(other, instance)
            if engine == "sqlite":
                url = f"sqlite:///{instance / 'shanzhi.db'}"
            else:
                url = postgres.fresh_database(f"template_{_worker()}")
            app = make_app(url, instance)
            with app.app_context():
                upgrade(directory=str(MIGRATIONS))
                world.build()
            dispose(app)
            if engine == "sqlite":
                with sqlite3.connect(instance / "shanzhi.db") as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
            self.made[engine] = (url, instance)
        return self.made[engine]


class Stage:
    """One application on one engine for all tests of this worker, on a fresh copy of the world for each.

    Making an application, its templates and its statements costs far more than copying a database, so
    the application stays; its settings, its extensions, its folder and its rows are set back.
    """

    def __init__(self, engine: str, templates: Templates) -> None:
        self.engine = engine
        self.origin, self.source = templates.get(engine)
        self.instance = templates.folder / f"stage-{engine}"
        self.name = f"stage_{_worker()}"
        self.administration: psycopg.Connection | None = None
        if engine == "sqlite":
            url = f"sqlite:///{self.instance / 'shanzhi.db'}"
        else:
            self.administration = postgres.administration()
            url = make_url(self.origin).set(database=self.name).render_as_string(hide_password=False)
        _copy_catalogues(self.source, self.instance)
        self.app = make_app(url, self.instance)
        self.config, self.extensions = dict(self.app.config), dict(self.app.extensions)

    def set_up(self) -> Flask:
        self.app.config.clear()
        self.app.config.update(self.config)
        self.app.extensions.clear()
        self.app.extensions.update(self.extensions)
        shutil.rmtree(self.instance, ignore_errors=True)
        shutil.copytree(self.source, self.instance)
        if self.administration is not None:
            postgres.copy_database(self.administration, make_url(self.origin).database or "", self.name)
        return self.app

    def close(self) -> None:
        if self.administration is not None:
            self.administration.close()


def _copy_catalogues(source: Path, instance: Path) -> None:
    """Compiling the texts of all languages is a third of what an application costs to make."""
    shutil.copytree(source / "translations", instance / "translations", dirs_exist_ok=True)


def _worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="session", autouse=True)
def own_hasher() -> PasswordHasher:
    """What the product hashes passwords with. Tests hash with hardly any work, but for the one of the work itself."""
    own = accounts._hasher
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return own


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def stages() -> Iterator[dict[str, Stage]]:
    made: dict[str, Stage] = {}
    yield made
    for stage in made.values():
        stage.close()


@pytest.fixture
def bare_app(engine: str, templates: Templates, stages: dict[str, Stage]) -> Iterator[Flask]:
    """The application on its own copy of the world, outside any context."""
    if engine not in stages:
        stages[engine] = Stage(engine, templates)
    app = stages[engine].set_up()
    yield app
    dispose(app)


@pytest.fixture
def app(bare_app: Flask) -> Iterator[Flask]:
    """The application with its context pushed: for calling services and queries directly.

    Do not use it together with a client (the context would be shared by all requests).
    """
    with bare_app.app_context():
        yield bare_app


@pytest.fixture
def client_as(bare_app: Flask) -> Callable[[str], FlaskClient]:
    """``client_as("clerk")``: a plain test client, already signed in; ``client_as("")`` is nobody."""

    def make(login: str) -> FlaskClient:
        client = bare_app.test_client()
        if login:
            with bare_app.app_context():
                token = world.user(login).get_id()
            with client.session_transaction() as session:
                session["_user_id"] = token
                session["_fresh"] = True
        return client

    return make


@pytest.fixture
def browser_as(bare_app: Flask) -> Callable[[str], TestApp]:
    """``browser_as("clerk")``: pages and forms as a person without JavaScript uses them.

    ``page = browser.get("/calls/new"); page.forms["call"]["title"] = "…"; page = page.forms["call"].submit()``
    """

    def make(login: str) -> TestApp:
        browser = TestApp(bare_app)
        if login:
            with bare_app.app_context():
                token = world.user(login).get_id()
            _put_session(bare_app, browser, token)
        return browser

    return make


def _put_session(app: Flask, browser: TestApp, token: str) -> None:
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    value = serializer.dumps({"_user_id": token, "_fresh": True, "_permanent": True})
    # As if the server had set it, so that its next answer replaces it instead of adding a second one.
    browser.cookiejar.set_cookie(
        Cookie(
            0, "session", value, None, False, "localhost.local", False, False, "/", True, False, None, False, None,
            None, {},
        )
    )  # fmt: skip
