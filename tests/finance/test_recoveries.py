"""Recoveries: what was paid comes back once, by different people, and the books say so to the fen."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.documents.services import document_page
from core.money import Money
from finance.commitments.models import Commitment
from finance.commitments.queries import accounts_of, sums_of
from finance.commitments.services import commit, place_hold
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import confirmed_accounts
from finance.disbursements.services import (
    approve,
    mark_paid,
    mark_returned,
    release,
    request_disbursement,
    review,
)
from finance.funds.services import earmark
from finance.ledger.models import Account
from finance.ledger.queries import balance, verify
from finance.recoveries import services
from finance.recoveries.models import Recovery
from finance.recoveries.queries import offset_targets
from finance.recoveries.reports import document_facts
from registry.interests.models import Interest
from tests import world
from tests.finance.money import TRANCHES, make_account, make_budget, make_commitment

NUMBERS = itertools.count(1)


def another(amount: str, number: str) -> Commitment:
    """A commitment to the same payee out of a source of its own."""
    today = clock.today()
    lot = earmark(
        make_budget(name=f"示例来源 {number}"),
        agency=world.agency(),
        title="示例公益项目",
        purpose="elderly",
        amount=Money.yuan(200_000),
        by=world.user("finance"),
    )
    return commit(
        lot,
        organization=world.organization(),
        number=number,
        title="示例银发学堂",
        track="venture_grant",
        amount=Money.yuan(amount),
        starts_on=today,
        ends_on=today + timedelta(days=300),
        tranches=TRANCHES,
        from_reservation=False,
        by=world.user("leader"),
    )


def known_account():
    """The payee's account; money goes to a changed one only after some days."""
    known = confirmed_accounts(world.organization())
    return known[0] if known else make_account()


def paid(commitment: Commitment, place: int, account=None) -> Disbursement:
    """Tranche number ``place`` on its whole way to the bank."""
    item = request_disbursement(
        commitment.tranches[place - 1],
        payee_account=account or known_account(),
        receipt_number=f"SJ-{commitment.id}-{place}",
        by=world.user("clerk"),
    )
    review(item, by=world.user("finreview"))
    approve(item, by=world.user("leader"))
    release(item, by=world.user("finance"))
    mark_paid(item, paid_on=clock.today(), voucher_number=f"PZ-{item.id}", by=world.user("finance"))
    return item


def proposed(commitment: Commitment, amount: str, payment: Disbursement | None = None) -> Recovery:
    return services.propose(
        commitment,
        disbursement=payment,
        ground="unused",
        amount=Money.yuan(amount),
        due_on=clock.today() + timedelta(days=30),
        reason="活动未开展，款项未使用。",
        by=world.user("clerk"),
    )


def ordered(commitment: Commitment, amount: str, payment: Disbursement | None = None) -> Recovery:
    case = proposed(commitment, amount, payment)
    services.review_legal(case, by=world.user("reviewer"))
    services.review_money(case, by=world.user("finreview"))
    services.order(case, basis="示例局长办公会纪要〔2026〕5号", by=world.user("leader"))
    return case


def back(case: Recovery, amount: str, voucher: str = "SK-1") -> None:
    services.book_return(
        case, Money.yuan(amount), received_on=clock.today(), voucher_number=voucher, by=world.user("finance")
    )


def test_money_comes_back_in_parts_and_the_payment_ends_as_recovered(app):
    with transaction():
        commitment = make_commitment()
        payment = paid(commitment, 1)  # 49,000.00
        budget_id = commitment.earmark.budget_id
        before = balance("budget", budget_id, "budget")
        case = ordered(commitment, "49000.00", payment)
        back(case, "20000.00", "SK-1")
        assert (case.state, payment.state, case.open_amount) == ("ordered", "paid", Money.yuan("29000.00"))
        back(case, "29000.00", "SK-2")
        assert (case.state, payment.state) == ("settled", "recovered")
        sums = sums_of([commitment])[commitment.id]
        assert (sums["paid"], sums["returned"], sums["payable"]) == (Money(0), Money(0), Money(0))
        assert balance("budget", budget_id, "budget") == before + Money.yuan("49000.00")
        assert [part.amount for part in case.parts] == [Money.yuan("20000.00"), Money.yuan("29000.00")]
    assert verify() == []


def test_the_tranche_of_a_recovered_payment_is_not_paid_again(app):
    with transaction():
        commitment = make_commitment()
        account = known_account()
        back(ordered(commitment, "49000.00", paid(commitment, 1, account)), "49000.00")
        with pytest.raises(Refusal, match="already being paid"):
            request_disbursement(
                commitment.tranches[0], payee_account=account, receipt_number="X", by=world.user("clerk")
            )


def test_a_set_off_makes_the_tranche_fall_and_nothing_leaves_the_bank(app):
    with transaction():
        first, second = make_commitment(), another("50000.00", "150600-GYCT-2026-06-001-HT")
        paid(first, 1)
        case = ordered(first, "9000.01")
        budget = balance("budget", first.earmark.budget_id, "budget")
        target = second.tranches[0]  # 25,000.00
        services.book_offset(case, target, Money.yuan("9000.01"), by=world.user("finance"))
        assert target.amount == Money.yuan("15999.99") and target.original_amount == Money.yuan("25000.00")
        taken = sums_of([second])[second.id]
        assert (taken["committed"], taken["paid"]) == (Money.yuan("40999.99"), Money.yuan("9000.01"))
        assert sum((item.amount for item in second.tranches), Money(0)) == taken["committed"]
        assert sums_of([first])[first.id]["paid"] == Money.yuan("39999.99")
        assert balance("budget", first.earmark.budget_id, "budget") == budget + Money.yuan("9000.01")
        assert case.state == "settled"
        # What is left of the tranche is paid on the usual way.
        assert paid(second, 1).amount == Money.yuan("15999.99")
    assert verify() == []


def test_a_set_off_keeps_to_what_is_owed_to_the_same_payee(app):
    with transaction():
        first, second = make_commitment(), another("50000.00", "150600-GYCT-2026-06-001-HT")
        paid(first, 1)
        case = ordered(first, "40000.00")
        tranche = second.tranches[0]
        by = world.user("finance")
        with pytest.raises(Refusal, match="no more can be set off"):
            services.book_offset(case, tranche, Money.yuan("25000.01"), by=by)
        with pytest.raises(Refusal, match="already being paid"):
            services.book_offset(case, first.tranches[0], Money(1), by=by)
        other = another("30000.00", "150600-GYCT-2026-06-002-HT")
        other.organization = world.organization("示例夕阳红为老服务中心")
        db.session.flush()
        with pytest.raises(Refusal, match="same payee"):
            services.book_offset(case, other.tranches[0], Money(1), by=by)
        assert {item.commitment_id for item in offset_targets(case)} == {first.id, second.id}
        place_hold(second, reason="rectification", text="补签到表", by=world.user("clerk"))
        with pytest.raises(Refusal, match="stopped"):
            services.book_offset(case, tranche, Money(1), by=by)
        assert case.recovered == Money(0) and tranche.amount == Money.yuan("25000.00")


def test_a_case_takes_four_people_and_none_with_ties(app):
    with transaction() as session:
        commitment = make_commitment()
        paid(commitment, 1)
        case = proposed(commitment, "100.00")
        for step, login in (("review_money", "finreview"), ("review_legal", "finreview")):
            with pytest.raises(Refusal):
                getattr(services, step)(case, by=world.user(login))
        # The same person with another role is still the same person.
        world.user("clerk").roles[0].role = "funder_reviewer"
        session.flush()
        with pytest.raises(Refusal, match="One person cannot take two steps"):
            services.review_legal(case, by=world.user("clerk"))
        services.review_legal(case, by=world.user("reviewer"))
        services.review_money(case, by=world.user("finreview"))
        with pytest.raises(Refusal, match="rests on"):
            services.order(case, basis=" ", by=world.user("leader"))
        session.add(
            Interest(
                person_id=world.user("leader").person_id,
                organization_id=commitment.organization_id,
                kind="kinship",
                since=clock.today() - timedelta(days=30),
            )
        )
        session.flush()
        with pytest.raises(Refusal, match="stand back"):
            services.order(case, basis="纪要", by=world.user("leader"))
        with pytest.raises(Refusal, match="ordered case"):
            back(case, "1.00")


def test_the_database_refuses_one_person_in_two_places_and_more_than_the_case(app):
    with transaction():
        commitment = make_commitment()
        paid(commitment, 1)
        case_id = ordered(commitment, "100.00").id
    for statement in (
        "UPDATE recovery SET money_reviewed_by = ordered_by WHERE id = :id",
        "UPDATE recovery SET reviewed_by = proposed_by WHERE id = :id",
        "UPDATE recovery SET recovered = amount + 1 WHERE id = :id",
    ):
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(text(statement), {"id": case_id})


def test_no_more_is_asked_or_booked_than_there_is(app):
    with transaction():
        commitment = make_commitment()
        payment = paid(commitment, 1)
        proposed(commitment, "40000.00", payment)
        with pytest.raises(Refusal, match="At most 9,000"):
            proposed(commitment, "9000.01")
        case = ordered(commitment, "9000.00", payment)
        with pytest.raises(Refusal, match="cannot be booked"):
            back(case, "9000.01")
        back(case, "1.00", "SK-9")
        with pytest.raises(Refusal, match="already booked"):
            back(case, "1.00", "SK-9")
        with pytest.raises(Refusal, match="recovery case asks for"):
            mark_returned(payment, reason="户名不符", by=world.user("finance"))


def test_a_dropped_case_frees_what_it_asked_for_and_keeps_what_came_back(app):
    with transaction():
        commitment = make_commitment()
        payment = paid(commitment, 1)
        case = ordered(commitment, "49000.00", payment)
        back(case, "9000.00")
        with pytest.raises(Refusal, match="permission"):
            services.drop(case, reason="已核实", by=world.user("clerk"))
        services.drop(case, reason="经复核，其余款项已合规使用。", by=world.user("leader"))
        assert (case.state, case.recovered, payment.state) == ("dropped", Money.yuan("9000.00"), "paid")
        with pytest.raises(Refusal):
            back(case, "1.00", "SK-3")
        again = ordered(commitment, "40000.00", payment)
        back(again, "40000.00")
        assert payment.state == "recovered"


plans = st.lists(
    st.tuples(
        st.sampled_from(["pay", "open", "back", "offset", "drop"]),
        st.integers(1, 3),
        st.integers(1, 6_000_000),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans)
def test_any_sequence_keeps_the_books_and_the_tranches(app, plan):
    """Against a small model: per commitment what is owed, paid and given back; per case what is open."""
    serial = next(NUMBERS)
    with transaction():
        made = [another("98000.01", f"150600-GYCT-2026-{serial:03d}-{place}-HT") for place in (1, 2)]
        owed = {item.id: [tranche.amount.fen for tranche in item.tranches] for item in made}
        moved = {item.id: 0 for item in made}
        given = {item.id: 0 for item in made}
        settled: set[tuple[int, int]] = set()
        cases: list[tuple[Recovery, int]] = []
        payee = known_account()
        for act, place, fen in plan:
            commitment = made[place % 2]
            open_now = [(case, left) for case, left in cases if left and case.state == "ordered"]
            if act == "pay":
                due = next((n for n in (1, 2, 3) if (commitment.id, n) not in settled), None)
                if due is None or not owed[commitment.id][due - 1]:
                    continue
                paid(commitment, due, payee)
                settled.add((commitment.id, due))
                moved[commitment.id] += owed[commitment.id][due - 1]
            elif act == "open":
                asked = sum(left for case, left in open_now if case.commitment_id == commitment.id)
                left = moved[commitment.id] - asked
                if fen > left:
                    with pytest.raises(Refusal):
                        ordered(commitment, Money(fen).plain())
                else:
                    cases.append((ordered(commitment, Money(fen).plain()), fen))
            elif act in ("back", "offset") and open_now:
                case, left = open_now[0]
                part = min(fen, left)
                source = case.commitment_id
                if act == "offset":
                    target = next((n for n in (1, 2, 3) if (commitment.id, n) not in settled), None)
                    if target is None:
                        continue
                    part = min(part, owed[commitment.id][target - 1])
                    if not part:
                        continue
                    services.book_offset(
                        case, commitment.tranches[target - 1], Money(part), by=world.user("finance")
                    )
                    owed[commitment.id][target - 1] -= part
                    moved[commitment.id] += part
                else:
                    back(case, Money(part).plain(), f"SK-{len(case.parts)}")
                moved[source] -= part
                given[source] += part
                cases = [(item, rest - part if item is case else rest) for item, rest in cases]
            elif act == "drop" and open_now:
                dropped = open_now[-1][0]
                services.drop(dropped, reason="撤销", by=world.user("leader"))
                cases = [(item, 0 if item is dropped else rest) for item, rest in cases]
        for commitment in made:
            sums = sums_of([commitment])[commitment.id]
            unpaid = [
                amount
                for number, amount in enumerate(owed[commitment.id], 1)
                if (commitment.id, number) not in settled
            ]
            assert sums["paid"].fen == moved[commitment.id]
            assert sums["committed"].fen == sum(unpaid)
            assert sums["returned"] == Money(0) and sums["payable"] == Money(0)
            assert [item.amount.fen for item in commitment.tranches] == owed[commitment.id]
            # Everything that was granted is owed, paid, or back at its budget.
            assert sum(unpaid) + moved[commitment.id] + given[commitment.id] >= 9_800_001
            assert all(
                account.balance >= Money(0)
                for book in accounts_of(commitment).values()
                for account in book.values()
            )
        for case, left in cases:
            assert case.open_amount.fen == left
            assert (case.state == "settled") == (left == 0 and case.state != "dropped")
    assert db.session.scalar(select(func.sum(Account.balance))).fen == 0
    assert verify() == []


def test_the_order_is_printed_as_an_official_document(app):
    with transaction():
        commitment = make_commitment()
        case = ordered(commitment, "49000.00", paid(commitment, 1))
        with app.test_request_context():
            page = document_page("recoveries/document.html", document_facts(case, world.agency()))
    for words in (
        "责令退回",
        "示例局长办公会纪要〔2026〕5号",
        "肆万玖仟元整",
        case.number,
        "示例暖邻社区服务中心",
    ):
        assert words in page


def test_a_case_on_the_pages_from_proposal_to_set_off(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        first = make_commitment()
        another("50000.00", "150600-GYCT-2026-06-001-HT")
        payment = paid(first, 1).id
    clerk = browser_as("clerk")
    page = clerk.get(f"/disbursements/{payment}").click("提出追回")
    form = page.forms["propose"]
    form["amount"], form["reason"] = "60000", "未按批准用途使用。"
    page = form.submit(status=422)
    assert "未按批准用途使用。" in page.text and "最多" in page.text
    form = page.forms["propose"]
    form["amount"] = "9000.01"
    show = form.submit().follow()
    url = show.request.path
    browser_as("reviewer").get(url).forms["review"].submit().follow()
    browser_as("finreview").get(url).forms["review-money"].submit().follow()
    leader = browser_as("leader").get(url)
    assert leader.forms["order"].submit(status=422)
    leader.forms["order"]["order-basis"] = "办公会纪要5号"
    leader.forms["order"].submit().follow()
    finance = browser_as("finance")
    assert "追回" in finance.get("/home").text
    page = finance.get(url)
    page.forms["back"]["back-amount"], page.forms["back"]["back-voucher_number"] = "4000.01", "SK-7"
    page = page.forms["back"].submit().follow()
    page.forms["offset"]["offset-tranche_id"] = page.forms["offset"]["offset-tranche_id"].options[-1][0]
    page.forms["offset"]["offset-amount"] = "5000"
    page = page.forms["offset"].submit().follow()
    assert "已全部退回" in page.text
    # The organization sees the order; a stranger does not.
    assert "9,000.01" in browser_as("so_leader").get("/recoveries/").text
    browser_as("so_leader").get(url)
    browser_as("so_leader2").get(url, status=404)
    browser_as("township_clerk").get(url, status=404)
