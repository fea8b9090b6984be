"""Hosting (资金代管): a registered body keeps the money of one that has no account of its own.

A tripartite agreement (funder, host, hosted) names the fee. Each hosted project has its own accounts
in the ledger: what came in, what is held, spent, kept as fee and returned. Money moves only between
the accounts of one project, and none goes below zero: one project never pays for another. Every
outflow is signed by the hosted body's leader and by the host's finance, two people; the database
refuses a transfer that touches two hosted projects. The host reports every month. When hosting ends,
what is left goes back to the funder, whose finance confirms that it arrived.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Commitment
from finance.disbursements.models import Disbursement
from registry.organizations.models import Organization

# agreement state: drafted, signed_by_hosted, signed_by_host, running, ending, ended
# outflow state: requested, signed_by_hosted, signed, refused, received (money given back has arrived)


class Hosting(Model):
    """The tripartite agreement; ``fee_points`` is the host's fee in hundredths of a percent."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    host_id: Mapped[int] = fk("organization.id")
    hosted_id: Mapped[int] = fk("organization.id")
    number: Mapped[str] = mapped_column(String(60), unique=True)
    fee_points: Mapped[int] = mapped_column(default=0)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(24), default="drafted")
    drafted_by: Mapped[int] = fk("user_account.id", index=False)
    hosted_signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    host_signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    funder_signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    end_reason: Mapped[str] = mapped_column(Text, default="")

    host: Mapped[Organization] = relationship(foreign_keys="Hosting.host_id")
    hosted: Mapped[Organization] = relationship(foreign_keys="Hosting.hosted_id")
    projects: Mapped[list[HostedProject]] = relationship(
        back_populates="hosting", order_by="HostedProject.id"
    )

    __table_args__ = (
        CheckConstraint("host_id <> hosted_id", name="two_bodies"),
        CheckConstraint("fee_points >= 0 AND fee_points <= 10000", name="fee_is_a_share"),
        CheckConstraint("ends_on >= starts_on", name="dates_order"),
        CheckConstraint(
            "(hosted_signed_by IS NULL OR host_signed_by IS NULL OR hosted_signed_by <> host_signed_by) "
            "AND (funder_signed_by IS NULL OR (funder_signed_by <> hosted_signed_by "
            "AND funder_signed_by <> host_signed_by AND funder_signed_by <> drafted_by))",
            name="three_signers",
        ),
        Index(None, "agency_id", "id"),
    )

    @property
    def fee_share(self) -> Fraction:
        return Fraction(self.fee_points, 10000)


class HostedProject(Model):
    """A project whose money is kept by the host: the sub-ledger's owner."""

    hosting_id: Mapped[int] = fk("hosting.id")
    commitment_id: Mapped[int] = fk("commitment.id", index=False, unique=True)
    added_by: Mapped[int] = fk("user_account.id", index=False)

    hosting: Mapped[Hosting] = relationship(back_populates="projects")
    commitment: Mapped[Commitment] = relationship()


class HostedReceipt(Model):
    """A payment that arrived at the host, taken into the project's books once."""

    project_id: Mapped[int] = fk("hosted_project.id")
    disbursement_id: Mapped[int] = fk("disbursement.id", index=False, unique=True)
    amount: Mapped[Money] = money_column()
    taken_on: Mapped[date]
    taken_by: Mapped[int] = fk("user_account.id", index=False)

    project: Mapped[HostedProject] = relationship()
    disbursement: Mapped[Disbursement] = relationship()

    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)


class Outflow(Model):
    """Money leaving a hosted project's account: spent, the host's fee, or back to the funder."""

    __tablename__ = "hosted_outflow"

    project_id: Mapped[int] = fk("hosted_project.id", index=False)
    kind: Mapped[str] = mapped_column(String(12))  # spent, fee, returned
    amount: Mapped[Money] = money_column()
    purpose: Mapped[str] = mapped_column(String(200))
    payee: Mapped[str] = mapped_column(String(120))
    voucher_number: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(24), default="requested")
    requested_by: Mapped[int] = fk("user_account.id", index=False)
    requested_at: Mapped[datetime] = instant_column()
    hosted_signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    host_signed_by: Mapped[int | None] = fk("user_account.id", index=False)
    happened_on: Mapped[date | None]
    refusal: Mapped[str] = mapped_column(String(200), default="")
    # The funder's finance confirms that what was given back has arrived.
    received_by: Mapped[int | None] = fk("user_account.id", index=False)
    received_on: Mapped[date | None]

    project: Mapped[HostedProject] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("kind IN ('spent', 'fee', 'returned')", name="known_kind"),
        CheckConstraint(
            "state <> 'signed' OR (hosted_signed_by IS NOT NULL AND host_signed_by IS NOT NULL)",
            name="signed_by_both",
        ),
        CheckConstraint(
            "hosted_signed_by IS NULL OR host_signed_by IS NULL OR hosted_signed_by <> host_signed_by",
            name="two_signers",
        ),
        CheckConstraint(
            "received_by IS NULL OR (kind = 'returned' AND hosted_signed_by IS NOT NULL "
            "AND host_signed_by IS NOT NULL AND received_by <> hosted_signed_by AND received_by <> host_signed_by)",
            name="received_after_signing",
        ),
        Index(None, "project_id", "id"),
    )


class HostReport(Model):
    """The host's report of a month, as it was sent: every project's figures."""

    hosting_id: Mapped[int] = fk("hosting.id", index=False)
    month: Mapped[date]  # its first day
    figures: Mapped[list] = mapped_column(JSON)
    sha256: Mapped[str] = mapped_column(String(64))
    sent_by: Mapped[int] = fk("user_account.id", index=False)
    sent_at: Mapped[datetime] = instant_column()

    hosting: Mapped[Hosting] = relationship()

    __table_args__ = (UniqueConstraint("hosting_id", "month"),)
