"""Reading tables that offices upload: CSV (UTF-8 or GB 18030) and XLSX, as plain cells.

Nothing is trusted: size unpacked, number of rows and columns, entries that lie about their size,
formulas, merged cells. A file that cannot be read as a table raises :class:`SheetError`, whose
message says how to mend it; single bad cells are listed in ``Sheet.blemishes`` for the importer.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Generic, TypeVar
from xml.etree import ElementTree

import python_calamine
from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from core.text import N_, Message

MAX_BYTES = 200 * 1024 * 1024
"""Largest file, also unpacked."""
MAX_ROWS = 300_000
MAX_COLUMNS = 64
MAX_CELL = 2_000
_MAX_ENTRIES = 1_000
_CHUNK = 1 << 20
# A spreadsheet keeps 15 digits of a number; longer codes and amounts arrive changed.
_EXACT_INTEGER = 10**15
_MAX_BLEMISHES = 100_000
# Rows under the first that are looked at for the header, and known headings that make a row one.
_TITLES = 10
_HEADINGS = 2
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Cell = str | float | int | bool | date | datetime | time | timedelta | None

_ERROR_VALUES = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})
_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
# They begin with letters, which are found ten times faster than what may stand before them.
_ROW_TAG = re.compile(rb"""row\b(?<=[<:]row)[^<>]{0,300}?\br=["'](\d{6,12})["']""")
_FAR_COLUMN = re.compile(rb"""r=(?<=\br=)["'](?:[A-Za-z]{3,}|[C-Zc-z][A-Za-z]|[Bb][N-Zn-z])\d+["']""")
_FAR_ROW = re.compile(rb"""r=(?<=\br=)["'][A-Za-z]{1,3}(\d{6,})["']""")
_FORMULA_TAG = re.compile(rb"[<:]f[\s/>]")
_FORMULA = re.compile(
    rb"""<(?:\w{1,20}:)?c\b[^<>]{0,300}?\br=["']([A-Za-z]{1,3})(\d{1,7})["'][^<>]{0,300}>\s{0,20}<(?:\w{1,20}:)?f[\s/>]"""
)


class SheetError(ValueError):
    """A file that cannot be read as a table; ``message`` is the translatable sentence."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


class CellError(ValueError):
    """A cell whose content cannot be used; ``message`` is the translatable sentence."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@dataclass
class Sheet:
    """``header`` is row 1, or a later one after :func:`skip_titles`; ``rows`` yields ``(row number as in the spreadsheet, cells)`` without blank rows.

    ``blemishes`` maps ``(row, column index)`` to what is wrong with a cell (formula, merged). ``height`` is
    about how many rows there are, to say how far the reading is; ``first`` is the row of the header.
    """

    header: list[str]
    rows: Iterator[tuple[int, list[Cell]]]
    blemishes: dict[tuple[int, int], Message] = field(default_factory=dict)
    height: int = 0
    first: int = 1


def read_sheet(source: BinaryIO | str | Path, filename: str) -> Sheet:
    """Open an uploaded table by its content, not its name. Raises :class:`SheetError`; so may iterating."""
    data = _bytes_of(source)
    if not data.strip():
        raise SheetError(Message(N_("The file is empty.")))
    if data.startswith(b"PK"):
        return _workbook(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError(
            Message(
                N_(
                    "“%(name)s” is an old or encrypted Excel file: save it without a password as .xlsx or .csv."
                ),
                {"name": filename[:80]},
            )
        )
    return _csv(data, filename)


def cell_text(value: Cell) -> str:
    """A cell as one line of text. Whole numbers lose Excel's ``.0``. Raises :class:`CellError`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not value.is_integer():
            return (
                format(Decimal(repr(value)), "f")
                if value == value and abs(value) != float("inf")
                else str(value)
            )
        if abs(value) >= _EXACT_INTEGER:
            raise CellError(
                Message(
                    N_(
                        "the cell holds a number with more digits than a spreadsheet keeps: format the column as text and type it again"
                    )
                )
            )
        return str(int(value))
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    text = value
    if wrapped := _TEXT_FORMULA.fullmatch(text.strip()):
        text = wrapped[1]
    text = _BLANKS.sub(" ", text).strip()
    if len(text) > MAX_CELL:
        raise CellError(Message(N_("the text is longer than %(limit)s characters"), {"limit": MAX_CELL}))
    if text.startswith("=") or text in _ERROR_VALUES:
        raise CellError(Message(N_("the cell holds a formula or its error: paste the value instead")))
    if _CONTROLS.search(text):
        raise CellError(Message(N_("the text contains control characters")))
    return text


def _bytes_of(source: BinaryIO | str | Path) -> bytes:
    if isinstance(source, (str, Path)):
        with Path(source).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    else:
        data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _too_large()
    return data


def _too_large() -> SheetError:
    return SheetError(
        Message(
            N_("The file is larger than %(limit)s MB, also unpacked: split it."),
            {"limit": MAX_BYTES // 1024 // 1024},
        )
    )


def _too_many_rows(limit: int = MAX_ROWS) -> SheetError:
    return SheetError(Message(N_("The table has more than %(limit)s rows: split it."), {"limit": limit}))


def _too_many_columns() -> SheetError:
    return SheetError(
        Message(
            N_("The table has more than %(limit)s columns: delete what lies beside it."),
            {"limit": MAX_COLUMNS},
        )
    )


def _broken() -> SheetError:
    return SheetError(
        Message(
            N_(
                "The file is damaged or no spreadsheet: open it, save it again as .xlsx or .csv and upload that."
            )
        )
    )


# CSV


def _csv(data: bytes, filename: str) -> Sheet:
    if b"\x00" in data:
        raise SheetError(
            Message(
                N_("“%(name)s” is no table: upload a CSV (UTF-8 or GB 18030) or an XLSX file."),
                {"name": filename[:80]},
            )
        )
    text = _decoded(data, filename)
    records = _records(text)
    _number, header = next(records, (1, []))
    names = [str(cell or "") for cell in header]
    if not any(cell.strip() for cell in names):
        raise SheetError(Message(N_("Row 1 is empty: it holds the names of the columns.")))
    return Sheet([cell.strip() for cell in names], records, height=text.count("\n"))


def _decoded(data: bytes, filename: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetError(
        Message(
            N_("“%(name)s” is no table: upload a CSV (UTF-8 or GB 18030) or an XLSX file."),
            {"name": filename[:80]},
        )
    )


def _records(text: str) -> Iterator[tuple[int, list[Cell]]]:
    first_line = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first_line and "," not in first_line else ","
    return _records_of(io.StringIO(text, newline=""), delimiter, MAX_ROWS)


def _records_of(stream: Iterable[str], delimiter: str, max_rows: int) -> Iterator[tuple[int, list[Cell]]]:
    reader: Iterator[list[Any]] = csv.reader(stream, delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if len(cells) > MAX_COLUMNS:
                raise _too_many_columns()
            if number > max_rows + 1:
                raise _too_many_rows(max_rows)
            if number == 1 or any(cell and not cell.isspace() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise SheetError(
            Message(
                N_("The CSV cannot be read after row %(row)s: check the quotation marks."), {"row": number}
            )
        ) from error


def stream_csv(source: IO[bytes], filename: str, *, max_rows: int) -> Sheet:
    """Open a CSV of any length (a seekable stream) without holding it: rows are read as they are asked for."""
    encoding, height = _encoding_of(source, filename)
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=encoding, newline="")
    first = text.readline()
    delimiter = "\t" if "\t" in first and "," not in first else ","
    text.seek(0)
    records = _records_of(text, delimiter, max_rows)
    _number, header = next(records, (1, []))
    names = [str(cell or "") for cell in header]
    if not any(cell.strip() for cell in names):
        raise SheetError(Message(N_("Row 1 is empty: it holds the names of the columns.")))
    return Sheet([cell.strip() for cell in names], records, height=height)


def _encoding_of(source: IO[bytes], filename: str) -> tuple[str, int]:
    """UTF-8 or GB 18030, by reading the whole stream once; and how many lines it has."""
    for encoding in ("utf-8-sig", "gb18030"):
        source.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        lines = 0
        try:
            while block := source.read(_CHUNK):
                if b"\x00" in block:
                    break
                lines += block.count(b"\n")
                decoder.decode(block)
            else:
                decoder.decode(b"", final=True)
                return encoding, lines
        except UnicodeDecodeError:
            continue
    raise SheetError(
        Message(
            N_("“%(name)s” is no table: upload a CSV (UTF-8 or GB 18030) or an XLSX file."),
            {"name": filename[:80]},
        )
    )


# XLSX


def _workbook(data: bytes) -> Sheet:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _broken() from error
    with archive:
        if any(name.lower().endswith("vbaproject.bin") for name in archive.namelist()):
            raise SheetError(
                Message(N_("The workbook has macros, which are not taken: save it as .xlsx without macros."))
            )
        marks = _inspect(archive)
        parts = _sheet_parts(archive)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        filled = [
            (name, sheet) for name in names if (sheet := book.get_sheet_by_name(name)).start is not None
        ]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise _broken() from error
    if not filled:
        raise SheetError(Message(N_("The workbook has no visible sheet with a table.")))
    if len(filled) > 1:
        raise SheetError(
            Message(
                N_("The workbook has several sheets (%(names)s): leave only the one to import."),
                {"names": ", ".join(name for name, _sheet in filled)[:200]},
            )
        )
    name, sheet = filled[0]
    if sheet.start is None or sheet.end is None:
        raise _broken()
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    if height > MAX_ROWS + 1:
        raise _too_many_rows()
    if width > MAX_COLUMNS:
        raise _too_many_columns()
    rows = sheet.iter_rows()
    header = [cell_text_or_blank(cell) for cell in next(rows, [])]
    if sheet.start[0] > 0 or not any(header):
        raise SheetError(Message(N_("Row 1 is empty: it holds the names of the columns.")))
    blemishes = marks.get(parts.get(name, ""), {})
    merged = Message(N_("the cell is merged with others: unmerge and fill each cell"))
    merged_everywhere = Message(
        N_("The sheet is full of formulas or merged cells: paste the values into a new sheet.")
    )
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        for row in range(top, min(bottom, height) + 1):
            for column in range(left, min(right, width) + 1):
                blemishes[(row + 1, column)] = merged
                if len(blemishes) > _MAX_BLEMISHES:
                    raise SheetError(merged_everywhere)
    # calamine drops nothing between the first and the last filled row, so that numbers stay those of the sheet.
    return Sheet(header, _filled_rows(rows), blemishes, height - 1)


def _filled_rows(rows: Iterable[Sequence[Cell]]) -> Iterator[tuple[int, list[Cell]]]:
    for number, cells in enumerate(rows, start=2):
        if any(
            cell is not None and cell != "" and not (isinstance(cell, str) and cell.isspace())
            for cell in cells
        ):
            yield number, list(cells)


def cell_text_or_blank(value: Cell) -> str:
    try:
        return cell_text(value)
    except CellError:
        return ""


def _inspect(archive: zipfile.ZipFile) -> dict[str, dict[tuple[int, int], Message]]:
    """Unpack every entry once under the limit; return the formula cells of each worksheet part.

    Also refuses cells far away from the table: a reader that keeps a dense grid would fill the memory.
    """
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise _too_large()
    formulas: dict[str, dict[tuple[int, int], Message]] = {}
    formula = Message(N_("the cell holds a formula or its error: paste the value instead"))
    unpacked = 0
    for entry in entries:
        may_hold_cells = not entry.filename.startswith(("xl/sharedStrings.xml", "xl/media/"))
        marks = formulas.setdefault(entry.filename, {})
        tail = b""
        try:
            with archive.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    unpacked += len(chunk)
                    if unpacked > MAX_BYTES:
                        raise _too_large()
                    if may_hold_cells:
                        window = tail + chunk
                        _refuse_far_cells(window)
                        # Looking for the tag alone first is ten times faster than for cells that hold one.
                        tagged = (b"<f" in window or b":f" in window) and _FORMULA_TAG.search(window)
                        holding = _FORMULA.finditer(window) if tagged else ()
                        for found in holding:
                            marks[(int(found[2]), _column_index(found[1]))] = formula
                        tail = window[-2_048:]
                    if len(marks) > _MAX_BLEMISHES:
                        raise SheetError(
                            Message(
                                N_(
                                    "The sheet is full of formulas or merged cells: paste the values into a new sheet."
                                )
                            )
                        )
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ) as error:
            raise _broken() from error
    return formulas


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name -> the entry of the archive that holds it."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError) as error:
        raise _broken() from error
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    parts = {}
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = targets.get(sheet.get(_LINK), "")
        parts[sheet.get("name", "")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return parts


def _refuse_far_cells(window: bytes) -> None:
    if _FAR_COLUMN.search(window):
        raise _too_many_columns()
    for pattern in (_ROW_TAG, _FAR_ROW):
        if any(int(found[1]) > MAX_ROWS + 1 for found in pattern.finditer(window)):
            raise _too_many_rows()


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters.decode("ascii").upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


MAX_ERRORS = 1_000
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class RowError:
    """One refused cell. ``row`` as in the spreadsheet (header = 1, 0 for the file as a whole); ``value`` as it stood."""

    row: int
    column: str
    value: str
    message: Message

    def sentence(self) -> Message:
        """The whole sentence with its place."""
        if self.row == 0:
            return self.message
        return Message(
            N_("Row %(row)s, %(column)s: %(problem)s"),
            {"row": self.row, "column": self.column, "problem": self.message},
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "message": self.message.to_dict(),
        }


@dataclass(slots=True)
class ImportResult(Generic[Row]):
    """``rows`` that can be taken and ``errors`` of the others; ``truncated`` when reading stopped at 1000 errors.

    ``ignored_columns`` are headings that mean nothing here, for the page to show.
    """

    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    truncated: bool = False
    ignored_columns: list[str] = field(default_factory=list)

    def refuse(self, errors: list[RowError]) -> bool:
        """Keep the mistakes of a row; whether reading goes on."""
        self.errors.extend(errors)
        self.truncated = len(self.errors) >= MAX_ERRORS
        del self.errors[MAX_ERRORS:]
        return not self.truncated


def headings_of(columns: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every way to write a heading → the column's name."""
    return {
        plain_heading(heading): name for name, synonyms in columns.items() for heading in (name, *synonyms)
    }


def skip_titles(sheet: Sheet, headings: Mapping[str, str]) -> None:
    """Let the header be the first row that reads like one, where titles stand above the table.

    Offices write the name of the table and who filled it in over the columns. A row with two known
    headings is the header; when none of the first rows has them, row 1 stays it.
    """
    if _known(sheet.header, headings) >= _HEADINGS:
        return
    above = list(islice(sheet.rows, _TITLES))
    for place, (number, cells) in enumerate(above):
        texts = [cell_text_or_blank(cell) for cell in cells]
        if _known(texts, headings) >= _HEADINGS:
            sheet.header, sheet.first = texts, number
            above = above[place + 1 :]
            break
    sheet.rows = chain(above, sheet.rows)


def _known(texts: Iterable[str], headings: Mapping[str, str]) -> int:
    return len({headings.get(plain_heading(text)) for text in texts} - {None, ""})


def find_columns(
    sheet: Sheet, headings: Mapping[str, str], required: Iterable[str], result: ImportResult[Any]
) -> dict[str, int]:
    """Where each column stands; missing and repeated ones go to ``result.errors``. Titles above are left out."""
    skip_titles(sheet, headings)
    places: dict[str, int] = {}
    for index, heading in enumerate(sheet.header):
        name = headings.get(plain_heading(heading))
        if name is None:
            if heading:
                result.ignored_columns.append(heading[:80])
        elif name in places:
            result.errors.append(
                RowError(sheet.first, name, heading[:80], Message(N_("the column occurs twice")))
            )
        else:
            places[name] = index
    for name in required:
        if name not in places:
            result.errors.append(RowError(sheet.first, name, "", Message(N_("the column is missing"))))
    return places


def read_rows(
    source: BinaryIO | str | Path,
    filename: str,
    headings: Mapping[str, str],
    required: Iterable[str],
    read: Callable[[Sheet, dict[str, int], ImportResult[Any]], None],
) -> ImportResult[Any]:
    """Read a table: ``read`` takes the sheet and the places of its columns. Never raises for bad content."""
    result: ImportResult[Any] = ImportResult()
    try:
        sheet = read_sheet(source, filename)
        places = find_columns(sheet, headings, required, result)
        if not result.errors:
            read(sheet, places, result)
    except SheetError as error:
        result.errors.append(RowError(0, "", filename[:80], error.message))
    return result


def too_many_cells(number: int, cells: list[Cell], sheet: Sheet) -> RowError | None:
    """A row that is longer than the header: its commas or quotation marks are wrong."""
    if not any(str(cell or "").strip() for cell in cells[len(sheet.header) :]):
        return None
    sentence = N_("the row has more cells than the header: check commas and quotation marks")
    return RowError(number, "", "", Message(sentence))


def plain_heading(heading: str) -> str:
    """A heading as headings are compared: half width, without blanks, in small letters."""
    return unicodedata.normalize("NFKC", heading).replace(" ", "").lower()
