"""What a plan of lottery money must keep, and who takes which step (RLF, DOMAIN 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from core.access.policy import Refusal, require_distinct
from core.money import Money, percent_against
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.funds.policy import (
    ARTICLE_6,
    ARTICLE_33,
    Wish,
    ask_before_earmark,
    forbidden_findings,
    forbidden_uses,
    purpose_finding,
    purposes_of,
)
from finance.funds.rules import LOTTERY, PURPOSES
from finance.lottery import queries, rules
from finance.lottery.models import LotteryPlan, LotteryPlanLine, LotteryYear

CLASSES = {
    "elderly": N_("welfare of the elderly"),
    "disability": N_("welfare of disabled people"),
    "children": N_("welfare of children"),
    "welfare": N_("social public benefit"),
}

STAFF_OF = {
    "": N_("no staff cost"),
    "grantee": N_("project staff of the grantee"),
    "administering": N_("staff of the body that administers the fund"),
}

SEPARATION = "行政事业单位内部控制规范（试行）第十五条：不相容岗位相互分离。"

FOUR_CLASSES = "中央集中彩票公益金支持社会福利事业资金使用管理办法 第五条：老年人福利、残疾人福利、儿童福利、社会公益四类。"

ADMINISTERING_STAFF = f"{ARTICLE_6}：不得用于行政事业单位的基本支出。"

# Cost of people, by the words that lines use for it.
STAFF_WORDS = re.compile(r"人员(经费|费用|工资|薪酬|支出)|工资|薪酬|劳务费|岗位补贴")


@dataclass(frozen=True, slots=True)
class Context:
    """What a plan is judged against: parameters, what is set aside already, and the year's account."""

    rules: Mapping[str, Any]
    rule_set: str = ""
    source: str = ""
    division: str = ""
    set_aside: Mapping[str, Money] | None = None
    year: LotteryYear | None = None
    year_before: LotteryYear | None = None


def plan_findings(plan: LotteryPlan, context: Context) -> list[Finding]:
    """Everything the rules say about a plan; a failed finding keeps it from being reviewed or approved."""
    lines = plan.lines
    found: list[Finding] = []
    for line in lines:
        found += _line_findings(plan, line, context)
    found += _one_class(lines)
    found += [
        _minimum_share(lines, category, str(context.rules[name]), context)
        for category, name in rules.SHARES.items()
        if context.rules[name] != ""
    ]
    found.append(_administering(lines, context))
    found.append(_grantee(lines, context))
    found.append(_within_set_aside(lines, context.set_aside or {}))
    found.append(within_resources(plan.total, context))
    if not lines:
        found.insert(
            0,
            Finding(
                "RLF-20",
                Verdict.FAIL,
                Message(N_("Purpose and class of every item")),
                Message(N_("The plan has no line yet: write what the money is for.")),
                source=FOUR_CLASSES,
            ),
        )
    return found


def _line_findings(plan: LotteryPlan, line: LotteryPlanLine, context: Context) -> list[Finding]:
    """Whitelist, forbidden uses and staff of one line; only what failed, and one pass for the whitelist."""
    source = plan.fund_source
    found = [
        item
        for item in (
            purpose_finding(
                source.kind, purposes_of(source), line.purpose, basis=source.basis, reason=line.reason.strip()
            ),
            *forbidden_findings(
                source.kind,
                [line.title, line.reason],
                forbidden=forbidden_uses(context.rules, context.source),
            ),
        )
        if item.verdict is Verdict.FAIL
    ]
    wanted = rules.CLASS_OF.get(line.purpose)
    needed = CLASSES[wanted or "welfare"]
    if line.category not in CLASSES or (wanted is not None and line.category != wanted):
        found.append(
            Finding(
                "RLF-20",
                Verdict.FAIL,
                Message(N_("Purpose and class of every item")),
                Message(
                    N_("“%(line)s”: money for “%(purpose)s” belongs to the class “%(category)s”."),
                    {
                        "line": line.title,
                        "purpose": Message(PURPOSES.get(line.purpose, line.purpose)),
                        "category": Message(needed),
                    },
                ),
                source=FOUR_CLASSES,
            )
        )
    if STAFF_WORDS.search(line.title) and not line.staff_of:
        found.append(
            Finding(
                "RLF-22",
                Verdict.FAIL,
                Message(N_("Staff of the administering body")),
                Message(
                    N_("“%(line)s” is a cost of people: say whose staff it is and how much of the line."),
                    {"line": line.title},
                ),
                source=ADMINISTERING_STAFF,
            )
        )
    return found


def _one_class(lines: Sequence[LotteryPlanLine]) -> list[Finding]:
    """A purpose stands in one class, so that spending by class follows from spending by purpose."""
    classes: dict[str, set[str]] = {}
    for line in lines:
        classes.setdefault(line.purpose, set()).add(line.category)
    torn = [purpose for purpose, found in classes.items() if len(found) > 1]
    title = Message(N_("Purpose and class of every item"))
    if torn:
        return [
            Finding(
                "RLF-20",
                Verdict.FAIL,
                title,
                Message(
                    N_(
                        "“%(purpose)s” stands in several classes: keep each purpose in one class of the plan."
                    ),
                    {"purpose": Message(PURPOSES.get(torn[0], torn[0]))},
                ),
                source=FOUR_CLASSES,
            )
        ]
    if not lines:
        return []
    return [
        Finding(
            "RLF-20",
            Verdict.PASS,
            title,
            Message(N_("Every line has its purpose and one of the four classes.")),
            source=FOUR_CLASSES,
        )
    ]


def _minimum_share(
    lines: Sequence[LotteryPlanLine], category: str, percent: str, context: Context
) -> Finding:
    """At least so many percent of the whole plan for one class, compared exactly."""
    total = sum((line.amount for line in lines), Money(0))
    part = sum((line.amount for line in lines if line.category == category), Money(0))
    wanted = Fraction(percent) / 100
    words = CLASSES[category]
    title = Message(N_("Minimum share: %(category)s"), {"category": Message(words)})
    # Where the share is the division's published one its own law is the source, else the rule set.
    own = rules.local_shares(context.division).get(category)
    source = own[1] if own is not None and own[0] == percent else context.source
    found = part.ratio_to(total)
    if found is None:
        return Finding(
            "RLF-21", Verdict.NOT_APPLICABLE, title, Message(N_("The plan has no money yet.")), source=source
        )
    met = found >= wanted
    return Finding(
        "RLF-21",
        Verdict.PASS if met else Verdict.FAIL,
        title,
        Message(
            N_("%(found)s of the plan; at least %(wanted)s is required.")
            if met
            else N_(
                "Only %(found)s of the plan; at least %(wanted)s is required: %(missing)s yuan are missing."
            ),
            {
                "found": percent_against(found, wanted),
                "wanted": wanted,
                "missing": Money(max(0, (total.fen * wanted).__ceil__() - part.fen)),
            },
        ),
        Message(N_("%(part)s of %(total)s yuan"), {"part": part, "total": total}),
        source=source,
        rule_set=context.rule_set,
    )


def _administering(lines: Sequence[LotteryPlanLine], context: Context) -> Finding:
    """Staff of the body that administers the fund is never paid from it (DOMAIN trap 4)."""
    title = Message(N_("Staff of the administering body"))
    guilty = [line for line in lines if line.staff_of == "administering"]
    if guilty:
        return Finding(
            "RLF-22",
            Verdict.FAIL,
            title,
            Message(
                N_("“%(line)s” pays staff of the administering body: this is never lottery money."),
                {"line": guilty[0].title},
            ),
            source=ADMINISTERING_STAFF,
            rule_set=context.rule_set,
        )
    return Finding(
        "RLF-22",
        Verdict.PASS,
        title,
        Message(N_("No staff of the administering body is paid.")),
        source=ADMINISTERING_STAFF,
        rule_set=context.rule_set,
    )


def _grantee(lines: Sequence[LotteryPlanLine], context: Context) -> Finding:
    """Project staff of grantees is allowed up to a share of each line that has it."""
    title = Message(N_("Project staff of grantees"))
    cap = Fraction(str(context.rules["grantee_staff_percent"])) / 100
    staffed = [line for line in lines if line.staff_of == "grantee" and line.staff_amount]
    over = [line for line in staffed if line.staff_amount > line.amount.share(cap)]
    if over:
        line = over[0]
        return Finding(
            "RLF-23",
            Verdict.FAIL,
            title,
            Message(
                N_(
                    "“%(line)s”: %(found)s is project staff; at most %(cap)s is allowed, that is %(most)s yuan."
                ),
                {
                    "line": line.title,
                    "found": line.staff_amount.ratio_to(line.amount) or Fraction(0),
                    "cap": cap,
                    "most": line.amount.share(cap),
                },
            ),
            source=rules.GRANTEE_STAFF,
            rule_set=context.rule_set,
        )
    return Finding(
        "RLF-23",
        Verdict.PASS if staffed else Verdict.NOT_APPLICABLE,
        title,
        Message(N_("Project staff stays within %(cap)s of each line."), {"cap": cap})
        if staffed
        else Message(N_("No line pays project staff.")),
        source=rules.GRANTEE_STAFF,
        rule_set=context.rule_set,
    )


def _within_set_aside(lines: Sequence[LotteryPlanLine], set_aside: Mapping[str, Money]) -> Finding:
    """A revision never plans less for a purpose than is set aside for it already."""
    title = Message(N_("Not below what is set aside already"))
    planned = by_purpose(lines)
    for purpose, amount in set_aside.items():
        if amount > planned.get(purpose, Money(0)):
            return Finding(
                "RLF-24",
                Verdict.FAIL,
                title,
                Message(
                    N_(
                        "%(amount)s yuan are set aside for “%(purpose)s”; the plan has only %(planned)s yuan for it."
                    ),
                    {
                        "amount": amount,
                        "purpose": Message(PURPOSES.get(purpose, purpose)),
                        "planned": planned.get(purpose, Money(0)),
                    },
                ),
                source=rules.PLANNED,
            )
    return Finding(
        "RLF-24",
        Verdict.PASS if set_aside else Verdict.NOT_APPLICABLE,
        title,
        Message(N_("The plan covers what is set aside."))
        if set_aside
        else Message(N_("Nothing of this year is set aside yet.")),
        source=rules.PLANNED,
    )


def by_purpose(lines: Iterable[LotteryPlanLine]) -> dict[str, Money]:
    sums: dict[str, Money] = {}
    for line in lines:
        sums[line.purpose] = sums.get(line.purpose, Money(0)) + line.amount
    return sums


def by_class(lines: Iterable[LotteryPlanLine]) -> dict[str, Money]:
    sums = dict.fromkeys(CLASSES, Money(0))
    for line in lines:
        sums[line.category] = sums.get(line.category, Money(0)) + line.amount
    return sums


def usable(context: Context) -> Money | None:
    """What a year may spend: its opening and, unless raised money waits a year, its own income.

    ``None`` where the account of the year lacks a figure.
    """
    year = context.year
    if year is None or year.opening is None:
        return None
    if context.rules["use_next_year"]:
        # What the year before raised is in this year's opening.
        return year.opening
    return None if year.raised is None else year.opening + year.raised


def within_resources(total: Money, context: Context) -> Finding:
    """Planned within what the tier has: opening and income of the year, or the opening alone (次年使用)."""
    title = Message(N_("Covered by the tier's own money"))
    most = usable(context)
    words = (
        N_("this year's income is used next year: the opening of %(most)s yuan is what may be planned")
        if context.rules["use_next_year"]
        else N_("opening and income of the year: %(most)s yuan")
    )
    if most is None:
        return Finding(
            "RLF-25",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("Opening and income of the year are not entered yet: not compared.")),
            source=rules.PLANNED,
            rule_set=context.rule_set,
        )
    numbers = Message(words, {"most": most})
    if total > most:
        return Finding(
            "RLF-25",
            Verdict.FAIL,
            title,
            Message(N_("The plan is %(over)s yuan above what this tier has to use."), {"over": total - most}),
            numbers,
            source=rules.PLANNED,
            rule_set=context.rule_set,
        )
    return Finding(
        "RLF-25",
        Verdict.PASS,
        title,
        Message(N_("The plan lies within what this tier has to use.")),
        numbers,
        source=rules.PLANNED,
        rule_set=context.rule_set,
    )


def earmark_finding(
    plan: LotteryPlan | None,
    *,
    purpose: str,
    amount: Money,
    set_aside: Money,
    fiscal_year: int,
    required: bool,
    rule_set: str = "",
) -> Finding:
    """RLF-26: is this money within the plan in force, beside what is set aside for the purpose already?"""
    title = Message(N_("Within the annual plan"))
    words = Message(PURPOSES.get(purpose, purpose))
    if plan is None:
        return Finding(
            "RLF-26",
            Verdict.FAIL if required else Verdict.NOT_APPLICABLE,
            title,
            Message(
                N_(
                    "No plan of this fund for %(year)s is in force: draft it and have it reviewed and approved first."
                )
                if required
                else N_("No plan of this fund for %(year)s is in force; here none is required."),
                {"year": str(fiscal_year)},
            ),
            source=f"{rules.PLANNED} {ARTICLE_33}",
            rule_set=rule_set,
        )
    planned = by_purpose(plan.lines).get(purpose)
    if planned is None:
        return Finding(
            "RLF-26",
            Verdict.FAIL,
            title,
            Message(
                N_("The plan for %(year)s has no money for “%(purpose)s”: revise the plan first."),
                {"year": str(fiscal_year), "purpose": words},
            ),
            source=f"{rules.PLANNED} {ARTICLE_33}",
            rule_set=rule_set,
        )
    numbers = Message(
        N_("planned %(planned)s, set aside %(taken)s, left %(left)s yuan"),
        {"planned": planned, "taken": set_aside, "left": planned - set_aside},
    )
    if set_aside + amount > planned:
        return Finding(
            "RLF-26",
            Verdict.FAIL,
            title,
            Message(
                N_(
                    "The plan for %(year)s has %(left)s yuan left for “%(purpose)s”; %(amount)s yuan are asked for."
                ),
                {
                    "year": str(fiscal_year),
                    "left": planned - set_aside,
                    "purpose": words,
                    "amount": amount,
                },
            ),
            numbers,
            source=f"{rules.PLANNED} {ARTICLE_33}",
            rule_set=rule_set,
        )
    return Finding(
        "RLF-26",
        Verdict.PASS,
        title,
        Message(N_("The plan for %(year)s has room for it."), {"year": str(fiscal_year)}),
        numbers,
        source=f"{rules.PLANNED} {ARTICLE_33}",
        rule_set=rule_set,
    )


def context_of(plan: LotteryPlan) -> Context:
    """What a plan is judged against as of now."""
    parameters = queries.rules_of(plan.fund_source)
    years = queries.accounts_by_year(plan.fund_source_id)
    return Context(
        rules=parameters,
        rule_set=parameters.label,
        source=parameters.source,
        division=plan.fund_source.agency.division_code,
        set_aside=queries.set_aside_by_purpose(plan.fund_source_id, plan.fiscal_year),
        year=years.get(plan.fiscal_year),
        year_before=years.get(plan.fiscal_year - 1),
    )


def findings_of(plan: LotteryPlan) -> list[Finding]:
    return plan_findings(plan, context_of(plan))


def _within_plan(wish: Wish) -> list[Finding]:
    """RLF-26, asked before money is set aside. Where it is decided the plan stays locked until the end.

    What comes in with the opening of the books was set aside before; a plan of the year has to cover it.
    """
    source = wish.budget.fund_source
    if source.kind != LOTTERY or wish.opening:
        return []
    parameters = queries.rules_of(source)
    plan = queries.plan_in_force(source.id, wish.budget.fiscal_year, lock=wish.deciding)
    taken = queries.set_aside_by_purpose(source.id, wish.budget.fiscal_year).get(wish.purpose, Money(0))
    return [
        earmark_finding(
            plan,
            purpose=wish.purpose,
            amount=wish.amount,
            set_aside=taken,
            fiscal_year=wish.budget.fiscal_year,
            required=bool(parameters["plan_required"]),
            rule_set=parameters.label,
        )
    ]


ask_before_earmark("lottery", _within_plan)


def refuse_failed(findings: Iterable[Finding]) -> None:
    """The first failed finding, as a refusal that names its rule and source."""
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)


def require_three(drafted: int, reviewed: int | None, approved: int | None) -> None:
    require_distinct(
        {"drafted": drafted, "reviewed": reviewed, "approved": approved}, rule="RAP-2", source=SEPARATION
    )


def may_draft(user: Any, agency_id: int) -> Refusal | None:
    """Plans, accounts and notices are prepared by the unit's own finance clerk."""
    if user.may("lottery.draft", agency_id=agency_id):
        return None
    return Refusal(
        Message(N_("The lottery money of this unit is planned and reported by its own finance clerk.")),
        whose_turn=Message(N_("the finance clerk of the unit")),
        status=403,
    )
