"""Backup and restore: the whole instance as one file, its keys as another.

The file is a zip: every table as JSON lines, independent of the database it came from, the stored
files, the seals, and a manifest with the SHA-256 and the number of rows of each part. The keys lie
apart, so that whoever holds the backup can neither forge a chain nor read an account number.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from flask import current_app
from sqlalchemy import Table, delete, func, insert, select, text
from sqlalchemy.engine import Connection

from core import clock
from core.audit.queries import verify as verify_audit
from core.db import db
from core.files.services import file_root
from core.money import Money
from finance.ledger.queries import verify as verify_ledger

# Tables to which a migration itself writes the first row.
MIGRATED = frozenset({"directory_shelf"})
FORMAT = 1
BATCH = 2_000
Say = Callable[[str], None]


class BackupError(RuntimeError):
    """A backup that cannot be made or taken back; ``str()`` says why."""


def tables() -> list[Table]:
    """Every table, referred-to ones first."""
    return list(db.metadata.sorted_tables)


def backup(target: Path, keys: Path, *, say: Say) -> None:
    """Write the instance to ``target`` and its keys to ``keys``; neither may exist."""
    for path in (target, keys):
        if path.exists():
            raise BackupError(f"{path} is there already; choose another name")
    draft = target.with_name(target.name + ".part")
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": clock.now().isoformat(), "parts": {}, "rows": {}}
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            with db.engine.connect() as connection:
                connection = _snapshot(connection)
                manifest["revision"] = connection.scalar(text("SELECT version_num FROM alembic_version"))
                for table in tables():
                    manifest["rows"][table.name] = _write_table(archive, table, connection, manifest)
                    say(f"{table.name}: {manifest['rows'][table.name]} row(s)")
            for path, name in _stored():
                _write_part(archive, name, path.open("rb"), manifest)
            archive.writestr("manifest.json", json.dumps(manifest, indent=1, sort_keys=True))
        with tarfile.open(keys, "x:gz") as bundle:
            bundle.add(Path(current_app.instance_path) / "keys", "keys")
        keys.chmod(0o600)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)


def _snapshot(connection: Connection) -> Connection:
    """One view of all tables, however long it takes; people go on working meanwhile."""
    if connection.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def _stored() -> Iterator[tuple[Path, str]]:
    root = file_root()
    for path in sorted(root.glob("??/*")) if root.exists() else []:
        yield path, f"files/{path.parent.name}/{path.name}"
    seals = Path(current_app.instance_path) / "seals"
    for path in sorted(seals.glob("*.jsonl")) if seals.exists() else []:
        yield path, f"seals/{path.name}"


def _write_table(
    archive: zipfile.ZipFile, table: Table, connection: Connection, manifest: dict[str, Any]
) -> int:
    digest, count = hashlib.sha256(), 0
    name = f"tables/{table.name}.jsonl"
    query = select(table).order_by(*table.primary_key.columns)
    with archive.open(name, "w", force_zip64=True) as part:
        for row in connection.execution_options(yield_per=BATCH).execute(query):
            line = (json.dumps([_plain(value) for value in row], ensure_ascii=False) + "\n").encode()
            part.write(line)
            digest.update(line)
            count += 1
    manifest["parts"][name] = digest.hexdigest()
    return count


def _write_part(archive: zipfile.ZipFile, name: str, source: BinaryIO, manifest: dict[str, Any]) -> None:
    digest = hashlib.sha256()
    with source, archive.open(name, "w", force_zip64=True) as part:
        while block := source.read(1 << 20):
            part.write(block)
            digest.update(block)
    manifest["parts"][name] = digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.fen
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    return value


def restore(source: Path, keys: Path, *, say: Say) -> None:
    """Take a backup into an empty instance whose tables are migrated, then verify everything.

    Nothing is committed when a part differs from the manifest or the revision is another.
    """
    if any(
        db.session.execute(select(func.count()).select_from(table)).scalar()
        for table in tables()
        if table.name not in MIGRATED
    ):
        raise BackupError("this instance is not empty; restore into a new one")
    db.session.rollback()
    with zipfile.ZipFile(source) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        if manifest["format"] != FORMAT:
            raise BackupError(f"the backup has format {manifest['format']}, this version reads {FORMAT}")
        _check_parts(archive, manifest)
        with db.engine.connect() as connection:
            connection = connection.execution_options(writing=True)
            with connection.begin():
                revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
                if revision != manifest["revision"]:
                    raise BackupError(
                        f"the backup is of revision {manifest['revision']}, the tables are of {revision}"
                    )
                clear_migrated(connection)
                for table in tables():
                    count = _read_table(archive, table, connection)
                    if count != manifest["rows"][table.name]:
                        raise BackupError(
                            f"{table.name}: {count} rows, {manifest['rows'][table.name]} expected"
                        )
                    say(f"{table.name}: {count} row(s)")
                set_sequences(connection)
        _unpack(archive, manifest)
    _unpack_keys(keys)
    breaks = [*verify_ledger(), *verify_audit()]
    if breaks:
        raise BackupError("restored, but: " + "; ".join(str(item) for item in breaks[:5]))


def _check_parts(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Every part is there and is what it was, before anything is written."""
    for name, expected in manifest["parts"].items():
        digest = hashlib.sha256()
        try:
            with archive.open(name) as part:
                while block := part.read(1 << 20):
                    digest.update(block)
        except (KeyError, zipfile.BadZipFile) as error:
            raise BackupError(f"{name} is missing or damaged") from error
        if digest.hexdigest() != expected:
            raise BackupError(f"{name} was changed after the backup was made")


def _read_table(archive: zipfile.ZipFile, table: Table, connection: Connection) -> int:
    """Insert the rows once and for all: one that refers to a later row of its own table waits for it."""
    own = [
        column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)
    ]
    columns = list(table.columns)
    there: set[int] = set()
    waiting: list[dict[str, Any]] = []
    count = 0
    with archive.open(f"tables/{table.name}.jsonl") as part:
        while batch := [json.loads(line) for line in islice(part, BATCH)]:
            rows = [
                {column.name: _typed(column, value) for column, value in zip(columns, values, strict=True)}
                for values in batch
            ]
            count += len(rows)
            if own:
                rows, waiting = _in_order([*waiting, *rows], own, there)
            if rows:
                connection.execute(insert(table), rows)
    if waiting:
        raise BackupError(f"{table.name}: {len(waiting)} row(s) refer to rows that are not there")
    return count


def _in_order(
    rows: list[dict[str, Any]], own: list[Any], there: set[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows that can be inserted now, referred-to ones first, and those that must wait."""
    ready: list[dict[str, Any]] = []
    while True:
        waiting = []
        for row in rows:
            if all(row[column.name] in there or row[column.name] in (None, row["id"]) for column in own):
                there.add(row["id"])
                ready.append(row)
            else:
                waiting.append(row)
        if not waiting or len(waiting) == len(rows):
            return ready, waiting
        rows = waiting


def _typed(column: Any, value: Any) -> Any:
    if value is None:
        return None
    kind = type(column.type).__name__
    if kind == "MoneyType":
        return Money(value)
    if kind == "InstantType":
        return datetime.fromisoformat(value)
    if kind == "Date":
        return date.fromisoformat(value)
    if kind == "LargeBinary":
        return b64decode(value, validate=True)
    return value


def clear_migrated(connection: Connection) -> None:
    """Take away what the migrations wrote, so that the rows of another instance find the place free."""
    for table in tables():
        if table.name in MIGRATED:
            connection.execute(delete(table))


def set_sequences(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    for table in tables():
        if "id" in table.c and table.c.id.primary_key:
            sequence = connection.scalar(select(func.pg_get_serial_sequence(f'"{table.name}"', "id")))
            highest = connection.scalar(select(func.max(table.c.id)))
            if sequence and highest:
                connection.execute(select(func.setval(sequence, highest)))


def _unpack(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Files and seals; their names come from the manifest that was just checked."""
    for name in manifest["parts"]:
        kind, _, rest = name.partition("/")
        if kind not in ("files", "seals"):
            continue
        base = file_root() if kind == "files" else Path(current_app.instance_path) / "seals"
        target = (base / rest).resolve()
        if not target.is_relative_to(base.resolve()):
            raise BackupError(f"{name} points outside the instance")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            archive.open(name) as part,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream,
        ):
            while block := part.read(1 << 20):
                stream.write(block)


def _unpack_keys(keys: Path) -> None:
    with tarfile.open(keys) as bundle:
        bundle.extractall(current_app.instance_path, filter="data")
    for name in ("chain_keys",):
        current_app.extensions.pop(name, None)
