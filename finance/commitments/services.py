"""Writing commitments: money reserved, bound in tranches, held, ended, and given back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.commitments.models import Commitment, ExcludedPerson, Hold, Tranche
from finance.commitments.queries import KINDS, excluded_people
from finance.funds.models import Earmark
from finance.ledger.models import Account, Transfer
from finance.ledger.services import account_of, move
from registry.organizations.models import Organization

HOLD_REASONS = ("rectification", "suspension", "objection")
TRACKS = ("venture_grant", "service_purchase")


def reserve(earmark: Earmark, amount: Money, *, key: str, by: Actor) -> Transfer:
    """Keep money of an earmark for a proposed grant; ``key`` names what for ("application/17")."""
    available, reserved = _earmark_accounts(earmark)
    return move(
        "reserved",
        key=f"reserve/{key}",
        legs=[(available, -amount), (reserved, amount)],
        reference=("earmark", earmark.id),
        by=by,
    )


def cancel_reservation(earmark: Earmark, amount: Money, *, key: str, by: Actor) -> Transfer:
    """Give a reservation back to its earmark."""
    available, reserved = _earmark_accounts(earmark)
    return move(
        "reservation_cancelled",
        key=f"unreserve/{key}",
        legs=[(reserved, -amount), (available, amount)],
        reference=("earmark", earmark.id),
        by=by,
    )


def commit(
    earmark: Earmark,
    *,
    organization: Organization,
    number: str,
    title: str,
    track: str,
    amount: Money,
    starts_on: date,
    ends_on: date,
    tranches: Sequence[tuple[int, str, str]],
    from_reservation: bool,
    by: Actor,
) -> Commitment:
    """Owe ``amount`` to ``organization``, in tranches of (weight, title, condition).

    The tranches sum to the amount exactly; the last takes the remainder (RDT). The money comes
    from what was reserved, or straight from the earmark.
    """
    _require_positive(amount)
    if track not in TRACKS:
        raise ValueError(f"unknown track {track}")
    if not tranches or any(weight <= 0 for weight, _title, _condition in tranches):
        raise ValueError("each tranche has a weight above zero")
    if ends_on < starts_on:
        raise Refusal(Message(N_("The last day lies before the first day.")))
    if db.session.scalar(select(Commitment.id).where(Commitment.number == number)):
        raise Refusal(Message(N_("The number %(number)s is already in use."), {"number": number}), status=409)
    commitment = Commitment(
        agency_id=earmark.agency_id,
        earmark_id=earmark.id,
        organization_id=organization.id,
        number=number,
        title=title,
        track=track,
        amount=amount,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    parts = amount.split([weight for weight, _title, _condition in tranches])
    for place, ((_weight, name, condition), part) in enumerate(zip(tranches, parts, strict=True), 1):
        commitment.tranches.append(
            Tranche(number=place, title=name, condition=condition, original_amount=part, amount=part)
        )
    db.session.add(commitment)
    db.session.flush()
    available, reserved = _earmark_accounts(earmark)
    accounts = open_accounts(commitment, available)
    move(
        "committed",
        key=f"commitment/{commitment.id}",
        legs=[(reserved if from_reservation else available, -amount), (accounts["committed"], amount)],
        reference=("commitment", commitment.id),
        memo=number,
        by=by,
    )
    record(
        commitment,
        "committed",
        by=by,
        details={"number": number, "amount": amount, "tranches": [part.plain() for part in parts]},
    )
    return commitment


def open_accounts(commitment: Commitment, parent: Account) -> dict[str, Account]:
    """The ledger accounts of a commitment, fed from the earmark's account."""
    return {
        kind: account_of("commitment", commitment.id, kind, agency_id=commitment.agency_id, parent=parent)
        for kind in KINDS
    }


def place_hold(commitment: Commitment, *, reason: str, text: str, by: Actor) -> Hold:
    """Stop every payment on the commitment until the hold is lifted."""
    if reason not in HOLD_REASONS:
        raise ValueError(f"unknown reason {reason}")
    hold = Hold(
        commitment=commitment,
        commitment_id=commitment.id,
        reason=reason,
        text=text,
        placed_at=clock.now(),
        placed_by=by.actor_id,
    )
    db.session.add(hold)
    db.session.flush()
    record(commitment, "held", by=by, details={"hold": hold.id, "reason": reason, "text": text})
    return hold


def lift_hold(hold: Hold, *, by: Actor) -> None:
    """Let payments go on; a hold lifted already stays as it is."""
    if hold.lifted_at is not None:
        return
    hold.lifted_at = clock.now()
    hold.lifted_by = by.actor_id
    db.session.flush()
    record(hold.commitment, "hold_lifted", by=by, details={"hold": hold.id, "reason": hold.reason})


def exclude(commitment: Commitment, person_ids: Iterable[int], *, reason: str, by: Actor) -> None:
    """Name people who may take no part in paying this commitment (those who scored, kin)."""
    known = excluded_people(commitment)
    new = sorted(set(person_ids) - set(known))
    for person_id in new:
        db.session.add(ExcludedPerson(commitment_id=commitment.id, person_id=person_id, reason=reason))
    if new:
        db.session.flush()
        record(commitment, "people_excluded", by=by, details={"people": new, "reason": reason})


def reduce_tranche(tranche: Tranche, amount: Money, *, reason: str, by: Actor) -> None:
    """Plan less for a tranche than was agreed (audited cost, a grade); never more."""
    if not Money(0) <= amount <= tranche.amount:
        raise Refusal(
            Message(
                N_("A tranche can only be reduced: planned are %(planned)s yuan, asked for %(asked)s yuan."),
                {"planned": tranche.amount, "asked": amount},
            ),
            rule="RDT",
        )
    before, tranche.amount = tranche.amount, amount
    db.session.flush()
    record(
        tranche.commitment,
        "tranche_reduced",
        by=by,
        details={"tranche": tranche.number, "from": before, "to": amount, "reason": reason},
    )


def shift(
    commitment: Commitment,
    giver: str,
    taker: str,
    amount: Money,
    *,
    kind: str,
    key: str,
    reference: tuple[str, int],
    memo: str = "",
    by: Actor,
) -> list[Transfer]:
    """Move money between the commitment's own accounts (``KINDS``), split over its sources to the fen.

    One transfer for each source that takes part. The same ``key`` again gives the first transfers.
    """
    accounts = _accounts(commitment)
    return [
        move(
            kind,
            key=key,
            legs=[(accounts[giver], -amount), (accounts[taker], amount)],
            reference=reference,
            memo=memo,
            by=by,
        )
    ]


def return_surplus(commitment: Commitment, amount: Money, *, key: str, by: Actor) -> Transfer:
    """Paid money that came back: off what was paid, through the returned account, to the budget."""
    _require_positive(amount)
    accounts = _accounts(commitment)
    transfer = move(
        "surplus_returned",
        key=f"surplus/{key}",
        legs=[(accounts["paid"], -amount), (accounts["returned"], amount)],
        reference=("commitment", commitment.id),
        by=by,
    )
    budget = account_of("budget", commitment.earmark.budget_id, "budget")
    move(
        "surplus_to_budget",
        key=f"surplus/{key}/budget",
        legs=[(accounts["returned"], -amount), (budget, amount)],
        reference=("commitment", commitment.id),
        by=by,
    )
    record(commitment, "surplus_returned", by=by, details={"amount": amount, "key": key})
    return transfer


def release_remainder(commitment: Commitment, *, by: Actor) -> Money:
    """Give what will not be paid any more back to the earmark; returns the amount, which may be zero."""
    committed = _accounts(commitment)["committed"]
    db.session.refresh(committed, with_for_update=True)
    amount = committed.balance
    if not amount:
        return amount
    available, _reserved = _earmark_accounts(commitment.earmark)
    move(
        "remainder_released",
        key=f"commitment/{commitment.id}/release/{committed.last_seq}",
        legs=[(committed, -amount), (available, amount)],
        reference=("commitment", commitment.id),
        by=by,
    )
    record(commitment, "remainder_released", by=by, details={"amount": amount})
    return amount


def end(commitment: Commitment, *, on: date, by: Actor) -> None:
    """Nothing more will be owed; what is still committed is to be released first."""
    if commitment.ended_on is not None:
        raise Refusal(Message(N_("This commitment has already ended.")), status=409)
    commitment.ended_on = on
    db.session.flush()
    record(commitment, "ended", by=by, details={"on": on})


def _earmark_accounts(earmark: Earmark) -> tuple[Account, Account]:
    return account_of("earmark", earmark.id, "earmark"), account_of("earmark", earmark.id, "reserved")


def _accounts(commitment: Commitment) -> dict[str, Account]:
    return open_accounts(commitment, account_of("earmark", commitment.earmark_id, "earmark"))


def _require_positive(amount: Money) -> None:
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
