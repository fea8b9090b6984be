"""The families of rules with each parameter in words: what it means, its unit, its bounds, its source.

Defaults are those of the rooms that read them; nothing is decided here. A parameter knows how a form asks
for it and how its value reads, so that nobody writes JSON. A test asks that every family and parameter
that the code reads has its words here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from core.money import percent
from core.text import N_, Message
from evaluation.checkpoints import rules as checkpoints
from evaluation.decisions import rules as decisions
from evaluation.panels import rules as panels
from finance.commitments import rules as commitments
from finance.contracts.rules import DEFAULT_PARAMETERS, R30_SOURCES
from finance.disbursements import rules as till
from finance.funds import rules as funds
from finance.funds.policy import LOCAL_LISTS
from finance.hosting import rules as hosting
from finance.lines.rules import LINE_DEFAULTS, USES
from finance.lines.rules import SOURCES as LINE_SOURCES
from finance.lottery import rules as lottery
from finance.ratios.rules import LIMIT_DEFAULTS, LIMIT_SOURCE
from finance.snapshots.models import REASONS
from finance.snapshots.rules import CALENDAR_DEFAULTS, CALENDAR_SOURCE
from grants.calls.rules import (
    AWARD_KINDS,
    BONUS_LEVELS,
    RAW_DEFAULTS,
    REL_DEFAULTS,
    RPN_DEFAULTS,
    RPN_SOURCE,
    SOURCES,
    bonus_problem,
)
from projects.claims import rules as claims
from projects.closure import rules as consequences
from registry.credit.rules import CONSEQUENCES, CREDIT_DEFAULTS, CREDIT_LAW
from registry.organizations.rules import LEVELS, ROR_DEFAULTS, ROR_SOURCES
from registry.particulars.models import LEVELS as HONOUR_LEVELS
from registry.workforce import rules as workforce


class BadValue(ValueError):
    """A value that cannot be used, with the sentence that says why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


YES_NO = {"yes": N_("yes"), "no": N_("no")}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a family. ``kind``: ratio (of 1, stored as exact text), percent (decimal text), whole,
    flag, texts (a list, one a line), marks (some of ``choices``), choice, bands (lower bounds by grade),
    day (month and day of each year). ``unit`` stands beside the number.
    """

    name: str
    title: str
    kind: str
    source: str
    unit: str = ""
    low: int = 0
    high: int = 100
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    # Empty: there is no such rule here.
    optional: bool = False

    def words(self, value: Any) -> list[Message]:
        """The value as people read it; lists have a line for each entry."""
        if value is None or (self.optional and value == ""):
            return [Message(N_("not set"))]
        if self.kind == "flag":
            word = YES_NO["yes" if value else "no"]
            return [Message(word)]
        if self.kind == "ratio":
            return [_plain(percent(Fraction(value)))]
        if self.kind == "percent":
            return [_plain(f"{value}%")]
        if self.kind in ("marks", "choice"):
            chosen = value if isinstance(value, (list, tuple)) else [value]
            words = [Message(self.choices[item]) if item in self.choices else _plain(item) for item in chosen]
            return words or [Message(N_("none"))]
        if self.kind == "texts":
            return [_plain(str(item)) for item in value] or [Message(N_("none"))]
        if self.kind == "bands":
            return [
                Message(
                    N_("%(grade)s from %(points)s points"),
                    {"grade": Message(self.choices.get(grade, grade)), "points": points},
                )
                for grade, points in value
            ]
        if self.kind == "day":
            return [_plain(str(value))]
        number = f"{value:,}" if value >= 10_000 else str(value)
        if not self.unit:
            return [_plain(number)]
        return [Message(N_("%(number)s %(unit)s"), {"number": number, "unit": Message(self.unit)})]

    def as_typed(self, value: Any) -> Any:
        """What a form shows for a stored value."""
        if value is None:
            return [] if self.kind == "marks" else ""
        if self.kind == "ratio":
            return _decimal_text(Fraction(value) * 100)
        if self.kind == "flag":
            return "yes" if value else "no"
        if self.kind == "texts":
            return "\n".join(str(item) for item in value)
        if self.kind == "marks":
            return list(value)
        if self.kind == "bands":
            return " ".join(str(points) for _grade, points in value)
        return str(value)

    def as_stored(self, typed: Any) -> Any:
        """The stored value of what was typed. Raises :class:`BadValue`."""
        return _READERS[self.kind](self, typed if typed is not None else "")


def _plain(text: str) -> Message:
    return Message("%(text)s", {"text": text})


def _decimal_text(number: Fraction) -> str:
    """A fraction as decimal text without loss where it has one, else as ``n/d``."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(number)
    value = Decimal(number.numerator) / Decimal(number.denominator)
    return format(value.normalize(), "f")


def _number(text: str) -> Fraction:
    try:
        value = Decimal(text.strip().removesuffix("%").removesuffix("％").strip())
    except InvalidOperation as error:
        raise BadValue(Message(N_("Write a number."))) from error
    if not value.is_finite() or abs(value.as_tuple().exponent) > 6:  # type: ignore[arg-type]
        raise BadValue(Message(N_("Write a number with at most six decimals.")))
    return Fraction(value)


def _within(number: Fraction | int, item: Parameter) -> None:
    if not item.low <= number <= item.high:
        raise BadValue(
            Message(N_("A number from %(low)s to %(high)s."), {"low": item.low, "high": item.high})
        )


def _read_ratio(item: Parameter, typed: str) -> str:
    number = _number(typed)
    _within(number, item)
    return str(number / 100)


def _read_percent(item: Parameter, typed: str) -> str:
    if item.optional and not typed.strip():
        return ""
    number = _number(typed)
    _within(number, item)
    return _decimal_text(number)


def _read_whole(item: Parameter, typed: str) -> int:
    written = str(typed).strip()
    if not re.fullmatch(r"\d{1,9}", written, re.ASCII):
        raise BadValue(Message(N_("Write a whole number.")))
    number = int(written)
    _within(number, item)
    return number


def _read_flag(item: Parameter, typed: str) -> bool:
    if typed not in YES_NO:
        raise BadValue(Message(N_("Choose one of the offered values.")))
    return typed == "yes"


def _read_texts(item: Parameter, typed: str) -> list[str]:
    lines = list(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))
    if len(lines) > 100 or any(len(line) > 60 for line in lines):
        raise BadValue(Message(N_("At most 100 lines of at most 60 characters.")))
    return sorted(lines) if item.hint != ORDERED else lines


def _read_marks(item: Parameter, typed: list[str]) -> list[str]:
    chosen = sorted(set(typed))
    if not chosen and not item.optional:
        raise BadValue(Message(N_("Choose at least one.")))
    if set(chosen) - set(item.choices):
        raise BadValue(Message(N_("Choose one of the offered values.")))
    return chosen


def _read_choice(item: Parameter, typed: str) -> str:
    if typed not in item.choices:
        raise BadValue(Message(N_("Choose one of the offered values.")))
    return typed


def _read_bands(item: Parameter, typed: str) -> list[list[Any]]:
    parts = re.split(r"[\s,，、]+", typed.strip())
    if len(parts) != len(item.choices) or not all(re.fullmatch(r"\d{1,3}", part, re.ASCII) for part in parts):
        raise BadValue(
            Message(
                N_("Write %(count)s whole numbers, the best grade first, for example 90 80 60."),
                {"count": len(item.choices)},
            )
        )
    bounds = [int(part) for part in parts]
    if bounds[0] > 100 or sorted(set(bounds), reverse=True) != bounds:
        raise BadValue(Message(N_("The bounds fall from the best grade to the least and lie within 100.")))
    return [[grade, points] for grade, points in zip(item.choices, bounds, strict=True)]


def _read_day(item: Parameter, typed: str) -> str:
    match = re.fullmatch(r"(\d{1,2})[-/.月](\d{1,2})日?", typed.strip(), re.ASCII)
    month, day = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= month <= 12 or not 1 <= day <= (28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31):
        raise BadValue(Message(N_("Write the day as month-day, for example 03-31.")))
    return f"{month:02d}-{day:02d}"


EMPTY_IS_NONE = N_("Empty: there is no such rule here.")
ORDERED = N_("One a line, the most important first.")
_READERS: dict[str, Callable[[Parameter, Any], Any]] = {
    "ratio": _read_ratio,
    "percent": _read_percent,
    "whole": _read_whole,
    "flag": _read_flag,
    "texts": _read_texts,
    "marks": _read_marks,
    "choice": _read_choice,
    "bands": _read_bands,
    "day": _read_day,
}


@dataclass(frozen=True, slots=True)
class Family:
    """A family of rules. ``check`` looks at the values together and says what does not fit."""

    code: str
    title: str
    about: str
    defaults: Mapping[str, Any]
    parameters: tuple[Parameter, ...]
    check: Callable[[Mapping[str, Any]], Message | None] = lambda values: None

    @property
    def by_name(self) -> dict[str, Parameter]:
        return {item.name: item for item in self.parameters}


MONTHS, YEARS, DAYS, YUAN = N_("months"), N_("years"), N_("days"), N_("yuan")
WORKING_DAYS, PEOPLE, SHEETS = N_("working days"), N_("people"), N_("sheets")
PANELS, POINTS = N_("panels"), N_("points")

_COFUNDING = {
    "grant_share_max": N_("Public money of a project's cost, at most"),
    "self_raised_min": N_("The organization's own money of a project's cost, at least"),
}
_SO_KINDS = {
    "51": N_("social association (51)"),
    "52": N_("social service agency (52)"),
    "53": N_("foundation (53)"),
}

_BASES = {
    "contract": N_("Signed contracts"),
    "budget": N_("Budget quotas"),
    "payment": N_("Payments of the year"),
}

R30 = Family(
    "R30",
    N_("Share bought from social organizations"),
    N_("Of newly added spending on purchased public services, at least 30%% should in principle go to social organizations."),
    DEFAULT_PARAMETERS.to_dict(),
    (
        Parameter("threshold", N_("Least share of social organizations"), "ratio", R30_SOURCES["threshold"], unit="%"),
        Parameter("count_venture", N_("Venture grants count as purchases"), "flag", R30_SOURCES["scope"],
                  hint=N_("A grant is no purchase; the figure with venture grants is printed beside it in any case.")),
        Parameter("organization_prefixes", N_("Registered bodies that count as social organizations"), "marks",
                  R30_SOURCES["organization_prefixes"], choices=_SO_KINDS),
        Parameter("excluded_sources", N_("Sources of money that stay out"), "texts", R30_SOURCES["scope"],
                  hint=N_("Names as in the purchase table, one a line: money that is not public.")),
        Parameter("count_hosted", N_("Filed community bodies count through their registered host"), "flag",
                  R30_SOURCES["organization_prefixes"]),
        Parameter("basis", N_("Amount that the published figure rests on"), "choice", R30_SOURCES["scope"], choices=_BASES),
        Parameter("excluded_catalogue", N_("Beginnings of catalogue codes that stay out"), "texts", R30_SOURCES["scope"],
                  hint=N_("One a line, for example B: auxiliary services to government.")),
        Parameter("split_consortium", N_("A consortium counts by the social organization's share"), "flag",
                  R30_SOURCES["organization_prefixes"]),
        Parameter("count_subcontracts", N_("What is subcontracted to social organizations counts by its share"), "flag",
                  R30_SOURCES["organization_prefixes"],
                  hint=N_("No: a contract counts at its signing party only. Yes: a contract whose signing party does not count counts by the share in its row.")),
    ),
)  # fmt: skip

REL = Family(
    "REL",
    N_("Who may apply"),
    N_("What an organization must fulfil before its application is judged."),
    REL_DEFAULTS,
    (
        Parameter("registered_months", N_("Registered for at least"), "whole", SOURCES["E3"], MONTHS, 0, 120),
        Parameter("inspection_years", N_("Annual inspections passed"), "whole", SOURCES["E4"], YEARS, 0, 5),
        Parameter("abnormal_months", N_("Off the abnormal list for"), "whole", SOURCES["E5"], MONTHS, 0, 120),
        Parameter("dishonesty_months", N_("Off the list of serious dishonesty for"), "whole", SOURCES["E6"], MONTHS, 0, 120),
        Parameter("violation_months", N_("No major violation for"), "whole", SOURCES["E7"], MONTHS, 0, 120),
        Parameter("ban_months", N_("Barred after a failed project for"), "whole", SOURCES["E16"], MONTHS, 0, 120),
        Parameter("zombie_years", N_("Without inspection, excluded from"), "whole", SOURCES["E20"], YEARS, 1, 10),
        Parameter("adverse_months", N_("Adverse records of leaders count for"), "whole", SOURCES["E22"], MONTHS, 0, 240),
        Parameter("adverse_blocks", N_("An adverse record of a leader refuses"), "flag", SOURCES["E22"],
                  hint=N_("No: a person decides.")),
        Parameter("min_grade", N_("Least assessment grade"), "whole", SOURCES["E9"], "", 0, 5,
                  hint=N_("0: no grade is asked for.")),
        Parameter("award_level", N_("Award to be held, at least"), "choice", SOURCES["E23"],
                  choices={"none": N_("none"), **HONOUR_LEVELS}),
        Parameter("award_kind", N_("Kind of award asked for"), "choice", SOURCES["E23"], choices=AWARD_KINDS),
        Parameter("award_years", N_("Given within"), "whole", SOURCES["E23"], YEARS, 0, 20,
                  hint=N_("0: whenever it was given")),
    ),
)  # fmt: skip

RCR = Family(
    "RCR",
    N_("Credit lists"),
    N_("When an organization is due for a list, how long taking it off may take, and what each list forbids."),
    CREDIT_DEFAULTS,
    (
        Parameter("abnormal_years", N_("On the abnormal list, due for serious dishonesty after"), "whole", SOURCES["C1"], YEARS, 1, 10),
        Parameter("fine_yuan", N_("A fine that leads to serious dishonesty, from"), "whole", SOURCES["C2"], YUAN, 1, 10_000_000),
        Parameter("minor_count", N_("Warnings and small fines that lead to serious dishonesty"), "whole", SOURCES["C3"], "", 1, 20),
        Parameter("minor_years", N_("Counted within"), "whole", SOURCES["C3"], YEARS, 1, 10),
        Parameter("removal_days", N_("Taken off, once verified, within"), "whole", CREDIT_LAW, DAYS, 1, 60),
        Parameter("abnormal_forbids", N_("What the abnormal list means"), "marks", CREDIT_LAW, choices=CONSEQUENCES),
        Parameter("dishonesty_forbids", N_("What the list of serious dishonesty means"), "marks", SOURCES["E6"], choices=CONSEQUENCES),
        Parameter("zombie_forbids", N_("What the list of dormant organizations means"), "marks", SOURCES["E20"], choices=CONSEQUENCES),
    ),
)  # fmt: skip

RBL = Family(
    "RBL",
    N_("Caps of budget lines"),
    N_("How much of a grant each kind of cost may take."),
    {**LINE_DEFAULTS, **funds.COFUNDING_DEFAULTS},
    (
        Parameter("staff_max", N_("Project staff, at most"), "percent", LINE_SOURCES["RBL-STAFF"]),
        Parameter("management_max", N_("Management, at most"), "percent", LINE_SOURCES["RBL-MGT"]),
        Parameter("tax_max", N_("Taxes, at most"), "percent", LINE_SOURCES["RBL-TAX"]),
        Parameter("volunteer_max", N_("Volunteer allowances, at most"), "percent", LINE_SOURCES["RBL-VOL"]),
        Parameter("publicity_max", N_("Publicity, at most"), "percent", LINE_SOURCES["RBL-PUB"]),
        Parameter(
            "staff_min",
            N_("Project staff, at least"),
            "percent",
            LINE_SOURCES["RBL-STAFFMIN"],
            optional=True,
            hint=EMPTY_IS_NONE,
        ),
        Parameter(
            "volunteer_day",
            N_("Volunteer allowance a person and day, at most"),
            "whole",
            LINE_SOURCES["RBL-VOLDAY"],
            YUAN,
            0,
            1000,
        ),
        Parameter(
            "expert_half_day",
            N_("Expert fee for half a day, at most"),
            "whole",
            LINE_SOURCES["RBL-EXPERT"],
            YUAN,
            0,
            10_000,
        ),
        Parameter(
            "cash_limit",
            N_("One payment in cash, at most"),
            "whole",
            LINE_SOURCES["RBL-CASH"],
            YUAN,
            0,
            100_000,
        ),
        Parameter("line_transfer", N_("A line may be exceeded by"), "percent", LINE_SOURCES["RBL-LINE"]),
        Parameter(
            "insurance_flag", N_("Ask for the insurance of volunteers"), "flag", LINE_SOURCES["RBL-INS"]
        ),
        Parameter(
            "forbidden",
            N_("Uses that are not paid for"),
            "marks",
            LINE_SOURCES["RBL-FORBID"],
            choices={code: use.label for code, use in USES.items()},
        ),
        *(
            Parameter(name, title, "percent", funds.COFUNDING_SOURCE, optional=True, hint=EMPTY_IS_NONE)
            for name, title in _COFUNDING.items()
        ),
    ),
)


def _panel(values: Mapping[str, Any]) -> Message | None:
    if values["panel_size"] % 2 == 0:
        return Message(N_("A panel has an odd number of experts, so that it can decide."))
    if values["least_sheets"] > values["panel_size"]:
        return Message(N_("There cannot be more score sheets than experts on the panel."))
    return None


def _publicity(values: Mapping[str, Any]) -> Message | None:
    if values["notice_days"] < values["notice_days_min"]:
        return Message(N_("What a new call proposes is not below the least."))
    return None


def _stars(values: Mapping[str, Any]) -> Message | None:
    hours = workforce.star_hours(values)
    if list(hours) != sorted(set(hours)):
        return Message(N_("Each star takes more hours than the one before."))
    return None


def _tranches(values: Mapping[str, Any]) -> Message | None:
    for template in values["tranche_templates"]:
        try:
            commitments.template_weights(template)
        except ValueError:
            return Message(
                N_("“%(template)s” is no template: percents above zero that sum to 100, such as 50/40/10."),
                {"template": template},
            )
    return None


REX = Family(
    "REX",
    N_("Experts and their scores"),
    N_("How large a panel is, how many sheets a mean needs, what decides between equal scores."),
    {**panels.DEFAULTS, **decisions.DEFAULTS},
    (
        Parameter("panel_size", N_("Experts on a panel"), "whole", panels.SOURCE, PEOPLE, 3, 15),
        Parameter("least_sheets", N_("Score sheets that a mean needs"), "whole", panels.SOURCE, SHEETS, 3, 15),
        Parameter("scoring_days", N_("Time to score"), "whole", panels.SOURCE, WORKING_DAYS, 1, 60),
        Parameter("most_panels", N_("An expert's panels in a year, at most"), "whole", panels.SOURCE, PANELS, 1, 200),
        Parameter("tie_break", N_("Between equal scores, the higher score in"), "texts", decisions.SOURCE, hint=ORDERED),
    ),
    _panel,
)  # fmt: skip

RDT = Family(
    "RDT",
    N_("Paying in tranches"),
    N_("How a grant is split, what comes before the next part, who approves how much, and when money may leave."),
    {**claims.DEFAULTS, **commitments.TRANCHE_DEFAULTS, **till.DEFAULTS},
    (
        Parameter("spent_percent", N_("Of earlier tranches spent before the next one, at least"), "whole", claims.SOURCE, "%"),
        Parameter("tranche_templates", N_("Templates of tranches"), "texts", commitments.SOURCE_TRANCHES, hint=ORDERED),
        Parameter("micro_limit_yuan", N_("Paid whole at signing up to"), "whole", commitments.SOURCE_TRANCHES, YUAN, 0, 100_000_000),
        Parameter("second_leader_above", N_("A second leader approves above"), "whole", till.SOURCE_LIMIT, YUAN, 0, 100_000_000),
        Parameter("cooling_off_days", N_("Cooling-off of a changed account"), "whole", till.SOURCE_ACCOUNT, DAYS, 0, 90),
        Parameter("cooling_off_first_days", N_("Cooling-off of an organization's first account"), "whole", till.SOURCE_ACCOUNT, DAYS, 0, 90),
        Parameter("answer_within_days", N_("The bank answers within"), "whole", till.SOURCE_ACCOUNT, WORKING_DAYS, 1, 60),
    ),
    _tranches,
)  # fmt: skip

REV = Family(
    "REV",
    N_("Grades of evaluations"),
    N_("Which score makes which grade, and how long a rectification may take."),
    checkpoints.DEFAULTS,
    (
        Parameter("bands", N_("Lower bounds of the grades"), "bands", checkpoints.SOURCE,
                  choices={name: checkpoints.GRADES[name] for name, _points in checkpoints.DEFAULTS["bands"]},
                  hint=N_("Points, the best grade first, for example 90 80 60. What lies below the last bound is unsatisfactory.")),
        Parameter("rectify_days", N_("Time to put right what failed"), "whole", checkpoints.SOURCE, DAYS, 1, 365),
    ),
)  # fmt: skip

RLF = Family(
    "RLF",
    N_("Lottery money and money that lies unused"),
    N_(
        "What lottery money must be planned and shown for, and when idle money is warned about and taken back."
    ),
    {**funds.IDLE_DEFAULTS, **lottery.DEFAULTS},
    (
        Parameter(
            "plan_required", N_("Set aside only within an annual plan in force"), "flag", lottery.PLANNED
        ),
        Parameter(
            "elderly_min",
            N_("For the elderly, at least"),
            "percent",
            lottery.ELDERLY_SHARE,
            optional=True,
            hint=EMPTY_IS_NONE,
        ),
        Parameter(
            "disability_min",
            N_("For disabled people, at least"),
            "percent",
            lottery.SHANDONG_SHARE,
            optional=True,
            hint=EMPTY_IS_NONE,
        ),
        Parameter(
            "children_min",
            N_("For children, at least"),
            "percent",
            lottery.PLANNED,
            optional=True,
            hint=EMPTY_IS_NONE,
        ),
        Parameter(
            "grantee_staff_percent",
            N_("Project staff of grantees, at most"),
            "percent",
            lottery.GRANTEE_STAFF,
        ),
        Parameter("use_next_year", N_("Raised this year, used next year"), "flag", lottery.PLANNED),
        Parameter(
            "notice_due",
            N_("The use of a year is public by, next year"),
            "day",
            lottery.NOTICE_DUE,
            hint=N_("Month and day, for example 06-30."),
        ),
        Parameter("sign_required", N_("Evaluations ask for a photo of the sign"), "flag", lottery.SIGN),
        Parameter("sign_text", N_("Text of the sign"), "texts", lottery.SIGN),
        Parameter(
            "disclosure_fields",
            N_("What the public is told of each project"),
            "marks",
            lottery.NOTICE_DUE,
            choices=lottery.DISCLOSED,
        ),
        Parameter(
            "forbidden_local",
            N_("Uses that the place forbids besides those of Article 6"),
            "marks",
            LOCAL_LISTS,
            choices=funds.LOCAL_FORBIDDEN,
            optional=True,
        ),
        Parameter(
            "forbidden_words",
            N_("Further uses that the place forbids"),
            "texts",
            LOCAL_LISTS,
            hint=N_("One a line, as its regulation writes it; found in titles, plans, budgets and vouchers."),
        ),
        Parameter("idle_alert_months", N_("Warning after"), "whole", funds.BUDGET_LAW_42, MONTHS, 1, 60),
        Parameter(
            "idle_clawback_months", N_("Taken back after"), "whole", funds.BUDGET_LAW_42, MONTHS, 1, 120
        ),
    ),
    lambda values: (
        None
        if values["idle_alert_months"] < values["idle_clawback_months"]
        else Message(N_("The warning comes before the money is taken back."))
    ),
)

RGC = Family(
    "RGC",
    N_("What follows from a failed evaluation"),
    N_("Whether unused or misused money comes back, and within which time."),
    consequences.DEFAULTS,
    (
        Parameter("fail_recovers", N_("A failed project pays back what was not properly spent"), "flag", consequences.SOURCE),
        Parameter("recover_days", N_("To be paid back within"), "whole", consequences.SOURCE, DAYS, 1, 365),
    ),
)  # fmt: skip

RAW = Family(
    "RAW",
    N_("Bonus points for awards"),
    N_("What brands and awards in the register add to an applicant's score; nothing unless a place or a call says so. They count for the rank, never for the pass line."),
    RAW_DEFAULTS,
    (
        *(
            Parameter(f"bonus_{level}", HONOUR_LEVELS[level], "whole", SOURCES["RAW"], POINTS, 0, 20)
            for level in BONUS_LEVELS
        ),
        Parameter("bonus_cap", N_("All awards together, at most"), "whole", SOURCES["RAW"], POINTS, 0, 20,
                  hint=N_("0: awards give no points.")),
        Parameter("bonus_kind", N_("What gives points"), "choice", SOURCES["RAW"], choices=AWARD_KINDS),
        Parameter("bonus_years", N_("Points if given within"), "whole", SOURCES["RAW"], YEARS, 0, 20,
                  hint=N_("0: whenever it was given")),
    ),
    check=bonus_problem,
)  # fmt: skip

RPN = Family(
    "RPN",
    N_("Publicity and objection"),
    N_("How long what is to be granted stands in public before it is awarded."),
    RPN_DEFAULTS,
    (
        Parameter("notice_days", N_("Working days of the public notice, as a new call proposes"), "whole", RPN_SOURCE, WORKING_DAYS, 1, 60),
        Parameter("notice_days_min", N_("Working days of the public notice, at least"), "whole", RPN_SOURCE, WORKING_DAYS, 1, 60),
        Parameter("count_start_day", N_("The day of publication counts, as a new call proposes"), "flag", RPN_SOURCE),
    ),
    check=_publicity,
)  # fmt: skip

RPC = Family(
    "RPC",
    N_("Publication calendar"),
    N_("By when a year's figures are published."),
    CALENDAR_DEFAULTS,
    (
        Parameter("ratio_due", N_("The 30-percent figure of a year is published by, next year"), "day", CALENDAR_SOURCE,
                  hint=N_("Month and day, for example 03-31.")),
        Parameter("reasons", N_("Reasons accepted for a figure below the threshold"), "marks", R30_SOURCES["threshold"],
                  choices=REASONS),
    ),
)  # fmt: skip

RFH = Family(
    "RFH",
    N_("Keeping money for bodies without legal personality"),
    N_("Which hosts may keep a community body's money, for which fee, and when they report."),
    hosting.DEFAULTS,
    (
        Parameter("fee_max", N_("Fee of the host, of what arrives, at most"), "percent", hosting.SOURCE),
        Parameter("host_prefixes", N_("Registered bodies that may be hosts"), "marks", hosting.SOURCE, choices=_SO_KINDS),
        Parameter("report_day", N_("The host reports each month by day"), "whole", hosting.SOURCE, "", 1, 28),
    ),
)  # fmt: skip

RPL = Family(
    "RPL",
    N_("Procurement limit"),
    N_("From which amount a purchase of services follows the procurement law: nobody is shut out for the kind of body it is."),
    LIMIT_DEFAULTS,
    (
        Parameter("limit_yuan", N_("Limit for services"), "whole", LIMIT_SOURCE, YUAN, 0, 100_000_000),
    ),
)  # fmt: skip

ROR = Family(
    "ROR",
    N_("Register of organizations"),
    N_("How closely each class is supervised, when an entry grows stale, and how long leaders serve."),
    ROR_DEFAULTS,
    (
        Parameter("level_registered", N_("Supervision of those registered here"), "choice", ROR_SOURCES["level"], choices=LEVELS),
        Parameter("level_filed", N_("Supervision of filed ones"), "choice", ROR_SOURCES["level"], choices=LEVELS),
        Parameter("level_outside", N_("Supervision of those registered elsewhere"), "choice", ROR_SOURCES["level"], choices=LEVELS),
        Parameter("verify_months", N_("An entry is stale after"), "whole", ROR_SOURCES["verify"], MONTHS, 1, 60),
        Parameter("leader_age", N_("Age of leaders, at most"), "whole", ROR_SOURCES["leader"], "", 50, 100),
        Parameter("leader_terms", N_("Terms of leaders in a row, at most"), "whole", ROR_SOURCES["leader"], "", 1, 10),
        Parameter("term_years", N_("A term lasts, at most, years"), "whole", ROR_SOURCES["term"], "", 1, 10),
    ),
)  # fmt: skip

FEDERATION = "东营市民政局《关于党建引领培育发展社区社会组织的实施意见》：配备1—2名兼职或专职社会工作者"
RWF = Family(
    "RWF",
    N_("Workforce"),
    N_("Learning that a registration takes, when a certificate alerts, social workers of a federation, stars of volunteers."),
    workforce.DEFAULTS,
    (
        Parameter("hours_assistant", N_("Hours of learning: assistant social workers"), "whole", workforce.LEARNING_SOURCE, "", 1, 500),
        Parameter("hours_intermediate", N_("Hours of learning: social workers"), "whole", workforce.LEARNING_SOURCE, "", 1, 500),
        Parameter("hours_senior", N_("Hours of learning: senior social workers"), "whole", workforce.LEARNING_SOURCE, "", 1, 500),
        Parameter("registration_months", N_("A registration lasts"), "whole", workforce.LEARNING_SOURCE, MONTHS, 1, 120),
        Parameter("alert_days", N_("A certificate alerts before its end"), "whole", workforce.LEARNING_SOURCE, DAYS, 1, 365),
        Parameter("workers_least", N_("Social workers of a federation, at least"), "whole", FEDERATION, "", 0, 20),
        Parameter("workers_most", N_("Social workers of a federation, at most"), "whole", FEDERATION, "", 1, 50),
        *(
            Parameter(f"star_{count}", label, "whole", workforce.STAR_SOURCE, "", 1, 100_000)
            for count, label in enumerate(
                (N_("Hours for one star"), N_("Hours for two stars"), N_("Hours for three stars"),
                 N_("Hours for four stars"), N_("Hours for five stars")), 1,
            )
        ),
    ),
    check=_stars,
)  # fmt: skip

FAMILIES: dict[str, Family] = {
    item.code: item
    for item in (R30, REL, RAW, RCR, RBL, RDT, RFH, RLF, RGC, REX, REV, RPN, RPL, RPC, ROR, RWF)
}
