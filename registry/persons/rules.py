"""How names sort (by pinyin, surnames as surnames are read), and what an identity number must be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from pypinyin import lazy_pinyin
from pypinyin.core import Pinyin

from core import clock
from core.text import N_, Message

# Surnames that the dictionary reads as ordinary words.
_SURNAMES = {
    "单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "种": "chong", "翟": "zhai", "乐": "yue", "尉迟": "yu chi", "万俟": "mo qi",
    "长孙": "zhang sun", "令狐": "ling hu",
}  # fmt: skip


_READER = Pinyin()


@lru_cache(maxsize=16_384)
def sort_key(name: str, *, personal: bool = False) -> str:
    """Pinyin syllables with blanks between, at most 160 characters; ``personal`` reads the surname."""
    name = name.strip()
    start: list[str] = []
    if personal:
        for length in (2, 1):
            if name[:length] in _SURNAMES:
                start, name = [_SURNAMES[name[:length]]], name[length:]
                break
    return " ".join([*start, *(syllable for word in _READER.seg(name) for syllable in _syllables(word))])[
        :160
    ]


@lru_cache(maxsize=65_536)
def _syllables(word: str) -> tuple[str, ...]:
    """Pinyin of one word of the segmenter; names share their words, so a million names need few."""
    return tuple(part.strip().lower() for part in lazy_pinyin([word]) if part.strip())


# Citizen identification numbers ----------------------------------------------------------------

IDENTITY_SOURCE = "GB 11643-1999"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# First two digits of a province; 83 stands before the numbers of residents from Taiwan.
PROVINCES = frozenset(
    {
        "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
        "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
    }
)  # fmt: skip
_ISSUED_UNDER = PROVINCES | {"83"}
# Full-width forms become ASCII; blanks and hyphens that people type between groups vanish.
_CLEANED = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | dict.fromkeys(
    ord(mark) for mark in " \t\r\n\u00a0\u3000\u200b\ufeff-\uff0d\u2013\u2014"
)


class IdentityError(ValueError):
    """A number that cannot be right; ``str()`` is the sentence, ``message`` its translatable form."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@dataclass(frozen=True, slots=True)
class Identity:
    """A checked number in its normal form: 17 digits and a digit or ``X``."""

    number: str

    @property
    def division(self) -> str:
        """Six digits: where the number was first given; often a division that is no more."""
        return self.number[:6]

    @property
    def born_on(self) -> date:
        return date(int(self.number[6:10]), int(self.number[10:12]), int(self.number[12:14]))

    @property
    def sex(self) -> Literal["male", "female"]:
        return "male" if int(self.number[16]) % 2 else "female"

    @property
    def masked(self) -> str:
        return masked_identity(self.number)


def identity_check_character(body: str) -> str:
    """The check character of seventeen digits (ISO 7064 MOD 11-2)."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def check_identity(number: str, *, on: date | None = None) -> Identity:
    """Read a citizen identification number as people write it; ``IdentityError`` says what is wrong.

    Checked are length, characters, province, day of birth (1900 up to ``on``, today by default) and the
    check character. A number that passes does not prove that the person exists.
    """
    normal = "".join(char.upper() if char.isascii() else char for char in number[:200].translate(_CLEANED))
    if len(normal) != 18:
        raise IdentityError(
            Message(
                N_("An identity number has 18 characters, this one has %(length)s: copy it from the card."),
                {"length": len(normal)},
            )
        )
    for place, char in enumerate(normal, start=1):
        if not (char.isascii() and char.isdigit()) and not (place == 18 and char == "X"):
            raise IdentityError(
                Message(
                    N_(
                        "Character %(place)s is “%(char)s”: an identity number has seventeen digits and at its end a digit or X."
                    ),
                    {"place": place, "char": char},
                )
            )
    if normal[:2] not in _ISSUED_UNDER:
        raise IdentityError(
            Message(
                N_("“%(part)s” at the start of the identity number is no province."), {"part": normal[:2]}
            )
        )
    try:
        born_on = date(int(normal[6:10]), int(normal[10:12]), int(normal[12:14]))
    except ValueError:
        born_on = None
    if born_on is None or born_on.year < 1900 or born_on > (on or clock.today()):
        raise IdentityError(
            Message(
                N_("Characters 7 to 14 are “%(part)s”, which is no possible day of birth."),
                {"part": normal[6:14]},
            )
        )
    if normal[17] != identity_check_character(normal[:17]):
        raise IdentityError(
            Message(
                N_(
                    "The last character “%(char)s” does not fit the seventeen before it (GB 11643): at least one character is mistyped."
                ),
                {"char": normal[17]},
            )
        )
    return Identity(normal)


def masked_identity(number: str) -> str:
    """What pages show: the division and the last four characters, ``150602********1234``."""
    return f"{number[:6]}********{number[14:]}"
