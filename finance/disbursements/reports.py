"""The table of payments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from finance.commitments.models import Commitment, Tranche
from finance.disbursements.lifecycle import DISBURSEMENT
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.queries import visible_disbursements, waiting_for
from registry.organizations.models import Organization

STEPS = ("disbursement.review", "disbursement.approve", "disbursement.pay", "disbursement.request")


def view_of(user: Any, args: Arguments) -> str:
    """The view asked for; without one what waits for the reader, if the reader takes steps at all."""
    acts = any(user.may_somewhere(step) for step in STEPS)
    return args.get("view", "mine" if acts else "all")


def rows(user: Any, args: Arguments) -> Select[Any]:
    view = view_of(user, args)
    query = visible_disbursements(user)
    if view == "mine" and any(user.may_somewhere(step) for step in STEPS):
        return query.where(waiting_for(user))
    return query.where(Disbursement.state == view) if view in DISBURSEMENT.by_state else query


DISBURSEMENTS = Listing(
    name="disbursements.list",
    title=N_("Payments"),
    permissions=("disbursement.read", "own.read"),
    rows=rows,
    filters=("view",),
    orders={
        "newest": ((Disbursement.id, True),),
        "amount": ((Disbursement.amount, True), (Disbursement.id, True)),
    },
    joins=lambda query: (
        query.join(Organization, Organization.id == Commitment.organization_id)
        .join(Disbursement.tranche)
        .join(Disbursement.payee_account)
    ),
    columns=(
        Column(N_("Number"), Disbursement.number, width=32),
        Column(N_("Project"), Commitment.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Tranche"), Tranche.title),
        Column(N_("Amount"), Disbursement.amount, "money"),
        Column(N_("Last digits of the account"), PayeeAccount.last_four),
        Column(N_("Receipt number"), Disbursement.receipt_number),
        Column(
            N_("State"), Disbursement.state, words={item.name: item.label for item in DISBURSEMENT.states}
        ),
        Column(N_("Paid on"), Disbursement.paid_on, "day"),
        Column(N_("Voucher number"), Disbursement.voucher_number),
    ),
)
