"""Drafting rule sets and bringing them into force."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from app.rulebook.families import Family
from app.rulebook.models import RuleDraft
from app.rulebook.policy import may_draft, may_edit
from app.rulebook.queries import values_in_force
from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from finance.contracts.queries import under
from finance.figures.models import LevelFigure
from finance.figures.services import recompute
from registry.agencies.models import Agency
from registry.agencies.rules import normalise_division


def draft_change(
    agency: Agency,
    family: Family,
    values: dict[str, Any],
    *,
    valid_from: date,
    source: str,
    reason: str,
    by: Any,
    programme: str = "",
) -> RuleDraft:
    """A change of a family's parameters for the division of ``agency``; only what differs is kept.

    Raises :class:`Refusal` when nothing differs from what holds on that day, or values do not fit together.
    """
    refusal = may_draft(by, agency)
    if refusal is not None:
        raise refusal
    jurisdiction = normalise_division(agency.division_code)
    draft = RuleDraft(
        agency_id=agency.id,
        agency=agency,
        family=family.code,
        jurisdiction=jurisdiction,
        programme=programme,
        valid_from=valid_from,
        parameters=_differing(family, values, valid_from, jurisdiction, programme),
        source=source,
        reason=reason,
        drafted_by=by.actor_id,
        drafted_at=clock.now(),
    )
    db.session.add(draft)
    record(draft, "drafted", by=by, details={"family": family.code, "parameters": draft.parameters})
    return draft


def edit_draft(
    draft: RuleDraft,
    family: Family,
    values: dict[str, Any],
    *,
    valid_from: date,
    source: str,
    reason: str,
    by: Any,
) -> None:
    """Write a draft anew; whoever edits becomes its drafter, so that nobody reviews the own words."""
    refusal = may_edit(by, draft)
    if refusal is not None:
        raise refusal
    draft.parameters = _differing(family, values, valid_from, draft.jurisdiction, draft.programme)
    draft.valid_from, draft.source, draft.reason = valid_from, source, reason
    draft.drafted_by, draft.drafted_at = by.actor_id, clock.now()
    record(draft, "edited", by=by, details={"parameters": draft.parameters})


def _differing(
    family: Family, values: dict[str, Any], valid_from: date, jurisdiction: str, programme: str
) -> dict[str, Any]:
    problem = family.check(values)
    if problem is not None:
        raise Refusal(problem, rule=family.code)
    if valid_from < clock.today():
        raise Refusal(
            Message(N_("A rule does not work backwards: choose today or a later day.")), rule="RULE-DATE"
        )
    base = values_in_force(family, on=valid_from, jurisdiction=jurisdiction, programme=programme)
    changed = {name: value for name, value in values.items() if value != base.get(name)}
    if not changed:
        raise Refusal(
            Message(
                N_("Nothing differs from what holds on %(day)s. Change a value, or leave the rules as they are."),
                {"day": valid_from},
            )
        )  # fmt: skip
    return changed


def take_step(draft: RuleDraft, step: str, *, by: Any, note: str = "") -> None:
    """``review``, ``approve`` (puts in force), ``return`` or ``withdraw``.

    What is kept of the 30% figure follows a new rule at once.
    """
    fire(draft, step, by=by, note=note)
    if step != "approve" or draft.family != "R30":
        return
    rows = db.session.execute(
        select(LevelFigure.division_code, LevelFigure.fiscal_year)
        .where(
            under(LevelFigure.division_code, draft.jurisdiction),
            LevelFigure.fiscal_year >= draft.valid_from.year,
        )
        .distinct()
    )
    levels: dict[int, set[str]] = {}
    for division, year in rows:
        levels.setdefault(year, set()).add(division)
    for year, divisions in sorted(levels.items()):
        recompute(divisions, year)
