"""The workforce: social workers and volunteers of a place, with what they are trained for.

A social worker's level is that of the highest certificate in force (助理社会工作师, 社会工作师,
高级社会工作师). A volunteer is kept with their own consent, a minor with that of a guardian besides;
without it no hours are written down. A social worker consents to be picked for projects of others. Before work that may be dangerous there is an insurance in force
(志愿服务条例 Art. 17). Trainings say who was invited and who came. What is taken out at a person's wish
leaves the hours and attendances as numbers.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.persons.models import Person

# Lowest first.
LEVELS = {
    "assistant": N_("assistant social worker"),
    "intermediate": N_("social worker"),
    "senior": N_("senior social worker"),
}
SKILLS = {
    "care": N_("visiting and care"),
    "medical": N_("medicine and first aid"),
    "psychology": N_("counselling"),
    "legal": N_("law"),
    "teaching": N_("teaching"),
    "arts": N_("culture and sport"),
    "digital": N_("computers and media"),
    "emergency": N_("emergency and rescue"),
    "environment": N_("environment"),
    "driving": N_("driving"),
    "translation": N_("languages (Mongolian, sign language …)"),
}
TRAINING_KINDS = {
    "social_work": N_("social work (continuing education)"),
    "volunteering": N_("volunteering"),
    "party": N_("party building"),
    "finance": N_("finance and accounting"),
    "safety": N_("safety"),
}
ATTENDANCES = {"invited": N_("invited"), "attended": N_("came"), "absent": N_("did not come")}


class SocialWorker(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organization_id: Mapped[int | None] = fk("organization.id")
    post: Mapped[str] = mapped_column(String(60), default="")
    full_time: Mapped[bool] = mapped_column(default=True)
    since: Mapped[date]
    until: Mapped[date | None]
    # Level of the highest certificate that is not withdrawn; kept so that the list filters by it.
    level: Mapped[str] = mapped_column(String(16), default="")
    # Consent to be picked for projects of other organizations; work for the employer needs none.
    consented_on: Mapped[date | None]
    consent_form: Mapped[str] = mapped_column(String(120), default="", server_default="")

    person: Mapped[Person] = relationship()
    agency: Mapped[Agency] = relationship()
    organization: Mapped[Organization | None] = relationship()
    certificates: Mapped[list[Certificate]] = relationship(
        back_populates="worker", order_by="Certificate.issued_on"
    )

    __table_args__ = (
        UniqueConstraint("agency_id", "person_id"),
        CheckConstraint("until IS NULL OR until >= since", name="dates_order"),
        Index(None, "agency_id", "id"),
        Index(None, "agency_id", "level", "id"),
    )


class Certificate(Model):
    worker_id: Mapped[int] = fk("social_worker.id")
    level: Mapped[str] = mapped_column(String(16))
    number: Mapped[str] = mapped_column(String(40))
    issued_on: Mapped[date]
    valid_to: Mapped[date]  # the end of its registration

    worker: Mapped[SocialWorker] = relationship(back_populates="certificates")

    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("valid_to >= issued_on", name="validity_order"),
        Index(None, "valid_to"),
    )


class Volunteer(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    person_id: Mapped[int] = fk("person.id")
    organization_id: Mapped[int | None] = fk("organization.id")  # the organization that leads them
    skills: Mapped[list] = mapped_column(JSON, default=list)
    registered_on: Mapped[date]
    left_on: Mapped[date | None]
    consented_on: Mapped[date | None]
    consent_form: Mapped[str] = mapped_column(String(120), default="")  # which paper or page holds it
    # Given until a day and counted elsewhere, as a list brought it in: rows of the hours follow after it.
    brought_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    brought_to: Mapped[date | None]
    guardian_id: Mapped[int | None] = fk("person.id")
    guardian_consented_on: Mapped[date | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    guardian: Mapped[Person | None] = relationship(foreign_keys=[guardian_id])
    agency: Mapped[Agency] = relationship()
    organization: Mapped[Organization | None] = relationship()

    __table_args__ = (
        UniqueConstraint("agency_id", "person_id"),
        CheckConstraint("guardian_id <> person_id", name="guardian_is_another"),
        CheckConstraint(
            "guardian_consented_on IS NULL OR guardian_id IS NOT NULL", name="consent_names_guardian"
        ),
        CheckConstraint("left_on IS NULL OR left_on >= registered_on", name="dates_order"),
        CheckConstraint("brought_minutes >= 0", name="brought_not_negative"),
        Index(None, "agency_id", "id"),
    )


class VolunteerCover(Model):
    """An accident insurance of a volunteer (志愿服务条例 Art. 17)."""

    volunteer_id: Mapped[int] = fk("volunteer.id")
    insurer: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[date]
    valid_to: Mapped[date]

    __table_args__ = (CheckConstraint("valid_to >= valid_from", name="validity_order"),)


class VolunteerHours(Model):
    """Time given on one day, in minutes, as the organization wrote it down (志愿服务条例 Art. 19)."""

    volunteer_id: Mapped[int] = fk("volunteer.id", index=False)
    served_on: Mapped[date]
    minutes: Mapped[int]
    activity: Mapped[str] = mapped_column(String(120))
    dangerous: Mapped[bool] = mapped_column(default=False)
    noted_by: Mapped[int] = fk("user_account.id", index=False)

    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes_of_a_day"),
        Index(None, "volunteer_id", "served_on"),
    )


class WorkerHours(Model):
    """Time of a social worker in a project, in minutes of one day, as the organization wrote it down."""

    worker_id: Mapped[int] = fk("social_worker.id", index=False)
    worked_on: Mapped[date]
    minutes: Mapped[int]
    activity: Mapped[str] = mapped_column(String(120))
    noted_by: Mapped[int] = fk("user_account.id", index=False)

    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes_of_a_day"),
        Index(None, "worker_id", "worked_on"),
    )


class Training(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    title: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    held_on: Mapped[date]
    hours: Mapped[int]
    place: Mapped[str] = mapped_column(String(120), default="")

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        CheckConstraint("hours BETWEEN 1 AND 200", name="hours_range"),
        Index(None, "agency_id", "held_on", "id"),
    )


class TrainingPlan(Model):
    """What a unit means to hold in a year, by kind of training; what was held is counted from the trainings."""

    agency_id: Mapped[int] = fk("agency.id", index=False)
    year: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    trainings: Mapped[int]
    hours: Mapped[int]
    persons: Mapped[int]
    document: Mapped[str] = mapped_column(String(200))
    recorded_by: Mapped[int | None] = fk("user_account.id", index=False)

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        UniqueConstraint("agency_id", "year", "kind"),
        Index("ix_training_plan_agency_id_year_id", "agency_id", "year", "id"),
        CheckConstraint("trainings > 0 AND hours > 0 AND persons > 0", name="figures_positive"),
    )


class TrainingAttendance(Model):
    training_id: Mapped[int] = fk("training.id", index=False)
    # Empty once the person had it taken out: the attendance stays as a number.
    person_id: Mapped[int | None] = fk("person.id")
    state: Mapped[str] = mapped_column(String(16), default="invited")

    training: Mapped[Training] = relationship()
    person: Mapped[Person | None] = relationship()

    __table_args__ = (UniqueConstraint("training_id", "person_id"),)
