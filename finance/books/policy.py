"""May an opening table be brought in? What its rows mean together and with what is here already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.money import Money
from core.rules.rules import Verdict
from core.spreadsheets import RowError
from core.text import N_, Message
from finance.books.queries import in_use
from finance.commitments.models import Commitment
from finance.disbursements.models import PayeeAccount
from finance.funds.models import Budget, FundSource
from finance.funds.policy import LOTTERY_PURPOSES, forbidden_at, forbidden_findings, purpose_finding
from finance.funds.rules import LOTTERY
from registry.agencies.models import Agency
from registry.organizations.models import Organization

BASIS = "会计基础工作规范 第五十九条：启用会计账簿；政府会计制度 新旧衔接规定"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an opening table; ``record`` is budget, spent or tranche, ``amount`` in fen."""

    row: int
    record: str
    source: str
    fiscal_year: int
    amount: int
    source_kind: str = ""
    tier: str = ""
    document_number: str = ""
    function_code: str = ""
    economic_code: str = ""
    purpose: str = ""
    number: str = ""
    title: str = ""
    organization_code: str = ""
    track: str = ""
    starts_on: str = ""
    ends_on: str = ""
    tranche_title: str = ""
    condition: str = ""
    paid_on: str = ""
    voucher_number: str = ""
    account_last_four: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the import keeps them."""
        return asdict(self)


def refuse_when_in_use(agency: Agency) -> None:
    """RBK-8: opening balances come before the first payment that is made here."""
    if in_use(agency.id):
        raise Refusal(
            Message(
                N_(
                    "%(unit)s makes payments here already: its books are in use, and opening balances come before that. "
                    "What is missing is entered as a budget, an adjustment or a commitment of its own."
                ),
                {"unit": agency.name},
            ),
            rule="RBK-8",
            source=BASIS,
            status=409,
        )


def source_named(agency: Agency, name: str) -> FundSource | None:
    return db.session.scalar(
        select(FundSource).where(FundSource.agency_id == agency.id, FundSource.name == name)
    )


def opening_errors(agency: Agency, rows: Sequence[Row]) -> list[RowError]:
    """Every row that cannot be brought in, with its reason; empty when the whole table can."""
    errors: list[RowError] = []
    budgets = _budgets(agency, rows, errors)
    left = {key: Money(row.amount) for key, row in budgets.items()}
    for row in rows:
        if row.record == "budget":
            continue
        budget = budgets.get((row.source, row.fiscal_year))
        if budget is None:
            errors.append(
                _error(row, "source", Message(N_("the table has no budget row of this source and year")))
            )
            continue
        left[row.source, row.fiscal_year] -= Money(row.amount)
        errors.extend(_use(agency, budget, row))
    for key, rest in left.items():
        if rest < Money(0):
            errors.append(
                _error(
                    budgets[key],
                    "amount_yuan",
                    Message(
                        N_("spent and promised are %(over)s yuan more than this budget"), {"over": -rest}
                    ),
                )
            )
    errors.extend(_projects(rows))
    return sorted(errors, key=lambda item: item.row)


def _error(row: Row, column: str, message: Message, value: str = "") -> RowError:
    return RowError(row.row, column, value, message)


def _budgets(agency: Agency, rows: Sequence[Row], errors: list[RowError]) -> dict[tuple[str, int], Row]:
    """The budget rows by source and year; twice the same, known already, or of another kind is an error."""
    found: dict[tuple[str, int], Row] = {}
    kinds: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row.record != "budget":
            continue
        key = (row.source, row.fiscal_year)
        if key in found:
            errors.append(_error(row, "source", Message(N_("this source and year has a budget row already"))))
            continue
        found[key] = row
        if (row.source_kind == LOTTERY) != bool(row.tier):
            errors.append(
                _error(
                    row,
                    "tier",
                    Message(
                        N_("A welfare lottery fund has a tier (central to county); other sources have none.")
                    ),
                    row.tier,
                )
            )
        source = source_named(agency, row.source)
        known = (source.kind, source.tier) if source is not None else kinds.setdefault(
            row.source, (row.source_kind, row.tier)
        )  # fmt: skip
        if known != (row.source_kind, row.tier):
            errors.append(
                _error(row, "source_kind", Message(N_("this source is known with another kind or tier")))
            )
        if source is not None and _has_budget(source, row):
            errors.append(
                _error(
                    row,
                    "document_number",
                    Message(N_("this budget is here already; it is brought in once")),
                    row.document_number,
                )
            )
    return found


def _has_budget(source: FundSource, row: Row) -> bool:
    return (
        db.session.scalar(
            select(Budget.id).where(
                Budget.fund_source_id == source.id,
                Budget.fiscal_year == row.fiscal_year,
                Budget.document_number == row.document_number,
            )
        )
        is not None
    )


def _use(agency: Agency, budget: Row, row: Row) -> list[RowError]:
    """The purpose and the name of a use, judged by the rules of its source (RLF)."""
    source = source_named(agency, budget.source)
    if source is not None:
        purposes = source.purposes
    else:
        purposes = dict.fromkeys(LOTTERY_PURPOSES, "") if budget.source_kind == LOTTERY else {}
    findings = [
        purpose_finding(budget.source_kind, purposes, row.purpose),
        *forbidden_findings(budget.source_kind, [row.title], forbidden=forbidden_at(agency.division_code)),
    ]
    return [
        _error(row, "purpose", finding.sentence, row.purpose)
        for finding in findings
        if finding.verdict is Verdict.FAIL
    ]


SHARED = ("source", "fiscal_year", "purpose", "title", "organization_code", "track", "starts_on", "ends_on")


def _projects(rows: Sequence[Row]) -> list[RowError]:
    """The tranches of each project together: one head, known payee, number not used, payment in the past."""
    projects: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.record == "tranche":
            projects[row.number].append(row)
    errors: list[RowError] = []
    used = set(db.session.scalars(select(Commitment.number).where(Commitment.number.in_(projects))))
    codes = {parts[0].organization_code for parts in projects.values()}
    payees = {
        organization.credit_code: organization
        for organization in db.session.scalars(
            select(Organization).where(Organization.credit_code.in_(codes))
        )
    }
    for number, parts in projects.items():
        first = parts[0]
        if number in used:
            errors.append(
                _error(
                    first,
                    "number",
                    Message(N_("The number %(number)s is already in use."), {"number": number}),
                )
            )
        payee = payees.get(first.organization_code)
        if payee is None:
            errors.append(
                _error(
                    first,
                    "organization_code",
                    Message(N_("no organization of the register has this code: register it first")),
                    first.organization_code,
                )
            )
        vouchers: set[str] = set()
        for part in parts:
            for column in SHARED:
                if getattr(part, column) != getattr(first, column):
                    errors.append(
                        _error(
                            part,
                            column,
                            Message(N_("differs from row %(row)s of the same project"), {"row": first.row}),
                            str(getattr(part, column)),
                        )
                    )
            if part.paid_on:
                errors.extend(_paid(part, payee, vouchers))
    return errors


def _paid(part: Row, payee: Organization | None, vouchers: set[str]) -> list[RowError]:
    errors = []
    if part.paid_on > clock.today().isoformat():
        errors.append(
            _error(part, "paid_on", Message(N_("The day of payment lies in the future.")), part.paid_on)
        )
    if part.voucher_number in vouchers:
        errors.append(
            _error(part, "voucher_number", Message(N_("this voucher pays another tranche of the project")))
        )
    vouchers.add(part.voucher_number)
    if payee is not None and not db.session.scalar(
        select(PayeeAccount.id)
        .where(
            PayeeAccount.organization_id == payee.id,
            PayeeAccount.last_four == part.account_last_four,
            PayeeAccount.confirmed_by.is_not(None),
        )
        .limit(1)
    ):
        errors.append(
            _error(
                part,
                "account_last_four",
                Message(
                    N_(
                        "no confirmed account of %(payee)s ends like this: record it and have it confirmed first"
                    ),
                    {"payee": payee.name},
                ),
                part.account_last_four,
            )
        )
    return errors
