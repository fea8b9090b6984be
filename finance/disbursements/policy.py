"""Who may take part in a payment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.money import Money
from core.text import N_, Message
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import excluded_people
from finance.disbursements.models import Disbursement, PayeeAccount, PaymentLimit
from finance.disbursements.queries import disbursement_of, unpaid_before
from finance.disbursements.rules import SOURCE_CONTRACT, SOURCE_RECUSAL, excluded_sentence
from registry.accounts.models import User
from registry.interests.queries import conflict, reason_of

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行）第十五条"

PERMISSION_OF = {
    "requested": "disbursement.request",
    "reviewed": "disbursement.review",
    "approved": "disbursement.approve",
    "second_approved": "disbursement.approve",
    "released": "disbursement.pay",
}
CANCELLING = ("disbursement.request", "disbursement.review", "disbursement.approve")


_stand_back: dict[str, Callable[[Any, Commitment], Refusal | None]] = {}


def ask_who_stands_back(name: str, rule: Callable[[Any, Commitment], Refusal | None]) -> None:
    """Let a room above say who besides takes no part in paying a commitment."""
    _stand_back[name] = rule


def may_take_part(user: Any, commitment: Commitment) -> Refusal | None:
    """No for those named on the commitment, and for anybody tied to the payee within three years."""
    reason = excluded_people(commitment).get(user.person_id)
    if reason is not None:
        return Refusal(
            excluded_sentence(user.name, reason),
            rule="REX-1",
            source=SOURCE_RECUSAL,
            whose_turn=Message(N_("another person holding the same role")),
            status=403,
        )
    tie = conflict(user.person_id, commitment.organization_id, on=clock.today())
    if tie is not None:
        return Refusal(
            Message(
                N_("%(name)s must stand back from paying %(organization)s: %(reason)s."),
                {
                    "name": user.name,
                    "organization": commitment.organization.name,
                    "reason": reason_of(tie),
                },
            ),
            rule="REX-1",
            source=SOURCE_RECUSAL,
            whose_turn=Message(N_("another person holding the same role")),
            status=403,
        )
    return next((refusal for rule in _stand_back.values() if (refusal := rule(user, commitment))), None)


def may_step(user: Any, disbursement: Disbursement, place: str) -> Refusal | None:
    """Whether the user may fill ``place`` (reviewed, approved, second_approved, released): excluded
    people and those who filled another place on this payment may not, nor who acts in place of one
    of them. State and permission are asked elsewhere.
    """
    refusal = may_take_part(user, disbursement.commitment)
    if refusal is not None:
        return refusal
    away = user.in_place_of(PERMISSION_OF[place], disbursement.agency_id)
    if away is not None:
        refusal = may_take_part(db.session.get_one(User, away), disbursement.commitment)
        if refusal is not None:
            return refusal
    filled = {who for who in places_of(disbursement).values() if who is not None}
    stood_for = set((disbursement.in_place_of or {}).values())
    if user.id in filled:
        return Refusal(
            Message(
                N_(
                    "One person cannot take two steps on the same record: prepare, review and approve need three people."
                )
            ),
            rule="RAP-2",
            source=SEPARATION,
            whose_turn=Message(N_("another person holding the same role")),
            status=403,
        )
    if user.id in stood_for or (away is not None and away in filled | stood_for):
        return Refusal(
            Message(
                N_(
                    "A step lent to a colleague counts for both: neither takes another step on the same payment."
                )
            ),
            rule="RAP-2",
            source=SEPARATION,
            whose_turn=Message(N_("another person holding the same role")),
            status=403,
        )
    return None


def places_of(disbursement: Disbursement) -> dict[str, int | None]:
    """Who filled which place so far."""
    return {
        "requested": disbursement.requested_by,
        "reviewed": disbursement.reviewed_by,
        "approved": disbursement.approved_by,
        "second_approved": disbursement.second_approved_by,
        "released": disbursement.released_by,
    }


_asked: dict[str, Callable[[Disbursement], Refusal | None]] = {}


def ask_before_return(name: str, rule: Callable[[Disbursement], Refusal | None]) -> None:
    """Let a room above say why the bank's return of a paid payment cannot be recorded now."""
    _asked[name] = rule


def may_return(disbursement: Disbursement) -> Refusal | None:
    """What the rooms above say about recording the bank's return; ``None`` when nothing stands against it."""
    return next((refusal for rule in _asked.values() if (refusal := rule(disbursement))), None)


_claimed: dict[str, Callable[[Commitment], Refusal | None]] = {}


def ask_before_request(name: str, rule: Callable[[Commitment], Refusal | None]) -> None:
    """Let a room above say that the tranches of a commitment are claimed there, under its own conditions."""
    _claimed[name] = rule


def may_request(user: Any, tranche: Tranche) -> Refusal | None:
    """A tranche that nobody claims in a project here: what ran already when the books were opened.

    The programme officer asks for it; tranches follow one another, and one is paid once.
    """
    commitment = tranche.commitment
    if not user.may("disbursement.request", agency_id=commitment.agency_id):
        return Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    for rule in _claimed.values():
        if (refusal := rule(commitment)) is not None:
            return refusal
    if commitment.ended_on is not None or tranche.amount <= Money(0):
        return Refusal(Message(N_("Nothing of this tranche is left to be paid.")), rule="RDT", status=409)
    if (alive := disbursement_of(tranche)) is not None:
        return Refusal(
            Message(N_("This tranche is already being paid or paid: %(number)s."), {"number": alive.number}),
            rule="RDT",
            status=409,
        )
    if unpaid_before(tranche):
        return Refusal(
            Message(N_("The tranche before it is not paid yet: one follows the other.")),
            rule="RDT-c",
            source=SOURCE_CONTRACT,
            status=409,
        )
    return may_take_part(user, commitment)


def may_cancel(user: Any, disbursement: Disbursement) -> Refusal | None:
    """Whoever may prepare, review or approve it may stop it before it is released."""
    if any(user.may(item, agency_id=disbursement.agency_id) for item in CANCELLING):
        return None
    return Refusal(Message(N_("You do not have the permission for this step.")), status=403)


def may_confirm(user: Any, account: PayeeAccount) -> Refusal | None:
    """A second person of finance, never the one who recorded the account."""
    if not _finance_of(user, account):
        return Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if account.recorded_by == user.id:
        return Refusal(
            Message(
                N_("You recorded this account yourself. Another person compares it with the bank's paper.")
            ),
            rule="RAP-2",
            source=SEPARATION,
            whose_turn=Message(N_("the finance reviewer")),
            status=403,
        )
    return None


def may_reveal(user: Any, account: PayeeAccount) -> Refusal | None:
    """The full number is for finance and for the organization itself."""
    if _finance_of(user, account) or user.may("own.edit", organization_id=account.organization_id):
        return None
    return Refusal(
        Message(N_("The full account number is shown to finance and to the organization itself.")),
        whose_turn=Message(N_("the finance clerk of the unit")),
        status=403,
    )


def may_confirm_limit(user: Any, limit: PaymentLimit) -> Refusal | None:
    """Another person of finance than the one who set it, and never the one whom it limits."""
    if not user.may("limit.set", agency_id=limit.agency_id):
        return Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if user.id in (limit.set_by, limit.user_id):
        return Refusal(
            Message(N_("A limit is set by one person of finance and confirmed by another, never one's own.")),
            rule="RAP-3",
            source=SEPARATION,
            whose_turn=Message(N_("another person of finance")),
            status=403,
        )
    return None


def _finance_of(user: Any, account: PayeeAccount) -> bool:
    """Where exactly was asked when the account was loaded in scope."""
    return user.may_somewhere("account.payee") or user.may_somewhere("disbursement.review")
