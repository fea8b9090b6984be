"""A payment: requested → reviewed → approved → released → paid or returned; cancelled before release.

Above a limit a second leader approves after the first. The last approval takes the money off the
commitment, under the lock of its account: of two payments that compete for the same money one is
approved and the other is told.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor
from core.lifecycle import Lifecycle, State, Transition
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.commitments.services import shift
from finance.disbursements import policy
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import limit_for, till_findings
from finance.disbursements.rules import SOURCE_LIMIT, above
from finance.ledger.queries import book_day


def refuse_failed(findings: list[Finding]) -> None:
    """The first failed check, as a refusal."""
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)


def take_part(disbursement: Disbursement, by: Any) -> None:
    refusal = policy.may_take_part(by, disbursement.commitment)
    if refusal is not None:
        raise refusal


def findings_now(disbursement: Disbursement, by: Any, *, leaving: bool = False) -> list[Finding]:
    return till_findings(
        disbursement.tranche,
        disbursement.payee_account,
        amount=disbursement.amount,
        receipt_number=disbursement.receipt_number,
        disbursement=disbursement,
        people=[by] if by is not None else [],
        leaving=leaving,
    )


def _check(disbursement: Disbursement, by: Any, place: str) -> None:
    """Everything that must hold at each step forward; the findings are kept with the decision."""
    refusal = policy.may_step(by, disbursement, place)
    if refusal is not None:
        raise refusal
    findings = findings_now(disbursement, by, leaving=place == "released")
    refuse_failed(findings)
    disbursement.findings = json.dumps([item.to_dict() for item in findings], ensure_ascii=False)


def _fill(disbursement: Disbursement, by: Any, place: str) -> None:
    """Note who took the step, and in whose place."""
    setattr(disbursement, f"{place}_by", by.actor_id)
    away = by.in_place_of(policy.PERMISSION_OF[place], disbursement.agency_id)
    if away is not None:
        disbursement.in_place_of = {**(disbursement.in_place_of or {}), place: away}


def _review_guard(disbursement: Disbursement, *, by: Actor) -> None:
    _check(disbursement, by, "reviewed")


def _review_effect(disbursement: Disbursement, *, by: Actor) -> None:
    _fill(disbursement, by, "reviewed")


def _approve_guard(disbursement: Disbursement, *, by: Any) -> None:
    _check(disbursement, by, "approved")
    limit = limit_for(disbursement, by)
    if above(disbursement.amount, limit):
        raise Refusal(
            Message(
                N_(
                    "%(amount)s yuan are above the limit of %(limit)s yuan: two leaders approve, one after the other."
                ),
                {"amount": disbursement.amount, "limit": limit},
            ),
            rule="RAP-3",
            source=SOURCE_LIMIT,
            status=409,
        )


def _approve_effect(disbursement: Disbursement, *, by: Actor) -> None:
    _fill(disbursement, by, "approved")
    _shift(disbursement, "disbursement_approved", "committed", "payable", by)


def _first_guard(disbursement: Disbursement, *, by: Actor) -> None:
    _check(disbursement, by, "approved")


def _first_effect(disbursement: Disbursement, *, by: Actor) -> None:
    _fill(disbursement, by, "approved")


def _second_guard(disbursement: Disbursement, *, by: Actor) -> None:
    _check(disbursement, by, "second_approved")


def _second_effect(disbursement: Disbursement, *, by: Actor) -> None:
    _fill(disbursement, by, "second_approved")
    _shift(disbursement, "disbursement_approved", "committed", "payable", by)


def _release_guard(disbursement: Disbursement, *, by: Actor) -> None:
    _check(disbursement, by, "released")


def _release_effect(disbursement: Disbursement, *, by: Actor) -> None:
    _fill(disbursement, by, "released")
    disbursement.released_at = clock.now()


def _paid_guard(disbursement: Disbursement, *, by: Actor, paid_on: date, voucher_number: str) -> None:
    take_part(disbursement, by)
    if paid_on > clock.today():
        raise Refusal(Message(N_("The day of payment lies in the future.")))
    if not voucher_number.strip():
        raise Refusal(Message(N_("Write the number of the bank's voucher.")))


def _paid_effect(disbursement: Disbursement, *, by: Actor, paid_on: date, voucher_number: str) -> None:
    disbursement.paid_on = paid_on
    disbursement.voucher_number = voucher_number.strip()
    # A voucher that comes late is booked on its own day, as long as the books of that month are open.
    units = {share.agency_id for share in disbursement.commitment.shares}
    _shift(
        disbursement,
        "disbursement_paid",
        "payable",
        "paid",
        by,
        memo=voucher_number.strip(),
        booked_on=book_day(units, paid_on),
    )


def _returned_guard(disbursement: Disbursement, *, by: Actor, reason: str) -> None:
    take_part(disbursement, by)
    refusal = policy.may_return(disbursement)
    if refusal is not None:
        raise refusal
    _require_reason(reason)


def _returned_effect(disbursement: Disbursement, *, by: Actor, reason: str) -> None:
    giver = "paid" if disbursement.paid_on is not None else "payable"
    _shift(disbursement, "disbursement_returned", giver, "committed", by, memo=reason)


def _cancel_guard(disbursement: Disbursement, *, by: Actor, reason: str) -> None:
    refusal = policy.may_cancel(by, disbursement)
    if refusal is not None:
        raise refusal
    take_part(disbursement, by)
    _require_reason(reason)


def _give_back(disbursement: Disbursement, *, by: Actor, reason: str) -> None:
    _shift(disbursement, "disbursement_cancelled", "payable", "committed", by, memo=reason)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Say why: the reason stays with the payment.")))


def _shift(
    disbursement: Disbursement,
    kind: str,
    giver: str,
    taker: str,
    by: Actor,
    memo: str = "",
    booked_on: date | None = None,
) -> None:
    shift(
        disbursement.commitment,
        giver,
        taker,
        disbursement.amount,
        kind=kind,
        key=f"disbursement/{disbursement.id}/{kind}",
        reference=("disbursement", disbursement.id),
        memo=memo or disbursement.number,
        booked_on=booked_on,
        by=by,
    )


DISBURSEMENT = Lifecycle(
    Disbursement,
    states=(
        State("requested", N_("waiting for review"), "waiting"),
        State("reviewed", N_("waiting for approval"), "waiting"),
        State("first_approved", N_("waiting for the second leader"), "waiting"),
        State("approved", N_("approved, to be released"), "active"),
        State("released", N_("released to the bank"), "active"),
        State("paid", N_("paid"), "done"),
        State("returned", N_("returned by the bank"), "wrong"),
        State("cancelled", N_("cancelled"), "closed"),
        State("recovered", N_("recovered"), "closed"),
    ),
    transitions=(
        Transition(
            "review",
            ("requested",),
            "reviewed",
            N_("Pass the review"),
            "reviewed",
            permission="disbursement.review",
            guard=_review_guard,
            effect=_review_effect,
        ),
        Transition(
            "approve",
            ("reviewed",),
            "approved",
            N_("Approve the payment"),
            "approved",
            permission="disbursement.approve",
            guard=_approve_guard,
            effect=_approve_effect,
        ),
        Transition(
            "first_approve",
            ("reviewed",),
            "first_approved",
            N_("Approve as the first leader"),
            "first_approved",
            permission="disbursement.approve",
            guard=_first_guard,
            effect=_first_effect,
        ),
        Transition(
            "second_approve",
            ("first_approved",),
            "approved",
            N_("Approve as the second leader"),
            "second_approved",
            permission="disbursement.approve",
            guard=_second_guard,
            effect=_second_effect,
        ),
        Transition(
            "release",
            ("approved",),
            "released",
            N_("Release to the bank"),
            "released",
            permission="disbursement.pay",
            guard=_release_guard,
            effect=_release_effect,
        ),
        Transition(
            "pay",
            ("released",),
            "paid",
            N_("Record the payment"),
            "paid",
            permission="disbursement.pay",
            guard=_paid_guard,
            effect=_paid_effect,
        ),
        Transition(
            "return",
            ("released", "paid"),
            "returned",
            N_("Record the bank's return"),
            "returned",
            permission="disbursement.pay",
            guard=_returned_guard,
            effect=_returned_effect,
        ),
        Transition(
            "cancel",
            ("requested", "reviewed", "first_approved"),
            "cancelled",
            N_("Cancel the payment"),
            "cancelled",
            guard=_cancel_guard,
        ),
        # Once the money has left the commitment, it goes back there.
        Transition(
            "cancel_approved",
            ("approved",),
            "cancelled",
            N_("Cancel the payment"),
            "cancelled",
            guard=_cancel_guard,
            effect=_give_back,
        ),
        # By a recovery case, when the whole payment has come back; the case moves the money.
        Transition("recover", ("paid",), "recovered", N_("Close as recovered"), "recovered"),
    ),
)
