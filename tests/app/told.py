"""The demonstration world, told once for the whole run and copied for whoever needs it.

Telling it takes half a minute; the workers of one run share it over a lock, and PostgreSQL gets it
row by row from the SQLite one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, select, text

from app.backup import clear_migrated, set_sequences, tables
from core.db import db
from tests import postgres
from tests.conftest import MIGRATIONS, dispose, make_app
from tests.e2e.live import tell_the_world


def told(factory: pytest.TempPathFactory, name: str, tell: Callable[[], object], *, start: Path) -> Path:
    """The instance folder of a world on SQLite, told by ``tell()`` upon ``start`` when nobody did yet."""
    root = of_the_run(factory)
    folder = root / f"told-{name}"
    with (root / f"told-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(start, folder)
            app = make_app(url_of(folder), folder)
            with app.app_context():
                upgrade(directory=str(MIGRATIONS))
                tell()
            dispose(app)
            with sqlite3.connect(folder / "shanzhi.db") as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            (folder / "done").touch()
    return folder


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'shanzhi.db'}"


def of_the_run(factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share: each has its own inside."""
    root = factory.getbasetemp()
    return root.parent if root.name.startswith("popen-") else root


def demo(factory: pytest.TempPathFactory) -> Path:
    return tell_the_world(of_the_run(factory))


def copy_on(engine: str, source: Path, target: Path) -> Flask:
    """The application on a copy of that world in ``target``, on either database."""
    shutil.copytree(source, target)
    if engine == "sqlite":
        return make_app(url_of(target), target)
    base = _carried_over(source)
    name = f"told_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with postgres.administration() as connection:
        postgres.copy_database(connection, base, name)
    return make_app(postgres.url_of(name), target)


def _carried_over(source: Path) -> str:
    """The database of a PostgreSQL that holds that world's rows; carried over once for the run, by whoever asks first."""
    name = f"told_{source.parent.name}_{source.name}"
    done = source.parent / f"{source.name}.carried"
    with postgres.locked(source.parent / f"{source.name}.lock"):
        if not done.exists():
            origin = make_app(url_of(source), source)
            with origin.app_context():
                rows = {
                    table: [tuple(row) for row in db.session.execute(select(table))] for table in tables()
                }
            dispose(origin)
            app = make_app(postgres.fresh_database(name), source)
            with app.app_context():
                upgrade(directory=str(MIGRATIONS))
                with db.engine.begin() as connection:
                    connection.execute(text("SET session_replication_role = replica"))
                    clear_migrated(connection)
                    for table, found in rows.items():
                        names = [column.name for column in table.columns]
                        if found:
                            connection.execute(
                                insert(table), [dict(zip(names, row, strict=True)) for row in found]
                            )
                    set_sequences(connection)
            dispose(app)
            done.touch()
    return name
