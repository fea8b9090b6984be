"""Keys: by what organizations are found and sorted, at the size of a province.

Every organization has one entry with its search and sort keys and its marks (kind, standing, grade in
force, list, party form, division …), which are always what the facts of the rooms below give: they are
written in the transaction that changes a fact, or wait in the backlog for a job. Entries stand on
shelves in the order of the register, at most 8,192 to a shelf, each at a place of its own. For each
term (a mark, two signs of a name, of its initials or of a code) and shelf a row says which places have
it. Any number of conditions is then an intersection of a few hundred short bit strings, with its
exact count, whether it finds half of the register or nothing.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, db, fk

# Of an entry: in the order of its shelf, put there later, or not on a shelf yet.
SORTED, LATE, WAITING = 0, 1, 2


class DirectoryShelf(Model):
    """A part of the register's order, from its first key to the first key of the next shelf."""

    first_key: Mapped[str] = mapped_column(String(160))
    first_id: Mapped[int] = mapped_column(BigInteger)
    # Places below ``in_order`` are in the order of the register, those from there to ``used`` came later.
    in_order: Mapped[int]
    used: Mapped[int]

    __table_args__ = (
        CheckConstraint("in_order >= 0 AND in_order <= used AND used <= 8192", name="places_fit"),
        Index(None, "first_key", "first_id"),
    )


class DirectoryEntry(db.Model):  # type: ignore[name-defined,misc]
    """One organization as it is found: ``place`` is its shelf times 8,192 and the place there."""

    organization_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("organization.id"), primary_key=True, autoincrement=False
    )
    place: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    standing: Mapped[int]
    sort_key: Mapped[str] = mapped_column(String(160))
    # Folded: half width, small letters; former names stand behind it, each on a line of its own.
    name: Mapped[str] = mapped_column(Text)
    initials: Mapped[str] = mapped_column(String(160))
    code: Mapped[str] = mapped_column(Text)
    # The terms that are no part of a text, with blanks between, in order.
    marks: Mapped[str] = mapped_column(Text)
    # The day on which the marks change by themselves: a grade ends, a listing begins.
    renew_on: Mapped[date | None] = mapped_column(Date, index=True)

    __table_args__ = (
        CheckConstraint("(place IS NULL) = (standing = 2)", name="waiting_has_no_place"),
        Index(None, "sort_key", "organization_id"),
        Index(
            "ix_directory_entry_waiting",
            "sort_key",
            "organization_id",
            sqlite_where=text("place IS NULL"),
            postgresql_where=text("place IS NULL"),
        ),
    )


class DirectoryPosting(db.Model):  # type: ignore[name-defined,misc]
    """Which places of a shelf have a term: up to 64 numbers of two bytes, or 8,192 bits."""

    term: Mapped[str] = mapped_column(String(40), primary_key=True)
    shelf_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("directory_shelf.id"), primary_key=True, index=True
    )
    places: Mapped[bytes] = mapped_column(LargeBinary)


class DirectoryDivision(db.Model):  # type: ignore[name-defined,misc]
    """A division in which an organization has ever been, with the one above it."""

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    parent: Mapped[str] = mapped_column(String(12), index=True)


class DirectoryBacklog(Model):
    """An organization whose entry follows in a job: it came, or changed, with many others. May stand twice."""

    organization_id: Mapped[int] = fk("organization.id")
