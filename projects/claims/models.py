"""Claims: the organization asks for a tranche.

A claim says which tranche and gives the receipt; the programme officer looks at the findings and
turns it into a disbursement request at the till. Whether it was paid is read from the
disbursement.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from finance.commitments.models import Tranche
from finance.disbursements.models import Disbursement
from projects.agreements.models import Project

# state: submitted, accepted, returned


class Claim(Model):
    project_id: Mapped[int] = fk("project.id")
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    tranche_id: Mapped[int] = fk("tranche.id", index=False)
    payee_account_id: Mapped[int] = fk("payee_account.id", index=False)
    amount: Mapped[Money] = money_column()
    receipt_number: Mapped[str] = mapped_column(String(60))
    receipt_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    state: Mapped[str] = mapped_column(String(32), default="submitted")
    findings: Mapped[list] = mapped_column(JSON, default=list)
    submitted_by: Mapped[int] = fk("user_account.id", index=False)
    submitted_at: Mapped[datetime] = instant_column()
    handled_by: Mapped[int | None] = fk("user_account.id", index=False)
    return_reason: Mapped[str] = mapped_column(Text, default="")
    disbursement_id: Mapped[int | None] = fk("disbursement.id", index=False, unique=True)

    project: Mapped[Project] = relationship()
    tranche: Mapped[Tranche] = relationship()
    disbursement: Mapped[Disbursement | None] = relationship()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(
            "uq_claim_tranche_open",
            "tranche_id",
            unique=True,
            sqlite_where=text("state = 'submitted'"),
            postgresql_where=text("state = 'submitted'"),
        ),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "amount", "id"),
        Index(None, "organization_id", "id"),
    )
