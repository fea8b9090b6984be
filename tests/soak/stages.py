"""The small world of the tests on both databases, for campaigns."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from tests import postgres, world
from tests.conftest import ENGINES, MIGRATIONS, dispose, make_app


@contextmanager
def stages() -> Iterator[dict[str, Flask]]:
    """An application on a fresh world for each database, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {}
        for engine in ENGINES:
            instance = Path(folder) / engine
            instance.mkdir()
            url = (
                f"sqlite:///{instance / 'shanzhi.db'}"
                if engine == "sqlite"
                else postgres.fresh_database("campaign")
            )
            app = make_app(url, instance)
            with app.app_context():
                upgrade(directory=str(MIGRATIONS))
                world.build()
            dispose(app)
            apps[engine] = app
        try:
            yield apps
        finally:
            for app in apps.values():
                dispose(app)
