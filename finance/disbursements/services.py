"""Writing payee accounts and payments."""

from __future__ import annotations

import json
import os
import re
import secrets
import unicodedata
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from flask import current_app
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from finance.commitments.models import Tranche
from finance.disbursements import policy
from finance.disbursements.lifecycle import refuse_failed
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.queries import account_names, disbursement_of, till_findings
from finance.disbursements.rules import SOURCE_ACCOUNT, same_name
from registry.accounts.services import notify_organization
from registry.organizations.models import Organization

__all__ = [
    "approve",
    "cancel",
    "close_payee_account",
    "confirm_payee_account",
    "mark_paid",
    "mark_returned",
    "record_payee_account",
    "release",
    "request_disbursement",
    "reveal_number",
    "review",
    "till_findings",
]


def record_payee_account(
    organization: Organization, *, account_name: str, bank: str, number: str, by: Any
) -> PayeeAccount:
    """Note a bank account of an organization; it can be paid to once another person has confirmed it.

    The name must be the organization's or its host's (RDT-f). The number is kept encrypted.
    """
    account_name, bank = account_name.strip(), bank.strip()
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number))
    if not re.fullmatch(r"[0-9]{8,30}", digits):
        raise Refusal(Message(N_("An account number has 8 to 30 digits.")))
    if not any(same_name(account_name, name) for name in account_names(organization)):
        raise Refusal(
            Message(
                N_(
                    "The account is in the name “%(account)s”; the payee is “%(payee)s”. Pay the payee or its host."
                ),
                {"account": account_name, "payee": organization.name},
            ),
            rule="RDT-f",
            source=SOURCE_ACCOUNT,
        )
    known = db.session.scalars(
        select(PayeeAccount).where(
            PayeeAccount.organization_id == organization.id,
            PayeeAccount.last_four == digits[-4:],
            PayeeAccount.closed_on.is_(None),
        )
    )
    if any(_open(item.number_sealed) == digits for item in known):
        raise Refusal(Message(N_("This account is already recorded for the organization.")), status=409)
    account = PayeeAccount(
        organization_id=organization.id,
        account_name=account_name,
        bank=bank,
        number_sealed=_cipher().encrypt(digits.encode()).decode(),
        last_four=digits[-4:],
        recorded_by=by.actor_id,
    )
    db.session.add(account)
    db.session.flush()
    record(
        account,
        "recorded",
        by=by,
        details={
            "organization": organization.id,
            "name": account_name,
            "bank": bank,
            "last_four": digits[-4:],
        },
    )
    return account


def confirm_payee_account(account: PayeeAccount, *, by: Any) -> None:
    """A second person has compared the account with the bank's paper."""
    refusal = policy.may_confirm(by, account)
    if refusal is not None:
        raise refusal
    if account.confirmed_by is not None or account.closed_on is not None:
        raise Refusal(Message(N_("This account is already confirmed or closed.")), status=409)
    account.confirmed_by = by.actor_id
    db.session.flush()
    record(account, "confirmed", by=by, details={"last_four": account.last_four})


def close_payee_account(account: PayeeAccount, *, by: Any) -> None:
    """Nothing more is paid to this account."""
    refusal = policy.may_reveal(by, account)
    if refusal is not None:
        raise refusal
    if account.closed_on is not None:
        raise Refusal(Message(N_("This account is already confirmed or closed.")), status=409)
    account.closed_on = clock.today()
    db.session.flush()
    record(account, "closed", by=by)


def reveal_number(account: PayeeAccount, *, by: Any) -> str:
    """The full number, for this one look; who looked is written down."""
    refusal = policy.may_reveal(by, account)
    if refusal is not None:
        raise refusal
    record(account, "number_revealed", by=by, details={"last_four": account.last_four})
    return _open(account.number_sealed)


def request_disbursement(
    tranche: Tranche, *, payee_account: PayeeAccount, receipt_number: str, by: Any
) -> Disbursement:
    """Ask for the payment of a tranche, whole, once.

    Refused when a payment of it is under way or done, when the till finds a fault, or to a person
    who is excluded.
    """
    commitment = tranche.commitment
    if not by.may("disbursement.request", agency_id=commitment.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    refusal = policy.may_take_part(by, commitment)
    if refusal is not None:
        raise refusal
    # Two requests for one tranche wait for one another here; the unique index is the last word.
    db.session.execute(select(Tranche.id).where(Tranche.id == tranche.id).with_for_update())
    alive = disbursement_of(tranche)
    if alive is not None:
        raise Refusal(
            Message(N_("This tranche is already being paid or paid: %(number)s."), {"number": alive.number}),
            rule="RDT",
            status=409,
        )
    receipt_number = receipt_number.strip()
    findings = till_findings(
        tranche, payee_account, amount=tranche.amount, receipt_number=receipt_number, people=[by]
    )
    refuse_failed(findings)
    disbursement = Disbursement(
        agency_id=commitment.agency_id,
        commitment=commitment,
        tranche=tranche,
        payee_account=payee_account,
        number=_number(tranche),
        amount=tranche.amount,
        receipt_number=receipt_number,
        state="requested",
        requested_by=by.actor_id,
        requested_at=clock.now(),
        findings=json.dumps([item.to_dict() for item in findings], ensure_ascii=False),
    )
    db.session.add(disbursement)
    db.session.flush()
    record(
        disbursement,
        "requested",
        by=by,
        details={
            "number": disbursement.number,
            "amount": disbursement.amount,
            "receipt": receipt_number,
            "account": payee_account.id,
        },
    )
    return disbursement


def review(disbursement: Disbursement, *, by: Any) -> None:
    """复核: a second person of finance."""
    fire(disbursement, "review", by=by)


def approve(disbursement: Disbursement, *, by: Any) -> None:
    """审批: the leader; the money leaves the commitment."""
    fire(disbursement, "approve", by=by, details={"amount": disbursement.amount})


def release(disbursement: Disbursement, *, by: Any) -> None:
    """The order goes to the bank."""
    fire(disbursement, "release", by=by)


def mark_paid(disbursement: Disbursement, *, paid_on: date, voucher_number: str, by: Any) -> None:
    """The bank has paid; its voucher is noted."""
    fire(
        disbursement,
        "pay",
        by=by,
        details={"paid_on": paid_on, "voucher": voucher_number},
        paid_on=paid_on,
        voucher_number=voucher_number,
    )
    _tell(disbursement, "payment_paid", paid_on=paid_on, digits=disbursement.payee_account.last_four)


def _tell(disbursement: Disbursement, template: str, **params: Any) -> None:
    """Mail to the payee."""
    commitment = disbursement.commitment
    notify_organization(
        commitment.organization_id,
        template,
        {"title": commitment.title, "number": disbursement.number, "amount": disbursement.amount, **params},
        agency_id=disbursement.agency_id,
    )


def mark_returned(disbursement: Disbursement, *, reason: str, by: Any) -> None:
    """The bank sent the money back: it is committed again and the tranche may be requested anew."""
    fire(disbursement, "return", by=by, note=reason, reason=reason)
    _tell(disbursement, "payment_returned", reason=reason)


def cancel(disbursement: Disbursement, *, reason: str, by: Any) -> None:
    """Stop a payment before it is released; money already taken goes back to the commitment."""
    fire(disbursement, "cancel", by=by, note=reason, reason=reason)


def _number(tranche: Tranche) -> str:
    """``…-ZF01``; a payment requested anew is ``…-ZF01-2``."""
    before = db.session.scalar(
        select(func.count()).select_from(Disbursement).where(Disbursement.tranche_id == tranche.id)
    )
    number = f"{tranche.commitment.number}-ZF{tranche.number:02d}"
    return f"{number}-{before + 1}" if before else number


def _open(sealed: str) -> str:
    return _cipher().decrypt(sealed.encode()).decode()


def _cipher() -> Fernet:
    """The key of payee accounts: a secret of this instance, outside the database."""
    cached = current_app.extensions.get("payee_key")
    if cached is None:
        path = Path(current_app.instance_path) / "keys" / "payee.key"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_suffix(f".{secrets.token_hex(6)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(Fernet.generate_key())
            # Two processes starting at once: the first link stays, the second uses it.
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        cached = current_app.extensions["payee_key"] = path.read_bytes()
    return Fernet(cached)
