"""Lists of the product: one declaration gives page, order, capped counts, saved views and export.

A room declares a :class:`Listing` beside its list page. ``rows(user, args)`` is the query of what the
user sees through the page's filters, scope included; the page and the export ask the same function, so
that a file never holds a row that the page would not show. Orders are total and each has an index that
leads with the owner scope.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import xlsxwriter
from flask import has_request_context, request
from flask_babel import force_locale
from sqlalchemy import BigInteger, Select, String, cast, func, literal, select, type_coerce, union_all

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.jobs.services import Task, add_kind
from core.money import Money
from core.text import N_, Message
from core.web import paging
from core.web.models import SavedView
from core.web.paging import Page, after_key, in_order, paginate
from core.web.words import CHINESE, LOCALES, say, translate

CAP = 1000
CHUNK = 10_000
ROWS_BETWEEN_STEPS = 1000
LONGEST = 500
# What a page's address may carry beside the filters.
NOT_FILTERS = ("after", "before", "totals")
_WIDTHS = {"money": 16, "day": 12, "moment": 17, "number": 10, "score": 9}

Keys = tuple[tuple[Any, bool], ...]
Arguments = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the exported table: an SQL expression and how its values are written.

    ``kind``: text (codes too), money, day, moment, number, score (hundredths). ``words`` turns a stored
    value into an English id that is translated; ``write`` turns it into text.
    """

    label: str
    value: Any
    kind: str = "text"
    words: Mapping[Any, str] | None = None
    write: Callable[[Any], str] | None = None
    width: int = 0


@dataclass
class Listing:
    """A list page: ``name`` is its endpoint. ``orders``: name to (column, descending) pairs, the first
    is the default; ``joins`` are what the exported columns need beside the rows."""

    name: str
    title: str
    permissions: tuple[str, ...]
    rows: Callable[[Any, Arguments], Select[Any]]
    orders: dict[str, Keys]
    columns: tuple[Column, ...]
    joins: Callable[[Select[Any]], Select[Any]] | None = None
    filters: tuple[str, ...] = ()
    # Where an index of its own finds the rows: conditions on ``rows``, one part after the other in order,
    # each a few thousand rows at most; and how many rows there are.
    parts: Callable[[Any, Arguments], Iterator[Sequence[Any]]] | None = None
    total: Callable[[Any, Arguments], int] | None = None

    def __post_init__(self) -> None:
        LISTINGS[self.name] = self
        add_kind(self.job_kind, partial(export, self))

    @property
    def job_kind(self) -> str:
        return f"export:{self.name}"

    @property
    def default_order(self) -> str:
        return next(iter(self.orders))

    def order(self, args: Arguments) -> tuple[str, Keys]:
        """The asked-for order by name; a ``-`` before it turns it around."""
        asked = args.get("sort", "")
        name = asked.removeprefix("-")
        if name not in self.orders:
            return self.default_order, self.orders[self.default_order]
        keys = self.orders[name]
        return (asked, tuple((column, not down) for column, down in keys)) if asked != name else (name, keys)

    def kept(self, args: Arguments) -> dict[str, str]:
        """The filters and the order among what an address carries."""
        known = {*self.filters, "sort"}
        return {
            key: value
            for key, value in args.items()
            if key in known and value and len(value) <= 100 and value.isprintable()
        }


LISTINGS: dict[str, Listing] = {}


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows, at most ``CAP`` counted; ``more`` says that there are more."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return (
            f"{self.number:,}+"
            if self.more
            else f"{self.number:,}"
            if self.number > 9999
            else str(self.number)
        )

    def __bool__(self) -> bool:
        return self.number > 0


@dataclass
class Table:
    """What a list page shows: rows with their neighbours, and what the tools beside them need."""

    listing: Listing
    page: Page
    query: Select[Any]
    args: dict[str, str]
    order: str
    views: Sequence[SavedView] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The filters and the order of this page, as a query string."""
        return urlencode(self.args)

    def sorted(self, name: str) -> str | None:
        """The order of a column's head, for ``aria-sort``."""
        if self.order.removeprefix("-") != name:
            return None
        (_column, down), turned = self.listing.orders[name][0], self.order.startswith("-")
        return "descending" if down != turned else "ascending"

    def turn(self, name: str) -> str:
        """What to sort by when the head of a column is followed: the other way round, if it is sorted by."""
        return f"-{name}" if self.order == name else name


def arguments() -> dict[str, str]:
    """What the present page's address carries, one value a name.

    Nobody means a value of thousands of signs, and databases refuse patterns of that length.
    """
    return (
        {name: value[:LONGEST] for name, value in request.args.to_dict().items()}
        if has_request_context()
        else {}
    )


def show(
    listing: Listing,
    user: Any,
    *options: Any,
    query: Select[Any] | None = None,
    args: Arguments | None = None,
) -> Table:
    """The page of a list for ``user``: three queries at most (rows, saved views, what ``rows`` asks)."""
    args = arguments() if args is None else dict(args)
    query = listing.rows(user, args) if query is None else query
    order, keys = listing.order(args)
    return Table(
        listing=listing,
        page=paginate(query.options(*options), *keys, size=paging.PAGE_SIZE),
        query=query,
        args=listing.kept(args),
        order=order,
        views=views_of(user.id, listing.name),
    )


def views_of(user_id: int, name: str) -> Sequence[SavedView]:
    return db.session.scalars(
        select(SavedView)
        .where(SavedView.user_id == user_id, SavedView.listing == name)
        .order_by(SavedView.name)
    ).all()


# Counting ---------------------------------------------------------------------------------------


def totals_wanted() -> bool:
    """Whether the reader asked for the totals of a large selection."""
    return request.args.get("totals") == "1"


def summary(query: Select[Any], *columns: Any, whole: bool | None = None) -> tuple[Count, list[Money] | None]:
    """How many rows, and the sums of money columns when there are no more than ``CAP`` or they are asked for."""
    whole = totals_wanted() if whole is None else whole
    plain = query.with_only_columns(*[column.label(f"c{i}") for i, column in enumerate(columns)], literal(1)) \
        if columns else query.with_only_columns(literal(1), maintain_column_froms=True)  # fmt: skip
    bounded = (plain if whole else plain.limit(CAP + 1)).order_by(None).subquery()
    sums = [func.sum(bounded.c[f"c{i}"]) for i in range(len(columns))]
    count, *amounts = db.session.execute(select(func.count(), *sums).select_from(bounded)).one()
    if count > CAP and not whole:
        return Count(CAP, more=True), None
    return Count(count), [amount or Money(0) for amount in amounts]


def counts_by(query: Select[Any], column: Any, values: Sequence[str]) -> dict[str, Count]:
    """How many rows hold each value, in one query, none counted beyond ``CAP``; empty values are left out."""
    parts = []
    for value in values:
        inner = (
            query.where(column == value)
            .with_only_columns(literal(1), maintain_column_froms=True)
            .order_by(None)
            .limit(CAP + 1)
        )
        parts.append(
            select(cast(literal(value), String).label("value"), func.count().label("n")).select_from(
                inner.subquery()
            )
        )
    if not parts:
        return {}
    found: dict[str, int] = dict(db.session.execute(union_all(*parts)).all())  # type: ignore[arg-type]
    return {
        value: Count(min(found[value], CAP), more=found[value] > CAP) for value in values if found.get(value)
    }


def total_of(counts: Mapping[str, Count]) -> Count:
    """The sum of counts; more when one of them is."""
    return Count(sum(item.number for item in counts.values()), any(item.more for item in counts.values()))


# Export -----------------------------------------------------------------------------------------


def export(listing: Listing, task: Task) -> None:
    """The job behind the export button: all rows the asker sees through the filters, as XLSX or CSV.

    The payload may name the columns by their places in the list's table, in the order of the file.
    """
    user = task.actor
    if not any(user.may_somewhere(item) for item in listing.permissions):
        raise Refusal(Message(N_("Your role does not include this list any more.")), status=403)
    args = {str(key): str(value) for key, value in task.payload.get("args", {}).items()}
    columns = chosen_columns(listing, task.payload.get("columns"))
    write, ending = (write_csv, "csv") if task.payload.get("form") == "csv" else (write_workbook, "xlsx")
    with force_locale(LOCALES.get(task.payload.get("locale", ""), CHINESE)), tempfile.TemporaryFile() as file:
        write(listing, user, args, file, step=task.step, columns=columns)
        file.seek(0)
        task.keep(file, f"{say(listing.title)}-{clock.today().isoformat()}.{ending}")


def chosen_columns(listing: Listing, places: Sequence[Any] | None) -> tuple[Column, ...]:
    """The columns at these places of the list's table, all of them where none is named."""
    known = [place for place in places or () if type(place) is int and 0 <= place < len(listing.columns)]
    return tuple(listing.columns[place] for place in dict.fromkeys(known)) or listing.columns


def write_workbook(
    listing: Listing,
    user: Any,
    args: Arguments,
    target: Any,
    *,
    step: Callable[[int, int], None],
    columns: Sequence[Column] | None = None,
) -> int:
    """Write the rows in the list's order, ten thousand in memory at a time; how many.

    Text is written as text, whatever it looks like: no formula, no number, no link.
    """
    columns = columns or listing.columns
    query = listing.rows(user, args)
    total = _total(listing, query, user, args)
    step(0, total)
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True, "bottom": 1})
    writers = [_writer(column, sheet, book) for column in columns]
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width or _WIDTHS.get(column.kind, 22))
        sheet.write_string(0, place, _heading(column), bold)
    line = 0
    for row in _every_row(listing, query, user, args, columns):
        line += 1
        for place, write in enumerate(writers):
            if row[place] is not None:
                write(line, place, row[place])
        if line % ROWS_BETWEEN_STEPS == 0:
            step(line, max(total, line))
    book.close()
    step(line, line)
    return line


def write_csv(
    listing: Listing,
    user: Any,
    args: Arguments,
    target: Any,
    *,
    step: Callable[[int, int], None],
    columns: Sequence[Column] | None = None,
) -> int:
    """The same as CSV in UTF-8 with its mark, so that Excel reads the signs; how many rows.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    columns = columns or listing.columns
    query = listing.rows(user, args)
    total = _total(listing, query, user, args)
    step(0, total)
    with io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True) as stream:
        file = csv.writer(stream)
        file.writerow([_heading(column) for column in columns])
        writers = [_plain_writer(column) for column in columns]
        line = 0
        for row in _every_row(listing, query, user, args, columns):
            line += 1
            file.writerow(
                ["" if row[place] is None else write(row[place]) for place, write in enumerate(writers)]
            )
            if line % ROWS_BETWEEN_STEPS == 0:
                step(line, max(total, line))
        stream.detach()
    step(line, line)
    return line


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula when it opens a CSV."""
    return f"'{text}" if text.startswith(_LIVE) else text


_LIVE = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def _plain_writer(column: Column) -> Callable[[Any], str]:
    if column.kind == "money":
        return lambda fen: Money(fen).plain()
    if column.kind == "day":
        return lambda value: str(value.isoformat())
    if column.kind == "moment":
        return lambda value: clock.local(value).strftime("%Y-%m-%d %H:%M")
    if column.kind == "number":
        return str
    if column.kind == "score":
        return lambda value: f"{value / 100:.2f}"
    text = _text_of(column)
    return lambda value: harmless(text(value)[:32_000])


def _total(listing: Listing, query: Select[Any], user: Any, args: Arguments) -> int:
    if listing.total is not None:
        return listing.total(user, args)
    return db.session.scalar(
        select(func.count()).select_from(query.with_only_columns(literal(1), maintain_column_froms=True).order_by(None).subquery())
    ) or 0  # fmt: skip


def _heading(column: Column) -> str:
    text = translate(column.label)
    return f"{text} ({translate('yuan')})" if column.kind == "money" else str(text)


def _every_row(
    listing: Listing, query: Select[Any], user: Any, args: Arguments, columns: Sequence[Column]
) -> Iterator[Any]:
    """All rows by key, in chunks: nothing is held open between them, and page 400 costs what page 1 does."""
    _name, keys = listing.order(args)
    if listing.joins is not None:
        query = listing.joins(query)
    values = [
        # A cell takes the fen as they lie in the database: no Money is made only to be taken apart.
        (type_coerce(column.value, BigInteger) if column.kind == "money" else column.value).label(f"v{place}")
        for place, column in enumerate(columns)
    ]
    marks = [column.label(f"k{place}") for place, (column, _down) in enumerate(keys)]
    query = query.with_only_columns(*values, *marks)
    if listing.parts is not None:
        for conditions in listing.parts(user, args):
            rows = db.session.execute(query.where(*conditions).order_by(None).order_by(*in_order(keys))).all()
            db.session.rollback()
            yield from rows
        return
    last: list[Any] | None = None
    while True:
        part = query if last is None else query.where(after_key(keys, last))
        rows = db.session.execute(part.order_by(None).order_by(*in_order(keys)).limit(CHUNK)).all()
        # The connection goes back between chunks.
        db.session.rollback()
        yield from rows
        if len(rows) < CHUNK:
            return
        last = list(rows[-1][len(values) :])


def _writer(column: Column, sheet: Any, book: Any) -> Callable[[int, int, Any], Any]:
    if column.kind == "money":
        money = book.add_format({"num_format": "#,##0.00"})
        # Whole fen below 2^53 are exact in a cell's double at two decimals.
        return lambda line, place, value: sheet.write_number(line, place, int(value) / 100, money)
    if column.kind == "day":
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        return lambda line, place, value: sheet.write_datetime(line, place, _midnight(value), days)
    if column.kind == "moment":
        moments = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        return lambda line, place, value: sheet.write_datetime(
            line, place, clock.local(value).replace(tzinfo=None), moments
        )
    if column.kind == "number":
        return lambda line, place, value: sheet.write_number(line, place, value)
    if column.kind == "score":
        points = book.add_format({"num_format": "0.00"})
        return lambda line, place, value: sheet.write_number(line, place, value / 100, points)
    text = _text_of(column)
    return lambda line, place, value: sheet.write_string(line, place, text(value)[:32_000])


def _text_of(column: Column) -> Callable[[Any], str]:
    if column.words is not None:
        said = {value: say(label) for value, label in column.words.items()}
        return lambda value: said.get(value) or str(value)
    return column.write or str


def _midnight(value: date) -> datetime:
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day in a spreadsheet
