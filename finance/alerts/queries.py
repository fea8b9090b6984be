"""Alerts in scope of both units, who may take the next step, and the finders of this floor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from finance.alerts.models import FundAlert
from finance.alerts.rules import ON_PURPOSE, Found
from finance.announcements.policy import account_findings
from finance.announcements.queries import owed_notices, tier_year
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.policy import use_findings
from finance.funds.queries import figures_of_budgets, idle_of
from finance.funds.rules import LOTTERY
from finance.ledger.queries import Owner, name_owners, owners
from finance.lottery.models import LotteryYear
from finance.lottery.rules import NOTICE_DUE
from registry.agencies.models import Agency

Finder = Callable[[], Iterable[Found]]
_finders: dict[str, Finder] = {}


def add_finder(name: str, finder: Finder) -> None:
    """Let a room say what is wrong with money it sees; asked once a day."""
    _finders[name] = finder


def everything_found() -> Iterator[Found]:
    for finder in _finders.values():
        yield from finder()


def visible_alerts(user: Any) -> Select[FundAlert]:
    """Of the units whose money it is, and of the unit that has to answer: both see the case."""
    units = user.agency_ids("alert.read")
    return (
        select(FundAlert)
        .where(or_(FundAlert.agency_id.in_(units), FundAlert.assigned_agency_id.in_(units)))
        .options(joinedload(FundAlert.agency), joinedload(FundAlert.assigned_agency))
    )


def alert_in_scope(user: Any, alert_id: int) -> FundAlert | None:
    return db.session.scalar(visible_alerts(user).where(FundAlert.id == alert_id))


def going_on(kind: str, subject_type: str, subject_id: int) -> FundAlert | None:
    """The case of a thing that is not closed yet."""
    return db.session.scalar(
        select(FundAlert).where(
            FundAlert.kind == kind,
            FundAlert.subject_type == subject_type,
            FundAlert.subject_id == subject_id,
            FundAlert.state != "closed",
        )
    )


def subjects_of(alerts: Iterable[FundAlert]) -> dict[tuple[str, int], Owner]:
    """What the alerts are about: name and page of each subject."""
    return owners({(row.subject_type, row.subject_id) for row in alerts})


def units_to_ask(agency: Agency) -> list[Agency]:
    """Every unit of the same tree: who answers may stand beside the owner of the money, or above it."""
    root = agency.path.split("/")[1]
    return list(
        db.session.scalars(select(Agency).where(Agency.path.startswith(f"/{root}/")).order_by(Agency.path))
    )


def waiting_for(user: Any) -> list[FundAlert]:
    """Cases whose next step is this person's: assign, answer, or close."""
    mine = [
        and_(FundAlert.state == "opened", FundAlert.agency_id.in_(user.agency_ids("alert.assign"))),
        and_(
            FundAlert.state == "assigned", FundAlert.assigned_agency_id.in_(user.agency_ids("alert.answer"))
        ),
        and_(
            FundAlert.state == "answered",
            FundAlert.agency_id.in_(user.agency_ids("alert.close")),
            FundAlert.answered_by != user.id,
        ),
    ]
    return list(
        db.session.scalars(
            select(FundAlert).where(or_(*mine)).options(joinedload(FundAlert.agency)).order_by(FundAlert.id)
        )
    )


# What this floor finds --------------------------------------------------------------------------


def unused_money() -> Iterator[Found]:
    """Budgets with money nobody took, a year and two years after the year they were first budgeted for."""
    today = clock.today()
    budgets = list(
        db.session.scalars(
            select(Budget)
            .where(Budget.state == "approved", Budget.origin_year < today.year)
            .options(joinedload(Budget.agency), joinedload(Budget.fund_source))
            .order_by(Budget.id)
        )
    )
    figures = figures_of_budgets(budgets)
    for budget in budgets:
        finding = idle_of(budget, figures[budget.id], on=today)
        if finding.verdict not in (Verdict.FAIL, Verdict.MANUAL):
            continue
        late = finding.verdict is Verdict.FAIL
        yield Found(
            "unused",
            "budget",
            budget.id,
            budget.agency_id,
            Message(
                N_(
                    "%(left)s yuan first budgeted for %(year)s are unused after %(months)s months: treat them as surplus and take them back."
                )
                if late
                else N_(
                    "%(left)s yuan first budgeted for %(year)s are unused after %(months)s months: use them before two years are over."
                ),
                {
                    "left": Money(finding.facts["unused"]),
                    "year": str(budget.origin_year),
                    "months": finding.facts["months"],
                },
            ),
            finding.source,
            level="take back" if late else "warn",
        )


def late_notices() -> Iterator[Found]:
    """Units that did not publish the use of lottery money in time."""
    for owed in owed_notices():
        if owed.due >= clock.today():
            continue
        yield Found(
            "late_report",
            "agency",
            owed.agency.id,
            owed.agency.id,
            Message(
                N_("The use of lottery money of %(year)s was to be public by %(due)s and is not."),
                {"year": str(owed.fiscal_year), "due": owed.due},
            ),
            NOTICE_DUE,
            level=str(owed.fiscal_year),
        )


def overspent_tiers() -> Iterator[Found]:
    """Tiers that spent more in a year than they raised and had carried over."""
    for row in db.session.scalars(
        select(LotteryYear)
        .where(LotteryYear.raised.is_not(None))
        .options(joinedload(LotteryYear.fund_source))
        .order_by(LotteryYear.id)
    ):
        account = tier_year(row.fund_source, row.fiscal_year)
        for finding in account_findings(account):
            if finding.rule == "RLF-28" and finding.verdict is Verdict.FAIL:
                yield Found(
                    "overspend", "lottery_year", row.id, row.agency_id, finding.sentence, finding.source
                )


def earmarks_off_purpose() -> Iterator[Found]:
    """Lottery money set aside for what the rules now in force do not permit."""
    query = (
        select(Earmark)
        .join(Budget, Budget.id == Earmark.budget_id)
        .join(FundSource, FundSource.id == Budget.fund_source_id)
        .where(FundSource.kind == LOTTERY)
        .options(joinedload(Earmark.budget).joinedload(Budget.fund_source))
        .order_by(Earmark.id)
    )
    for earmark in db.session.scalars(query):
        source = earmark.budget.fund_source
        for finding in use_findings(
            source, purpose=earmark.purpose, title=earmark.title, reason=earmark.reason
        ):
            if finding.verdict is Verdict.FAIL:
                yield Found(
                    "off_purpose",
                    "earmark",
                    earmark.id,
                    earmark.agency_id,
                    finding.sentence,
                    finding.source or ON_PURPOSE,
                )
                break


add_finder("unused money", unused_money)
add_finder("late notices", late_notices)
add_finder("overspent tiers", overspent_tiers)
add_finder("earmarks off purpose", earmarks_off_purpose)


name_owners("agency", "announcements.notices", Agency.id, [Agency.name], {})
