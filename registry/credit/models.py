"""Credit: what stands against an organization, with the days it holds.

The lists (abnormal activity, serious dishonesty, dormant bodies) with in and out dates, penalties, and
the bars that follow from failed projects. Every final grade is recorded here from above, so that
eligibility reads it without looking up (社会组织信用信息管理办法). Periods of one list never overlap, says
the database. Going on a list takes three people, as does being taken off: proposed or examined by a clerk,
looked at by a reviewing officer, decided by the leader. Adverse records of initiators
belong to the person, whatever organization they lead next.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, money_column
from core.money import Money
from core.text import N_
from registry.organizations.models import Organization
from registry.persons.models import Person

KINDS = {
    "abnormal_list": N_("list of abnormal activity"),
    "dishonesty_list": N_("list of serious violation and dishonesty"),
    "zombie_list": N_("list of dormant organizations"),
    "penalty": N_("administrative penalty"),
    "major_violation": N_("major violation"),
    "project_failed": N_("project failed"),
    "project_grade": N_("final grade of a project"),
    "commitment_breach": N_("broken commitment"),
}
# What has a day in and a day out, one period at a time.
LISTS = ("abnormal_list", "dishonesty_list", "zombie_list")
PENALTIES = {
    "warning": N_("warning"),
    "fine": N_("fine"),
    "confiscation": N_("confiscation"),
    "suspension": N_("activities suspended"),
    "revocation": N_("registration revoked"),
}
ADVERSE_KINDS = {
    "illegal_body": N_("started an illegal organization"),
    "revoked_body": N_("led an organization whose registration was revoked"),
    "false_papers": N_("registered with false papers"),
    "diverted_money": N_("diverted an organization's money"),
    "other": N_("other adverse record"),
}

_OPEN = "removed_on IS NULL AND kind IN ('abnormal_list', 'dishonesty_list', 'zombie_list')"
_ALIVE = "state IN ('applied', 'examined', 'verified')"
_WAITING = "state IN ('proposed', 'reviewed')"


class CreditEntry(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(24))
    entered_on: Mapped[date]
    removed_on: Mapped[date | None]
    grounds: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200), default="")
    grade: Mapped[str] = mapped_column(String(16), default="")
    penalty: Mapped[str] = mapped_column(String(16), default="", server_default="")
    fine: Mapped[Money | None] = money_column()
    recorded_by: Mapped[int | None] = fk("user_account.id")

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("removed_on IS NULL OR removed_on >= entered_on", name="dates_order"),
        Index(None, "organization_id", "kind", "entered_on"),
        # The lists as pages show them: what stands, by kind, the youngest first.
        Index("ix_credit_entry_kind", "kind", "removed_on", "entered_on", "id"),
        Index(
            "uq_credit_entry_open_period",
            "organization_id",
            "kind",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
    )


class CreditProposal(Model):
    """An entry that one person proposes, another reviews and the leader confirms."""

    # state: proposed, reviewed, confirmed, refused
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(24))
    finding: Mapped[dict] = mapped_column(JSON)
    grounds: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(16), default="proposed")
    proposed_by: Mapped[int] = fk("user_account.id", index=False)
    proposed_on: Mapped[date]
    reviewed_by: Mapped[int | None] = fk("user_account.id", index=False)
    reviewed_on: Mapped[date | None]
    decided_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_on: Mapped[date | None]
    entry_id: Mapped[int | None] = fk("credit_entry.id", index=False)

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint(
            "reviewed_by IS NULL OR (reviewed_by <> proposed_by AND (decided_by IS NULL OR reviewed_by <> decided_by))",
            name="three_people",
        ),
        Index(None, "agency_id", "state", "id"),
        Index(
            "uq_credit_proposal_waiting",
            "organization_id",
            "kind",
            unique=True,
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
    )


class CreditRemoval(Model):
    """An application to be taken off, with its proof; examined, verified and decided by three people."""

    # state: applied, examined, verified, granted, refused
    agency_id: Mapped[int] = fk("agency.id", index=False)
    entry_id: Mapped[int] = fk("credit_entry.id", index=False)
    reason: Mapped[str] = mapped_column(Text)
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    state: Mapped[str] = mapped_column(String(16), default="applied")
    applied_by: Mapped[int] = fk("user_account.id", index=False)
    applied_on: Mapped[date]
    examined_by: Mapped[int | None] = fk("user_account.id", index=False)
    # The day the correction was verified: the days for taking it off count from it.
    examined_on: Mapped[date | None]
    opinion: Mapped[str] = mapped_column(Text, default="")
    verified_by: Mapped[int | None] = fk("user_account.id", index=False)
    verified_on: Mapped[date | None]
    decided_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_on: Mapped[date | None]

    entry: Mapped[CreditEntry] = relationship()

    __table_args__ = (
        CheckConstraint(
            "decided_by IS NULL OR (decided_by <> examined_by AND decided_by <> applied_by)",
            name="two_people",
        ),
        CheckConstraint(
            "verified_by IS NULL OR (verified_by <> examined_by AND verified_by <> applied_by"
            " AND (decided_by IS NULL OR verified_by <> decided_by))",
            name="three_people",
        ),
        Index(None, "agency_id", "state", "id"),
        Index(
            "uq_credit_removal_alive",
            "entry_id",
            unique=True,
            sqlite_where=text(_ALIVE),
            postgresql_where=text(_ALIVE),
        ),
    )


class AdverseRecord(Model):
    """What stands against a person who starts or leads organizations (发起人不良记录)."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organization_id: Mapped[int | None] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(24))
    entered_on: Mapped[date]
    removed_on: Mapped[date | None]
    grounds: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200), default="")
    recorded_by: Mapped[int] = fk("user_account.id", index=False)
    removed_by: Mapped[int | None] = fk("user_account.id", index=False)
    removal_reason: Mapped[str] = mapped_column(Text, default="")

    person: Mapped[Person] = relationship()
    organization: Mapped[Organization | None] = relationship()

    __table_args__ = (
        CheckConstraint("removed_on IS NULL OR removed_on >= entered_on", name="dates_order"),
        CheckConstraint("removed_by IS NULL OR removed_by <> recorded_by", name="two_people"),
        Index(None, "agency_id", "id"),
    )
