"""Reading a table of organizations: its columns, and why a row is left out.

Reading never stops at a mistake. A row without one is read quickly, with every cell remembered that was
read before; any other row is read again with care, which says what is wrong with which cell.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from typing import Any

from core import clock
from core.bulk import collector_at_rest
from core.db import db, transaction
from core.files.services import file_path
from core.spreadsheets import (
    Cell,
    CellError,
    Sheet,
    SheetError,
    cell_text,
    headings_of,
    plain_heading,
    read_sheet,
    skip_titles,
    stream_csv,
)
from core.text import N_, Message
from registry.intake import services
from registry.intake.models import RegisterImport
from registry.intake.queries import headings_of_unit, units_under
from registry.intake.rules import (
    CLASSES,
    COLUMNS,
    FIELDS,
    GRADES,
    KIND_OF_PREFIX,
    KINDS,
    NO_GRADE,
    REQUIRED,
    STATUSES,
    Places,
    Problem,
    Reason,
    is_plain_code,
    read_day,
)
from registry.organizations import models as words
from registry.organizations.policy import PREFIX_BY_KIND
from registry.organizations.rules import CodeError, check_credit_code

HEADINGS = headings_of(COLUMNS)
# Cells of a column that are remembered with what they mean; those that hardly repeat are not.
_REMEMBERED = 5_000
_UNLIKE = frozenset({"name", "credit_code", "leader_phone"})
MAX_ROWS = 5_000_000

Step = Callable[[int, int], None]


def columns_of(header: Sequence[str], headings: Mapping[str, str]) -> tuple[dict[str, int], list[str]]:
    """Where each column stands, and the headings that mean nothing here. Raises :class:`SheetError`.

    ``headings`` maps the usual ones and the unit's own to columns; one given as "" is left out knowingly.
    """
    places: dict[str, int] = {}
    unknown: list[str] = []
    for index, heading in enumerate(header):
        name = headings.get(plain_heading(heading))
        if name in places:
            raise SheetError(
                Message(
                    N_("Two columns are read as “%(column)s”: leave one of them."), {"column": heading[:40]}
                )
            )
        if name:
            places[name] = index
        elif heading and name is None:
            unknown.append(heading[:80])
    return places, unknown


def missing_columns(places: Mapping[str, int]) -> list[str]:
    return [name for name in REQUIRED if name not in places]


class Reader:
    """Reads the rows of one table for one unit.

    ``units``: name of each unit of its subtree → (id, division code); ``first`` is the unit itself.
    """

    def __init__(
        self,
        sheet: Sheet,
        places: Mapping[str, int],
        *,
        unit: int,
        within: str,
        units: Mapping[str, tuple[int, str]],
    ) -> None:
        self._sheet = sheet
        self._unit = unit
        self._units = {_squeezed(name): number for name, (number, _code) in units.items()}
        self._places = Places(within, {name: code for name, (_number, code) in units.items()})
        self._spoilt = {row for row, _column in sheet.blemishes}
        self._today = clock.today()
        readers: dict[str, Callable[[Cell], Any]] = {
            "name": text_of(120), "credit_code": _code, "kind": one_of(KINDS, words.KINDS),
            "register_class": one_of(CLASSES, words.REGISTER_CLASSES), "division_code": self._division,
            "registered_on": _day, "status": one_of(STATUSES, words.STATUSES), "unit": self._unit_of,
            "leader": text_of(60), "leader_phone": text_of(20), "business_scope": text_of(2_000), "fields": _fields,
            "address": text_of(200), "phone": text_of(20), "grade": _grade, "grade_from": _day, "grade_to": _day,
        }  # fmt: skip
        self._columns = [(name, readers[name], places.get(name, -1), {}) for name in COLUMNS]  # type: ignore[var-annotated]

    def read(self, number: int, cells: list[Cell]) -> tuple[Any, ...] | Problem:
        """The row as :data:`STAGED` has it, or why not."""
        if number not in self._spoilt and len(cells) <= len(self._sheet.header):
            row = self._quickly(number, cells)
            if row is not None:
                return row
        return self._carefully(number, cells)

    def _quickly(self, number: int, cells: list[Cell]) -> tuple[Any, ...] | None:
        width = len(cells)
        values: list[Any] = []
        try:
            for name, read, place, cache in self._columns:
                if place < 0 or place >= width:
                    values.append(None)
                    continue
                cell = cells[place]
                if cell is None or cell == "":
                    values.append(None)
                    continue
                key = cell if cell.__class__ is str else (cell.__class__, cell)
                try:
                    values.append(cache[key])
                except KeyError:
                    value = read(cell)
                    if len(cache) < _REMEMBERED and name not in _UNLIKE:
                        cache[key] = value
                    values.append(value)
        except (ValueError, TypeError):
            return None
        row, reasons = self._whole(number, values)
        return None if reasons else row

    def _carefully(self, number: int, cells: list[Cell]) -> tuple[Any, ...] | Problem:
        reasons: list[Reason] = []
        values: list[Any] = []
        for name, read, place, _cache in self._columns:
            value = None
            cell = cells[place] if 0 <= place < len(cells) else None
            blemish = self._sheet.blemishes.get((number, place))
            try:
                if blemish is not None:
                    raise CellError(blemish)
                value = None if cell is None or cell_text(cell) == "" else read(cell)
            except (CellError, CodeError) as error:
                reasons.append((name, error.message))
            values.append(value)
        if any(str(cell or "").strip() for cell in cells[len(self._sheet.header) :]):
            reasons.append(
                ("", Message(N_("the row has more cells than the header: check commas and quotation marks")))
            )
        row, more = self._whole(number, values, failed={name for name, _message in reasons})
        if reasons or more:
            return Problem(number, [kept_cell(cell) for cell in cells[:64]], reasons + more)
        return row

    def _whole(
        self, number: int, values: list[Any], failed: Iterable[str] = ()
    ) -> tuple[tuple[Any, ...], list[Reason]]:
        """The values as one row, and what is wrong with them taken together."""
        (
            name, code, kind, register_class, division, registered_on, status, unit, leader, leader_phone, scope,
            fields, address, phone, grade, grade_from, grade_to,
        ) = values  # fmt: skip
        reasons: list[Reason] = []
        if code and not kind:
            kind = KIND_OF_PREFIX.get(code[:2])
        if not register_class:
            register_class = "filed" if kind == "filed_community_so" else "registered" if kind else None
        if not kind and register_class == "filed":
            kind = "filed_community_so"
        if register_class == "filed" and leader and not leader_phone:
            # A filed organization is reached through whoever leads it: its list has one telephone.
            leader_phone = phone
        for column, value in (("name", name), ("division_code", division)):
            if not value and column not in failed:
                reasons.append((column, Message(N_("the cell is empty"))))
        if not failed and (wrong := _disagreement(code, kind, register_class)) is not None:
            reasons.append(wrong)
        if registered_on is not None and registered_on > self._today:
            reasons.append(("registered_on", Message(N_("the day lies in the future"))))
        if grade and not (grade_from and grade_to) and not {"grade_from", "grade_to"} & set(failed):
            reasons.append(("grade_from", Message(N_("a grade needs the days from and to which it holds"))))
        elif grade and grade_to < grade_from:
            reasons.append(("grade_to", Message(N_("the grade ends before it begins"))))
        return (
            number, unit or self._unit, name, code, kind, register_class, division, registered_on, status or "",
            leader or "", leader_phone or "", scope or "", fields or "", address or "", phone or "", grade or None,
            grade_from if grade else None, grade_to if grade else None,
        ), reasons  # fmt: skip

    def _division(self, cell: Cell) -> str:
        return self._places.code_of(cell_text(cell))

    def _unit_of(self, cell: Cell) -> int:
        text = cell_text(cell)
        found = self._units.get(_squeezed(text))
        if found is None:
            raise CellError(
                Message(N_("“%(name)s” is not the importing unit and no unit under it"), {"name": text[:40]})
            )
        return found


def _disagreement(code: str | None, kind: str | None, register_class: str | None) -> Reason | None:
    if kind is None or register_class is None:
        return "kind", Message(N_("the kind of organization is not told, neither here nor by a credit code"))
    if (kind == "filed_community_so") != (register_class == "filed"):
        return "register_class", Message(N_("a filed community organization is filed, and nothing else is"))
    if code is None and register_class != "filed":
        return "credit_code", Message(N_("a registered organization has a credit code"))
    if code is not None and register_class == "filed":
        return "credit_code", Message(N_("a filed organization has no credit code"))
    expected = PREFIX_BY_KIND.get(kind)
    if code is not None and expected is not None and code[:2] != expected:
        return "kind", Message(
            N_("the code starts with %(found)s; this kind of organization starts with %(expected)s"),
            {"found": code[:2], "expected": expected},
        )
    return None


def kept_cell(cell: Cell) -> Any:
    """A cell for the marked workbook: as text where it is no text or number. A telephone loses Excel's ``.0``."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if cell is None or isinstance(cell, (str, int, float)):
        return cell[:2_000] if isinstance(cell, str) else cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _squeezed(text: str) -> str:
    return plain_heading(text)


def text_of(limit: int) -> Callable[[Cell], str]:
    """A reader of one line of at most so many characters."""

    def read(cell: Cell) -> str:
        text = cell_text(cell)
        if len(text) > limit:
            raise CellError(Message(N_("the text is longer than %(limit)s characters"), {"limit": limit}))
        return text

    return read


def _code(cell: Cell) -> str:
    if isinstance(cell, str) and is_plain_code(cell):
        return cell
    return check_credit_code(cell_text(cell)).code


def _day(cell: Cell) -> date:
    return read_day(cell)


def one_of(synonyms: Mapping[str, str], known: Iterable[str]) -> Callable[[Cell], str]:
    """A reader of words that offices use for our names."""
    offered = {plain_heading(text): value for text, value in synonyms.items()} | {
        name: name for name in known
    }

    def read(cell: Cell) -> str:
        text = cell_text(cell)
        value = offered.get(plain_heading(text))
        if value is None:
            raise CellError(
                Message(
                    N_("“%(text)s” is not known here; known are: %(known)s"),
                    {"text": text[:40], "known": "、".join(list(synonyms)[:12])},
                )
            )
        return value

    return read


def _fields(cell: Cell) -> str:
    """Fields of work as the database keeps them: a JSON list in the order given."""
    found: list[str] = []
    for part in (
        cell_text(cell)
        .replace("，", "、")
        .replace(",", "、")
        .replace(";", "、")
        .replace("；", "、")
        .split("、")
    ):
        text = part.strip()
        if not text:
            continue
        value = FIELDS.get(text) or (text if text in words.FIELDS else None)
        if value is None:
            raise CellError(
                Message(
                    N_("“%(text)s” is not known here; known are: %(known)s"),
                    {"text": text[:40], "known": "、".join(list(FIELDS)[:12])},
                )
            )
        if value not in found:
            found.append(value)
    return json.dumps(found)


def _grade(cell: Cell) -> int:
    """1 to 5, 0 for a body that has none."""
    text = plain_heading(cell_text(cell)).upper()
    if text in NO_GRADE:
        return 0
    if text not in GRADES:
        raise CellError(Message(N_("write the grade as 1A to 5A")))
    return GRADES[text]


@contextmanager
def _sheet(batch: RegisterImport) -> Iterator[Sheet]:
    """The table, read from the start, without the titles above it; a CSV is never held as a whole."""
    headings = HEADINGS | headings_of_unit(batch.agency_id)
    with zipfile.ZipFile(file_path(batch.file.sha256)) as archive, archive.open("table") as entry:
        start = entry.read(8)
        entry.seek(0)
        if start.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
            sheet = read_sheet(io.BytesIO(entry.read()), batch.file_name)
        else:
            sheet = stream_csv(entry, batch.file_name, max_rows=MAX_ROWS)
        skip_titles(sheet, headings)
        yield sheet


def header_of(batch: RegisterImport) -> list[str]:
    """The names of the table's columns as they stand in it."""
    with _sheet(batch) as sheet:
        return sheet.header


# Reading ---------------------------------------------------------------------------------------


def read_import(number: int, *, step: Step = lambda done, total: None) -> None:
    """Read a table from where an earlier reading stopped, then judge it. Opens transactions of its own."""
    batch = db.session.get_one(RegisterImport, number)
    if batch.state != "reading":
        return
    try:
        with _sheet(batch) as sheet, collector_at_rest():
            _read(batch, sheet, step)
    except SheetError as error:
        with transaction() as session:
            kept = session.get_one(RegisterImport, number)
            services.forget_rows(number)
            kept.state, kept.refusals = "wrong", [error.message.to_dict()]
        return
    with transaction():
        services.judge(db.session.get_one(RegisterImport, number))


def _read(batch: RegisterImport, sheet: Sheet, step: Step) -> None:
    number, read_to, wrong = batch.id, batch.read_to, batch.wrong_rows
    places, unknown = columns_of(sheet.header, HEADINGS | headings_of_unit(batch.agency_id))
    agency = batch.agency
    reader = Reader(sheet, places, unit=agency.id, within=agency.division_code, units=units_under(agency))
    with transaction() as session:
        kept = session.get_one(RegisterImport, number)
        kept.columns, kept.unknown = places, unknown
    if missing_columns(places):
        raise SheetError(
            Message(
                N_("These columns are missing: %(columns)s. Say below which columns they are, or add them."),
                {"columns": ", ".join(COLUMNS[name][0] for name in missing_columns(places))},
            )
        )
    rows = ((place, cells) for place, cells in sheet.rows if place > read_to)
    while part := list(islice(rows, services.CHUNK)):
        good: list[tuple[Any, ...]] = []
        bad: list[Problem] = []
        for place, cells in part:
            read = reader.read(place, cells)
            if isinstance(read, Problem):
                bad.append(read)
            else:
                good.append(read)
        wrong += len(bad)
        if wrong > services.MAX_PROBLEMS:
            raise SheetError(
                Message(
                    N_("More than %(limit)s rows have mistakes: look whether the columns are read rightly."),
                    {"limit": services.MAX_PROBLEMS},
                )
            )
        with transaction() as session:
            services.stage(number, good)
            services.keep_problems(number, bad)
            kept = session.get_one(RegisterImport, number)
            kept.read_to, kept.wrong_rows = part[-1][0], wrong
        step(part[-1][0] - 1, max(sheet.height, part[-1][0]))
