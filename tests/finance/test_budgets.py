"""Budgets change, go on into the next year and go back by two people, and never fall below what is set aside."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from core.rules.services import add_rule_set
from finance.commitments.services import commit, return_surplus, shift
from finance.funds import rules, services
from finance.funds.models import Budget, BudgetAdjustment, Earmark
from finance.funds.queries import figures_of_budgets, idle_of, totals_by_source
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import balance, verify
from tests import world
from tests.finance.money import make_budget, make_earmark

YEAR = clock.today().year


def in_year(year: int, amount: int = 1_000, *, kind: str = "general_public_budget") -> Budget:
    """An approved budget of another year."""
    source = services.create_source(
        world.agency(), kind=kind, name=f"示例资金{kind}{year}", by=world.user("finance")
    )
    budget = services.enter_budget(
        source, fiscal_year=year, amount=Money.yuan(amount), by=world.user("finance")
    )
    services.approve_budget(budget, by=world.user("finreview"))
    return budget


def available(budget: Budget) -> Money:
    return balance("budget", budget.id, "budget")


def adjust(budget: Budget, yuan: int) -> BudgetAdjustment:
    return services.adjust(
        budget,
        Money.yuan(yuan),
        reason="示例：年中追加",
        document_number="示财预〔2026〕20号",
        by=world.user("finance"),
    )


def test_an_adjustment_takes_two_people_and_moves_money_at_the_second(app: Flask) -> None:
    with transaction():
        budget = make_budget(1_000)
        change = adjust(budget, 500)
    assert available(budget) == Money.yuan(1_000)
    with pytest.raises(Refusal) as caught, transaction():
        services.approve_adjustment(change, by=world.user("finance"))
    assert caught.value.status == 403
    with transaction():
        services.approve_adjustment(change, by=world.user("finreview"))
    assert available(budget) == Money.yuan(1_500)
    assert figures_of_budgets([budget])[budget.id].budgeted == Money.yuan(1_500)
    with pytest.raises(Refusal), transaction():
        services.approve_adjustment(change, by=world.user("finreview"))
    assert verify() == []


def test_one_person_never_takes_both_steps(app: Flask) -> None:
    with transaction():
        budget = make_budget(1_000)
        change = services.adjust(
            budget, Money.yuan(1), reason="示例", document_number="示1号", by=world.user("finreview")
        )
    with pytest.raises(Refusal) as caught, transaction():
        services.approve_adjustment(change, by=world.user("finreview"))
    assert caught.value.rule == "RAP-2"
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(text("UPDATE budget_adjustment SET approved_by = entered_by"))


def test_less_than_what_is_set_aside_is_refused_in_words_and_by_the_ledger(app: Flask) -> None:
    with transaction():
        lot = make_earmark(600_000)
        budget = lot.budget
    with pytest.raises(Refusal, match=r"400,000\.00 yuan of this budget are free") as caught, transaction():
        adjust(budget, -400_001)
    assert caught.value.status == 409
    with transaction():
        change = adjust(budget, -400_000)
        services.earmark(
            budget,
            agency=world.agency(),
            title="示例",
            purpose="elderly",
            amount=Money.yuan(1),
            by=world.user("finance"),
        )
    with pytest.raises(Refusal, match="Not enough money"), transaction():
        services.approve_adjustment(change, by=world.user("finreview"))
    assert db.session.scalar(select(BudgetAdjustment.state)) == "draft"
    with transaction():
        services.refuse_adjustment(change, reason="示例：已安排", by=world.user("finreview"))
    assert available(budget) == Money.yuan(399_999)


def test_drafts_together_take_no_more_than_is_free(app: Flask) -> None:
    with transaction():
        budget = make_budget(1_000)
        adjust(budget, -600)
    with pytest.raises(Refusal, match=r"400\.00"), transaction():
        adjust(budget, -401)
    with pytest.raises(Refusal, match=r"400\.00"), transaction():
        services.carry_over(budget, Money.yuan(401), document_number="示2号", by=world.user("finance"))


def test_a_rest_goes_on_into_the_next_year_and_is_remembered(app: Flask) -> None:
    with transaction():
        budget = in_year(YEAR - 1)
        carried = services.carry_over(
            budget, Money.yuan(300), document_number="示财预〔2026〕30号", by=world.user("finance")
        )
    assert (available(budget), carried.state) == (Money.yuan(1_000), "draft")
    with transaction():
        services.approve_budget(carried, by=world.user("finreview"))
    assert (available(budget), available(carried)) == (Money.yuan(700), Money.yuan(300))
    assert (carried.fiscal_year, carried.origin_year, carried.carried_from_id) == (YEAR, YEAR - 1, budget.id)
    figures = figures_of_budgets([budget, carried])
    assert (figures[budget.id].budgeted, figures[carried.id].budgeted) == (Money.yuan(700), Money.yuan(300))
    # And once more: the origin stays.
    with transaction():
        again = services.carry_over(
            carried, Money.yuan(100), document_number="示3号", by=world.user("finance")
        )
    assert (again.fiscal_year, again.origin_year) == (YEAR + 1, YEAR - 1)
    with transaction():
        services.withdraw_budget(again, by=world.user("finance"))
    assert again.state == "withdrawn" and available(carried) == Money.yuan(300)
    totals = totals_by_source(world.user("finance"))[budget.fund_source]
    assert (totals[YEAR - 1].carried_out, totals[YEAR].carried_in) == (Money.yuan(300), Money.yuan(300))
    assert totals[YEAR - 1].new == Money.yuan(1_000) and totals[YEAR].new == Money(0)
    assert verify() == []


@pytest.mark.parametrize(
    ("origin", "on", "verdict"),
    [
        (2025, date(2025, 12, 31), Verdict.PASS),
        (2025, date(2026, 1, 1), Verdict.MANUAL),
        (2025, date(2026, 12, 31), Verdict.MANUAL),
        (2025, date(2027, 1, 1), Verdict.FAIL),
        (2027, date(2026, 1, 1), Verdict.PASS),
    ],
)
def test_money_that_lies_is_warned_of_at_twelve_months_and_due_at_twenty_four(
    origin: int, on: date, verdict: Verdict
) -> None:
    found = rules.idle_finding(rules.LOTTERY, origin_year=origin, unused=Money(1), on=on)
    assert found.verdict is verdict
    assert "第四十二条" in found.source
    assert (
        rules.idle_finding(rules.LOTTERY, origin_year=origin, unused=Money(0), on=on).verdict is Verdict.PASS
    )
    donated = rules.idle_finding("donation", origin_year=origin, unused=Money(1), on=on)
    assert donated.verdict is Verdict.NOT_APPLICABLE


def test_the_months_are_parameters_of_the_place(app: Flask) -> None:
    with transaction():
        budget = in_year(YEAR - 1)
    assert idle_of(budget).verdict is Verdict.MANUAL
    with transaction():
        add_rule_set(
            "RLF",
            {"idle_clawback_months": 12},
            valid_from=date(YEAR, 1, 1),
            source="示例办法",
            jurisdiction="150600",
        )
    found = idle_of(budget)
    assert found.verdict is Verdict.FAIL and "RLF 150600 v1" in found.rule_set


def test_money_goes_back_after_two_years_by_two_people(app: Flask) -> None:
    with transaction():
        young, old = in_year(YEAR - 1), in_year(YEAR - 2)
    arguments = {"reason": "连续两年未用完", "document_number": "示财预〔2026〕40号"}
    with pytest.raises(Refusal) as caught, transaction():
        services.claw_back(young, Money.yuan(1), **arguments, by=world.user("finance"))
    assert caught.value.rule == "RLF-7"
    with pytest.raises(Refusal), transaction():
        services.claw_back(old, Money.yuan(1_001), **arguments, by=world.user("finance"))
    with transaction():
        change = services.claw_back(old, Money.yuan(1_000), **arguments, by=world.user("finance"))
    assert available(old) == Money.yuan(1_000)
    with pytest.raises(Refusal), transaction():
        services.approve_adjustment(change, by=world.user("finance"))
    with transaction():
        services.approve_adjustment(change, by=world.user("finreview"))
    assert available(old) == Money(0)
    assert balance("fund_source", old.fund_source_id, "source") == Money(0)
    assert figures_of_budgets([old])[old.id].budgeted == Money(0)
    assert idle_of(old).verdict is Verdict.PASS


def test_the_part_from_above_and_the_codes_are_checked(app: Flask) -> None:
    with transaction():
        source = services.create_source(
            world.agency(), kind="development_fund", name="示例扶持发展专项资金", by=world.user("finance")
        )
        gifts = services.create_source(
            world.agency(), kind="donation", name="示例捐赠", by=world.user("finance")
        )
    by = world.user("finance")
    with pytest.raises(Refusal, match="part of the budget"), transaction():
        services.enter_budget(source, fiscal_year=YEAR, amount=Money(100), upper_amount=Money(101), by=by)
    with pytest.raises(Refusal, match="no part of this kind"), transaction():
        services.enter_budget(gifts, fiscal_year=YEAR, amount=Money(100), upper_amount=Money(1), by=by)
    for codes in ({"function_code": "22960021"}, {"function_code": "1296"}, {"economic_code": "999"}):
        with pytest.raises(Refusal) as caught, transaction():
            services.enter_budget(source, fiscal_year=YEAR, amount=Money(100), by=by, **codes)  # type: ignore[arg-type]
        assert caught.value.rule == "RBG-3"
    with transaction():
        budget = services.enter_budget(
            source, fiscal_year=YEAR, amount=Money(100), upper_amount=Money(100), function_code="208",
            economic_code="50205", by=by,
        )  # fmt: skip
    assert budget.upper_amount == Money(100)


@given(code=st.text(alphabet="0123456789", max_size=8))
def test_codes_have_the_form_of_the_classification(code: str) -> None:
    function = not code or (len(code) in (3, 5, 7) and code[0] == "2")
    economic = not code or (len(code) in (3, 5) and code[0] in "35")
    assert (rules.function_code_problem(code) is None) == function
    assert (rules.economic_code_problem(code) is None) == economic


def test_party_building_money_serves_party_building_alone(app: Flask) -> None:
    with transaction():
        budget = in_year(YEAR, kind="party_building_cost")
    arguments: dict[str, Any] = {
        "agency": world.agency(),
        "amount": Money.yuan(1),
        "by": world.user("finance"),
    }
    with pytest.raises(Refusal) as caught, transaction():
        services.earmark(budget, title="示例养老", purpose="elderly", **arguments)
    assert caught.value.rule == "RLF-4"
    with transaction():
        lot = services.earmark(
            budget, title="示例党建工作", purpose="party", grant_kind="support", **arguments
        )
    assert lot.grant_kind == "support"
    with pytest.raises(ValueError, match="kind of grant"), transaction():
        services.earmark(budget, title="示例", purpose="party", grant_kind="gift", **arguments)


@pytest.mark.parametrize(
    "kind", ["budget", "earmark", "reserved", "committed", "payable", "paid", "returned"]
)
def test_the_database_refuses_a_balance_below_zero(app: Flask, kind: str) -> None:
    with transaction():
        lot = make_earmark(100)
        commit(
            lot, organization=world.organization(), number="示-1", title="示例", track="venture_grant",
            amount=Money.yuan(10), starts_on=clock.today(), ends_on=clock.today(),
            tranches=[(1, "整款", "signed")], from_reservation=False, by=world.user("leader"),
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction() as session:
        changed = session.execute(text("UPDATE account SET balance = -1 WHERE kind = :kind"), {"kind": kind})
        assert changed.rowcount > 0


def test_two_adjustments_at_once_take_what_is_there_once(bare_app: Flask) -> None:
    """Twelve approvals of 100 yuan less compete for 500 yuan: five come through, on both databases."""
    with bare_app.app_context(), transaction() as session:
        budget = make_budget(500)
        for number in range(12):
            session.add(
                BudgetAdjustment(
                    budget_id=budget.id, agency_id=budget.agency_id, amount=Money.yuan(-100),
                    reason="示例", document_number=f"示{number}号", state="draft",
                    entered_by=world.user("finance").id, entered_on=clock.today(),
                )
            )  # fmt: skip
        session.flush()
        ids = list(session.scalars(select(BudgetAdjustment.id)))
        budget_id = budget.id
    start, outcomes = threading.Barrier(len(ids)), []

    def run(adjustment_id: int) -> None:
        with bare_app.app_context():
            start.wait()
            try:
                with transaction():
                    found = db.session.get_one(BudgetAdjustment, adjustment_id)
                    services.approve_adjustment(found, by=world.user("finreview"))
                outcomes.append("approved")
            except Refusal as refusal:
                outcomes.append(str(refusal.status))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(item,)) for item in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["409"] * 7 + ["approved"] * 5
    with bare_app.app_context():
        assert balance("budget", budget_id, "budget") == Money(0)
        states = db.session.scalars(select(BudgetAdjustment.state)).all()
        assert sorted(states) == ["approved"] * 5 + ["draft"] * 7
        assert verify() == []


# Any sequence, against an oracle -------------------------------------------------------------------

ACTS = st.lists(
    st.tuples(
        st.sampled_from(["adjust", "carry", "earmark", "release", "commit", "pay", "return"]),
        st.integers(-40_000, 60_000),
        st.integers(0, 5),
    ),
    max_size=14,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_any_sequence_leaves_the_figures_that_the_postings_say(app: Flask, acts: list[Any]) -> None:
    with transaction():
        count = db.session.scalar(select(func.count()).select_from(Budget)) or 0
        source = services.create_source(
            world.agency(), kind="general_public_budget", name=f"示例来源{count}", by=world.user("finance")
        )
        play = Play(source, [])
        play.enter(Money(100_000))
        play.enter(Money(33_333))
        play.earmark(Money(30_000), 0)
        play.earmark(Money(20_001), 1)
    for act, amount, pick in acts:
        try:
            with transaction():
                getattr(play, act)(Money(abs(amount) + 1 if act != "adjust" else amount or 1), pick)
        except Refusal:
            db.session.rollback()
    budgets = list(db.session.scalars(select(Budget).where(Budget.fund_source_id == source.id)))
    figures = figures_of_budgets(budgets)
    for budget in budgets:
        found = figures[budget.id]
        assert {name: getattr(found, name).fen for name in play.ORACLE} == oracle(budget)
        parts = found.available + found.set_aside + found.bound + found.paid
        assert parts == found.budgeted
    restricted = select(Account).where(Account.restricted, Account.balance < Money(0))
    assert db.session.scalars(restricted).all() == []
    # All that the source gave is on the tree of its budgets.
    given_ = -balance("fund_source", source.id, "source")
    assert given_ == sum((figures[item.id].budgeted for item in budgets), Money(0))


class Play:
    """The acts of the sequence; each may be refused."""

    ORACLE = ("available", "earmarked", "committed", "payable", "paid", "returned", "budgeted")

    def __init__(self, source: Any, commitments: list[Any]) -> None:
        self.source, self.commitments = source, commitments

    def enter(self, amount: Money) -> None:
        budget = services.enter_budget(
            self.source, fiscal_year=YEAR - 1, amount=amount, by=world.user("finance")
        )
        services.approve_budget(budget, by=world.user("finreview"))

    def budget(self, pick: int) -> Budget:
        rows = db.session.scalars(
            select(Budget).where(Budget.fund_source_id == self.source.id).order_by(Budget.id)
        ).all()
        return rows[pick % len(rows)]

    def lots(self) -> list[Earmark]:
        return list(
            db.session.scalars(
                select(Earmark)
                .join(Budget)
                .where(Budget.fund_source_id == self.source.id)
                .order_by(Earmark.id)
            )
        )

    def adjust(self, amount: Money, pick: int) -> None:
        change = services.adjust(
            self.budget(pick), amount, reason="示例", document_number="示1号", by=world.user("finance")
        )
        services.approve_adjustment(change, by=world.user("finreview"))

    def carry(self, amount: Money, pick: int) -> None:
        made = services.carry_over(
            self.budget(pick), amount, document_number="示2号", by=world.user("finance")
        )
        services.approve_budget(made, by=world.user("finreview"))

    def earmark(self, amount: Money, pick: int) -> None:
        services.earmark(
            self.budget(pick), agency=world.agency(), title="示例", purpose="elderly", amount=amount,
            by=world.user("finance"),
        )  # fmt: skip

    def release(self, _amount: Money, pick: int) -> None:
        lots = self.lots()
        if lots:
            services.release_earmark(lots[pick % len(lots)], by=world.user("finance"))

    def commit(self, amount: Money, pick: int) -> None:
        """Owed out of up to three earmarks, split over them."""
        lots = self.lots()[pick : pick + 3]
        if not lots or amount.fen < len(lots):
            return
        parts = amount.split([pick + 1] * len(lots))
        made = commit(
            lots[0], organization=world.organization(), number=f"示-{self.source.id}-{len(self.commitments)}",
            title="示例", track="venture_grant", amount=amount, starts_on=clock.today(), ends_on=clock.today(),
            tranches=[(1, "整款", "signed")], from_reservation=False, by=world.user("leader"),
            shares=list(zip(lots, parts, strict=True)) if len(lots) > 1 else (),
        )  # fmt: skip
        self.commitments.append(made)

    def pay(self, amount: Money, pick: int) -> None:
        if not self.commitments:
            return
        owed = self.commitments[pick % len(self.commitments)]
        key = f"play/{owed.id}/{db.session.scalar(select(func.count()).select_from(Transfer))}"
        about = ("play", owed.id)
        shift(owed, "committed", "payable", amount, kind="disbursement_approved", key=key, reference=about,
              by=world.user("leader"))  # fmt: skip
        if pick % 2:
            shift(owed, "payable", "paid", amount, kind="disbursement_paid", key=f"{key}/paid",
                  reference=about, by=world.user("finance"))  # fmt: skip

    def return_(self, amount: Money, pick: int) -> None:
        if self.commitments:
            owed = self.commitments[pick % len(self.commitments)]
            count = db.session.scalar(select(func.count()).select_from(Transfer))
            return_surplus(owed, amount, key=f"play/{count}", by=world.user("finance"))


setattr(Play, "return", Play.return_)


def oracle(budget: Budget) -> dict[str, int]:
    """The figures once more, from nothing but the postings and whose child each account is."""
    accounts = {item.id: item for item in db.session.scalars(select(Account))}

    def belongs(account: Account) -> bool:
        while account.parent_id is not None:
            account = accounts[account.parent_id]
        return account.owner_type == "budget" and account.owner_id == budget.id

    names = {"budget": "available", "earmark": "earmarked"}
    found = dict.fromkeys(Play.ORACLE, 0)
    rows = db.session.execute(
        select(Posting.account_id, Posting.amount, Transfer.kind).join(
            Transfer, Transfer.id == Posting.transfer_id
        )
    )
    for account_id, amount, kind in rows:
        account = accounts[account_id]
        if not belongs(account):
            continue
        name = names.get(account.kind, account.kind)
        if name == "returned":
            found["returned"] += max(amount.fen, 0)
        elif name in found:
            found[name] += amount.fen
        if account.kind == "budget" and kind in ("budget_approved", "carried_over", "adjusted"):
            found["budgeted"] += amount.fen
    return found
