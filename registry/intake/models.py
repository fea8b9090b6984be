"""Intake: lists of organizations brought in from the tables of offices, whole or not at all.

A table is read into rows of its own, some thousands at a time; nothing of it is in the register yet, and
a reading that was killed goes on where it stopped. What cannot be read is kept with its reasons and
left out. Then it is judged against the register: what is new, what changes an entry with the same
code, what is the same. Taking it is one transaction. A unit brings in the organizations of its own
subtree; what its columns are called is remembered for it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.files.models import StoredFile
from registry.agencies.models import Agency

# state: reading, read (may be taken), wrong (nothing to take), taken


class RegisterImport(Model):
    """One table."""

    agency_id: Mapped[int] = fk("agency.id")
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    # The table as it came, packed.
    file_id: Mapped[int] = fk("stored_file.id", index=False)
    state: Mapped[str] = mapped_column(String(16), default="reading")
    # The number of the last row that is kept below; reading goes on after it.
    read_to: Mapped[int] = mapped_column(BigInteger, default=0)
    # Columns of the table by place, and the headings that nobody knows.
    columns: Mapped[dict] = mapped_column(JSON, default=dict)
    unknown: Mapped[list] = mapped_column(JSON, default=list)
    # Why the table as a whole cannot be read, as messages.
    refusals: Mapped[list] = mapped_column(JSON, default=list)
    new_rows: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_rows: Mapped[int] = mapped_column(BigInteger, default=0)
    same_rows: Mapped[int] = mapped_column(BigInteger, default=0)
    wrong_rows: Mapped[int] = mapped_column(BigInteger, default=0)
    # A new organization got the number of its row plus the first; the second is the last number given.
    numbers_after: Mapped[int | None] = mapped_column(BigInteger, index=True)
    numbers_to: Mapped[int | None] = mapped_column(BigInteger)
    # The work on it; finished work is forgotten after a while.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_by: Mapped[int | None] = fk("user_account.id", index=False)
    opened_at: Mapped[datetime] = instant_column()
    taken_by: Mapped[int | None] = fk("user_account.id", index=False)
    taken_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()
    file: Mapped[StoredFile] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('reading', 'read', 'wrong', 'taken')", name="known_state"),
        CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="taken_has_moment"),
        Index(None, "agency_id", "id"),
    )


class ImportRow(Model):
    """A row that can be taken. Empty text and ``NULL`` mean that the cell was empty or there was no column."""

    import_id: Mapped[int] = fk("register_import.id", index=False)
    number: Mapped[int]
    # new (also until judged), changed, same
    action: Mapped[str] = mapped_column(String(8), default="new")
    # The organization with the same code.
    organization_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    agency_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(120))
    credit_code: Mapped[str | None] = mapped_column(String(18))
    kind: Mapped[str] = mapped_column(String(32))
    register_class: Mapped[str] = mapped_column(String(16))
    division_code: Mapped[str] = mapped_column(String(12))
    registered_on: Mapped[date | None] = mapped_column(Date)
    status: Mapped[str] = mapped_column(String(16))
    leader: Mapped[str] = mapped_column(String(60))
    leader_phone: Mapped[str] = mapped_column(String(20))
    business_scope: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(20))
    grade: Mapped[int | None]
    grade_from: Mapped[date | None] = mapped_column(Date)
    grade_to: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        UniqueConstraint("import_id", "number"),
        Index(None, "import_id", "credit_code"),
        # A filed organization is known by its name.
        Index(
            None,
            "import_id",
            "agency_id",
            "name",
            sqlite_where=text("credit_code IS NULL"),
            postgresql_where=text("credit_code IS NULL"),
        ),
        Index(None, "import_id", "action", "number"),
    )


class ImportProblem(Model):
    """A row that cannot be taken: its cells as they stood, and what is wrong with which."""

    import_id: Mapped[int] = fk("register_import.id", index=False)
    number: Mapped[int]
    cells: Mapped[list[Any]] = mapped_column(JSON)
    # [column or "", message as stored by core.text.Message.to_dict()]
    reasons: Mapped[list[Any]] = mapped_column(JSON)

    __table_args__ = (UniqueConstraint("import_id", "number"),)


class ImportHeading(Model):
    """What a unit's own name of a column means in lists of one kind."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    # organizations, workers, volunteers
    list_kind: Mapped[str] = mapped_column(
        String(16), default="organizations", server_default="organizations"
    )
    heading: Mapped[str] = mapped_column(String(80))
    column_name: Mapped[str] = mapped_column(String(32))

    __table_args__ = (UniqueConstraint("agency_id", "list_kind", "heading"),)
