"""Party building in scope: the views that figures and lists share, and an organization's state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, union
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.audit.queries import call
from core.db import db
from core.files.models import StoredFile
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization, PartyFacts
from registry.party.models import (
    STEPS,
    MemberSurvey,
    PartyActivity,
    PartyActivityFile,
    PartyFile,
    PartyMember,
    PartyPost,
    PartyStep,
    PartyWorker,
)
from registry.party.rules import MEMBERS_TO_FORM, PartyState
from registry.party_orgs.queries import COUNTED, stored_among
from registry.proof.queries import add_check

call(
    "organization",
    "party_step_done",
    "step",
    {name: words for steps in STEPS.values() for name, words in steps.items()},
)

SOCIAL = ("social_association", "social_service_agency", "foundation", "filed_community_so")
ALIVE = ("normal", "abnormal", "liquidating")

# Asked of the facts themselves, so that the index of those to be formed is used.
_able = PartyFacts.full_members >= MEMBERS_TO_FORM
_members = func.coalesce(PartyFacts.full_members, 0)
_kind = func.coalesce(PartyFacts.party_org_kind, "none")
_steps = (
    select(func.count())
    .where(PartyStep.organization_id == Organization.id, PartyStep.scheme == "five")
    .correlate(Organization)
    .scalar_subquery()
)
_charter = func.coalesce(PartyFacts.party_in_charter, False)

# What a figure counts and what its list shows: one condition for both.
VIEWS: dict[str, tuple[str, Any]] = {
    "able": (N_("three or more full members"), _able),
    "formed": (N_("of these with a party organization"), and_(_able, PartyFacts.party_org_kind != "none")),
    "should_form": (N_("party organization to be formed"), and_(_able, PartyFacts.party_org_kind == "none")),
    "below": (N_("without the conditions and uncovered"), and_(_members < MEMBERS_TO_FORM, _kind == "none")),
    "instructed": (
        N_("of these with an instructor"),
        and_(_members < MEMBERS_TO_FORM, _kind == "none", PartyFacts.instructor_id.is_not(None)),
    ),
    "no_instructor": (
        N_("no instructor"),
        and_(_members < MEMBERS_TO_FORM, _kind == "none", PartyFacts.instructor_id.is_(None)),
    ),
    "charter": (N_("clauses in the charter"), _charter.is_(True)),
    "no_charter": (N_("clauses missing in the charter"), _charter.is_(False)),
    "stepped": (N_("all five steps done"), _steps == len(STEPS["five"])),
    "steps_open": (N_("steps open"), _steps < len(STEPS["five"])),
    "no_route": (N_("nobody responsible"), func.coalesce(PartyFile.route, "") == ""),
}
GAPS = ("should_form", "no_instructor", "no_charter", "steps_open", "no_route")


def _social() -> Select[Any]:
    """Every living social organization with what is known of its party building."""
    return (
        select(Organization)
        .outerjoin(PartyFacts, PartyFacts.organization_id == Organization.id)
        .outerjoin(PartyFile, PartyFile.organization_id == Organization.id)
        .where(Organization.kind.in_(SOCIAL), Organization.status.in_(ALIVE))
    )


def visible_organizations(user: Any) -> Select[Any]:
    """Social organizations kept by, or whose party building is the duty of, the units a person reads."""
    units = user.agency_ids("party.read")
    return _social().where(or_(Organization.agency_id.in_(units), PartyFile.responsible_agency_id.in_(units)))


def organization_in_scope(user: Any, organization_id: int) -> Organization | None:
    """For the units that keep it or are responsible, and for the organization itself."""
    units = user.agency_ids("party.read")
    return db.session.scalar(
        select(Organization)
        .outerjoin(PartyFile, PartyFile.organization_id == Organization.id)
        .where(
            Organization.id == organization_id,
            or_(
                Organization.agency_id.in_(units),
                PartyFile.responsible_agency_id.in_(units),
                Organization.id.in_(user.organization_ids("own.read")),
            ),
        )
        .options(joinedload(Organization.party), joinedload(Organization.agency))
    )


def file_of(organization: Organization) -> PartyFile | None:
    return db.session.scalar(
        select(PartyFile)
        .where(PartyFile.organization_id == organization.id)
        .options(joinedload(PartyFile.responsible_agency))
    )


def steps_of(organization: Organization) -> list[PartyStep]:
    return list(
        db.session.scalars(
            select(PartyStep)
            .where(PartyStep.organization_id == organization.id)
            .options(joinedload(PartyStep.file))
            .order_by(PartyStep.scheme, PartyStep.year.desc(), PartyStep.id)
        )
    )


def five_steps_done(organization_id: int) -> int:
    """How many of the five steps are done; applications show it (S0-13)."""
    return (
        db.session.scalar(
            select(func.count()).where(
                PartyStep.organization_id == organization_id, PartyStep.scheme == "five"
            )
        )
        or 0
    )


def surveys_of(organization: Organization) -> list[MemberSurvey]:
    """The surveys of members, the youngest first."""
    return list(
        db.session.scalars(
            select(MemberSurvey)
            .where(MemberSurvey.organization_id == organization.id)
            .options(joinedload(MemberSurvey.file))
            .order_by(MemberSurvey.surveyed_on.desc())
        )
    )


def members_of(organization: Organization) -> list[PartyMember]:
    return list(
        db.session.scalars(
            select(PartyMember)
            .where(PartyMember.organization_id == organization.id)
            .options(joinedload(PartyMember.person))
            .order_by(PartyMember.until.is_not(None), PartyMember.id)
        )
    )


def posts_of(organization: Organization) -> list[PartyPost]:
    """Who looks after the organization, those in post first."""
    return list(
        db.session.scalars(
            select(PartyPost)
            .where(PartyPost.organization_id == organization.id)
            .options(joinedload(PartyPost.worker).joinedload(PartyWorker.person))
            .order_by(PartyPost.until.is_not(None), PartyPost.since.desc(), PartyPost.id.desc())
        )
    )


def activities_of(organization: Organization, *, limit: int = 20) -> list[PartyActivity]:
    return list(
        db.session.scalars(
            select(PartyActivity)
            .where(PartyActivity.organization_id == organization.id)
            .order_by(PartyActivity.held_on.desc(), PartyActivity.id.desc())
            .limit(limit)
        )
    )


def state_of_party(organization: Organization) -> PartyState:
    """The facts that P1 to P5 are asked about."""
    facts, row = organization.party, file_of(organization)
    steps = steps_of(organization)
    occasions: dict[str, int] = {}
    for item in steps:
        if item.scheme == "three":
            occasions[item.step] = max(occasions.get(item.step, 0), item.year or 1)
    inspected = [item.year for item in organization.inspections if item.result in ("qualified", "basic")]
    return PartyState(
        full_members=facts.full_members if facts else 0,
        org_kind=facts.party_org_kind if facts else "none",
        has_instructor=bool(facts and facts.instructor_id),
        route=row.route if row else "",
        responsible=bool(row and (row.responsible_agency_id or row.responsible_name)),
        charter=(row.leadership_in_charter, row.values_in_charter, row.community_in_charter)
        if row
        else (False, False, False),
        steps=frozenset(item.step for item in steps if item.scheme == "five"),
        occasions=occasions,
        inspected_year=max(inspected, default=0),
        assessed=bool(organization.grades),
    )


# Workers and activities -------------------------------------------------------------------------


def visible_workers(user: Any) -> Select[Any]:
    return (
        select(PartyWorker)
        .join(PartyWorker.person)
        .where(PartyWorker.agency_id.in_(user.agency_ids("party.read")))
    )


def workers_to_post(user: Any) -> list[PartyWorker]:
    """The living pool at the units where the person keeps party files."""
    return list(
        db.session.scalars(
            select(PartyWorker)
            .where(PartyWorker.agency_id.in_(user.agency_ids("party.edit")), PartyWorker.until.is_(None))
            .options(joinedload(PartyWorker.person))
            .order_by(PartyWorker.id)
        )
    )


def visible_activities(user: Any) -> Select[Any]:
    """What was done at the organizations a person sees here; for a small unit led by their numbers."""
    query = select(PartyActivity).join(PartyActivity.organization)
    few = _few(user)
    if few is not None:
        return query.where(PartyActivity.organization_id.in_(few))
    units = user.agency_ids("party.read")
    return query.outerjoin(PartyFile, PartyFile.organization_id == Organization.id).where(
        or_(Organization.agency_id.in_(units), PartyFile.responsible_agency_id.in_(units))
    )


def activity_in_scope(user: Any, activity_id: int) -> PartyActivity | None:
    row = db.session.scalar(
        select(PartyActivity)
        .where(PartyActivity.id == activity_id)
        .options(
            joinedload(PartyActivity.organization),
            selectinload(PartyActivity.files).joinedload(PartyActivityFile.file),
        )
    )
    return row if row and organization_in_scope(user, row.organization_id) else None


def stored_for_organization(organization: Organization, file_id: int) -> StoredFile | None:
    """A file kept with the party building of this organization; any other is ``None``."""
    owners = (
        select(PartyStep.file_id).where(PartyStep.organization_id == organization.id),
        select(MemberSurvey.file_id).where(MemberSurvey.organization_id == organization.id),
        select(PartyActivityFile.file_id)
        .join(PartyActivityFile.activity)
        .where(PartyActivity.organization_id == organization.id),
    )
    return stored_among(file_id, owners)


# Figures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """How many organizations each view holds, all of them, and the full members in them.

    ``units`` has the same by the unit that keeps the organizations, in the order of the tree (S0-12);
    ``routes`` the organizations by route of supervision, "" where none is named.
    """

    total: dict[str, int]
    units: list[tuple[Agency, dict[str, int]]]
    routes: dict[str, int]


def _parts(units: set[int], condition: Any = None, *, limit: int) -> list[Any]:
    """The organizations that units keep, and those whose party building is their duty: one select for each,
    so that an index leads both; the two in one condition would read the whole register.
    """
    kept = (
        select(Organization.id)
        .outerjoin(PartyFile, PartyFile.organization_id == Organization.id)
        .where(Organization.agency_id.in_(units))
    )
    # From the files to the entries: SQLite keeps the order in which an outer join names its tables.
    charged = (
        select(Organization.id)
        .select_from(PartyFile)
        .join(Organization, Organization.id == PartyFile.organization_id)
        .where(PartyFile.responsible_agency_id.in_(units))
    )
    conditions = [Organization.kind.in_(SOCIAL), Organization.status.in_(ALIVE)]
    if condition is not None:
        conditions.append(condition)
    return [
        select(
            part.outerjoin(PartyFacts, PartyFacts.organization_id == Organization.id)
            .where(*conditions)
            .limit(limit)
            .subquery()
            .c.id
        )
        for part in (kept, charged)
    ]


def _few(user: Any) -> Any | None:
    """The numbers of the organizations in scope where there are no more than ``COUNTED``; found without
    reading more of them.
    """
    both = union(*_parts(user.agency_ids("party.read"), limit=COUNTED + 1)).subquery()
    if (db.session.scalar(select(func.count()).select_from(both)) or 0) > COUNTED:
        return None
    return select(both.c.id)


def organizations_to_list(user: Any) -> Select[Any]:
    """:func:`visible_organizations`, for a small unit led by the indexes of what it keeps and is charged with."""
    few = _few(user)
    return visible_organizations(user) if few is None else _social().where(Organization.id.in_(few))


def figures(user: Any, *, whole: bool = False) -> Figures | None:
    """The figures of party building; ``None`` where they are about more than ``COUNTED`` organizations and
    not asked for.
    """
    few = None if whole else _few(user)
    if few is None and not whole:
        return None
    scope = visible_organizations(user) if few is None else _social().where(Organization.id.in_(few))
    names = ("all", "members", *VIEWS)
    sums = [func.sum(case((condition, 1), else_=0)).label(name) for name, (_word, condition) in VIEWS.items()]
    rows = db.session.execute(
        scope.with_only_columns(
            Organization.agency_id, PartyFile.route.label("route"), func.count().label("all"),
            func.sum(_members).label("members"), *sums,
        ).group_by(Organization.agency_id, PartyFile.route)
    ).mappings()  # fmt: skip
    total = dict.fromkeys(names, 0)
    units: dict[int, dict[str, int]] = {}
    routes: dict[str, int] = {}
    for row in rows:
        own = units.setdefault(row["agency_id"], dict.fromkeys(names, 0))
        route = row["route"] or ""
        routes[route] = routes.get(route, 0) + row["all"]
        for name in names:
            own[name] += int(row[name] or 0)
            total[name] += int(row[name] or 0)
    in_order = db.session.scalars(select(Agency).where(Agency.id.in_(units)).order_by(Agency.path))
    return Figures(total, [(agency, units[agency.id]) for agency in in_order], routes)


def gap_counts(user: Any, names: Iterable[str], *, cap: int = 1000) -> dict[str, int]:
    """How many organizations at the units where the person keeps party files have each gap, capped."""
    units = user.agency_ids("party.edit") & user.agency_ids("party.read")
    return {
        name: db.session.scalar(
            select(func.count()).select_from(
                select(union(*_parts(units, VIEWS[name][1], limit=cap)).subquery()).limit(cap).subquery()
            )
        )
        or 0
        for name in names
    }


# Proof of the register --------------------------------------------------------------------------


def _survey_and_facts_differ() -> Any:
    latest = (
        select(MemberSurvey.full_members)
        .where(MemberSurvey.organization_id == Organization.id)
        .order_by(MemberSurvey.surveyed_on.desc())
        .limit(1)
        .correlate(Organization)
        .scalar_subquery()
    )
    return (
        select(Organization.name.label("name"), latest.label("surveyed"), _members.label("noted"))
        .outerjoin(PartyFacts, PartyFacts.organization_id == Organization.id)
        .where(latest != _members)
    )


def _future_activity() -> Any:
    return select(PartyActivity.title.label("title"), PartyActivity.held_on.label("day")).where(
        PartyActivity.held_on > clock.today()
    )


add_check("party-members", N_("%(name)s: the latest survey counts %(surveyed)s full members, %(noted)s are noted."), _survey_and_facts_differ)  # fmt: skip
add_check("party-future", N_("%(title)s: an activity of %(day)s lies in the future."), _future_activity)
