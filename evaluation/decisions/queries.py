"""Decisions in scope, and what a proposal is made from."""

from __future__ import annotations

from fractions import Fraction

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import parameters
from evaluation.decisions import rules
from evaluation.decisions.models import Decision, DecisionItem
from evaluation.panels.models import Panel
from evaluation.reviews import queries as reviews
from finance.funds.queries import earmark_available
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Notice
from registry.accounts.models import User
from registry.organizations.queries import grade_on
from registry.persons.models import Person


def visible_decisions(user: User) -> Select[Decision]:
    return select(Decision).where(Decision.agency_id.in_(user.agency_ids("commitment.read")))


def decision_in_scope(user: User, decision_id: int, permission: str = "commitment.read") -> Decision | None:
    return db.session.scalar(
        select(Decision)
        .where(Decision.id == decision_id, Decision.agency_id.in_(user.agency_ids(permission)))
        .options(
            joinedload(Decision.call).joinedload(Call.earmark),
            selectinload(Decision.items)
            .joinedload(DecisionItem.application)
            .joinedload(Application.organization),
        )
    )


def decision_of(call_id: int) -> Decision | None:
    return db.session.scalar(select(Decision).where(Decision.call_id == call_id))


def notice_of(call_id: int) -> Notice | None:
    return db.session.scalar(select(Notice).where(Notice.call_id == call_id))


def calls_to_decide(user: User) -> list[tuple[Call, Panel]]:
    """Calls whose sheets are all in and which have no proposal yet."""
    rows = db.session.execute(
        select(Call, Panel)
        .join(Panel, Panel.call_id == Call.id)
        .where(
            Panel.agency_id.in_(user.agency_ids("decision.propose")),
            Panel.state == "closed",
            Call.state == "published",
            ~select(Decision.id).where(Decision.call_id == Call.id).exists(),
        )
        .order_by(Call.id)
    )
    return [(call, panel) for call, panel in rows]


def ranking(panel: Panel) -> list[tuple[rules.Entry, reviews.Result]]:
    """Best first, with the results the rank follows from; only of a closed panel."""
    call = panel.call
    groups = parameters(
        "REX",
        rules.DEFAULTS,
        on=clock.today(),
        jurisdiction=call.agency.division_code,
        programme=call.programme,
    )["tie_break"]
    found = {item.application.id: item for item in reviews.results(panel)}
    day = clock.local(call.deadline_at).date()
    entries = []
    for item in found.values():
        grade = grade_on(item.application.organization, day)
        entries.append(
            rules.Entry(
                application=item.application.id,
                score=item.total,
                ties=tuple(item.parts.get(group, Fraction(0)) for group in groups),
                grade=grade.grade if grade else 0,
                number=item.application.number or "",
            )
        )
    return [(entry, found[entry.application]) for entry in rules.rank(entries)]


def shares(decision: Decision) -> list[rules.Share]:
    """The proposal as it stands."""
    pass_score = decision.call.selection_rubric.pass_score
    return [
        rules.Share(
            item.application_id,
            rules.passes(item.mean, pass_score),
            item.application.requested,
            item.amount,
            item.reason,
        )
        for item in decision.items
    ]


def pot(call: Call) -> Money:
    return earmark_available(call.earmark)


def expert_names(call_id: int) -> list[str]:
    """Those who scored, as a notice names them."""
    return list(
        db.session.scalars(
            select(Person.name)
            .where(
                Person.id.in_(
                    select(reviews.closed_sheets().where(Panel.call_id == call_id).subquery().c.person_id)
                )
            )
            .order_by(Person.id)
        )
    )


def handlers(decision: Decision) -> dict[str, User]:
    """Who took which step."""
    ids = {
        "proposed": decision.proposed_by,
        "reviewed": decision.reviewed_by,
        "budget_reviewed": decision.budget_reviewed_by,
        "approved": decision.approved_by,
    }
    users = {
        user.id: user
        for user in db.session.scalars(select(User).where(User.id.in_([key for key in ids.values() if key])))
    }
    return {step: users[key] for step, key in ids.items() if key}


def decisions_awaiting(user: User) -> list[Decision]:
    """Decisions in a state whose next step this user has the permission for."""
    steps = {
        "draft": "decision.review",
        "reviewed": "decision.review_budget",
        "budget_reviewed": "decision.approve",
    }
    conditions = [
        (Decision.state == state) & Decision.agency_id.in_(user.agency_ids(permission))
        for state, permission in steps.items()
        if user.may_somewhere(permission)
    ]
    if user.may_somewhere("notice.publish"):
        conditions.append(
            (Decision.state == "approved")
            & Decision.agency_id.in_(user.agency_ids("notice.publish"))
            & ~select(Notice.id).where(Notice.call_id == Decision.call_id).exists()
            & select(DecisionItem.id)
            .where(DecisionItem.decision_id == Decision.id, DecisionItem.amount > Money(0))
            .exists()
        )
    if not conditions:
        return []
    condition = conditions[0]
    for other in conditions[1:]:
        condition = condition | other
    return list(
        db.session.scalars(
            select(Decision).where(condition).options(joinedload(Decision.call)).order_by(Decision.id)
        )
    )
