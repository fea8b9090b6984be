"""Reading the pool of experts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.text import N_
from registry.experts.models import Expert, ExpertConduct
from registry.persons.models import Person
from registry.proof.queries import add_check

EXPIRY_DAYS = 60
_workload: list[Callable[[list[int], int], dict[int, int]]] = []


def use_workload(count: Callable[[list[int], int], dict[int, int]]) -> None:
    """Let the room of panels say how many panels each expert (by id) sat on in a year."""
    _workload[:] = [count]


def panels_of_year(expert_ids: list[int], year: int) -> dict[int, int]:
    """Expert id -> panels sat on in that calendar year; who sat on none is left out."""
    return _workload[0](expert_ids, year) if _workload and expert_ids else {}


def admitted(on: date) -> Any:
    """The condition of being in the pool on a day: admitted by two people, not resting, not expired."""
    return and_(
        Expert.state == "admitted", Expert.active, or_(Expert.valid_to.is_(None), Expert.valid_to >= on)
    )


def pool(agency_id: int) -> list[Expert]:
    """The experts of one agency who are admitted today, by id: the order that a recorded draw starts from."""
    return list(
        db.session.scalars(
            select(Expert)
            .where(Expert.agency_id == agency_id, admitted(clock.today()))
            .options(joinedload(Expert.person), selectinload(Expert.absences))
            .order_by(Expert.id)
        )
    )


def visible_experts(user: Any) -> Select[Expert]:
    """Experts of the units a person reads."""
    return (
        select(Expert)
        .where(Expert.agency_id.in_(user.agency_ids("expert.read")))
        .options(joinedload(Expert.person))
    )


def expert_in_scope(user: Any, expert_id: int) -> Expert | None:
    return db.session.scalar(visible_experts(user).where(Expert.id == expert_id))


def editable_expert(user: Any, expert_id: int, permission: str = "expert.edit") -> Expert | None:
    """The expert, when the pool is that of a unit where the person holds ``permission``."""
    return db.session.scalar(
        select(Expert).where(Expert.id == expert_id, Expert.agency_id.in_(user.agency_ids(permission)))
    )


def conduct_of(expert: Expert) -> list[ExpertConduct]:
    return list(
        db.session.scalars(
            select(ExpertConduct)
            .where(ExpertConduct.expert_id == expert.id)
            .order_by(ExpertConduct.noted_on.desc(), ExpertConduct.id.desc())
        )
    )


def of_person(person_id: int) -> list[Expert]:
    """The pools one person stands in."""
    return list(db.session.scalars(select(Expert).where(Expert.person_id == person_id).order_by(Expert.id)))


def waiting_for_admission(user: Any, *, limit: int = 20) -> list[Expert]:
    """Proposed at the person's unit by somebody else."""
    return list(
        db.session.scalars(
            select(Expert)
            .where(
                Expert.agency_id.in_(user.agency_ids("expert.verify")),
                Expert.state == "proposed",
                or_(Expert.proposed_by.is_(None), Expert.proposed_by != user.id),
            )
            .options(joinedload(Expert.person))
            .order_by(Expert.id)
            .limit(limit)
        )
    )


def expiring(user: Any, *, limit: int = 20) -> list[Expert]:
    """Admissions at the person's unit that end within sixty days or have ended."""
    return list(
        db.session.scalars(
            select(Expert)
            .where(
                Expert.agency_id.in_(user.agency_ids("expert.edit")),
                Expert.state == "admitted",
                Expert.active,
                Expert.valid_to <= clock.today() + timedelta(days=EXPIRY_DAYS),
            )
            .options(joinedload(Expert.person))
            .order_by(Expert.valid_to, Expert.id)
            .limit(limit)
        )
    )


add_check(
    "expert-admitted-by-one",
    N_("Expert %(name)s was admitted without a second person."),
    lambda: (
        select(Person.name.label("name"))
        .select_from(Expert)
        .join(Person, Person.id == Expert.person_id)
        .where(Expert.state == "admitted", Expert.admitted_on.is_not(None), Expert.admitted_by.is_(None))
    ),
)
add_check(
    "expert-of-merged-person",
    N_("Expert no. %(id)s names an entry of a person that was merged into another."),
    lambda: (
        select(Expert.id.label("id"))
        .join(Person, Person.id == Expert.person_id)
        .where(Person.merged_into_id.is_not(None))
    ),
)
