"""Pages of the ledger: what moved, what lies where, and whether it adds up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select

from core.db import db
from core.money import Money
from core.text import N_
from core.web import navigation, tables
from core.web.gate import allow
from core.web.paging import paginate
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import (
    KINDS,
    TRANSFER_KINDS,
    account_in_scope,
    extract,
    owners,
    postings_of,
    transfer_in_scope,
    trial_balance,
    turnovers,
    visible_accounts,
)
from finance.ledger.reports import TRANSFERS
from registry.accounts.models import User

bp = Blueprint("ledger", __name__, url_prefix="/ledger")

navigation.add_entry(
    "ledger.list", N_("Ledger"), icon="book", group="money", order=50, permissions=("fund.read",)
)


@bp.app_template_filter("account_kind")
def account_kind(account: Account) -> str:
    return KINDS.get(account.kind, account.kind)


@bp.app_template_filter("transfer_kind")
def transfer_kind(transfer: Transfer) -> str:
    return TRANSFER_KINDS.get(transfer.kind, transfer.kind)


@bp.app_template_filter("moved")
def moved(postings: Iterable[Posting]) -> Money:
    """How much a transfer moved: the sum of what arrived."""
    return sum((item.amount for item in postings if item.amount > Money(0)), Money(0))


def _owners_of(accounts: Iterable[Account]) -> dict[tuple[str, int], Any]:
    return owners((account.owner_type, account.owner_id) for account in accounts)


@bp.get("/")
@allow("fund.read")
def list() -> Any:
    table = tables.show(TRANSFERS, current_user)
    page = table.page
    sides = postings_of(transfer.id for transfer in page.rows)
    return render_template(
        "ledger/list.html",
        table=table,
        page=page,
        sides=sides,
        kinds=TRANSFER_KINDS,
        kind=request.args.get("kind", ""),
        owners=_owners_of(item.account for items in sides.values() for item in items),
    )


@bp.get("/transfers/<int:transfer_id>")
@allow("fund.read")
def show(transfer_id: int) -> Any:
    transfer = transfer_in_scope(current_user, transfer_id) or abort(404)
    postings = postings_of([transfer.id]).get(transfer.id, [])
    pairs = [(transfer.reference_type, transfer.reference_id)]
    pairs += [(item.account.owner_type, item.account.owner_id) for item in postings]
    reversed_by = db.session.scalar(select(Transfer).where(Transfer.reverses_id == transfer.id))
    return render_template(
        "ledger/show.html",
        transfer=transfer,
        postings=postings,
        owners=owners(pairs),
        reversed_by=reversed_by,
        poster=db.session.get(User, transfer.posted_by) if transfer.posted_by else None,
    )


@bp.get("/accounts/<int:account_id>")
@allow("fund.read")
def account(account_id: int) -> Any:
    found = account_in_scope(current_user, account_id) or abort(404)
    page = paginate(extract(found), (Posting.seq, True))
    sides = postings_of(posting.transfer_id for posting in page.rows)
    came_in, went_out = turnovers([found.id]).get(found.id, (Money(0), Money(0)))
    return render_template(
        "ledger/account.html",
        account=found,
        page=page,
        sides=sides,
        came_in=came_in,
        went_out=went_out,
        owners=_owners_of([found, *(item.account for items in sides.values() for item in items)]),
    )


@bp.get("/trial")
@allow("fund.read")
def trial() -> Any:
    """The trial balance: of all budgets in scope, or of one with everything fed from it."""
    chosen = request.args.get("account", type=int)
    if chosen is not None:
        root = account_in_scope(current_user, chosen) or abort(404)
        rows = trial_balance(root)
        return render_template(
            "ledger/trial.html",
            root=root,
            rows=rows,
            owners=_owners_of(row.account for row in rows),
            back=url_for("ledger.trial"),
        )
    page = paginate(visible_accounts(current_user).where(Account.kind == "budget"), (Account.id, True))
    return render_template(
        "ledger/trial.html",
        root=None,
        page=page,
        sums=turnovers(item.id for item in page.rows),
        owners=_owners_of(page.rows),
    )
