"""The list of similar names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from registry.duplicates.models import REASONS, SimilarPair
from registry.duplicates.queries import visible_pairs
from registry.organizations.models import Organization

First, Second = aliased(Organization), aliased(Organization)


def rows(user: Any, args: Arguments) -> Select[Any]:
    return visible_pairs(user, dismissed=args.get("state") == "dismissed")


PAIRS = Listing(
    name="duplicates.list",
    title=N_("Similar names"),
    permissions=("organization.read",),
    rows=rows,
    filters=("state",),
    orders={"latest": ((SimilarPair.id, True),)},
    joins=lambda query: query.join(First, First.id == SimilarPair.first_id).join(
        Second, Second.id == SimilarPair.second_id
    ),
    columns=(
        Column(N_("Organization"), First.name, width=36),
        Column(N_("Unified social credit code"), First.credit_code),
        Column(N_("Other organization"), Second.name, width=36),
        Column(N_("Its credit code"), Second.credit_code),
        Column(N_("Why they are alike"), SimilarPair.reason, words=REASONS),
        Column(N_("Note"), SimilarPair.note, width=36),
    ),
)
