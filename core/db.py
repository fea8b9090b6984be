"""The database: one handle, exact column types, and the one place that commits.

SQLite (WAL) is the embedded default, PostgreSQL the production engine; both run the same code.
A writing transaction is announced (``transaction()``), so that SQLite takes its write lock at the
start (BEGIN IMMEDIATE) instead of failing in the middle, and so that anything else that writes
is a programming error and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, MetaData, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from core.money import Money

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite only makes a rowid of a column that is exactly INTEGER.
BIG = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


class Model(db.Model):  # type: ignore[name-defined,misc]
    """Base of every table with one big integer key."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BIG, primary_key=True)


class MoneyType(TypeDecorator[Money]):
    """``Money`` in Python, BIGINT fen in the database; anything else is a ``TypeError``."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, Money):
            raise TypeError(f"a money column takes Money, not {type(value).__name__}")
        return value.fen

    def process_result_value(self, value: int | Decimal | None, dialect: Any) -> Money | None:
        # PostgreSQL sums BIGINT into NUMERIC.
        return None if value is None else Money(int(value))


class InstantType(TypeDecorator[datetime]):
    """Aware instants, stored in UTC; a naive datetime is a ``TypeError``."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def money_column(*args: Any, **kwargs: Any) -> Any:
    """A money column: ``amount: Mapped[Money] = money_column()``."""
    return mapped_column(MoneyType(), *args, **kwargs)


def instant_column(*args: Any, **kwargs: Any) -> Any:
    """An instant column: ``submitted_at: Mapped[datetime | None] = instant_column()``."""
    return mapped_column(InstantType(), *args, **kwargs)


def count_column(*args: Any, **kwargs: Any) -> Any:
    """A counter that may outgrow 32 bits."""
    return mapped_column(BigInteger, *args, **kwargs)


def fk(target: str, *, index: bool = True, **kwargs: Any) -> Any:
    """A foreign key column: ``agency_id: Mapped[int] = fk("agency.id")``."""
    return mapped_column(BigInteger, ForeignKey(target), index=index, **kwargs)


class WriteOutsideTransaction(RuntimeError):
    """Something wrote where nothing may be written: a GET, or code outside ``transaction()``."""


def configure_engine(engine: Engine) -> None:
    """Give a SQLite engine the pragmas measured in docs/decisions; PostgreSQL needs none."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        # The driver's own transaction handling is off: BEGIN is ours, see on_begin.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=20000",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            # 16 MB a connection: the bit strings of a search over a large register stay at hand.
            "cache_size=-16384",
            # INSERT OR REPLACE deletes: the append-only guards must see it.
            "recursive_triggers=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@event.listens_for(Session, "before_flush")
def _refuse_stray_flush(session: Session, _context: Any, _instances: Any) -> None:
    if not session.info.get("writing") and (session.new or session.dirty or session.deleted):
        changed = sorted({type(thing).__name__ for thing in [*session.new, *session.dirty, *session.deleted]})
        raise WriteOutsideTransaction(f"a read tried to write {', '.join(changed)}")


@event.listens_for(Session, "do_orm_execute")
def _refuse_stray_statement(state: Any) -> None:
    if (state.is_insert or state.is_update or state.is_delete) and not state.session.info.get("writing"):
        raise WriteOutsideTransaction("a read tried to run a writing statement")


@contextmanager
def transaction() -> Iterator[Session]:
    """The one writing transaction of a request, command or job: commit on success, else roll back.

    What was registered with :func:`after_commit` runs after the commit, in order. An error there
    reaches the caller, but what was committed stays.
    """
    session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("a transaction is already open")
    # Ends the read transaction that loading the user began; its view of the data may be old.
    session.rollback()
    session.info["writing"] = True
    session.info["after_commit"] = []
    session.info["at_end"] = {}
    try:
        session.connection(execution_options={"writing": True})
        yield session
        while session.info["at_end"]:
            session.info["at_end"].popitem()[1]()
        session.commit()
        hooks = session.info["after_commit"]
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False
        session.info["after_commit"] = []
        session.info["at_end"] = {}
    for hook in hooks:
        hook()


def at_end(key: tuple[Any, ...], hook: Callable[[], Any]) -> None:
    """Run ``hook`` as the last thing of the present transaction, once for each ``key``.

    For what follows from everything the transaction writes and takes locks that others wait for.
    """
    session = db.session()
    if not session.info.get("writing"):
        raise WriteOutsideTransaction("at_end() needs an open transaction")
    session.info["at_end"][key] = hook


def after_commit(hook: Callable[[], None]) -> None:
    """Run ``hook`` once the present transaction is committed; never when it is rolled back."""
    session = db.session()
    if not session.info.get("writing"):
        raise WriteOutsideTransaction("after_commit() needs an open transaction")
    session.info["after_commit"].append(hook)
