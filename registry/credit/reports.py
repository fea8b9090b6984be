"""The tables of the credit lists and of adverse records."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.agencies.models import Agency
from registry.credit.models import ADVERSE_KINDS, KINDS, PENALTIES, AdverseRecord, CreditEntry
from registry.credit.queries import visible_adverse, visible_entries
from registry.organizations.models import Organization
from registry.organizations.queries import matching
from registry.persons.models import Person


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = matching(visible_entries(user), args.get("q", ""))
    if args.get("kind") in KINDS:
        query = query.where(CreditEntry.kind == args["kind"])
    if args.get("standing") == "open":
        query = query.where(CreditEntry.removed_on.is_(None))
    elif args.get("standing") == "removed":
        query = query.where(CreditEntry.removed_on.is_not(None))
    return query


ENTRIES = Listing(
    name="credit.lists",
    title=N_("Credit lists"),
    permissions=("credit.read",),
    rows=rows,
    filters=("q", "kind", "standing"),
    orders={"entered": ((CreditEntry.id, True),)},
    joins=lambda query: query.join(Agency, Agency.id == Organization.agency_id),
    columns=(
        Column(N_("Organization"), Organization.name, width=36),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Kind of entry"), CreditEntry.kind, words=KINDS, width=24),
        Column(N_("Grounds"), CreditEntry.grounds, width=50),
        Column(N_("Document or decision"), CreditEntry.source, width=36),
        Column(N_("Penalty"), CreditEntry.penalty, words=PENALTIES),
        Column(N_("Fine"), CreditEntry.fine, "money"),
        Column(N_("Entered on"), CreditEntry.entered_on, "day"),
        Column(N_("Removed on"), CreditEntry.removed_on, "day"),
        Column(N_("Kept by"), Agency.name, width=28),
    ),
)


def adverse_rows(user: Any, args: Arguments) -> Select[Any]:
    query, words = visible_adverse(user), args.get("q", "").strip()
    if words:
        query = query.where(Person.name.contains(words, autoescape=True))
    return query


ADVERSE = Listing(
    name="credit.adverse",
    title=N_("Adverse records of initiators"),
    permissions=("credit.read",),
    rows=adverse_rows,
    filters=("q",),
    orders={"newest": ((AdverseRecord.id, True),)},
    joins=lambda query: query.join(AdverseRecord.organization, isouter=True),
    columns=(
        Column(N_("Name"), Person.name),
        Column(N_("Kind of record"), AdverseRecord.kind, words=ADVERSE_KINDS, width=30),
        Column(N_("Organization it is about"), Organization.name, width=36),
        Column(N_("Grounds"), AdverseRecord.grounds, width=50),
        Column(N_("Document or decision"), AdverseRecord.source, width=36),
        Column(N_("Entered on"), AdverseRecord.entered_on, "day"),
        Column(N_("Removed on"), AdverseRecord.removed_on, "day"),
    ),
)
