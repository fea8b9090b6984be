"""States of a hosting agreement and of a payment out of hosted money."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.lifecycle import Lifecycle, State, Transition
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.hosting import policy
from finance.hosting.models import Hosting, Outflow
from finance.hosting.queries import books_of, outflow_findings, outflows_of


def refuse_failed(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)


def _hosted(hosting: Hosting, *, by: Any) -> None:
    hosting.hosted_signed_by = by.id


def _host(hosting: Hosting, *, by: Any) -> None:
    hosting.host_signed_by = by.id


def _funder(hosting: Hosting, *, by: Any) -> None:
    hosting.funder_signed_by = by.id


def _reason_guard(hosting: Hosting, *, by: Any, reason: str) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: it stays with the agreement.")))


def _reason_effect(hosting: Hosting, *, by: Any, reason: str) -> None:
    hosting.end_reason = reason.strip()


def _close_guard(hosting: Hosting, *, by: Any) -> None:
    """Nothing is kept any more, and what was given back has arrived."""
    for project, books in zip(hosting.projects, books_of(hosting.projects).values(), strict=True):
        under_way = any(
            item.state in ("requested", "signed_by_hosted")
            or (item.state == "signed" and item.kind == "returned")
            for item in outflows_of(project)
        )
        if books.held or under_way:
            raise Refusal(
                Message(
                    N_("“%(title)s” still has %(held)s yuan at the host or on the way back to the funder."),
                    {"title": project.commitment.title, "held": books.held},
                ),
                rule="RFH-7",
                status=409,
            )


HOSTING = Lifecycle(
    Hosting,
    states=(
        State("drafted", N_("drafted, to be signed by the hosted body"), "draft"),
        State("signed_by_hosted", N_("signed by the hosted body"), "waiting"),
        State("signed_by_host", N_("signed by both bodies"), "waiting"),
        State("running", N_("in force"), "active"),
        State("ending", N_("ending: money goes back"), "waiting"),
        State("ended", N_("ended"), "closed"),
        State("withdrawn", N_("withdrawn"), "closed"),
    ),
    transitions=(
        Transition(
            "sign_hosted", ("drafted",), "signed_by_hosted", N_("Sign for the hosted body"),
            "signed by the hosted body", guard=policy.guard_sign_hosted, effect=_hosted,
        ),
        Transition(
            "sign_host", ("signed_by_hosted",), "signed_by_host", N_("Sign for the host"), "signed by the host",
            guard=policy.guard_sign_host, effect=_host,
        ),
        Transition(
            "sign_funder", ("signed_by_host",), "running", N_("Sign for the funder"), "signed by the funder",
            permission="hosting.sign", guard=policy.guard_sign_funder, effect=_funder,
        ),
        Transition(
            "withdraw", ("drafted", "signed_by_hosted", "signed_by_host"), "withdrawn", N_("Withdraw the draft"),
            "withdrawn", permission="hosting.draft", guard=_reason_guard, effect=_reason_effect,
        ),
        Transition(
            "end", ("running",), "ending", N_("End the hosting"), "ending", permission="hosting.draft",
            guard=_reason_guard, effect=_reason_effect,
        ),
        Transition(
            "close", ("ending",), "ended", N_("Close the hosting"), "ended", permission="hosting.draft",
            guard=_close_guard,
        ),
    ),
)  # fmt: skip


def _sign_guard(outflow: Outflow, *, by: Any) -> None:
    policy.guard_sign_outflow(outflow, by=by)
    refuse_failed(outflow_findings(outflow))


def _sign_effect(outflow: Outflow, *, by: Any) -> None:
    outflow.hosted_signed_by = by.id


def _countersign_guard(outflow: Outflow, *, by: Any) -> None:
    policy.guard_countersign(outflow, by=by)
    refuse_failed(outflow_findings(outflow))
    # The database wants both names before the state says so.
    outflow.host_signed_by, outflow.happened_on = by.id, clock.today()


def _refuse_guard(outflow: Outflow, *, by: Any, reason: str) -> None:
    if not policy.may_refuse(by, outflow):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: it stays with the payment.")))


def _refuse_effect(outflow: Outflow, *, by: Any, reason: str) -> None:
    outflow.refusal = reason.strip()[:200]


def _receive_guard(outflow: Outflow, *, by: Any, received_on: date) -> None:
    policy.guard_receive(outflow, by=by)
    if outflow.kind != "returned":
        raise Refusal(Message(N_("Only money given back to the funder is confirmed.")), status=409)
    if received_on > clock.today():
        raise Refusal(Message(N_("The day of the return lies in the future.")))
    if outflow.amount <= Money(0):
        raise ValueError("an outflow moves money")


def _receive_effect(outflow: Outflow, *, by: Any, received_on: date) -> None:
    outflow.received_by, outflow.received_on = by.id, received_on


OUTFLOW = Lifecycle(
    Outflow,
    states=(
        State("requested", N_("waiting for the hosted leader"), "waiting"),
        State("signed_by_hosted", N_("waiting for the host's finance"), "waiting"),
        State("signed", N_("signed by both"), "done"),
        State("refused", N_("payment refused"), "closed"),
        State("received", N_("arrived at the funder"), "done"),
    ),
    transitions=(
        Transition(
            "sign", ("requested",), "signed_by_hosted", N_("Sign as the hosted leader"), "signed by the hosted leader",
            guard=_sign_guard, effect=_sign_effect,
        ),
        Transition(
            "countersign", ("signed_by_hosted",), "signed", N_("Countersign as the host's finance"),
            "countersigned by the host", guard=_countersign_guard,
        ),
        Transition(
            "refuse", ("requested", "signed_by_hosted"), "refused", N_("Refuse the payment"), "refused",
            guard=_refuse_guard, effect=_refuse_effect,
        ),
        Transition(
            "receive", ("signed",), "received", N_("Confirm the money given back"), "received",
            guard=_receive_guard, effect=_receive_effect,
        ),
    ),
)  # fmt: skip
