"""The tables of liaison officers, notices and receipts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.liaison.models import LiaisonNotice, LiaisonOfficer, LiaisonReceipt
from registry.liaison.queries import visible_notices, visible_officers, visible_receipts
from registry.organizations.models import Organization
from registry.persons.models import Person

unit = aliased(Agency)


def officer_rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_officers(user)
    words = args.get("q", "").strip()
    if words:
        query = query.where(
            LiaisonOfficer.person_id.in_(
                select(Person.id).where(Person.name.contains(words, autoescape=True))
            )
        )
    return query


def receipt_rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_receipts(user)
    if args.get("notice", "").isdecimal():
        query = query.where(LiaisonReceipt.notice_id == int(args["notice"]))
    state = args.get("state")
    if state == "unread":
        query = query.where(LiaisonReceipt.read_at.is_(None))
    if state == "read":
        query = query.where(LiaisonReceipt.read_at.is_not(None), LiaisonReceipt.told_by.is_(None))
    if state == "told":
        query = query.where(LiaisonReceipt.told_by.is_not(None))
    return query


OFFICERS = Listing(
    name="liaison.officers",
    title=N_("Liaison officers"),
    permissions=("liaison.read",),
    rows=officer_rows,
    filters=("q",),
    orders={"first": ((LiaisonOfficer.id, False),)},
    joins=lambda query: (
        query.join(Person, Person.id == LiaisonOfficer.person_id)
        .join(Agency, Agency.id == LiaisonOfficer.agency_id)
        .outerjoin(unit, unit.id == LiaisonOfficer.unit_id)
        .outerjoin(Organization, Organization.id == LiaisonOfficer.organization_id)
    ),
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Mobile number"), Person.phone),
        Column(N_("Unit"), unit.name, width=30),
        Column(N_("Organization"), Organization.name, width=30),
        Column(N_("Since"), LiaisonOfficer.since, "day"),
        Column(N_("Until"), LiaisonOfficer.until, "day"),
        Column(N_("Appointed by"), Agency.name, width=28),
    ),
)
NOTICES = Listing(
    name="liaison.notices",
    title=N_("Notices to liaison officers"),
    permissions=("liaison.read",),
    rows=lambda user, args: visible_notices(user),
    orders={"newest": ((LiaisonNotice.id, True),)},
    joins=lambda query: query.join(Agency, Agency.id == LiaisonNotice.agency_id),
    columns=(
        Column(N_("Title"), LiaisonNotice.title, width=40),
        Column(N_("Published by"), Agency.name, width=28),
        Column(N_("Published"), LiaisonNotice.published_at, "moment"),
        Column(N_("To be read until"), LiaisonNotice.due_on, "day"),
        Column(N_("Text"), LiaisonNotice.text, width=60),
    ),
)
RECEIPTS = Listing(
    name="liaison.receipts",
    title=N_("Who has read which notice"),
    permissions=("liaison.read",),
    rows=receipt_rows,
    filters=("notice", "state"),
    orders={"newest": ((LiaisonReceipt.id, True),)},
    joins=lambda query: (
        query.join(Person, Person.id == LiaisonReceipt.person_id)
        .join(LiaisonOfficer, LiaisonOfficer.id == LiaisonReceipt.officer_id)
        .outerjoin(unit, unit.id == LiaisonOfficer.unit_id)
        .outerjoin(Organization, Organization.id == LiaisonOfficer.organization_id)
    ),
    columns=(
        Column(N_("Notice"), LiaisonNotice.title, width=40),
        Column(N_("Name"), Person.name),
        Column(N_("Unit"), unit.name, width=30),
        Column(N_("Organization"), Organization.name, width=30),
        Column(N_("Read"), LiaisonReceipt.read_at, "moment"),
        Column(N_("Told otherwise"), LiaisonReceipt.told_how),
        Column(N_("Reminders"), LiaisonReceipt.reminders, "number"),
    ),
)
