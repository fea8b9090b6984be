"""The parameters of the lottery rules (DOMAIN 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from core.money import Money
from core.text import N_
from finance.funds.rules import FORBIDDEN_DEFAULTS

WAN = 1_000_000

"""Fen per 万元."""

# What is required and who says so: of the whole plan, by the class it is for.
ELDERLY_SHARE = "国务院办公厅关于推进养老服务发展的意见（国办发〔2019〕5号，规范各级福彩公益金）：不低于55%用于支持发展养老服务。"

SHANGHAI_SHARE = "上海市福利彩票公益金管理规定：不低于60%用于养老服务。"

WEIHAI_SHARE = "威海市居民养老服务保障条例：本级留成福彩公益金不低于50%用于养老服务。"

SHANDONG_SHARE = "山东省实施《中华人民共和国残疾人保障法》办法：本级留成福彩公益金不低于15%用于残疾人事业。"

CHONGQING_SHARE = "重庆市残疾人保障条例：福彩公益金不低于10%用于残疾人事业。"

PLANNED = "彩票公益金管理办法（财综〔2021〕18号）：彩票公益金按预算管理，专款专用，结余结转下年继续使用。"

GRANTEE_STAFF = "各地公益创投项目管理办法：项目人员费用按比例控制（广州2019年办法首次规定比例）。"

NOTICE_DUE = "彩票管理条例 第三十六条；彩票管理条例实施细则 第五十九条：每年向社会公告上一年度公益金的使用规模、资助项目、执行情况和实际效果；6月30日前。"

SIGN = "彩票管理条例实施细则 第六十条：彩票公益金资助的基本建设设施、设备或者社会公益活动等，应当以显著方式标明彩票公益金资助标识。"

# What the public is told of a project beside its amounts (the field set of 天河 2024).
DISCLOSED = {
    "content": N_("Main content"),
    "leader": N_("Person in charge"),
    "phone": N_("Telephone of the person in charge"),
    "progress": N_("How far it is"),
    "effect": N_("Actual effect"),
    "targets": N_("Performance indicators"),
    "problems": N_("Problems and how they are mended"),
}

# Parameters of RLF by default; a rule set of the division replaces them one by one.
DEFAULTS: dict[str, Any] = {
    # Nothing is set aside without a plan in force.
    "plan_required": True,
    # Percent of the whole plan as text; empty: no such rule here.
    "elderly_min": "55",
    "disability_min": "",
    "children_min": "",
    # Of a line that has it: project staff of grantees. Staff of the administering body is never paid.
    "grantee_staff_percent": "30",
    # 当年筹集、次年使用: this year's income is for the next year.
    "use_next_year": False,
    "notice_due": "06-30",
    "sign_required": True,
    "sign_text": ["福彩公益金资助"],
    # Which of them a place insists on; the others may be left empty.
    "disclosure_fields": sorted(DISCLOSED.keys() - {"problems"}),
    **FORBIDDEN_DEFAULTS,
}

SHARES = {"elderly": "elderly_min", "disability": "disability_min", "children": "children_min"}

# Minimum shares that single places have published (DOMAIN 3.2), by the beginning of the division code.
LOCAL_SHARES: dict[str, dict[str, tuple[str, str]]] = {
    "31": {"elderly": ("60", SHANGHAI_SHARE)},
    "37": {"disability": ("15", SHANDONG_SHARE)},
    "3710": {"elderly": ("50", WEIHAI_SHARE)},
    "50": {"disability": ("10", CHONGQING_SHARE)},
}


def local_shares(division: str) -> dict[str, tuple[str, str]]:
    """The shares of a division by class, (percent, source), as its own regulations have published them."""
    found = {"elderly": (str(DEFAULTS["elderly_min"]), ELDERLY_SHARE)}
    for code in sorted(LOCAL_SHARES, key=len):
        if division.startswith(code):
            found |= LOCAL_SHARES[code]
    return found


def defaults_of(division: str) -> dict[str, Any]:
    """The parameters of a division before any rule set."""
    return {**DEFAULTS, **{SHARES[name]: share for name, (share, _source) in local_shares(division).items()}}


def notice_due(fiscal_year: int, rules: Mapping[str, Any]) -> date:
    """The day by which the year's use must be public (06-30 of the year after)."""
    month, day = str(rules["notice_due"]).split("-")
    return date(fiscal_year + 1, int(month), int(day))


# Purposes whose class the law itself names; all others are free within one class a plan.
CLASS_OF = {"elderly": "elderly", "disability": "disability", "children": "children"}


def exact_decimal(number: Fraction) -> str:
    """``745.341``, ``11000``; ``p/q`` where no finite decimal says it."""
    rest, places = number.denominator, 0
    while rest % 10 == 0:
        rest //= 10
        places += 1
    twos = fives = 0
    while rest % 2 == 0:
        rest //= 2
        twos += 1
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    places += max(twos, fives)
    scaled = abs(number.numerator) * 10**places // number.denominator
    whole, part = divmod(scaled, 10**places)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def wan_text(amount: Money) -> str:
    """An amount in 万元 with the decimals it has, as a notice writes it: ``318.9993``."""
    return exact_decimal(Fraction(amount.fen, WAN))
