"""What proves something is kept for good: the product never rewrites it, and the database refuses to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core import clock
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from core.money import Money
from core.rules.models import RuleSet
from finance.ledger.services import account_of, move
from tests import world
from tests.conftest import MIGRATIONS

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "registry", "finance", "grants", "projects", "evaluation", "app", "migrations")
TABLES = ("audit_entry", "transfer", "posting", "application_version", "rule_set")
# Frozen figures and drafts that came into force: guarded in the columns that say what was frozen.
FROZEN = ("ratio_snapshot", "rule_draft", "host_report", "lottery_notice", "fund_alert")
FORBIDDEN = re.compile(
    r"(delete|update)\(\s*(AuditEntry|Posting|Transfer|ApplicationVersion|RuleSet)\b"
    r"|(DELETE FROM|UPDATE|TRUNCATE|DROP TABLE)\s+\"?(audit_entry|posting|transfer|application_version|rule_set)\b"
    r"|query\((AuditEntry|Posting|Transfer)[^)]*\)[^\n]*\.(delete|update)\(",
    re.IGNORECASE,
)


def test_nothing_deletes_or_rewrites_the_proof():
    found = [
        f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match[0]}"
        for floor in FLOORS
        for path in sorted((ROOT / floor).rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        for match in FORBIDDEN.finditer(text)
    ]
    assert found == []


def test_the_list_of_tables_is_the_migrations_own():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config).get_revision("0005")
    assert script is not None and script.module.TABLES == TABLES


def fill() -> None:
    """A row in each append-only table that this world leaves empty."""
    with transaction() as session:
        source = account_of("fund_source", 1, "source", restricted=False)
        budget = account_of("budget", 1, "budget")
        legs = [(source, Money(-500)), (budget, Money(500))]
        move("budget", key="a", legs=legs, reference=("budget", 1), by=SYSTEM)
        record(world.agency(), "noted", by=SYSTEM)
        session.add(RuleSet(family="REL", version=1, valid_from=clock.today(), parameters={}, source="x"))


@pytest.mark.parametrize("table", ["audit_entry", "transfer", "posting", "rule_set"])
def test_the_database_refuses_changes(app, table):
    fill()
    column = {"audit_entry": "event", "transfer": "memo", "posting": "hash", "rule_set": "family"}[table]
    statements = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if db.engine.dialect.name == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    else:
        statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    before = db.session.execute(text(f"SELECT * FROM {table}")).all()
    assert before
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
            session.execute(text(statement))
    assert db.session.execute(text(f"SELECT * FROM {table}")).all() == before


def test_every_such_table_has_its_guards_also_after_an_upgrade_of_an_older_instance(app):
    """Down to the revision before and up again, with rows in the tables."""

    def guards() -> set[str]:
        if db.engine.dialect.name == "postgresql":
            query = "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
        else:
            query = (
                # Periods that never overlap are a trigger on SQLite alone; their rows may change.
                "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE '%_periods_%'"
            )
        found = set(db.session.scalars(text(query)))
        db.session.remove()
        return found

    fill()
    assert guards() == {*TABLES, *FROZEN}
    downgrade(directory=str(MIGRATIONS), revision="0004")
    assert guards() == set()
    upgrade(directory=str(MIGRATIONS))
    assert guards() == {*TABLES, *FROZEN}
