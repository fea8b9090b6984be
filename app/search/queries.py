"""One box over what a person may read: a handful of hits of each kind, each through its own scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import Select, or_
from sqlalchemy.orm import joinedload

from core.db import db
from core.lifecycle import State, state_of
from core.text import N_
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import visible_disbursements
from grants.applications.models import Application
from grants.applications.reports import APPLICATIONS
from grants.calls.models import Call
from grants.calls.queries import visible_calls
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import visible_agreements
from projects.agreements.reports import PROJECTS
from registry.directory.reports import ORGANIZATIONS, asked_search
from registry.keys.queries import found_page
from registry.organizations.models import KINDS, Organization

SHOWN = 6
LEAST = 2


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: its name, what stands under it, its page and its state."""

    title: str
    note: str
    url: str
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind; ``more`` leads to its list when there are more than are shown."""

    label: str
    hits: list[Hit]
    more: str = ""


def found(user: Any, words: str) -> list[Group]:
    """What fits ``words`` (at least two signs), kind by kind; kinds without a hit are left out."""
    return [group for kind in _KINDS if (group := kind(user, words)) and group.hits]


def _few(query: Select[Any], *options: Any) -> list[Any]:
    return list(db.session.scalars(query.options(*options).limit(SHOWN + 1)))


def _group(label: str, rows: list[Any], hit: Callable[[Any], Hit], more: str = "") -> Group:
    return Group(label, [hit(row) for row in rows[:SHOWN]], more if len(rows) > SHOWN else "")


def _organizations(user: Any, words: str) -> Group | None:
    if not any(user.may_somewhere(need) for need in ORGANIZATIONS.permissions):
        return None
    rows = found_page(asked_search(user, {"q": words}), size=SHOWN + 1).page.rows
    return _group(N_("Organizations"), list(rows), _organization, url_for("directory.list", q=words))


def _organization(row: Organization) -> Hit:
    return Hit(
        row.name,
        row.credit_code or str(KINDS[row.kind]),
        url_for("organizations.show", organization_id=row.id),
    )


def _calls(user: Any, words: str) -> Group:
    named = or_(
        Call.title.contains(words, autoescape=True), Call.document_number.contains(words, autoescape=True)
    )
    rows = _few(visible_calls(user).where(named).order_by(Call.id.desc()))
    return _group(
        N_("Calls"),
        rows,
        lambda row: Hit(row.title, row.document_number, url_for("calls.show", call_id=row.id), state_of(row)),
    )


def _applications(user: Any, words: str) -> Group | None:
    if not any(user.may_somewhere(need) for need in APPLICATIONS.permissions):
        return None
    query = APPLICATIONS.rows(user, {"q": words}).order_by(Application.id.desc())
    return _group(
        N_("Applications"),
        _few(query, joinedload(Application.organization)),
        lambda row: Hit(
            row.title,
            f"{row.organization.name} · {row.number or ''}",
            url_for("applications.show", application_id=row.id),
            state_of(row),
        ),
        url_for("applications.list", q=words),
    )


def _projects(user: Any, words: str) -> Group:
    query = PROJECTS.rows(user, {"q": words}).order_by(Project.id.desc())
    return _group(
        N_("Projects"),
        _few(query, joinedload(Project.organization)),
        lambda row: Hit(
            row.title,
            f"{row.organization.name} · {row.number}",
            url_for("agreements.project", project_id=row.id),
            state_of(row),
        ),
        url_for("agreements.projects", q=words),
    )


def _agreements(user: Any, words: str) -> Group:
    query = visible_agreements(user).where(Agreement.number.contains(words, autoescape=True))
    return _group(
        N_("Agreements"),
        _few(query.order_by(Agreement.id.desc())),
        lambda row: Hit(
            row.title, row.number, url_for("agreements.show", agreement_id=row.id), state_of(row)
        ),
    )


def _payments(user: Any, words: str) -> Group:
    """By the number of the payment, of the receipt or of the voucher."""
    numbers = (Disbursement.number, Disbursement.receipt_number, Disbursement.voucher_number)
    query = visible_disbursements(user).where(
        or_(*(number.contains(words, autoescape=True) for number in numbers))
    )
    return _group(
        N_("Payments"),
        _few(query.order_by(Disbursement.id.desc())),
        lambda row: Hit(
            row.number,
            row.commitment.title,
            url_for("disbursements.show", disbursement_id=row.id),
            state_of(row),
        ),
    )


_KINDS: tuple[Callable[[Any, str], Group | None], ...] = (
    _organizations,
    _calls,
    _applications,
    _projects,
    _agreements,
    _payments,
)
