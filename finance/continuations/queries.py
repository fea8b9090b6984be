"""Services that may go on under another name: proposed by likeness, and the links that were confirmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, false, or_, select

from core.db import db
from core.money import Money
from core.text import N_
from finance.continuations.rules import likeness, name_parts
from finance.contracts.models import ContinuationDismissal, ServiceContinuation
from finance.contracts.queries import continuations, importable_divisions, service_identity, under
from finance.contracts.rules import ServiceKey
from finance.figures.models import ServiceYear
from registry.agencies.rules import normalise_division, tree_prefix

MOST_SERVICES = 2_000

"""How many ended and begun services of a year are compared, the largest first."""

ALIKE = 0.45


@dataclass(frozen=True, slots=True)
class Proposal:
    """A service that ended and one that began and looks like it; ``alike`` from 0 to 1."""

    earlier: ServiceKey
    later: ServiceKey
    earlier_name: str
    later_name: str
    before: Money
    total: Money
    alike: float

    @property
    def token(self) -> str:
        """Names the pair in a form."""
        text = json.dumps([self.earlier, self.later], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    @property
    def why(self) -> list[str]:
        """What changed between the two."""
        words = [
            (self.earlier[0] != self.later[0], N_("the division changed")),
            (self.earlier[1] != self.later[1], N_("the department changed")),
            (self.earlier_name != self.later_name, N_("the name changed")),
            (
                self.earlier[2] != self.later[2] and self.earlier_name == self.later_name,
                N_("the code changed"),
            ),
        ]
        return [word for holds, word in words if holds]


def proposals(division: str, year: int, *, limit: int = 50) -> list[Proposal]:
    """Services that ended with last year and services that began this year which look alike, at and under
    the division and beside it under the same city; nobody has confirmed or dismissed them yet.

    Work is bounded: the largest of either side are compared, and only those that share parts of a name.
    """
    code = normalise_division(division)
    around = code if len(tree_prefix(code)) < 4 else code[:4] + "00"
    ended = _turned(around, year, ServiceYear.total_fen == 0, ServiceYear.before_fen)
    begun = _turned(around, year, ServiceYear.before_fen == 0, ServiceYear.total_fen)
    prefix = tree_prefix(code)
    linked_services = {service for pair in continuations() for service in pair}
    dismissed = {
        (
            service_identity(row.earlier_division, row.earlier_purchaser, row.earlier_key),
            service_identity(row.later_division, row.later_purchaser, row.later_key),
        )
        for row in db.session.scalars(
            select(ContinuationDismissal).where(ContinuationDismissal.fiscal_year == year)
        )
    }
    by_part: dict[str, list[int]] = {}
    services = [(service_identity(row.division_code, row.purchaser, row.key), row) for row in ended]
    parts = [name_parts(row.name) for _service, row in services]
    for place, own in enumerate(parts):
        for part in own:
            by_part.setdefault(part, []).append(place)
    found = []
    for row in begun:
        later = service_identity(row.division_code, row.purchaser, row.key)
        if later in linked_services or not later[0].startswith(prefix):
            continue
        mine = name_parts(row.name)
        # Rare parts first: a part that stands in very many names tells nothing.
        shared: dict[int, int] = {}
        for part in sorted(mine, key=lambda part: len(by_part.get(part, ())))[:8]:
            for place in by_part.get(part, ())[:200]:
                shared[place] = shared.get(place, 0) + 1
        for place in sorted(shared, key=lambda place: -shared[place])[:20]:
            earlier, old = services[place]
            if earlier in linked_services or (earlier, later) in dismissed:
                continue
            alike = likeness(mine, parts[place], old.purchaser, row.purchaser, old.before_fen, row.total_fen)
            if alike >= ALIKE:
                found.append(
                    Proposal(
                        earlier, later, old.name, row.name, Money(old.before_fen), Money(row.total_fen), alike
                    )
                )
    found.sort(key=lambda item: (-item.alike, item.earlier, item.later))
    # Each service once, with its best partner.
    taken: set[ServiceKey] = set()
    best = []
    for item in found:
        if item.earlier not in taken and item.later not in taken:
            best.append(item)
            taken |= {item.earlier, item.later}
    return best[:limit]


def _turned(division: str, year: int, which: Any, size: Any) -> Sequence[ServiceYear]:
    return db.session.scalars(
        select(ServiceYear)
        .where(
            ServiceYear.fiscal_year == year,
            ServiceYear.basis == "contract",
            ServiceYear.venture.is_(False),
            ServiceYear.joined.is_(False),
            under(ServiceYear.division_code, division),
            which,
            size > 0,
        )
        .order_by(size.desc(), ServiceYear.id)
        .limit(MOST_SERVICES)
    ).all()


def links_in_scope(user: Any) -> Select[Any]:
    """The confirmed links whose later service lies where the person may import."""
    codes = importable_divisions(user)
    return select(ServiceContinuation).where(
        or_(*(under(ServiceContinuation.later_division, code) for code in codes)) if codes else false()
    )


def continuations_of(user: Any, year: int) -> Sequence[ServiceContinuation]:
    """The links of a year in a person's reach."""
    return db.session.scalars(
        links_in_scope(user)
        .where(ServiceContinuation.fiscal_year == year)
        .order_by(ServiceContinuation.id.desc())
        .limit(200)
    ).all()
