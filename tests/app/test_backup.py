"""Backup and restore: an empty machine becomes the same instance, on and across both databases."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import func, select

from app.backup import tables
from core.audit.queries import verify as verify_audit
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from core.money import Money
from finance.ledger.queries import verify as verify_ledger
from finance.ledger.services import account_of, move
from tests import postgres, world
from tests.conftest import MIGRATIONS, dispose, make_app


@pytest.fixture
def lived_in(bare_app):
    """An instance in which money moved and something was noted."""
    with bare_app.app_context(), transaction():
        source = account_of("fund_source", 1, "source", restricted=False)
        budget = account_of("budget", 1, "budget")
        move(
            "budget",
            key="a",
            legs=[(source, Money(-500)), (budget, Money(500))],
            reference=("budget", 1),
            by=SYSTEM,
        )
        record(world.agency(), "noted", by=SYSTEM, details={"why": "测试"})
    return bare_app


def counts() -> dict[str, int]:
    return {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables()}


def empty_app(engine: str, folder: Path):
    folder.mkdir()
    url = (
        f"sqlite:///{folder / 'shanzhi.db'}"
        if engine == "sqlite"
        else postgres.fresh_database(f"restored_{folder.name}")
    )
    app = make_app(url, folder)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    return app


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_an_empty_machine_becomes_the_same_instance(lived_in, target, tmp_path):
    runner = lived_in.test_cli_runner()
    file = tmp_path / "backup.zip"
    result = runner.invoke(args=["backup", str(file)])
    assert result.exit_code == 0, result.output
    with lived_in.app_context():
        before = counts()
    fresh = empty_app(target, tmp_path / f"fresh{target[:2]}{abs(hash(str(tmp_path))) % 10**8}")
    result = fresh.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 0, result.output
    with fresh.app_context():
        assert counts() == before
        assert verify_ledger() == [] and verify_audit() == []
        # People go on working: new rows find free numbers.
        with transaction():
            record(world.agency(), "noted again", by=SYSTEM)
            account_of("budget", 2, "budget")
        assert verify_audit() == []
    assert fresh.test_cli_runner().invoke(args=["restore", str(file)]).exit_code == 1
    dispose(fresh)


def test_the_keys_lie_apart(lived_in, tmp_path):
    file = tmp_path / "backup.zip"
    lived_in.test_cli_runner().invoke(args=["backup", str(file)])
    key = (Path(lived_in.instance_path) / "keys" / "chain-1.key").read_bytes()
    assert key not in file.read_bytes()
    assert (tmp_path / "backup.zip.keys").stat().st_mode & 0o077 == 0


def test_a_changed_backup_is_refused(lived_in, tmp_path):
    file = tmp_path / "backup.zip"
    lived_in.test_cli_runner().invoke(args=["backup", str(file)])
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "tables/posting.jsonl":
                content = content.replace(b"500", b"900")
            new.writestr(name, content)
        assert json.loads(old.read("manifest.json"))["rows"]["posting"] == 2
    (tmp_path / "forged.zip.keys").write_bytes((tmp_path / "backup.zip.keys").read_bytes())
    fresh = empty_app("sqlite", tmp_path / "fresh")
    with fresh.app_context():
        before = counts()
    result = fresh.test_cli_runner().invoke(args=["restore", str(forged)])
    assert result.exit_code == 1
    assert "posting" in result.output + result.stderr
    with fresh.app_context():
        assert counts() == before
    dispose(fresh)


def test_a_backup_is_never_written_over(lived_in, tmp_path):
    file = tmp_path / "backup.zip"
    file.write_bytes(b"precious")
    assert lived_in.test_cli_runner().invoke(args=["backup", str(file)]).exit_code == 1
    assert file.read_bytes() == b"precious"
