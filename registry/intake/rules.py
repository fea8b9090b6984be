"""How offices write codes, divisions, days and kinds, and what each means. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from core.spreadsheets import Cell, CellError, cell_text
from core.text import N_, Message
from registry.agencies.rules import (
    DivisionError,
    divisions_named,
    is_current_division,
    is_known_division,
    is_under,
    normalise_division,
    place_of_office,
)
from registry.organizations.rules import ALPHABET, PREFIXES
from registry.persons.rules import PROVINCES

FIRST_YEAR, LAST_YEAR = 1949, 2100

# Every way to head a column -> the column.
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("社会组织名称", "组织名称", "名称", "单位名称", "机构名称", "全称", "社会组织全称"),
    "credit_code": (
        "统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码", "统一代码", "机构代码", "统一社会信用代码证号",
    ),
    "kind": ("组织类型", "类型", "社会组织类型", "机构类型", "类别", "组织类别"),
    "register_class": ("登记备案情况", "登记类别", "登记情况", "登记或备案", "登记/备案"),
    "division_code": (
        "行政区划代码", "行政区划", "区划代码", "所属区划", "登记区划", "所在区划", "所属旗区", "所属区县", "所在地", "所属街道",
        "所属乡镇",
    ),
    "registered_on": (
        "登记日期", "成立日期", "成立登记日期", "登记时间", "成立时间", "注册日期", "批准日期", "备案日期", "成立登记时间",
    ),
    "status": ("登记状态", "状态", "组织状态", "存续状态"),
    "unit": ("责任部门", "登记管理机关", "主管部门", "管理单位", "登记机关", "备案单位", "所属单位"),
    "leader": ("法定代表人", "法人代表", "负责人", "法定代表人姓名", "法人", "牵头人", "牵头人姓名", "发起人"),
    "leader_phone": ("法定代表人电话", "负责人电话", "法人电话", "法定代表人联系电话", "负责人联系电话", "牵头人电话", "牵头人联系方式"),
    "business_scope": ("业务范围", "宗旨和业务范围", "主要业务"),
    "fields": ("服务领域", "业务领域", "领域", "活动领域"),
    "address": ("住所", "地址", "登记住所", "办公地址", "联系地址"),
    "phone": ("联系电话", "电话", "办公电话", "单位电话", "联系方式"),
    "grade": ("评估等级", "等级", "等级评估结果"),
    "grade_from": ("等级有效期起", "评估等级有效期起", "有效期自", "等级起始日期"),
    "grade_to": ("等级有效期止", "评估等级有效期止", "有效期至", "等级截止日期", "等级有效期至"),
}  # fmt: skip
REQUIRED = ("name", "division_code")
# The columns of a staged row in their order.
STAGED = (
    "number", "agency_id", "name", "credit_code", "kind", "register_class", "division_code", "registered_on",
    "status", "leader", "leader_phone", "business_scope", "fields", "address", "phone", "grade", "grade_from", "grade_to",
)  # fmt: skip


Reason = tuple[str, Message]


@dataclass
class Problem:
    """A row that is left out, with its cells as they stood."""

    number: int
    cells: list[Any]
    reasons: list[Reason]


KINDS = {
    "社会团体": "social_association", "社团": "social_association", "协会": "social_association",
    "社会服务机构": "social_service_agency", "民办非企业单位": "social_service_agency", "民办非企业": "social_service_agency",
    "民非": "social_service_agency", "民办非企业单位(社会服务机构)": "social_service_agency",
    "社会服务机构(民办非企业单位)": "social_service_agency", "基金会": "foundation",
    "社区社会组织": "filed_community_so", "备案社区社会组织": "filed_community_so", "备案社会组织": "filed_community_so",
    "企业": "enterprise", "公司": "enterprise", "事业单位": "public_institution", "群团组织": "mass_organization",
    "群众团体": "mass_organization", "会计师事务所": "audit_firm", "评估机构": "evaluator", "第三方评估机构": "evaluator",
    "其他": "other",
}  # fmt: skip
KIND_OF_PREFIX = {
    "51": "social_association", "52": "social_service_agency", "53": "foundation", "12": "public_institution",
    "13": "mass_organization", "91": "enterprise",
}  # fmt: skip
CLASSES = {
    "登记": "registered", "已登记": "registered", "法人登记": "registered", "本地登记": "registered", "备案": "filed",
    "已备案": "filed", "未登记": "filed", "外地登记": "outside", "异地登记": "outside", "外来": "outside",
}  # fmt: skip
STATUSES = {
    "正常": "normal", "存续": "normal", "在业": "normal", "有效": "normal", "活动异常": "abnormal", "异常": "abnormal",
    "列入异常": "abnormal", "清算": "liquidating", "清算中": "liquidating", "注销": "deregistered", "已注销": "deregistered",
    "撤销": "revoked", "已撤销": "revoked", "吊销": "revoked", "撤销登记": "revoked",
}  # fmt: skip
FIELDS = {
    "养老": "elderly", "为老": "elderly", "养老服务": "elderly", "为老服务": "elderly", "老年人": "elderly", "儿童": "children",
    "青少年": "children", "关爱儿童": "children", "助残": "disability", "残疾人": "disability", "助残服务": "disability",
    "救助": "relief", "扶贫济困": "relief", "社会救助": "relief", "帮困": "relief", "社区服务": "community", "社区": "community",
    "社区治理": "community", "社会工作": "social_work", "社工": "social_work", "财务": "finance", "审计": "finance",
    "财务审计": "finance", "党建": "party", "党建服务": "party",
}  # fmt: skip
GRADES = (
    {f"{n}A": n for n in range(1, 6)}
    | {"A" * n: n for n in range(1, 6)}
    | {f"{word}级": n for n, word in enumerate("一二三四五", 1)}
)
NO_GRADE = frozenset({"无", "未评", "未评估", "无等级", "/", "-", "—", "——"})

_CHINESE_DIGITS = {sign: str(n) for n, sign in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
    "Ｏ": "0",
}
_DAY = re.compile(
    r"(\d{4})\s?[-/.年·]\s?(\d{1,2})\s?[-/.月·]\s?(\d{1,2})\s?日?(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_BACKWARDS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_CHINESE_DAY = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)
_SERIAL = re.compile(r"[1-5]\d{4}(?:\.\d+)?")
_EPOCH = date(1899, 12, 30)


def read_day(cell: Cell) -> date:
    """A day as offices write it: 2019-6-12, 2019年6月12日, 2019.06.12, 20190612, 二〇一九年六月十二日, or as Excel counts days.

    Raises :class:`CellError` for what names no single day, such as 2019年6月 or 12/06/2019.
    """
    if isinstance(cell, datetime):
        day: date | None = cell.date()
    elif isinstance(cell, date):
        day = cell
    elif isinstance(cell, (int, float)) and not isinstance(cell, bool) and 10_000 <= cell < 60_000:
        day = _EPOCH + timedelta(days=int(cell))
    else:
        day = _day_of(cell_text(cell))
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError(Message(N_("write the day as 2025-03-01")))
    return day


@lru_cache(maxsize=65_536)
def _day_of(text: str) -> date | None:
    text = unicodedata.normalize("NFKC", text).strip()
    found = _DAY.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None and (chinese := _CHINESE_DAY.fullmatch(text)):
        year = "".join(_CHINESE_DIGITS[sign] for sign in chinese[1])
        return _valid(int(year), _chinese_number(chinese[2]), _chinese_number(chinese[3]))
    if found is not None:
        return _valid(int(found[1]), int(found[2]), int(found[3]))
    if _SERIAL.fullmatch(text):
        return _EPOCH + timedelta(days=int(float(text)))
    return None


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _chinese_number(text: str) -> int:
    """一 to 三十一."""
    tens, ten, ones = text.partition("十")
    if not ten:
        return int(_CHINESE_DIGITS[text]) if len(text) == 1 else 0
    return (int(_CHINESE_DIGITS[tens]) if tens else 1) * 10 + (int(_CHINESE_DIGITS[ones]) if ones else 0)


# Divisions ------------------------------------------------------------------------------------

_ENDINGS = (
    "区", "县", "市", "旗", "盟", "省", "自治区", "地区", "自治县", "自治旗", "新区", "壮族自治区", "回族自治区", "维吾尔自治区",
)  # fmt: skip


class Places:
    """Divisions by code and by name, as seen from one unit: ``units`` are names of its subtree with their divisions."""

    def __init__(self, within: str, units: dict[str, str]) -> None:
        self._within = within
        self._units = {_bare(name): code for name, code in units.items()}
        self._offices: dict[str, set[str]] = {}
        for name, code in self._units.items():
            place = place_of_office(name)
            for called in {place, place.removesuffix("街道")} - {name}:
                self._offices.setdefault(called, set()).add(code)
        self._known: dict[str, str] = {}

    def code_of(self, text: str) -> str:
        """The code; raises :class:`CellError` with what is wrong, never with a guess among several."""
        if text not in self._known:
            self._known[text] = self._read(text)
        return self._known[text]

    def _read(self, text: str) -> str:
        plain = _bare(text)
        if plain.isascii():
            try:
                code = normalise_division(plain)
            except DivisionError as error:
                raise CellError(error.message) from error
            if not is_known_division(code):
                raise CellError(Message(N_("%(code)s is no city or county of GB/T 2260"), {"code": code[:6]}))
            return code
        own = self._units.get(plain)
        if own is not None:
            return own
        # A township or a community stands in no national list: its name is that of its office.
        found = sorted(_codes_of(plain) or self._offices.get(plain, set()))
        if len(found) > 1:
            found = [code for code in found if is_under(code, self._within)] or found
        if len(found) == 1:
            return found[0]
        if not found:
            raise CellError(
                Message(
                    N_("no division is called “%(name)s”: write its full name or its code"),
                    {"name": text[:40]},
                )
            )
        raise CellError(
            Message(
                N_("several divisions are called “%(name)s” (%(codes)s): write the code"),
                {"name": text[:40], "codes": ", ".join(found[:6])},
            )
        )


def _bare(text: str) -> str:
    return re.sub(r"[\s·,，、\-]+", "", unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=8_192)
def _codes_of(text: str) -> frozenset[str]:
    """Divisions that a name means, with the names of those above before it or not: 成都市新津区, 新津."""
    whole = _named(text)
    if whole:
        return whole
    # A longer beginning first: 内蒙古自治区 before 内蒙古.
    for length in range(len(text) - 1, 1, -1):
        above = _named(text[:length])
        if above:
            below = _codes_of(text[length:])
            inside = {code for code in below if any(code != top and is_under(code, top) for top in above)}
            if inside:
                return frozenset(inside)
    return frozenset()


def _named(text: str) -> frozenset[str]:
    """Divisions of this name; of a name without its ending (新津) those that bear it now."""
    whole = divisions_named(text)
    if whole or len(text) < 2 or text.endswith(_ENDINGS):
        return frozenset(whole)
    found = {code for ending in _ENDINGS for code in divisions_named(text + ending)}
    return frozenset({code for code in found if is_current_division(code)} or found)


# Credit codes, quickly ------------------------------------------------------------------------


def _steps(alphabet: str, base: int, modulus: int, length: int) -> tuple[dict[str, int], ...]:
    return tuple(
        {sign: value * pow(base, place, modulus) % modulus for value, sign in enumerate(alphabet)}
        for place in range(length)
    )


_GB_32100 = _steps(ALPHABET, 3, 31, 17)
_VALUES = {sign: value for value, sign in enumerate(ALPHABET)}
_PARTS = {sign: int(sign, 36) for sign in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def is_plain_code(code: str) -> bool:
    """Whether this is a right code in its normal form; the rest is for the careful reading, which says why."""
    if len(code) != 18 or code[:2] not in PREFIXES:
        return False
    try:
        total = 0
        for step, sign in zip(_GB_32100, code, strict=False):
            total += step[sign]
        if (total + _VALUES[code[17]]) % 31:
            return False
        a, b, c, d, e, f, g, h = [_PARTS[sign] for sign in code[8:16]]
    except KeyError:
        return False
    check = (11 - (3 * a + 7 * b + 9 * c + 10 * d + 5 * e + 8 * f + 4 * g + 2 * h) % 11) % 11
    if code[16] != ("X" if check == 10 else str(check)):
        return False
    division = code[2:8]
    return division.isdigit() and (division == "100000" or division[:2] in PROVINCES)
