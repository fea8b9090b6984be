"""Unified social credit codes (统一社会信用代码): reading and checking.

A code has 18 characters of ``0-9 A-H J-N P-R T U W-Y`` (no I O S V Z): registering authority and
kind (2), division of the registry (6), organization code (8) with its own check character (GB 11714),
and a check character over the first seventeen (GB 32100-2015, weights and alphabet of DOMAIN 4).
python-stdnum computes the GB 32100 check; GB 11714 and the sentences are ours. A code that passes
does not prove that the organization exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stdnum.cn import uscc

from core.text import N_, Message
from registry.persons.rules import PROVINCES

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# Authority and kind as GB 32100-2015 table 1 pairs them: authority digit -> kinds.
_KINDS_BY_AUTHORITY = {
    "1": "1239",
    "2": "19",
    "3": "123459",
    "4": "19",
    "5": "123459",
    "6": "129",
    "7": "129",
    "8": "19",
    "9": "123",
    "A": "19",
    "N": "1239",
    "Y": "1",
}
PREFIXES = frozenset(first + second for first, kinds in _KINDS_BY_AUTHORITY.items() for second in kinds)

# Prefix -> contractor kind as the purchase table writes it (DOMAIN 3.1 import, DOMAIN 4).
KIND_BY_PREFIX = {
    "51": "社会团体",
    "52": "社会服务机构",
    "53": "基金会",
    "12": "事业单位",
    "13": "群团组织",
    "91": "企业",
}
SOCIAL_ORGANIZATION_PREFIXES = frozenset({"51", "52", "53"})

# The ministry registers for the whole nation; its division is 100000 and no province starts with 10.
_NATION = "100000"

_GB_11714_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# Full-width forms become ASCII; white space and hyphens that people type between groups vanish.
# Other look-alikes (circled digits, Cyrillic letters) stay and are refused.
_CLEANED = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | dict.fromkeys(
    ord(mark) for mark in " \t\r\n\u00a0\u2002\u2003\u2009\u200b\u3000\ufeff-\uff0d\u2010\u2011\u2013\u2014"
)


class CodeError(ValueError):
    """A code that cannot be right; ``str()`` is the sentence, ``message`` its translatable form."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A checked code in its normal form: 18 upper-case ASCII characters."""

    code: str

    @property
    def kind(self) -> str:
        """Authority and kind: ``51`` association, ``52`` service agency, ``53`` foundation, ``91`` enterprise…"""
        return self.code[:2]

    @property
    def division(self) -> str:
        """Six digits: the division of the registry, 100000 for the ministry."""
        return self.code[2:8]

    @property
    def organization_code(self) -> str:
        """Nine characters: the former organization code with its check character (GB 11714)."""
        return self.code[8:17]

    @property
    def is_social_organization(self) -> bool:
        """True for 51, 52 and 53, what the 30% rule counts."""
        return self.kind in SOCIAL_ORGANIZATION_PREFIXES

    def __str__(self) -> str:
        return self.code


def organization_check_character(body: str) -> str:
    """GB 11714 check character of the eight characters before it."""
    total = sum(int(char, 36) * weight for char, weight in zip(body, _GB_11714_WEIGHTS, strict=True))
    check = (11 - total % 11) % 11
    return "X" if check == 10 else str(check)


def check_credit_code(code: str) -> CreditCode:
    """Read a code as people write it; ``CodeError`` says what is wrong with it.

    Full-width characters, lower case, blanks and hyphens are put right; nothing is guessed.
    """
    normal = "".join(char.upper() if char.isascii() else char for char in code[:200].translate(_CLEANED))
    if len(normal) != LENGTH:
        raise CodeError(
            Message(
                N_(
                    "A unified social credit code has 18 characters, this one has %(length)s: check it for missing or extra characters."
                ),
                {"length": len(normal)},
            )
        )
    for place, char in enumerate(normal, start=1):
        if char not in ALPHABET:
            raise CodeError(
                Message(
                    N_(
                        "Character %(place)s is “%(char)s”, which a unified social credit code never contains: it uses digits and capital letters without I, O, S, V and Z."
                    ),
                    {"place": place, "char": char},
                )
            )
    if normal[:2] not in PREFIXES:
        raise CodeError(
            Message(
                N_(
                    "“%(prefix)s” at the start is no registering authority and kind of organization: a social organization starts with 51, 52 or 53."
                ),
                {"prefix": normal[:2]},
            )
        )
    division = normal[2:8]
    if not division.isdigit() or (division != _NATION and division[:2] not in PROVINCES):
        raise CodeError(
            Message(
                N_("Characters 3 to 8 are “%(division)s”, which is no administrative division."),
                {"division": division},
            )
        )
    if normal[16] != organization_check_character(normal[8:16]):
        raise CodeError(
            Message(
                N_(
                    "The organization code in characters 9 to 17, “%(part)s”, fails its check character (GB 11714): at least one character is mistyped."
                ),
                {"part": normal[8:17]},
            )
        )
    if normal[17] != uscc.calc_check_digit(normal[:17]):
        raise CodeError(
            Message(
                N_(
                    "The last character “%(char)s” does not fit the seventeen before it (GB 32100): at least one character is mistyped."
                ),
                {"char": normal[17]},
            )
        )
    return CreditCode(normal)


@lru_cache(maxsize=65_536)
def credit_code_or_none(code: str) -> CreditCode | None:
    """The checked code, or ``None`` where it is blank or wrong. Cached: purchase tables repeat codes."""
    if not code:
        return None
    try:
        return check_credit_code(code)
    except CodeError:
        return None
