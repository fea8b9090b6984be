"""Reading the register, scope included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from core import clock
from core.audit.queries import Event, history_of
from core.clock import add_months
from core.db import db
from core.text import N_
from registry.organizations.models import (
    FormerIdentity,
    Grade,
    Organization,
    OrganizationChange,
    OrganizationProfile,
    OrganizationTag,
)
from registry.organizations.rules import credit_code_or_none
from registry.persons.models import Person
from registry.proof.queries import add_check

Host = aliased(Organization)


def visible_organizations(user: Any) -> Select[Organization]:
    """The organizations of the units a person reads, and the person's own."""
    agencies = user.agency_ids("organization.read")
    own = user.organization_ids("own.read")
    query = select(Organization)
    if not own:
        # The plain form lets the planner read the scope's index in order.
        return query.where(Organization.agency_id.in_(agencies))
    return query.where(or_(Organization.agency_id.in_(agencies), Organization.id.in_(own)))


def organization_in_scope(user: Any, organization_id: int) -> Organization | None:
    return db.session.scalar(visible_organizations(user).where(Organization.id == organization_id))


def readable(user: Any, organization_ids: Iterable[int]) -> set[int]:
    """Which of these organizations the user may open."""
    wanted = set(organization_ids)
    return set(
        db.session.scalars(
            visible_organizations(user).where(Organization.id.in_(wanted)).with_only_columns(Organization.id)
        )
    )


def editable_organization(user: Any, organization_id: int, permission: str) -> Organization | None:
    """The organization, when ``permission`` is held at the very unit that keeps it."""
    return db.session.scalar(
        select(Organization).where(
            Organization.id == organization_id, Organization.agency_id.in_(user.agency_ids(permission))
        )
    )


def own_organizations(user: Any) -> list[Organization]:
    """The organizations this person acts for."""
    return list(
        db.session.scalars(
            select(Organization)
            .where(Organization.id.in_(user.organization_ids("own.read")))
            .order_by(Organization.sort_key, Organization.id)
        )
    )


def matching(query: Select[Any], words: str) -> Select[Any]:
    """Narrow a query of organizations to those whose name contains, or whose code starts with, ``words``."""
    words = words.strip()
    if not words:
        return query
    return query.where(
        or_(
            Organization.name.contains(words, autoescape=True),
            Organization.credit_code.startswith(words.upper(), autoescape=True),
        )
    )


def named(query: Select[Any], text: str) -> Organization | None:
    """The one organization of ``query`` with exactly this name or credit code."""
    text = text.strip()
    found = db.session.scalars(
        query.where(or_(Organization.name == text, Organization.credit_code == text.upper())).limit(2)
    ).all()
    return found[0] if len(found) == 1 else None


def code_is_taken(code: str, *, but: Organization | None = None) -> bool:
    """Whether any row of the whole register holds this code."""
    query = select(Organization.id).where(Organization.credit_code == code)
    if but is not None:
        query = query.where(Organization.id != but.id)
    return db.session.scalar(query) is not None


def grade_on(organization: Organization, day: date) -> Grade | None:
    """The grade in force on ``day``; of several the one given last."""
    valid = [item for item in organization.grades if item.valid_from <= day <= item.valid_to]
    return max(valid, key=lambda item: (item.valid_from, item.id), default=None)


def waiting_for_verification(user: Any, *, limit: int = 20) -> list[Organization]:
    """Entries at the person's unit that somebody else recorded and nobody has verified."""
    return list(
        db.session.scalars(
            select(Organization)
            .where(
                Organization.agency_id.in_(user.agency_ids("organization.verify")),
                Organization.verified_by.is_(None),
                Organization.recorded_by.is_not(None),
                Organization.recorded_by != user.id,
            )
            .order_by(Organization.id)
            .limit(limit)
        )
    )


def tags_on(organization_id: int, day: date) -> set[str]:
    """What the organization is recognized as on ``day``: hub, support, federation, charity."""
    return set(
        db.session.scalars(
            select(OrganizationTag.tag).where(
                OrganizationTag.organization_id == organization_id,
                OrganizationTag.since <= day,
                or_(OrganizationTag.until.is_(None), OrganizationTag.until >= day),
            )
        )
    )


def register_facts(organization: Organization) -> dict[str, Any]:
    """What :func:`registry.organizations.rules.register_findings` looks at."""
    profile = organization.profile
    host = organization.host
    columns = OrganizationProfile.__table__.c.keys()
    return {
        **{name: getattr(profile, name) if profile else None for name in columns},
        **{
            name: getattr(organization, name)
            for name in (
                "kind", "register_class", "credit_code", "registered_on", "business_scope", "address", "phone",
                "direct_class", "community_type",
            )
        },
        "division": organization.division_code,
        "home_division": organization.agency.division_code[:6],
        "leader": organization.legal_representative.name if organization.legal_representative else "",
        "host_kind": host.kind if host else None,
        "host_code": host.credit_code if host else None,
        "tags": tags_on(organization.id, clock.today()),
    }  # fmt: skip


def changes_of(organization: Organization, *, field: str = "") -> Select[Any]:
    """The history by field, youngest first, optionally of one field."""
    query = select(OrganizationChange).where(OrganizationChange.organization_id == organization.id)
    return query.where(OrganizationChange.field == field) if field else query


def former_identities(organization: Organization) -> list[FormerIdentity]:
    return list(
        db.session.scalars(
            select(FormerIdentity)
            .where(FormerIdentity.organization_id == organization.id, FormerIdentity.kind != "number")
            .order_by(FormerIdentity.until.desc(), FormerIdentity.id.desc())
        )
    )


def stale_before(parameters: Any) -> date:
    """Entries last verified before this day are stale."""
    return add_months(clock.today(), -int(parameters["verify_months"]))


def stale_organizations(user: Any, before: date, *, permission: str = "organization.read") -> Select[Any]:
    """Verified entries that nobody has compared with the certificate since ``before``."""
    return select(Organization).where(
        Organization.agency_id.in_(user.agency_ids(permission)),
        Organization.verified_on < before,
        Organization.status.in_(("normal", "abnormal")),
    )


def joined_into(user: Any, number: int) -> Organization | None:
    """The organization in scope that the entry of this number was joined into."""
    return db.session.scalar(
        visible_organizations(user)
        .join(FormerIdentity, FormerIdentity.organization_id == Organization.id)
        .where(FormerIdentity.kind == "number", FormerIdentity.value == str(number))
        .limit(1)
    )


# What must hold ------------------------------------------------------------------------------------


def _filed_with_code() -> Select[Any]:
    return select(Organization.name.label("name")).where(
        Organization.register_class == "filed", Organization.credit_code.is_not(None)
    )


def _federation_without_code() -> Select[Any]:
    """S4-18: a federation in force is a social association with a code of 51."""
    return (
        select(Organization.name.label("name"))
        .join(OrganizationTag, OrganizationTag.organization_id == Organization.id)
        .where(
            OrganizationTag.tag == "federation",
            OrganizationTag.until.is_(None),
            or_(Organization.kind != "social_association", Organization.credit_code.not_like("51%")),
        )
    )


add_check("filed-with-code", N_("%(name)s is filed, but has a credit code."), _filed_with_code)
add_check(
    "federation", N_("%(name)s is noted as a federation, but is no social association with a code of 51."),
    _federation_without_code,
)  # fmt: skip


def _impossible_codes() -> Iterator[dict[str, Any]]:
    rows = db.session.execute(
        select(Organization.name, Organization.credit_code)
        .where(Organization.credit_code.is_not(None))
        .execution_options(yield_per=2_000)
    )
    for name, code in rows:
        checked = credit_code_or_none(code)
        if checked is None or checked.code != code:
            yield {"name": name, "code": code}


def _double_codes() -> Any:
    return (
        select(Organization.credit_code.label("code"), func.count().label("times"))
        .where(Organization.credit_code.is_not(None))
        .group_by(Organization.credit_code)
        .having(func.count() > 1)
    )


add_check("double-code", N_("The credit code %(code)s stands with %(times)s organizations."), _double_codes)
add_check(
    "impossible-code", N_("%(name)s has a credit code that cannot be right: %(code)s."), _impossible_codes
)
add_check(
    "registered-without-code",
    N_("%(name)s is registered and has no credit code."),
    lambda: select(Organization.name).where(
        Organization.register_class != "filed", Organization.credit_code.is_(None)
    ),
)
add_check(
    "verified-by-its-recorder",
    N_("%(name)s was recorded and verified by one person."),
    lambda: select(Organization.name).where(Organization.verified_by == Organization.recorded_by),
)
add_check(
    "host-without-code",
    N_("%(name)s takes part through a host that is not registered."),
    lambda: (
        select(Organization.name)
        .join(Host, Host.id == Organization.host_id)
        .where(or_(Host.register_class == "filed", Host.id == Organization.id))
    ),
)
add_check(
    "grade-ends-before-it-begins",
    N_("%(name)s has a grade that ends before it begins."),
    lambda: (
        select(Organization.name)
        .join(Grade, Grade.organization_id == Organization.id)
        .where(Grade.valid_to < Grade.valid_from)
    ),
)


# Where an entry came from -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Came:
    """The list with which an entry came new: its name, when it was taken and by whom."""

    file_name: str
    at: datetime
    actor: str


_origins: list[Callable[[Organization], Came | None]] = []


def use_origin(lookup: Callable[[Organization], Came | None]) -> None:
    """How to find the list with which an entry came; a room above keeps the lists."""
    _origins[:] = [lookup]


# Entries about a person who acts for the organization; others about persons are read on their own pages.
_OF_PERSONS = ("appointed", "post_ended", "candidate_checked")


def _with_name(event: Event) -> Event:
    if event.event not in _OF_PERSONS or event.person is None:
        return event
    return replace(event, note=db.session.scalar(select(Person.name).where(Person.id == event.person)) or "")


def named_in(changes: Iterable[OrganizationChange]) -> dict[int, str]:
    """The names of the persons whom rows of the history by field point at, as they stand today."""
    numbers = {
        side["person"]
        for row in changes
        for side in (row.old, row.new)
        if isinstance(side, dict) and "person" in side
    }
    return {
        row.id: row.name
        for row in db.session.execute(select(Person.id, Person.name).where(Person.id.in_(numbers)))
    }


def trail_of(organization: Organization) -> list[Event]:
    """What happened to an entry, newest first; one that came with a list begins with that list."""
    events = [_with_name(event) for event in history_of(organization)]
    came = _origins[0](organization) if _origins else None
    if came is not None:
        events.append(Event(came.at, came.actor, "came_with_list", came.file_name))
    return sorted(events, key=lambda event: event.at, reverse=True)
