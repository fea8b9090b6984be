"""The audit trail: any change shows, also a cut tail."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from core.audit.queries import verify
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from registry.persons.models import Person
from tests.tampering import drop_triggers


@pytest.fixture
def trail(app):
    with transaction():
        person = Person(name="示例被记")
        db.session.add(person)
        db.session.flush()
        for number in range(6):
            record(person, "noted", by=SYSTEM, details={"number": number})
        other = Person(name="示例旁人")
        db.session.add(other)
        record(other, "noted", by=SYSTEM)
        ids = person.id, other.id
    assert verify() == []
    return ids


def run(statement: str, **values: object) -> None:
    with transaction() as session:
        drop_triggers(session)
        session.execute(text(statement), values)


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'x'",
        "actor_id = 7",
        "event = 'x'",
        "details = '{}'",
        "at = '2020-01-01 00:00:00'",
        "prev_hash = hash",
        "hash = prev_hash",
        "seq = 99",
        "object_id = 999999",
        "object_type = 'x'",
    ],
)
def test_any_changed_column_is_named(trail, change):
    run(
        f"UPDATE audit_entry SET {change} WHERE object_type = 'person' AND object_id = :id AND seq = 3",
        id=trail[0],
    )
    assert verify()


@pytest.mark.parametrize("which", ["seq = 1", "seq = 3", "seq = 6", "seq > 3", "seq > 0"])
def test_any_deletion_is_named(trail, which):
    run(f"DELETE FROM audit_entry WHERE object_type = 'person' AND object_id = :id AND {which}", id=trail[0])
    found = verify()
    assert found
    assert all(item.key == f"person/{trail[0]}" for item in found)


def test_a_copied_row_is_named(trail):
    run(
        "INSERT INTO audit_entry (object_type, object_id, seq, at, actor_id, actor_name, event, details, prev_hash, hash) "
        "SELECT object_type, :other, 2, at, actor_id, actor_name, event, details, prev_hash, hash "
        "FROM audit_entry WHERE object_type = 'person' AND object_id = :id AND seq = 2",
        id=trail[0],
        other=trail[1],
    )
    assert verify()


def test_the_command_exits_with_one(bare_app):
    runner = bare_app.test_cli_runner()
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0
    with bare_app.app_context(), transaction():
        person = Person(name="示例")
        db.session.add(person)
        record(person, "noted", by=SYSTEM)
    with bare_app.app_context():
        run("DELETE FROM audit_entry")
    result = runner.invoke(args=["audit", "verify"])
    assert result.exit_code == 1
    assert "missing" in result.output


def test_a_forged_seal_is_named(trail, app):
    folder = Path(app.instance_path) / "seals"
    path = next(folder.glob("heads-*.jsonl"))
    path.write_text(
        path.read_text() + '{"chain":"audit_entry","key":"person/1","seq":1,"hash":"0","mac":"0"}\n'
    )
    assert any(item.chain == "seal" for item in verify())


def test_rows_written_over_a_cut_are_named(trail):
    """The tail is cut and the program goes on writing: the numbers fit again, the first seals do not."""
    run("DELETE FROM audit_entry WHERE object_type = 'person' AND object_id = :id AND seq > 3", id=trail[0])
    with transaction():
        for number in range(5):
            record(db.session.get_one(Person, trail[0]), "noted", by=SYSTEM, details={"again": number})
    found = verify()
    assert found
    assert {item.key for item in found} == {f"person/{trail[0]}"}


def test_heads_are_sealed_on_command(bare_app):
    runner = bare_app.test_cli_runner()
    with bare_app.app_context(), transaction():
        person = Person(name="示例封存")
        db.session.add(person)
        record(person, "noted", by=SYSTEM)
        number = person.id
    for path in (Path(bare_app.instance_path) / "seals").glob("*"):
        path.unlink()
    assert "longer than" in runner.invoke(args=["audit", "verify"]).output
    assert runner.invoke(args=["audit", "seal"]).exit_code == 0
    assert "longer than" not in runner.invoke(args=["audit", "verify"]).output
    with bare_app.app_context():
        run("DELETE FROM audit_entry WHERE object_type = 'person' AND object_id = :id", id=number)
    assert runner.invoke(args=["audit", "verify"]).exit_code == 1
    assert runner.invoke(args=["audit", "seal"]).exit_code == 1


def test_a_new_key_leaves_the_old_rows_genuine(bare_app):
    runner = bare_app.test_cli_runner()
    with bare_app.app_context(), transaction():
        person = Person(name="示例旧钥")
        db.session.add(person)
        record(person, "noted", by=SYSTEM)
        number = person.id
    assert "key 2" in runner.invoke(args=["audit", "rotate-key"]).output
    with bare_app.app_context(), transaction():
        entry = record(db.session.get_one(Person, number), "noted again", by=SYSTEM)
        assert entry.hash.startswith("2:")
    assert runner.invoke(args=["audit", "verify"]).exit_code == 0


def test_without_its_key_a_row_is_not_genuine(bare_app):
    with bare_app.app_context(), transaction():
        person = Person(name="示例失钥")
        db.session.add(person)
        record(person, "noted", by=SYSTEM)
    for path in (Path(bare_app.instance_path) / "keys").glob("chain-*.key"):
        path.write_bytes(b"another key of thirty-two bytes!")
    bare_app.extensions.pop("chain_keys", None)
    with bare_app.app_context():
        assert verify()
