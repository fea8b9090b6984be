"""The team: who of the register works in a project.

The organization's people pick volunteers and social workers of the register of the project's unit, of the
units over it and under it. Picked is who has consented and stands in the list; the team sees name, skills
or level, organization and whether an insurance is in force, never a telephone or an identity number. The
unit of the project reads along. Hours given in the project are hours of the register, written there once,
through the membership and within its days; what was given stands in both places because it is one row. The
time of social workers is work and is counted beside the hours that volunteers gave, never among them. When
the project ends, its team ends with it.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from projects.agreements.models import Project
from registry.workforce.models import SocialWorker, Volunteer, VolunteerHours, WorkerHours

KINDS = {"volunteers": N_("volunteer"), "workers": N_("social worker")}
# While the project is prepared or runs, people come to it; hours are given while it runs.
OPEN = ("preparing", "running")
# A project that is suspended or closes has its team still; in any other state the team has ended.
HAS_TEAM = (*OPEN, "suspended", "closing")
_STILL = "until IS NULL"


class TeamMember(Model):
    project_id: Mapped[int] = fk("project.id", index=False)
    volunteer_id: Mapped[int | None] = fk("volunteer.id")
    worker_id: Mapped[int | None] = fk("social_worker.id")
    task: Mapped[str] = mapped_column(String(80), default="")
    since: Mapped[date]
    until: Mapped[date | None]
    picked_by: Mapped[int] = fk("user_account.id", index=False)

    project: Mapped[Project] = relationship()
    volunteer: Mapped[Volunteer | None] = relationship()
    worker: Mapped[SocialWorker | None] = relationship()

    __table_args__ = (
        CheckConstraint("(volunteer_id IS NULL) <> (worker_id IS NULL)", name="one_entry_of_the_register"),
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        Index(None, "project_id", "id"),
        # Nobody stands twice in one team at a time.
        *(
            Index(
                f"uq_team_member_{name}",
                "project_id",
                f"{name}_id",
                unique=True,
                sqlite_where=text(_STILL),
                postgresql_where=text(_STILL),
            )
            for name in ("volunteer", "worker")
        ),
    )

    @property
    def kind(self) -> str:
        return "workers" if self.worker_id else "volunteers"

    @property
    def entry(self) -> Volunteer | SocialWorker:
        """The row of the register that was picked."""
        found = self.volunteer or self.worker
        assert found is not None
        return found


class TeamHours(Model):
    """Hours of the register that were given in a project."""

    member_id: Mapped[int] = fk("team_member.id")
    hours_id: Mapped[int] = fk("volunteer_hours.id", index=False, unique=True)

    member: Mapped[TeamMember] = relationship()
    hours: Mapped[VolunteerHours] = relationship()


class TeamWork(Model):
    """Time of a social worker, kept in the register, that was spent in a project."""

    member_id: Mapped[int] = fk("team_member.id")
    hours_id: Mapped[int] = fk("worker_hours.id", index=False, unique=True)

    member: Mapped[TeamMember] = relationship()
    hours: Mapped[WorkerHours] = relationship()
