"""Bringing lists in: opening, reading in steps, judging, taking in one transaction."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.bulk import write_rows
from core.db import db
from core.files.services import store
from core.spreadsheets import MAX_BYTES
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.intake.models import ImportHeading, ImportProblem, ImportRow, RegisterImport
from registry.intake.queries import (
    changed_rows,
    difference,
    differs,
    same_grade,
    units_under,
)
from registry.intake.rules import STAGED, Problem
from registry.keys.services import note
from registry.organizations.models import FormerIdentity, Grade, Organization, OrganizationChange
from registry.persons.models import Person
from registry.persons.rules import sort_key

CHUNK = 10_000
"""Rows that are kept in one transaction while a table is read."""
TRIES = 20
KEYS = 200
"""Repeated codes or names whose rows are looked up by one statement."""
MAX_PROBLEMS = 5_000
"""Rows with mistakes that are kept; a table with more is refused as a whole."""

_ROW, _PROBLEM = ImportRow.__table__, ImportProblem.__table__


# Opening ---------------------------------------------------------------------------------------


def open_import(
    stream: IO[bytes], file_name: str, *, agency: Agency, by: Actor, max_bytes: int | None = MAX_BYTES
) -> RegisterImport:
    """Keep an uploaded table as it came; nothing of it is read yet. Raises :class:`Refusal` for a file too large."""
    digest, size = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as packed:
        with (
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("table", "w", force_zip64=True) as entry,
        ):
            while block := stream.read(1 << 20):
                size += len(block)
                if max_bytes is not None and size > max_bytes:
                    raise Refusal(
                        Message(
                            N_("The file is larger than %(limit)s MB, also unpacked: split it."),
                            {"limit": max_bytes >> 20},
                        ),
                        status=413,
                    )
                digest.update(block)
                entry.write(block)
        if not size:
            raise Refusal(Message(N_("The file is empty. Choose it again.")))
        packed.seek(0)
        file = store(packed, f"{file_name[-190:]}.zip", by=by, max_bytes=None)
    batch = RegisterImport(
        agency_id=agency.id,
        file_name=file_name[-200:],
        sha256=digest.hexdigest(),
        file_id=file.id,
        opened_by=by.actor_id,
        opened_at=clock.now(),
    )
    db.session.add(batch)
    db.session.flush()
    record(batch, "uploaded", by=by, details={"file": batch.file_name, "sha256": batch.sha256})
    return batch


def remember_headings(
    agency: Agency, chosen: dict[str, str], *, list_kind: str = "organizations", by: Actor
) -> None:
    """What the columns of this unit's tables of a kind mean, by heading; "" for a column that is not used."""
    known = {
        row.heading: row
        for row in db.session.scalars(
            select(ImportHeading).where(
                ImportHeading.agency_id == agency.id, ImportHeading.list_kind == list_kind
            )
        )
    }
    for heading, name in chosen.items():
        row = known.get(heading)
        if row is None:
            db.session.add(
                ImportHeading(
                    agency_id=agency.id, list_kind=list_kind, heading=heading[:80], column_name=name
                )
            )
        else:
            row.column_name = name
    append("agency", agency.id, "headings remembered", by=by, details={"headings": chosen})
    db.session.flush()


# Rows that were read ----------------------------------------------------------------------------


def stage(number: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Keep rows that were read, as new ones until they are judged."""
    write_rows(_ROW.name, ("import_id", *STAGED, "action"), [(number, *row, "new") for row in rows])


def keep_problems(number: int, problems: Iterable[Problem]) -> None:
    values = [
        {
            "import_id": number,
            "number": problem.number,
            "cells": problem.cells,
            "reasons": [[column, message.to_dict()] for column, message in problem.reasons],
        }
        for problem in problems
    ]
    if values:
        db.session.execute(insert(_PROBLEM), values)


def forget_rows(number: int) -> None:
    for table in (_ROW, _PROBLEM):
        db.session.execute(delete(table).where(table.c.import_id == number))


# Judging ---------------------------------------------------------------------------------------


def judge(batch: RegisterImport) -> None:
    """Compare what was read with itself and with the register: which rows are new, changed, the same, or cannot be."""
    if db.session.get_bind().dialect.name == "postgresql":
        # Rows that came a moment ago are not in the statistics: the planner would take the table for empty.
        db.session.execute(text("ANALYZE import_row"))
    _refuse_repeated(batch)
    _compare(batch)


def _compare(batch: RegisterImport) -> None:
    mine = _ROW.c.import_id == batch.id
    of_code = select(Organization.id).where(Organization.credit_code == _ROW.c.credit_code).scalar_subquery()
    of_name = (
        select(func.min(Organization.id))
        .where(
            Organization.name == _ROW.c.name,
            Organization.agency_id == _ROW.c.agency_id,
            Organization.register_class == "filed",
        )
        .scalar_subquery()
    )
    known = case((_ROW.c.credit_code.is_not(None), of_code), else_=of_name)
    # Most rows of a first list are new, as they are kept: a row that stays as it is is not written again.
    db.session.execute(
        update(_ROW).where(mine, _ROW.c.organization_id.is_distinct_from(known)).values(organization_id=known)
    )
    _refuse(
        batch,
        select(ImportRow)
        .join(Organization, Organization.id == ImportRow.organization_id)
        .where(
            Organization.agency_id.not_in([number for number, _code in units_under(batch.agency).values()])
        ),
        "credit_code",
        Message(N_("An organization with this credit code is already on the register.")),
    )
    _refuse(
        batch,
        select(ImportRow).where(
            ImportRow.organization_id.is_(None),
            ImportRow.registered_on.is_(None),
            ImportRow.register_class != "filed",
        ),
        "registered_on",
        Message(N_("Give the day of registration: eligibility counts the months from it.")),
    )
    changes = select(Organization.id).where(Organization.id == ImportRow.organization_id, differs()).exists()
    action = case((ImportRow.organization_id.is_(None), "new"), (changes, "changed"), else_="same")
    db.session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == batch.id, ImportRow.action != action)
        .values(action=action)
        .execution_options(synchronize_session=False)
    )
    counts: dict[str, int] = dict(
        db.session.execute(select(_ROW.c.action, func.count()).where(mine).group_by(_ROW.c.action)).all()  # type: ignore[arg-type]
    )
    batch.new_rows, batch.changed_rows = counts.get("new", 0), counts.get("changed", 0)
    batch.same_rows = counts.get("same", 0)
    batch.wrong_rows = db.session.scalar(select(func.count()).where(_PROBLEM.c.import_id == batch.id)) or 0
    batch.state = "read" if batch.new_rows or batch.changed_rows or batch.same_rows else "wrong"
    if batch.state == "wrong" and not batch.wrong_rows:
        batch.refusals = [
            Message(N_("The table has no rows below its header: there is nothing to import.")).to_dict()
        ]
    db.session.flush()


def _refuse_repeated(batch: RegisterImport) -> None:
    """Of several rows about one organization the first stands.

    What is repeated is read from an index in its order; only those rows are looked at.
    """
    for column, identity, wanted in (
        ("credit_code", (ImportRow.credit_code,), ImportRow.credit_code.is_not(None)),
        ("name", (ImportRow.agency_id, ImportRow.name), ImportRow.credit_code.is_(None)),
    ):
        mine = (ImportRow.import_id == batch.id, wanted)
        repeated = db.session.execute(
            select(*identity)
            .where(*mine)
            .group_by(*identity)
            .having(func.count() > 1)
            .limit(MAX_PROBLEMS + 1)
        ).all()
        _few_enough(repeated)
        further: list[tuple[ImportRow, int]] = []
        for start in range(0, len(repeated), KEYS):
            keys = [tuple(key) for key in repeated[start : start + KEYS]]
            firsts: dict[tuple[Any, ...], int] = {}
            for row in db.session.scalars(
                select(ImportRow).where(*mine, tuple_(*identity).in_(keys)).order_by(ImportRow.number)
            ):
                first = firsts.setdefault(tuple(getattr(row, part.key) for part in identity), row.number)
                if first != row.number:
                    further.append((row, first))
            _few_enough(further)
        for row, first in further:
            _leave_out(
                row, column, Message(N_("the same organization stands in row %(first)s"), {"first": first})
            )
    db.session.flush()


def _few_enough(rows: Sequence[Any]) -> None:
    if len(rows) > MAX_PROBLEMS:
        raise Refusal(
            Message(
                N_("More than %(limit)s rows have mistakes: look whether the columns are read rightly."),
                {"limit": MAX_PROBLEMS},
            )
        )


def _refuse(batch: RegisterImport, rows: Any, column: str, message: Message) -> None:
    found = db.session.scalars(
        rows.where(ImportRow.import_id == batch.id).order_by(ImportRow.number).limit(MAX_PROBLEMS + 1)
    ).all()
    _few_enough(found)
    for row in found:
        _leave_out(row, column, message)
    db.session.flush()


def _leave_out(row: ImportRow, column: str, message: Message) -> None:
    """A row that was read well and cannot be taken all the same: its values stand for its cells."""
    batch = db.session.get_one(RegisterImport, row.import_id)
    cells: list[Any] = [None] * (max(batch.columns.values(), default=0) + 1)
    for name, place in batch.columns.items():
        cells[place] = _plain(getattr(row, name, None))
    db.session.add(
        ImportProblem(
            import_id=row.import_id, number=row.number, cells=cells, reasons=[[column, message.to_dict()]]
        )
    )
    db.session.delete(row)


# Taking ----------------------------------------------------------------------------------------


def take_import(number: int, *, by: Actor) -> RegisterImport:
    """Bring the rows of a read table into the register, all in the present transaction.

    Raises :class:`Refusal` when it was taken already, or when the register has changed since the table was
    read so that other rows would be new or changed.
    """
    batch = db.session.scalar(
        select(RegisterImport).where(RegisterImport.id == number).with_for_update().execution_options(populate_existing=True)
    )  # fmt: skip
    if batch is None or batch.state not in ("read", "taken"):
        raise Refusal(
            Message(N_("There is nothing to take of this table: look at its mistakes.")), status=409
        )
    if batch.state == "taken":
        raise Refusal(Message(N_("This table was taken already.")), status=409)
    before = (batch.new_rows, batch.changed_rows, batch.same_rows)
    _compare(batch)
    if (batch.new_rows, batch.changed_rows, batch.same_rows) != before:
        raise Refusal(
            Message(N_("The register has changed since this table was read. Read it again and compare.")),
            status=409,
        )
    _enter_people(batch)
    organization = _assign(batch)
    _change(batch, by)
    _enter(batch, organization, by)
    _grade(batch, organization)
    note(
        select(organization).where(ImportRow.import_id == batch.id, ImportRow.action.in_(("new", "changed")))
    )
    batch.state, batch.taken_by, batch.taken_at = "taken", by.actor_id, clock.now()
    db.session.flush()
    record(
        batch,
        "taken",
        by=by,
        details={
            "file": batch.file_name,
            "sha256": batch.sha256,
            "new": batch.new_rows,
            "changed": batch.changed_rows,
            "same": batch.same_rows,
            "left_out": batch.wrong_rows,
        },
    )
    return batch


def _enter_people(batch: RegisterImport) -> None:
    """The legal representatives who are not known by name and telephone, each once, some thousands at a time."""
    last = 0
    while True:
        rows = db.session.execute(
            select(ImportRow.number, ImportRow.leader, ImportRow.leader_phone, _known_person())
            .where(*_with_leader(batch), ImportRow.number > last)
            .order_by(ImportRow.number)
            .limit(CHUNK)
        ).all()
        if not rows:
            return
        last = rows[-1].number
        missing = {(name, phone) for _number, name, phone, known in rows if known is None}
        write_rows(
            Person.__tablename__,
            ("name", "phone", "title", "sort_key"),
            [(name, phone, "", sort_key(name, personal=True)) for name, phone in sorted(missing)],
        )


def _with_leader(batch: RegisterImport) -> tuple[Any, ...]:
    return (
        ImportRow.import_id == batch.id,
        ImportRow.action.in_(("new", "changed")),
        ImportRow.leader != "",
        ImportRow.leader_phone != "",
    )


def _known_person() -> Any:
    """Who bears the name and has the telephone that a row gives."""
    return (
        select(func.min(func.coalesce(Person.merged_into_id, Person.id)))
        .where(Person.name == ImportRow.leader, Person.phone == ImportRow.leader_phone)
        .correlate(ImportRow)
        .scalar_subquery()
    )


def _assign(batch: RegisterImport) -> Any:
    """Numbers for the new organizations: those of their rows after one number, so that nothing has to be written
    down for each. The leaders of changed ones are looked up. Returns the number of a row's organization.
    """
    last = db.session.scalar(
        select(func.max(ImportRow.number)).where(ImportRow.import_id == batch.id, ImportRow.action == "new")
    )
    if last is not None:
        batch.numbers_after = _numbers(last)
        batch.numbers_to = batch.numbers_after + last
    db.session.execute(
        update(ImportRow)
        .where(*_with_leader(batch), ImportRow.action == "changed")
        .values(person_id=_known_person())
        .execution_options(synchronize_session=False)
    )
    return case(
        (ImportRow.action == "new", ImportRow.number + literal(batch.numbers_after or 0, BigInteger())),
        else_=ImportRow.organization_id,
    )


def _numbers(count: int) -> int:
    """The number after which so many are kept for us."""
    if db.session.get_bind().dialect.name != "postgresql":
        # The write lock is held: nobody else takes a number in between.
        return db.session.scalar(select(func.max(Organization.id))) or 0
    series = func.generate_series(1, count).table_valued("place")
    taken = (
        select(func.nextval(func.pg_get_serial_sequence("organization", "id")).label("number"))
        .select_from(series)
        .subquery()
    )
    for _ in range(TRIES):
        first, last = db.session.execute(select(func.min(taken.c.number), func.max(taken.c.number))).one()
        # Somebody who registers a body at this moment takes a number of the row: then the next ones are asked for.
        if last - first + 1 == count:
            return int(first) - 1
    raise Refusal(
        Message(N_("Others are entering organizations at this moment. Take the table again.")), status=409
    )


def _enter(batch: RegisterImport, organization: Any, by: Actor) -> None:
    row = _ROW.c
    values = {
        "id": organization, "agency_id": row.agency_id, "kind": row.kind, "register_class": row.register_class,
        "name": row.name, "sort_key": literal(""), "credit_code": row.credit_code, "division_code": row.division_code,
        "registered_on": row.registered_on, "status": case((row.status == "", "normal"), else_=row.status),
        "under_investigation": literal(False), "legal_representative_id": case((row.leader_phone != "", _known_person())),
        "business_scope": row.business_scope, "address": row.address, "phone": row.phone,
        "recorded_by": literal(by.actor_id, Organization.__table__.c.recorded_by.type),
    }  # fmt: skip
    columns = [*values, "fields"]
    fields: Any = case((row.fields == "", "[]"), else_=row.fields)
    if db.session.get_bind().dialect.name == "postgresql":
        fields = cast(fields, JSON)
    db.session.execute(
        insert(Organization.__table__).from_select(
            columns,
            select(*values.values(), fields).where(row.import_id == batch.id, row.action == "new"),
            include_defaults=False,
        )
    )


def _change(batch: RegisterImport, by: Actor) -> None:
    """Each changed field is a row of the change history; the entry has to be verified anew."""
    now, today, last = clock.now(), clock.today(), 0
    while True:
        rows = db.session.execute(
            changed_rows(batch).where(ImportRow.number > last).order_by(ImportRow.number).limit(1_000)
        ).all()
        if not rows:
            return
        last = rows[-1][0].number
        changes: list[dict[str, Any]] = []
        former: list[dict[str, Any]] = []
        for row, organization in rows:
            values: dict[str, Any] = {"verified_by": None, "recorded_by": by.actor_id}
            for name, old, new in difference(row, organization).fields:
                changes.append(
                    {
                        "organization_id": organization.id, "field": name, "old": _plain(old), "new": _plain(new),
                        "source": "import", "evidence": batch.file_name, "changed_at": now, "changed_by": by.actor_id,
                    }
                )  # fmt: skip
                if name == "name":
                    # What similar names share is made anew by the room of double entries.
                    values |= {"name_key": "", "sound_key": ""}
                    former.append(
                        {"organization_id": organization.id, "kind": "name", "value": old, "until": today}
                    )
                if name == "leader":
                    values["legal_representative_id"] = row.person_id
                elif name != "grade":
                    values[name] = new
            db.session.execute(
                update(Organization.__table__)
                .where(Organization.__table__.c.id == organization.id)
                .values(**values)
            )
        db.session.execute(insert(OrganizationChange), changes)
        if former:
            db.session.execute(insert(FormerIdentity), former)
        db.session.expire_all()


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _grade(batch: RegisterImport, organization: Any) -> None:
    db.session.execute(
        insert(Grade.__table__).from_select(
            ["organization_id", "grade", "valid_from", "valid_to"],
            select(organization, ImportRow.grade, ImportRow.grade_from, ImportRow.grade_to).where(
                ImportRow.import_id == batch.id,
                ImportRow.action.in_(("new", "changed")),
                ImportRow.grade.is_not(None),
                ~same_grade(ImportRow),
            ),
        )
    )


def read_again(batch: RegisterImport, *, by: Actor) -> None:
    """Forget what was read of a table that is not taken; it will be read from the start."""
    if batch.state == "taken":
        raise Refusal(Message(N_("This table was taken already.")), status=409)
    forget_rows(batch.id)
    batch.state, batch.read_to, batch.wrong_rows, batch.refusals = "reading", 0, 0, []
    batch.new_rows = batch.changed_rows = batch.same_rows = 0
    db.session.flush()


def discard_import(batch: RegisterImport, *, by: Actor) -> None:
    """Forget a table that was not taken."""
    if batch.state == "taken":
        raise Refusal(Message(N_("This table was taken already.")), status=409)
    append("register_import", batch.id, "discarded", by=by, details={"file": batch.file_name})
    forget_rows(batch.id)
    db.session.delete(batch)
    db.session.flush()
