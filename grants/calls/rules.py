"""The rules a call publishes, with their defaults and sources; and how its papers are numbered.

Months are whole calendar months, shares are percent as decimal text. Sources as in DOMAIN 3.3 and
3.4; a jurisdiction's rule set overlays the defaults, the call's own values overlay both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.text import N_, Message
from finance.lines.rules import SOURCES as LINE_SOURCES
from registry.credit.rules import SOURCES as STANDING_SOURCES
from registry.credit.rules import STANDING_DEFAULTS
from registry.particulars.models import LEVELS
from registry.persons.queries import joined

# Eligibility (REL): months, years, grade 1 to 5 (0: none asked for).
REL_DEFAULTS: dict[str, Any] = {
    "registered_months": 12,
    "inspection_years": 1,
    **STANDING_DEFAULTS,
    "min_grade": 0,
    # A brand or an award to be held (E23): its kind, the least level (none: nothing is asked for), years.
    "award_kind": "any",
    "award_level": "none",
    "award_years": 0,
}
# Bonus points for brands and awards (RAW): points of each by its level, their sum at most, what counts.
RAW_DEFAULTS: dict[str, Any] = {
    "bonus_kind": "any",
    "bonus_years": 0,
    "bonus_national": 0,
    "bonus_province": 0,
    "bonus_city": 0,
    "bonus_county": 0,
    "bonus_township": 0,
    "bonus_cap": 0,
}
BONUS_LEVELS = ("national", "province", "city", "county", "township")
AWARD_KINDS = {"any": N_("a brand or an award"), "brand": N_("a brand"), "award": N_("an award")}
# In a purchase, awards of places and trades may neither be asked for nor give points.
SOURCE_NO_AWARDS = "政府采购法实施条例 第二十条第（四）项"
# Publicity (RPN): working days for which what is granted stands in public, how few a call may have at
# least, and whether the day of publication counts (DOMAIN 3.7).
RPN_DEFAULTS: dict[str, Any] = {"notice_days": 5, "notice_days_min": 1, "count_start_day": True}
RPN_SOURCE = "公益创投项目管理办法（公示与异议）；政府采购法实施条例 第五十五条"
# Official names of the sources, as findings quote them; what stands against an applicant has its own.
SOURCES = {
    **STANDING_SOURCES,
    "E1": "政府采购法 第二十二条第（一）项",
    "E2": "GB 32100—2015 法人和其他组织统一社会信用代码编码规则；政府采购法 第二十二条",
    "E3": "公益创投征集公告 申报条件（登记年限）",
    "E4": "社会团体登记管理条例 第二十八条；民办非企业单位登记管理暂行条例 第二十三条",
    "E9": "公益创投征集公告 申报条件（评估等级）",
    "E10": "公益创投征集公告 申报条件（章程业务范围、实施地域）",
    "E13": "公益创投征集公告 申报条件（申报数量）",
    "E14": "公益创投征集公告 申报条件（不重复资助）",
    "E17": "党建引领社会组织高质量发展实施方案（党建工作承诺、党组织设置、党建入章）",
    "E23": "公益创投征集公告 申报条件（表彰奖励、品牌）",
    "RAW": "公益创投征集公告（评审加分：对政治过硬、作用明显、贡献突出的社会组织和个人进行表彰奖励）",
    "TIME": "公益创投征集公告 申报时间（以服务器时间为准）",
}


def notice_problem(days: int, values: Mapping[str, Any]) -> Message | None:
    """Why a public notice of so many working days is too short under the RPN parameters."""
    least = int(values["notice_days_min"])
    if days >= least:
        return None
    return Message(
        N_(
            "What is granted stands in public for at least %(least)s working days here; %(days)s are too few."
        ),
        {"least": least, "days": days},
    )


def bonus_problem(values: Mapping[str, Any]) -> Message | None:
    """Why points for awards cannot be given like this: points need a sum they may reach at most."""
    most = max(int(values[f"bonus_{level}"]) for level in BONUS_LEVELS)
    if most > int(values["bonus_cap"]):
        return Message(
            N_(
                "One award gives %(points)s points, all of them at most %(cap)s: raise the most that may be given."
            ),
            {"points": most, "cap": int(values["bonus_cap"])},
        )
    return None


def rests_on_awards(values: Mapping[str, Any]) -> bool:
    """Whether a call with these values asks for an award or gives points for one."""
    return values["award_level"] != "none" or int(values["bonus_cap"]) > 0


def award_asked(values: Mapping[str, Any]) -> Message:
    """What E23 asks for, as a part of a sentence."""
    kind, level = AWARD_KINDS[values["award_kind"]], LEVELS[values["award_level"]]
    parts = {"kind": Message(kind), "level": Message(level), "years": int(values["award_years"])}
    if parts["years"]:
        return Message(N_("%(kind)s, at least %(level)s, given within %(years)s years"), parts)
    return Message(N_("%(kind)s, at least %(level)s"), parts)


@dataclass(frozen=True, slots=True)
class AnnouncedRule:
    """A rule as applicants read it: its id, what it asks, where it comes from."""

    rule: str
    sentence: Message
    source: str


def announced(values: Mapping[str, Any], *, max_applications: int) -> list[AnnouncedRule]:
    """The rules that a call with these values checks, in the order of the findings."""
    grade = int(values["min_grade"])
    sentences = [
        ("E1", Message(N_("Has legal personality, or applies through a registered host."))),
        ("E2", Message(N_("Is a registered social organization (credit code 51, 52 or 53) in normal status."))),
        ("E3", Message(N_("Registered for at least %(months)s months."), {"months": values["registered_months"]})),
        ("E4", Message(N_("Annual inspection passed in the last %(years)s years."), {"years": values["inspection_years"]})),
        ("E5", Message(N_("Not on the abnormal list, now or within %(months)s months."), {"months": values["abnormal_months"]})),
        ("E6", Message(N_("Not on the list of serious dishonesty, now or within %(months)s months."), {"months": values["dishonesty_months"]})),
        ("E7", Message(N_("No major violation within %(months)s months."), {"months": values["violation_months"]})),
        ("E8", Message(N_("Not under investigation."))),
        (
            "E9",
            Message(N_("Assessed at least %(grade)sA."), {"grade": grade})
            if grade
            else Message(N_("No minimum grade; 3A and above go first when scores are equal.")),
        ),
        ("E10", Message(N_("The project lies within the organization's chartered scope (judged by a person)."))),
        ("E13", Message(N_("At most %(max)s applications from one organization."), {"max": max_applications})),
        ("E14", Message(N_("The same project is not already paid by public money (judged by a person where other projects run)."))),
        ("E16", Message(N_("No failed project or broken commitment within %(months)s months."), {"months": values["ban_months"]})),
        ("E17", Message(N_("Party-building commitment signed; a Party organization where there are three or more full members."))),
        ("E20", Message(N_("Not without inspection for %(years)s years in a row."), {"years": values["zombie_years"]})),
        ("E22", Message(N_("No adverse record of the legal representative or the project leader within %(months)s months."), {"months": values["adverse_months"]})),
        *(
            (rule, Message(sentence, {"percent": values[key]}))
            for rule, key, sentence in (
                ("RBL-STAFF", "staff_max", N_("Project staff: at most %(percent)s%% of the grant.")),
                ("RBL-MGT", "management_max", N_("Management: at most %(percent)s%% of the grant.")),
                ("RBL-TAX", "tax_max", N_("Taxes: at most %(percent)s%% of the grant.")),
                ("RBL-VOL", "volunteer_max", N_("Volunteer allowances: at most %(percent)s%% of the grant.")),
                ("RBL-PUB", "publicity_max", N_("Publicity: at most %(percent)s%% of the grant.")),
            )
        ),
        ("RBL-FORBID", Message(N_("No fixed assets, building, receptions, official cars, travel abroad, cash gifts or investment."))),
    ]  # fmt: skip
    sources = {**SOURCES, **LINE_SOURCES}
    return [AnnouncedRule(rule, sentence, sources[rule]) for rule, sentence in [*sentences, *_also(values)]]


def awards_announced(values: Mapping[str, Any]) -> list[AnnouncedRule]:
    """What a call says about awards, where it rests on any; also for whoever reads only the call."""
    return [AnnouncedRule(rule, sentence, SOURCES[rule]) for rule, sentence in _awards(values)]


def _also(values: Mapping[str, Any]) -> list[tuple[str, Message]]:
    """Rules of the budget that ask something only where their parameter is set."""
    found = _awards(values)
    found += [
        (rule, Message(sentence, {"limit": values[key]}))
        for rule, key, sentence in (
            ("RBL-STAFFMIN", "staff_min", N_("Project staff: at least %(limit)s%% of the grant.")),
            (
                "RBL-VOLDAY",
                "volunteer_day",
                N_("Volunteer allowance: at most %(limit)s yuan a person and day."),
            ),
            ("RBL-EXPERT", "expert_half_day", N_("Expert fee: at most %(limit)s yuan for half a day.")),
        )
        if str(values.get(key, "")).strip()
    ]
    if values.get("insurance_flag"):
        found.append(("RBL-INS", Message(N_("Volunteers are insured where they are exposed to danger."))))
    return found


def _awards(values: Mapping[str, Any]) -> list[tuple[str, Message]]:
    """What a call says about awards, where it rests on any."""
    found = []
    if values["award_level"] != "none":
        asked = {"asked": award_asked(values)}
        found.append(("E23", Message(N_("Holds %(asked)s, in force in the register."), asked)))
    if not int(values.get("bonus_cap", 0)):
        return found
    points = [
        Message(N_("%(level)s %(points)s"), {"level": Message(LEVELS[level]), "points": given})
        for level in BONUS_LEVELS
        if (given := int(values[f"bonus_{level}"]))
    ]
    kind = AWARD_KINDS[values["bonus_kind"]]
    found.append(
        (
            "RAW",
            Message(
                N_(
                    "Bonus points for %(kind)s in the register on the day of the deadline: %(points)s; at most %(cap)s in all. They count for the rank, not for the pass line."
                ),
                {"kind": Message(kind), "points": joined(points), "cap": int(values["bonus_cap"])},
            ),
        )
    )
    years = int(values["bonus_years"])
    if years:
        found.append(
            ("RAW", Message(N_("Only what was given within %(years)s years gives points."), {"years": years}))
        )
    return found


_NUMBER = re.compile(r"([\u4e00-\u9fff]{1,16})[〔\[【(（]?((?:19|20)\d{2})[〕\]】)）]?第?0*([1-9]\d*)号")
STRICT_NUMBER = re.compile(r"[\u4e00-\u9fff]{1,16}〔(19|20)\d{2}〕[1-9]\d*号")


def document_number(text: str) -> str | None:
    """A document number (发文字号) in its official form, also when typed with other brackets or none.

    ``鄂民发[2023]073号`` → ``鄂民发〔2023〕73号``; ``None`` when it is no such number (DOMAIN 4).
    """
    match = _NUMBER.fullmatch("".join(text.split()))
    return f"{match[1]}〔{match[2]}〕{match[3]}号" if match else None


def compose_document_number(prefix: str, year: int, serial: int) -> str:
    return f"{prefix}〔{year}〕{serial}号"


def serial_of(number: str, prefix: str, year: int) -> int:
    """The serial of a number with this prefix and year; 0 for any other number."""
    head, tail = f"{prefix}〔{year}〕", "号"
    inner = number.removeprefix(head).removesuffix(tail)
    return int(inner) if number.startswith(head) and inner.isdecimal() else 0


def weights_problem(weights: list[int]) -> Message | None:
    """Tranche weights are one to three whole percent above zero that sum to 100 (RDT, DOMAIN 3.5)."""
    if not 1 <= len(weights) <= 3 or any(weight < 1 for weight in weights):
        return Message(N_("A grant is paid in one to three tranches of at least one percent each."))
    if sum(weights) != 100:
        return Message(N_("The tranches sum to %(total)s%%; they must make 100%%."), {"total": sum(weights)})
    return None


# Categories a call chooses from, under their official names (扶老、助残、救孤、济困 of the lottery fund first).
CATEGORIES = {
    "elderly": "扶老",
    "disability": "助残",
    "children": "救孤",
    "relief": "济困",
    "community": "社区治理",
    "social_work": "志愿服务与社会工作",
}
TRANCHE_CONDITIONS = ("signed", "midterm_passed", "final_passed")
