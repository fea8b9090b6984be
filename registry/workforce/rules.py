"""What the workforce must have: certificates, hours of learning, consent, insurance.

社会工作者继续教育办法（民发〔2009〕123号）: in the three years of a registration an assistant learns at least 72
hours, the higher levels 90. 志愿服务条例 Art. 17: an accident insurance before work that may be dangerous.
个人信息保护法 Art. 13, 31 and 民法典 Art. 19: the volunteer's consent, and a guardian's for a minor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from core import clock
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

LEARNING_SOURCE = "社会工作者继续教育办法（民发〔2009〕123号）"
CONSENT_SOURCE = "个人信息保护法 第十三条、第三十一条；民法典 第十九条"
COVER_SOURCE = "志愿服务条例 第十七条"
RECORD_SOURCE = "志愿服务条例 第十九条"
STAR_SOURCE = "志愿服务记录办法；东营市志愿者星级评定办法：100、300、600、1000、1500 小时"
ADULT_AT = 18
STARS = 5
# hours_*: hours of learning in a registration, by level; alert_days: how long before its end a certificate alerts;
# workers_least, workers_most: social workers of a federation (S4-23); star_*: hours given for one to five stars.
DEFAULTS: dict[str, Any] = {
    "hours_assistant": 72,
    "hours_intermediate": 90,
    "hours_senior": 90,
    "registration_months": 36,
    "alert_days": 60,
    "workers_least": 1,
    "workers_most": 2,
    "star_1": 100,
    "star_2": 300,
    "star_3": 600,
    "star_4": 1000,
    "star_5": 1500,
}


def age_on(born_on: date, on: date) -> int:
    """Full years on that day."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def is_minor(born_on: date | None, on: date) -> bool:
    """Whether somebody is under eighteen; who gave no day of birth counts as grown up."""
    return born_on is not None and age_on(born_on, on) < ADULT_AT


def consent(*, consented: bool, born_on: date | None, guardian_consented: bool, on: date) -> Finding:
    """Whether hours of a volunteer may be written down."""
    title = Message(N_("Consent"))
    if not consented:
        return Finding(
            "RWF-1",
            Verdict.FAIL,
            title,
            Message(N_("The volunteer has not given consent, or took it back.")),
            source=CONSENT_SOURCE,
        )
    if is_minor(born_on, on) and not guardian_consented:
        return Finding(
            "RWF-1",
            Verdict.FAIL,
            title,
            Message(N_("The volunteer is a minor, and no guardian has consented.")),
            source=CONSENT_SOURCE,
        )
    return Finding("RWF-1", Verdict.PASS, title, Message(N_("Consent is given.")), source=CONSENT_SOURCE)  # fmt: skip


def cover(*, covered: bool, dangerous: bool) -> Finding:
    """Whether a volunteer is insured for work that may be dangerous."""
    title = Message(N_("Accident insurance"))
    if covered:
        return Finding(
            "RWF-2",
            Verdict.PASS,
            title,
            Message(N_("An accident insurance is in force.")),
            source=COVER_SOURCE,
        )
    if dangerous:
        return Finding(
            "RWF-2",
            Verdict.FAIL,
            title,
            Message(N_("No accident insurance is in force: none may be sent to work that may be dangerous.")),
            source=COVER_SOURCE,
        )
    return Finding("RWF-2", Verdict.MANUAL, title, Message(N_("No accident insurance is in force: only work without danger.")), source=COVER_SOURCE)  # fmt: skip


def star_hours(values: Mapping[str, Any]) -> tuple[int, ...]:
    """The hours that each star takes, the first star first."""
    return tuple(int(values[f"star_{number}"]) for number in range(1, STARS + 1))


def stars(minutes: int, hours: Sequence[int]) -> int:
    """How many stars so many minutes make, 0 to 5."""
    return sum(minutes >= needed * 60 for needed in hours)


def star_finding(minutes: int, hours: Sequence[int]) -> Finding:
    """The stars of a volunteer, and what the next one takes."""
    reached = stars(minutes, hours)
    given = f"{minutes / 60:.1f}"
    if reached == len(hours):
        sentence = Message(
            N_("%(stars)s stars: the highest is reached with %(given)s hours."),
            {"stars": reached, "given": given},
        )
    else:
        sentence = Message(
            N_("%(stars)s stars with %(given)s hours; the next star takes %(needed)s."),
            {"stars": reached, "given": given, "needed": hours[reached]},
        )
    return Finding(
        "RWF-5",
        Verdict.PASS if reached else Verdict.NOT_APPLICABLE,
        Message(N_("Stars by hours given")),
        sentence,
        source=STAR_SOURCE,
    )


def learning(*, level: str, hours: int, needed: int, valid_to: date, on: date) -> Finding:
    """Whether enough was learnt for the registration that ends on ``valid_to``."""
    enough = hours >= needed
    return Finding(
        "RWF-3",
        Verdict.PASS if enough else Verdict.FAIL if valid_to < on else Verdict.MANUAL,
        Message(N_("Continuing education")),
        Message(N_("%(hours)s of %(needed)s hours in this registration, which ends on %(day)s."), {"hours": hours, "needed": needed, "day": valid_to}),
        source=LEARNING_SOURCE,
    )  # fmt: skip


def certificate(*, valid_to: date, alert_days: int, on: date) -> str:
    """``ended``, ``ending`` (within the days of the alert) or ``valid``."""
    if valid_to < on:
        return "ended"
    return "ending" if (valid_to - on).days <= alert_days else "valid"


def registration_start(valid_to: date, months: int) -> date:
    """The first day whose learning counts for a registration that ends on ``valid_to``."""
    return clock.add_months(valid_to, -months)
