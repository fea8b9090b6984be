"""What the register can be filtered by, in the words of its rooms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.text import N_
from registry.credit.models import KINDS as CREDIT_KINDS
from registry.credit.models import LISTS
from registry.keys.rules import initials_of
from registry.organizations.models import (
    FIELDS,
    KINDS,
    PARTY_ORGANIZATIONS,
    REGISTER_CLASSES,
    STATUSES,
    Organization,
)

# What can be filtered by: the name in the address, and the values with their words. "0" and "none" are offered too.
FACETS: dict[str, dict[str, str]] = {
    "kind": KINDS,
    "class": REGISTER_CLASSES,
    "status": STATUSES,
    "field": FIELDS,
    "grade": {**{str(n): f"{n}A" for n in (5, 4, 3, 2, 1)}, "0": N_("no grade in force")},
    "list": {
        **{name: CREDIT_KINDS[name] for name in LISTS},
        "none": N_("on no list"),
    },
    "party": {**PARTY_ORGANIZATIONS, "unknown": N_("not recorded yet")},
}
HEADS = {
    "kind": N_("Kind"),
    "class": N_("Registration"),
    "status": N_("Standing"),
    "field": N_("Field of work"),
    "grade": N_("Grade"),
    "list": N_("Credit list"),
    "party": N_("Party organization"),
}
FILTERS = ("q", "division", "at", *FACETS)
# So many organizations are offered while one is typed.
OFFERED = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """What is written into the box when it is chosen, and what is read beside it.

    Browsers offer only what holds the typed signs, so the code and the initials are told too.
    """

    value: str
    label: str


def offers_of(found: Sequence[Organization], *, written: str) -> list[Offer]:
    """Names, or codes where the ``code`` is wanted or two have one name; without a code there is nothing to write."""
    names = Counter(item.name for item in found)
    offers = []
    for item in found:
        value = item.credit_code if written == "code" or names[item.name] > 1 else item.name
        if value:
            parts = (item.name, item.credit_code or "", initials_of(item.sort_key))
            offers.append(Offer(value, " · ".join(part for part in parts if part)))
    return offers
