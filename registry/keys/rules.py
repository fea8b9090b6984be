"""Terms by which an organization is found, and sets of places as bit strings. Pure functions."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

PLACES = 8192
"""Places of a shelf."""
_BYTES = PLACES // 8
_FEW = 64
_BIG_ENDIAN = array("H", [1]).tobytes()[0] == 0
# The levels of a division code (GB/T 2260 and below): province, prefecture, county, township, village.
_LEVELS = (2, 4, 6, 9, 12)
LONGEST_SEARCH = 60


# Sets of places -------------------------------------------------------------------------------


def packed(places: int) -> bytes:
    """A set of places (bit *n* is place *n*) as it is stored: short where there are few."""
    if places.bit_count() > _FEW:
        return places.to_bytes(_BYTES, "little")
    numbers = array("H", members(places))
    if _BIG_ENDIAN:
        numbers.byteswap()
    return numbers.tobytes()


def unpacked(data: bytes) -> int:
    """The set that :func:`packed` has written."""
    if len(data) == _BYTES:
        return int.from_bytes(data, "little")
    numbers = array("H", data)
    if _BIG_ENDIAN:
        numbers.byteswap()
    bits = bytearray(_BYTES)
    for place in numbers:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def as_places(numbers: Iterable[int]) -> int:
    bits = bytearray(_BYTES)
    for place in numbers:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def packed_numbers(numbers: list[int]) -> bytes:
    """The same as ``packed(as_places(numbers))`` for numbers without repetition."""
    if len(numbers) > _FEW:
        bits = bytearray(_BYTES)
        for place in numbers:
            bits[place >> 3] |= 1 << (place & 7)
        return bytes(bits)
    few = array("H", sorted(numbers))
    if _BIG_ENDIAN:
        few.byteswap()
    return few.tobytes()


_MEMBERS = [tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256)]


def members(places: int, *, limit: int = PLACES) -> list[int]:
    """The places of a set in ascending order, at most ``limit`` of them."""
    found: list[int] = []
    for number, byte in enumerate(places.to_bytes(_BYTES, "little")):
        if byte:
            found.extend(number * 8 + bit for bit in _MEMBERS[byte])
            if len(found) >= limit:
                return found[:limit]
    return found


def last_members(places: int, *, limit: int) -> list[int]:
    """The highest ``limit`` places of a set in descending order."""
    found: list[int] = []
    data = places.to_bytes(_BYTES, "little")
    for number in range(_BYTES - 1, -1, -1):
        if data[number]:
            found.extend(number * 8 + bit for bit in reversed(_MEMBERS[data[number]]))
            if len(found) >= limit:
                return found[:limit]
    return found


# Terms ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keys:
    """All by which an organization is found. ``marks`` are whole terms, the others texts."""

    sort_key: str
    name: str
    initials: str
    code: str
    marks: str
    renew_on: date | None

    def terms(self) -> set[str]:
        return terms_of(self.name, self.initials, self.code, self.marks)


def terms_of(name: str, initials: str, code: str, marks: str) -> set[str]:
    """The terms of an entry: its marks, and one and two signs of each text."""
    found = set(marks.split())
    for line in name.split("\n"):
        found.update(["n" + sign for sign in line])
        found.update(["n" + line[i : i + 2] for i in range(len(line) - 1)])
    found.update(["i" + sign for sign in initials])
    found.update(["i" + initials[i : i + 2] for i in range(len(initials) - 1)])
    for line in code.split("\n"):
        found.update(["c" + line[i : i + 2] for i in range(len(line) - 1)])
    found.difference_update({"n ", "n", "i", "i "})
    return found


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A text as texts are compared: half width, small letters, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def initials_of(sort_key: str) -> str:
    """The first letter of each syllable of a sort key: ``shi li nuan lin`` is ``slnl``."""
    return "".join([part[0] for part in sort_key.split()])


def division_terms(code: str) -> list[str]:
    """A division and all above it: ``in=15``, ``in=1506`` … and ``at=`` the division itself."""
    return [*(f"in={code[:length]}" for length in prefix_lengths(code)), f"at={code}"]


def prefix_lengths(code: str) -> list[int]:
    """The lengths of the prefixes that name a division and those above it; 150600 is known by 1506."""
    significant = len(code)
    if significant == 6:
        significant = 2 if code.endswith("0000") else 4 if code.endswith("00") else 6
    return [length for length in _LEVELS if length <= significant]


@dataclass(frozen=True, slots=True)
class Word:
    """One word that is looked for: any of ``ways`` may hold, each a set of terms that must all be there.

    ``exact`` says that the terms alone prove it; otherwise the texts are compared as well.
    """

    text: str
    ways: tuple[frozenset[str], ...]

    @property
    def exact(self) -> bool:
        return len(self.text) <= 2

    def terms(self) -> Iterator[str]:
        for way in self.ways:
            yield from way


def words_of(text: str) -> list[Word]:
    """The words of a search. A word is a part of a name, of its pinyin initials or of a credit code."""
    return [_word(part) for part in dict.fromkeys(folded(text[:LONGEST_SEARCH]).split())]


def _word(text: str) -> Word:
    ways = [_grams("n", text)]
    if text.isascii() and text.isalpha():
        ways.append(_grams("i", text))
    if text.isascii() and text.isalnum() and len(text) > 1:
        ways.append(_grams("c", text.upper()))
    return Word(text, tuple(ways))


def _grams(kind: str, text: str) -> frozenset[str]:
    if len(text) == 1:
        return frozenset({kind + text})
    return frozenset(kind + text[i : i + 2] for i in range(len(text) - 1))
