"""The draw as a pure function (REX, DOMAIN 3.9): frozen pool and seed give the seats, for everybody.

The order is that of SHA-256 over ``seed:expert id``. First the seats for finance are filled, then
the rest. Those tied to an applicant come only when the pool is too small without them, and never
score that applicant.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Self

SOURCE = "政府采购法 第三十八条；政府采购法实施条例 第九条、第三十九条"

# The least number of sheets that a mean is taken from.
LEAST_SHEETS = 3

# scoring_days: working days from the witnessing to the day the sheets are due (DOMAIN 2.4 step 7).
# most_panels: on how many panels an expert sits in a calendar year.
DEFAULTS: dict[str, Any] = {
    "panel_size": 5,
    "least_sheets": LEAST_SHEETS,
    "scoring_days": 10,
    "most_panels": 24,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One expert of the frozen pool. ``barred`` says why never to be seated (works for the funder);
    ``conflicts`` says for which applications (by id) the expert is recused, and why.
    """

    expert: int
    person: int
    name: str
    fields: tuple[str, ...] = ()
    barred: str = ""
    conflicts: dict[int, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "expert": self.expert,
            "person": self.person,
            "name": self.name,
            "fields": sorted(self.fields),
            "recused": self.barred or "; ".join(dict.fromkeys(self.conflicts.values())),
            "barred": self.barred,
            "conflicts": {str(key): self.conflicts[key] for key in sorted(self.conflicts)},
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            expert=data["expert"],
            person=data["person"],
            name=data["name"],
            fields=tuple(data["fields"]),
            barred=data["barred"],
            conflicts={int(key): reason for key, reason in data["conflicts"].items()},
        )


@dataclass(frozen=True, slots=True)
class Seat:
    position: int
    seat: str  # subject, finance
    candidate: Candidate


class TooFew(ValueError):
    """The pool does not hold the people the panel needs; ``missing`` is finance, size or sheets."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


def frozen(pool: list[Candidate]) -> str:
    """The pool as canonical text: sorted by expert, sorted keys, no spaces."""
    rows = [item.to_dict() for item in sorted(pool, key=lambda item: item.expert)]
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def thawed(text: str) -> list[Candidate]:
    return [Candidate.from_dict(row) for row in json.loads(text)]


def digest(text: str) -> str:
    """SHA-256 of the frozen pool, as written on the record."""
    return hashlib.sha256(text.encode()).hexdigest()


def ticket(seed: str, expert: int) -> str:
    """The lot of one expert."""
    return hashlib.sha256(f"{seed}:{expert}".encode()).hexdigest()


def order(pool: list[Candidate], seed: str) -> list[Candidate]:
    """Everybody in the order of their lots."""
    return sorted(pool, key=lambda item: (ticket(seed, item.expert), item.expert))


def draw(
    pool: list[Candidate],
    seed: str,
    *,
    size: int,
    finance: int,
    applications: list[int],
    least_sheets: int = LEAST_SHEETS,
) -> list[Seat]:
    """The seats in order. Raises :class:`TooFew` when no lawful panel can be made of the pool."""
    able = [item for item in order(pool, seed) if not item.barred]
    free = [item for item in able if not item.conflicts]
    tied = [item for item in able if item.conflicts]
    # Those without any tie first, in the order of lots; then the tied ones, in the order of lots.
    ranked = free + tied
    accountants = [item for item in ranked if "finance" in item.fields][:finance]
    if len(accountants) < finance:
        raise TooFew("finance")
    others = [item for item in ranked if item not in accountants][: size - finance]
    if len(others) < size - finance:
        raise TooFew("size")
    seats = [
        Seat(position, "finance" if item in accountants else "subject", item)
        for position, item in enumerate(accountants + others, 1)
    ]
    for application in applications:
        if sum(application not in item.candidate.conflicts for item in seats) < least_sheets:
            raise TooFew("sheets")
    return seats


def substitute(pool: list[Candidate], seed: str, *, seated: set[int], application: int) -> Candidate | None:
    """Who comes next in the order of lots for one application; ``seated`` are persons already there."""
    for item in order(pool, seed):
        if not item.barred and item.person not in seated and application not in item.conflicts:
            return item
    return None
