"""Budget lines and their caps (RBL, DOMAIN 3.4): pure functions from a budget, or a voucher, to findings.

The line tree is that of public-benefit budgets: activities (with the people paid in them), management,
taxes. Shares are percent as decimal text, amounts yuan as decimal text. A rule whose parameter is empty
or missing asks nothing. Parameters come from the call for a grant, from the rule sets otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.money import Money, percent
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.funds.policy import FORBIDDEN, LOTTERY, Forbidden, forbidden_findings
from finance.funds.rules import cofunding_findings

# The fixed lines of the budget table in their order (业务活动费, 管理费用, 税费).
LINES: dict[str, str] = {
    "venue": N_("venue"),
    "supplies": N_("supplies"),
    "transport": N_("transport"),
    "publicity": N_("publicity"),
    "printing": N_("printing"),
    "expert_fee": N_("experts and supervision"),
    "volunteer_allowance": N_("volunteer allowances"),
    "staff_cost": N_("project staff"),
    "training": N_("training"),
    "insurance": N_("insurance"),
    "audit_evaluation": N_("audit and evaluation"),
    "other": N_("other"),
    "management": N_("management"),
    "taxes": N_("taxes"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """A branch of the line tree with its lines."""

    code: str
    label: str
    lines: tuple[str, ...]


TREE = (
    Group(
        "activities",
        N_("activities"),
        (
            "venue", "supplies", "transport", "publicity", "printing", "expert_fee", "training", "insurance",
            "audit_evaluation", "other",
        ),
    ),
    Group("people", N_("allowances of people"), ("volunteer_allowance", "staff_cost")),
    Group("management", N_("management"), ("management",)),
    Group("taxes", N_("taxes"), ("taxes",)),
)  # fmt: skip

# Shares of the requested grant in percent.
RBL_DEFAULTS: dict[str, Any] = {
    "staff_max": "30",
    "management_max": "10",
    "tax_max": "6.72",
    "volunteer_max": "15",
    "publicity_max": "10",
}
# The rest of the family: a least share of staff, rates of allowances and fees in yuan, the highest cash
# payment, how far a line may be exceeded, and the uses that no grant of this programme pays for.
LINE_DEFAULTS: dict[str, Any] = {
    **RBL_DEFAULTS,
    "staff_min": "",
    "volunteer_day": 100,
    "expert_half_day": 800,
    "cash_limit": 1000,
    "line_transfer": "10",
    "insurance_flag": True,
    "forbidden": ["assets", "building", "gifts", "investment"],
}
# What differs for a purchased service (DOMAIN 3.4: a social-work contract is mostly salaries).
PROGRAMME_DEFAULTS: dict[str, dict[str, Any]] = {
    "service_purchase": {"staff_min": "60", "staff_max": "100", "management_max": "15"},
}
# Spending no grant pays for, whatever the call says (DOMAIN 3.2, 3.4).
FORBIDDEN_LINES = (
    "fixed_assets",
    "infrastructure",
    "reception",
    "official_vehicles",
    "overseas_travel",
    "cash_gifts",
    "investment",
)
# Rule, line code, parameter: the share of the requested grant that the line may take.
CAPPED = (
    ("RBL-STAFF", "staff_cost", "staff_max", N_("Share of project staff")),
    ("RBL-MGT", "management", "management_max", N_("Share of management")),
    ("RBL-TAX", "taxes", "tax_max", N_("Share of taxes")),
    ("RBL-VOL", "volunteer_allowance", "volunteer_max", N_("Share of volunteer allowances")),
    ("RBL-PUB", "publicity", "publicity_max", N_("Share of publicity")),
)
# Rule, line code, parameter: the highest rate of one unit in yuan.
RATED = (
    ("RBL-VOLDAY", "volunteer_allowance", "volunteer_day", N_("Volunteer allowance for a person and day")),
    ("RBL-EXPERT", "expert_fee", "expert_half_day", N_("Fee of an expert for half a day")),
)

SOURCES = {
    "RBL-CAP": "公益创投征集公告 资助标准",
    "RBL-SUM": "公益创投征集公告 预算编制要求",
    "RBL-FORBID": "彩票公益金管理办法；公益创投项目资金使用规定（不得列支科目）",
    "RBL-STAFF": "公益创投征集公告 预算编制要求（人员费用比例）",
    "RBL-STAFFMIN": "佛山市社会工作服务经费管理办法：人员薪酬比例下限",
    "RBL-MGT": "公益创投征集公告 预算编制要求（管理费用比例）",
    "RBL-TAX": "公益创投征集公告 预算编制要求（税费按实列支）",
    "RBL-VOL": "公益创投征集公告 预算编制要求（志愿者补贴比例）",
    "RBL-PUB": "公益创投征集公告 预算编制要求（宣传费用比例）",
    "RBL-VOLDAY": "中央财政支持社会组织参与社会服务项目资金使用管理规定（志愿者补贴标准）",
    "RBL-EXPERT": "中央和国家机关培训费管理办法（讲课费标准）",
    "RBL-INS": "志愿服务条例 第十七条：应当为志愿者购买相应的人身意外伤害保险",
    "RBL-ADMIN": "彩票公益金管理办法：不得用于行政事业单位人员经费",
    "RBL-LINE": "专项资金使用管理规定：预算科目调剂超过比例须事前报批",
    "RBL-TITLE": "发票管理办法 第二十条；项目协议：票据抬头为承接方或代管方",
    "RBL-CASH": "现金管理暂行条例 第五条",
    "RBL-LIST": "项目资金使用规定：发放补贴应附签领表",
}


@dataclass(frozen=True, slots=True)
class Use:
    """A use that a programme forbids; ``words`` finds it in what a line or a voucher is for."""

    label: str
    words: str
    source: str


# DOMAIN 3.4: what 上虞, the central programme and 福建 exclude; a programme names those it forbids.
USES = {
    "assets": Use(N_("fixed assets"), r"固定资产|购置(电脑|空调|车辆|设备)", "虞民〔2020〕33号文件规定：不得购置固定资产"),
    "building": Use(N_("building and fitting out"), r"基建|基础设施建设|装修|修缮", "虞民〔2020〕33号文件规定：不得用于基础设施建设"),
    "gifts": Use(
        N_("cash or gifts handed to beneficiaries"), r"现金|红包|慰问金|慰问品|礼品|礼金",
        "虞民〔2020〕33号文件规定：不得向服务对象发放现金和礼品",
    ),
    "relief": Use(N_("relief money and scholarships"), r"救助金|助学金|奖学金", "中央财政支持社会组织项目实施方案：不得发放救助金、奖（助）学金"),
    "investment": Use(N_("investment"), r"投资|理财|入股", "中央财政支持社会组织项目实施方案：不得用于投资"),
    "research": Use(N_("research"), r"课题研究|理论研究", "中央财政支持社会组织项目实施方案：不得用于研究"),
    "books": Use(N_("giving away books"), r"赠书|图书赠送", "中央财政支持社会组织项目实施方案：不得用于图书赠送"),
    "travel": Use(N_("outings and study tours"), r"旅游|考察|户外拓展", "中央财政支持社会组织项目实施方案：不得用于户外活动、考察旅游"),
    "software": Use(N_("software development"), r"软件开发|系统开发|小程序开发", "中央财政支持社会组织项目实施方案：不得用于软件开发"),
}  # fmt: skip
# Staff of the administering body, whatever the source: never paid from a project (DOMAIN 3.2).
_PUBLIC_STAFF = re.compile(r"公务员|行政人员|机关(工作)?人员|在编人员|事业编制")
_RATE = re.compile(r"(\d+(?:\.\d{1,2})?)\s*元?\s*[/／每]\s*(?:人\s*[/／·.]?\s*)?(?:天|日|半天|次|人)")


@dataclass(frozen=True, slots=True)
class LineFacts:
    code: str
    grant: Money
    own: Money
    basis: str = ""


Say = Callable[..., Finding]


def budget(
    requested: Money,
    own_funds: Money,
    cap: Money,
    lines: Sequence[LineFacts],
    values: Mapping[str, Any],
    *,
    fund_kind: str = "",
    forbidden: Sequence[Forbidden] = FORBIDDEN,
    rule_set: str = "",
) -> list[Finding]:
    """Every RBL rule about one budget: cap, sums, shares of the grant, rates, uses that are never paid.

    ``fund_kind`` is the kind of the fund source: the lottery has uses of its own that it forbids, those of
    the place in ``forbidden``.
    """

    def say(rule: str, ok: bool, title: str, sentence: Message, numbers: Message | None = None) -> Finding:
        verdict = Verdict.PASS if ok else Verdict.FAIL
        return Finding(rule, verdict, Message(title), sentence, numbers, SOURCES[rule], rule_set)

    over_cap = requested > cap
    found = [
        say(
            "RBL-CAP", not over_cap, N_("Cap for one project"),
            Message(N_("The request is above the cap.") if over_cap else N_("The request is within the cap.")),
            Message(N_("requested %(requested)s yuan, cap %(cap)s yuan"), {"requested": requested, "cap": cap}),
        ),
    ]  # fmt: skip
    grants = sum((line.grant for line in lines), Money(0))
    own = sum((line.own for line in lines), Money(0))
    adds_up = grants == requested and own == own_funds and requested > Money(0)
    found.append(
        say(
            "RBL-SUM", adds_up, N_("Lines and total"),
            Message(N_("The lines sum to the request.") if adds_up else N_("The lines do not sum to the request.")),
            Message(N_("lines %(lines)s yuan, requested %(requested)s yuan"), {"lines": grants, "requested": requested}),
        )
    )  # fmt: skip
    for rule, code, key, title in CAPPED:
        amount = sum((line.grant for line in lines if line.code == code), Money(0))
        found.append(_share(rule, title, amount, requested, str(values[key]), say))
    found += _least_staff(lines, requested, values, say)
    found += _rates(lines, values, say)
    found += _insurance(lines, values, rule_set)
    found += _public_staff(lines, say)
    wrong = sorted({line.code for line in lines if line.code not in LINES or line.code in FORBIDDEN_LINES})
    if wrong:
        found.append(
            say(
                "RBL-FORBID", False, N_("Spending no grant pays for"),
                Message(N_("The budget has lines that no grant pays for: %(codes)s."), {"codes": ", ".join(wrong)}),
            )
        )  # fmt: skip
    else:
        found += uses([line.basis for line in lines if line.grant], values, rule_set=rule_set)
    if fund_kind == LOTTERY:
        found += forbidden_findings(
            fund_kind, [line.basis for line in lines if line.grant], forbidden=forbidden
        )
    if "grant_share_max" in values:
        found += cofunding_findings(
            public=requested, own=own_funds, total=requested + own_funds, parameters=values
        )
    return found


def uses(texts: Sequence[str], values: Mapping[str, Any], *, rule_set: str = "") -> list[Finding]:
    """RBL-FORBID: the uses that this programme forbids, looked for in what the money is for."""
    title = Message(N_("Spending no grant pays for"))
    found = [
        Finding(
            "RBL-FORBID",
            Verdict.FAIL,
            title,
            Message(
                N_("“%(text)s” is a use that this programme does not pay for: %(use)s."),
                {"text": text, "use": Message(use.label)},
            ),
            source=use.source,
            rule_set=rule_set,
        )
        for code, use in USES.items()
        if code in values.get("forbidden", ())
        for text in texts
        if text and re.search(use.words, text)
    ]
    return found or [
        Finding(
            "RBL-FORBID",
            Verdict.PASS,
            title,
            Message(N_("No forbidden line was found.")),
            source=SOURCES["RBL-FORBID"],
            rule_set=rule_set,
        )
    ]


def share_limit(text: str) -> Fraction:
    """``"6.72"`` percent as an exact ratio."""
    return Fraction(text) / 100


def _share(rule: str, title: str, amount: Money, requested: Money, limit: str, say: Say) -> Finding:
    ratio = amount.ratio_to(requested)
    maximum = share_limit(limit)
    if ratio is None:
        return say(rule, not amount, title, Message(N_("Nothing is requested yet.")))
    ok = ratio <= maximum
    fields: dict[str, Any] = {
        "amount": amount,
        "requested": requested,
        "ratio": percent_beside(ratio, maximum),
        "limit": limit,
    }
    if ok:
        return say(
            rule, True, title, Message(N_("At most %(limit)s%% of the grant: kept."), {"limit": limit}),
            Message(N_("%(amount)s ÷ %(requested)s = %(ratio)s"), fields),
        )  # fmt: skip
    fields["over"] = amount - requested.share(maximum)
    return say(
        rule, False, title, Message(N_("At most %(limit)s%% of the grant: exceeded."), {"limit": limit}),
        Message(N_("%(amount)s ÷ %(requested)s = %(ratio)s, over by %(over)s yuan"), fields),
    )  # fmt: skip


def percent_beside(ratio: Fraction, limit: Fraction) -> str:
    """Percent with as many digits as it takes not to show a ratio above the limit as equal to it."""
    digits = 2
    while ratio != limit and percent(ratio, digits=digits) == percent(limit, digits=digits) and digits < 12:
        digits += 1
    return percent(ratio, digits=digits)


def _least_staff(
    lines: Sequence[LineFacts], requested: Money, values: Mapping[str, Any], say: Say
) -> list[Finding]:
    """RBL-STAFFMIN: where the programme asks for it, at least so much goes to the people who serve."""
    limit = str(values.get("staff_min", "")).strip()
    amount = sum((line.grant for line in lines if line.code == "staff_cost"), Money(0))
    ratio = amount.ratio_to(requested)
    if not limit or ratio is None:
        return []
    least = share_limit(limit)
    ok = ratio >= least
    sentence = (
        N_("At least %(limit)s%% of the grant for staff: kept.")
        if ok
        else N_("At least %(limit)s%% of the grant for staff: not reached.")
    )
    fields = {"amount": amount, "requested": requested, "ratio": percent_beside(ratio, least)}
    return [
        say(
            "RBL-STAFFMIN",
            ok,
            N_("Least share of project staff"),
            Message(sentence, {"limit": limit}),
            Message(N_("%(amount)s ÷ %(requested)s = %(ratio)s"), fields),
        )
    ]


def stated_rate(basis: str) -> Money | None:
    """The rate a line states, such as ``100元/人/天``; of several the highest, ``None`` when it states none."""
    found = [Money.yuan(match[1]) for match in _RATE.finditer(basis)]
    return max(found) if found else None


def _rates(lines: Sequence[LineFacts], values: Mapping[str, Any], say: Say) -> list[Finding]:
    """RBL-VOLDAY and RBL-EXPERT: rates that a line states are within those of the programme."""
    found = []
    for rule, code, key, title in RATED:
        limit = str(values.get(key, "")).strip()
        for line in lines:
            rate = stated_rate(line.basis) if line.code == code and line.grant else None
            if not limit or rate is None:
                continue
            highest = Money.yuan(limit)
            ok = rate <= highest
            found.append(
                say(
                    rule, ok, title,
                    Message(N_("The stated rate is within %(limit)s yuan.") if ok else N_("The stated rate is above %(limit)s yuan."), {"limit": highest}),
                    Message(N_("stated: %(rate)s yuan"), {"rate": rate}),
                )
            )  # fmt: skip
    return found


def _insurance(lines: Sequence[LineFacts], values: Mapping[str, Any], rule_set: str) -> list[Finding]:
    """RBL-INS: volunteers without a line for their insurance are pointed out; it stops nothing."""
    by_code = {line.code: line.grant + line.own for line in lines}
    if not values.get("insurance_flag") or not by_code.get("volunteer_allowance"):
        return []
    insured = bool(by_code.get("insurance"))
    return [
        Finding(
            "RBL-INS",
            Verdict.PASS if insured else Verdict.NOT_APPLICABLE,
            Message(N_("Insurance of volunteers")),
            Message(N_("The budget insures its volunteers."))
            if insured
            else Message(
                N_("Volunteers, and no money for their insurance: are they exposed to danger, or insured?")
            ),
            source=SOURCES["RBL-INS"],
            rule_set=rule_set,
        )
    ]


def _public_staff(lines: Sequence[LineFacts], say: Say) -> list[Finding]:
    """RBL-ADMIN: staff of the administering body, always blocked."""
    return [
        say(
            "RBL-ADMIN",
            False,
            N_("Staff of public bodies"),
            Message(
                N_("“%(text)s”: staff of a public body is never paid from a project."), {"text": line.basis}
            ),
        )
        for line in lines
        if line.grant and _PUBLIC_STAFF.search(line.basis)
    ]


# Vouchers ---------------------------------------------------------------------------------------

MEANS = {
    "transfer": N_("bank transfer"),
    "card": N_("official card"),
    "cash": N_("cash"),
}
LISTED = ("volunteer_allowance", "expert_fee", "staff_cost")


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """One voucher: its line with budget and everything spent on it, this voucher included.

    ``titles`` are the names an invoice may be made out to; ``units`` the person-days or half-days.
    """

    line: str
    label: Message
    budget: Money
    spent: Money
    amount: Money
    purpose: str
    means: str
    invoice_title: str
    titles: Sequence[str]
    units: int | None
    has_file: bool
    # The uses that the project's sources never pay for: the lottery's where a part of it is lottery money.
    forbidden: Sequence[Forbidden] = ()


def never_paid(
    purpose: str, values: Mapping[str, Any], forbidden: Sequence[Forbidden] = (), *, rule_set: str = ""
) -> list[Finding]:
    """What stands against paying for this at all: the programme's list, and that of the lottery's money."""
    found = uses([purpose], values, rule_set=rule_set)
    if forbidden:
        found += forbidden_findings(LOTTERY, [purpose], forbidden=forbidden)
    return [item for item in found if item.verdict is Verdict.FAIL]


def voucher(facts: VoucherFacts, values: Mapping[str, Any], *, rule_set: str = "") -> list[Finding]:
    """Every rule about one voucher; what passes is not told, so that a good voucher has no finding."""
    found = never_paid(facts.purpose, values, facts.forbidden, rule_set=rule_set)
    transfer = transfer_finding(facts.label, facts.budget, facts.spent, values, rule_set=rule_set)
    if transfer is not None:
        found.append(transfer)
    title = facts.invoice_title.strip()
    if title and title not in facts.titles:
        found.append(
            _tell(
                "RBL-TITLE",
                Verdict.FAIL,
                N_("Invoice made out to somebody else"),
                Message(
                    N_("The invoice is made out to “%(title)s”, not to “%(right)s”."),
                    {"title": title, "right": facts.titles[0]},
                ),
                rule_set,
            )
        )
    limit = str(values.get("cash_limit", "")).strip()
    if facts.means == "cash" and limit and facts.amount > Money.yuan(limit):
        found.append(
            _tell(
                "RBL-CASH",
                Verdict.FAIL,
                N_("Too much paid in cash"),
                Message(
                    N_("Cash is for at most %(limit)s yuan; more is transferred to the payee's account."),
                    {"limit": Money.yuan(limit)},
                ),
                rule_set,
            )
        )
    found += _unit_rate(facts, values, rule_set)
    if facts.line in LISTED and not facts.has_file:
        found.append(
            _tell(
                "RBL-LIST",
                Verdict.MANUAL,
                N_("Signed list missing"),
                Message(N_("Allowances and fees need the signed list; none is attached.")),
                rule_set,
            )
        )
    return found


def _unit_rate(facts: VoucherFacts, values: Mapping[str, Any], rule_set: str) -> list[Finding]:
    for rule, code, key, title in RATED:
        limit = str(values.get(key, "")).strip()
        if facts.line != code or not limit or not facts.units:
            continue
        highest = int(Decimal(limit) * 100) * facts.units
        if facts.amount.fen > highest:
            return [
                _tell(
                    rule,
                    Verdict.FAIL,
                    title,
                    Message(
                        N_("%(units)s × at most %(limit)s yuan = %(most)s yuan; paid were %(amount)s yuan."),
                        {
                            "units": facts.units,
                            "limit": Money.yuan(limit),
                            "most": Money(highest),
                            "amount": facts.amount,
                        },
                    ),
                    rule_set,
                )
            ]
    return []


def transfer_finding(
    label: Message, planned: Money, spent: Money, values: Mapping[str, Any], *, rule_set: str = ""
) -> Finding | None:
    """RBL-LINE: a line over its budget. Up to the tolerance a person's word, above it an approved change."""
    if spent <= planned:
        return None
    limit = str(values.get("line_transfer", "0"))
    within = bool(planned) and spent <= planned + planned.share(share_limit(limit))
    return Finding(
        rule="RBL-LINE",
        verdict=Verdict.MANUAL if within else Verdict.FAIL,
        title=Message(N_("“%(line)s” is over its budget"), {"line": label}),
        sentence=Message(
            N_("Up to %(limit)s%% over a line is for the supervisor of delivery to confirm.")
            if within
            else N_("More than %(limit)s%% over a line needs an approved change before the money is spent."),
            {"limit": limit},
        ),
        numbers=Message(
            N_("spent %(spent)s, budget %(budget)s, over by %(over)s yuan"),
            {"spent": spent, "budget": planned, "over": spent - planned},
        ),
        source=SOURCES["RBL-LINE"],
        rule_set=rule_set,
    )


def _tell(rule: str, verdict: Verdict, title: str, sentence: Message, rule_set: str) -> Finding:
    return Finding(rule, verdict, Message(title), sentence, None, SOURCES[rule], rule_set)
