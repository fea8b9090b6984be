"""``flask seed --world bench``: volume for measuring.

Rows are cloned in bulk from one application of the demonstration world: organizations,
applications, budget lines. Clones carry no money and no history, so the ledger and the audit trail
stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select

from app.demo.stage import PREFIXES, WORLD, credit_code
from core import clock
from core.db import db, transaction
from core.money import Money
from grants.applications.models import Application, BudgetLine
from grants.calls.models import Call
from registry.organizations.models import Organization

BATCH = 5_000
NAME = "示例测量组织"
STATES = ("submitted", "eligible", "ineligible", "rejected")


def seed_bench(applications: int) -> int:
    """Bring the number of applications to ``applications``; returns how many there are."""
    there = db.session.scalar(select(func.count(Application.id))) or 0
    call = db.session.scalar(select(Call).where(Call.state == "published").order_by(Call.id).limit(1))
    if call is None:
        raise RuntimeError("seed the demonstration world first")
    missing = max(0, applications - there)
    agency_id, call_id, user_id = call.agency_id, call.id, call.drafted_by
    start = (db.session.scalar(select(func.max(Organization.id))) or 0) + 1
    with transaction() as session:
        for chunk in _chunks(_organizations(missing, start, agency_id)):
            session.execute(insert(Organization), chunk)
    first = (db.session.scalar(select(func.max(Application.id))) or 0) + 1
    with transaction() as session:
        for chunk in _chunks(_applications(missing, first, start, agency_id, call_id, user_id)):
            session.execute(insert(Application), chunk)
        for chunk in _chunks(_lines(missing, first)):
            session.execute(insert(BudgetLine), chunk)
        if session.get_bind().dialect.name == "postgresql":
            for table in ("organization", "application", "budget_line"):
                session.execute(
                    select(func.setval(func.pg_get_serial_sequence(table, "id"), func.max(_table(table).id)))
                )
    return there + missing


def _table(name: str) -> Any:
    return {"organization": Organization, "application": Application, "budget_line": BudgetLine}[name]


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(rows, BATCH)):
        yield chunk


def _organizations(count: int, start: int, agency_id: int) -> Iterator[dict[str, Any]]:
    kinds = list(PREFIXES)
    for place in range(count):
        kind = kinds[place % 2]
        yield {
            "id": start + place,
            "agency_id": agency_id,
            "kind": kind,
            "name": f"{NAME}{place:07d}",
            "sort_key": f"shilicelianzuzhi{place:07d}",
            "credit_code": credit_code(PREFIXES[kind], "150602", 100_000 + place),
            "division_code": "150602",
            "registered_on": clock.today() - timedelta(days=900 + place % 900),
        }


def _applications(
    count: int, first: int, start: int, agency_id: int, call_id: int, user_id: int
) -> Iterator[dict[str, Any]]:
    now = clock.now()
    titles = WORLD["projects"]
    for place in range(count):
        title, category = titles[place % len(titles)]
        requested = Money(5_000_000 + place % 97 * 10_000)
        yield {
            "id": first + place,
            "call_id": call_id,
            "agency_id": agency_id,
            "organization_id": start + place,
            "number": f"BENCH-{place:07d}",
            "state": STATES[place % len(STATES)],
            "title": f"{title}{place}",
            "category": category,
            "requested": requested,
            "beneficiaries": 100 + place % 50,
            "person_times": 1000 + place % 500,
            "submitted_at": now - timedelta(seconds=place),
            "created_by": user_id,
        }


def _lines(count: int, first: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        for position, code in enumerate(("venue", "supplies", "staff_cost"), 1):
            yield {
                "application_id": first + place,
                "position": position,
                "code": code,
                "basis": "1 × 1",
                "grant": Money(1_000_000),
            }
