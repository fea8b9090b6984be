"""Writing plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from finance.funds.models import FundSource
from finance.funds.rules import LOTTERY
from finance.lottery import policy, queries, rules
from finance.lottery.models import LotteryPlan, LotteryPlanLine

ZERO = Money(0)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plan as it is entered."""

    purpose: str
    category: str
    title: str
    amount: Money
    staff_of: str = ""
    staff_amount: Money = ZERO
    reason: str = ""


def draft_plan(
    source: FundSource, fiscal_year: int, *, lines: Iterable[Line] = (), note: str = "", by: Any
) -> LotteryPlan:
    """A plan of one tier's year, in draft; the first, or a revision of the one in force."""
    refuse(policy.may_draft(by, source.agency_id))
    if source.kind != LOTTERY:
        raise Refusal(Message(N_("Only a welfare lottery fund has an annual plan.")), source=rules.PLANNED)
    if queries.open_plan(source.id, fiscal_year) is not None:
        raise Refusal(
            Message(
                N_("A plan of this fund for %(year)s is being prepared already: go on with that one."),
                {"year": str(fiscal_year)},
            ),
            status=409,
        )
    latest = db.session.scalar(
        select(LotteryPlan.revision)
        .where(LotteryPlan.fund_source_id == source.id, LotteryPlan.fiscal_year == fiscal_year)
        .order_by(LotteryPlan.revision.desc())
        .limit(1)
    )
    plan = LotteryPlan(
        agency_id=source.agency_id,
        fund_source_id=source.id,
        fiscal_year=fiscal_year,
        revision=(latest or 0) + 1,
        note=note.strip(),
        drafted_by=by.id,
    )
    db.session.add(plan)
    db.session.flush()
    record(plan, "drafted", by=by, details={"fiscal_year": fiscal_year, "revision": plan.revision})
    if lines := list(lines):
        save_lines(plan, lines, note=note, by=by)
    return plan


def save_lines(plan: LotteryPlan, lines: Sequence[Line], *, note: str = "", by: Any) -> None:
    """Write the lines of a draft anew; what the rules say about them is shown, not refused, until the review."""
    refuse(policy.may_draft(by, plan.agency_id))
    require_draft(plan)
    for line in lines:
        if line.amount <= Money(0):
            raise Refusal(Message(N_("The amount must be above zero.")))
        if line.staff_amount > line.amount:
            raise Refusal(Message(N_("The part for staff cannot be more than its line.")))
    plan.lines.clear()
    db.session.flush()
    plan.lines.extend(
        LotteryPlanLine(
            position=place,
            purpose=line.purpose,
            category=line.category,
            title=line.title.strip(),
            amount=line.amount,
            staff_of=line.staff_of,
            staff_amount=line.staff_amount if line.staff_of else Money(0),
            reason=line.reason.strip(),
        )
        for place, line in enumerate(lines, 1)
    )
    plan.note, plan.drafted_by = note.strip(), by.id
    db.session.flush()
    record(plan, "written", by=by, details={"lines": len(lines), "total": plan.total})


def revise_plan(plan: LotteryPlan, *, note: str, by: Any) -> LotteryPlan:
    """A revision begins as a copy of the plan in force, which stays in force until it is approved."""
    if plan.state != "approved":
        raise Refusal(Message(N_("Only the plan in force is revised.")), status=409)
    if not note.strip():
        raise Refusal(Message(N_("Say why the plan is revised.")))
    lines = [
        Line(row.purpose, row.category, row.title, row.amount, row.staff_of, row.staff_amount, row.reason)
        for row in plan.lines
    ]
    return draft_plan(plan.fund_source, plan.fiscal_year, lines=lines, note=note, by=by)


def review_plan(plan: LotteryPlan, *, by: Any) -> None:
    fire(plan, "review", by=by, details={"total": plan.total})


def approve_plan(plan: LotteryPlan, *, by: Any) -> None:
    """The third person puts the plan in force; the one before it is replaced."""
    before = queries.plan_in_force(plan.fund_source_id, plan.fiscal_year, lock=True)
    if before is not None and plan.state == "reviewed" and before.id != plan.id:
        fire(before, "replace", by=by, details={"by": plan.id})
    fire(plan, "approve", by=by, details={"total": plan.total, "revision": plan.revision})


def send_back(thing: Any, *, note: str, by: Any) -> None:
    """Back to its draft, with the reason."""
    if not note.strip():
        raise Refusal(Message(N_("Say what has to be changed.")))
    fire(thing, "send_back", by=by, note=note.strip())


def require_draft(thing: Any) -> None:
    db.session.flush()
    db.session.refresh(thing, ["state"])
    if thing.state != "draft":
        raise Refusal(
            Message(N_("This is no draft any more: have it sent back, or begin a revision.")), status=409
        )


def refuse(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise refusal
