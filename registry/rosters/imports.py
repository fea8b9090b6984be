"""Reading a list of people: each row into its values, or why it is refused. The file itself is not kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import IO, Any

from sqlalchemy import or_, select

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.spreadsheets import (
    Cell,
    CellError,
    SheetError,
    cell_text,
    headings_of,
    plain_heading,
    read_sheet,
    skip_titles,
)
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.intake.imports import columns_of, kept_cell, one_of, text_of
from registry.intake.queries import headings_of_unit, units_under
from registry.intake.rules import read_day
from registry.organizations.queries import visible_organizations
from registry.persons.rules import IdentityError, check_identity
from registry.rosters import services
from registry.rosters.models import Roster
from registry.rosters.rules import (
    CERTIFICATE,
    COLUMNS,
    COVER,
    GUARDIAN,
    MAX_BYTES,
    MAX_ROWS,
    NO_CONSENT,
    NONE,
    REQUIRED,
    TIMES,
    Draft,
    plain,
    read_hours,
    read_level,
    read_phone,
    read_skills,
)
from registry.workforce import rules as workforce_rules

HEADINGS = {kind: headings_of(columns) for kind, columns in COLUMNS.items()}
KEYS = 500
"""Names of organizations that are looked up by one statement."""


def drafts_in(
    stream: IO[bytes], file_name: str, headings: Mapping[str, str], *, most: int, too_many: str
) -> tuple[bytes, list[str], list[Draft]]:
    """An uploaded table: its SHA-256, its header and its rows as they stand, titles above the header passed over.

    ``too_many`` is the sentence for more than ``most`` rows. Raises :class:`Refusal` for a file that is no table.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refusal(
            Message(
                N_("The file is larger than %(limit)s MB, also unpacked: split it."),
                {"limit": MAX_BYTES >> 20},
            ),
            status=413,
        )
    try:
        sheet = read_sheet(io.BytesIO(data), file_name)
        skip_titles(sheet, headings)
        rows = list(islice(sheet.rows, most + 1))
    except SheetError as error:
        raise Refusal(error.message) from error
    if len(rows) > most:
        raise Refusal(Message(too_many, {"limit": most}))
    width = len(sheet.header)
    drafts = [
        Draft(
            number,
            [kept_cell(cell) for cell in cells[: width + 1]],
            [
                (place, sheet.blemishes[number, place])
                for place in range(width)
                if (number, place) in sheet.blemishes
            ],
        )
        for number, cells in rows
    ]
    return hashlib.sha256(data).digest(), sheet.header, drafts


def read_roster(stream: IO[bytes], file_name: str, *, agency: Agency, kind: str, by: Any) -> Roster:
    """Read an uploaded list and keep its rows sealed. Raises :class:`Refusal` for a file that is no such table."""
    digest, header, drafts = drafts_in(
        stream,
        file_name,
        HEADINGS[kind] | headings_of_unit(agency.id, kind),
        most=MAX_ROWS,
        too_many=N_("A list of people has at most %(limit)s rows: split the table."),
    )
    roster = services.open_roster(agency, kind, file_name, digest=digest, header=header, by=by)
    _read(roster, drafts, by)
    return roster


def read_again(roster: Roster, *, by: Any) -> None:
    """Read the kept rows once more: after a column was explained, or when the register has changed."""
    services.require_open(roster)
    drafts = [Draft(item.number, item.cells, item.marks) for item in services.kept_drafts(roster)]
    _read(roster, drafts, by)


def _read(roster: Roster, drafts: list[Draft], by: Any) -> None:
    known = HEADINGS[roster.kind] | headings_of_unit(roster.agency_id, roster.kind)
    refusals: list[Message] = []
    places: dict[str, int] = {}
    unknown: list[str] = []
    try:
        places, unknown = columns_of(roster.header, known)
        if missing := [name for name in REQUIRED[roster.kind] if name not in places]:
            refusals.append(_missing(roster.kind, missing))
    except SheetError as error:
        refusals.append(error.message)
    if not drafts and not refusals:
        refusals.append(Message(N_("The table has no rows below its header: there is nothing to import.")))
    if not refusals:
        reader = _Reader(roster, places, drafts, by)
        for draft in drafts:
            reader.read(draft)
    services.keep_reading(roster, drafts, places, unknown, refusals)


def _missing(kind: str, missing: Sequence[str]) -> Message:
    words = ", ".join(COLUMNS[kind][name][0] for name in missing)
    if "consented_on" in missing or "consent_form" in missing:
        return Message(
            N_("These columns are missing: %(columns)s. A volunteer is kept with consent only (%(rule)s %(source)s)."),
            {"columns": words, "rule": "RWF-1", "source": workforce_rules.CONSENT_SOURCE},
        )  # fmt: skip
    return Message(
        N_("These columns are missing: %(columns)s. Say below which columns they are, or add them."),
        {"columns": words},
    )


class _Reader:
    """Reads the rows of one list; a mistake is kept with its row and never stops the reading."""

    def __init__(self, roster: Roster, places: Mapping[str, int], drafts: Iterable[Draft], by: Any) -> None:
        self._width = len(roster.header)
        self._places = places
        self._units = {
            plain_heading(name): number for name, (number, _code) in units_under(roster.agency).items()
        }
        self._volunteers = roster.kind == "volunteers"
        self._bodies = self._organizations(drafts, by)
        day = _day
        readers: dict[str, Callable[[Cell], Any]] = {
            "name": _name, "identity": _identity, "phone": read_phone, "organization": self._organization,
            "unit": self._unit, "post": text_of(60), "full_time": one_of(TIMES, ("yes", "no")), "since": day,
            "level": read_level, "certificate": _number, "issued_on": day, "valid_to": day, "born_on": day,
            "skills": read_skills, "registered_on": day, "consented_on": day, "consent_form": _consent_form,
            "guardian": _name, "guardian_phone": read_phone, "guardian_consented_on": day, "insurer": text_of(60),
            "policy": _number, "cover_from": day, "cover_to": day, "hours": read_hours, "hours_to": day,
        }  # fmt: skip
        self._columns = [
            (name, readers[name], places[name]) for name in COLUMNS[roster.kind] if name in places
        ]

    def read(self, draft: Draft) -> None:
        marked = dict(draft.marks)
        for name, read, place in self._columns:
            cell = draft.cells[place] if place < len(draft.cells) else None
            try:
                if place in marked:
                    raise CellError(marked[place])
                if cell is None or cell_text(cell) == "":
                    continue
                value = read(cell)
                if value is not None:
                    draft.values[name] = value
            except (CellError, IdentityError) as error:
                draft.reasons.append((name, error.message))
        if any(str(cell or "").strip() for cell in draft.cells[self._width :]):
            draft.reasons.append(
                ("", Message(N_("the row has more cells than the header: check commas and quotation marks")))
            )
        failed = {name for name, _message in draft.reasons}
        self._whole(draft, failed)
        if self._volunteers:
            self._whole_volunteer(draft, failed)
        else:
            _whole_worker(draft, failed)

    def _whole(self, draft: Draft, failed: set[str]) -> None:
        values = draft.values
        if "name" not in failed and not values.get("name"):
            draft.reasons.append(("name", Message(N_("the cell is empty"))))
        if not failed & {"identity", "phone", "certificate"} and not any(
            values.get(name) for name in ("identity", "phone", "certificate")
        ):
            draft.reasons.append(
                ("identity", Message(N_("a name alone does not say who it is: give the identity number, the mobile number or the number of a certificate")))
            )  # fmt: skip
        today = clock.today().isoformat()
        for name in ("since", "issued_on", "registered_on", "consented_on", "guardian_consented_on", "hours_to", "born_on"):  # fmt: skip
            if values.get(name, "") > today:
                draft.reasons.append((name, Message(N_("the day lies in the future"))))

    def _whole_volunteer(self, draft: Draft, failed: set[str]) -> None:
        values = draft.values
        _together(draft, COVER, failed, N_("an insurance is told with insurer, number, first and last day"))
        _together(draft, GUARDIAN, failed, N_("a guardian is told with name, mobile number and day of the consent"))  # fmt: skip
        if values.get("cover_to", "9") < values.get("cover_from", ""):
            draft.reasons.append(("cover_to", Message(N_("the insurance ends before it begins"))))
        if "identity" in values:
            born = check_identity(values["identity"]).born_on.isoformat()
            if values.setdefault("born_on", born) != born:
                draft.reasons.append(
                    ("born_on", Message(N_("the day of birth is another than in the identity number")))
                )
        if "hours" in values:
            values.setdefault("hours_to", clock.today().isoformat())
        if failed & {"consented_on", "consent_form", "born_on", *GUARDIAN}:
            return
        if "consented_on" not in values or "consent_form" not in values:
            draft.reasons.append(
                ("consented_on", _by_rule(Message(N_("a volunteer is kept with consent only: give its day and the paper or page that holds it"))))
            )  # fmt: skip

    def _organizations(self, drafts: Iterable[Draft], by: Any) -> dict[str, int | None]:
        """Name or code as the list has it -> the one organization the reader sees under it; ``None``: several."""
        place = self._places.get("organization")
        if place is None:
            return {}
        texts = sorted({
            text for draft in drafts if place < len(draft.cells) and (text := _plain_text(draft.cells[place]))
        })  # fmt: skip
        seen = visible_organizations(by).subquery()
        found: dict[str, int | None] = {}
        for start in range(0, len(texts), KEYS):
            part = texts[start : start + KEYS]
            rows = db.session.execute(
                select(seen.c.id, seen.c.name, seen.c.credit_code).where(
                    or_(seen.c.name.in_(part), seen.c.credit_code.in_([text.upper() for text in part]))
                )
            )
            for number, name, code in rows:
                for key in {name, code} - {None}:
                    found[key] = number if found.get(key, number) == number else None
        return found

    def _organization(self, cell: Cell) -> int | None:
        text = cell_text(cell)
        if plain(text) in NONE:
            return None
        number = self._bodies.get(text) or self._bodies.get(text.upper())
        if number is None:
            raise CellError(
                Message(
                    N_("no single organization of the register is called “%(name)s”: write its full name or credit code"),
                    {"name": text[:40]},
                )
            )  # fmt: skip
        return number

    def _unit(self, cell: Cell) -> int:
        text = cell_text(cell)
        found = self._units.get(plain_heading(text))
        if found is None:
            raise CellError(
                Message(N_("“%(name)s” is not the importing unit and no unit under it"), {"name": text[:40]})
            )
        return found


def _whole_worker(draft: Draft, failed: set[str]) -> None:
    values = draft.values
    if values.get("level") == "":
        # Who has no certificate is often told so in each of its cells.
        for name in CERTIFICATE:
            values.pop(name, None)
    _together(draft, CERTIFICATE, failed, N_("a certificate is told with level, number, day of issue and end of its registration"))  # fmt: skip
    if values.get("valid_to", "9") < values.get("issued_on", ""):
        draft.reasons.append(
            ("valid_to", Message(N_("the registration ends before the certificate was issued")))
        )


def _together(draft: Draft, names: Sequence[str], failed: set[str], sentence: str) -> None:
    missing = [name for name in names if not draft.values.get(name)]
    if missing and len(missing) < len(names) and not failed & set(names):
        draft.reasons.append((missing[0], Message(sentence)))


def _by_rule(message: Message) -> Message:
    return Message(
        N_("%(why)s (%(rule)s %(source)s)"),
        {"why": message, "rule": "RWF-1", "source": workforce_rules.CONSENT_SOURCE},
    )


def _plain_text(cell: Cell) -> str:
    try:
        return cell_text(cell)
    except CellError:
        return ""


def _name(cell: Cell) -> str:
    return text_of(60)(cell)


def _identity(cell: Cell) -> str:
    return check_identity(cell_text(cell)).number


def _consent_form(cell: Cell) -> str | None:
    text = text_of(120)(cell)
    return None if plain(text) in NO_CONSENT else text


def _number(cell: Cell) -> str | None:
    """The number of a paper, in capitals; nothing where the list says that there is none."""
    text = text_of(40)(cell).upper()
    return None if plain(text) in NONE else text


def _day(cell: Cell) -> str | None:
    if isinstance(cell, str) and plain(cell) in NONE:
        return None
    return read_day(cell).isoformat()
