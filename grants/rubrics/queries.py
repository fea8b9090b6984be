"""Which rubrics there are for whom."""

from __future__ import annotations

import csv
from importlib import resources
from typing import Any

from sqlalchemy import Select, select

from core.db import db
from grants.rubrics.models import Rubric
from grants.rubrics.rules import CriterionFacts


def visible_rubrics(user: Any) -> Select[Any]:
    return select(Rubric).where(Rubric.agency_id.in_(user.agency_ids("call.read")))


def rubric_in_scope(user: Any, rubric_id: int) -> Rubric | None:
    return db.session.scalar(visible_rubrics(user).where(Rubric.id == rubric_id))


def rubrics_of(agency_id: int, family: str) -> list[Rubric]:
    """The rubrics an agency can choose from for one kind of judging."""
    return list(
        db.session.scalars(
            select(Rubric)
            .where(Rubric.agency_id == agency_id, Rubric.family == family)
            .order_by(Rubric.id.desc())
        )
    )


def standard_criteria() -> dict[str, list[CriterionFacts]]:
    """The three standard rubrics (DOMAIN 3.10) by family, in their order."""
    text = resources.files("grants.rubrics").joinpath("standard.csv").read_text(encoding="utf-8")
    found: dict[str, list[CriterionFacts]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["family"], []).append(
            CriterionFacts(row["l1"], row["l2"], int(row["points"]), row["standard"])
        )
    return found
