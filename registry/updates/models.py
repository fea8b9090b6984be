"""Updates: what an organization reports about itself, and what the department makes of it.

The organization's people draft, its leader sends, a reviewing officer of the department accepts
what is right and gives back the rest with the reason. Nothing typed is lost: a request that came
back is opened again with everything in it. ``base`` is what the entry said when the request was
drafted, so that a change by somebody else in between shows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column
from core.files.models import StoredFile
from registry.organizations.models import Organization

# state: draft, submitted, returned, accepted, withdrawn


class UpdateRequest(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    organization_id: Mapped[int] = fk("organization.id", index=False)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    base: Mapped[dict] = mapped_column(JSON, default=dict)
    proposed: Mapped[dict] = mapped_column(JSON, default=dict)
    evidence: Mapped[str] = mapped_column(String(200), default="")
    # The paper that shows it, such as a page of the new certificate.
    evidence_file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    answer: Mapped[str] = mapped_column(String(500), default="")
    drafted_by: Mapped[int | None] = fk("user_account.id")
    submitted_by: Mapped[int | None] = fk("user_account.id")
    submitted_at: Mapped[datetime | None] = instant_column()
    decided_by: Mapped[int | None] = fk("user_account.id")
    decided_at: Mapped[datetime | None] = instant_column()

    organization: Mapped[Organization] = relationship()
    evidence_file: Mapped[StoredFile | None] = relationship()

    @property
    def evidence_name(self) -> str:
        """What the paper is called; empty without one."""
        return self.evidence_file.name if self.evidence_file else ""

    __table_args__ = (
        CheckConstraint("decided_by <> submitted_by AND decided_by <> drafted_by", name="decided_by_another"),
        Index(None, "agency_id", "state", "id"),
        Index(None, "agency_id", "id"),
        Index(None, "organization_id", "id"),
    )
