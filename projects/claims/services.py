"""Claiming tranches: the organization asks, the programme officer turns it into a payment request."""

from __future__ import annotations

from typing import IO, Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.files.services import store
from core.lifecycle import fire
from core.money import Money
from core.rules.queries import parameters
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.commitments.models import Tranche
from finance.commitments.queries import paid_total
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.queries import till_findings
from finance.disbursements.services import request_disbursement
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.agreements.queries import living_disbursements
from projects.claims import rules
from projects.claims.models import Claim
from projects.claims.queries import PAID
from projects.claims.queries import payee_account as account_of_claim
from projects.spending.queries import spent_total
from projects.supervision.queries import unfinished
from registry.agencies.models import Agency


def claim_findings(
    project: Project,
    tranche: Tranche,
    *,
    payee_account: PayeeAccount | None = None,
    receipt_number: str = "",
) -> list[Finding]:
    """Every condition of a tranche with the numbers; the till's own once an account is chosen."""
    agreement = project.agreement
    commitment = agreement.commitment
    assert commitment is not None
    purchase = agreement.track == "service_purchase"
    agency = db.session.get_one(Agency, project.agency_id)
    values = parameters(
        "RDT",
        rules.DEFAULTS,
        on=clock.today(),
        jurisdiction=agency.division_code,
        programme=agreement.track,
    )
    earlier = [item for item in commitment.tranches if item.number < tranche.number and item.amount]
    alive = living_disbursements([item.id for item in earlier])
    unpaid = [item for item in earlier if item.id not in alive or alive[item.id].state not in PAID]
    found = [
        rules.state_reached(
            tranche.condition,
            midterm_grade=project.midterm_grade,
            final_grade=project.final_grade,
            rule_set=values.label,
        ),
        rules.earlier_spent(
            number=tranche.number,
            earlier_paid=paid_total(commitment),
            earlier_unpaid=len(unpaid),
            spent=spent_total(project),
            percent=values["spent_percent"],
            applies=not purchase,
            rule_set=values.label,
        ),
        rules.nothing_to_put_right(len(unfinished(project)), rule_set=values.label),
        rules.cost_known(
            last=tranche.condition == "final_passed",
            purchase=purchase,
            audited_cost=project.audited_cost,
            rule_set=values.label,
        ),
    ]
    if payee_account is not None:
        found += till_findings(tranche, payee_account, amount=tranche.amount, receipt_number=receipt_number)
    return found


def submit_claim(
    project: Project,
    tranche: Tranche,
    *,
    payee_account: PayeeAccount,
    receipt_number: str,
    receipt_file: tuple[IO[bytes], str] | None = None,
    by: Any,
) -> Claim:
    """The organization's leader asks for a tranche. Refuses with the first condition that is not met."""
    require_permission(by, "claim.submit", organization_id=project.organization_id)
    if project.state not in ("running", "closing"):
        raise Refusal(Message(N_("Only a running or closing project can claim.")), status=409)
    commitment = project.agreement.commitment
    if commitment is None or tranche.commitment_id != commitment.id:
        raise Refusal(Message(N_("This tranche belongs to another project.")))
    if tranche.id in living_disbursements([tranche.id]):
        raise Refusal(Message(N_("This tranche is already on its way or paid.")), status=409)
    if tranche.amount <= Money(0):
        raise Refusal(Message(N_("Nothing is due of this tranche.")), rule="RDT-final")
    payees = (project.organization_id, project.organization.host_id)
    if payee_account.organization_id not in payees or payee_account.closed_on is not None:
        raise Refusal(
            Message(N_("The money goes only to an open account of the organization itself or its host.")),
            rule="RDT-f",
        )
    if not receipt_number.strip():
        raise Refusal(Message(N_("Write the number of the receipt or invoice.")), rule="RDT-b")
    findings = claim_findings(
        project, tranche, payee_account=payee_account, receipt_number=receipt_number.strip()
    )
    _refuse_failures(findings)
    claim = Claim(
        project_id=project.id,
        agency_id=project.agency_id,
        organization_id=project.organization_id,
        tranche_id=tranche.id,
        payee_account_id=payee_account.id,
        amount=tranche.amount,
        receipt_number=receipt_number.strip(),
        findings=[finding.to_dict() for finding in findings],
        submitted_by=by.id,
        submitted_at=clock.now(),
    )
    if receipt_file is not None:
        claim.receipt_file_id = store(receipt_file[0], receipt_file[1], by=by).id
    db.session.add(claim)
    db.session.flush()
    record(
        claim,
        "submitted",
        by=by,
        details={"project": project.number, "tranche": tranche.number, "amount": claim.amount.plain()},
    )
    return claim


def accept_claim(claim: Claim, *, by: Any) -> Disbursement:
    """Accept: the conditions are looked at again and the till is asked to pay."""
    findings = claim_findings(
        claim.project,
        claim.tranche,
        payee_account=account_of_claim(claim),
        receipt_number=claim.receipt_number,
    )
    fire(claim, "accept", by=by)
    _refuse_failures(findings)
    claim.findings = [finding.to_dict() for finding in findings]
    claim.amount = claim.tranche.amount
    disbursement = request_disbursement(
        claim.tranche,
        payee_account=account_of_claim(claim),
        receipt_number=claim.receipt_number,
        by=by,
    )
    claim.disbursement_id = disbursement.id
    db.session.flush()
    return disbursement


def return_claim(claim: Claim, *, reason: str, by: Any) -> None:
    """Back to the organization with the reason; it may claim again."""
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: the other side has to know what to do.")))
    fire(claim, "return", by=by, note=reason.strip())
    claim.return_reason = reason.strip()
    db.session.flush()


def _refuse_failures(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source, status=409)
