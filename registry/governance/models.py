"""Governance: who leads an organization, elected for how long, and whether they may.

A council and a supervisory body are elected for terms. A post is held by one person from a day to
a day; it is also an interest of that person, so that nobody judges or pays the body they lead. A
post of an official needs the approval of the official's unit. Candidates for the head of an
organization are checked before they are elected (S1-14), and the check is kept with its answers.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.organizations.models import Organization
from registry.persons.models import Person

BODIES = {"council": N_("council"), "supervisors": N_("board of supervisors")}
POSTS = {
    "chair": N_("chair"),
    "vice_chair": N_("vice chair"),
    "secretary_general": N_("secretary-general"),
    "director": N_("council member"),
    "chief_supervisor": N_("chief supervisor"),
    "supervisor": N_("supervisor"),
    "finance_head": N_("head of finance"),
}
# Leaders in the sense of the charters: their terms and age are limited.
LEADERS = ("chair", "vice_chair", "secretary_general")
SUPERVISORS = ("chief_supervisor", "supervisor")
OFFICIALS = {
    "none": N_("no official"),
    "serving": N_("serving official"),
    "retired": N_("retired official"),
}
CHECK_RESULTS = {"passed": N_("may stand"), "failed": N_("may not stand")}


class Term(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    body: Mapped[str] = mapped_column(String(16))
    number: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    __table_args__ = (
        UniqueConstraint("organization_id", "body", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("ends_on > starts_on", name="dates_order"),
    )


class Post(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    person_id: Mapped[int] = fk("person.id", index=False)
    term_id: Mapped[int | None] = fk("term.id")
    post: Mapped[str] = mapped_column(String(20))
    birth_year: Mapped[int | None]
    official: Mapped[str] = mapped_column(String(8), default="none")
    approved_by: Mapped[str] = mapped_column(String(120), default="")
    approval_document: Mapped[str] = mapped_column(String(120), default="")
    approved_on: Mapped[date | None]
    since: Mapped[date]
    until: Mapped[date | None]
    # An interest that no duty holds any more may be taken out at the person's wish.
    interest_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("interest.id", ondelete="SET NULL"), index=True
    )
    recorded_by: Mapped[int | None] = fk("user_account.id")

    organization: Mapped[Organization] = relationship()
    person: Mapped[Person] = relationship()
    term: Mapped[Term | None] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "organization_id", "since"),
        Index(None, "person_id", "until"),
    )


class CandidateCheck(Model):
    organization_id: Mapped[int] = fk("organization.id")
    person_id: Mapped[int] = fk("person.id")
    post: Mapped[str] = mapped_column(String(20))
    result: Mapped[str] = mapped_column(String(8))
    answers: Mapped[dict] = mapped_column(JSON, default=dict)
    note: Mapped[str] = mapped_column(String(400), default="")
    checked_on: Mapped[date]
    checked_by: Mapped[int | None] = fk("user_account.id")

    person: Mapped[Person] = relationship()
