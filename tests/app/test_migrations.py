"""Migrations: one head, and what they build is what the models say, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade

from core.db import db
from tests import postgres
from tests.conftest import ENGINES, MIGRATIONS, dispose, make_app


def test_there_is_one_head():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_migrations_build_the_models(engine, tmp_path):
    url = f"sqlite:///{tmp_path / 'm.db'}" if engine == "sqlite" else postgres.fresh_database("migrated")
    app = make_app(url, tmp_path)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, db.metadata) == []
    dispose(app)


def test_every_command_works_in_an_empty_world(tmp_path):
    app = make_app(f"sqlite:///{tmp_path / 'e.db'}", tmp_path)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    runner = app.test_cli_runner()
    table = Path(__file__).parents[1] / "data" / "worked" / "purchases.csv"
    notices = Path(__file__).parents[1] / "data" / "lottery_fund_use.csv"
    for arguments in (
        ["purchasing", "import", str(table)],
        ["purchasing", "ratio", "--division", "150600", "--year", "2025", "--json"],
        ["funds", "check-notice", str(notices), "--json"],
        ["ledger", "verify"],
        ["audit", "verify"],
        ["registry", "check-code", "53100000500021676K"],
        ["jobs", "work", "--once"],
    ):
        result = runner.invoke(args=arguments)
        assert result.exit_code == 0, (arguments, result.output, result.stderr)
    dispose(app)
