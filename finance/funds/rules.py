"""What each kind of fund may do, how budget codes are formed, and how long money may lie (DOMAIN 1.3, 3.2, 3.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from core.money import Money
from core.rules.queries import Parameters
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

LOTTERY = "welfare_lottery_fund"


@dataclass(frozen=True, slots=True)
class FundKind:
    """A kind of money. ``official`` is the value public tables carry.

    ``public``: budget money, spent under the procurement rules and counted for the 30% figure; other
    money stays outside them and is reported all the same. ``lapses``: what lies unused for two years
    goes back. ``upper``: the level above may give a part (对上争取). ``party``: may pay for party
    building; ``only`` names the one purpose a kind serves, empty for any.
    """

    code: str
    label: str
    official: str
    public: bool = True
    lapses: bool = True
    upper: bool = True
    party: bool = True
    only: str = ""


FUND_KINDS = {
    kind.code: kind
    for kind in (
        FundKind("general_public_budget", N_("general public budget"), "一般公共预算"),
        FundKind("government_fund_budget", N_("government fund budget"), "政府性基金预算", party=False),
        FundKind(LOTTERY, N_("welfare lottery fund"), "福利彩票公益金", party=False),
        FundKind("development_fund", N_("special fund for development"), "扶持发展专项资金"),
        FundKind("community_subsidy", N_("community service subsidy"), "社区公益事业补助资金"),
        FundKind("party_service_fund", N_("party fund for serving the masses"), "党组织服务群众专项经费"),
        FundKind("party_building_cost", N_("party-building cost"), "社会组织党建工作经费", only="party"),
        FundKind("donation", N_("donations"), "社会捐赠", public=False, lapses=False, upper=False),
        FundKind("foundation_match", N_("foundation matching money"), "基金会配资",
                 public=False, lapses=False, upper=False),
        FundKind("crowdfunding", N_("crowdfunding"), "众筹", public=False, lapses=False, upper=False),
        FundKind("self_raised", N_("self-raised money"), "自筹", public=False, lapses=False, upper=False),
    )
}  # fmt: skip

SOURCE_KINDS = {kind.code: kind.label for kind in FUND_KINDS.values()}

TIERS = {
    "central": N_("central, pooled"),
    "central_special": N_("central, special"),
    "province": N_("province tier"),
    "city": N_("city tier"),
    "county": N_("county tier"),
}

PURPOSES = {
    "elderly": N_("services for the elderly"),
    "disability": N_("help for disabled people"),
    "children": N_("care and protection of children"),
    "relief": N_("relief of hardship"),
    "community": N_("urban and rural community building"),
    "social_work": N_("social work and volunteering"),
    "party": N_("party building"),
    "other": N_("other public benefit"),
}

# 支持（培育）/ 资助（项目）/ 奖励（以奖代补）
GRANT_KINDS = {
    "support": N_("support (cultivating)"),
    "project_grant": N_("grant to projects"),
    "reward": N_("reward after the fact"),
}

CLASSIFICATION = "政府收支分类科目：支出功能分类为类、款、项（2XX、2XXXX、2XXXXXX），经济分类为类、款（3XX、3XXXX 部门预算，5XX、5XXXX 政府预算）。"
BUDGET_LAW_42 = (
    "预算法 第四十二条：各级政府上一年预算的结转资金，应当在下一年用于结转项目的支出；"
    "连续两年未用完的结转资金，应当作为结余资金管理。"
)

_FUNCTION = re.compile(r"2[0-9]{2}([0-9]{2}([0-9]{2})?)?")
_ECONOMIC = re.compile(r"[35][0-9]{2}([0-9]{2})?")


def function_code_problem(code: str) -> Message | None:
    """What is wrong with the form of a function code (功能分类); ``None`` for a good or an empty one."""
    if not code or _FUNCTION.fullmatch(code):
        return None
    return Message(N_("A function code has 3, 5 or 7 digits and begins with 2, for example 2296002."))


def economic_code_problem(code: str) -> Message | None:
    """What is wrong with the form of an economic code (经济分类); ``None`` for a good or an empty one."""
    if not code or _ECONOMIC.fullmatch(code):
        return None
    return Message(
        N_("An economic code has 3 or 5 digits and begins with 3 or 5, for example 30299 or 50205.")
    )


def kind_finding(kind: str, purpose: str) -> Finding | None:
    """RLF-4: a kind of money that serves one purpose alone; ``None`` when the kind says nothing."""
    found = FUND_KINDS[kind]
    if not found.only:
        return None
    good = purpose == found.only
    return Finding(
        "RLF-4",
        Verdict.PASS if good else Verdict.FAIL,
        Message(N_("Purpose of this kind of money")),
        Message(
            N_("This money serves “%(purpose)s” alone.")
            if not good
            else N_("“%(purpose)s” is what this money is for."),
            {"purpose": Message(PURPOSES[found.only])},
        ),
        source="关于推动社会组织高质量发展的实施方案：将社会组织党建工作经费纳入财政预算。",
    )


# Uses of lottery money that single places forbid (DOMAIN 3.2): which of the lists hold there, and further
# words of its own regulation. What Article 6 forbids is forbidden everywhere and no parameter.
LOCAL_FORBIDDEN = {
    "RLF-2f": N_("Wages, bonuses and allowances of public staff"),
    "RLF-2g": N_("Office buildings and staff housing"),
}
FORBIDDEN_DEFAULTS: dict[str, Any] = {"forbidden_local": list(LOCAL_FORBIDDEN), "forbidden_words": []}

# Money that lies ---------------------------------------------------------------------------------

# Months from the first day of the year in which the money was first budgeted; RLF rule sets may change them.
IDLE_DEFAULTS = {"idle_alert_months": 12, "idle_clawback_months": 24}


def months_since(year: int, on: date) -> int:
    """Whole months from 1 January of ``year`` to ``on``; zero before."""
    return max(0, (on.year - year) * 12 + on.month - 1)


def idle_finding(
    kind: str, *, origin_year: int, unused: Money, on: date, parameters: Mapping[str, Any] | None = None
) -> Finding:
    """RLF-7: how long unspent money has lain since it was first budgeted.

    Fails from the month on in which it is to be taken back (two years running), asks a person from
    the month of the warning on (one year). ``unused`` is what is owed to nobody.
    """
    values = dict(IDLE_DEFAULTS if parameters is None else parameters)
    title = Message(N_("How long the money has lain"))
    months = months_since(origin_year, on)
    facts = {"origin_year": origin_year, "unused": unused.fen, "months": months}
    numbers = Message(
        N_("%(unused)s yuan of %(year)s, %(months)s months; warning at %(alert)s, taken back at %(limit)s"),
        {
            "unused": unused,
            "year": str(origin_year),
            "months": months,
            "alert": values["idle_alert_months"],
            "limit": values["idle_clawback_months"],
        },
    )
    label = parameters.label if isinstance(parameters, Parameters) else ""
    if not FUND_KINDS[kind].lapses:
        return Finding(
            "RLF-7",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("This kind of money does not lapse.")),
            rule_set=label,
        )
    if unused and months >= values["idle_clawback_months"]:
        verdict = Verdict.FAIL
        sentence = N_("Unused for two years running: what is left is a surplus and goes back to its source.")
    elif unused and months >= values["idle_alert_months"]:
        verdict = Verdict.MANUAL
        sentence = N_("Unused for a year: spend it this year, or it has to go back.")
    else:
        verdict, sentence = Verdict.PASS, N_("The money has not lain too long.")
    return Finding("RLF-7", verdict, title, Message(sentence), numbers, BUDGET_LAW_42, label, facts)


# Who pays how much ---------------------------------------------------------------------------------

# Percent as text; empty: no such rule here. RBL rule sets of a jurisdiction and programme set them.
COFUNDING_DEFAULTS = {"grant_share_max": "", "self_raised_min": ""}
COFUNDING_SOURCE = "公益创投项目资金管理办法（项目自筹与配套比例由各地规定）"


def cofunding_findings(
    *, public: Money, own: Money, total: Money, parameters: Mapping[str, Any] | None = None
) -> list[Finding]:
    """RBL-SHARE and RBL-OWN: public money at most X %, the organization's own at least Y % of the project.

    ``total`` is what the project costs in all; shares are compared exactly. Nothing is said where
    the parameters set no ratio.
    """
    values = dict(COFUNDING_DEFAULTS if parameters is None else parameters)
    rule_set = parameters.label if isinstance(parameters, Parameters) else ""
    source = (parameters.source if isinstance(parameters, Parameters) else "") or COFUNDING_SOURCE
    checks = (
        ("RBL-SHARE", values["grant_share_max"], public, False, N_("Public money's part of the project"),
         N_("Public money pays at most %(limit)s of the project.")),
        ("RBL-OWN", values["self_raised_min"], own, True, N_("Own money in the project"),
         N_("The organization's own money is at least %(limit)s of the project.")),
    )  # fmt: skip
    findings = []
    for rule, text, part, at_least, title, sentence in checks:
        if not str(text).strip():
            continue
        limit = Fraction(str(text).strip().removesuffix("%")) / 100
        share = part.ratio_to(total) or Fraction(0)
        good = share >= limit if at_least else share <= limit
        findings.append(
            Finding(
                rule,
                Verdict.PASS if good else Verdict.FAIL,
                Message(title),
                Message(sentence, {"limit": limit}),
                Message(
                    N_("%(part)s of %(total)s yuan: %(share)s"),
                    {"part": part, "total": total, "share": share},
                ),
                source,
                rule_set,
                {"part": part.fen, "total": total.fen, "limit": str(limit)},
            )
        )
    return findings
