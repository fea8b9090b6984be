"""What was paid on a contract concluded here follows from the ledger, payment by payment, year by year."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core import clock
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from finance.commitments.models import Commitment
from finance.commitments.services import commit
from finance.contracts.models import Purchase
from finance.contracts.queries import paid_by_row, paid_differences
from finance.contracts.rules import PurchaseRow
from finance.disbursements.models import Disbursement
from finance.disbursements.services import mark_returned
from finance.figures.queries import bases, differences
from finance.funds.services import approve_budget, create_source, earmark, enter_budget
from finance.purchasing.services import import_purchases, note_paid, record_concluded
from finance.recoveries.services import book_return, order, propose, review_legal, review_money
from tests import world
from tests.finance.money import make_commitment
from tests.finance.test_recoveries import paid

DIVISION = "150600"
OTHER = "91150602MA0N123402"


def conclude(commitment: Commitment, **changes) -> Purchase:
    return record_concluded(
        commitment,
        **{
            "division_code": DIVISION,
            "purchaser": world.agency().name,
            "service_key": commitment.number,
            "service_name": commitment.title,
            "catalogue_code": "",
            "public_service": True,
            "contractor": world.organization(),
            "fund_source": "福利彩票公益金",
            "method": "公益创投",
            "signed_on": clock.today(),
            "is_venture": False,
            "by": world.user("leader"),
            **changes,
        },
    )


def recovered(payment: Disbursement, amount: Money, voucher: str = "SK-1") -> None:
    case = propose(
        payment.commitment,
        disbursement=payment,
        ground="unused",
        amount=amount,
        due_on=clock.today(),
        reason="活动未开展，款项未使用。",
        by=world.user("clerk"),
    )
    review_legal(case, by=world.user("reviewer"))
    review_money(case, by=world.user("finreview"))
    order(case, basis="示例会议纪要", by=world.user("leader"))
    book_return(case, amount, received_on=clock.today(), voucher_number=voucher, by=world.user("finance"))


def payment_figure(year: int) -> tuple[int, int]:
    """Total and share of social organizations on the payment basis, in fen."""
    figure = bases(DIVISION, year)["payment"].figures["own"]
    return figure.added_total_fen, int(figure.added_so_fen)


def test_the_payment_base_moves_with_each_payment(app):
    year = clock.today().year
    with transaction():
        # Somebody else was paid 20,000.00 this year: the other half of the figure.
        import_purchases(
            [
                PurchaseRow(
                    contract_no="示采001", fiscal_year=year, division_code=DIVISION, purchaser="示例局",
                    service_key="Z", service_name="示例服务", catalogue_code="A0301", public_service=True,
                    contractor="示例公司", contractor_code=OTHER, contractor_kind="企业", host_code="",
                    so_share=None, amount=Money.yuan("20000"), cancelled_amount=Money(0),
                    fund_source="一般公共预算", method="", signed_on=date(year, 1, 5), is_venture=False,
                    paid_amount=Money.yuan("20000"),
                )
            ],
            file_name="t.csv", sha256="0" * 64, by=SYSTEM,
        )  # fmt: skip
        commitment = make_commitment("98000.01")  # 49,000.00 + 39,200.00 + 9,800.01
        row = conclude(commitment)
        assert row.paid_amount == Money(0)
    assert payment_figure(year) == (20_000_00, 0)
    with transaction():
        first = paid(commitment, 1)
    assert row.paid_amount == Money.yuan("49000.00")
    assert payment_figure(year) == (69_000_00, 49_000_00)
    with transaction():
        second = paid(commitment, 2)
    assert payment_figure(year) == (108_200_00, 88_200_00)
    with transaction():
        mark_returned(second, reason="账号有误", by=world.user("finance"))
    assert payment_figure(year) == (69_000_00, 49_000_00)
    with transaction():
        recovered(first, Money.yuan("9000.50"))
    assert row.paid_amount == Money.yuan("39999.50")
    assert payment_figure(year) == (59_999_50, 39_999_50)
    assert list(paid_differences()) == [] and list(differences(DIVISION, year)) == []


def test_a_payment_of_the_next_year_has_its_own_row(app):
    with time_machine.travel(clock.at_local(date(2025, 12, 20), 9)), transaction():
        commitment = make_commitment("98000.01")
        conclude(commitment)
        first = paid(commitment, 1)
    with time_machine.travel(clock.at_local(date(2026, 2, 3), 9)):
        with transaction():
            paid(commitment, 2)
        assert {row.fiscal_year: (row.amount.plain(), row.paid_amount.plain()) for row in _rows()} == {
            2025: ("98000.01", "49000.00"),
            2026: ("0.00", "39200.00"),
        }
        assert payment_figure(2025) == (49_000_00, 49_000_00)
        # The service went on from 49,000.00 to 39,200.00: nothing was added.
        assert payment_figure(2026) == (0, 0)
        with transaction():
            recovered(first, Money.yuan("40000.00"))
        # What comes back is taken off the newest year first: 39,200.00 there, 800.00 here.
        assert [row.paid_amount.plain() for row in _rows()] == ["48200.00", "0.00"]
        assert list(differences(DIVISION, 2025)) == list(differences(DIVISION, 2026)) == []


def _rows() -> list[Purchase]:
    return list(db.session.scalars(select(Purchase).order_by(Purchase.fiscal_year)))


def test_of_a_contract_with_public_money_public_money_alone_counts(app):
    with transaction():
        first = make_commitment("1000.00", tranches=[(100, "一次性", "signed")])
        own = create_source(
            world.agency(), kind="donation", tier="", name="示例捐赠", purposes={"elderly": "老年人服务"},
            by=world.user("finance"),
        )  # fmt: skip
        budget = enter_budget(
            own, fiscal_year=clock.today().year, amount=Money.yuan("500"), document_number="示捐1号",
            by=world.user("finance"),
        )  # fmt: skip
        approve_budget(budget, by=world.user("finreview"))
        gift = earmark(
            budget, agency=world.agency(), title="示例", purpose="elderly", amount=Money.yuan("500"),
            by=world.user("finance"),
        )  # fmt: skip
        shared = commit(
            first.earmark, organization=world.organization(), number="SH-1", title="示例银发学堂",
            track="venture_grant", amount=Money.yuan("900.00"), starts_on=clock.today(), ends_on=clock.today(),
            tranches=[(100, "一次性", "signed")], from_reservation=False,
            shares=[(first.earmark, Money.yuan("600.00")), (gift, Money.yuan("300.00"))], by=world.user("leader"),
        )  # fmt: skip
        conclude(shared)
        paid(shared, 1)
    assert _rows()[0].paid_amount == Money.yuan("600.00")
    # A contract concluded here says nothing of subcontracts.
    assert _rows()[0].subcontract_so_share is None


def test_a_stale_amount_is_named_and_mended(app):
    with transaction():
        commitment = make_commitment("98000.01")
        row = conclude(commitment)
        paid(commitment, 1)
    year = row.fiscal_year
    with transaction():
        db.session.execute(update(Purchase).values(paid_amount=Money(1)))
    assert [(found.id, *rest) for found, *rest in paid_differences()] == [
        (row.id, year, Money(1), Money.yuan("49000.00"))
    ]
    runner = app.test_cli_runner()
    told = runner.invoke(args=["purchasing", "recompute", "--check"])
    assert (
        told.exit_code == 1 and f"{row.contract_no} {year} paid: kept 0.01, posted 49,000.00" in told.output
    )
    assert runner.invoke(args=["purchasing", "recompute"]).exit_code == 0
    assert runner.invoke(args=["purchasing", "recompute", "--check"]).exit_code == 0
    with transaction():
        assert note_paid([commitment.id], by=SYSTEM) == 0


def test_nothing_is_noted_for_what_is_no_contract_of_the_table(app):
    with transaction():
        paid(make_commitment(), 1)
    assert _rows() == [] and paid_by_row([]) == {}


class Undone(Exception):
    pass


def test_any_sequence_of_payments_leaves_what_the_ledger_says(app):
    """Pay, return, recover over three years: the rows are what adding up by hand gives, never negative."""
    steps = st.lists(
        st.tuples(st.sampled_from(["pay", "return", "recover"]), st.integers(0, 2), st.integers(0, 400)),
        min_size=1,
        max_size=5,
    )

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def run(plan):
        begin = clock.today()
        with (
            pytest.raises(Undone),
            time_machine.travel(clock.at_local(begin, 9)) as travel,
            transaction(),
        ):
            commitment = make_commitment("98000.01")
            conclude(commitment)
            by_hand: dict[int, Money] = {begin.year: Money(0)}
            day = begin
            for name, place, later in plan:
                day = date.fromordinal(day.toordinal() + later)
                travel.move_to(clock.at_local(day, 9))
                alive = _alive(commitment, place + 1)
                if name == "pay" and alive is None and place not in _gone(commitment):
                    payment = paid(commitment, place + 1)
                    by_hand[day.year] = by_hand.get(day.year, Money(0)) + payment.amount
                elif name != "pay" and alive is not None and alive.state == "paid":
                    amount = alive.amount
                    if name == "return":
                        mark_returned(alive, reason="退票", by=world.user("finance"))
                    else:
                        recovered(alive, amount, f"SK-{alive.id}")
                    for year in sorted(by_hand, reverse=True):
                        part = min(amount, by_hand[year])
                        by_hand[year], amount = by_hand[year] - part, amount - part
            note_paid([commitment.id], by=SYSTEM)
            rows = {row.fiscal_year: row.paid_amount for row in _rows()}
            assert {year: paid for year, paid in rows.items() if paid or year == begin.year} == {
                year: paid for year, paid in by_hand.items() if paid or year == begin.year
            }
            assert list(paid_differences()) == []
            raise Undone

    run()


def _alive(commitment: Commitment, place: int) -> Disbursement | None:
    return db.session.scalar(
        select(Disbursement).where(
            Disbursement.tranche_id == commitment.tranches[place - 1].id,
            Disbursement.state.not_in(("returned", "cancelled")),
        )
    )


def _gone(commitment: Commitment) -> set[int]:
    """Places of tranches whose payment was recovered: they are not paid again."""
    return {
        place
        for place in range(3)
        if (item := _alive(commitment, place + 1)) is not None and item.state == "recovered"
    }
