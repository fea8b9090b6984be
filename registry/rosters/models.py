"""Rosters: lists of social workers and of volunteers brought in from the tables of offices.

A table is read in one go and never kept as a file. Each of its rows is kept sealed until the list is taken in
or thrown away, at the longest for fourteen days; open beside it stand only keyed hashes, by which a person's
own row is found again for export and erasure. Each row is judged against the register: new, a change, the
same, or refused with its reasons. Taking it in is one transaction. A unit brings in the people of its own
subtree; a human being is found by the identity number, else by the number of a certificate, else by name and
mobile number, and is never written down twice.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.text import N_
from registry.agencies.models import Agency

KINDS = {"workers": N_("Social workers"), "volunteers": N_("Volunteers")}
# state: read (may be taken in), wrong (nothing to take in), taken


class Roster(Model):
    """One list."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(200))
    # Keyed hash of the file, so that nobody finds out its content by trying.
    mark: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="read")
    header: Mapped[list] = mapped_column(JSON, default=list)
    # Columns of the table by place, and the headings that nobody knows.
    columns: Mapped[dict] = mapped_column(JSON, default=dict)
    unknown: Mapped[list] = mapped_column(JSON, default=list)
    # Why the table as a whole cannot be taken in, as messages.
    refusals: Mapped[list] = mapped_column(JSON, default=list)
    new_rows: Mapped[int] = mapped_column(default=0)
    changed_rows: Mapped[int] = mapped_column(default=0)
    same_rows: Mapped[int] = mapped_column(default=0)
    refused_rows: Mapped[int] = mapped_column(default=0)
    # The work on it; finished work is forgotten after a while.
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_by: Mapped[int | None] = fk("user_account.id", index=False)
    opened_at: Mapped[datetime] = instant_column()
    taken_by: Mapped[int | None] = fk("user_account.id", index=False)
    taken_at: Mapped[datetime | None] = instant_column()

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        CheckConstraint("state IN ('read', 'wrong', 'taken')", name="known_state"),
        CheckConstraint("kind IN ('workers', 'volunteers')", name="known_kind"),
        CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="taken_has_moment"),
        Index(None, "agency_id", "id"),
    )


class RosterRow(Model):
    """A row of a list that is not taken in yet; nothing of it can be read without the key of this instance."""

    roster_id: Mapped[int] = fk("roster.id", index=False)
    number: Mapped[int]
    action: Mapped[str] = mapped_column(String(8))
    # The person of the register, where one was found.
    person_id: Mapped[int | None] = fk("person.id")
    identity_hash: Mapped[str | None] = mapped_column(String(64))
    # Keyed hashes of name and mobile number: the person's own and a guardian's.
    contact_hash: Mapped[str | None] = mapped_column(String(64))
    guardian_hash: Mapped[str | None] = mapped_column(String(64))
    # Cells, what was read of them, reasons and changes (registry.rosters.rules.Draft).
    sealed: Mapped[str] = mapped_column(Text)

    roster: Mapped[Roster] = relationship()

    __table_args__ = (
        UniqueConstraint("roster_id", "number"),
        CheckConstraint("action IN ('new', 'changed', 'same', 'refused')", name="known_action"),
        Index(None, "roster_id", "action", "number"),
        Index(None, "identity_hash"),
        Index(None, "contact_hash"),
        Index(None, "guardian_hash"),
    )
