"""Writing payee accounts and payments."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM, record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.sealing import seal, unseal
from core.text import N_, Message
from finance.commitments.models import Tranche
from finance.disbursements import policy
from finance.disbursements.lifecycle import refuse_failed
from finance.disbursements.models import Disbursement, PayeeAccount, PaymentLimit
from finance.disbursements.queries import (
    account_names,
    approving_people,
    disbursement_of,
    limit_for,
    stuck_payments,
    successor_of,
    till_findings,
    to_reissue,
)
from finance.disbursements.rules import SOURCE_ACCOUNT, SOURCE_CONTRACT, above, same_name
from registry.accounts.models import User
from registry.accounts.services import notify_organization
from registry.organizations.models import Organization


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
        number_sealed=seal("payee", digits.encode()),
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
    account.confirmed_at = clock.now()
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


def account_number(account: PayeeAccount) -> str:
    """The full number for the file that goes to the treasury; whoever hands the file out writes it down."""
    return _open(account.number_sealed)


def request_running(
    tranche: Tranche, *, payee_account: PayeeAccount, receipt_number: str, basis: str, by: Any
) -> Disbursement:
    """Ask for a tranche that no project here claims: of what ran already when the books were opened.

    ``basis`` says by which papers the condition of the tranche is met; it stays with the payment, for the
    reviewer and the leader to read.
    """
    refusal = policy.may_request(by, tranche)
    if refusal is not None:
        raise refusal
    if not basis.strip():
        raise Refusal(
            Message(N_("Say by which papers the condition of the tranche is met.")),
            rule="RDT-a",
            source=SOURCE_CONTRACT,
        )
    return request_disbursement(
        tranche, payee_account=payee_account, receipt_number=receipt_number, note=basis.strip(), by=by
    )


def request_disbursement(
    tranche: Tranche, *, payee_account: PayeeAccount, receipt_number: str, note: str = "", by: Any
) -> Disbursement:
    """Ask for the payment of a tranche, whole, once; a ``note`` stands in the history of the payment.

    Refused when a payment of it is under way or done, when the till finds a fault, or to a person
    who is excluded. After a returned or cancelled payment the new one names the old.
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
    before = to_reissue(tranche)
    away = by.in_place_of("disbursement.request", commitment.agency_id)
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
        in_place_of={"requested": away} if away is not None else None,
        reissues_id=before.id if before is not None else None,
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
            **({"note": note} if note else {}),
            **({"reissues": before.number} if before is not None else {}),
            **_lent(disbursement, "requested"),
        },
    )
    return disbursement


def reissue(
    disbursement: Disbursement, *, payee_account: PayeeAccount, receipt_number: str, by: Any
) -> Disbursement:
    """A payment that came back or was cancelled, issued anew; the old one stays as it ended."""
    if disbursement.state not in ("returned", "cancelled"):
        raise Refusal(
            Message(N_("Only a payment that was returned or cancelled is issued again.")), status=409
        )
    after = successor_of(disbursement)
    if after is not None:
        raise Refusal(
            Message(N_("This payment was already issued again as %(number)s."), {"number": after.number}),
            rule="RDT",
            status=409,
        )
    made = request_disbursement(
        disbursement.tranche, payee_account=payee_account, receipt_number=receipt_number, by=by
    )
    if made.reissues_id != disbursement.id:
        raise Refusal(
            Message(N_("A later payment of this tranche is the one to issue again.")), rule="RDT", status=409
        )
    return made


def review(disbursement: Disbursement, *, by: Any) -> None:
    """复核: a second person of finance."""
    fire(disbursement, "review", by=by, details=_lending(disbursement, by, "reviewed"))


def approve(disbursement: Disbursement, *, by: Any) -> None:
    """审批: the leader; above a limit two leaders. The last approval takes the money off the commitment."""
    if disbursement.state == "first_approved":
        name, place = "second_approve", "second_approved"
    else:
        over = above(disbursement.amount, limit_for(disbursement, by))
        name, place = ("first_approve" if over else "approve"), "approved"
    fire(
        disbursement,
        name,
        by=by,
        details={"amount": disbursement.amount, **_lending(disbursement, by, place)},
    )


def release(disbursement: Disbursement, *, by: Any) -> None:
    """The order goes to the bank."""
    fire(disbursement, "release", by=by, details=_lending(disbursement, by, "released"))


def _lending(disbursement: Disbursement, by: Any, place: str) -> dict[str, int]:
    """For whom the step is taken, when the power to take it is lent."""
    away = by.in_place_of(policy.PERMISSION_OF[place], disbursement.agency_id)
    return {"in_place_of": away} if away is not None else {}


def _lent(disbursement: Disbursement, place: str) -> dict[str, int]:
    away = (disbursement.in_place_of or {}).get(place)
    return {"in_place_of": away} if away is not None else {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payment of several; ``refusal`` says why it stayed as it was."""

    disbursement: Disbursement
    refusal: Refusal | None


def each(step: Callable[..., None], disbursements: Iterable[Disbursement], *, by: Any) -> list[Outcome]:
    """Take a step on several payments; what is refused for one does not hold up the others.

    In the order of their commitments, so that two people at it do not wait for one another in a ring.
    """
    outcomes = []
    for item in sorted(disbursements, key=lambda row: (row.commitment_id, row.id)):
        try:
            with db.session.begin_nested():
                step(item, by=by)
            outcomes.append(Outcome(item, None))
        except Refusal as refusal:
            outcomes.append(Outcome(item, refusal))
    return outcomes


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
    """The bank sent the money back: it is committed again and the payment may be issued anew."""
    fire(disbursement, "return", by=by, note=reason, reason=reason)
    _tell(disbursement, "payment_returned", reason=reason)


def cancel(disbursement: Disbursement, *, reason: str, by: Any) -> None:
    """Stop a payment before it is released; money already taken goes back to the commitment."""
    name = "cancel_approved" if disbursement.state == "approved" else "cancel"
    fire(disbursement, name, by=by, note=reason, reason=reason)


def note_stuck() -> list[Disbursement]:
    """Find released payments that the bank has not answered in time; each is noted once."""
    noted = []
    for item in stuck_payments(select(Disbursement).where(Disbursement.stuck_noted_on.is_(None))):
        changed = db.session.execute(
            update(Disbursement)
            .where(
                Disbursement.id == item.disbursement.id,
                Disbursement.state == "released",
                Disbursement.stuck_noted_on.is_(None),
            )
            .values(stuck_noted_on=clock.today())
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount == 1:  # type: ignore[attr-defined]
            db.session.refresh(item.disbursement)
            record(item.disbursement, "stuck_noted", by=SYSTEM, details={"due": item.due})
            noted.append(item.disbursement)
    return noted


def set_limit(user: User, agency_id: int, amount: Money, *, by: Any) -> PaymentLimit:
    """Up to how much ``user`` approves alone at this unit; it holds once a second person confirms it."""
    if not by.may("limit.set", agency_id=agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if by.id == user.id:
        raise Refusal(
            Message(N_("Nobody sets their own limit: another person of finance does.")),
            rule="RAP-3",
            source=policy.SEPARATION,
            status=403,
        )
    if not any(item.user_id == user.id for item in approving_people([agency_id])):
        raise Refusal(Message(N_("%(name)s does not approve payments at this unit."), {"name": user.name}))
    if amount < Money(0):
        raise Refusal(Message(N_("A limit is zero or more.")))
    _end_limits(user.id, agency_id, confirmed=False)
    limit = PaymentLimit(
        agency_id=agency_id, user_id=user.id, amount=amount, set_by=by.actor_id, set_at=clock.now()
    )
    db.session.add(limit)
    db.session.flush()
    record(limit, "set", by=by, details={"user": user.id, "amount": amount})
    return limit


def confirm_limit(limit: PaymentLimit, *, by: Any) -> None:
    """The second person: from now on it holds, and ends the one before it."""
    refusal = policy.may_confirm_limit(by, limit)
    if refusal is not None:
        raise refusal
    db.session.refresh(limit, ["confirmed_by", "ended_on"], with_for_update=True)
    if limit.confirmed_by is not None or limit.ended_on is not None:
        raise Refusal(Message(N_("This limit is already confirmed or replaced.")), status=409)
    _end_limits(limit.user_id, limit.agency_id, confirmed=True)
    limit.confirmed_by = by.actor_id
    db.session.flush()
    record(limit, "confirmed", by=by, details={"amount": limit.amount})


def _end_limits(user_id: int, agency_id: int, *, confirmed: bool) -> None:
    for old in db.session.scalars(
        select(PaymentLimit).where(
            PaymentLimit.user_id == user_id,
            PaymentLimit.agency_id == agency_id,
            PaymentLimit.ended_on.is_(None),
            PaymentLimit.confirmed_by.is_not(None) if confirmed else PaymentLimit.confirmed_by.is_(None),
        )
    ):
        old.ended_on = clock.today()
    db.session.flush()


def _number(tranche: Tranche) -> str:
    """``…-ZF01``; a payment requested anew is ``…-ZF01-2``."""
    before = db.session.scalar(
        select(func.count()).select_from(Disbursement).where(Disbursement.tranche_id == tranche.id)
    )
    number = f"{tranche.commitment.number}-ZF{tranche.number:02d}"
    return f"{number}-{before + 1}" if before else number


def _open(sealed: str) -> str:
    return unseal("payee", sealed).decode()
