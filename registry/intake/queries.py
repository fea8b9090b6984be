"""Reading imports: those of one's units, what they would change, what is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from registry.agencies.models import Agency
from registry.delegations.queries import names_of
from registry.intake.models import ImportHeading, ImportProblem, ImportRow, RegisterImport
from registry.organizations.models import Grade, Organization
from registry.organizations.queries import Came, use_origin
from registry.persons.models import Person

# Columns of a row that replace what the register has, where the cell is filled: row's column, register's.
REPLACED = (
    "name", "kind", "register_class", "division_code", "registered_on", "status", "business_scope", "fields", "address",
    "phone", "agency_id",
)  # fmt: skip


def units_for_import(user: Any) -> list[Agency]:
    """The units for which a person brings in lists: where the register is kept by that person."""
    ids = user.agency_ids("organization.edit")
    return list(db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)))


def visible_imports(user: Any) -> Select[RegisterImport]:
    return select(RegisterImport).where(RegisterImport.agency_id.in_(user.agency_ids("organization.edit")))


def units_under(agency: Agency) -> dict[str, tuple[int, str]]:
    """The unit and those of its subtree: name → (id, division code)."""
    rows = db.session.execute(
        select(Agency.name, Agency.id, Agency.division_code)
        .where(Agency.path.startswith(agency.path))
        .order_by(Agency.path)
    )
    return {name: (number, code) for name, number, code in rows}


def headings_of_unit(agency_id: int, list_kind: str = "organizations") -> dict[str, str]:
    """The headings of such lists that a unit has explained: heading → column, "" for one that is not used."""
    return {
        row.heading: row.column_name
        for row in db.session.scalars(
            select(ImportHeading).where(
                ImportHeading.agency_id == agency_id, ImportHeading.list_kind == list_kind
            )
        )
    }


def problems_of(batch: RegisterImport, *, limit: int) -> Sequence[ImportProblem]:
    return db.session.scalars(
        select(ImportProblem)
        .where(ImportProblem.import_id == batch.id)
        .order_by(ImportProblem.number)
        .limit(limit)
    ).all()


def differs(row: Any = ImportRow) -> Any:
    """The condition under which a row changes the organization with its code. An empty cell changes nothing."""
    parts: list[Any] = []
    for name in REPLACED:
        new, old = getattr(row, name), getattr(Organization, name)
        if name == "fields":
            parts.append((row.fields != "") & (cast(old, String) != row.fields))
        elif name == "registered_on":
            parts.append(new.is_not(None) & or_(old.is_(None), old != new))
        elif name == "agency_id":
            parts.append(new != old)
        else:
            parts.append((new != "") & (new != old))
    leader = select(Person.name).where(Person.id == Organization.legal_representative_id).scalar_subquery()
    parts.append((row.leader != "") & (row.leader_phone != "") & (func.coalesce(leader, "") != row.leader))
    parts.append(row.grade.is_not(None) & ~same_grade(row))
    return or_(*parts)


def same_grade(row: Any) -> Any:
    return (
        select(Grade.id)
        .where(
            Grade.organization_id == row.organization_id,
            Grade.grade == row.grade,
            Grade.valid_from == row.grade_from,
            Grade.valid_to == row.grade_to,
        )
        .exists()
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """What a row changes of an organization: (column, before, after), as stored values."""

    row: ImportRow
    organization: Organization
    fields: list[tuple[str, Any, Any]]


def changed_rows(batch: RegisterImport) -> Any:
    """The rows that change something, each with its organization."""
    return (
        select(ImportRow, Organization)
        .join(Organization, Organization.id == ImportRow.organization_id)
        .where(ImportRow.import_id == batch.id, ImportRow.action == "changed")
    )


def difference(row: ImportRow, organization: Organization) -> Difference:
    """Field by field; the database has found that there is one."""
    found: list[tuple[str, Any, Any]] = []
    for name in REPLACED:
        new, old = getattr(row, name), getattr(organization, name)
        if name == "fields":
            new = json.loads(row.fields) if row.fields else None
        if new not in (None, "") and new != old:
            found.append((name, old, new))
    leader = organization.legal_representative
    if row.leader and row.leader_phone and (leader is None or leader.name != row.leader):
        found.append(("leader", leader.name if leader else "", row.leader))
    if row.grade is not None and not any(
        (item.grade, item.valid_from, item.valid_to) == (row.grade, row.grade_from, row.grade_to)
        for item in organization.grades
    ):
        found.append(("grade", "", f"{row.grade}A {row.grade_from}–{row.grade_to}"))
    return Difference(row, organization, found)


def differences(batch: RegisterImport, numbers: Sequence[int]) -> list[Difference]:
    """The differences of some rows, in their order."""
    rows = db.session.execute(
        changed_rows(batch)
        .where(ImportRow.number.in_(numbers))
        .options(joinedload(Organization.legal_representative), selectinload(Organization.grades))
        .order_by(ImportRow.number)
    ).all()
    return [difference(row, organization) for row, organization in rows]


def came_with(organization: Organization) -> Came | None:
    """The list with which an organization came new to the register, for its own trail."""
    row = db.session.execute(
        select(RegisterImport.file_name, RegisterImport.taken_at, RegisterImport.taken_by)
        .where(
            RegisterImport.state == "taken",
            RegisterImport.numbers_after < organization.id,
            RegisterImport.numbers_to >= organization.id,
        )
        .limit(1)
    ).first()
    if row is None:
        return None
    return Came(row.file_name, row.taken_at, names_of({row.taken_by}).get(row.taken_by, "system"))


use_origin(came_with)
