"""Very many rows at once: written as fast as the database takes them, and read without pauses for tidying."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from core.db import db

# Days as the columns keep them; asking each value of a million for its kind would cost as much as writing it.
sqlite3.register_adapter(date, date.isoformat)


def write_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values (numbers, text, days, ``None``) in the present transaction.

    By the copy protocol, or one prepared statement. Types of the columns have no part in it: money comes in
    fen, JSON as text. ``table`` and ``columns`` are names of ours, never what somebody typed.
    """
    connection = db.session.connection()
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor()
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.close()
        return
    values = list(rows)
    if values:
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Without the collector of cycles: a hundred thousand rows hold none, and it would go through them again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
