"""Writing expenses."""

from __future__ import annotations

from datetime import date
from typing import IO, Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.files.services import store
from core.money import Money
from core.text import N_, Message
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.agreements.queries import budget_lines
from projects.spending.models import Expense
from projects.spending.queries import findings_of, never_paid_here, voucher_used


def add_expense(
    project: Project,
    *,
    line_code: str,
    spent_on: date,
    amount: Money,
    payee: str,
    voucher_number: str,
    purpose: str,
    means: str = "transfer",
    invoice_title: str = "",
    units: int | None = None,
    file: tuple[IO[bytes], str] | None = None,
    by: Any,
) -> Expense:
    """Book one voucher on a budget line. A voucher number counts once in a project.

    What the budget rules say about it is kept with it; a use that no grant pays for is refused.
    """
    require_permission(by, "delivery.record", organization_id=project.organization_id)
    if project.state not in ("running", "closing"):
        raise Refusal(
            Message(N_("Nothing can be booked on a project that is not running or closing.")), status=409
        )
    if project.audited_cost is not None:
        raise Refusal(Message(N_("The final account has been checked: its spending is closed.")), status=409)
    if line_code not in budget_lines(project):
        raise Refusal(
            Message(N_("This project has no such budget line. A new line needs an approved change.")),
            rule="RBL-LINE",
        )
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
    if spent_on > clock.today():
        raise Refusal(Message(N_("The day of payment lies in the future.")))
    number = voucher_number.strip()
    if voucher_used(project, number):
        raise Refusal(
            Message(
                N_("Voucher %(number)s is already booked in this project: one invoice pays once."),
                {"number": number},
            ),
            rule="RBL-VOUCHER",
            status=409,
        )
    for finding in never_paid_here(project, purpose):
        raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    findings = findings_of(
        project,
        line_code=line_code,
        amount=amount,
        purpose=purpose,
        means=means,
        invoice_title=invoice_title,
        units=units,
        has_file=file is not None,
    )
    row = Expense(
        project_id=project.id,
        organization_id=project.organization_id,
        line_code=line_code,
        spent_on=spent_on,
        amount=amount,
        payee=payee.strip(),
        voucher_number=number,
        purpose=purpose.strip(),
        means=means,
        invoice_title=invoice_title.strip(),
        units=units,
        findings=[finding.to_dict() for finding in findings],
        recorded_by=by.id,
        recorded_at=clock.now(),
    )
    if file is not None:
        row.file_id = store(file[0], file[1], by=by).id
    db.session.add(row)
    db.session.flush()
    record(
        row,
        "booked",
        by=by,
        details={"project": project.number, "line": line_code, "amount": amount.plain(), "voucher": number},
    )
    return row
