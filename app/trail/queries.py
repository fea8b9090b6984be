"""Reading the audit trail across the floors: what an entry is about, and who may read it.

An entry belongs to the unit of its object: the object's own agency, or that of what it belongs to,
or of its division, or, where a row names neither, of who wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, Table, and_, false, func, or_, select, union_all

from core import clock
from core.audit.chains import GENESIS, is_genuine
from core.audit.models import AuditEntry
from core.audit.queries import called, shown_details
from core.db import db
from core.lifecycle import LIFECYCLES
from core.text import N_, Message
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import Agency
from registry.duplicates.models import OrganizationMerge
from registry.interests.models import Kinship
from registry.organizations.models import Organization
from registry.persons.models import Person


@dataclass(frozen=True, slots=True)
class Kind:
    """What a table's rows are called and the page that shows one.

    ``title`` is the row's attribute (or path of attributes) that names it; ``key`` the attribute
    that the page's address carries.
    """

    label: str
    title: str = ""
    endpoint: str = ""
    argument: str = ""
    key: str = "id"


KINDS: dict[str, Kind] = {
    "agency": Kind(N_("unit"), "name"),
    "agreement": Kind(N_("agreement"), "title", "agreements.show", "agreement_id"),
    "application": Kind(N_("application"), "title", "applications.show", "application_id"),
    "budget": Kind(N_("budget"), "fund_source.name", "funds.budget", "budget_id"),
    "budget_adjustment": Kind(N_("change of a budget"), "document_number"),
    "call": Kind(N_("call"), "title", "calls.show", "call_id"),
    "catalogue_item": Kind(N_("catalogue entry"), "name"),
    "checkpoint": Kind(N_("evaluation"), "project.title", "checkpoints.show", "checkpoint_id"),
    "claim": Kind(N_("claim"), "project.title", "claims.show", "claim_id"),
    "closure": Kind(N_("closure"), "project.title", "closure.show", "project_id", key="project_id"),
    "commitment": Kind(N_("commitment"), "title", "commitments.show", "commitment_id"),
    "adverse_record": Kind(N_("adverse record"), "person.name"),
    "credit_entry": Kind(N_("credit entry"), "grounds"),
    "credit_proposal": Kind(
        N_("proposed credit entry"), "organization.name", "credit.show_proposal", "proposal_id"
    ),
    "credit_removal": Kind(
        N_("removal from a list"), "entry.organization.name", "credit.show_removal", "removal_id"
    ),
    "decision": Kind(N_("decision"), "call.title", "decisions.show", "decision_id"),
    "disbursement": Kind(N_("payment"), "number", "disbursements.show", "disbursement_id"),
    "earmark": Kind(N_("earmark"), "title", "funds.earmark", "earmark_id"),
    "expense": Kind(N_("expense"), "project.title"),
    "expert": Kind(N_("review expert"), "person.name", "experts.show", "expert_id"),
    "fund_source": Kind(N_("fund source"), "name", "funds.source", "source_id"),
    "coverage_target": Kind(N_("target of coverage"), "source"),
    "incubation_service": Kind(
        N_("service of a place of incubation"), "title", "incubation.show_service", "service_id"
    ),
    "incubator": Kind(N_("place of incubation"), "name", "incubation.show", "incubator_id"),
    "interest": Kind(N_("interest of a person"), "organization.name"),
    "notice": Kind(N_("public notice"), "call.title", "notices.show", "notice_id"),
    "objection": Kind(N_("objection"), "number", "notices.objection", "objection_id"),
    "organization": Kind(N_("organization"), "name", "organizations.show", "organization_id"),
    "panel": Kind(N_("panel"), "call.title", "panels.show", "panel_id"),
    "party_activity": Kind(N_("party activity"), "title", "party.show_activity", "activity_id"),
    "party_org": Kind(N_("party organization"), "name", "party_orgs.show", "party_org_id"),
    "party_worker": Kind(N_("party worker"), "person.name"),
    "payee_account": Kind(N_("receiving account"), "account_name", "disbursements.account", "account_id"),
    "custody_transfer": Kind(N_("transfer of responsibility"), "organization.name"),
    "liaison_notice": Kind(N_("notice to liaison officers"), "title"),
    "liaison_officer": Kind(N_("liaison officer"), "person.name"),
    "person": Kind(N_("person"), "name"),
    "roster": Kind(N_("list of people"), "file_name"),
    "social_worker": Kind(N_("social worker"), "person.name"),
    "training": Kind(N_("training"), "title"),
    "training_plan": Kind(N_("training plan"), "document"),
    "volunteer": Kind(N_("volunteer"), "person.name"),
    "project": Kind(N_("project"), "title", "agreements.project", "project_id"),
    "purchase": Kind(N_("contract"), "service_name"),
    "purchase_import": Kind(N_("import of contracts"), "file_name"),
    "rectification": Kind(N_("rectification"), "project.title", "supervision.show", "rectification_id"),
    "review": Kind(N_("score sheet"), "application.title"),
    "rubric": Kind(N_("rubric"), "name", "rubrics.show", "rubric_id"),
    "service_record": Kind(N_("service record"), "project.title", "delivery.show", "record_id"),
    "recovery": Kind(N_("recovery"), "number", "recoveries.show", "recovery_id"),
    "termination": Kind(N_("early end"), "project.title", "closure.termination", "termination_id"),
    "hosting": Kind(N_("hosting agreement"), "number", "hosting.show", "hosting_id"),
    "hosted_project": Kind(N_("hosted project"), "commitment.title", "hosting.project", "project_id"),
    "hosted_outflow": Kind(N_("payment out of hosted money"), "purpose", "hosting.outflow", "outflow_id"),
    "space_booking": Kind(N_("booking of a space"), "purpose"),
    "fund_alert": Kind(N_("alert"), "finding"),
    "lottery_notice": Kind(N_("notice on lottery money"), "title"),
    "lottery_plan": Kind(N_("plan of lottery money"), "fiscal_year"),
    "lottery_year": Kind(N_("year of lottery money"), "fiscal_year"),
    "project_disclosure": Kind(N_("disclosure of a project"), "commitment.title"),
    "payment_batch": Kind(N_("batch of payments"), "number"),
    "receipt_file": Kind(N_("answers of the bank"), "name"),
    "opening_import": Kind(N_("table of opening balances"), "file_name"),
    "period": Kind(N_("month of the books"), "month"),
    "book_year": Kind(N_("year of the books"), "year"),
    "ratio_snapshot": Kind(N_("frozen ratio"), "fiscal_year"),
    "rule_draft": Kind(N_("draft of rules"), "family"),
    "update_request": Kind(N_("reported change"), "organization.name"),
    "outcome_case": Kind(N_("outcome for an organization"), "organization.name"),
    "register_import": Kind(N_("imported list"), "file_name"),
    "organization_merge": Kind(N_("join of two entries"), "gone_name"),
    "similar_pair": Kind(N_("pair of similar entries")),
    "override_proposal": Kind(N_("proposed exception"), "contractor"),
    "contractor_override": Kind(N_("exception"), "contractor"),
    "payment_limit": Kind(N_("limit of payments")),
    "voucher_rule": Kind(N_("rule for vouchers")),
    "job": Kind(N_("background job")),
    "user_account": Kind(N_("account"), "name", "accounts.show", "user_id"),
}


def model_of(object_type: str) -> Any | None:
    """The class behind a table name; ``None`` for a table that is not there (any more)."""
    return _models().get(object_type)


@cache
def _models() -> dict[str, Any]:
    return {mapper.local_table.name: mapper.class_ for mapper in db.Model.registry.mappers}  # type: ignore[attr-defined]


# Who may read


def visible_entries(user: Any) -> Select[AuditEntry]:
    """The entries about objects of the units where ``audit.read`` is held, and below."""
    units = user.agency_ids("audit.read")
    query = select(AuditEntry)
    if not units:
        return query.where(false())
    if _whole_tree(units):
        # The same answer, without asking every table.
        return query
    return query.where(
        or_(
            *(
                and_(AuditEntry.object_type == name, AuditEntry.object_id.in_(ids))
                for name in sorted(_models())
                if (ids := owned(db.metadata.tables[name], units)) is not None
            )
        )
    )


def _whole_tree(units: set[int]) -> bool:
    return db.session.scalar(select(func.count(Agency.id)).where(Agency.id.not_in(units))) == 0


def owned(table: Table, units: set[int], above: frozenset[str] = frozenset()) -> Select[Any] | None:
    """The ids of the rows of ``table`` that belong to ``units``; ``None`` where nothing tells.

    Found over the foreign keys: a row without an agency belongs to the agency of what it belongs to.
    """
    if table.name == "user_account":
        return _accounts(units)
    if table.name == "person":
        return _people(units)
    if table.name == "organization":
        return _organizations(units)
    if "id" not in table.c:
        return None
    if table.name == "agency":
        return select(table.c.id).where(table.c.id.in_(units))
    if "agency_id" in table.c:
        within: ColumnElement[bool] = table.c.agency_id.in_(units)
        written = _authors(table) if table.c.agency_id.nullable else []
        if written:
            within = or_(within, table.c.agency_id.is_(None) & written[0].in_(_accounts(units)))
        return select(table.c.id).where(within)
    if "division_code" in table.c:
        divisions = select(Agency.division_code).where(Agency.id.in_(units))
        return select(table.c.id).where(table.c.division_code.in_(divisions))
    for key in sorted(table.foreign_keys, key=lambda item: (bool(item.parent.nullable), item.parent.name)):
        parent = key.column.table
        # Who wrote a row does not own it.
        if parent.name in {"user_account", "person", "stored_file", table.name} | above:
            continue
        ids = owned(parent, units, above | {table.name})
        if ids is not None:
            return select(table.c.id).where(key.parent.in_(ids))
    # Nothing above it has a unit: it belongs to the units of who wrote it.
    authors = _authors(table)
    if above or not authors:
        return None
    return select(table.c.id).where(authors[0].in_(_accounts(units)))


def _organizations(units: set[int]) -> Select[Any]:
    """Those of the units, and those that became part of another: their entries stay with the unit that had them."""
    gone = select(OrganizationMerge.gone_id).where(OrganizationMerge.agency_id.in_(units))
    there = select(Organization.id).where(Organization.agency_id.in_(units))
    either = union_all(there, gone).subquery()
    return select(either.c[0])


def _authors(table: Table) -> list[Any]:
    """The columns that say who wrote a row; tables of the foundation know no accounts and keep only their number."""
    return sorted(
        (key.parent for key in table.foreign_keys if key.column.table.name == "user_account"),
        key=lambda column: column.name,
    ) or [column for column in table.columns if column.name.endswith("_by")]


def _accounts(units: set[int]) -> Select[Any]:
    bodies = select(Organization.id).where(Organization.agency_id.in_(units))
    held = select(RoleAssignment.user_id).where(
        or_(RoleAssignment.agency_id.in_(units), RoleAssignment.organization_id.in_(bodies))
    )
    return select(User.id).where(or_(User.agency_id.in_(units), User.id.in_(held)))


def _people(units: set[int]) -> Select[Any]:
    """Persons belong where a row that names them does; a kinship, and an entry that was given up, where
    the other person does.
    """
    known = [
        Person.id.in_(select(key.parent).where(table.c.id.in_(ids)))
        for table in db.metadata.sorted_tables
        if table.name not in ("person", "kinship")
        for key in table.foreign_keys
        if key.column.table.name == "person" and (ids := owned(table, units)) is not None
    ]
    people = select(Person.id).where(or_(*known))
    kin = (Kinship.relative_id, Kinship.person_id), (Kinship.person_id, Kinship.relative_id)
    return select(Person.id).where(
        or_(
            Person.id.in_(people),
            Person.merged_into_id.in_(people),
            *(Person.id.in_(select(one).where(other.in_(people))) for one, other in kin),
        )
    )


# Searching


def search(
    user: Any,
    *,
    actor: str = "",
    object_type: str = "",
    object_id: int | None = None,
    event: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Select[AuditEntry]:
    """Entries in scope that fit; days are days in Asia/Shanghai, both included."""
    query = visible_entries(user)
    if actor.strip():
        query = query.where(AuditEntry.actor_id.in_(_actors(actor.strip())))
    if object_type:
        query = query.where(AuditEntry.object_type == object_type)
    if object_id is not None:
        query = query.where(AuditEntry.object_id == object_id)
    if event.strip():
        query = query.where(AuditEntry.event == event.strip())
    if since is not None:
        query = query.where(AuditEntry.at >= clock.at_local(since, 0))
    if until is not None:
        query = query.where(AuditEntry.at < clock.at_local(until + timedelta(days=1), 0))
    return query


def _actors(words: str) -> Select[Any]:
    """Accounts by login or by the person's name."""
    people = db.metadata.tables["person"]
    return (
        select(User.id)
        .join(people, people.c.id == User.person_id)
        .where(or_(User.login == words.lower(), people.c.name.contains(words, autoescape=True)))
    )


def events() -> list[str]:
    """Every event that is on record."""
    return list(db.session.scalars(select(AuditEntry.event).distinct().order_by(AuditEntry.event)))


ORDER = (
    (AuditEntry.at, True),
    (AuditEntry.object_type, False),
    (AuditEntry.object_id, True),
    (AuditEntry.seq, True),
)


# Showing


@dataclass(frozen=True, slots=True)
class Named:
    """An object of the trail in words, with its page where there is one."""

    label: Message
    title: str
    endpoint: str = ""
    values: dict[str, Any] | None = None


def names(pairs: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Named]:
    """The objects at hand in words; one query for each kind. A row that is gone keeps its number."""
    wanted: dict[str, set[int]] = {}
    for object_type, object_id in pairs:
        wanted.setdefault(object_type, set()).add(object_id)
    found: dict[tuple[str, int], Named] = {}
    for object_type, ids in wanted.items():
        kind, model = KINDS.get(object_type, Kind(object_type)), model_of(object_type)
        rows = {}
        if model is not None and hasattr(model, "id"):
            rows = {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids)))}
        for object_id in ids:
            found[object_type, object_id] = _named(kind, rows.get(object_id), object_id)
    return found


def _named(kind: Kind, row: Any, object_id: int) -> Named:
    number = f"#{object_id}"
    if row is None:
        return Named(Message(kind.label), number)
    title: Any = row
    for part in kind.title.split(".") if kind.title else ():
        title = getattr(title, part, None)
    if isinstance(title, date):
        title = f"{title:%Y-%m}"
    shown = str(title) if kind.title and title else number
    if not kind.endpoint:
        return Named(Message(kind.label), shown)
    return Named(Message(kind.label), shown, kind.endpoint, {kind.argument: getattr(row, kind.key)})


def opens(user: Any, endpoint: str) -> bool:
    """Whether the gate of this endpoint lets the person in."""
    allowed = getattr(current_app.view_functions[endpoint], "allowed", None)
    return not allowed or any(user.may_somewhere(item) for item in allowed)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry with what it changed and whether its hash fits."""

    entry: AuditEntry
    before: str
    after: str
    note: str
    details: list[tuple[str, str | Message]]
    fields: list[str]
    genuine: bool


def lines_of(entries: list[AuditEntry]) -> list[Line]:
    """The whole chain of one object, oldest first, each link checked against the one before it."""
    found, previous = [], GENESIS
    for number, entry in enumerate(entries, 1):
        genuine = (
            entry.seq == number
            and entry.prev_hash == previous
            and is_genuine(entry.content(), entry.prev_hash, entry.hash)
        )
        found.append(line(entry, genuine=genuine))
        previous = entry.hash
    return found


def line(entry: AuditEntry, *, genuine: bool = True) -> Line:
    """An entry taken apart: the states before and after, the note, the fields it names, and the rest of its details."""
    details = _read(entry)
    before, after = (_state(entry.object_type, details.pop(name, "")) for name in ("from", "to"))
    note = str(details.pop("note", ""))
    fields = details.pop("fields", [])
    if not (isinstance(fields, list) and all(isinstance(name, str) for name in fields)):
        details["fields"], fields = fields, []
    rest = [
        (name, Message(word) if (word := called(entry, name, value)) else _written(value))
        for name, value in sorted(details.items())
    ]
    return Line(entry, before, after, note, rest, fields, genuine)


def _read(entry: AuditEntry) -> dict[str, Any]:
    """The details; what somebody forged into the column is shown as it is."""
    try:
        return shown_details(entry)
    except ValueError:
        return {"details": entry.details}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _state(object_type: str, name: Any) -> str:
    """The English id of a state's word; other values as they are."""
    model = model_of(object_type)
    table = LIFECYCLES.get(model.__name__) if model is not None else None
    state = table.by_state.get(name) if table is not None and isinstance(name, str) else None
    return state.label if state is not None else _written(name)
