"""Tables of facts: which there are, whom a row means, and what the register says of it today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from core.db import db
from core.text import N_, Message
from registry.agencies.models import Agency
from registry.factsheets.models import FactRow, FactSheet
from registry.factsheets.rules import ENTRY, PARTY, STAFF, plain_value
from registry.intake.queries import units_under
from registry.organizations.models import Organization, PartyFacts
from registry.particulars.forms import FIELDS_OF
from registry.particulars.models import StaffCount
from registry.particulars.services import PROFILE
from registry.persons.models import Person
from registry.rosters.rules import Draft

KEYS = 500
"""Organizations that are looked up by one statement."""


def units_for_facts(user: Any) -> Sequence[Agency]:
    """The units for which a person brings in tables of facts: where that person keeps the register."""
    ids = user.agency_ids("organization.edit")
    return db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()


def visible_sheets(user: Any) -> Select[FactSheet]:
    return select(FactSheet).where(FactSheet.agency_id.in_(user.agency_ids("organization.edit")))


def rows_of(sheet: FactSheet, action: str) -> Select[FactRow]:
    return select(FactRow).where(FactRow.sheet_id == sheet.id, FactRow.action == action)


def writable(sheet: FactSheet, user: Any) -> set[int]:
    """The units whose organizations the table may change."""
    under = {number for number, _code in units_under(sheet.agency).values()}
    return under & set(
        db.session.scalars(select(Agency.id).where(Agency.id.in_(user.agency_ids("organization.edit"))))
    )


def judged(sheet: FactSheet, drafts: Sequence[Draft], user: Any) -> list[tuple[Draft, str, int | None]]:
    """Each row with what it would do and the organization it means; what cannot be is a reason of the row."""
    allowed = writable(sheet, user)
    by_code, by_name = _bodies(drafts, allowed)
    staff = _staff([*by_code.values(), *(body for bodies in by_name.values() for body in bodies)])
    earlier: dict[int, list[Draft]] = {}
    found: list[tuple[Draft, str, int | None]] = []
    for draft in drafts:
        body = None if draft.reasons else _body(draft, by_code, by_name)
        if body is not None:
            _compare(draft, body, staff)
            same = next((item for item in earlier.get(body.id, []) if _facts(item) & _facts(draft)), None)
            if same is not None:
                draft.reasons.append(
                    ("", Message(N_("row %(first)s says the same of this organization: leave one of them"), {"first": same.number}))
                )  # fmt: skip
            if not draft.reasons:
                earlier.setdefault(body.id, []).append(draft)
        action = "refused" if draft.reasons else "changed" if draft.changes else "same"
        found.append((draft, action, body.id if body is not None else None))
    return found


def _facts(draft: Draft) -> set[str]:
    """What a row tells; rows of different years stand side by side."""
    return set(draft.values) - {"credit_code", "name"}


def _bodies(
    drafts: Sequence[Draft], allowed: set[int]
) -> tuple[dict[str, Organization], dict[str, list[Organization]]]:
    codes = sorted({draft.values["credit_code"] for draft in drafts if "credit_code" in draft.values})
    names = sorted(
        {
            draft.values["name"]
            for draft in drafts
            if "credit_code" not in draft.values and "name" in draft.values
        }
    )
    by_code: dict[str, Organization] = {}
    by_name: dict[str, list[Organization]] = {}
    for column, texts in ((Organization.credit_code, codes), (Organization.name, names)):
        for start in range(0, len(texts), KEYS):
            for row in db.session.scalars(
                select(Organization)
                .where(column.in_(texts[start : start + KEYS]), Organization.agency_id.in_(allowed))
                .options(
                    selectinload(Organization.profile),
                    selectinload(Organization.inspections),
                    selectinload(Organization.party),
                )
            ):
                if column is Organization.name:
                    by_name.setdefault(row.name, []).append(row)
                elif row.credit_code is not None:
                    by_code[row.credit_code] = row
    return by_code, by_name


def _body(
    draft: Draft, by_code: dict[str, Organization], by_name: dict[str, list[Organization]]
) -> Organization | None:
    code, name = draft.values.get("credit_code"), draft.values.get("name")
    if code is not None:
        body = by_code.get(code)
        if body is None:
            draft.reasons.append(
                ("credit_code", Message(N_("no organization of this unit has this code: bring it in with the list of organizations first")))
            )  # fmt: skip
        return body
    same = by_name.get(name or "", [])
    if len(same) == 1:
        return same[0]
    if same:
        draft.reasons.append(
            ("name", Message(N_("several organizations of this unit have this name: give the credit code")))
        )
    else:
        draft.reasons.append(
            ("name", Message(N_("no organization of this unit is called so: write its full name or its credit code")))
        )  # fmt: skip
    return None


def _staff(bodies: Sequence[Organization]) -> dict[tuple[int, int], StaffCount]:
    numbers = [body.id for body in bodies]
    return {
        (row.organization_id, row.year): row
        for start in range(0, len(numbers), KEYS)
        for row in db.session.scalars(
            select(StaffCount).where(StaffCount.organization_id.in_(numbers[start : start + KEYS]))
        )
    }


def _compare(draft: Draft, body: Organization, staff: dict[tuple[int, int], StaffCount]) -> None:
    asked = FIELDS_OF[body.register_class]
    for column, value in draft.values.items():
        if column in ("credit_code", "name"):
            continue
        if column in PROFILE and column not in asked:
            draft.reasons.append(
                (column, Message(N_("%(name)s is not asked for this: look at its class of registration"), {"name": body.name}))
            )  # fmt: skip
            continue
        before = _present(body, column, staff)
        if before != value:
            draft.changes.append((column, before, value))


def _present(body: Organization, column: str, staff: dict[tuple[int, int], StaffCount]) -> Any:
    """What the register says today, as rows keep values; ``None`` where it says nothing."""
    name, _, year = column.partition("@")
    if name == "inspection":
        return next((item.result for item in body.inspections if item.year == int(year)), None)
    if name in STAFF:
        row = staff.get((body.id, int(year)))
        return getattr(row, name) if row is not None else None
    if name in PARTY:
        return getattr(body.party, name) if body.party is not None else None
    if name in ENTRY:
        return getattr(body, name) or None
    value = plain_value(getattr(body.profile, name)) if body.profile is not None else None
    return None if value == "" else value


def staff_of(body: Organization, year: int) -> dict[str, int]:
    """The counts of a year; zeros where none are noted."""
    row = db.session.scalar(
        select(StaffCount).where(StaffCount.organization_id == body.id, StaffCount.year == year)
    )
    return {name: getattr(row, name) if row is not None else 0 for name in STAFF}


def party_of(body: Organization) -> dict[str, Any]:
    """The party facts as :func:`registry.organizations.services.record_party_facts` takes them."""
    row: PartyFacts | None = body.party
    return {
        "full_members": row.full_members if row else 0,
        "party_org_kind": row.party_org_kind if row else "none",
        "party_in_charter": row.party_in_charter if row else False,
        "commitment_on": row.commitment_on if row else None,
        "instructor": _instructor(row),
    }


def _instructor(row: PartyFacts | None) -> Any:
    from_id = row.instructor_id if row else None
    return db.session.get(Person, from_id) if from_id is not None else None


def entry_of(body: Organization) -> dict[str, Any]:
    """The entry as :func:`registry.organizations.services.edit_organization` takes it, but for the two classes."""
    return {
        "kind": body.kind, "name": body.name, "credit_code": body.credit_code, "division_code": body.division_code,
        "registered_on": body.registered_on, "register_class": body.register_class, "host": body.host,
        "legal_representative": body.legal_representative, "business_scope": body.business_scope, "fields": body.fields,
        "address": body.address, "phone": body.phone,
    }  # fmt: skip
