"""Writing funds: sources, budgets and what becomes of them, and money set aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from finance.funds import policy
from finance.funds.models import Budget, BudgetAdjustment, Earmark, FundSource
from finance.funds.queries import ZERO, idle_of, open_drafts_of
from finance.funds.rules import (
    BUDGET_LAW_42,
    CLASSIFICATION,
    FUND_KINDS,
    GRANT_KINDS,
    LOTTERY,
    TIERS,
    economic_code_problem,
    function_code_problem,
)
from finance.ledger.queries import balance
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

    ``purposes`` are the permitted purposes by code (codes of ``rules.PURPOSES``, or a mapping to
    the fund's own words); ``None`` means the four of the lottery for a lottery fund and no
    whitelist for any other. ``basis`` quotes the rules of the fund.
    """
    if kind not in FUND_KINDS:
        raise ValueError(f"unknown kind of fund source {kind}")
    if (kind == LOTTERY) != (tier in TIERS):
        raise Refusal(
            Message(N_("A welfare lottery fund has a tier (central to county); other sources have none.")),
            rule="RLF",
            source=policy.ARTICLE_33,
        )
    if purposes is None:
        purposes = policy.LOTTERY_PURPOSES if kind == LOTTERY else ()
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
    upper_amount: Money = ZERO,
    function_code: str = "",
    economic_code: str = "",
    document_number: str = "",
    by: Actor,
) -> Budget:
    """The quota of one fiscal year; a draft until a second person approves it.

    ``upper_amount`` is the part the level above gave. Codes are those of the government budget
    classification: function 3, 5 or 7 digits, economic 3 or 5.
    """
    _require_positive(amount)
    if not Money(0) <= upper_amount <= amount:
        raise Refusal(
            Message(N_("What the level above gave is a part of the budget, not more than all of it."))
        )
    if upper_amount and not FUND_KINDS[source.kind].upper:
        raise Refusal(Message(N_("The level above gives no part of this kind of money.")))
    function_code, economic_code = function_code.strip(), economic_code.strip()
    wrong = function_code_problem(function_code) or economic_code_problem(economic_code)
    if wrong is not None:
        raise Refusal(wrong, rule="RBG-3", source=CLASSIFICATION)
    budget = Budget(
        fund_source_id=source.id,
        agency_id=source.agency_id,
        fiscal_year=fiscal_year,
        origin_year=fiscal_year,
        amount=amount,
        upper_amount=upper_amount,
        function_code=function_code,
        economic_code=economic_code,
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
        details={
            "fiscal_year": fiscal_year,
            "amount": amount,
            "upper_amount": upper_amount,
            "document_number": budget.document_number,
        },
    )
    return budget


def approve_budget(budget: Budget, *, by: Actor) -> None:
    """A second person puts the budget in force; the money is posted from source to budget."""
    fire(budget, "approve", by=by, details={"amount": budget.amount})


def carry_over(budget: Budget, amount: Money, *, document_number: str, by: Actor) -> Budget:
    """Carry a rest into the next year: a draft budget of that year which remembers where it came from.

    The money stays where it is until a second person approves the new budget. Refused for more than
    is available and not waiting to be carried or taken away already.
    """
    _require_positive(amount)
    _require_in_force(budget)
    free = balance("budget", budget.id, "budget") - open_drafts_of(budget)
    if amount > free:
        raise Refusal(
            Message(
                N_("Only %(available)s yuan of this budget are free to be carried over, not %(amount)s."),
                {"available": free, "amount": amount},
            ),
            rule="RBG-1",
            source=BUDGET_LAW_42,
            status=409,
        )
    carried = Budget(
        fund_source_id=budget.fund_source_id,
        agency_id=budget.agency_id,
        fiscal_year=budget.fiscal_year + 1,
        origin_year=budget.origin_year,
        carried_from_id=budget.id,
        amount=amount,
        function_code=budget.function_code,
        economic_code=budget.economic_code,
        document_number=document_number.strip(),
        state="draft",
        entered_by=by.actor_id,
    )
    db.session.add(carried)
    db.session.flush()
    record(carried, "carried over", by=by, details={"from": budget.id, "amount": amount})
    return carried


def withdraw_budget(budget: Budget, *, by: Actor) -> None:
    """Take a draft back: it was entered wrongly, or nothing shall be carried over."""
    fire(budget, "withdraw", by=by)


def adjust(
    budget: Budget, amount: Money, *, reason: str, document_number: str, by: Actor
) -> BudgetAdjustment:
    """Ask for more (``amount`` above zero) or less money in a budget in force; another person approves.

    Less than nothing available is refused here, and again by the ledger when it is approved.
    """
    return _adjustment(budget, amount, kind="adjusted", reason=reason, document_number=document_number, by=by)


def claw_back(
    budget: Budget, amount: Money, *, reason: str, document_number: str, by: Actor
) -> BudgetAdjustment:
    """Propose to give what lay unused for two years back to its source; another person approves.

    ``amount`` is above zero. Refused before the two years are over (RLF-7).
    """
    _require_positive(amount)
    if idle_of(budget).verdict is not Verdict.FAIL:
        raise Refusal(
            Message(N_("This money may still be spent: it has not lain for two years.")),
            rule="RLF-7",
            source=BUDGET_LAW_42,
        )
    return _adjustment(
        budget, -amount, kind="clawed_back", reason=reason, document_number=document_number, by=by
    )


def _adjustment(
    budget: Budget, amount: Money, *, kind: str, reason: str, document_number: str, by: Actor
) -> BudgetAdjustment:
    _require_in_force(budget)
    if not amount:
        raise Refusal(Message(N_("An adjustment of nothing changes nothing.")))
    available = balance("budget", budget.id, "budget") - open_drafts_of(budget)
    if amount < Money(0) and -amount > available:
        raise Refusal(
            Message(
                N_(
                    "%(available)s yuan of this budget are free; what is set aside stays. Release money that was "
                    "set aside first, or take %(available)s yuan at most."
                ),
                {"available": available},
            ),
            rule="RBG-1",
            source="预算法 第十三条",
            status=409,
        )
    row = BudgetAdjustment(
        budget_id=budget.id,
        budget=budget,
        agency_id=budget.agency_id,
        kind=kind,
        amount=amount,
        reason=_reason(reason),
        document_number=document_number.strip(),
        state="draft",
        entered_by=by.actor_id,
        entered_on=clock.today(),
    )
    db.session.add(row)
    db.session.flush()
    record(
        budget, "adjustment entered", by=by, details={"adjustment": row.id, "amount": amount, "kind": kind}
    )
    return row


def approve_adjustment(adjustment: BudgetAdjustment, *, by: Actor) -> None:
    """A second person puts the change in force; money moves between source and budget."""
    fire(adjustment, "approve", by=by, details={"amount": adjustment.amount})


def withdraw_adjustment(adjustment: BudgetAdjustment, *, by: Actor) -> None:
    """Take a draft back: it was entered wrongly."""
    fire(adjustment, "withdraw", by=by)


def refuse_adjustment(adjustment: BudgetAdjustment, *, reason: str, by: Actor) -> None:
    """The change is not made; the reason stays."""
    fire(adjustment, "refuse", by=by, note=_reason(reason))


def earmark(
    budget: Budget,
    *,
    agency: Agency,
    title: str,
    purpose: str,
    amount: Money,
    reason: str = "",
    grant_kind: str = "project_grant",
    opening: bool = False,
    by: Actor,
) -> Earmark:
    """Set money of an approved budget aside for one thing and one permitted purpose.

    ``reason`` says what another purpose than the named ones is; ``grant_kind`` is one of
    ``rules.GRANT_KINDS``; ``opening`` says that the books are being opened with what was set aside
    before. Refused with the article quoted
    when the source or its plan of the year does not permit the purpose (RLF), and when the budget
    has not enough left.
    """
    _require_positive(amount)
    if grant_kind not in GRANT_KINDS:
        raise ValueError(f"unknown kind of grant {grant_kind}")
    wish = policy.Wish(budget, purpose, title.strip(), amount, reason.strip(), deciding=True, opening=opening)
    refusal = policy.may_earmark(wish, agency=agency)
    if refusal is not None:
        raise refusal
    row = Earmark(
        budget_id=budget.id,
        agency_id=agency.id,
        title=title.strip(),
        purpose=purpose,
        reason=wish.reason,
        grant_kind=grant_kind,
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
    record(
        row,
        "made",
        by=by,
        details={"budget": budget.id, "amount": amount, "purpose": purpose, "kind": grant_kind},
    )
    return row


def release_earmark(earmark: Earmark, *, by: Actor) -> Money:
    """Give what is neither reserved nor committed back to the budget; returns the amount."""
    giver = account_of("earmark", earmark.id, "earmark")
    db.session.refresh(giver, with_for_update={"key_share": True})
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


def _require_in_force(budget: Budget) -> None:
    if budget.state != "approved":
        raise Refusal(
            Message(N_("This budget is not in force yet: a second person approves it first.")),
            rule="RAP-2",
            whose_turn=Message(N_("the finance reviewer")),
            status=409,
        )


def _reason(text: str) -> str:
    if not text.strip():
        raise Refusal(Message(N_("Write the reason: whoever approves has to know why.")))
    return text.strip()
