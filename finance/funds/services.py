"""Writing funds: sources, budgets, and money set aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from finance.funds import policy
from finance.funds.models import Budget, Earmark, FundSource
from finance.ledger.services import account_of, move
from registry.agencies.models import Agency


def create_source(
    agency: Agency,
    *,
    kind: str,
    name: str,
    tier: str = "",
    purposes: Mapping[str, str] | Iterable[str] | None = None,
    basis: str = "",
    by: Actor,
) -> FundSource:
    """A source of money of ``agency``.

    ``purposes`` are the permitted purposes by code (codes of ``policy.PURPOSES``, or a mapping to
    the fund's own words); ``None`` means the four of the lottery for a lottery fund and no
    whitelist for any other. ``basis`` quotes the rules of the fund.
    """
    if kind not in policy.SOURCE_KINDS:
        raise ValueError(f"unknown kind of fund source {kind}")
    if (kind == policy.LOTTERY) != (tier in policy.TIERS):
        raise Refusal(
            Message(N_("A welfare lottery fund has a tier (central to county); other sources have none.")),
            rule="RLF",
            source=policy.ARTICLE_33,
        )
    if purposes is None:
        purposes = policy.LOTTERY_PURPOSES if kind == policy.LOTTERY else ()
    chosen = dict(purposes) if isinstance(purposes, Mapping) else dict.fromkeys(purposes, "")
    name = name.strip()
    if db.session.scalar(
        select(FundSource.id).where(FundSource.agency_id == agency.id, FundSource.name == name)
    ):
        raise Refusal(
            Message(
                N_("%(unit)s already has a source named “%(name)s”."), {"unit": agency.name, "name": name}
            ),
            status=409,
        )
    source = FundSource(
        agency_id=agency.id, kind=kind, tier=tier, name=name, purposes=chosen, basis=basis.strip()
    )
    db.session.add(source)
    db.session.flush()
    account_of("fund_source", source.id, "source", restricted=False, agency_id=agency.id)
    record(source, "created", by=by, details={"kind": kind, "tier": tier, "name": name, "purposes": chosen})
    return source


def enter_budget(
    source: FundSource,
    *,
    fiscal_year: int,
    amount: Money,
    function_code: str = "",
    economic_code: str = "",
    document_number: str = "",
    by: Actor,
) -> Budget:
    """The quota of one fiscal year; a draft until a second person approves it."""
    _require_positive(amount)
    budget = Budget(
        fund_source_id=source.id,
        agency_id=source.agency_id,
        fiscal_year=fiscal_year,
        origin_year=fiscal_year,
        amount=amount,
        function_code=function_code.strip(),
        economic_code=economic_code.strip(),
        document_number=document_number.strip(),
        state="draft",
        entered_by=by.actor_id,
    )
    db.session.add(budget)
    db.session.flush()
    record(
        budget,
        "entered",
        by=by,
        details={"fiscal_year": fiscal_year, "amount": amount, "document_number": budget.document_number},
    )
    return budget


def approve_budget(budget: Budget, *, by: Actor) -> None:
    """A second person puts the budget in force; the money is posted from source to budget."""
    fire(budget, "approve", by=by, details={"amount": budget.amount})


def earmark(
    budget: Budget, *, agency: Agency, title: str, purpose: str, amount: Money, reason: str = "", by: Actor
) -> Earmark:
    """Set money of an approved budget aside for one thing and one permitted purpose.

    ``reason`` says what another purpose than the named ones is. Refused with the article quoted
    when the source or its plan of the year does not permit the purpose (RLF), and when the budget
    has not enough left.
    """
    _require_positive(amount)
    wish = policy.Wish(budget, purpose, title.strip(), amount, reason.strip(), deciding=True)
    refusal = policy.may_earmark(wish, agency=agency)
    if refusal is not None:
        raise refusal
    row = Earmark(
        budget_id=budget.id,
        agency_id=agency.id,
        title=title.strip(),
        purpose=purpose,
        reason=wish.reason,
        amount=amount,
        made_on=clock.today(),
        made_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    giver = account_of("budget", budget.id, "budget", agency_id=budget.agency_id)
    taker = account_of("earmark", row.id, "earmark", agency_id=agency.id, parent=giver)
    account_of("earmark", row.id, "reserved", agency_id=agency.id, parent=giver)
    move(
        "earmarked",
        key=f"earmark/{row.id}",
        legs=[(giver, -amount), (taker, amount)],
        reference=("earmark", row.id),
        memo=row.title,
        by=by,
    )
    record(row, "made", by=by, details={"budget": budget.id, "amount": amount, "purpose": purpose})
    return row


def release_earmark(earmark: Earmark, *, by: Actor) -> Money:
    """Give what is neither reserved nor committed back to the budget; returns the amount."""
    giver = account_of("earmark", earmark.id, "earmark")
    db.session.refresh(giver, with_for_update=True)
    amount = giver.balance
    if not amount:
        raise Refusal(
            Message(N_("Nothing is left to release: all of it is reserved, committed or released already.")),
            status=409,
        )
    move(
        "earmark_released",
        key=f"earmark/{earmark.id}/release/{giver.last_seq}",
        legs=[(giver, -amount), (account_of("budget", earmark.budget_id, "budget"), amount)],
        reference=("earmark", earmark.id),
        by=by,
    )
    record(earmark, "released", by=by, details={"amount": amount})
    return amount


def _require_positive(amount: Money) -> None:
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
