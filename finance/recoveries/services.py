"""Writing recovery cases: proposed, reviewed, ordered, booked in parts, dropped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import open_holds
from finance.commitments.services import reduce_tranche, return_surplus, shift
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import disbursement_of
from finance.disbursements.rules import SOURCE_CONTRACT
from finance.recoveries import policy, rules
from finance.recoveries.models import Recovery, RecoveryPart
from finance.recoveries.queries import asked_for, came_back, last_number, voucher_used
from registry.accounts.services import notify_organization

Closed = Callable[[Recovery, Any], None]
_told: dict[str, Closed] = {}


def tell_when_closed(name: str, hook: Closed) -> None:
    """Let a room above act when a case is settled or an ordered one dropped: ``hook(recovery, by)``."""
    _told[name] = hook


def propose(
    commitment: Commitment,
    *,
    disbursement: Disbursement | None = None,
    ground: str,
    amount: Money,
    due_on: date,
    reason: str,
    by: Any,
) -> Recovery:
    """经办: paid money of a commitment has to come back, whole or in part.

    Refused above what was paid and not asked for already (RRC-1), and to people tied to the payee.
    """
    if not by.may("recovery.propose", agency_id=commitment.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    policy.require_outside_eyes(by, commitment)
    recovery = _draft(
        commitment,
        disbursement=disbursement,
        ground=ground,
        amount=amount,
        due_on=due_on,
        reason=reason,
        proposed_by=by.actor_id,
    )
    record(
        recovery, "proposed", by=by, details={"number": recovery.number, "amount": amount, "ground": ground}
    )
    return recovery


def order_decided(
    commitment: Commitment,
    *,
    ground: str,
    amount: Money,
    due_on: date,
    reason: str,
    basis: str,
    proposed_by: int,
    reviewed_by: int,
    money_reviewed_by: int,
    by: Any,
) -> Recovery:
    """A case that a decision elsewhere has ordered already, by the same four people (a termination)."""
    recovery = _draft(
        commitment,
        ground=ground,
        amount=amount,
        due_on=due_on,
        reason=reason,
        proposed_by=proposed_by,
        reviewed_by=reviewed_by,
        money_reviewed_by=money_reviewed_by,
        ordered_by=by.actor_id,
        ordered_on=clock.today(),
        basis=basis,
        state="ordered",
    )
    record(recovery, "ordered", by=by, details={"number": recovery.number, "amount": amount, "basis": basis})
    _tell(recovery)
    return recovery


def _draft(
    commitment: Commitment,
    *,
    disbursement: Disbursement | None = None,
    ground: str,
    amount: Money,
    due_on: date,
    reason: str,
    **people: Any,
) -> Recovery:
    # Two cases at once wait for one another here: both may not ask for the same money.
    db.session.execute(select(Commitment.id).where(Commitment.id == commitment.id).with_for_update())
    if ground not in rules.GROUNDS:
        raise ValueError(f"unknown ground {ground}")
    if disbursement is not None and (
        disbursement.commitment_id != commitment.id or disbursement.state != "paid"
    ):
        raise Refusal(Message(N_("Only a paid payment of this commitment can be asked back.")), status=409)
    if not reason.strip():
        raise Refusal(Message(N_("Write the facts that the case rests on.")))
    if due_on < clock.today():
        raise Refusal(Message(N_("The day until which the money has to be back lies in the past.")))
    _refuse(rules.amount_finding(amount, **_base(commitment)))
    if disbursement is not None:
        _refuse(rules.amount_finding(amount, **_base(commitment, disbursement)))
    recovery = Recovery(
        agency_id=commitment.agency_id,
        commitment=commitment,
        disbursement=disbursement,
        number=f"{commitment.number}-ZH{last_number(commitment.id) + 1:02d}",
        ground=ground,
        amount=amount,
        due_on=due_on,
        reason=reason.strip(),
        proposed_at=clock.now(),
        **people,
    )
    db.session.add(recovery)
    db.session.flush()
    return recovery


def _base(commitment: Commitment, disbursement: Disbursement | None = None) -> dict[str, Money]:
    paid, asked = asked_for(commitment, disbursement)
    return {"paid": paid, "asked": asked}


def _refuse(finding: Finding) -> None:
    if finding.verdict is Verdict.FAIL:
        raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)


def review_legal(recovery: Recovery, *, by: Any) -> None:
    """复核 (法务): the ground holds."""
    fire(recovery, "review_legal", by=by)


def review_money(recovery: Recovery, *, by: Any) -> None:
    """复核 (财务): the amount is right."""
    fire(recovery, "review_money", by=by)


def order(recovery: Recovery, *, basis: str, by: Any) -> None:
    """审批: the leader orders it on the ground of the meeting; the payee is told."""
    fire(recovery, "order", by=by, details={"basis": basis.strip()}, basis=basis)
    _tell(recovery)


def drop(recovery: Recovery, *, reason: str, by: Any) -> None:
    """The case leads to nothing (more); what has come back stays booked."""
    ordered = recovery.state == "ordered"
    fire(recovery, "drop", by=by, note=reason.strip(), reason=reason)
    if ordered:
        for hook in _told.values():
            hook(recovery, by)


def book_return(
    recovery: Recovery, amount: Money, *, received_on: date, voucher_number: str, by: Any
) -> RecoveryPart:
    """Money that came back, with the bank's voucher: off what was paid, to the budgets it came from."""
    _require_booker(recovery, by)
    voucher_number = voucher_number.strip()
    if not voucher_number:
        raise Refusal(Message(N_("Write the number of the bank's voucher.")))
    if received_on > clock.today():
        raise Refusal(Message(N_("The day of the return lies in the future.")))
    _lock(recovery)
    if voucher_used(recovery, voucher_number):
        raise Refusal(
            Message(N_("Voucher %(number)s is already booked in this case."), {"number": voucher_number}),
            rule="RRC-2",
            source=rules.SOURCE_AMOUNT,
            status=409,
        )
    part = _part(recovery, amount, received_on=received_on, voucher_number=voucher_number, by=by)
    _give_back(recovery, part, memo=voucher_number, by=by)
    return part


def book_offset(recovery: Recovery, tranche: Tranche, amount: Money, *, by: Any) -> RecoveryPart:
    """Set off against a tranche that is still owed to the same payee (抵扣).

    The tranche falls by the amount, which counts as paid on its commitment: the payee holds it already.
    The case's own commitment gets the same amount back to its budgets. Nothing leaves the bank.
    """
    _require_booker(recovery, by)
    _lock(recovery)
    taker = tranche.commitment
    # The till waits here too when it asks for this tranche.
    db.session.refresh(tranche, ["amount"], with_for_update=True)
    _require_target(recovery, tranche)
    if amount > tranche.amount:
        raise Refusal(
            Message(
                N_("“%(tranche)s” still pays %(planned)s yuan: no more can be set off against it."),
                {"tranche": tranche.title, "planned": tranche.amount},
            ),
            rule="RRC-3",
            source=rules.SOURCE_OFFSET,
            status=409,
        )
    part = _part(recovery, amount, received_on=clock.today(), tranche_id=tranche.id, by=by)
    shift(
        taker,
        "committed",
        "paid",
        amount,
        kind="offset",
        key=f"offset/{part.id}",
        reference=("recovery", recovery.id),
        memo=recovery.number,
        by=by,
    )
    reduce_tranche(tranche, tranche.amount - amount, reason=recovery.number, by=by)
    _give_back(recovery, part, memo=tranche.commitment.number, by=by)
    return part


def _require_target(recovery: Recovery, tranche: Tranche) -> None:
    taker = tranche.commitment
    if (
        taker.organization_id != recovery.commitment.organization_id
        or taker.agency_id != recovery.agency_id
        or taker.ended_on is not None
    ):
        raise Refusal(
            Message(N_("Set off only against what this unit still owes to the same payee.")),
            rule="RRC-3",
            source=rules.SOURCE_OFFSET,
            status=409,
        )
    alive = disbursement_of(tranche)
    if alive is not None:
        raise Refusal(
            Message(N_("This tranche is already being paid or paid: %(number)s."), {"number": alive.number}),
            rule="RRC-3",
            source=rules.SOURCE_OFFSET,
            status=409,
        )
    if open_holds(taker):
        raise Refusal(
            Message(N_("Payments on that commitment are stopped: nothing is set off against it meanwhile.")),
            rule="RDT-d",
            source=SOURCE_CONTRACT,
            status=409,
        )


def _require_booker(recovery: Recovery, by: Any) -> None:
    if not by.may("recovery.book", agency_id=recovery.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    policy.require_outside_eyes(by, recovery.commitment)
    policy.require_separate(recovery, "booked", by)


def _lock(recovery: Recovery) -> None:
    db.session.flush()
    db.session.refresh(recovery, ["state", "recovered"], with_for_update=True)
    if recovery.state != "ordered":
        raise Refusal(
            Message(N_("Money is booked on an ordered case only.")),
            rule="RAP-2",
            source=policy.SEPARATION,
            status=409,
        )


def _part(recovery: Recovery, amount: Money, *, by: Any, **facts: Any) -> RecoveryPart:
    _refuse(rules.part_finding(amount, left=recovery.open_amount))
    part = RecoveryPart(recovery=recovery, amount=amount, booked_by=by.actor_id, **facts)
    recovery.recovered = recovery.recovered + amount
    db.session.add(part)
    db.session.flush()
    return part


def _give_back(recovery: Recovery, part: RecoveryPart, *, memo: str, by: Any) -> None:
    """The paid side of the case, and its end when nothing is open."""
    return_surplus(
        recovery.commitment,
        part.amount,
        key=f"recovery/{part.id}",
        kind="recovered",
        reference=("recovery", recovery.id),
        memo=memo,
        by=by,
    )
    record(
        recovery,
        "booked",
        by=by,
        details={
            "amount": part.amount,
            "voucher": part.voucher_number,
            "tranche": part.tranche_id,
            "open": recovery.open_amount,
        },
    )
    if recovery.open_amount:
        return
    fire(recovery, "settle", by=by)
    payment = recovery.disbursement
    if payment is not None and payment.state == "paid" and came_back(payment) == payment.amount:
        fire(payment, "recover", by=by)
    for hook in _told.values():
        hook(recovery, by)


def _tell(recovery: Recovery) -> None:
    commitment = recovery.commitment
    notify_organization(
        commitment.organization_id,
        "recovery_ordered",
        {
            "title": commitment.title,
            "number": recovery.number,
            "amount": recovery.amount,
            "due": recovery.due_on,
            "reason": recovery.reason,
        },
        agency_id=recovery.agency_id,
    )
