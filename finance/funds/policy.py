"""What a fund may be used for (RLF, DOMAIN 3.2), and who may set money aside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.money import Money
from core.rules.queries import parameters
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.funds.models import Budget, FundSource
from finance.funds.rules import FORBIDDEN_DEFAULTS, LOCAL_FORBIDDEN, LOTTERY, PURPOSES, kind_finding
from registry.agencies.models import Agency

# 扶老、助残、救孤、济困: what every lottery fund may serve unless its own rules say otherwise.
LOTTERY_PURPOSES = ("elderly", "disability", "children", "relief")

ARTICLE_33 = (
    "彩票管理条例 第三十三条：彩票公益金专项用于社会福利、体育等社会公益事业，不用于平衡财政一般预算。"
)
ARTICLE_5 = "中央集中彩票公益金支持社会福利事业资金使用管理办法 第五条：遵循“扶老、助残、救孤、济困”的宗旨。"
ARTICLE_6 = "中央集中彩票公益金支持社会福利事业资金使用管理办法 第六条"
# Party-building cost is paid from the general budget; the lottery serves its own purposes alone.
PARTY_COST = "关于推动社会组织高质量发展的实施方案（鄂民发〔2023〕73号）：社会组织党建工作经费纳入财政预算。"
LOCAL_LISTS = "地方福利彩票公益金使用管理规定（济源；湖南2017）"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A use that lottery money may never have; ``words`` finds it in the name of a thing or a line."""

    rule: str
    title: str
    words: str
    source: str


# What Article 6 forbids holds everywhere; LOCAL_FORBIDDEN names what a rule set of the place may leave out.
FORBIDDEN = (
    Forbidden("RLF-2a", N_("Travel abroad"), r"因公出国|出国|出境|境外考察", ARTICLE_6),
    Forbidden("RLF-2b", N_("Official receptions"), r"公务接待|接待费|招待费|宴请", ARTICLE_6),
    Forbidden("RLF-2c", N_("Official cars"), r"公务用车|公车", ARTICLE_6),
    Forbidden(
        "RLF-2d",
        N_("Basic expenses of public bodies"),
        r"基本支出|行政运行|工作经费|办公经费|日常公用经费|行政人员经费",
        ARTICLE_6,
    ),
    Forbidden("RLF-2e", N_("Activities for profit"), r"营利|盈利|股权投资|对外投资|理财|投资入股", ARTICLE_6),
    Forbidden(
        "RLF-2f",
        N_("Wages, bonuses and allowances of public staff"),
        r"奖金|津补贴|津贴补贴|个人奖励",
        LOCAL_LISTS,
    ),
    Forbidden("RLF-2g", N_("Office buildings and staff housing"), r"楼堂馆所|职工住宅|办公楼", LOCAL_LISTS),
    Forbidden(
        "RLF-2h",
        N_("Party-building cost"),
        r"党建(工作)?经费|党组织(活动|工作)?经费|党费|党务(工作)?经费",
        f"{PARTY_COST} {ARTICLE_33}",
    ),
)


def forbidden_uses(values: Mapping[str, Any], source: str = "") -> tuple[Forbidden, ...]:
    """What the lottery's money may never be used for at a place: Article 6, and the place's own list.

    ``values`` are its RLF parameters: which of the local lists hold there, and further words of its own
    regulation, found as they stand. ``source`` is the rule set's.
    """
    local = set(values["forbidden_local"])
    return (
        *(item for item in FORBIDDEN if item.rule not in LOCAL_FORBIDDEN or item.rule in local),
        *(
            Forbidden("RLF-2x", N_("A use that the place forbids"), re.escape(word), source or LOCAL_LISTS)
            for word in values["forbidden_words"]
            if word
        ),
    )


def forbidden_at(division: str) -> tuple[Forbidden, ...]:
    """The forbidden uses of lottery money at a division today."""
    values = parameters("RLF", FORBIDDEN_DEFAULTS, on=clock.today(), jurisdiction=division)
    return forbidden_uses(values, values.source)


def purposes_of(source: FundSource) -> dict[str, str]:
    """Permitted purposes by code with their words; empty when the source has no whitelist."""
    return {code: label or PURPOSES.get(code, code) for code, label in source.purposes.items()}


def purpose_finding(
    kind: str, purposes: Mapping[str, str], purpose: str, *, basis: str = "", reason: str | None = None
) -> Finding:
    """RLF-1: is this purpose among those the source permits? No whitelist: not applicable.

    “Other” purposes of the lottery need a ``reason`` in words (``None``: nobody was asked for one);
    party building is never one of the lottery's.
    """
    title = Message(N_("Purpose permitted by the fund"))
    if kind == LOTTERY and purpose == "party" and (not purposes or purpose in purposes):
        return Finding(
            "RLF-3",
            Verdict.FAIL,
            title,
            Message(N_("Party building is paid from the general budget, never from the lottery.")),
            source=f"{PARTY_COST} {ARTICLE_33}",
        )
    if kind == LOTTERY and purpose == "other" and purpose in purposes and reason == "":
        return Finding(
            "RLF-1",
            Verdict.FAIL,
            title,
            Message(N_("Another purpose than those the fund names needs its reason in words.")),
            source=" ".join(filter(None, (basis, ARTICLE_5))),
        )
    if not purposes:
        return Finding(
            "RLF-1",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("This source has no list of permitted purposes.")),
        )
    wanted = Message(purposes.get(purpose) or PURPOSES.get(purpose, purpose))
    numbers = Message(N_("permitted: %(purposes)s"), {"purposes": _list(purposes)})
    articles = " ".join(filter(None, (basis, f"{ARTICLE_33} {ARTICLE_5}" if kind == LOTTERY else "")))
    if purpose in purposes:
        return Finding(
            "RLF-1",
            Verdict.PASS,
            title,
            Message(N_("“%(purpose)s” is a permitted purpose."), {"purpose": wanted}),
            numbers,
            source=articles,
        )
    return Finding(
        "RLF-1",
        Verdict.FAIL,
        title,
        Message(
            N_("“%(purpose)s” is not among the purposes this fund may serve: %(purposes)s."),
            {"purpose": wanted, "purposes": _list(purposes)},
        ),
        numbers,
        source=articles,
    )


def _list(purposes: Mapping[str, str]) -> Message:
    """The purposes joined by 、, each in the reader's language."""
    labels = list(purposes.items())
    sentence: Message | None = None
    for code, label in labels:
        word = Message(label or PURPOSES.get(code, code))
        if sentence is None:
            sentence = word
        else:
            sentence = Message(N_("%(first)s, %(next)s"), {"first": sentence, "next": word})
    return sentence or Message(N_("none"))


def forbidden_findings(
    kind: str, texts: Iterable[str], *, forbidden: Iterable[Forbidden] = FORBIDDEN
) -> list[Finding]:
    """RLF-2: uses forbidden to lottery money, looked for in titles and budget lines.

    One finding for each forbidden use that is met, or a single pass; nothing for other sources.
    """
    if kind != LOTTERY:
        return []
    lines = [text for text in texts if text]
    found = [
        Finding(
            item.rule,
            Verdict.FAIL,
            Message(item.title),
            Message(
                N_("“%(line)s” is a use that lottery money may not have: %(use)s."),
                {"line": line, "use": Message(item.title)},
            ),
            source=item.source,
        )
        for item in forbidden
        for line in lines
        if re.search(item.words, line)
    ]
    if found:
        return found
    return [
        Finding(
            "RLF-2",
            Verdict.PASS,
            Message(N_("No forbidden use of lottery money")),
            Message(N_("None of the forbidden uses was found.")),
            source=ARTICLE_6,
        )
    ]


@dataclass(frozen=True, slots=True)
class Wish:
    """What money of a budget shall be set aside for. ``deciding`` is false where a page only asks."""

    budget: Budget
    purpose: str
    title: str
    amount: Money
    reason: str = ""
    deciding: bool = False
    # Brought in when the books were opened: set aside before, elsewhere.
    opening: bool = False


_asked: dict[str, Callable[[Wish], list[Finding]]] = {}


def ask_before_earmark(name: str, rule: Callable[[Wish], list[Finding]]) -> None:
    """Let a room above judge each wish to set money aside; a failed finding refuses it."""
    _asked[name] = rule


def use_findings(source: FundSource, *, purpose: str, title: str, reason: str | None = None) -> list[Finding]:
    """What RLF says about using money of this source for a thing of this name."""
    own = kind_finding(source.kind, purpose)
    return [
        *([own] if own is not None else []),
        purpose_finding(source.kind, purposes_of(source), purpose, basis=source.basis, reason=reason),
        *(
            forbidden_findings(
                source.kind, [title, reason or ""], forbidden=forbidden_at(source.agency.division_code)
            )
            if source.kind == LOTTERY
            else []
        ),
    ]


def earmark_findings(wish: Wish) -> list[Finding]:
    """What RLF and the rooms above say about setting money aside for this."""
    return [
        *use_findings(
            wish.budget.fund_source, purpose=wish.purpose, title=wish.title, reason=wish.reason.strip()
        ),
        *(finding for rule in _asked.values() for finding in rule(wish)),
    ]


def may_earmark(wish: Wish, *, agency: Agency) -> Refusal | None:
    """Why money of this budget cannot be set aside for this purpose; ``None`` when it can."""
    budget = wish.budget
    if budget.state != "approved":
        return Refusal(
            Message(N_("Money can be taken from a budget only after a second person has approved it.")),
            rule="RAP-2",
            source="预算法 第十三条",
            whose_turn=Message(N_("the finance reviewer")),
            status=409,
        )
    if not agency.path.startswith(budget.agency.path):
        return Refusal(
            Message(
                N_("Money of %(owner)s can be set aside for that unit or one below it, not for %(unit)s."),
                {"owner": budget.agency.name, "unit": agency.name},
            ),
            status=403,
        )
    for finding in earmark_findings(wish):
        if finding.verdict is Verdict.FAIL:
            return Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    return None


def may_manage(user: Any, agency_id: int) -> Refusal | None:
    """Only the unit's own finance clerk keeps its funds."""
    if user.may("fund.manage", agency_id=agency_id):
        return None
    return Refusal(
        Message(N_("Funds of this unit are kept by its own finance clerk.")),
        whose_turn=Message(N_("the finance clerk of the unit")),
        status=403,
    )
