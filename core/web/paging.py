"""Keyset paging: a list never slips when rows are added while it is read (HOUSE law 7).

The order is total (it ends with the id). A page asks for the rows after a key, not after a count,
so that page 400 costs what page 1 costs.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask import request
from sqlalchemy import BinaryExpression, BindParameter, Select, and_, or_, select, union_all
from sqlalchemy.sql import operators

from core.db import InstantType, MoneyType, db
from core.money import Money

PAGE_SIZE = 50
# Above this many units a merge costs more than it saves.
MERGED_UNITS = 60


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows with the links to its neighbours (``None`` at an end)."""

    rows: Sequence[Any]
    next_key: str | None
    first: bool
    previous_key: str | None = None


Keys = Sequence[tuple[Any, bool]]


def paginate(
    query: Select[Any], *order: tuple[Any, bool], size: int = PAGE_SIZE, scalars: bool = True
) -> Page:
    """Run ``query`` from the request's ``after`` or ``before`` key. ``order`` is (column, descending)
    pairs, the last of them unique; none of them nullable. A broken key starts from the top.
    """
    after, before = keys_of_page(order)
    # Backwards is forwards in the opposite order, turned round again.
    way = order if before is None else [(column, not descending) for column, descending in order]
    start = after if before is None else before
    if start is not None:
        query = query.where(after_key(way, start))
    result = db.session.execute(merged(query, way, size + 1).order_by(*in_order(way)).limit(size + 1))
    rows = list(result.scalars().unique().all() if scalars else result.all())
    return page_of(rows, order, size=size, after=after, before=before)


def keys_of_page(order: Keys) -> tuple[list[Any] | None, list[Any] | None]:
    """The keys after and before which the request asks for a page; at most one of them."""
    after = _typed_key(request.args.get("after", ""), order)
    return after, None if after is not None else _typed_key(request.args.get("before", ""), order)


def page_of(
    rows: list[Any], order: Keys, *, size: int, after: list[Any] | None, before: list[Any] | None
) -> Page:
    """The page of ``rows``: one more than ``size`` when more follow, the nearest first when it lies ``before``."""
    more = len(rows) > size
    shown = rows[:size] if before is None else rows[:size][::-1]
    further, nearer = (more, after is not None) if before is None else (True, more)
    return Page(
        rows=shown,
        next_key=key_of(shown[-1], order) if shown and further else None,
        first=not nearer,
        previous_key=key_of(shown[0], order) if shown and nearer else None,
    )


def key_of(row: Any, order: Keys) -> str:
    """The key of a row in an order, as addresses carry it."""
    return _encode([_plain(getattr(row, column.key)) for column, _down in order])


def merged(query: Select[Any], keys: Keys, size: int) -> Select[Any]:
    """The same query, told to take the first rows of each unit in scope and merge them.

    Over several units at once ("agency_id IN (…)") an index that leads with the unit gives no order,
    and both databases would sort everything in scope; unit by unit it does.
    """
    found = _scope(query)
    if found is None:
        return query
    clause, column, units = found
    key = column.table.c.id
    others = [item for item in query._where_criteria if item is not clause]
    bare = query.with_only_columns(key, maintain_column_froms=True)
    bare._where_criteria = ()
    bare._with_options = ()
    firsts = [
        select(bare.where(*others, column == unit).order_by(*in_order(keys)).limit(size).subquery().c.id)
        for unit in units
    ]
    return query.where(key.in_(union_all(*firsts)))


def _scope(query: Select[Any]) -> tuple[Any, Any, list[int]] | None:
    """The condition that limits the query to several units, with its column and the units."""
    for clause in query._where_criteria:
        if (
            isinstance(clause, BinaryExpression)
            and clause.operator is operators.in_op
            and isinstance(clause.right, BindParameter)
            and getattr(clause.left, "name", "") in ("agency_id", "organization_id")
            and isinstance(clause.right.value, (list, tuple))
            and 1 < len(clause.right.value) <= MERGED_UNITS
        ):
            return clause, clause.left, list(clause.right.value)
    return None


def in_order(keys: Keys) -> list[Any]:
    return [column.desc() if descending else column.asc() for column, descending in keys]


def after_key(keys: Keys, values: Sequence[Any]) -> Any:
    """The condition for what comes after the row with these values.

    The leading column is compared alone as well, so that an index on it is entered at the right place.
    """
    alternatives = []
    for index, (column, descending) in enumerate(keys):
        equal = [keys[i][0] == values[i] for i in range(index)]
        alternatives.append(and_(*equal, column < values[index] if descending else column > values[index]))
    if len(keys) == 1:
        return alternatives[0]
    column, descending = keys[0]
    return and_(column <= values[0] if descending else column >= values[0], or_(*alternatives))


def _typed_key(text: str, keys: Keys) -> list[Any] | None:
    values = _decode(text, len(keys)) if text else None
    if values is None:
        return None
    try:
        return [_typed(column, value) for (column, _down), value in zip(keys, values, strict=True)]
    except (TypeError, ValueError, OverflowError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.fen
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def _typed(column: Any, value: Any) -> Any:
    """The value as the column takes it; ``TypeError`` or ``ValueError`` for one it would not."""
    if isinstance(column.type, InstantType):
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(column.type, MoneyType):
        return Money(_small(value))
    kind = column.type.python_type
    if kind is date:
        return date.fromisoformat(value)
    if kind is int:
        return _small(value)
    if not isinstance(value, str) or "\0" in value:
        raise TypeError(value)
    value.encode()  # half a surrogate pair is no text
    return value


def _small(value: Any) -> int:
    """A whole number that fits a BIGINT."""
    if type(value) is not int or abs(value) >= 2**63:
        raise ValueError(value)
    return value


def _encode(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def _decode(text: str, length: int) -> list[Any] | None:
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, UnicodeDecodeError):
        return None
    if not isinstance(values, list) or len(values) != length:
        return None
    return values if all(isinstance(value, (str, int)) for value in values) else None
