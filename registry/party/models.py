"""Party building of organizations: who is responsible, what is done step by step, who instructs.

An organization has one party file (supervision route, responsible unit, clauses of its charter), its
steps with day and document, surveys of its members, and its activities. Instructors come from a pool and
may look after several organizations. What eligibility reads (``PartyFacts``) is written down from here.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.files.models import StoredFile
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.party_orgs.models import once_alive
from registry.persons.models import Person

# Which party committee is responsible (S0-10, S2-02).
ROUTES = {
    "supervising_unit": N_("party organization of the supervising unit"),
    "committee": N_("committee for social organizations of the same level"),
    "territory": N_("party organization of the township or community"),
    "industry": N_("party committee of the trade"),
    "comprehensive": N_("comprehensive committee, for those that fit nowhere else"),
}
# The steps that go with the register: five at once (S0-13), three on three occasions (S2-08).
STEPS = {
    "five": {
        "commitment": N_("commitment to party building signed"),
        "members": N_("party members surveyed"),
        "plan": N_("plan of party work made"),
        "organization": N_("party organization pushed forward"),
        "guidance": N_("party work guided"),
    },
    "three": {
        "registration": N_("with the registration"),
        "annual_report": N_("with the annual report"),
        "assessment": N_("with the assessment"),
    },
}
MEMBER_KINDS = {"full": N_("full member"), "probationary": N_("probationary member")}
WORKER_SOURCES = {
    "serving": N_("party member in service"),
    "retired": N_("retired party member"),
    "veteran_cadre": N_("retired cadre"),
    "community": N_("community worker"),
    "grid": N_("grid worker"),
    "unit": N_("sent by the responsible unit"),
}
POSTS = {"instructor": N_("instructor"), "liaison": N_("liaison officer")}
ACTIVITY_KINDS = {
    "congress": N_("meeting of all members"),
    "committee": N_("meeting of the branch committee"),
    "group": N_("meeting of a party group"),
    "lecture": N_("party lecture"),
    "theme_day": N_("themed party day"),
    "life_meeting": N_("organizational life meeting"),
    "appraisal": N_("democratic appraisal of members"),
    "study": N_("study"),
    "volunteering": N_("volunteering of members"),
    "other": N_("other activity"),
}


class PartyFile(Model):
    """Who is responsible for an organization's party building, and what its charter says (S0-10, S0-15)."""

    organization_id: Mapped[int] = fk("organization.id", index=False, unique=True)
    route: Mapped[str] = mapped_column(String(24), default="")
    responsible_agency_id: Mapped[int | None] = fk("agency.id")
    responsible_name: Mapped[str] = mapped_column(String(120), default="")
    since: Mapped[date | None]
    grid_code: Mapped[str] = mapped_column(String(20), default="")
    leadership_in_charter: Mapped[bool] = mapped_column(default=False)
    values_in_charter: Mapped[bool] = mapped_column(default=False)
    community_in_charter: Mapped[bool] = mapped_column(default=False)
    charter_on: Mapped[date | None]

    organization: Mapped[Organization] = relationship()
    responsible_agency: Mapped[Agency | None] = relationship()

    @property
    def charter_complete(self) -> bool:
        return self.leadership_in_charter and self.values_in_charter and self.community_in_charter


class PartyStep(Model):
    """One step done: its day, its officer, its document. ``year`` is 0 for what is done once."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    scheme: Mapped[str] = mapped_column(String(8))
    step: Mapped[str] = mapped_column(String(16))
    year: Mapped[int] = mapped_column(default=0)
    done_on: Mapped[date]
    officer: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)

    file: Mapped[StoredFile | None] = relationship()

    __table_args__ = (
        UniqueConstraint("organization_id", "scheme", "step", "year"),
        CheckConstraint("scheme IN ('five', 'three')", name="known_scheme"),
    )


class MemberSurvey(Model):
    """The survey form of party members (党员情况调查表, S2-11) on a day; the latest counts."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    surveyed_on: Mapped[date]
    employees: Mapped[int]
    full_members: Mapped[int]
    probationary_members: Mapped[int] = mapped_column(default=0)
    relation_elsewhere: Mapped[int] = mapped_column(default=0)
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    recorded_by: Mapped[int] = fk("user_account.id", index=False)

    file: Mapped[StoredFile | None] = relationship()

    __table_args__ = (
        UniqueConstraint("organization_id", "surveyed_on"),
        CheckConstraint(
            "employees >= 0 AND full_members >= 0 AND probationary_members >= 0 AND relation_elsewhere >= 0"
            " AND relation_elsewhere <= full_members + probationary_members",
            name="counts_fit",
        ),
    )


class PartyMember(Model):
    """A member active in an organization; the membership may belong to a unit elsewhere (S2-06, S2-07)."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    kind: Mapped[str] = mapped_column(String(16))
    home_unit: Mapped[str] = mapped_column(String(120), default="")
    grid_code: Mapped[str] = mapped_column(String(20), default="")
    since: Mapped[date]
    until: Mapped[date | None]

    person: Mapped[Person] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "organization_id", "id"),
        once_alive("organization_id", "person_id", name="uq_party_member_living"),
    )


class PartyWorker(Model):
    """Somebody in the pool of party workers (党务工作者, S0-11)."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    source: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(120), default="")
    since: Mapped[date]
    until: Mapped[date | None]

    person: Mapped[Person] = relationship()
    posts: Mapped[list[PartyPost]] = relationship(back_populates="worker", order_by="PartyPost.id")

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "agency_id", "id"),
        once_alive("agency_id", "person_id", name="uq_party_worker_living"),
    )


class PartyPost(Model):
    """A party worker looks after an organization as instructor or liaison officer (S2-05)."""

    worker_id: Mapped[int] = fk("party_worker.id")
    organization_id: Mapped[int] = fk("organization.id", index=False)
    post: Mapped[str] = mapped_column(String(16))
    since: Mapped[date]
    until: Mapped[date | None]

    worker: Mapped[PartyWorker] = relationship(back_populates="posts")
    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        Index(None, "organization_id", "id"),
        once_alive("worker_id", "organization_id", "post", name="uq_party_post_living"),
    )


class PartyActivity(Model):
    """What members did: meetings, lectures, themed days, with photos or papers."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(120))
    held_on: Mapped[date]
    place: Mapped[str] = mapped_column(String(120), default="")
    attended: Mapped[int]
    account: Mapped[str] = mapped_column(Text, default="")
    recorded_by: Mapped[int] = fk("user_account.id", index=False)

    organization: Mapped[Organization] = relationship()
    files: Mapped[list[PartyActivityFile]] = relationship(
        back_populates="activity", order_by="PartyActivityFile.id"
    )

    __table_args__ = (
        CheckConstraint("attended > 0", name="somebody_came"),
        Index(None, "organization_id", "held_on", "id"),
        Index(None, "held_on", "id"),
    )


class PartyActivityFile(Model):
    activity_id: Mapped[int] = fk("party_activity.id")
    file_id: Mapped[int] = fk("stored_file.id", index=False)

    activity: Mapped[PartyActivity] = relationship(back_populates="files")
    file: Mapped[StoredFile] = relationship()
