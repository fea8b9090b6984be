"""What a score sheet must hold, what it gives, and what an expert may not see (REX, DOMAIN 3.9).

Points are hundredths in integers and means are fractions, so that no sheet is rounded on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.text import N_, Message

HALF_STEP = 50
LOW = Fraction(60, 100)
SPREAD = 2000
MASK = "■■"

_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}[-\s]?\d{7,8})(?!\d)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Line:
    """A criterion as a sheet knows it; ``most`` in points."""

    id: int
    name: str
    most: int


def range_problem(line: Line, points: int) -> Message | None:
    """Why ``points`` (hundredths) cannot be given for a criterion."""
    if points % HALF_STEP or not 0 <= points <= line.most * 100:
        return Message(N_("From 0 to %(most)s points, in half points."), {"most": line.most})
    return None


def is_low(line: Line, points: int) -> bool:
    """Below 60% of the criterion's points: a reason is due."""
    return points < line.most * 100 * LOW


def gaps(
    lines: Iterable[Line], points: Mapping[int, int | None], reasons: Mapping[int, str], comment: str
) -> dict[int, Message]:
    """What a sheet still lacks before it can be submitted, by criterion."""
    found: dict[int, Message] = {}
    for line in lines:
        given = points.get(line.id)
        if given is None:
            found[line.id] = Message(N_("Give points for this criterion."))
        elif problem := range_problem(line, given):
            found[line.id] = problem
        elif is_low(line, given) and not reasons.get(line.id, "").strip() and not comment.strip():
            found[line.id] = Message(N_("Below 60%% of the points: write a reason here or a comment below."))
    return found


def trimmed_mean(totals: list[int]) -> Fraction:
    """The mean of the sheets' totals; from five sheets on without one highest and one lowest."""
    if not totals:
        raise ValueError("no sheet, no mean")
    kept = sorted(totals)[1:-1] if len(totals) >= 5 else totals
    return Fraction(sum(kept), len(kept))


def half_up(value: Fraction) -> int:
    """A mean in hundredths as it is stored and published: two decimals, half up."""
    return (value + Fraction(1, 2)).__floor__()


def median(totals: list[int]) -> Fraction:
    ordered = sorted(totals)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[middle])
    return Fraction(ordered[middle - 1] + ordered[middle], 2)


def outliers(totals: Mapping[int, int]) -> set[int]:
    """The sheets further than 20 points from the median."""
    if not totals:
        return set()
    centre = median(list(totals.values()))
    return {key for key, total in totals.items() if abs(total - centre) > SPREAD}


def blind(text: str, names: Iterable[str]) -> str:
    """``text`` without the given names, phone numbers, addresses of mail and identity numbers."""
    for name in sorted({item.strip() for item in names if len(item.strip()) > 1}, key=len, reverse=True):
        text = text.replace(name, MASK)
    for pattern in (_IDENTITY, _PHONE, _MAIL):
        text = pattern.sub(MASK, text)
    return text


def points_text(hundredths: int | None) -> str:
    """3.5 for 350; two decimals only where needed."""
    if hundredths is None:
        return ""
    whole, rest = divmod(hundredths, 100)
    return str(whole) if not rest else f"{whole}.{rest:02d}".rstrip("0")


def score_text(hundredths: int) -> str:
    """86.50 for 8650: as a published score."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"
