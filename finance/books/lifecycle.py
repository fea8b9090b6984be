"""A month and a year: open → closed by one person; opened again by two, with a reason."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.books.models import BookYear, OpeningImport
from finance.books.queries import balances_by_kind, is_year_closed, year_findings
from finance.ledger.models import Period

SEPARATION = "会计法 第二十五条；行政事业单位内部控制规范（试行）第十五条"


def _refuse_failed(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)


def _month_guard(period: Period, *, by: Actor, findings: list[Finding]) -> None:
    _refuse_failed(findings)


def _year_guard(year: BookYear, *, by: Actor) -> None:
    _refuse_failed(year_findings(year.agency_id, year.year))


def _closed(thing: Any, *, by: Actor, **_facts: Any) -> None:
    thing.closed_by, thing.closed_at = by.actor_id, clock.now()
    thing.asked_by = thing.reopened_by = None
    thing.reason = ""


def _year_closed(year: BookYear, *, by: Actor) -> None:
    _closed(year, by=by)
    year.figures = balances_by_kind(year.agency_id)


def _ask_guard(thing: Any, *, by: Actor, reason: str) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Say why the books have to be opened again: the reason stays with them.")))
    if isinstance(thing, Period) and is_year_closed(thing.agency_id, thing.month.year):
        raise Refusal(
            Message(
                N_("%(year)s is closed as a whole: the year is opened first."), {"year": thing.month.year}
            ),
            rule="RBK-5",
            status=409,
        )


def _ask_effect(thing: Any, *, by: Actor, reason: str) -> None:
    thing.asked_by, thing.reason = by.actor_id, reason.strip()


def _reopen_guard(thing: Any, *, by: Actor) -> None:
    require_distinct({"asked": thing.asked_by, "agreed": by.actor_id}, rule="RBK-6", source=SEPARATION)


def _reopen_effect(thing: Any, *, by: Actor) -> None:
    thing.reopened_by = by.actor_id


def _table(model: type[Any], guard: Any, effect: Any) -> Lifecycle:
    return Lifecycle(
        model,
        states=(
            State("open", N_("not closed yet"), "active"),
            State("closed", N_("closed"), "done"),
            State("reopening", N_("closed, opening is asked for"), "waiting"),
        ),
        transitions=(
            Transition(
                "close",
                ("open",),
                "closed",
                N_("Close the books"),
                "closed",
                permission="fund.manage",
                guard=guard,
                effect=effect,
            ),
            Transition(
                "ask",
                ("closed",),
                "reopening",
                N_("Ask to open again"),
                "reopening_asked",
                permission="fund.manage",
                guard=_ask_guard,
                effect=_ask_effect,
            ),
            Transition(
                "reopen",
                ("reopening",),
                "open",
                N_("Agree and open"),
                "reopened",
                permission="fund.review",
                guard=_reopen_guard,
                effect=_reopen_effect,
            ),
            Transition(
                "keep",
                ("reopening",),
                "closed",
                N_("Keep it closed"),
                "kept_closed",
                permission="fund.review",
            ),
        ),
    )


MONTH = _table(Period, _month_guard, _closed)
YEAR = _table(BookYear, _year_guard, _year_closed)


def _take_guard(opening: OpeningImport, *, by: Actor) -> None:
    require_distinct({"read": opening.read_by, "taken": by.actor_id}, rule="RBK-7", source=SEPARATION)


def _take_effect(opening: OpeningImport, *, by: Actor) -> None:
    opening.taken_by, opening.taken_at = by.actor_id, clock.now()


OPENING = Lifecycle(
    OpeningImport,
    states=(
        State("read", N_("read, to be brought in"), "waiting"),
        State("taken", N_("brought in"), "done"),
        State("dropped", N_("the table was set aside"), "closed"),
    ),
    transitions=(
        Transition(
            "take",
            ("read",),
            "taken",
            N_("Bring in"),
            "taken",
            permission="fund.review",
            guard=_take_guard,
            effect=_take_effect,
        ),
        Transition(
            "drop",
            ("read",),
            "dropped",
            N_("Set the table aside"),
            "dropped",
            permission="fund.manage",
        ),
    ),
)
