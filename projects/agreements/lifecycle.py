"""States of an agreement and of a project."""

from __future__ import annotations

from typing import Any

from core import clock
from core.lifecycle import Lifecycle, State, Transition
from core.text import N_
from projects.agreements import policy
from projects.agreements.models import Agreement, Project


def _legal_reviewed(agreement: Agreement, *, by: Any) -> None:
    agreement.legal_reviewed_by = by.id


def _finance_reviewed(agreement: Agreement, *, by: Any) -> None:
    agreement.finance_reviewed_by = by.id


def _accepted(agreement: Agreement, *, by: Any) -> None:
    agreement.accepted_by, agreement.accepted_at = by.id, clock.now()


def _sent_back(agreement: Agreement, *, by: Any) -> None:
    agreement.legal_reviewed_by = agreement.finance_reviewed_by = None
    agreement.accepted_by = agreement.accepted_at = None


def _signed(agreement: Agreement, *, by: Any) -> None:
    agreement.signed_by, agreement.signed_on = by.id, clock.today()


AGREEMENT = Lifecycle(
    Agreement,
    states=(
        State("draft", N_("agreement drafted"), "draft"),
        State("legal_reviewed", N_("legally reviewed"), "active"),
        State("finance_reviewed", N_("reviewed by finance"), "active"),
        State("offered", N_("offered to the organization"), "waiting"),
        State("accepted", N_("accepted by the organization"), "waiting"),
        State("signed", N_("signed by both sides"), "done"),
        State("ended", N_("agreement fulfilled"), "closed"),
        State("terminated", N_("agreement terminated"), "wrong"),
    ),
    transitions=(
        Transition(
            "review_legal", ("draft",), "legal_reviewed", N_("Confirm the legal review"), "legally reviewed",
            permission="agreement.review", guard=policy.guard_legal_review, effect=_legal_reviewed,
        ),
        Transition(
            "review_money", ("legal_reviewed",), "finance_reviewed", N_("Confirm amount and source"),
            "reviewed by finance", permission="agreement.review_money", guard=policy.guard_finance_review,
            effect=_finance_reviewed,
        ),
        Transition(
            "offer", ("finance_reviewed",), "offered", N_("Offer the agreement"), "offered",
            permission="agreement.draft", guard=policy.guard_offer,
        ),
        Transition(
            "accept", ("offered",), "accepted", N_("Accept the agreement"), "accepted",
            permission="agreement.accept", holder="organization", effect=_accepted,
        ),
        Transition(
            "decline", ("offered",), "draft", N_("Ask for a change"), "declined",
            permission="agreement.accept", holder="organization", effect=_sent_back,
        ),
        Transition(
            "send_back", ("legal_reviewed", "finance_reviewed", "offered", "accepted"), "draft",
            N_("Send back to the draft"), "sent back", guard=policy.guard_send_back, effect=_sent_back,
        ),
        Transition(
            "sign", ("accepted",), "signed", N_("Sign the agreement"), "signed",
            permission="agreement.sign", guard=policy.guard_sign, effect=_signed,
        ),
        Transition("end", ("signed",), "ended", N_("Close the agreement"), "ended"),
        Transition("terminate", ("signed",), "terminated", N_("End the agreement early"), "terminated"),
    ),
)  # fmt: skip

PROJECT = Lifecycle(
    Project,
    states=(
        State("preparing", N_("in preparation"), "draft"),
        State("running", N_("running"), "active"),
        State("suspended", N_("suspended"), "waiting"),
        State("closing", N_("closing"), "active"),
        State("settled", N_("settled"), "done"),
        State("archived", N_("archived"), "closed"),
        State("terminated", N_("terminated"), "wrong"),
        State("recovering", N_("money being recovered"), "wrong"),
    ),
    transitions=(
        Transition("start", ("preparing",), "running", N_("Start the project"), "started"),
        Transition(
            "suspend", ("running",), "suspended", N_("Suspend the project"), "suspended",
            permission="project.follow",
        ),
        Transition(
            "resume", ("suspended",), "running", N_("Resume the project"), "resumed",
            permission="project.follow",
        ),
        Transition("begin_closing", ("running",), "closing", N_("Begin the closing"), "closing begun"),
        Transition("settle", ("closing",), "settled", N_("Settle the project"), "settled"),
        # Decided by four people in the room of the closing; with money to come back it is recovered first.
        Transition(
            "recover", ("running", "suspended"), "recovering", N_("End the project early and recover"),
            "ended early, money to be recovered",
        ),
        Transition(
            "terminate", ("running", "suspended", "recovering"), "terminated", N_("End the project early"),
            "terminated",
        ),
        Transition("archive", ("settled", "terminated"), "archived", N_("Archive the project"), "archived"),
    ),
)  # fmt: skip
