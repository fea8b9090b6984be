"""Funds: where money comes from and what it may be used for.

A fund source belongs to an agency and carries its own permitted purposes. Each year it has
budgets (指标); a budget is approved by a second person before money can be taken from it. An
earmark sets a part of a budget aside for one call or purchase, for one purpose. Balances are
accounts of the ledger, never columns here.

In the middle of a year a budget is adjusted, up or down, by two people; never below what has been
set aside. What is left at the end of a year may be carried over into a budget of the next year,
which remembers where it came from and the year in which the money was first budgeted.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from registry.agencies.models import Agency

# kind: general_public_budget, government_fund_budget, welfare_lottery_fund, development_fund,
# community_subsidy, party_service_fund, party_building_cost, donation, foundation_match, crowdfunding, self_raised
# tier (lottery only): central, central_special, province, city, county


class FundSource(Model):
    agency_id: Mapped[int] = fk("agency.id", index=False)
    kind: Mapped[str] = mapped_column(String(32))
    tier: Mapped[str] = mapped_column(String(16), default="")
    name: Mapped[str] = mapped_column(String(120))
    # Permitted purposes by code; empty: no whitelist. {"elderly": "老年人服务", …}
    purposes: Mapped[dict] = mapped_column(JSON, default=dict)
    basis: Mapped[str] = mapped_column(Text, default="")

    agency: Mapped[Agency] = relationship()

    __table_args__ = (
        UniqueConstraint("agency_id", "name"),
        CheckConstraint("(kind = 'welfare_lottery_fund') = (tier <> '')", name="lottery_has_tier"),
    )


class Budget(Model):
    """An annual budget quota of a source; ``state``: draft, approved, withdrawn."""

    fund_source_id: Mapped[int] = fk("fund_source.id", index=False)
    agency_id: Mapped[int] = fk("agency.id")
    fiscal_year: Mapped[int]
    amount: Mapped[Money] = money_column()
    # How much of it the level above gave (对上争取).
    upper_amount: Mapped[Money] = money_column(default=Money(0))
    # The year in which this money was first budgeted, and the budget whose rest it is.
    origin_year: Mapped[int]
    carried_from_id: Mapped[int | None] = fk("budget.id")
    function_code: Mapped[str] = mapped_column(String(7), default="")
    economic_code: Mapped[str] = mapped_column(String(5), default="")
    document_number: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(32), default="draft")
    entered_by: Mapped[int] = fk("user_account.id")
    approved_by: Mapped[int | None] = fk("user_account.id")
    approved_at: Mapped[datetime | None] = instant_column()

    fund_source: Mapped[FundSource] = relationship()
    agency: Mapped[Agency] = relationship()
    carried_from: Mapped[Budget | None] = relationship(remote_side="Budget.id")

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("upper_amount >= 0 AND upper_amount <= amount", name="upper_part"),
        CheckConstraint("origin_year <= fiscal_year", name="origin_before"),
        CheckConstraint("approved_by IS NULL OR approved_by <> entered_by", name="two_people"),
        CheckConstraint("fiscal_year BETWEEN 2000 AND 2100", name="year_range"),
        Index(None, "fund_source_id", "fiscal_year"),
    )


class BudgetAdjustment(Model):
    """A change of a budget within its year; ``amount`` has a sign. ``state``: draft, approved, refused."""

    budget_id: Mapped[int] = fk("budget.id")
    agency_id: Mapped[int] = fk("agency.id")
    kind: Mapped[str] = mapped_column(String(16), default="adjusted")  # adjusted, clawed_back
    amount: Mapped[Money] = money_column()
    reason: Mapped[str] = mapped_column(String(400))
    document_number: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(16), default="draft")
    entered_by: Mapped[int] = fk("user_account.id", index=False)
    entered_on: Mapped[date]
    approved_by: Mapped[int | None] = fk("user_account.id", index=False)
    approved_at: Mapped[datetime | None] = instant_column()

    budget: Mapped[Budget] = relationship()

    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("kind <> 'clawed_back' OR amount < 0", name="clawback_takes"),
        CheckConstraint("approved_by IS NULL OR approved_by <> entered_by", name="two_people"),
    )


class Earmark(Model):
    """Money of a budget set aside for one thing and one purpose."""

    budget_id: Mapped[int] = fk("budget.id")
    agency_id: Mapped[int] = fk("agency.id")
    title: Mapped[str] = mapped_column(String(160))
    purpose: Mapped[str] = mapped_column(String(32))
    # Why, where the purpose is “other”.
    reason: Mapped[str] = mapped_column(Text, default="")
    # Support (cultivating), a grant to a project, or a reward after the fact (S0-67).
    grant_kind: Mapped[str] = mapped_column(String(16), default="project_grant")
    amount: Mapped[Money] = money_column()
    made_on: Mapped[date]
    made_by: Mapped[int] = fk("user_account.id")

    budget: Mapped[Budget] = relationship()

    __table_args__ = (CheckConstraint("amount > 0", name="amount_positive"),)
