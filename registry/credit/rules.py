"""Which credit entries count on a day, what they forbid, and what the rules find due.

One answer for the page of an organization and for the eligibility of an application: E5 to E8, E16, E20
and E22 (DOMAIN 3.3). Pure functions from facts to findings; months are calendar months.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from core import clock
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.credit.models import ADVERSE_KINDS, LISTS

CREDIT_LAW = "社会组织信用信息管理办法（民政部令第60号）"
SOURCES = {
    "E5": CREDIT_LAW,
    "E6": "社会组织信用信息管理办法（民政部令第60号）：不给予资金资助、不向该社会组织购买服务",
    "E7": "政府采购法 第二十二条第（五）项；政府采购法实施条例 第十九条",
    "E8": "社会组织登记管理机关行政处罚程序规定；征集公告 申报条件",
    "E16": "公益创投项目管理办法（违约限制申报）",
    "E20": "社会组织登记管理机关清理整治“僵尸型”社会组织的规定",
    "E22": "关于推动社会组织高质量发展的实施方案（鄂民发〔2023〕73号）：建立发起人不良记录档案",
    "C1": "社会组织信用信息管理办法（民政部令第60号）：被列入活动异常名录满2年的，列入严重违法失信名单",
    "C2": "社会组织信用信息管理办法（民政部令第60号）：受到5万元以上罚款处罚的，列入严重违法失信名单",
    "C3": "社会组织信用信息管理办法（民政部令第60号）：三年内两次以上受到警告或者不满5万元罚款处罚的，列入严重违法失信名单",
    "C4": "社会组织信用信息管理办法（民政部令第60号）：受到限期停止活动行政处罚、被吊销登记证书的，列入严重违法失信名单",
}
# Eligibility (REL): months and years.
STANDING_DEFAULTS: dict[str, Any] = {
    "abnormal_months": 12,
    "dishonesty_months": 24,
    "violation_months": 36,
    "ban_months": 36,
    "zombie_years": 2,
    "adverse_months": 36,
    "adverse_blocks": False,
}
# What being on a list forbids; the lists' consequences are policy data (RCR).
CONSEQUENCES = {
    "key_supervision": N_("is supervised with priority"),
    "no_funding": N_("gets no grants of public money"),
    "no_purchase": N_("no services are bought from it"),
    "no_honours": N_("gets no commendations or titles of honour"),
    "lower_grade": N_("its assessment grade may be lowered or withdrawn"),
}
CREDIT_DEFAULTS: dict[str, Any] = {
    "abnormal_years": 2,
    "fine_yuan": 50_000,
    "minor_count": 2,
    "minor_years": 3,
    "removal_days": 5,
    "abnormal_forbids": ["key_supervision"],
    "dishonesty_forbids": ["key_supervision", "lower_grade", "no_funding", "no_honours", "no_purchase"],
    "zombie_forbids": ["key_supervision", "no_funding"],
}
FORBIDS = {
    "abnormal_list": "abnormal_forbids",
    "dishonesty_list": "dishonesty_forbids",
    "zombie_list": "zombie_forbids",
}
HEAVY = ("suspension", "revocation")


@dataclass(frozen=True, slots=True)
class CreditFact:
    """Something on the credit file: its kind, the day it was entered and the day it was removed."""

    kind: str
    entered_on: date
    removed_on: date | None = None
    penalty: str = ""
    fine: Money | None = None


@dataclass(frozen=True, slots=True)
class AdverseFact:
    """An adverse record of somebody who leads: ``role`` is legal_representative or project_leader."""

    role: str
    name: str
    kind: str
    entered_on: date
    removed_on: date | None = None


class Standing(Protocol):
    """What the answer is computed from; the facts of an applicant carry the same names."""

    @property
    def under_investigation(self) -> bool: ...

    @property
    def inspections(self) -> Mapping[int, str]: ...

    @property
    def credit(self) -> Sequence[CreditFact]: ...

    @property
    def adverse(self) -> Sequence[AdverseFact]: ...


@dataclass(frozen=True, slots=True)
class StandingFacts:
    """An organization's standing as the register and its credit file know it."""

    under_investigation: bool = False
    inspections: Mapping[int, str] = field(default_factory=dict)
    credit: Sequence[CreditFact] = ()
    adverse: Sequence[AdverseFact] = ()
    registered_on: date | None = None


def counts(entered_on: date, removed_on: date | None, *, on: date, months: int = 0) -> bool:
    """Whether an entry holds on ``on`` or held within the ``months`` before.

    It holds from the day of entry up to, not including, the day of removal; an entry removed on
    the day it was made never held.
    """
    if entered_on > on or removed_on == entered_on:
        return False
    return removed_on is None or removed_on > clock.add_months(on, -months)


def overlaps(first: tuple[date, date | None], second: tuple[date, date | None]) -> bool:
    """Whether two periods (from, up to but not including) share a day; an empty period shares none."""
    (since, until), (begin, end) = first, second
    if since == until or begin == end:
        return False
    return (end is None or since < end) and (until is None or begin < until)


def last_inspected_year(on: date) -> int:
    """The latest year whose annual inspection is closed on a day: it ends on 31 May of the next year."""
    return on.year - 1 if (on.month, on.day) > (5, 31) else on.year - 2


def standing(
    facts: Standing, values: Mapping[str, Any], *, on: date, applied_on: date, rule_set: str = ""
) -> dict[str, Finding]:
    """What stands against an organization on a day, by rule.

    ``on`` decides about lists and bars, ``applied_on`` about inspections.
    """
    found = [
        _listed(facts, "E5", "abnormal_list", int(values["abnormal_months"]), on, rule_set),
        _listed(facts, "E6", "dishonesty_list", int(values["dishonesty_months"]), on, rule_set),
        _barred(facts, "E7", int(values["violation_months"]), on, rule_set),
        _investigated(facts, rule_set),
        _barred(facts, "E16", int(values["ban_months"]), on, rule_set),
        _dormant(facts, int(values["zombie_years"]), on, applied_on, rule_set),
        _adverse(facts, values, on, rule_set),
    ]
    return {item.rule: item for item in found}


_TITLES = {
    "E5": N_("Abnormal list"),
    "E6": N_("Serious dishonesty"),
    "E7": N_("Major violations"),
    "E8": N_("Under investigation"),
    "E16": N_("Failed projects and broken commitments"),
    "E20": N_("Active organization"),
    "E22": N_("Adverse records of who leads"),
}
_CLEAR = {"E5": N_("Not on the abnormal list."), "E6": N_("Not on the list of serious dishonesty.")}


def _finding(
    rule: str, verdict: Verdict, sentence: Message, numbers: Message | None, rule_set: str
) -> Finding:
    return Finding(rule, verdict, Message(_TITLES[rule]), sentence, numbers, SOURCES[rule], rule_set)


def _looked_back(months: int) -> Message:
    return Message(N_("looked back %(months)s months"), {"months": months})


def _listed(facts: Standing, rule: str, kind: str, months: int, on: date, rule_set: str) -> Finding:
    """On the list on the day, or within the months before it."""
    latest: date | None = None
    for entry in facts.credit:
        if entry.kind != kind or entry.entered_on > on or entry.removed_on == entry.entered_on:
            continue
        if entry.removed_on is None or entry.removed_on > on:
            return _finding(
                rule,
                Verdict.FAIL,
                Message(N_("On the list now.")),
                Message(N_("since %(since)s"), {"since": entry.entered_on}),
                rule_set,
            )
        latest = max(filter(None, (latest, entry.removed_on)))
    if latest is not None and (free := clock.add_months(latest, months)) > on:
        return _finding(
            rule,
            Verdict.FAIL,
            Message(N_("Was on the list within the last %(months)s months."), {"months": months}),
            Message(N_("removed %(removed)s, free from %(free)s on"), {"removed": latest, "free": free}),
            rule_set,
        )
    return _finding(rule, Verdict.PASS, Message(_CLEAR[rule]), _looked_back(months), rule_set)


def bars(entry: CreditFact, rule: str) -> bool:
    """Whether an entry is what E7 (major violations) or E16 (failed projects, broken word) looks for."""
    if entry.removed_on == entry.entered_on:
        return False
    if rule == "E16":
        return entry.kind in ("project_failed", "commitment_breach")
    return entry.kind == "major_violation" or (entry.kind == "penalty" and entry.penalty in HEAVY)


def _barred(facts: Standing, rule: str, months: int, on: date, rule_set: str) -> Finding:
    entered = [item.entered_on for item in facts.credit if bars(item, rule) and item.entered_on <= on]
    if entered and (free := clock.add_months(max(entered), months)) > on:
        return _finding(
            rule,
            Verdict.FAIL,
            Message(N_("Recorded within the last %(months)s months."), {"months": months}),
            Message(N_("recorded %(entered)s, free from %(free)s on"), {"entered": max(entered), "free": free}),
            rule_set,
        )  # fmt: skip
    return _finding(rule, Verdict.PASS, Message(N_("Nothing is recorded.")), _looked_back(months), rule_set)


def _investigated(facts: Standing, rule_set: str) -> Finding:
    if facts.under_investigation:
        return _finding(
            "E8", Verdict.FAIL, Message(N_("The organization is under investigation.")), None, rule_set
        )
    return _finding("E8", Verdict.PASS, Message(N_("No investigation is recorded.")), None, rule_set)


def missed_years(inspections: Mapping[int, str], *, on: date) -> int:
    """How many years in a row, up to the last one closed, the organization took no part."""
    missed, year = 0, last_inspected_year(on)
    while inspections.get(year) == "missing":
        missed, year = missed + 1, year - 1
    return missed


def _dormant(facts: Standing, years: int, on: date, applied_on: date, rule_set: str) -> Finding:
    for entry in facts.credit:
        if entry.kind == "zombie_list" and counts(entry.entered_on, entry.removed_on, on=on):
            return _finding(
                "E20",
                Verdict.FAIL,
                Message(N_("On the list of dormant organizations.")),
                Message(N_("since %(since)s"), {"since": entry.entered_on}),
                rule_set,
            )
    missed = missed_years(facts.inspections, on=applied_on)
    numbers = Message(N_("years without inspection in a row: %(missed)s"), {"missed": missed})
    if missed >= years:
        return _finding(
            "E20",
            Verdict.FAIL,
            Message(
                N_("Without annual inspection for %(years)s years in a row or longer."), {"years": years}
            ),
            numbers,
            rule_set,
        )
    return _finding("E20", Verdict.PASS, Message(N_("Takes part in annual inspections.")), numbers, rule_set)


ROLES = {"legal_representative": N_("legal representative"), "project_leader": N_("project leader")}


def _adverse(facts: Standing, values: Mapping[str, Any], on: date, rule_set: str) -> Finding:
    months = int(values["adverse_months"])
    for record in facts.adverse:
        if not counts(record.entered_on, record.removed_on, on=on):
            continue
        free = clock.add_months(record.entered_on, months)
        if free > on:
            return _finding(
                "E22",
                Verdict.FAIL if values["adverse_blocks"] else Verdict.MANUAL,
                Message(
                    N_("%(name)s (%(role)s): %(kind)s."),
                    {
                        "name": record.name,
                        "role": Message(ROLES[record.role]),
                        "kind": Message(ADVERSE_KINDS[record.kind]),
                    },
                ),
                Message(
                    N_("recorded %(entered)s, free from %(free)s on"),
                    {"entered": record.entered_on, "free": free},
                ),
                rule_set,
            )
    return _finding(
        "E22", Verdict.PASS, Message(N_("Nothing is recorded about who leads.")), _looked_back(months), rule_set
    )  # fmt: skip


# What is due ------------------------------------------------------------------------------------


def due_for_dishonesty(facts: Standing, values: Mapping[str, Any], *, on: date) -> Finding | None:
    """Why an organization has to go on the list of serious dishonesty, or ``None``; not for one on it."""
    alive = [
        item
        for item in facts.credit
        if item.entered_on <= on and (item.removed_on is None or item.removed_on > on)
    ]
    if any(item.kind == "dishonesty_list" for item in alive):
        return None
    # A penalty that led to the list once does not lead to it again.
    heard = max(
        (item.entered_on for item in facts.credit if item.kind == "dishonesty_list" and item.entered_on <= on),
        default=date.min,
    )  # fmt: skip
    for item in alive:
        if item.kind == "abnormal_list":
            ripe = clock.add_months(item.entered_on, 12 * int(values["abnormal_years"]))
            if ripe <= on:
                return _due(
                    "C1",
                    Message(
                        N_("On the abnormal list for %(years)s years."), {"years": values["abnormal_years"]}
                    ),
                    Message(
                        N_("since %(since)s, %(years)s years complete on %(ripe)s"),
                        {"since": item.entered_on, "years": values["abnormal_years"], "ripe": ripe},
                    ),
                )
    limit, minor = Money.yuan(str(values["fine_yuan"])), []
    first = clock.add_months(on, -12 * int(values["minor_years"]))
    for item in facts.credit:
        if item.kind != "penalty" or not heard < item.entered_on <= on:
            continue
        if item.penalty in HEAVY:
            return _due(
                "C4",
                Message(N_("Its activities were suspended or its registration revoked.")),
                Message(N_("decided %(day)s"), {"day": item.entered_on}),
            )
        if item.fine is not None and item.fine >= limit:
            return _due(
                "C2",
                Message(N_("A fine of %(limit)s yuan or more."), {"limit": limit}),
                Message(N_("%(fine)s yuan on %(day)s"), {"fine": item.fine, "day": item.entered_on}),
            )
        if item.penalty in ("warning", "fine") and item.entered_on > first:
            minor.append(item.entered_on)
    if len(minor) >= int(values["minor_count"]):
        return _due(
            "C3",
            Message(
                N_("%(count)s warnings or small fines within %(years)s years."),
                {"count": len(minor), "years": values["minor_years"]},
            ),
            Message(N_("the first %(first)s, the last %(last)s"), {"first": min(minor), "last": max(minor)}),
        )
    return None


def _due(rule: str, sentence: Message, numbers: Message) -> Finding:
    return Finding(
        rule,
        Verdict.MANUAL,
        Message(N_("Due for the list of serious dishonesty")),
        sentence,
        numbers,
        SOURCES[rule],
    )


def due_for_dormancy(facts: StandingFacts, years: int, *, on: date) -> Finding | None:
    """Why an organization is to be put on the list of dormant ones, or ``None``; not for one on it.

    It took part in no inspection of the last years (none is on record, or “took no part”), and no project
    of it ended in that time.
    """
    if any(
        item.kind == "zombie_list" and counts(item.entered_on, item.removed_on, on=on)
        for item in facts.credit
    ):
        return None  # fmt: skip
    last = last_inspected_year(on)
    looked_at = range(last, last - years, -1)
    if facts.registered_on is None or facts.registered_on.year >= looked_at[-1]:
        return None
    if any(facts.inspections.get(year, "missing") != "missing" for year in looked_at):
        return None
    since = clock.add_months(on, -12 * years)
    if any(
        item.kind in ("project_grade", "project_failed") and item.entered_on > since for item in facts.credit
    ):
        return None  # fmt: skip
    return Finding(
        "E20",
        Verdict.MANUAL,
        Message(N_("Due for the list of dormant organizations")),
        Message(N_("No inspection and no project for %(years)s years."), {"years": years}),
        Message(
            N_("years looked at: %(years)s"), {"years": ", ".join(str(year) for year in sorted(looked_at))}
        ),
        SOURCES["E20"],
    )


def consequences(
    facts: Standing, values: Mapping[str, Any], *, on: date
) -> list[tuple[str, date, list[str]]]:
    """The lists an organization is on that day: list, since when, what follows (keys of ``CONSEQUENCES``)."""
    return [
        (item.kind, item.entered_on, [*values[FORBIDS[item.kind]]])
        for item in facts.credit
        if item.kind in LISTS and counts(item.entered_on, item.removed_on, on=on)
    ]
