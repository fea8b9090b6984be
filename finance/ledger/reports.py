"""The table of movements."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from core.money import Money
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.ledger.models import Posting, Transfer
from finance.ledger.queries import TRANSFER_KINDS, visible_transfers


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = visible_transfers(user)
    return query.where(Transfer.kind == args["kind"]) if args.get("kind") in TRANSFER_KINDS else query


_moved = (
    select(func.sum(Posting.amount))
    .where(Posting.transfer_id == Transfer.id, Posting.amount > Money(0))
    .correlate(Transfer)
    .scalar_subquery()
)

TRANSFERS = Listing(
    name="ledger.list",
    title=N_("Movements"),
    permissions=("fund.read",),
    rows=rows,
    filters=("kind",),
    orders={"newest": ((Transfer.id, True),)},
    columns=(
        Column(N_("Number"), Transfer.id, "number"),
        Column(N_("Posted"), Transfer.posted_at, "moment"),
        Column(N_("Movement"), Transfer.kind, words=TRANSFER_KINDS),
        Column(N_("Amount"), _moved, "money"),
        Column(N_("Note"), Transfer.memo, width=48),
        Column(N_("Reverses"), Transfer.reverses_id, "number"),
    ),
)
