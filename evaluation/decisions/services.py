"""Proposing, reviewing and taking the decision on a call; reserving its money; giving notice."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from evaluation.decisions import queries, rules
from evaluation.decisions.models import Decision, DecisionItem
from evaluation.decisions.policy import refuse_scorer
from evaluation.panels.queries import panel_of
from evaluation.reviews import queries as reviews
from finance.commitments.services import reserve
from grants.applications import services as applications
from grants.calls.models import Call
from grants.calls.services import mark_judged
from grants.notices.models import Notice
from grants.notices.services import publish_notice
from registry.accounts.models import User


def propose_decision(call: Call, *, by: User) -> Decision:
    """Rank the applications of a call and suggest amounts within the pot, for people to settle.

    Raises :class:`Refusal` before all score sheets are in, or when there is a proposal already.
    """
    panel = panel_of(call)
    if panel is None or panel.state != "closed":
        raise Refusal(
            Message(N_("The proposal is made when all score sheets are in.")),
            rule="REX",
            source=rules.SOURCE,
            whose_turn=Message(N_("the experts of the panel")),
        )
    if queries.decision_of(call.id) is not None:
        raise Refusal(Message(N_("This call has its proposal already.")), status=409)
    refuse_scorer(call.id, by=by)
    ranked = queries.ranking(panel)
    if not ranked:
        raise Refusal(Message(N_("There is no scored application to decide on.")))
    pass_score = call.selection_rubric.pass_score
    suggested = rules.suggest(
        [
            rules.Share(
                entry.application, rules.passes(result.score, pass_score), result.application.requested
            )
            for entry, result in ranked
        ],
        pot=queries.pot(call),
        cap=call.project_cap,
    )
    decision = Decision(call_id=call.id, agency_id=call.agency_id, proposed_by=by.id)
    db.session.add(decision)
    db.session.flush()
    for position, ((entry, result), share) in enumerate(zip(ranked, suggested, strict=True), 1):
        decision.items.append(
            DecisionItem(
                decision_id=decision.id,
                application_id=entry.application,
                rank=position,
                score=entry.score,
                award_bonus=result.bonus.points,
                awards=list(result.bonus.awards),
                amount=share.amount,
                reason=share.reason,
            )
        )
    db.session.flush()
    record(decision, "proposed", by=by, details=_amounts(decision))
    return decision


def _amounts(decision: Decision) -> dict[str, object]:
    return {"amounts": {str(item.application_id): item.amount.plain() for item in decision.items}}


def set_amounts(
    decision: Decision,
    amounts: Mapping[int, Money],
    *,
    reasons: Mapping[int, str] | None = None,
    note: str = "",
    by: User,
) -> None:
    """Settle the amounts of a proposal (by application id) while nobody has reviewed it.

    Raises :class:`Refusal` for an amount above request, cap or pot, or money below the pass line.
    """
    _lock(decision)
    if decision.state != "draft":
        raise Refusal(
            Message(N_("This proposal is under review: have it sent back to change it.")), status=409
        )
    if not by.may("decision.propose", agency_id=decision.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    refuse_scorer(decision.call_id, by=by)
    for item in decision.items:
        item.amount = amounts.get(item.application_id, item.amount)
        if reasons is not None:
            item.reason = "" if item.amount else reasons.get(item.application_id, item.reason).strip()[:200]
    wrong = amount_problems(decision)
    if wrong:
        raise Refusal(
            next(iter(wrong.values())), rule="DEC-POT" if 0 in wrong else "DEC-CAP", source=rules.SOURCE
        )
    decision.note = note.strip()
    # Whoever settles the amounts is the one who proposes them.
    decision.proposed_by = by.id
    db.session.flush()
    record(decision, "amounts_set", by=by, details=_amounts(decision))


def _lock(decision: Decision) -> None:
    db.session.execute(select(Decision.id).where(Decision.id == decision.id).with_for_update())
    db.session.refresh(decision, ["state"])


def amount_problems(decision: Decision) -> dict[int, Message]:
    """What is wrong with the amounts as they stand, by application id; key 0 is the sum."""
    return rules.problems(
        queries.shares(decision), pot=queries.pot(decision.call), cap=decision.call.project_cap
    )


def _checked(decision: Decision, by: User) -> None:
    wrong = amount_problems(decision)
    if wrong:
        raise Refusal(
            next(iter(wrong.values())), rule="DEC-POT" if 0 in wrong else "DEC-CAP", source=rules.SOURCE
        )


def review_decision(decision: Decision, *, by: User, note: str = "") -> None:
    """The section head confirms ranking and amounts."""
    _checked(decision, by)
    fire(decision, "review", by=by, note=note)


def budget_review(decision: Decision, *, by: User, note: str = "") -> None:
    """Finance confirms that the money is there and of the right kind."""
    _checked(decision, by)
    fire(decision, "budget_review", by=by, note=note)


def send_back(decision: Decision, *, note: str, by: User) -> None:
    """Back to the proposal, with the reason."""
    if not note.strip():
        raise Refusal(Message(N_("Write what has to be changed.")))
    fire(decision, "send_back", by=by, note=note.strip())


def approve_decision(decision: Decision, *, by: User, note: str = "") -> None:
    """Take the decision: outcomes are written down, money is reserved, the call is judged.

    Raises :class:`Refusal` when ``by`` took another step or scored, or when the pot is too small by now.
    """
    fire(decision, "approve", by=by, note=note)
    _checked(decision, by)
    call = decision.call
    panel = panel_of(call)
    scored = reviews.scorers(panel.id) if panel is not None else []
    people = {step: user.person_id for step, user in queries.handlers(decision).items()}
    decision.findings = [
        finding.to_dict()
        for finding in rules.findings(
            queries.shares(decision),
            pot=queries.pot(call),
            cap=call.project_cap,
            scorers=scored,
            handlers=people,
        )
    ]
    for item in decision.items:
        _settle(decision, item, by=by)
    mark_judged(call, by=by)
    db.session.flush()


def _settle(decision: Decision, item: DecisionItem, *, by: User) -> None:
    application = item.application
    passed = rules.passes(item.mean, decision.call.selection_rubric.pass_score)
    applications.record_outcome(
        application,
        "shortlisted" if passed else "rejected",
        score=item.score,
        award_bonus=item.award_bonus,
        rank=item.rank,
        scored_by=reviews.scorers_of(application.id),
        by=by,
    )
    if item.amount:
        reserve(decision.call.earmark, item.amount, key=f"application/{application.id}", by=by)
        applications.propose(application, amount=item.amount, by=by)


def publish_result(decision: Decision, *, contact: str, supervision_phone: str, by: User) -> Notice:
    """Give public notice of what is to be funded, with the names of those who scored."""
    if decision.state != "approved":
        raise Refusal(
            Message(N_("The notice follows the decision.")), whose_turn=Message(N_("the approving leader"))
        )
    funded = [item for item in decision.items if item.amount]
    if not funded:
        raise Refusal(Message(N_("No application is funded: there is nothing to give notice of.")))
    return publish_notice(
        decision.call,
        items=[(item.application, item.rank, item.score, item.amount) for item in funded],
        contact=contact,
        supervision_phone=supervision_phone,
        experts="、".join(queries.expert_names(decision.call_id)),
        by=by,
    )


# The short names of the steps.
review = review_decision
approve = approve_decision
