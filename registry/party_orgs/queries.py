"""Party organizations in scope, whom they cover, and how they were judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from core.files.models import StoredFile
from core.text import N_
from registry.organizations.models import Organization, PartyFacts
from registry.party_orgs.models import (
    PAPERS,
    PartyCheck,
    PartyCheckItem,
    PartyCover,
    PartyOrg,
    PartyPaper,
)
from registry.proof.queries import add_check

# Figures of so many rows are counted on each view of a page; of more when they are asked for.
COUNTED = 10_000


def visible_orgs(user: Any) -> Select[Any]:
    return select(PartyOrg).where(PartyOrg.agency_id.in_(user.agency_ids("party.read")))


def org_in_scope(user: Any, party_org_id: int) -> PartyOrg | None:
    return db.session.scalar(
        visible_orgs(user)
        .where(PartyOrg.id == party_org_id)
        .options(
            joinedload(PartyOrg.secretary),
            joinedload(PartyOrg.agency),
            selectinload(PartyOrg.covers).joinedload(PartyCover.organization),
        )
    )


def asked_day(text: str) -> date | None:
    """The day in an address, ``None`` for none or for what is no day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def alive_on(day: date) -> Any:
    return and_(PartyOrg.founded_on <= day, or_(PartyOrg.until.is_(None), PartyOrg.until > day))


def _latest_met(scheme: str, day: date) -> Any:
    return (
        select(PartyCheck.met)
        .where(
            PartyCheck.party_org_id == PartyOrg.id,
            PartyCheck.scheme == scheme,
            PartyCheck.assessed_on <= day,
        )
        .order_by(PartyCheck.assessed_on.desc(), PartyCheck.id.desc())
        .limit(1)
        .correlate(PartyOrg)
        .scalar_subquery()
    )


def good_on(day: date) -> Any:
    """Has the eight and does the six well, by the latest checklists up to that day (S0-01)."""
    return and_(_latest_met("eight", day).is_(True), _latest_met("six", day).is_(True))


def org_views(day: date) -> dict[str, Any]:
    """The views of the list of party organizations on a day."""
    papers = (
        select(func.count(func.distinct(PartyPaper.kind)))
        .where(PartyPaper.party_org_id == PartyOrg.id)
        .correlate(PartyOrg)
        .scalar_subquery()
    )
    good = func.coalesce(case((good_on(day), 1), else_=0), 0)
    return {
        "alive": alive_on(day),
        "good": and_(alive_on(day), good == 1),
        "not_good": and_(alive_on(day), good == 0),
        "papers_missing": and_(alive_on(day), papers < len(PAPERS)),
    }


def checks_of(party_org: PartyOrg) -> list[PartyCheck]:
    return list(
        db.session.scalars(
            select(PartyCheck)
            .where(PartyCheck.party_org_id == party_org.id)
            .options(selectinload(PartyCheck.items).joinedload(PartyCheckItem.file))
            .order_by(PartyCheck.assessed_on.desc(), PartyCheck.id.desc())
        )
    )


def papers_of(party_org: PartyOrg) -> list[PartyPaper]:
    return list(
        db.session.scalars(
            select(PartyPaper)
            .where(PartyPaper.party_org_id == party_org.id)
            .options(joinedload(PartyPaper.file))
            .order_by(PartyPaper.dated_on.desc(), PartyPaper.id.desc())
        )
    )


def covers_of(organization: Organization) -> list[PartyCover]:
    return list(
        db.session.scalars(
            select(PartyCover)
            .where(PartyCover.organization_id == organization.id)
            .options(joinedload(PartyCover.party_org))
            .order_by(PartyCover.until.is_not(None), PartyCover.id.desc())
        )
    )


def living_cover(organization_id: int) -> PartyCover | None:
    return db.session.scalar(
        select(PartyCover)
        .where(PartyCover.organization_id == organization_id, PartyCover.until.is_(None))
        .options(joinedload(PartyCover.party_org))
    )


def stored_for_org(party_org: PartyOrg, file_id: int) -> StoredFile | None:
    owners = (
        select(PartyPaper.file_id).where(PartyPaper.party_org_id == party_org.id),
        select(PartyCheckItem.file_id)
        .join(PartyCheckItem.check)
        .where(PartyCheck.party_org_id == party_org.id),
    )
    return stored_among(file_id, owners)


def stored_among(file_id: int, owners: Sequence[Any]) -> StoredFile | None:
    return db.session.scalar(
        select(StoredFile).where(
            StoredFile.id == file_id, or_(*(StoredFile.id.in_(owner) for owner in owners))
        )
    )


def org_figures(user: Any, day: date, *, whole: bool = False) -> dict[str, int]:
    """How many party organizations each of their views holds on a day; empty where there are more than
    ``COUNTED`` and they are not asked for.
    """
    if not whole:
        some = visible_orgs(user).with_only_columns(PartyOrg.id).limit(COUNTED + 1).subquery()
        if (db.session.scalar(select(func.count()).select_from(some)) or 0) > COUNTED:
            return {}
    sums = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in org_views(day).items()]
    row = db.session.execute(visible_orgs(user).with_only_columns(*sums)).mappings().one()
    return {name: int(value or 0) for name, value in row.items()}


# Proof of the register --------------------------------------------------------------------------

_kind = func.coalesce(PartyFacts.party_org_kind, "none")


def _cover_and_facts_differ() -> Any:
    living = (
        select(PartyOrg.kind)
        .join(PartyCover, PartyCover.party_org_id == PartyOrg.id)
        .where(PartyCover.organization_id == Organization.id, PartyCover.until.is_(None))
        .correlate(Organization)
        .scalar_subquery()
    )
    return (
        select(Organization.name.label("name"), _kind.label("kind"))
        .outerjoin(PartyFacts, PartyFacts.organization_id == Organization.id)
        .where(
            exists().where(PartyCover.organization_id == Organization.id),
            func.coalesce(living, "none") != _kind,
        )
    )


def _sole_covers_several() -> Any:
    living = (
        select(func.count())
        .where(PartyCover.party_org_id == PartyOrg.id, PartyCover.until.is_(None))
        .correlate(PartyOrg)
        .scalar_subquery()
    )
    return select(PartyOrg.name.label("name"), living.label("count")).where(
        PartyOrg.kind == "sole", living > 1
    )


def _ended_and_still_covers() -> Any:
    return (
        select(PartyOrg.name.label("name"), Organization.name.label("organization"))
        .join(PartyCover, PartyCover.party_org_id == PartyOrg.id)
        .join(Organization, Organization.id == PartyCover.organization_id)
        .where(PartyOrg.until.is_not(None), PartyCover.until.is_(None))
    )


add_check("party-kind", N_("%(name)s: its party organization is noted as %(kind)s, its cover says otherwise."), _cover_and_facts_differ)  # fmt: skip
add_check("party-sole", N_("%(name)s is a sole party organization and covers %(count)s organizations."), _sole_covers_several)  # fmt: skip
add_check("party-ended", N_("%(name)s has ended and still covers %(organization)s."), _ended_and_still_covers)
