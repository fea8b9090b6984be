"""Reading the rule book: what is in force where and when, which changes are under way, what one would change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from app.rulebook.families import FAMILIES, Family, Parameter
from app.rulebook.models import RuleDraft
from core.db import db
from core.rules.models import RuleSet
from core.rules.queries import parameters
from core.text import Message
from finance.contracts.queries import continuations, purchase_rows, ratio_parameters
from finance.contracts.rules import R30Parameters
from finance.figures.rules import RatioFigure, compute_ratio
from registry.agencies.models import Agency
from registry.agencies.rules import division_name, normalise_division

MOST_SETS = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A parameter with its value in force and where the value comes from (``None``: the default)."""

    parameter: Parameter
    value: Any
    origin: RuleSet | None

    @property
    def words(self) -> list[Message]:
        return self.parameter.words(self.value)


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter before and after."""

    parameter: Parameter
    before: Any
    after: Any

    @property
    def before_words(self) -> list[Message]:
        return self.parameter.words(self.before)

    @property
    def after_words(self) -> list[Message]:
        return self.parameter.words(self.after)


def in_force(family: Family, *, on: date, jurisdiction: str = "", programme: str = "") -> list[Line]:
    """Each parameter of a family as it holds for a division and programme on a day."""
    found = parameters(family.code, family.defaults, on=on, jurisdiction=jurisdiction, programme=programme)
    origins: dict[str, RuleSet] = {}
    for row in chain(family.code, jurisdiction, programme, on=on):
        if row.valid_from <= on:
            origins.update(dict.fromkeys(row.parameters, row))
    return [Line(item, found.get(item.name), origins.get(item.name)) for item in family.parameters]


def values_in_force(family: Family, *, on: date, jurisdiction: str, programme: str = "") -> dict[str, Any]:
    found = parameters(family.code, family.defaults, on=on, jurisdiction=jurisdiction, programme=programme)
    return {item.name: found.get(item.name) for item in family.parameters}


def above(jurisdiction: str) -> set[str]:
    """A division with those over it, and the empty code of everywhere."""
    if not jurisdiction:
        return {""}
    townships = {jurisdiction[:9]} if len(jurisdiction) > 9 else set()
    return {""} | {jurisdiction[:length].ljust(6, "0") for length in (2, 4, 6)} | townships | {jurisdiction}


def chain(family: str, jurisdiction: str, programme: str, *, on: date | None = None) -> list[RuleSet]:
    """The rule sets that bear on a division, weakest first, as ``core.rules`` lays them over one another."""
    query = select(RuleSet).where(
        RuleSet.family == family,
        RuleSet.jurisdiction.in_(above(jurisdiction)),
        RuleSet.programme.in_({"", programme}),
    )
    if on is not None:
        query = query.where(RuleSet.valid_from <= on)
    return sorted(
        db.session.scalars(query.order_by(RuleSet.id).limit(MOST_SETS)),
        key=lambda row: (
            bool(row.programme),
            len(row.jurisdiction.rstrip("0")) if row.jurisdiction else -1,
            row.valid_from,
            row.version,
        ),
    )


def versions(family: str, jurisdiction: str) -> list[RuleSet]:
    """Every rule set of a family that a division meets, any programme, the newest first."""
    return list(
        db.session.scalars(
            select(RuleSet)
            .where(RuleSet.family == family, RuleSet.jurisdiction.in_(above(jurisdiction)))
            .order_by(RuleSet.valid_from.desc(), RuleSet.id.desc())
            .limit(MOST_SETS)
        )
    )


def latest_sets(*, on: date) -> dict[str, int]:
    """How many rule sets of each family hold somewhere on a day."""
    rows = db.session.execute(
        select(RuleSet.family, func.count()).where(RuleSet.valid_from <= on).group_by(RuleSet.family)
    )
    return dict(rows.all())


def rule_set(number: int) -> RuleSet | None:
    found: RuleSet | None = db.session.get(RuleSet, number)
    return found if found is not None and found.family in FAMILIES else None


def draft_of(row: RuleSet) -> RuleDraft | None:
    """The three people behind a rule set; ``None`` for one that came with the product."""
    return db.session.scalars(
        select(RuleDraft)
        .where(RuleDraft.rule_set_id == row.id)
        .options(
            joinedload(RuleDraft.drafter), joinedload(RuleDraft.reviewer), joinedload(RuleDraft.approver)
        )
    ).first()


def visible_drafts(user: Any) -> Select[Any]:
    """Changes under way at the units whose rules the user reads."""
    return select(RuleDraft).where(RuleDraft.agency_id.in_(user.agency_ids("rule.read")))


def draft_in_scope(user: Any, number: int) -> RuleDraft | None:
    return db.session.scalar(
        visible_drafts(user)
        .where(RuleDraft.id == number)
        .options(
            joinedload(RuleDraft.agency), joinedload(RuleDraft.drafter), joinedload(RuleDraft.reviewer),
            joinedload(RuleDraft.approver), joinedload(RuleDraft.rule_set),
        )
    )  # fmt: skip


def open_drafts(user: Any, limit: int = 100) -> list[RuleDraft]:
    return list(
        db.session.scalars(
            visible_drafts(user)
            .where(RuleDraft.state.in_(("draft", "reviewed")))
            .options(joinedload(RuleDraft.agency), joinedload(RuleDraft.drafter))
            .order_by(RuleDraft.id.desc())
            .limit(limit)
        )
    )


def closed_drafts(user: Any, limit: int = 20) -> list[RuleDraft]:
    return list(
        db.session.scalars(
            visible_drafts(user)
            .where(RuleDraft.state.in_(("in_force", "withdrawn")))
            .options(joinedload(RuleDraft.agency), joinedload(RuleDraft.drafter))
            .order_by(RuleDraft.id.desc())
            .limit(limit)
        )
    )


def waiting_for(user: Any) -> list[tuple[RuleDraft, str]]:
    """Changes that wait for a step of this person, with the step."""
    wanted = [
        (state, step, user.agency_ids(permission))
        for state, step, permission in (("draft", "review", "rule.review"), ("reviewed", "approve", "rule.approve"))
    ]  # fmt: skip
    conditions = [
        (RuleDraft.state == state) & RuleDraft.agency_id.in_(ids) for state, _step, ids in wanted if ids
    ]
    if not conditions:
        return []
    steps = {state: step for state, step, _ids in wanted}
    found = db.session.scalars(
        select(RuleDraft)
        .where(or_(*conditions), RuleDraft.drafted_by != user.id)
        .where(or_(RuleDraft.reviewed_by.is_(None), RuleDraft.reviewed_by != user.id))
        .order_by(RuleDraft.id)
    )
    return [(draft, steps[draft.state]) for draft in found]


def changes_of(draft: RuleDraft) -> list[Change]:
    """What a change does to the rules that hold on its day; for one in force, what it did."""
    return _changes(
        FAMILIES[draft.family],
        draft.parameters,
        chain(draft.family, draft.jurisdiction, draft.programme, on=draft.valid_from),
        without=draft.rule_set_id,
    )


def changes_of_set(row: RuleSet) -> list[Change]:
    """What a rule set laid over those before it."""
    rows = chain(row.family, row.jurisdiction, row.programme, on=row.valid_from)
    return _changes(FAMILIES[row.family], row.parameters, rows, without=row.id)


def _changes(
    family: Family, values: dict[str, Any], rows: list[RuleSet], *, without: int | None
) -> list[Change]:
    before = dict(family.defaults)
    for row in rows:
        if row.id != without:
            before.update(row.parameters)
    return [
        Change(item, before.get(item.name), values[item.name])
        for item in family.parameters
        if item.name in values
    ]


@dataclass(frozen=True, slots=True)
class Effect:
    """A figure of a year under the rules as they are and as the change would make them."""

    year: int
    rollup: bool
    now: RatioFigure
    then: RatioFigure


def effect_on_ratio(draft: RuleDraft, years: list[int]) -> list[Effect]:
    """What the 30% figure of the division would be; writes nothing."""
    found: list[Effect] = []
    links = continuations()
    for year in years:
        rows = purchase_rows(draft.jurisdiction, year)
        if not any(row.fiscal_year == year for row in rows):
            continue
        rules = ratio_parameters(draft.jurisdiction, date(year, 12, 31))[0]
        changed = R30Parameters.from_dict({**rules.to_dict(), **draft.parameters})
        for rollup in (False, True):
            now, then = (
                compute_ratio(rows, year, draft.jurisdiction, None, rollup, item, links)
                for item in (rules, changed)
            )
            found.append(Effect(year, rollup, now, then))
    return found


def divisions_offered(user: Any = None) -> dict[str, str]:
    """The divisions of the units in a person's reach, or of all units (for the public), with their names."""
    query = select(Agency.division_code, Agency.name).where(Agency.division_code != "")
    if user is not None:
        query = query.where(Agency.id.in_(user.agency_ids("agency.read")))
    units = {
        normalise_division(code): name for code, name in db.session.execute(query.order_by(Agency.id.desc()))
    }
    return {code: division_name(code) or units[code] for code in sorted(units)}


def agencies_drafting(user: Any) -> list[Agency]:
    """The units for whose division the person may draft rules."""
    return list(
        db.session.scalars(
            select(Agency).where(Agency.id.in_(user.agency_ids("rule.draft"))).order_by(Agency.id)
        )
    )
