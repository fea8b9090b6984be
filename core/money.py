"""Money: an exact number of fen (分). The one money type of the product.

A yuan is 100 fen. Amounts are integers from parsing to the database (BIGINT) to the page; a
float anywhere is a ``TypeError``, because 0.1 has no exact binary form and public accounts
must add up to the last fen (预算法 Art. 18 ff.; HOUSE law 4).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import total_ordering
from typing import Self

# Signed 64 bit, the widest integer both databases store.
MAX_FEN = 2**63 - 1

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_SMALL_UNITS = ("", "拾", "佰", "仟")
_BIG_UNITS = ("", "万", "亿", "万亿")
_PLAIN_AMOUNT = re.compile(r"[+-]?\d+(?:\.\d+)?")


class MoneyError(ValueError):
    """An amount that cannot be read; ``str()`` of it is a sentence for the person who typed it."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in fen. ``Money(150)`` is 1.50 元."""

    fen: int

    def __post_init__(self) -> None:
        if type(self.fen) is not int:
            raise TypeError(f"Money takes whole fen (int), not {type(self.fen).__name__}")
        if abs(self.fen) > MAX_FEN:
            raise MoneyError("amount is larger than the ledger can hold")

    @classmethod
    def zero(cls) -> Self:
        return cls(0)

    @classmethod
    def parse(cls, text: str, *, unit: int = 100) -> Self:
        """Read an amount as offices write it: ``1,234.50``, ``１２３４．５``, ``￥1,234``.

        ``unit`` is fen per written unit: 100 for 元, 1_000_000 for 万元. Raises ``MoneyError``
        when the text is no number or has a fraction of a fen.
        """
        cleaned = unicodedata.normalize("NFKC", text).strip()
        cleaned = cleaned.removeprefix("¥").removeprefix("CN¥").replace("−", "-").strip()
        if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", cleaned):
            cleaned = cleaned.replace(",", "")
        if not _PLAIN_AMOUNT.fullmatch(cleaned) or len(cleaned) > 24:
            raise MoneyError(f"“{text.strip()[:40]}” is not an amount")
        try:
            scaled = Decimal(cleaned) * unit
        except InvalidOperation as error:
            raise MoneyError(f"“{text.strip()[:40]}” is not an amount") from error
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"“{text.strip()[:40]}” has a fraction of a fen")
        return cls(int(scaled))

    @classmethod
    def yuan(cls, amount: int | str | Decimal) -> Self:
        """Money of an amount in 元; a float is a ``TypeError``."""
        if isinstance(amount, float):
            raise TypeError("Money.yuan takes int, str or Decimal, never float")
        return cls.parse(str(amount))

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.fen + other.fen)

    def __radd__(self, other: object) -> Money:
        # sum() starts from the integer 0.
        if other == 0 and type(other) is int:
            return self
        return NotImplemented

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.fen - other.fen)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            raise TypeError("Money is multiplied by whole numbers; use share() for ratios")
        return Money(self.fen * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def __abs__(self) -> Money:
        return Money(abs(self.fen))

    def __bool__(self) -> bool:
        return self.fen != 0

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.fen < other.fen

    def ratio_to(self, whole: Money) -> Fraction | None:
        """Exact share of ``whole``; ``None`` when the whole is zero."""
        return Fraction(self.fen, whole.fen) if whole.fen else None

    def share(self, ratio: Fraction) -> Money:
        """``ratio`` of this amount, rounded down to a whole fen: a cap is never exceeded."""
        if type(ratio) not in (Fraction, int):
            raise TypeError("share() takes a Fraction")
        return Money((self.fen * Fraction(ratio)).__floor__())

    def split(self, weights: list[int]) -> list[Money]:
        """Split by weights without losing a fen; the last part takes the remainder (RDT).

        Raises ``ValueError`` for no weights, a negative one, or all zero.
        """
        if not weights or any(type(weight) is not int or weight < 0 for weight in weights):
            raise ValueError("weights are non-negative whole numbers")
        whole = sum(weights)
        if whole == 0:
            raise ValueError("at least one weight must be above zero")
        sign, size = (-1, -self.fen) if self.fen < 0 else (1, self.fen)
        parts = [sign * (size * weight // whole) for weight in weights]
        parts[-1] += self.fen - sum(parts)
        return [Money(part) for part in parts]

    def format(self) -> str:
        """元 with two decimals and thousands separators, a true minus for negatives."""
        whole, rest = divmod(abs(self.fen), 100)
        return f"{'−' if self.fen < 0 else ''}{whole:,}.{rest:02d}"

    def plain(self) -> str:
        """元 with two decimals for machines: ``-1234.50``."""
        whole, rest = divmod(abs(self.fen), 100)
        return f"{'-' if self.fen < 0 else ''}{whole}.{rest:02d}"

    def format_wan(self) -> str:
        """万元 with as many decimals as the amount has (at most six)."""
        whole, rest = divmod(abs(self.fen), 1_000_000)
        decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
        return f"{'−' if self.fen < 0 else ''}{whole:,}.{decimals}"

    def in_words(self) -> str:
        """大写金额 as on agreements and payment forms (正确填写票据和结算凭证的基本规定, DOMAIN 4)."""
        if self.fen < 0:
            return f"人民币负{_words(-self.fen)}"
        return f"人民币{_words(self.fen)}"

    def __str__(self) -> str:
        return self.format()


def _words(fen: int) -> str:
    yuan, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    text = _integer_words(yuan)
    if not rest:
        return f"{text or '零'}元整"
    text = f"{text}元" if text else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif text and cent:
        text += "零"
    return f"{text}{_DIGITS[cent]}分" if cent else f"{text}整"


def _integer_words(number: int) -> str:
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text = ""
    gap = False
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if group == 0:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _group_words(group) + _big_unit(index)
        gap = False
    return text


def _big_unit(index: int) -> str:
    return _BIG_UNITS[index] if index < len(_BIG_UNITS) else "亿" * (index // 2)


def _group_words(group: int) -> str:
    text = ""
    gap = False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _SMALL_UNITS[place]
        gap = False
    return text


def percent(ratio: Fraction | None, *, digits: int = 2) -> str:
    """A ratio as percent, rounded half up at ``digits``; ``—`` for none.

    For a figure that is judged against a threshold use :func:`percent_against`.
    """
    if ratio is None:
        return "—"
    scale = 10**digits
    units = (abs(ratio) * 100 * scale + Fraction(1, 2)).__floor__()
    whole, rest = divmod(units, scale)
    sign = "−" if ratio < 0 and units else ""
    return f"{sign}{whole}.{rest:0{digits}d}%" if digits else f"{sign}{whole}%"


def percent_against(ratio: Fraction | None, threshold: Fraction, *, digits: int = 2) -> str:
    """Like :func:`percent`, with as many digits as it takes not to show a miss as met (DOMAIN 3.1)."""
    if ratio is None:
        return "—"
    shown = percent(ratio, digits=digits)
    target = percent(threshold, digits=digits)
    while ratio < threshold and shown == target and digits < 18:
        digits += 1
        shown, target = percent(ratio, digits=digits), percent(threshold, digits=digits)
    return shown
