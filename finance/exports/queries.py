"""Postings in scope, and how a unit's files are made."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import aliased, joinedload

from core.db import db
from finance.exports.models import FileColumn, VoucherRule
from finance.exports.rules import DEFAULTS, Entry
from finance.funds.models import Budget
from finance.ledger.models import Account, Posting, Transfer


def fed_from(budgets: ColumnElement[bool]) -> Any:
    """Accounts through which the money of these budgets flows: columns account_id, budget_id, kind."""
    root = (
        select(Account.id.label("account_id"), Budget.id.label("budget_id"), Account.kind.label("kind"))
        .join(Budget, and_(Account.owner_type == "budget", Account.owner_id == Budget.id))
        .where(budgets)
        .cte("fed", recursive=True)
    )
    child = aliased(Account)
    return root.union_all(
        select(child.id, root.c.budget_id, child.kind).join(root, child.parent_id == root.c.account_id)
    )


def visible_postings(user: Any) -> Select[Posting]:
    return (
        select(Posting)
        .join(Account, Account.id == Posting.account_id)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .where(Account.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(Posting.account), joinedload(Posting.transfer))
    )


def rules_of(agency_id: int, state: str = "in_force") -> list[VoucherRule]:
    return list(
        db.session.scalars(
            select(VoucherRule)
            .where(VoucherRule.agency_id == agency_id, VoucherRule.state == state)
            .order_by(VoucherRule.id)
        )
    )


def mapping_of(agency_id: int) -> dict[tuple[str, str], Entry]:
    """The unit's mapping: the standard, overlaid by what two people of the unit agreed on."""
    own = {
        (rule.movement, rule.book): Entry(
            rule.debit_code, rule.debit_name, rule.credit_code, rule.credit_name, rule.basis
        )
        for rule in rules_of(agency_id)
    }
    return DEFAULTS | own


def rule_in_scope(user: Any, rule_id: int) -> VoucherRule | None:
    return db.session.scalar(
        select(VoucherRule).where(
            VoucherRule.id == rule_id, VoucherRule.agency_id.in_(user.agency_ids("fund.read"))
        )
    )


def rules_to_confirm(user: Any) -> list[VoucherRule]:
    agencies = user.agency_ids("fund.review")
    if not agencies:
        return []
    return list(
        db.session.scalars(
            select(VoucherRule)
            .where(
                VoucherRule.agency_id.in_(agencies),
                VoucherRule.state == "proposed",
                VoucherRule.proposed_by != user.id,
            )
            .order_by(VoucherRule.id)
        )
    )


def layout_of(agency_id: int, file: str) -> list[FileColumn]:
    """The unit's own columns of a file, in order; empty where the standard holds."""
    return list(
        db.session.scalars(
            select(FileColumn)
            .where(FileColumn.agency_id == agency_id, FileColumn.file == file)
            .order_by(FileColumn.position)
        )
    )
