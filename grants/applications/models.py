"""Applications: an organization asks for money for a project of its own design.

What is submitted is kept as a version: canonical text with its SHA-256, time-stamped by the
server. After the deadline nothing changes but through a supplement that is asked for. Verdicts of
upper floors are written down here through ``record_outcome``; the applicant's page needs nothing
from above.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.files.models import StoredFile
from core.money import Money
from grants.calls.models import Call
from registry.organizations.models import Organization

# state: draft, submitted, returned, eligible, ineligible, shortlisted, optimizing, proposed,
# in_notice, objected, awarded, rejected, withdrawn


class Application(Model):
    call_id: Mapped[int] = fk("call.id", index=False)
    agency_id: Mapped[int] = fk("agency.id", index=False)  # the call's agency: the funder's scope
    organization_id: Mapped[int] = fk("organization.id", index=False)  # the applicant's scope
    number: Mapped[str | None] = mapped_column(String(40), unique=True)  # given at submission
    state: Mapped[str] = mapped_column(String(32), default="draft")
    title: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(32), default="")
    need: Mapped[str] = mapped_column(Text, default="")
    goals: Mapped[str] = mapped_column(Text, default="")
    plan: Mapped[str] = mapped_column(Text, default="")
    risks: Mapped[str] = mapped_column(Text, default="")
    party_building: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(String(160), default="")
    beneficiaries: Mapped[int] = mapped_column(default=0)
    person_times: Mapped[int] = mapped_column(default=0)
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    leader_name: Mapped[str] = mapped_column(String(60), default="")
    leader_phone: Mapped[str] = mapped_column(String(20), default="")
    integrity_committed: Mapped[bool] = mapped_column(default=False)
    party_committed: Mapped[bool] = mapped_column(default=False)
    requested: Mapped[Money] = money_column(default=Money(0))
    own_funds: Mapped[Money] = money_column(default=Money(0))
    submitted_at: Mapped[datetime | None] = instant_column()
    submitted_by: Mapped[int | None] = fk("user_account.id", index=False)
    created_by: Mapped[int] = fk("user_account.id", index=False)
    # The one supplement (补正) that may be asked for: what is missing, until when.
    supplement_items: Mapped[str] = mapped_column(Text, default="")
    supplement_due_on: Mapped[date | None]
    # Eligibility as confirmed by a person.
    findings: Mapped[list] = mapped_column(JSON, default=list)
    eligibility_note: Mapped[str] = mapped_column(Text, default="")
    eligibility_by: Mapped[int | None] = fk("user_account.id", index=False)
    eligibility_at: Mapped[datetime | None] = instant_column()
    # Selection, written down by the floor above: score (the mean and points for awards) in hundredths, rank, money.
    score: Mapped[int | None]
    # What of the score is for awards of the register.
    award_bonus: Mapped[int] = mapped_column(default=0)
    rank: Mapped[int | None]
    proposed_amount: Mapped[Money | None] = money_column()
    # Persons who scored it: they may neither decide on it nor pay it.
    scored_by: Mapped[list] = mapped_column(JSON, default=list)

    call: Mapped[Call] = relationship()
    organization: Mapped[Organization] = relationship()
    lines: Mapped[list[BudgetLine]] = relationship(
        back_populates="application", order_by="BudgetLine.position"
    )
    versions: Mapped[list[ApplicationVersion]] = relationship(
        back_populates="application", order_by="ApplicationVersion.version"
    )
    attachments: Mapped[list[Attachment]] = relationship(
        back_populates="application", order_by="Attachment.id"
    )

    __table_args__ = (
        CheckConstraint("requested >= 0 AND own_funds >= 0", name="money_not_negative"),
        CheckConstraint("proposed_amount IS NULL OR proposed_amount <= requested", name="not_above_request"),
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="dates_order"),
        CheckConstraint(
            "state = 'draft' OR state = 'withdrawn' OR number IS NOT NULL", name="submitted_has_number"
        ),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "call_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "category", "id"),
        Index(None, "agency_id", "requested", "id"),
        Index(None, "organization_id", "call_id"),
        Index(None, "call_id", "state", "id"),
    )


class BudgetLine(Model):
    """One line of the budget table; ``code`` as in DOMAIN 3.4 (venue, supplies, transport …)."""

    application_id: Mapped[int] = fk("application.id", index=False)
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(32))
    basis: Mapped[str] = mapped_column(String(200), default="")
    grant: Mapped[Money] = money_column(default=Money(0))
    own: Mapped[Money] = money_column(default=Money(0))

    application: Mapped[Application] = relationship(back_populates="lines")

    __table_args__ = (
        UniqueConstraint("application_id", "position"),
        CheckConstraint('"grant" >= 0 AND own >= 0', name="money_not_negative"),
    )


class ApplicationVersion(Model):
    """What was submitted, word for word, with its digest: the receipt proves it."""

    application_id: Mapped[int] = fk("application.id", index=False)
    version: Mapped[int]
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[datetime] = instant_column()
    submitted_by: Mapped[int] = fk("user_account.id", index=False)

    application: Mapped[Application] = relationship(back_populates="versions")

    __table_args__ = (UniqueConstraint("application_id", "version"),)


class Attachment(Model):
    application_id: Mapped[int] = fk("application.id")
    kind: Mapped[str] = mapped_column(String(32))  # licence, audit, hosting_agreement, other
    file_id: Mapped[int] = fk("stored_file.id", index=False)

    application: Mapped[Application] = relationship(back_populates="attachments")
    file: Mapped[StoredFile] = relationship()
