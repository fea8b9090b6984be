"""Making, changing and freezing rubrics."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from grants.rubrics.models import Criterion, Rubric
from grants.rubrics.queries import standard_criteria
from grants.rubrics.rules import CriterionFacts, problems
from registry.agencies.models import Agency

# Names as printed on score sheets (DOMAIN 3.10).
STANDARD_NAMES = {"selection": "立项评审标准", "midterm": "中期评估标准", "final": "末期绩效评价标准"}


def create_standard_rubrics(agency: Agency, *, by: Actor) -> dict[str, Rubric]:
    """Rubrics A, B and C for ``agency``: family → rubric. Those already there are returned as they are."""
    found = {}
    for family, criteria in standard_criteria().items():
        name = STANDARD_NAMES[family]
        rubric = db.session.scalar(select(Rubric).where(Rubric.agency_id == agency.id, Rubric.name == name))
        found[family] = rubric or create_rubric(agency, family=family, name=name, criteria=criteria, by=by)
    return found


def create_rubric(
    agency: Agency,
    *,
    family: str,
    name: str,
    criteria: Sequence[CriterionFacts],
    pass_score: int = 60,
    by: Actor,
) -> Rubric:
    """A rubric that is free to change until a call using it is published."""
    _check(criteria)
    rubric = Rubric(agency_id=agency.id, family=family, name=name, pass_score=pass_score)
    rubric.criteria = _rows(criteria)
    db.session.add(rubric)
    db.session.flush()
    record(rubric, "created", by=by, details={"name": name, "criteria": len(criteria)})
    return rubric


def change_criteria(
    rubric: Rubric, criteria: Sequence[CriterionFacts], *, pass_score: int, by: Actor
) -> Rubric:
    """Replace the criteria; refused once the rubric is frozen or when the points are not 100."""
    db.session.refresh(rubric, with_for_update=True)
    if rubric.frozen_at is not None:
        raise Refusal(
            Message(
                N_(
                    "This rubric was published with a call and is frozen: nobody may be judged by criteria that were not announced. Copy it for the next call."
                )
            ),
            rule="RUBRIC-FROZEN",
            source="政府采购法实施条例 第三十四条",
            status=409,
        )
    _check(criteria)
    before = [[item.l1, item.l2, item.points] for item in rubric.criteria]
    for item in list(rubric.criteria):
        db.session.delete(item)
    db.session.flush()
    for row in _rows(criteria):
        row.rubric_id = rubric.id
        db.session.add(row)
    rubric.pass_score = pass_score
    db.session.flush()
    db.session.refresh(rubric)
    record(
        rubric,
        "changed",
        by=by,
        details={"before": before, "after": [[item.l1, item.l2, item.points] for item in criteria]},
    )
    return rubric


def copy_rubric(rubric: Rubric, *, name: str, by: Actor) -> Rubric:
    """A free copy of a frozen rubric, under another name."""
    taken = db.session.scalar(
        select(Rubric.id).where(Rubric.agency_id == rubric.agency_id, Rubric.name == name)
    )
    if taken is not None:
        raise Refusal(
            Message(N_("There is already a rubric named “%(name)s”. Choose another name."), {"name": name})
        )
    agency = db.session.get_one(Agency, rubric.agency_id)
    facts = [CriterionFacts(item.l1, item.l2, item.points, item.standard) for item in rubric.criteria]
    return create_rubric(
        agency, family=rubric.family, name=name, criteria=facts, pass_score=rubric.pass_score, by=by
    )


def freeze(rubric: Rubric, *, by: Actor) -> None:
    """From now on nothing of it changes. Freezing twice is freezing once."""
    db.session.refresh(rubric, with_for_update=True)
    if rubric.frozen_at is not None:
        return
    _check([CriterionFacts(item.l1, item.l2, item.points) for item in rubric.criteria])
    rubric.frozen_at = clock.now()
    record(rubric, "frozen", by=by)


def _check(criteria: Sequence[CriterionFacts]) -> None:
    found = problems(criteria)
    if found:
        raise Refusal(found[-1], rule="RUBRIC-100", source="政府采购法实施条例 第三十四条")


def _rows(criteria: Sequence[CriterionFacts]) -> list[Criterion]:
    return [
        Criterion(
            position=place,
            l1=item.l1.strip(),
            l2=item.l2.strip(),
            points=item.points,
            standard=item.standard.strip(),
        )
        for place, item in enumerate(criteria, 1)
    ]
