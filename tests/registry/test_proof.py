"""``flask registry check``: it names each planted break and exits 1, and 0 where all is well."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from sqlalchemy import select, text

from core.db import db
from core.text import N_
from registry.organizations.models import Organization
from registry.proof import queries


@pytest.fixture
def one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register of checks with room for the test's own."""
    monkeypatch.setattr(queries, "_checks", {})


def test_nothing_broken_exits_0(bare_app, one_check):
    queries.add_check("none", N_("%(id)s"), lambda: select(Organization.id).where(Organization.id < 0))
    result = bare_app.test_cli_runner().invoke(args=["registry", "check"])
    assert (result.exit_code, result.output) == (0, "1 invariants hold\n")


def test_each_broken_row_is_named_up_to_a_number_and_counted(bare_app, one_check):
    queries.add_check("wrong", N_("%(name)s is wrong"), lambda: [{"name": f"row {n}"} for n in range(1, 24)])
    result = bare_app.test_cli_runner().invoke(args=["registry", "check"])
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "wrong: row 1 is wrong"
    assert lines[-2:] == ["wrong: and 3 more", "23 broken"]
    everything = bare_app.test_cli_runner().invoke(args=["registry", "check", "--all"]).output.splitlines()
    assert everything[-2] == "wrong: row 23 is wrong"


def test_two_checks_of_one_name_are_refused(one_check):
    queries.add_check("same", "%(id)s", list)
    with pytest.raises(ValueError, match="two checks"):
        queries.add_check("same", "%(id)s", list)


def loosen(table: str) -> None:
    """Take every constraint off a table, as a hand that goes past the program could."""
    db.session.remove()  # an open reading would keep the table locked
    if db.engine.dialect.name == "sqlite":
        with contextlib.closing(sqlite3.connect(db.engine.url.database, isolation_level=None)) as raw:
            # A connection of its own: foreign keys are off there, as they are for any other program.
            raw.execute("PRAGMA legacy_alter_table = ON")
            raw.execute(f"CREATE TABLE bare AS SELECT * FROM {table}")
            raw.execute(f"DROP TABLE {table}")
            raw.execute(f"ALTER TABLE bare RENAME TO {table}")
        return
    with db.engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:name AS regclass)"
                " AND contype IN ('c', 'u', 'f')"
            ),
            {"name": table},
        )
        for (name,) in names.all():
            connection.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE'))
        connection.commit()


FIRST = "(SELECT min(id) FROM organization WHERE credit_code IS NOT NULL)"
BREAKS = {
    "double-code": (
        "organization",
        f"UPDATE organization SET credit_code = (SELECT credit_code FROM organization WHERE id = {FIRST})"
        f" WHERE id = {FIRST} + 1",
    ),
    "impossible-code": (
        "organization",
        f"UPDATE organization SET credit_code = '52150602MJ0000000X' WHERE id = {FIRST}",
    ),
    "registered-without-code": (
        "organization",
        f"UPDATE organization SET credit_code = NULL WHERE id = {FIRST}",
    ),
    "filed-with-code": (
        "organization",
        f"UPDATE organization SET register_class = 'filed' WHERE id = {FIRST}",
    ),
    "verified-by-its-recorder": (
        "organization",
        "UPDATE organization SET verified_by = 1, recorded_by = 1",
    ),
    "host-without-code": ("organization", f"UPDATE organization SET host_id = id WHERE id = {FIRST}"),
    "grade-ends-before-it-begins": ("grade", "UPDATE grade SET valid_to = '2001-01-01'"),
    "keys-of-organization": ("directory_entry", "UPDATE directory_entry SET marks = 'kind=foundation'"),
    "places-of-term": ("directory_posting", "DELETE FROM directory_posting WHERE term = 'status=normal'"),
    "order-of-shelves": (
        "directory_shelf",
        "INSERT INTO directory_shelf (id, first_key, first_id, in_order, used) VALUES (99, 'a', 0, 0, 0)",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_planted_break_is_named(bare_app, name):
    table, statement = BREAKS[name]
    with bare_app.app_context():
        runner = bare_app.test_cli_runner()
        before = runner.invoke(args=["registry", "check", "--all"]).output
        assert f"{name}:" not in before
        loosen(table)
        with db.engine.connect() as connection:
            connection.execution_options(writing=True)
            connection.execute(text(statement))
            if name == "order-of-shelves":
                connection.execute(
                    text(
                        "UPDATE directory_entry SET place = 99 * 8192 WHERE sort_key = (SELECT min(sort_key) FROM directory_entry)"
                    )
                )
            connection.commit()
        result = runner.invoke(args=["registry", "check", "--all"])
        assert result.exit_code == 1
        assert f"{name}:" in result.output, result.output


def test_the_small_world_keeps_every_invariant_of_organizations_and_keys(bare_app):
    output = bare_app.test_cli_runner().invoke(args=["registry", "check", "--all"]).output
    assert not [line for line in output.splitlines() if line.split(":")[0] in BREAKS]
