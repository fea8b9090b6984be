"""Which calls there are for whom, and the rules they are judged by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.rules.queries import Parameters, parameters
from finance.funds.rules import COFUNDING_DEFAULTS
from finance.lines.rules import LINE_DEFAULTS, RBL_DEFAULTS
from grants.calls.models import Call
from grants.calls.rules import RAW_DEFAULTS, REL_DEFAULTS, RPN_DEFAULTS, serial_of
from registry.agencies.models import Agency


def visible_calls(user: Any) -> Select[Any]:
    return select(Call).where(Call.agency_id.in_(user.agency_ids("call.read")))


def call_in_scope(user: Any, call_id: int) -> Call | None:
    return db.session.scalar(
        visible_calls(user)
        .where(Call.id == call_id)
        .options(
            joinedload(Call.agency),
            joinedload(Call.selection_rubric),
            joinedload(Call.midterm_rubric),
            joinedload(Call.final_rubric),
        )
    )


def is_open(call: Call, *, on: datetime | None = None) -> bool:
    """Whether applications are taken at this instant of the server's clock."""
    now = on or clock.now()
    return call.state == "published" and call.opens_at <= now < call.deadline_at


def open_calls(on: datetime | None = None) -> list[Call]:
    """Every call that takes applications now, the nearest deadline first; public."""
    now = on or clock.now()
    return list(
        db.session.scalars(
            select(Call)
            .where(Call.state == "published", Call.opens_at <= now, Call.deadline_at > now)
            .options(joinedload(Call.agency))
            .order_by(Call.deadline_at, Call.id)
        )
    )


def published_call(call_id: int) -> Call | None:
    """A call that has been published, whoever asks."""
    return db.session.scalar(
        select(Call)
        .where(Call.id == call_id, Call.published_at.is_not(None))
        .options(joinedload(Call.agency))
    )


def rules_of(call: Call) -> Parameters:
    """The REL, RBL and RAW parameters of a call: defaults, rule sets in force, the call's own values.

    Publication writes all of them into the call, so that a later rule set changes nothing.
    """
    if "rule_sets" in call.rules:
        values = {**REL_DEFAULTS, **RBL_DEFAULTS, **RAW_DEFAULTS, **call.rules}
        return Parameters(values, str(values.pop("rule_sets")), "")
    known: dict[str, Any] = {
        "on": clock.today(),
        "jurisdiction": call.agency.division_code,
        "programme": call.programme,
    }
    eligibility = parameters("REL", REL_DEFAULTS, **known)
    budget = parameters("RBL", {**LINE_DEFAULTS, **COFUNDING_DEFAULTS}, **known)
    bonus = parameters("RAW", RAW_DEFAULTS, **known)
    values = {**eligibility, **budget, **bonus, **call.rules}
    used = [eligibility, budget, *([bonus] if int(values["bonus_cap"]) else [])]
    return Parameters(
        values,
        " · ".join(item.label for item in used),
        "; ".join(item.source for item in used if item.source),
    )


def publicity(agency_id: int, programme: str = "venture_grant") -> Parameters:
    """The RPN parameters in force today for a unit's division and a programme."""
    agency = db.session.get_one(Agency, agency_id)
    return parameters(
        "RPN", RPN_DEFAULTS, on=clock.today(), jurisdiction=agency.division_code, programme=programme
    )


def next_document_serial(agency_id: int, prefix: str, year: int) -> int:
    numbers = db.session.scalars(
        select(Call.document_number).where(
            Call.agency_id == agency_id, Call.document_number.startswith(f"{prefix}〔{year}〕")
        )
    )
    return max((serial_of(number, prefix, year) for number in numbers), default=0) + 1


def calls_by_state(user: Any) -> dict[str, int]:
    """How many calls of the scope are in each state."""
    scope = visible_calls(user).subquery()
    rows = db.session.execute(select(scope.c.state, func.count()).group_by(scope.c.state))
    return dict(rows.all())
