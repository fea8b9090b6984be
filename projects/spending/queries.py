"""Reading spending."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import Parameters
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.alerts.queries import add_finder
from finance.alerts.rules import Found
from finance.commitments.queries import Spending, tell_spending
from finance.disbursements.queries import account_names
from finance.funds.policy import Forbidden, forbidden_at
from finance.funds.rules import LOTTERY
from finance.ledger.queries import name_owners
from finance.lines.queries import caps
from finance.lines.rules import (
    CAPPED,
    LINES,
    VoucherFacts,
    never_paid,
    share_limit,
    transfer_finding,
    voucher,
)
from finance.lines.rules import SOURCES as LINE_SOURCES
from finance.statements.queries import Fee, LineFigures, tell_fees, tell_lines
from grants.applications.models import Application
from grants.calls.queries import rules_of as rules_of_call
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import budget_lines, visible_projects
from projects.spending.models import Expense
from projects.spending.rules import Line, lines
from registry.agencies.models import Agency

# Remuneration for people's labour is booked on this line (DOMAIN 3.4).
FEE_LINE = "expert_fee"


def spent_total(project: Project) -> Money:
    """Everything spent out of the grant."""
    total = db.session.scalar(select(func.sum(Expense.amount)).where(Expense.project_id == project.id))
    return _money(total)


def spent_by_line(project: Project) -> dict[str, Money]:
    rows = db.session.execute(
        select(Expense.line_code, func.sum(Expense.amount))
        .where(Expense.project_id == project.id)
        .group_by(Expense.line_code)
    )
    return {code: _money(total) for code, total in rows}


def lines_of(project: Project) -> list[Line]:
    """Budget and spending side by side."""
    return lines(budget_lines(project), spent_by_line(project))


def rules_of_project(project: Project) -> Parameters:
    """The RBL parameters of a project: those its call published, else the rule sets in force."""
    agreement = project.agreement
    if agreement.application is not None:
        return rules_of_call(agreement.application.call)
    agency = db.session.get_one(Agency, project.agency_id)
    return caps(jurisdiction=agency.division_code, programme=agreement.track, on=clock.today())


def findings_of(
    project: Project,
    *,
    line_code: str,
    amount: Money,
    purpose: str,
    means: str,
    invoice_title: str,
    units: int | None,
    has_file: bool,
) -> list[Finding]:
    """What the budget rules say about one more voucher; empty for a good one."""
    values = rules_of_project(project)
    organization = project.organization
    commitment = project.agreement.commitment
    names = account_names(organization, commitment)
    return voucher(
        VoucherFacts(
            line=line_code,
            label=Message(LINES.get(line_code, line_code)),
            budget=budget_lines(project).get(line_code, Money(0)),
            spent=spent_by_line(project).get(line_code, Money(0)) + amount,
            amount=amount,
            purpose=purpose,
            means=means,
            invoice_title=invoice_title,
            titles=names,
            units=units,
            has_file=has_file,
            forbidden=lottery_forbids(project),
        ),
        values,
        rule_set=values.label,
    )


def lottery_forbids(project: Project) -> tuple[Forbidden, ...]:
    """What the lottery's money never pays for, where a part of the project is lottery money."""
    commitment = project.agreement.commitment
    sources = [share.earmark.budget.fund_source for share in commitment.shares] if commitment else []
    return next((forbidden_at(item.agency.division_code) for item in sources if item.kind == LOTTERY), ())


def never_paid_here(project: Project, purpose: str) -> list[Finding]:
    """Why a project never pays for this; empty when nothing stands against it."""
    values = rules_of_project(project)
    return never_paid(purpose, values, lottery_forbids(project), rule_set=values.label)


def line_findings(project: Project) -> list[Finding]:
    """Every line that is over its budget now."""
    values = rules_of_project(project)
    found = (
        transfer_finding(
            Message(LINES.get(line.code, line.code)), line.budget, line.spent, values, rule_set=values.label
        )
        for line in lines_of(project)
    )
    return [finding for finding in found if finding is not None]


def expenses_of(project: Project) -> Select[Expense]:
    return select(Expense).where(Expense.project_id == project.id)


def expense_in_scope(user: Any, expense_id: int) -> Expense | None:
    projects = visible_projects(user).with_only_columns(Project.id)
    return db.session.scalar(
        select(Expense).where(Expense.id == expense_id, Expense.project_id.in_(projects))
    )


def voucher_used(project: Project, voucher_number: str) -> bool:
    return (
        db.session.scalar(
            select(Expense.id).where(
                Expense.project_id == project.id, Expense.voucher_number == voucher_number
            )
        )
        is not None
    )


def _money(total: Money | int | None) -> Money:
    if total is None:
        return Money(0)
    return total if isinstance(total, Money) else Money(int(total))


def _spent_of_commitments(commitment_ids: set[int]) -> dict[int, list[Spending]]:
    """What the vouchers of each commitment's project sum to, and what the audit accepted of it."""
    rows = db.session.execute(
        select(Agreement.commitment_id, Project.id, Project.audited_cost, func.sum(Expense.amount))
        .join(Project, Project.agreement_id == Agreement.id)
        .outerjoin(Expense, Expense.project_id == Project.id)
        .where(Agreement.commitment_id.in_(commitment_ids))
        .group_by(Agreement.commitment_id, Project.id, Project.audited_cost)
    )
    found: dict[int, list[Spending]] = {}
    for commitment_id, project_id, audited, spent in rows:
        assert commitment_id is not None
        lines = found.setdefault(commitment_id, [])
        if spent is not None:
            lines.append(
                Spending(
                    Message(N_("Spent by vouchers")),
                    _money(spent),
                    "spending.list",
                    {"project_id": project_id},
                )
            )
        if audited is not None:
            lines.append(
                Spending(
                    Message(N_("Accepted by the audit")),
                    audited,
                    "agreements.project",
                    {"project_id": project_id},
                )
            )
    return found


tell_spending(_spent_of_commitments)


def _lines_of_commitments(commitment_ids: Sequence[int]) -> dict[int, list[LineFigures]]:
    """Budget lines of the projects under these commitments, for the statements of the books."""
    projects = db.session.scalars(
        select(Project)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .where(Agreement.commitment_id.in_(commitment_ids))
        .options(
            joinedload(Project.agreement).joinedload(Agreement.application).selectinload(Application.lines)
        )
    ).all()
    spent: dict[int, dict[str, Money]] = {}
    for project_id, code, total in db.session.execute(
        select(Expense.project_id, Expense.line_code, func.sum(Expense.amount))
        .where(Expense.project_id.in_([project.id for project in projects]))
        .group_by(Expense.project_id, Expense.line_code)
    ):
        spent.setdefault(project_id, {})[code] = _money(total)
    return {
        project.agreement.commitment_id or 0: [
            LineFigures(line.code, LINES.get(line.code, line.code), line.budget, line.spent)
            for line in lines(budget_lines(project), spent.get(project.id, {}))
        ]
        for project in projects
    }


def _fees(commitment_ids: Sequence[int]) -> list[Fee]:
    """Expert and supervision fees booked by the projects under these commitments."""
    rows = db.session.execute(
        select(Expense, Agreement.commitment_id)
        .join(Project, Project.id == Expense.project_id)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .where(Agreement.commitment_id.in_(commitment_ids), Expense.line_code == FEE_LINE)
        .order_by(Expense.id)
    )
    return [
        Fee(
            commitment_id or 0,
            expense.payee,
            expense.spent_on,
            expense.amount,
            expense.voucher_number,
            "spending.list",
            {"project_id": expense.project_id},
        )
        for expense, commitment_id in rows
    ]


# Whose vouchers are still looked at.
LIVING = ("running", "suspended", "closing")


def lines_over() -> Iterator[Found]:
    """Projects that spent more on a budget line than its cap or its budget with the tolerance allow."""
    spent: dict[int, dict[str, Money]] = {}
    for project_id, code, total in db.session.execute(
        select(Expense.project_id, Expense.line_code, func.sum(Expense.amount)).group_by(
            Expense.project_id, Expense.line_code
        )
    ):
        spent.setdefault(project_id, {})[code] = _money(total)
    projects = db.session.scalars(
        select(Project).where(Project.id.in_(spent), Project.state.in_(LIVING)).order_by(Project.id)
    )
    for project in projects:
        budget = budget_lines(project)
        # A bought service is paid by its price: it has no lines to keep to.
        if budget:
            over = _over(project, budget, spent[project.id])
            if over is not None:
                yield over


def _over(project: Project, budget: dict[str, Money], spent: dict[str, Money]) -> Found | None:
    """The line that is furthest over, of the lines over their cap first."""
    values = rules_of_project(project)
    granted = project.agreement.amount
    capped = {code: (rule, str(values[key])) for rule, code, key, _title in CAPPED if values.get(key)}
    found: list[tuple[Money, str, str, Message]] = []
    for code, amount in spent.items():
        label = Message(LINES.get(code, code))
        name = {"line": label, "spent": amount, "project": project.title}
        rule, limit = capped.get(code, ("", ""))
        if rule and amount > granted.share(share_limit(limit)):
            sentence = Message(
                N_(
                    "“%(project)s” spent %(spent)s yuan on %(line)s, above the cap of %(limit)s%% of %(granted)s yuan."
                ),
                {**name, "limit": limit, "granted": granted},
            )
            found.append((amount - granted.share(share_limit(limit)), code, rule, sentence))
            continue
        planned = budget.get(code, Money(0))
        finding = transfer_finding(label, planned, amount, values)
        if finding is not None and finding.verdict is Verdict.FAIL:
            sentence = Message(
                N_("“%(project)s” spent %(spent)s yuan on %(line)s, of which %(planned)s yuan are approved."),
                {**name, "planned": planned},
            )
            found.append((amount - planned, code, finding.rule, sentence))
    if not found:
        return None
    _by, code, rule, sentence = max(found, key=lambda item: (item[2] != "RBL-LINE", item[0], item[1]))
    return Found(
        "overspend", "project", project.id, project.agency_id, sentence, LINE_SOURCES[rule], level=code
    )


add_finder("lines over their cap", lines_over)
name_owners("project", "spending.list", Project.id, [Project.title], {"project_id": Project.id})
tell_lines(_lines_of_commitments)
tell_fees(_fees)
