"""Reading a table of facts: each row into what it says of which organization, or why it cannot be taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any

from core.spreadsheets import Cell, CellError, SheetError, cell_text, headings_of
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.factsheets import services
from registry.factsheets.models import FactSheet
from registry.factsheets.rules import (
    ACTIVITIES,
    COLUMNS,
    DIRECT,
    FOUNDED,
    MAX_ROWS,
    PARTY_KINDS,
    RESULTS,
    STAFF,
    read_wan,
    read_whole,
    read_year,
    read_yes,
    read_yuan,
    year_of_heading,
)
from registry.intake.imports import columns_of, one_of, text_of
from registry.intake.queries import headings_of_unit
from registry.intake.rules import read_day
from registry.organizations import models as words
from registry.organizations.rules import CodeError, check_credit_code
from registry.rosters.imports import drafts_in
from registry.rosters.rules import Draft

HEADINGS = headings_of(COLUMNS)
LIST_KIND = "facts"


def _day(cell: Cell) -> str:
    return read_day(cell).isoformat()


READERS: dict[str, Callable[[Cell], Any]] = {
    "credit_code": lambda cell: check_credit_code(cell_text(cell)).code, "name": text_of(120), "year": read_year,
    "inspection": one_of(RESULTS, words.INSPECTION_RESULTS), **dict.fromkeys(STAFF, read_whole),
    "full_members": read_whole, "party_org_kind": one_of(PARTY_KINDS, words.PARTY_ORGANIZATIONS),
    "party_in_charter": read_yes, "community_type": one_of(ACTIVITIES, words.COMMUNITY_TYPES),
    "direct_class": one_of(DIRECT, words.DIRECT_CLASSES), "activity_area": text_of(120), "member_count": read_whole,
    "founding": one_of(FOUNDED, words.FOUNDINGS), "filed_on": _day, "filing_number": text_of(60), "capital": read_yuan, "capital_wan": read_wan,
    "certificate_from": _day, "certificate_to": _day, "charter_on": _day, "supervising_unit": text_of(120),
}  # fmt: skip


def read_facts(stream: IO[bytes], file_name: str, *, agency: Agency, by: Any) -> FactSheet:
    """Read an uploaded table and keep its rows. Raises :class:`Refusal` for a file that is no such table."""
    digest, header, drafts = drafts_in(
        stream,
        file_name,
        headings_of_facts(agency.id),
        most=MAX_ROWS,
        too_many=N_("A table of facts has at most %(limit)s rows: split it."),
    )
    facts = services.open_sheet(agency, file_name, digest=digest.hex(), header=header, by=by)
    _read(facts, drafts, by)
    return facts


def read_again(sheet: FactSheet, *, by: Any) -> None:
    """Read the kept rows once more: after a column was explained, or when the register has changed."""
    services.require_open(sheet)
    _read(sheet, [Draft(item.number, item.cells, item.marks) for item in services.kept_drafts(sheet)], by)


class Headings(dict[str, str]):
    """The usual headings and the unit's own; a heading that names a year's inspection is known too."""

    def get(self, heading: str, default: Any = None) -> Any:
        """The column of a heading as :func:`core.spreadsheets.plain_heading` has it."""
        found = super().get(heading)
        if found is None and (year := year_of_heading(heading)) is not None:
            return f"inspection@{year}"
        return default if found is None else found


def headings_of_facts(agency_id: int) -> Headings:
    """What a unit's columns are read as."""
    return Headings(HEADINGS | headings_of_unit(agency_id, LIST_KIND))


def _read(sheet: FactSheet, drafts: list[Draft], by: Any) -> None:
    refusals: list[Message] = []
    places: dict[str, int] = {}
    unknown: list[str] = []
    try:
        places, unknown = columns_of(sheet.header, headings_of_facts(sheet.agency_id))
        if not {"credit_code", "name"} & set(places):
            refusals.append(
                Message(
                    N_(
                        "Neither a column of credit codes nor one of names is found: say below which it is, or add one."
                    )
                )
            )
        elif not set(places) - {"credit_code", "name", "year"}:
            refusals.append(
                Message(
                    N_(
                        "No column with a fact is found: say below what the columns hold, or choose another table."
                    )
                )
            )
    except SheetError as error:
        refusals.append(error.message)
    if not drafts and not refusals:
        refusals.append(Message(N_("The table has no rows below its header: there is nothing to import.")))
    if not refusals:
        for draft in drafts:
            _row(draft, places)
    services.keep_reading(sheet, drafts, places, unknown, refusals, by=by)


def _row(draft: Draft, places: Mapping[str, int]) -> None:
    found: dict[str, Any] = {}
    marked = dict(draft.marks)
    for column, place in places.items():
        cell = draft.cells[place] if place < len(draft.cells) else None
        try:
            if place in marked:
                raise CellError(marked[place])
            if cell is not None and cell_text(cell) != "":
                found[column] = READERS[column.partition("@")[0]](cell)
        except (CellError, CodeError) as error:
            draft.reasons.append((column, error.message))
    _together(draft, found)


def _together(draft: Draft, found: dict[str, Any]) -> None:
    """What the row says, each fact under its own name: of a year where it is told for a year."""
    year = found.pop("year", None)
    wan = found.pop("capital_wan", None)
    if wan is not None:
        found.setdefault("capital", wan)
    failed = {column for column, _message in draft.reasons}
    for column in ("inspection", *STAFF):
        if column not in found:
            continue
        value = found.pop(column)
        if year is not None:
            found[f"{column}@{year}"] = value
        elif "year" not in failed:
            draft.reasons.append(
                ("year", Message(N_("say of which year this is: add a column “%(column)s”"), {"column": COLUMNS["year"][0]}))
            )  # fmt: skip
    if not {"credit_code", "name"} & set(found) and not {"credit_code", "name"} & failed:
        draft.reasons.append(("name", Message(N_("the row names no organization"))))
    draft.values = found
