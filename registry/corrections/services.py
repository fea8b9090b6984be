"""Corrections: what was noted about an organization by mistake is put right or struck out.

Grades, recognitions, qualifications, fundraising plans, community funds and the duties of departments hold
from a day to a day. A row that was noted wrongly is corrected, or struck out altogether, with a reason; the
history of the entry keeps what stood there. What was decided on the wrong row meanwhile keeps the facts it
was decided on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.money import Money
from core.text import N_, Message
from registry.organizations.models import Grade, Organization, OrganizationTag
from registry.organizations.services import keep_changes
from registry.particulars.models import CommunityFund, DepartmentRole, FundraisingFiling, Qualification
from registry.particulars.policy import FUNDRAISING
from registry.particulars.queries import has_qualification


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be corrected: its table, the columns that may change, the two days in order, and its name in the history."""

    model: Any
    columns: tuple[str, ...]
    days: tuple[str, str]
    field: Callable[[Any], str]
    title: str
    owner: str = "organization_id"


KINDS: dict[str, Kind] = {
    "grade": Kind(
        Grade, ("grade", "valid_from", "valid_to"), ("valid_from", "valid_to"), lambda row: "grade", N_("Correct a grade"),
    ),
    "tag": Kind(
        OrganizationTag, ("since", "until", "document"), ("since", "until"), lambda row: f"tag_{row.tag}",
        N_("Correct a recognition"),
    ),
    "department": Kind(
        DepartmentRole, ("since", "until"), ("since", "until"), lambda row: f"department_{row.role}",
        N_("Correct the duty of a department"),
    ),
    "qualification": Kind(
        Qualification, ("valid_from", "valid_to", "issued_by", "document"), ("valid_from", "valid_to"),
        lambda row: row.kind, N_("Correct a status or qualification"),
    ),
    "filing": Kind(
        FundraisingFiling, ("title", "starts_on", "ends_on", "target"), ("starts_on", "ends_on"),
        lambda row: "fundraising", N_("Correct a fundraising plan"),
    ),
    "fund": Kind(
        CommunityFund, ("name", "purpose", "set_up_on", "ended_on"), ("set_up_on", "ended_on"),
        lambda row: "community_fund", N_("Correct a community charity fund"), owner="host_id",
    ),
}  # fmt: skip


def row_of(organization: Organization, kind: str, number: int) -> Any | None:
    """The row of this organization, or ``None``."""
    row = db.session.get(KINDS[kind].model, number)
    return row if row is not None and getattr(row, KINDS[kind].owner) == organization.id else None


def _told(kind: str, row: Any) -> list[str]:
    """The row as the history keeps it: its values as plain texts, the unit of a duty too."""
    values = [row.agency.name if row.agency else row.unit_name] if kind == "department" else []
    for name in KINDS[kind].columns:
        value = getattr(row, name)
        if value is None or value == "":
            continue
        if name == "grade":
            value = f"{value}A"
        values.append(value.format() if isinstance(value, Money) else str(value))
    return values


def correct(
    organization: Organization, kind: str, row: Any, values: Mapping[str, Any], *, reason: str, by: Actor
) -> None:
    """Write the right values; the history keeps both. Raises :class:`Refusal` where nothing changes or the days are out of order."""
    known = KINDS[kind]
    _needs(reason)
    new = {
        name: values[name].strip() if isinstance(values[name], str) else values[name]
        for name in known.columns
    }
    first, last = (new[name] for name in known.days)
    if first is None or (last is not None and last < first):
        raise Refusal(Message(N_("It ends before it begins: check both days.")))
    if all(getattr(row, name) == value for name, value in new.items()):
        raise Refusal(
            Message(N_("Nothing is different from what is noted. Change what is wrong, or go back."))
        )
    if kind == "grade" and not 1 <= new["grade"] <= 5:
        raise Refusal(Message(N_("A grade is 1A to 5A.")))
    if kind == "filing" and not has_qualification(organization.id, "public_fundraising", on=first):
        raise Refusal(
            Message(
                N_(
                    "On %(day)s the organization has no qualification for raising funds in public: note it first."
                ),
                {"day": first},
            ),
            rule="ROR-51",
            source=FUNDRAISING,
        )
    if kind == "qualification":
        _plans_stand(organization, row, first, last)
    before = _told(kind, row)
    for name, value in new.items():
        setattr(row, name, value)
    db.session.flush()
    _keep(organization, kind, row, [before, _told(kind, row)], "particular_corrected", reason=reason, by=by)


def strike(organization: Organization, kind: str, row: Any, *, reason: str, by: Actor) -> None:
    """Take out a row that should never have been noted; the history keeps it."""
    _needs(reason)
    if kind == "qualification":
        _plans_stand(organization, row, None, None)
    field, before = KINDS[kind].field(row), _told(kind, row)
    db.session.delete(row)
    db.session.flush()
    _keep(organization, kind, field, [before, None], "particular_struck", reason=reason, by=by)


def _needs(reason: str) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Say why it is corrected: the history of the entry keeps the reason.")))


def _keep(
    organization: Organization, kind: str, row: Any, change: list[Any], event: str, *, reason: str, by: Actor
) -> None:
    db.session.expire(organization)
    field = row if isinstance(row, str) else KINDS[kind].field(row)
    keep_changes(organization, {field: change}, source="edit", evidence=reason, by=by)
    record(
        organization,
        event,
        by=by,
        details={"field": field, "changed": {field: change}, "note": reason.strip()},
    )


def _plans_stand(
    organization: Organization, row: Qualification, first: date | None, last: date | None
) -> None:
    """A qualification on which a fundraising plan or a community fund stands is not taken from under it."""
    if row.kind != "public_fundraising":
        return
    plans = db.session.execute(
        select(FundraisingFiling.title, FundraisingFiling.starts_on).where(
            FundraisingFiling.organization_id == organization.id
        )
    ).all()
    funds = db.session.execute(
        select(CommunityFund.name, CommunityFund.set_up_on).where(CommunityFund.host_id == organization.id)
    ).all()
    others = db.session.execute(
        select(Qualification.valid_from, Qualification.valid_to).where(
            Qualification.organization_id == organization.id,
            Qualification.kind == row.kind,
            Qualification.id != row.id,
        )
    ).all()
    spans = [(item.valid_from, item.valid_to) for item in others]
    if first is not None:
        spans.append((first, last))
    for name, day in (*plans, *funds):
        if not any(begins <= day and (ends is None or ends >= day) for begins, ends in spans):
            raise Refusal(
                Message(
                    N_(
                        "“%(name)s” of %(day)s stands on this qualification: correct or strike that out first."
                    ),
                    {"name": name, "day": day},
                ),
                rule="ROR-51",
                source=FUNDRAISING,
            )
