"""Do published notices add up? (DOMAIN 3.2 “Validation”)

A notice is a table of items, subtotals and totals in 万元. It is checked per title, fiscal year and
fund tier: subtotals against their lines, totals against their parts, stated percentages, project
counts. Figures are compared exactly; ``rounded`` means that the published figure is the found one at
its own precision (half up). Of a notice of which only a part is at hand the whole is never judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from core.money import Money
from core.text import N_, Message
from finance.lottery.rules import WAN, exact_decimal

# Columns of a table of notices, each with the heads that Chinese files give it.
COLUMNS: dict[str, tuple[str, ...]] = {
    "row": ("序号", "行号"),
    "jurisdiction": ("地区", "行政区", "发布地区"),
    "notice_title_or_subject": ("公告标题", "公告名称", "标题"),
    "fiscal_year": ("预算年度", "年度"),
    "fund_tier": ("公益金级次", "资金级次", "级次"),
    "category": ("类别", "使用类别"),
    "item": ("项目", "项目名称"),
    "amount_wan_yuan": ("金额(万元)",),
    "project_count": ("项目数", "项目个数"),
    "stated_percent": ("占比(%)", "公布占比(%)"),
    "is_subtotal": ("是否小计", "小计"),
    "completeness": ("完整性",),
    "source_kind": ("来源类型",),
    "source_url": ("来源网址", "来源"),
    "remark": ("备注",),
}

TOTAL = "TOTAL"

ALL_TIERS = "ALL"

Covers = Literal["whole", "part"]

Verdict = Literal["equal", "rounded", "differs", "not_compared"]

# Rows that are the total though their category is blank.
_TOTAL_ITEM = re.compile(r"合计|总计|总额")

# A section heading of uses whose lines are the classes after it (上海 2018); what is raised is no use.
_USES = frozenset({"使用", "支出"})

_RAISED = frozenset({"筹集", "收入"})

# Lines that tell a tier's account beside its uses: what it began and ended the year with.
_OPENING = frozenset({"上年结余", "上年结转", "期初结余", "年初结余"})

_CLOSING = frozenset({"年末结余", "期末结余", "结余", "结转下年"})

_NO_USES = _RAISED | _OPENING | _CLOSING

# Remarks that say lines are missing from the copy at hand.
_CUT = re.compile(r"stored copy|\bcut\b|截断|不全|未列全|节选")

# “15.87亿元” beside 158700: the precision at which the figure was published.
_HUNDRED_MILLION = re.compile(r"(\d+(?:\.\d+)?)亿")

# “占2013年筹集7205.72万元的62.5%”: a percentage of a base that the remark states.
_STATED_BASE = re.compile(r"占[^,，;；。]{0,40}?(\d+(?:\.\d+)?)万元的(\d+(?:\.\d+)?)%")


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One line of a published notice.

    ``amount_text`` and ``stated_percent`` keep the digits as published: they carry the precision.
    ``row`` is the row number the file itself gives, else its line in the spreadsheet.
    """

    row: int
    jurisdiction: str
    title: str
    fiscal_year: int
    fund_tier: str
    category: str
    item: str
    amount: Money
    amount_text: str
    project_count: int | None
    stated_percent: str
    is_subtotal: bool
    is_partial: bool
    source_kind: str = ""
    source_url: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``expected`` is the published figure, ``found`` the computed one, both exact text.

    Amounts are in 万元, counts in projects, percentages in percent; a number without a finite decimal
    form is a fraction ``p/q``. ``reason`` stands where the verdict is ``differs`` or ``not_compared``.
    """

    name: Message
    covers: Covers
    expected: str
    found: str
    verdict: Verdict
    rows: tuple[int, ...]
    reason: Message | None = None

    def to_dict(self, write: Callable[[Message], str] = Message.english) -> dict[str, Any]:
        """``write`` turns messages into text, e.g. a translation; English by default."""
        entry: dict[str, Any] = {
            "name": write(self.name),
            "covers": self.covers,
            "expected": self.expected,
            "found": self.found,
            "verdict": self.verdict,
            "rows": list(self.rows),
        }
        if self.reason is not None:
            entry["reason"] = write(self.reason)
        return entry


@dataclass(frozen=True, slots=True)
class Notice:
    title: str
    jurisdiction: str
    fiscal_year: int
    fund_tier: str
    checks: tuple[Check, ...]

    def to_dict(self, write: Callable[[Message], str] = Message.english) -> dict[str, Any]:
        return {
            "title": self.title,
            "jurisdiction": self.jurisdiction,
            "fiscal_year": self.fiscal_year,
            "fund_tier": self.fund_tier,
            "checks": [check.to_dict(write) for check in self.checks],
        }


def notices_to_dict(
    notices: Iterable[Notice], write: Callable[[Message], str] = Message.english
) -> dict[str, list[dict[str, Any]]]:
    """``{"notices": [{title, jurisdiction, fiscal_year, fund_tier, checks: [...]}]}``."""
    return {"notices": [notice.to_dict(write) for notice in notices]}


# Official terms of the notices that are made here, as the published ones use them.
TIER_TERMS = {
    "central": "中央集中",
    "central_special": "中央专项",
    "province": "省级",
    "city": "市级",
    "county": "县级",
}

CLASS_TERMS = {
    "elderly": "老年人福利类",
    "disability": "残疾人福利类",
    "children": "儿童福利类",
    "welfare": "社会公益类",
}

OPENING_TERM, INCOME_TERM, CLOSING_TERM = "上年结余", "筹集", "年末结余"

TOTAL_TERM, SUBTOTAL_TERM = "合计", "小计"

YES, NO = "是", "否"


def check_notices(rows: Iterable[NoticeRow], *, accounts: bool = False) -> list[Notice]:
    """Check every notice of a table, in the order of the table.

    Opening + income = spending + closing is checked where a tier's lines tell any of opening and
    closing; with ``accounts`` it is answered for every tier, if only as not compared.
    """
    groups: dict[tuple[str, int], dict[str, list[NoticeRow]]] = {}
    for row in rows:
        groups.setdefault((row.title, row.fiscal_year), {}).setdefault(row.fund_tier, []).append(row)
    notices = []
    for (title, year), by_tier in groups.items():
        for tier, members in by_tier.items():
            group = _Group(members)
            checks = group.checks()
            if group.tells_account or (accounts and tier != ALL_TIERS):
                checks.append(group.account())
            if tier == ALL_TIERS and group.total is not None:
                others = {name: _Group(lines) for name, lines in by_tier.items() if name != ALL_TIERS}
                checks = [*_tier_checks(group.total, others), *checks]
            notices.append(Notice(title, members[0].jurisdiction, year, tier, tuple(checks)))
    return notices


def compare(
    published: str, found: Fraction, *, step: Fraction | None = None
) -> Literal["equal", "rounded", "differs"]:
    """The published text against an exact figure; ``step`` is its precision where the text does not show it.

    ``56.1`` has the precision 0.1, ``176000`` published as 17.6亿 the step 1000. Rounding is half up.
    """
    stated = Fraction(published)
    if stated == found:
        return "equal"
    if step is None:
        step = Fraction(1, 10 ** len(published.partition(".")[2]))
    return "rounded" if (found / step + Fraction(1, 2)).__floor__() * step == stated else "differs"


@dataclass(frozen=True, slots=True)
class _Block:
    """A subtotal with the lines under it; without subtotal, lines that stand for themselves."""

    category: str
    subtotal: NoticeRow | None
    lines: tuple[NoticeRow, ...]

    @property
    def parts(self) -> tuple[NoticeRow, ...]:
        """What of this block enters the total: its subtotal, else its lines."""
        return (self.subtotal,) if self.subtotal is not None else self.lines


class _Group:
    """The lines of one notice in one tier, sorted into total, sections and blocks."""

    def __init__(self, rows: list[NoticeRow]) -> None:
        self.rows = rows
        self.is_partial = any(row.is_partial for row in rows)
        self.total: NoticeRow | None = None
        self.sections: list[NoticeRow] = []
        by_category: dict[str, list[NoticeRow]] = {}
        categories_with_lines = {row.category for row in rows if not row.is_subtotal}
        for row in rows:
            if self.total is None and _is_total(row):
                self.total = row
            elif row.is_subtotal and row.category in _USES and row.category not in categories_with_lines:
                self.sections.append(row)
            else:
                by_category.setdefault(row.category, []).append(row)
        self.blocks = [block for lines in by_category.values() for block in _blocks(lines)]

    @property
    def parts(self) -> list[NoticeRow]:
        """The rows that make up the total: one subtotal per class, or the lines of a class without one."""
        return [row for block in self.blocks if block.category not in _NO_USES for row in block.parts]

    @property
    def tells_account(self) -> bool:
        return any(row.category in _OPENING | _CLOSING for row in self.rows)

    def account(self) -> Check:
        """Opening + income against spending + closing of the tier."""
        opening, income, closing = (self._of(names) for names in (_OPENING, _RAISED, _CLOSING))
        spending = (self.total,) if self.total is not None else () if self.is_partial else tuple(self.parts)
        name = Message(N_("Opening and income against spending and closing, 万元"))
        rows = tuple(row.row for row in (*opening, *income, *spending, *closing))
        if not (opening and income and spending and closing):
            reason = Message(
                N_("the notice does not tell all of opening, income, spending and closing of this tier")
            )
            return Check(name, "whole", "", "", "not_compared", rows, reason)
        has, went = (
            sum((_wan(row) for row in part), Fraction(0))
            for part in ((*opening, *income), (*spending, *closing))
        )
        verdict: Verdict = "equal" if has == went else "differs"
        return Check(
            name, "whole", exact_decimal(has), exact_decimal(went), verdict, rows, _differs_reason(verdict)
        )

    def _of(self, categories: frozenset[str]) -> tuple[NoticeRow, ...]:
        return tuple(row for block in self.blocks if block.category in categories for row in block.parts)

    def checks(self) -> list[Check]:
        checks: list[Check] = []
        for whole in ([self.total] if self.total is not None else []) + self.sections:
            if self.parts:
                checks += _sums(whole, self.parts, "whole", partial=self.is_partial)
        for block in self.blocks:
            if block.subtotal is not None and block.lines:
                checks += _sums(block.subtotal, list(block.lines), "part", partial=_copy_is_cut(block))
        for row in self.rows:
            if row.stated_percent:
                checks.append(self._share(row))
        return checks

    def _share(self, row: NoticeRow) -> Check:
        covers: Covers = "whole" if row is self.total else "part"
        base = _STATED_BASE.search(row.remark)
        if base and Fraction(base[2]) == Fraction(row.stated_percent) and Fraction(base[1]):
            name = Message(
                N_("%(item)s as a percentage of the %(base)s 万元 that the remark names as its base"),
                {"item": _label(row), "base": base[1]},
            )
            whole = Fraction(base[1])
            rows: tuple[int, ...] = (row.row,)
        elif self.total is not None and row is not self.total and self.total.amount:
            name = Message(N_("%(item)s as a percentage of the total"), {"item": _label(row)})
            whole = _wan(self.total)
            rows = (row.row, self.total.row)
        else:
            return Check(
                name=Message(N_("%(item)s as a percentage"), {"item": _label(row)}),
                covers=covers,
                expected=row.stated_percent,
                found="",
                verdict="not_compared",
                rows=(row.row,),
                reason=Message(N_("the table does not hold the figure that the percentage is taken of")),
            )
        found = _wan(row) / whole * 100
        verdict: Verdict = compare(row.stated_percent, found)
        return Check(
            name, covers, row.stated_percent, exact_decimal(found), verdict, rows, _differs_reason(verdict)
        )


def _is_total(row: NoticeRow) -> bool:
    return row.category == TOTAL or (
        row.is_subtotal and not row.category and _TOTAL_ITEM.search(row.item) is not None
    )


def _blocks(rows: list[NoticeRow]) -> list[_Block]:
    """A class with one subtotal is one block, wherever the subtotal stands; with several, each heads the lines after it."""
    category = rows[0].category
    subtotals = [row for row in rows if row.is_subtotal]
    if len(subtotals) < 2:
        lines = tuple(row for row in rows if not row.is_subtotal)
        return [_Block(category, subtotals[0] if subtotals else None, lines)]
    blocks = []
    head: NoticeRow | None = None
    lines_so_far: list[NoticeRow] = []
    for row in rows:
        if row.is_subtotal:
            if head is not None or lines_so_far:
                blocks.append(_Block(category, head, tuple(lines_so_far)))
            head, lines_so_far = row, []
        else:
            lines_so_far.append(row)
    blocks.append(_Block(category, head, tuple(lines_so_far)))
    return blocks


def _copy_is_cut(block: _Block) -> bool:
    rows = [block.subtotal, *block.lines]
    return any(row is not None and row.is_partial and _CUT.search(row.remark) for row in rows)


def _tier_checks(total: NoticeRow, tiers: dict[str, _Group]) -> list[Check]:
    parts: list[NoticeRow] = []
    partial = total.is_partial
    for group in tiers.values():
        partial = partial or group.is_partial
        parts += [group.total] if group.total is not None else group.parts
    if not parts:
        return []
    return _sums(total, parts, "whole", partial=partial, of_tiers=True)


def _sums(
    whole: NoticeRow, parts: list[NoticeRow], covers: Covers, *, partial: bool, of_tiers: bool = False
) -> list[Check]:
    """The amount check, and the project count check where any part states a count."""
    rows = (whole.row, *(part.row for part in parts))
    amount_name = (
        N_("%(item)s: sum of the fund tiers, 万元")
        if of_tiers
        else N_("%(item)s: sum of the classes, 万元")
        if covers == "whole"
        else N_("%(item)s: sum of its lines, 万元")
    )
    checks = [
        _judged(
            Message(amount_name, {"item": _label(whole)}),
            covers,
            whole.amount_text,
            sum((_wan(part) for part in parts), Fraction(0)),
            rows,
            partial=partial,
            step=_published_step(whole),
        )
    ]
    counts = [part.project_count for part in parts if part.project_count is not None]
    if whole.project_count is None or not counts:
        return checks
    count_name = Message(N_("%(item)s: number of projects"), {"item": _label(whole)})
    found = Fraction(sum(counts))
    if len(counts) < len(parts) and not partial:
        checks.append(
            Check(
                count_name,
                covers,
                str(whole.project_count),
                exact_decimal(found),
                "not_compared",
                rows,
                Message(N_("some of the lines state no number of projects")),
            )
        )
    else:
        checks.append(_judged(count_name, covers, str(whole.project_count), found, rows, partial=partial))
    return checks


def _judged(
    name: Message,
    covers: Covers,
    expected: str,
    found: Fraction,
    rows: tuple[int, ...],
    *,
    partial: bool,
    step: Fraction | None = None,
) -> Check:
    verdict: Verdict = compare(expected, found, step=step)
    reason = _differs_reason(verdict)
    if covers == "whole" and partial:
        verdict = "not_compared"
        reason = Message(N_("only a part of the notice is at hand: the whole cannot be compared"))
    elif partial and found < Fraction(expected) and verdict == "differs":
        verdict = "not_compared"
        reason = Message(N_("the copy at hand is cut: some of the lines are missing"))
    return Check(name, covers, expected, exact_decimal(found), verdict, rows, reason)


def _differs_reason(verdict: Verdict) -> Message | None:
    if verdict != "differs":
        return None
    return Message(
        N_(
            "the published figure is not the computed one, also not rounded: check the source or the transcription"
        )
    )


def _published_step(row: NoticeRow) -> Fraction | None:
    """The precision of a figure that the remark repeats in 亿 (15.87亿 beside 158700: steps of 100 万元)."""
    for found in _HUNDRED_MILLION.finditer(row.remark):
        if Fraction(found[1]) * 10_000 == _wan(row):
            return Fraction(10_000, 10 ** len(found[1].partition(".")[2]))
    return None


def _wan(row: NoticeRow) -> Fraction:
    return Fraction(row.amount.fen, WAN)


def _label(row: NoticeRow) -> str:
    return row.item if row.category in ("", TOTAL) else f"{row.category}·{row.item}"
