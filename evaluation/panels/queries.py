"""Panels in scope, the pool with its ties, and the draw made again from the record."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.access.policy import ROLES
from core.db import db
from core.rules.queries import Parameters, parameters
from core.text import N_
from evaluation.panels import rules
from evaluation.panels.models import Panel, PanelMember, Recusal
from grants.applications.models import Application
from grants.calls.models import Call
from registry.accounts.models import RoleAssignment, User
from registry.experts.models import Expert
from registry.experts.queries import panels_of_year, use_workload
from registry.experts.queries import pool as expert_pool
from registry.experts.rules import OBSTACLES, obstacle_of
from registry.interests.queries import conflicts
from registry.organizations.models import Organization

# What is written down for each kind of interest; the page translates it.
REASONS = {
    "employment": N_("employed by the applicant within three years"),
    "governance": N_("sits or sat on the applicant's board within three years"),
    "kinship": N_("kin of the applicant's head"),
    "advice": N_("advised the applicant"),
    "declared": N_("declared an interest"),
    "employer": N_("works for the applicant"),
    "role": N_("acts for the applicant"),
    "head": N_("is the applicant's legal representative"),
    "funder": N_("works for the funder"),
    **OBSTACLES,
}


def recusal_rules(call: Call, *, on: date | None = None) -> Parameters:
    """Parameters of REX in force for a call."""
    return parameters(
        "REX",
        rules.DEFAULTS,
        on=on or clock.today(),
        jurisdiction=call.agency.division_code,
        programme=call.programme,
    )


def visible_panels(user: User) -> Select[Panel]:
    return select(Panel).where(Panel.agency_id.in_(user.agency_ids("panel.read")))


def panel_in_scope(user: User, panel_id: int, permission: str = "panel.read") -> Panel | None:
    return db.session.scalar(
        select(Panel)
        .where(Panel.id == panel_id, Panel.agency_id.in_(user.agency_ids(permission)))
        .options(selectinload(Panel.members).joinedload(PanelMember.expert).joinedload(Expert.person))
    )


def panel_of(call: Call) -> Panel | None:
    return db.session.scalar(select(Panel).where(Panel.call_id == call.id))


def calls_to_plan(user: User) -> list[Call]:
    """Published calls past their deadline that have no panel yet."""
    return list(
        db.session.scalars(
            select(Call)
            .where(
                Call.agency_id.in_(user.agency_ids("panel.plan")),
                Call.state == "published",
                Call.deadline_at <= clock.now(),
                ~select(Panel.id).where(Panel.call_id == Call.id).exists(),
            )
            .order_by(Call.deadline_at, Call.id)
        )
    )


def applicants(call_id: int) -> list[Application]:
    """The eligible applications of a call, which a panel is drawn for."""
    return list(
        db.session.scalars(
            select(Application)
            .where(Application.call_id == call_id, Application.state == "eligible")
            .options(joinedload(Application.organization))
            .order_by(Application.id)
        )
    )


def undecided(call_id: int) -> int:
    """Applications whose eligibility nobody has confirmed yet."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Application)
            .where(Application.call_id == call_id, Application.state.in_(("submitted", "returned")))
        )
        or 0
    )


def candidates(call: Call, applications: list[Application]) -> list[rules.Candidate]:
    """The pool of the call's agency with every tie of each expert to each applicant or its host."""
    experts = expert_pool(call.agency_id)
    persons = [item.person_id for item in experts]
    bodies: dict[int, Organization] = {item.organization_id: item.organization for item in applications}
    hosts = {item.host_id for item in bodies.values() if item.host_id}
    ties = conflicts(persons, sorted(bodies.keys() | hosts), on=clock.today())
    roles = _roles_held(persons)
    barred = _obstacles(call, experts)
    return [
        _candidate(item, call, applications, ties, roles.get(item.person_id, []), barred[item.id])
        for item in experts
    ]


def _obstacles(call: Call, experts: list[Expert]) -> dict[int, str]:
    """Who is away while this call is scored, serves other regions, or has judged often enough this year."""
    values, today = recusal_rules(call), clock.today()
    sat = panels_of_year([item.id for item in experts], today.year)
    return {
        item.id: obstacle_of(
            item,
            panels=sat.get(item.id, 0),
            most_panels=values["most_panels"],
            division=call.agency.division_code,
            first=today,
            last=clock.add_working_days(today, values["scoring_days"]),
        )
        for item in experts
    }


def _panels_sat_on(expert_ids: list[int], year: int) -> dict[int, int]:
    return dict(
        db.session.execute(
            select(PanelMember.expert_id, func.count())
            .join(Panel, Panel.id == PanelMember.panel_id)
            .where(
                PanelMember.expert_id.in_(expert_ids),
                Panel.drawn_at >= clock.at_local(date(year, 1, 1)),
                Panel.drawn_at < clock.at_local(date(year + 1, 1, 1)),
            )
            .group_by(PanelMember.expert_id)
        ).all()
    )


use_workload(_panels_sat_on)


def _roles_held(persons: list[int]) -> dict[int, list[RoleAssignment]]:
    found: dict[int, list[RoleAssignment]] = {}
    today = clock.today()
    for person_id, role in db.session.execute(
        select(User.person_id, RoleAssignment)
        .join(RoleAssignment.user)
        .where(User.person_id.in_(persons), RoleAssignment.valid_from <= today)
        .where((RoleAssignment.valid_to.is_(None)) | (RoleAssignment.valid_to >= today))
    ):
        found.setdefault(person_id, []).append(role)
    return found


def _candidate(
    expert: Expert,
    call: Call,
    applications: list[Application],
    ties: dict,
    roles: list[RoleAssignment],
    hindered: str,
) -> rules.Candidate:
    works_here = expert.employed_by_agency_id == call.agency_id or any(
        item.agency_id == call.agency_id and item.role != "expert" and item.role in ROLES for item in roles
    )
    found = {}
    for application in applications:
        reason = _tie(expert, application.organization, ties, roles)
        if reason:
            found[application.id] = REASONS[reason]
    return rules.Candidate(
        expert=expert.id,
        person=expert.person_id,
        name=expert.person.name,
        fields=tuple(expert.fields),
        barred=REASONS["funder"] if works_here else REASONS.get(hindered, ""),
        conflicts=found,
    )


def _tie(expert: Expert, applicant: Organization, ties: dict, roles: list[RoleAssignment]) -> str:
    """Why the expert may not judge this applicant (a key of ``REASONS``), or nothing."""
    bodies = [applicant.id, *([applicant.host_id] if applicant.host_id else [])]
    if expert.person_id == applicant.legal_representative_id:
        return "head"
    if expert.employer_organization_id in bodies or expert.employer == applicant.name:
        return "employer"
    if any(item.organization_id in bodies for item in roles):
        return "role"
    for body in bodies:
        interest = ties.get((expert.person_id, body))
        if interest is not None:
            return interest.kind if interest.kind in REASONS else "declared"
    return ""


def recusals(panel: Panel) -> list[tuple[Recusal, Application]]:
    return [
        (recusal, application)
        for recusal, application in db.session.execute(
            select(Recusal, Application)
            .join(Application, Application.id == Recusal.application_id)
            .where(Recusal.panel_id == panel.id)
            .order_by(Recusal.id)
        )
    ]


def recused_persons(panel_id: int) -> set[tuple[int, int]]:
    """(person, application) pairs that are recused."""
    return {
        (person, application)
        for person, application in db.session.execute(
            select(Recusal.person_id, Recusal.application_id).where(Recusal.panel_id == panel_id)
        )
    }


def panels_awaiting(user: User, permission: str, state: str) -> list[Panel]:
    return list(
        db.session.scalars(
            select(Panel)
            .where(Panel.agency_id.in_(user.agency_ids(permission)), Panel.state == state)
            .options(joinedload(Panel.call))
            .order_by(Panel.id)
        )
    )


def drawn_again(panel: Panel) -> tuple[bool, list[rules.Seat]]:
    """The seats computed from the record alone, and whether they are those that were seated."""
    pool = rules.thawed(panel.pool)
    applications = sorted({key for item in pool for key in item.conflicts})
    seats = rules.draw(
        pool,
        panel.seed,
        size=panel.size,
        finance=panel.finance_experts,
        applications=applications,
        least_sheets=0,
    )
    same = rules.digest(panel.pool) == panel.pool_sha256 and [
        (item.position, item.candidate.expert, item.seat) for item in seats
    ] == [(item.position, item.expert_id, item.seat) for item in panel.members if item.seat != "substitute"]
    return same, seats
