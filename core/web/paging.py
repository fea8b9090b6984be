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
from datetime import date, datetime
from typing import Any

from flask import request
from sqlalchemy import Select, and_, or_

from core.db import db
from core.money import Money

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows with the links to its neighbours (``None`` at an end)."""

    rows: Sequence[Any]
    next_key: str | None
    first: bool


def paginate(
    query: Select[Any], *order: tuple[Any, bool], size: int = PAGE_SIZE, scalars: bool = True
) -> Page:
    """Run ``query`` from the request's ``after`` key. ``order`` is (column, descending) pairs, the
    last of them unique; none of them nullable. A broken key starts from the top.
    """
    columns = [column for column, _ in order]
    after = _decode(request.args.get("after", ""), len(order))
    if after is not None:
        alternatives = []
        for index, (column, descending) in enumerate(order):
            value = _typed(column, after[index])
            equal = [columns[i] == _typed(columns[i], after[i]) for i in range(index)]
            alternatives.append(and_(*equal, column < value if descending else column > value))
        query = query.where(or_(*alternatives))
    ordered = query.order_by(*[column.desc() if descending else column.asc() for column, descending in order])
    result = db.session.execute(ordered.limit(size + 1))
    rows = result.scalars().unique().all() if scalars else result.all()
    shown = rows[:size]
    more = len(rows) > size
    key = _encode([_plain(getattr(shown[-1], column.key)) for column in columns]) if more else None
    return Page(rows=shown, next_key=key, first=after is None)


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.fen
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type if not hasattr(column.type, "impl") else None
    if kind is date:
        return date.fromisoformat(value)
    name = type(column.type).__name__
    if name == "InstantType":
        return datetime.fromisoformat(value)
    if name == "MoneyType":
        return Money(value)
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
