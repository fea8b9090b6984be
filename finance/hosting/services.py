"""Writing hosted money: agreements of three, receipts, payments signed by two, reports, the end."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Finding
from core.text import N_, Message
from finance.commitments.models import Commitment
from finance.commitments.services import return_surplus
from finance.disbursements.models import Disbursement
from finance.hosting import policy, rules
from finance.hosting.lifecycle import refuse_failed
from finance.hosting.models import HostedProject, HostedReceipt, Hosting, HostReport, Outflow
from finance.hosting.queries import (
    OWNER,
    addable,
    body,
    digest,
    last_serial,
    month_figures,
    months_to_report,
    outflow_findings,
    receivable,
    rules_of,
)
from finance.ledger.models import Account, Transfer
from finance.ledger.services import account_of, move
from finance.recoveries.queries import open_cases
from finance.recoveries.services import book_return
from registry.agencies.models import Agency
from registry.organizations.models import Organization

ACCOUNTS = {"held": "host_held", "spent": "host_spent", "fee": "host_fee", "returned": "host_back"}
MOVES = {"spent": "host_spent", "fee": "host_fee", "returned": "host_returned"}


def agreement_findings(
    agency: Agency, host: Organization, hosted: Organization, fee_points: int
) -> list[Finding]:
    """What RFH says about an agreement of these two with this fee (hundredths of a percent)."""
    values = rules_of(agency.id, clock.today())
    return rules.agreement_findings(
        body(host), body(hosted), Fraction(fee_points, 10000), values, rule_set=values.label
    )


def draft_hosting(
    agency: Agency,
    *,
    host: Organization,
    hosted: Organization,
    fee_points: int,
    starts_on: date,
    ends_on: date,
    by: Any,
) -> Hosting:
    """Draft the tripartite agreement; the hosted body, the host and the funder sign it in this order."""
    policy.require(by, "hosting.draft", agency=agency.id)
    if ends_on < starts_on:
        raise Refusal(Message(N_("The last day lies before the first day.")))
    refuse_failed(agreement_findings(agency, host, hosted, fee_points))
    prefix = f"{agency.division_code[:6]}-DG-{clock.today().year}-"
    hosting = Hosting(
        agency_id=agency.id,
        host=host,
        hosted=hosted,
        number=f"{prefix}{last_serial(prefix) + 1:03d}",
        fee_points=fee_points,
        starts_on=starts_on,
        ends_on=ends_on,
        drafted_by=by.id,
    )
    policy.require_no_tie(by, hosting)
    db.session.add(hosting)
    db.session.flush()
    record(hosting, "drafted", by=by, details={"number": hosting.number, "fee_points": fee_points})
    return hosting


def sign(hosting: Hosting, *, by: Any) -> None:
    """The next signature: hosted body, host, funder."""
    steps = {"drafted": "sign_hosted", "signed_by_hosted": "sign_host", "signed_by_host": "sign_funder"}
    if hosting.state not in steps:
        raise Refusal(Message(N_("This agreement is not waiting for a signature.")), status=409)
    if hosting.state == "signed_by_host":
        agency = db.session.get_one(Agency, hosting.agency_id)
        refuse_failed(agreement_findings(agency, hosting.host, hosting.hosted, hosting.fee_points))
    fire(hosting, steps[hosting.state], by=by)


def withdraw(hosting: Hosting, *, reason: str, by: Any) -> None:
    fire(hosting, "withdraw", by=by, note=reason.strip(), reason=reason)


def end_hosting(hosting: Hosting, *, reason: str, by: Any) -> None:
    """Nothing more is spent; what is left goes back to the funder."""
    fire(hosting, "end", by=by, note=reason.strip(), reason=reason)


def close_hosting(hosting: Hosting, *, by: Any) -> None:
    """Everything has gone back: the agreement has ended."""
    fire(hosting, "close", by=by)


def add_project(hosting: Hosting, commitment: Commitment, *, by: Any) -> HostedProject:
    """Put a commitment to the hosted body under the agreement: its payments go to the host's account."""
    policy.require(by, "hosting.draft", agency=hosting.agency_id)
    if hosting.state != "running":
        raise Refusal(Message(N_("Projects are added to an agreement in force.")), status=409)
    if commitment.id not in {item.id for item in addable(hosting)}:
        raise Refusal(
            Message(
                N_(
                    "Only a running commitment of this unit to the hosted body, hosted nowhere else, is added."
                )
            ),
            rule="RFH-2",
            source=rules.SOURCE,
            status=409,
        )
    project = HostedProject(hosting=hosting, commitment=commitment, added_by=by.id)
    db.session.add(project)
    db.session.flush()
    record(project, "added", by=by, details={"hosting": hosting.number, "commitment": commitment.number})
    return project


def take_receipt(project: HostedProject, disbursement: Disbursement, *, by: Any) -> HostedReceipt:
    """The host takes a payment that arrived into the project's own books, once."""
    policy.require(by, "hosting.keep", organization=project.hosting.host_id)
    if disbursement.id not in {item.id for item in receivable(project)}:
        raise Refusal(
            Message(N_("This payment is not waiting to be taken into the project's books.")), status=409
        )
    receipt = HostedReceipt(
        project=project,
        disbursement=disbursement,
        amount=disbursement.amount,
        taken_on=clock.today(),
        taken_by=by.id,
    )
    db.session.add(receipt)
    db.session.flush()
    _move(
        "host_received",
        _account(project, "host_in", restricted=False),
        _account(project, ACCOUNTS["held"]),
        receipt.amount,
        key=f"hosted/receipt/{receipt.id}",
        reference=("disbursement", disbursement.id),
        memo=disbursement.number,
        by=by,
    )
    record(
        project, "receipt taken", by=by, details={"payment": disbursement.number, "amount": receipt.amount}
    )
    return receipt


def request_outflow(
    project: HostedProject,
    kind: str,
    *,
    amount: Money,
    purpose: str,
    payee: str,
    voucher_number: str = "",
    by: Any,
) -> Outflow:
    """Ask for a payment out of the project's own money; two people sign before anything moves."""
    if kind not in rules.KINDS:
        raise ValueError(f"unknown kind {kind}")
    if not policy.may_request(by, project.hosting, kind):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
    if not purpose.strip() or not payee.strip():
        raise Refusal(Message(N_("Write for what and to whom the money goes.")))
    outflow = Outflow(
        project=project,
        kind=kind,
        amount=amount,
        purpose=purpose.strip(),
        payee=payee.strip(),
        voucher_number=voucher_number.strip(),
        requested_by=by.id,
        requested_at=clock.now(),
    )
    refuse_failed(outflow_findings(outflow))
    db.session.add(outflow)
    db.session.flush()
    record(outflow, "requested", by=by, details={"kind": kind, "amount": amount, "payee": outflow.payee})
    return outflow


def sign_outflow(outflow: Outflow, *, by: Any) -> None:
    """First signature: the leader of the hosted body."""
    fire(outflow, "sign", by=by)


def countersign_outflow(outflow: Outflow, *, by: Any) -> None:
    """Second signature: the host's finance. The money leaves what the project has, and no other's."""
    fire(outflow, "countersign", by=by)
    project = outflow.project
    _move(
        MOVES[outflow.kind],
        _account(project, ACCOUNTS["held"]),
        _account(project, ACCOUNTS[outflow.kind]),
        outflow.amount,
        key=f"hosted/outflow/{outflow.id}",
        reference=("hosted_outflow", outflow.id),
        memo=outflow.purpose,
        by=by,
    )


def refuse_outflow(outflow: Outflow, *, reason: str, by: Any) -> None:
    fire(outflow, "refuse", by=by, note=reason.strip(), reason=reason)


def confirm_return(outflow: Outflow, *, received_on: date, voucher_number: str, by: Any) -> None:
    """The funder's finance has the money: off what was paid, to the budgets; open cases are settled first."""
    voucher_number = voucher_number.strip()
    if not voucher_number:
        raise Refusal(Message(N_("Write the number of the bank's voucher.")))
    fire(outflow, "receive", by=by, details={"voucher": voucher_number}, received_on=received_on)
    commitment, left = outflow.project.commitment, outflow.amount
    for case in open_cases(commitment.id):
        part = min(left, case.open_amount)
        if case.state == "ordered" and part:
            book_return(case, part, received_on=received_on, voucher_number=voucher_number, by=by)
            left = left - part
    if left:
        return_surplus(
            commitment,
            left,
            key=f"hosted/{outflow.id}",
            reference=("hosted_outflow", outflow.id),
            memo=voucher_number,
            by=by,
        )


def send_report(hosting: Hosting, month: date, *, by: Any) -> HostReport:
    """The host's report of a complete month: every project's figures, frozen with their digest."""
    policy.require(by, "hosting.keep", organization=hosting.host_id)
    if month not in months_to_report(hosting, clock.today()):
        raise Refusal(
            Message(N_("This month is not over, or its report was sent already.")),
            rule="RFH-9",
            source=rules.SOURCE,
            status=409,
        )
    figures = month_figures(hosting, month)
    report = HostReport(
        hosting=hosting,
        month=month,
        figures=figures,
        sha256=digest(hosting, month, figures),
        sent_by=by.id,
        sent_at=clock.now(),
    )
    db.session.add(report)
    db.session.flush()
    record(hosting, "report sent", by=by, details={"month": month, "sha256": report.sha256})
    return report


def _account(project: HostedProject, kind: str, *, restricted: bool = True) -> Account:
    return account_of(OWNER, project.id, kind, restricted=restricted, agency_id=project.hosting.agency_id)


def _move(
    kind: str,
    giver: Account,
    taker: Account,
    amount: Money,
    *,
    key: str,
    reference: tuple[str, int],
    memo: str,
    by: Any,
) -> Transfer:
    """Between two accounts of one project, never of two."""
    if giver.owner_id != taker.owner_id:
        raise ValueError("the money of a hosted project never moves to another")
    return move(
        kind, key=key, legs=[(giver, -amount), (taker, amount)], reference=reference, memo=memo, by=by
    )
