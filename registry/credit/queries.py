"""Reading credit files, the lists, and what the rules find due; scope included."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.rules.queries import Parameters, parameters
from core.rules.rules import Finding
from core.text import N_
from core.web.tables import CAP, Count
from registry.credit.models import LISTS, AdverseRecord, CreditEntry, CreditProposal, CreditRemoval
from registry.credit.rules import (
    CREDIT_DEFAULTS,
    STANDING_DEFAULTS,
    AdverseFact,
    CreditFact,
    StandingFacts,
    counts,
    due_for_dishonesty,
    due_for_dormancy,
    last_inspected_year,
)
from registry.organizations.models import Inspection, Organization
from registry.persons.models import Person
from registry.proof.queries import add_check

# A page of what is due; the rest comes when these are dealt with.
DUE_SHOWN = 100
# Whose decision is still to come, and at whose hands: state to the permission of the next step.
PROPOSAL_WAITS = {"proposed": "credit.review", "reviewed": "credit.approve"}
REMOVAL_WAITS = {"applied": "credit.edit", "examined": "credit.review", "verified": "credit.approve"}


def entries_of(organization: Organization) -> list[CreditEntry]:
    """The whole credit file, the youngest first."""
    return list(
        db.session.scalars(
            select(CreditEntry)
            .where(CreditEntry.organization_id == organization.id)
            .order_by(CreditEntry.entered_on.desc(), CreditEntry.id.desc())
        )
    )


def entries_that_count(
    organization: Organization, kind: str, *, on: date, months: int = 0
) -> list[CreditEntry]:
    """Entries of one kind in force on ``on`` or within the ``months`` before it (E5 to E7, E16)."""
    return [
        entry
        for entry in entries_of(organization)
        if entry.kind == kind and counts(entry.entered_on, entry.removed_on, on=on, months=months)
    ]


def reachable_entry(user: Any, entry_id: int) -> CreditEntry | None:
    """An entry of an organization whose credit the person edits, or of the person's own organization."""
    return db.session.scalar(
        select(CreditEntry)
        .join(Organization, Organization.id == CreditEntry.organization_id)
        .where(
            CreditEntry.id == entry_id,
            or_(
                Organization.agency_id.in_(user.agency_ids("credit.edit")),
                Organization.id.in_(user.organization_ids("own.edit")),
            ),
        )
        .options(joinedload(CreditEntry.organization))
    )


def _in_reach(user: Any) -> ColumnElement[bool]:
    """Applications of the units where credit is read, and those about the reader's own organizations."""
    return or_(
        CreditRemoval.agency_id.in_(user.agency_ids("credit.read")),
        CreditEntry.organization_id.in_(user.organization_ids("own.read")),
    )


def living_removals(user: Any, entries: Iterable[CreditEntry]) -> dict[int, CreditRemoval]:
    """The application under way for each of these entries, where the reader may open it."""
    rows = db.session.scalars(
        select(CreditRemoval)
        .join(CreditRemoval.entry)
        .where(
            CreditRemoval.entry_id.in_([entry.id for entry in entries]),
            CreditRemoval.state.in_(REMOVAL_WAITS),
            _in_reach(user),
        )
    )
    return {row.entry_id: row for row in rows}


def removal_in_scope(user: Any, removal_id: int) -> CreditRemoval | None:
    """An application to be taken off, for the unit that decides and for the organization it is about."""
    return db.session.scalar(
        select(CreditRemoval)
        .join(CreditRemoval.entry)
        .where(
            CreditRemoval.id == removal_id,
            _in_reach(user),
        )
        .options(joinedload(CreditRemoval.entry).joinedload(CreditEntry.organization))
    )


def proposal_in_scope(user: Any, proposal_id: int) -> CreditProposal | None:
    return db.session.scalar(
        select(CreditProposal)
        .where(
            CreditProposal.id == proposal_id,
            CreditProposal.agency_id.in_(user.agency_ids("credit.read")),
        )
        .options(joinedload(CreditProposal.organization))
    )


def _next_at(model: Any, waits: dict[str, str], user: Any) -> ColumnElement[bool]:
    """Rows in a state whose next step needs a permission that the person holds at their unit."""
    return or_(
        *(
            and_(model.state == state, model.agency_id.in_(user.agency_ids(permission)))
            for state, permission in waits.items()
        )
    )


def removals_waiting(user: Any, *, limit: int = 20) -> list[CreditRemoval]:
    """Applications whose next step is this person's: examine, verify or decide."""
    return list(
        db.session.scalars(
            select(CreditRemoval)
            .where(
                _next_at(CreditRemoval, REMOVAL_WAITS, user),
                or_(
                    CreditRemoval.state == "applied",
                    and_(
                        CreditRemoval.applied_by != user.id,
                        CreditRemoval.examined_by != user.id,
                        func.coalesce(CreditRemoval.verified_by, 0) != user.id,
                    ),
                ),
            )
            .options(joinedload(CreditRemoval.entry).joinedload(CreditEntry.organization))
            .order_by(CreditRemoval.id)
            .limit(limit)
        )
    )


def proposals_waiting(user: Any, *, limit: int = 20) -> list[CreditProposal]:
    """Proposed entries whose next step is this person's: review or confirm."""
    return list(
        db.session.scalars(
            select(CreditProposal)
            .where(
                _next_at(CreditProposal, PROPOSAL_WAITS, user),
                CreditProposal.proposed_by != user.id,
                func.coalesce(CreditProposal.reviewed_by, 0) != user.id,
            )
            .options(joinedload(CreditProposal.organization))
            .order_by(CreditProposal.id)
            .limit(limit)
        )
    )


def proposals_shown(user: Any, *, limit: int = 50) -> list[CreditProposal]:
    """Proposals that wait, at the units the person reads."""
    return list(
        db.session.scalars(
            select(CreditProposal)
            .where(
                CreditProposal.state.in_(PROPOSAL_WAITS),
                CreditProposal.agency_id.in_(user.agency_ids("credit.read")),
            )
            .options(joinedload(CreditProposal.organization))
            .order_by(CreditProposal.id)
            .limit(limit)
        )
    )


def removals_shown(user: Any, *, limit: int = 50) -> list[CreditRemoval]:
    """Applications under way, at the units the person reads."""
    return list(
        db.session.scalars(
            select(CreditRemoval)
            .where(
                CreditRemoval.state.in_(REMOVAL_WAITS),
                CreditRemoval.agency_id.in_(user.agency_ids("credit.read")),
            )
            .options(joinedload(CreditRemoval.entry).joinedload(CreditEntry.organization))
            .order_by(CreditRemoval.id)
            .limit(limit)
        )
    )


def visible_entries(user: Any) -> Select[Any]:
    """Everything in the credit files of the units the person reads; final grades are no list."""
    return (
        select(CreditEntry)
        .join(CreditEntry.organization)
        .where(
            Organization.agency_id.in_(user.agency_ids("credit.read")), CreditEntry.kind != "project_grade"
        )
    )


def visible_adverse(user: Any) -> Select[Any]:
    return (
        select(AdverseRecord)
        .join(AdverseRecord.person)
        .where(AdverseRecord.agency_id.in_(user.agency_ids("credit.read")))
    )


def adverse_in_scope(user: Any, record_id: int) -> AdverseRecord | None:
    """A person's record at a unit where the person who asks decides about credit."""
    return db.session.scalar(
        select(AdverseRecord)
        .where(
            AdverseRecord.id == record_id,
            AdverseRecord.agency_id.in_(user.agency_ids("credit.review")),
        )
        .options(joinedload(AdverseRecord.person))
    )


# Standing on a day ------------------------------------------------------------------------------


def standing_facts(organization: Organization, *, leader: Person | None = None) -> StandingFacts:
    """What the register and the credit files know; ``leader`` is who leads the project applied for.

    A person's adverse record counts wherever it was written.
    """
    credit = db.session.execute(
        select(
            CreditEntry.kind,
            CreditEntry.entered_on,
            CreditEntry.removed_on,
            CreditEntry.penalty,
            CreditEntry.fine,
        ).where(CreditEntry.organization_id == organization.id)
    )
    roles = {organization.legal_representative_id: "legal_representative"}
    if leader is not None:
        roles.setdefault(leader.id, "project_leader")
    adverse = db.session.execute(
        select(AdverseRecord, Person.name)
        .join(AdverseRecord.person)
        .where(AdverseRecord.person_id.in_([key for key in roles if key is not None]))
        .order_by(AdverseRecord.entered_on.desc(), AdverseRecord.id.desc())
    )
    return StandingFacts(
        under_investigation=organization.under_investigation,
        inspections={item.year: item.result for item in organization.inspections},
        credit=[CreditFact(*row) for row in credit],
        adverse=[
            AdverseFact(roles[row.person_id], name, row.kind, row.entered_on, row.removed_on)
            for row, name in adverse
        ],
        registered_on=organization.registered_on,
    )


def standing_rules(organization: Organization, *, on: date) -> Parameters:
    """The REL parameters in force for an organization's place on a day."""
    return parameters("REL", STANDING_DEFAULTS, on=on, jurisdiction=organization.division_code)


def credit_rules(organization: Organization, *, on: date) -> Parameters:
    """What lists forbid and when they are due (RCR), for an organization's place on a day."""
    return parameters("RCR", CREDIT_DEFAULTS, on=on, jurisdiction=organization.division_code)


# What is due ------------------------------------------------------------------------------------


def due_of(organization: Organization, kind: str) -> Finding | None:
    """Why an organization is due for a list today, or ``None``; the abnormal list has grounds, no rule."""
    if kind == "abnormal_list":
        return None
    today, facts = clock.today(), standing_facts(organization)
    if kind == "dishonesty_list":
        return due_for_dishonesty(facts, credit_rules(organization, on=today), on=today)
    years = int(standing_rules(organization, on=today)["zombie_years"])
    return due_for_dormancy(facts, years, on=today)


def due_entries(user: Any) -> list[tuple[Organization, str, Finding]]:
    """What the rules find due and nobody has proposed: (organization, list, finding), at the units where
    the person edits credit files; at most ``DUE_SHOWN`` of each list.
    """
    today = clock.today()
    perhaps = [
        *((organization, "dishonesty_list") for organization in _perhaps_dishonest(user, today)),
        *((organization, "zombie_list") for organization in _perhaps_dormant(user, today)),
    ]
    return [
        (organization, kind, finding)
        for organization, kind in perhaps
        if (finding := due_of(organization, kind)) is not None
    ]


def _not_proposed(kind: str) -> Any:
    return ~exists().where(
        CreditProposal.organization_id == Organization.id,
        CreditProposal.kind == kind,
        CreditProposal.state.in_(PROPOSAL_WAITS),
    )


def _kept(user: Any) -> Any:
    return Organization.agency_id.in_(user.agency_ids("credit.edit"))


def _perhaps_dishonest(user: Any, today: date) -> list[Organization]:
    """Those with an open abnormal entry or a penalty; the rule decides."""
    lately = clock.add_months(today, -120)
    return list(
        db.session.scalars(
            select(Organization)
            .where(
                _kept(user),
                exists().where(
                    CreditEntry.organization_id == Organization.id,
                    or_(
                        and_(CreditEntry.kind == "abnormal_list", CreditEntry.removed_on.is_(None)),
                        and_(CreditEntry.kind == "penalty", CreditEntry.entered_on > lately),
                    ),
                ),
                _not_proposed("dishonesty_list"),
            )
            .order_by(Organization.agency_id, Organization.sort_key, Organization.id)
            .limit(DUE_SHOWN)
        )
    )


def _silent(user: Any, today: date) -> tuple[Any, ...]:
    """Registered here long enough, and not inspected for the last year closed."""
    last = last_inspected_year(today)
    return (
        _kept(user),
        Organization.kind.in_(("social_association", "social_service_agency", "foundation")),
        Organization.register_class == "registered",
        Organization.status.in_(("normal", "abnormal")),
        Organization.registered_on < date(last, 1, 1),
        ~exists().where(
            Inspection.organization_id == Organization.id,
            Inspection.year == last,
            Inspection.result != "missing",
        ),
    )


def _has_results() -> Any:
    """Results of some year are on record: a list that was brought in without any accuses nobody."""
    return exists().where(Inspection.organization_id == Organization.id)


def without_results(user: Any) -> Count:
    """How many have no result of any year on record, where the person edits credit files; counted to the cap."""
    found = select(Organization.id).where(*_silent(user, clock.today()), ~_has_results()).limit(CAP + 1)
    number = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    return Count(min(number, CAP), more=number > CAP)


def _perhaps_dormant(user: Any, today: date) -> list[Organization]:
    """Registered social organizations without an inspection in the last two years closed; the rule decides."""
    return list(
        db.session.scalars(
            select(Organization)
            .where(
                *_silent(user, today),
                _has_results(),
                ~exists().where(
                    CreditEntry.organization_id == Organization.id,
                    CreditEntry.kind == "zombie_list",
                    CreditEntry.removed_on.is_(None),
                ),
                _not_proposed("zombie_list"),
            )
            .order_by(Organization.agency_id, Organization.sort_key, Organization.id)
            .limit(DUE_SHOWN)
        )
    )


# Proof of the register --------------------------------------------------------------------------


def overlapping_periods() -> Any:
    """Organizations with two periods of one list that share a day; never, says the law of this room."""
    first, second = CreditEntry.__table__.alias(), CreditEntry.__table__.alias()
    far = date(9999, 12, 31)
    return (
        select(Organization.name.label("name"), first.c.kind.label("kind"))
        .join(Organization, Organization.id == first.c.organization_id)
        .join(
            second,
            and_(
                second.c.organization_id == first.c.organization_id,
                second.c.kind == first.c.kind,
                second.c.id > first.c.id,
            ),
        )
        .where(
            first.c.kind.in_(LISTS),
            first.c.entered_on < func.coalesce(second.c.removed_on, far),
            second.c.entered_on < func.coalesce(first.c.removed_on, far),
            func.coalesce(first.c.removed_on, far) > first.c.entered_on,
            func.coalesce(second.c.removed_on, far) > second.c.entered_on,
        )
        .distinct()
    )


def _granted_and_not_removed() -> Any:
    return (
        select(Organization.name.label("name"), CreditEntry.kind.label("kind"))
        .join(CreditEntry, CreditEntry.organization_id == Organization.id)
        .join(CreditRemoval, CreditRemoval.entry_id == CreditEntry.id)
        .where(CreditRemoval.state == "granted", CreditEntry.removed_on.is_(None))
    )


def _confirmed_and_not_entered() -> Any:
    return (
        select(Organization.name.label("name"), CreditProposal.kind.label("kind"))
        .join(CreditProposal, CreditProposal.organization_id == Organization.id)
        .where(CreditProposal.state == "confirmed", CreditProposal.entry_id.is_(None))
    )


def _listed_before_registration() -> Any:
    return (
        select(Organization.name.label("name"), CreditEntry.entered_on.label("day"))
        .join(CreditEntry, CreditEntry.organization_id == Organization.id)
        .where(CreditEntry.entered_on < Organization.registered_on)
    )


add_check("credit-overlap", N_("%(name)s: two periods of %(kind)s share a day."), overlapping_periods)
add_check(
    "credit-removal", N_("%(name)s: the removal from %(kind)s was granted, the entry still stands."),
    _granted_and_not_removed,
)  # fmt: skip
add_check(
    "credit-proposal", N_("%(name)s: %(kind)s was confirmed, but no entry was made."), _confirmed_and_not_entered
)  # fmt: skip
add_check(
    "credit-too-early", N_("%(name)s: a credit entry of %(day)s lies before its registration."),
    _listed_before_registration,
)  # fmt: skip
