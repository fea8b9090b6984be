"""Writing commitments: money reserved, bound in tranches, held, ended, and given back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import at_end, db
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from finance.commitments.models import Commitment, CommitmentShare, ExcludedPerson, Hold, Tranche
from finance.commitments.queries import KINDS, excluded_people, open_holds, payments_of, running_commitments
from finance.commitments.rules import SOURCE_TRANCHES, apportion
from finance.funds.models import Earmark
from finance.funds.policy import use_findings
from finance.ledger.models import Account, Transfer
from finance.ledger.queries import balances, net_of
from finance.ledger.services import account_of, move
from finance.purchasing.services import note_paid
from registry.organizations.models import Organization
from registry.outcomes.models import OutcomeCase
from registry.outcomes.services import when_decided

HOLD_REASONS = ("rectification", "suspension", "objection", "termination", "outcome")
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
    shares: Sequence[tuple[Earmark, Money]] = (),
    by: Actor,
) -> Commitment:
    """Owe ``amount`` to ``organization``, in tranches of (weight, title, condition).

    The tranches sum to the amount exactly; the last takes the remainder (RDT). The money comes
    from what was reserved, or straight from the earmark. With ``shares`` several earmarks give
    their part, ``earmark`` first; what was reserved on it above its part becomes free again.
    """
    _require_positive(amount)
    if track not in TRACKS:
        raise ValueError(f"unknown track {track}")
    if not tranches or any(weight <= 0 for weight, _title, _condition in tranches):
        raise ValueError("each tranche has a weight above zero")
    if ends_on < starts_on:
        raise Refusal(Message(N_("The last day lies before the first day.")))
    parts_of = _checked_shares(earmark, amount, shares, title)
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
    for place, (giver, part) in enumerate(parts_of, 1):
        commitment.shares.append(
            CommitmentShare(number=place, earmark=giver, agency_id=giver.agency_id, amount=part)
        )
    db.session.add(commitment)
    db.session.flush()
    for share in commitment.shares:
        available, reserved = _earmark_accounts(share.earmark)
        first = share.number == 1
        move(
            "committed",
            key=f"commitment/{commitment.id}" if first else f"commitment/{commitment.id}/{share.number}",
            legs=[
                (reserved if first and from_reservation else available, -share.amount),
                (_accounts(share)["committed"], share.amount),
            ],
            reference=("commitment", commitment.id),
            memo=number,
            by=by,
        )
    if from_reservation and amount > parts_of[0][1]:
        cancel_reservation(earmark, amount - parts_of[0][1], key=f"commitment/{commitment.id}", by=by)
    record(
        commitment,
        "committed",
        by=by,
        details={
            "number": number,
            "amount": amount,
            "tranches": [part.plain() for part in parts],
            "sources": {str(giver.id): part.plain() for giver, part in parts_of},
        },
    )
    return commitment


def _checked_shares(
    earmark: Earmark, amount: Money, shares: Sequence[tuple[Earmark, Money]], title: str
) -> list[tuple[Earmark, Money]]:
    """The sources as agreed; refuses what does not add up or breaks the rules of one of them."""
    if not shares:
        return [(earmark, amount)]
    given = list(shares)
    if given[0][0].id != earmark.id or len({giver.id for giver, _part in given}) != len(given):
        raise ValueError("the commitment's own earmark comes first, each earmark once")
    for _giver, part in given:
        _require_positive(part)
    total = sum((part for _giver, part in given), Money(0))
    if total != amount:
        raise Refusal(
            Message(
                N_("The sources sum to %(total)s yuan; %(amount)s yuan are needed."),
                {"total": total, "amount": amount},
            ),
            rule="RBG-2",
        )
    for giver, _part in given[1:]:
        for finding in use_findings(giver.budget.fund_source, purpose=earmark.purpose, title=title):
            if finding.verdict is Verdict.FAIL:
                raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    return given


def _accounts(share: CommitmentShare) -> dict[str, Account]:
    """The ledger accounts of one source's part, fed from its earmark; made when missing."""
    known = balances("commitment_share", [share.id]).get(share.id, {})
    if all(kind in known for kind in KINDS):
        return known
    parent = account_of("earmark", share.earmark_id, "earmark")
    return {
        kind: account_of("commitment_share", share.id, kind, agency_id=share.agency_id, parent=parent)
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
    """Plan less for a tranche than was agreed (audited cost, a grade); never more.

    Refused while a payment of it is under way or done: what was asked for would no longer be what is planned.
    """
    # A request for this tranche waits here too.
    db.session.execute(select(Tranche.id).where(Tranche.id == tranche.id).with_for_update())
    payment = payments_of([tranche]).get(tranche.id)
    if payment is not None and payment.alive:
        raise Refusal(
            Message(
                N_("This tranche is already being paid or paid: %(number)s."), {"number": payment.number}
            ),
            rule="RDT",
            source=SOURCE_TRANCHES,
            status=409,
        )
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


def plan_days(commitment: Commitment, days: Mapping[int, date | None], *, by: Any) -> None:
    """Agree on the days on which tranches fall due, by number; ``None``: as the condition lets expect.

    A tranche falls due after the agreement begins and not before the tranche that comes before it.
    """
    if not by.may("disbursement.request", agency_id=commitment.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if commitment.ended_on is not None:
        raise Refusal(Message(N_("This commitment has already ended.")), status=409)
    changed = {}
    last = commitment.starts_on
    for tranche in commitment.tranches:
        day = days.get(tranche.number, tranche.due_on)
        if day is not None and day < last:
            raise Refusal(
                Message(
                    N_("“%(tranche)s” falls due on %(last)s at the earliest."),
                    {"tranche": tranche.title, "last": last.isoformat()},
                ),
                rule="RDT",
                source=SOURCE_TRANCHES,
            )
        last = day or last
        if day != tranche.due_on:
            changed[str(tranche.number)] = day.isoformat() if day is not None else ""
            tranche.due_on = day
    if changed:
        db.session.flush()
        record(commitment, "due_days_set", by=by, details=changed)


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
    booked_on: date | None = None,
    by: Actor,
) -> list[Transfer]:
    """Move money between the commitment's own accounts (``KINDS``), split over its sources to the fen.

    One transfer for each source that takes part. The same ``key`` again gives the first transfers.
    What was paid on a contract of the purchase table is brought up to date before the commit.
    """
    if "paid" in (giver, taker):
        number = commitment.id
        at_end(("paid", number), lambda: note_paid([number], by=by))
    shares = commitment.shares
    if len(shares) == 1:
        accounts = _accounts(shares[0])
        legs = [(accounts[giver], -amount), (accounts[taker], amount)]
        return [move(kind, key=key, legs=legs, reference=reference, memo=memo, booked_on=booked_on, by=by)]
    books = [_accounts(share) for share in shares]
    givers = _locked([account[giver] for account in books])
    first = list(
        db.session.scalars(
            select(Transfer)
            .where(Transfer.key.in_([f"{key}/{share.number}" for share in shares]))
            .order_by(Transfer.id)
        )
    )
    if first:
        return first
    return [
        move(
            kind,
            key=f"{key}/{share.number}",
            legs=[(account[giver], -part), (account[taker], part)],
            reference=reference,
            memo=memo,
            booked_on=booked_on,
            by=by,
        )
        for share, account, part in zip(shares, books, _parts(givers, amount, giver, reference), strict=True)
        if part
    ]


def _locked(accounts: list[Account]) -> list[Account]:
    """The accounts as they are now, in the given order, held until the transaction ends."""
    ids = [account.id for account in accounts]
    now = {
        account.id: account
        for account in db.session.scalars(
            select(Account)
            .where(Account.id.in_(ids))
            .order_by(Account.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    }
    return [now[row_id] for row_id in ids]


def _parts(givers: list[Account], amount: Money, giver: str, reference: tuple[str, int]) -> list[Money]:
    """How much each source moves: on its way a payment keeps the split with which it left."""
    left = [account.balance for account in givers]
    if giver != "committed":
        brought = net_of(reference, [account.id for account in givers])
        own = [brought.get(account.id, Money(0)) for account in givers]
        if sum(own, Money(0)) >= amount and min(own) >= Money(0):
            left = own
    return apportion(amount, left)


def return_surplus(
    commitment: Commitment,
    amount: Money,
    *,
    key: str,
    kind: str = "surplus_returned",
    reference: tuple[str, int] | None = None,
    memo: str = "",
    by: Actor,
) -> list[Transfer]:
    """Paid money that came back: off what was paid, through the returned account, to the budgets.

    Each source gets back in proportion to what it paid. ``kind`` and ``reference`` say on what
    occasion; by default the surplus of the commitment itself.
    """
    _require_positive(amount)
    reference = reference or ("commitment", commitment.id)
    transfers = shift(
        commitment,
        "paid",
        "returned",
        amount,
        kind=kind,
        key=f"surplus/{key}",
        reference=reference,
        memo=memo,
        by=by,
    )
    homes = {_accounts(share)["returned"].id: share for share in commitment.shares}
    for transfer in transfers:
        arrived = next(item for item in transfer.postings if item.amount > Money(0))
        budget = account_of("budget", homes[arrived.account_id].earmark.budget_id, "budget")
        move(
            "surplus_to_budget",
            key=f"{transfer.key}/budget",
            legs=[(arrived.account, -arrived.amount), (budget, arrived.amount)],
            reference=reference,
            memo=memo,
            by=by,
        )
    record(commitment, kind, by=by, details={"amount": amount, "key": key})
    return transfers


def release_remainder(commitment: Commitment, *, by: Actor) -> Money:
    """Give what will not be paid any more back to the earmarks; returns the amount, which may be zero."""
    released = Money(0)
    for share in commitment.shares:
        committed = _accounts(share)["committed"]
        db.session.refresh(committed, with_for_update={"key_share": True})
        if not committed.balance:
            continue
        amount = committed.balance
        available, _reserved = _earmark_accounts(share.earmark)
        move(
            "remainder_released",
            key=f"commitment/{commitment.id}/release/{share.number}/{committed.last_seq}",
            legs=[(committed, -amount), (available, amount)],
            reference=("commitment", commitment.id),
            by=by,
        )
        released += amount
    if released:
        record(commitment, "remainder_released", by=by, details={"amount": released})
    return released


def end(commitment: Commitment, *, on: date, by: Actor) -> None:
    """Nothing more will be owed; what is still committed is to be released first."""
    if commitment.ended_on is not None:
        raise Refusal(Message(N_("This commitment has already ended.")), status=409)
    commitment.ended_on = on
    db.session.flush()
    record(commitment, "ended", by=by, details={"on": on})


def _earmark_accounts(earmark: Earmark) -> tuple[Account, Account]:
    return account_of("earmark", earmark.id, "earmark"), account_of("earmark", earmark.id, "reserved")


def _require_positive(amount: Money) -> None:
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))


def _after_outcome(case: OutcomeCase, by: Actor) -> Iterator[tuple[Message, list[int]]]:
    """A payee that is wound up is paid nothing until its projects are settled; one that is active again is."""
    running = running_commitments(case.organization_id, clock.today())
    if case.outcome == "reactivated":
        lifted = [hold for item in running for hold in open_holds(item) if hold.reason == "outcome"]
        for hold in lifted:
            lift_hold(hold, by=by)
        going_on = sorted({hold.commitment_id for hold in lifted})
        yield Message(N_("Commitments on which payments go on")), going_on
        return
    stopped = [item for item in running if all(hold.reason != "outcome" for hold in open_holds(item))]
    for commitment in stopped:
        place_hold(commitment, reason="outcome", text=case.document or case.facts[:200], by=by)
    yield Message(N_("Commitments on which payments were stopped")), [item.id for item in stopped]


when_decided("commitments", _after_outcome)
