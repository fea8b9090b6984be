"""Party organizations: sole, joint or functional, and how they are judged.

An organization is covered by one at a time; a sole one covers one organization. Checklists (八有、六个好)
are written once with their assessor and evidence, the latest counts. One list, one chart and one table
(一单一图一表) belong to each. The kind that eligibility reads (``PartyFacts``) is written down from here.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.files.models import StoredFile
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person

ORG_KINDS = {
    "sole": N_("own party organization"),
    "joint": N_("joint party organization"),
    "functional": N_("functional party organization"),
}
ORG_FORMS = {
    "committee": N_("party committee"),
    "general_branch": N_("general party branch"),
    "branch": N_("party branch"),
    "working_group": N_("party working group"),
}
# The eight things a party organization has (S0-02) and the six it does well (S0-03).
CHECKS = {
    "eight": {
        "flag": N_("party flag"),
        "roster": N_("roster of members"),
        "rules": N_("rules and regulations"),
        "media": N_("teaching equipment"),
        "furniture": N_("tables and chairs"),
        "computer": N_("computer"),
        "books": N_("books and materials"),
        "cabinet": N_("filing cabinet"),
    },
    "six": {
        "direction": N_("keeps the political direction"),
        "unity": N_("unites the people"),
        "cause": N_("moves the cause forward"),
        "culture": N_("builds an advanced culture"),
        "talent": N_("serves the growth of talent"),
        "self": N_("builds itself up"),
    },
}
MARKS = {
    "eight": {1: N_("there"), 0: N_("missing")},
    "six": {2: N_("done well"), 1: N_("fair"), 0: N_("weak")},
}
# One list, one chart, one table (S2-12).
PAPERS = {
    "duties": N_("list of duties of the secretary and the party workers"),
    "flow": N_("flow chart of party work"),
    "ledger": N_("performance table of the secretary and the party workers"),
}

_ALIVE = text("until IS NULL")


def once_alive(*columns: str, name: str) -> Index:
    """At most one row without an end for these columns."""
    return Index(name, *columns, unique=True, sqlite_where=_ALIVE, postgresql_where=_ALIVE)


class PartyOrg(Model):
    """A party organization: sole, joint or functional."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    form: Mapped[str] = mapped_column(String(16))
    superior: Mapped[str] = mapped_column(String(120))
    secretary_id: Mapped[int | None] = fk("person.id")
    founded_on: Mapped[date]
    until: Mapped[date | None]

    secretary: Mapped[Person | None] = relationship()
    agency: Mapped[Agency] = relationship()
    covers: Mapped[list[PartyCover]] = relationship(back_populates="party_org", order_by="PartyCover.id")

    __table_args__ = (
        CheckConstraint("until >= founded_on", name="dates_order"),
        Index(None, "agency_id", "name", "id"),
    )


class PartyCover(Model):
    """An organization belongs to a party organization, from a day to a day; to one at a time."""

    party_org_id: Mapped[int] = fk("party_org.id")
    organization_id: Mapped[int] = fk("organization.id", index=False)
    since: Mapped[date]
    until: Mapped[date | None]

    party_org: Mapped[PartyOrg] = relationship(back_populates="covers")
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "organization_id", "id"),
        once_alive("organization_id", name="uq_party_cover_living"),
    )


class PartyPaper(Model):
    """One list, one chart or one table of a party organization (一单一图一表)."""

    party_org_id: Mapped[int] = fk("party_org.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))
    dated_on: Mapped[date]
    file_id: Mapped[int] = fk("stored_file.id", index=False)

    file: Mapped[StoredFile] = relationship()

    __table_args__ = (Index(None, "party_org_id", "kind", "id"),)


class PartyCheck(Model):
    """A checklist filled in on a day by an assessor; written once, the latest counts."""

    party_org_id: Mapped[int] = fk("party_org.id", index=False)
    scheme: Mapped[str] = mapped_column(String(8))
    assessed_on: Mapped[date]
    assessor_id: Mapped[int] = fk("user_account.id", index=False)
    met: Mapped[bool]
    note: Mapped[str] = mapped_column(Text, default="")

    items: Mapped[list[PartyCheckItem]] = relationship(
        back_populates="check", order_by="PartyCheckItem.position"
    )

    __table_args__ = (
        CheckConstraint("scheme IN ('eight', 'six')", name="known_scheme"),
        Index(None, "party_org_id", "scheme", "assessed_on", "id"),
    )


class PartyCheckItem(Model):
    check_id: Mapped[int] = fk("party_check.id", index=False)
    position: Mapped[int]
    item: Mapped[str] = mapped_column(String(16))
    mark: Mapped[int]
    note: Mapped[str] = mapped_column(String(200), default="")
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)

    check: Mapped[PartyCheck] = relationship(back_populates="items")
    file: Mapped[StoredFile | None] = relationship()

    __table_args__ = (UniqueConstraint("check_id", "item"),)
