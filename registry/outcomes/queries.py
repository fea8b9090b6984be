"""Cases in scope, and the open matters of an organization as upper floors tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.text import N_, Message
from registry.organizations.models import Organization
from registry.outcomes.models import OutcomeCase
from registry.proof.queries import add_check

# What is still open about an organization: a sentence and how many; none is told as nothing.
Matters = Callable[[Organization], Iterable[tuple[Message, int]]]
_matters: dict[str, Matters] = {}


def add_matters(name: str, find: Matters) -> None:
    """Let a floor above say what is still open about an organization before its entry closes."""
    _matters[name] = find


def open_matters(organization: Organization) -> list[tuple[Message, int]]:
    return [
        (sentence, count) for find in _matters.values() for sentence, count in find(organization) if count
    ]


# Of rows that a decision touched, those that a person may open: what each is called, and its page.
Touched = Callable[[Any, list[int]], list[tuple[str, str, dict[str, int]]]]
_touched: dict[str, Touched] = {}


def add_touched(name: str, find: Touched) -> None:
    """Let a floor above name the rows of what it did: ``find(user, ids)`` gives (title, endpoint, its arguments)."""
    _touched[name] = find


@dataclass(frozen=True, slots=True)
class Measure:
    """What a decision did: the sentence, how many rows it touched, and those that the reader may open."""

    text: Message
    count: int
    rows: list[tuple[str, str, dict[str, int]]]


def measures(case: OutcomeCase, user: Any) -> list[Measure]:
    return [
        Measure(
            Message.from_dict(item["text"]),
            item["count"],
            _touched[item["of"]](user, item["rows"]) if item.get("rows") and item["of"] in _touched else [],
        )
        for item in case.consequences
    ]


def visible_cases(user: Any) -> Select[Any]:
    """Of the units a person reads the register of, and of the person's own organizations once decided."""
    mine = OutcomeCase.agency_id.in_(user.agency_ids("organization.read"))
    own = user.organization_ids("own.read")
    query = select(OutcomeCase).options(joinedload(OutcomeCase.organization))
    if not own:
        return query.where(mine)
    return query.where(or_(mine, OutcomeCase.organization_id.in_(own) & OutcomeCase.decided_on.is_not(None)))


def case_in_scope(user: Any, case_id: int) -> OutcomeCase | None:
    return db.session.scalar(visible_cases(user).where(OutcomeCase.id == case_id))


def going_on(organization_id: int) -> OutcomeCase | None:
    """The case of an organization that is not settled yet."""
    return db.session.scalar(
        select(OutcomeCase).where(
            OutcomeCase.organization_id == organization_id,
            OutcomeCase.state.in_(("proposed", "reviewed", "winding_up")),
        )
    )


def waiting_for(user: Any, *, limit: int = 20) -> list[OutcomeCase]:
    """Cases whose next step is this person's."""
    verify, decide, edit = (
        user.agency_ids(name) for name in ("organization.verify", "outcome.decide", "organization.edit")
    )
    mine = [
        (OutcomeCase.state == state) & OutcomeCase.agency_id.in_(units)
        for state, units in (("proposed", verify), ("reviewed", decide), ("winding_up", edit))
        if units
    ]
    if not mine:
        return []
    return list(
        db.session.scalars(
            select(OutcomeCase)
            .where(
                or_(*mine),
                OutcomeCase.proposed_by.is_distinct_from(user.id) | (OutcomeCase.state == "winding_up"),
            )
            .options(joinedload(OutcomeCase.organization))
            .order_by(OutcomeCase.id)
            .limit(limit)
        )
    )


# What must hold ------------------------------------------------------------------------------------


def _ended_without_case() -> Select[Any]:
    """In liquidation with no case that winds it up; a revocation may be older than the register."""
    return select(Organization.name.label("name")).where(
        Organization.status == "liquidating",
        Organization.id.not_in(
            select(OutcomeCase.organization_id).where(
                OutcomeCase.state == "winding_up", OutcomeCase.outcome == "deregistered"
            )
        ),
    )


def _case_against_standing() -> Select[Any]:
    return (
        select(Organization.name.label("name"))
        .join(OutcomeCase, OutcomeCase.organization_id == Organization.id)
        .where(
            OutcomeCase.state == "winding_up",
            Organization.status.not_in(("liquidating", "revoked")),
        )
    )


add_check(
    "outcome-missing", N_("%(name)s is in liquidation, but no decided case winds it up."), _ended_without_case
)
add_check(
    "outcome-standing", N_("%(name)s is being wound up by a case, but its standing says otherwise."), _case_against_standing
)  # fmt: skip
