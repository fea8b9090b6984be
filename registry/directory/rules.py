"""What the register can be filtered by, in the words of its rooms."""

from __future__ import annotations

from core.text import N_
from registry.credit.models import KINDS as CREDIT_KINDS
from registry.credit.models import LISTS
from registry.organizations.models import FIELDS, KINDS, PARTY_ORGANIZATIONS, REGISTER_CLASSES, STATUSES

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
