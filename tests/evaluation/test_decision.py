"""Ranking with ties, money within the pot, four people who did not score."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from evaluation.decisions import queries, rules, services
from evaluation.decisions.models import Decision
from finance.funds.queries import earmark_available
from finance.ledger.queries import balance
from grants.applications.models import Application
from grants.calls.models import Call
from grants.notices.models import Notice
from registry.particulars.models import Honour
from registry.particulars.queries import honours_of
from registry.particulars.rules import RANKS
from registry.particulars.services import record_honour, revoke_honour
from tests import world
from tests.evaluation import rounds
from tests.evaluation.oracle_mean import published_score
from tests.grants.oracle_bonus import bonus_points

YUAN = st.integers(0, 200_000).map(Money.yuan)


def entry(application: int, score: int, party: int = 0, need: int = 0, grade: int = 0) -> rules.Entry:
    return rules.Entry(
        application=application,
        score=score,
        ties=(Fraction(party), Fraction(need)),
        grade=grade,
        number=f"{application:03d}",
    )


def test_ties_go_by_party_building_then_need_then_grade_then_number() -> None:
    entries = [
        entry(1, 8000, 700, 1500, 5),
        entry(2, 8000, 800, 1000, 0),
        entry(3, 8000, 700, 1600, 0),
        entry(4, 8001),
        entry(5, 8000, 700, 1500, 4),
        entry(6, 8000, 700, 1500, 5),
    ]
    assert [item.application for item in rules.rank(entries)] == [4, 2, 3, 1, 6, 5]


@rounds.CALM
@given(st.permutations([entry(n, 8000 + n % 3, n % 2, n % 4, n % 5) for n in range(12)]))
def test_the_order_does_not_depend_on_the_order_of_arrival(entries: list[rules.Entry]) -> None:
    assert rules.rank(entries) == rules.rank(sorted(entries, key=lambda item: item.application))


@rounds.CALM
@given(
    asked=st.lists(st.tuples(st.booleans(), YUAN), max_size=12),
    pot=st.integers(0, 500_000).map(Money.yuan),
    cap=st.integers(1, 150_000).map(Money.yuan),
)
def test_a_suggestion_never_exceeds_pot_cap_or_request(asked, pot: Money, cap: Money) -> None:
    shares = [rules.Share(index, passed, money) for index, (passed, money) in enumerate(asked, 1)]
    suggested = rules.suggest(shares, pot=pot, cap=cap)
    assert sum((item.amount for item in suggested), Money(0)) <= pot
    for item in suggested:
        assert Money(0) <= item.amount <= min(item.requested, cap)
        assert item.passed or not item.amount
        assert item.amount or item.reason
    assert rules.problems(suggested, pot=pot, cap=cap) == {}


@rounds.CALM
@given(
    given_=st.lists(st.tuples(st.booleans(), YUAN, YUAN), min_size=1, max_size=8),
    pot=st.integers(0, 500_000).map(Money.yuan),
)
def test_what_passes_the_check_lies_within_everything(given_, pot: Money) -> None:
    cap = Money.yuan(100_000)
    shares = [
        rules.Share(index, passed, asked, amount, "理由")
        for index, (passed, asked, amount) in enumerate(given_, 1)
    ]
    lawful = (
        all(
            item.amount <= item.requested and item.amount <= cap and (item.passed or not item.amount)
            for item in shares
        )
        and sum(item.amount.fen for item in shares) <= pot.fen
    )
    assert (rules.problems(shares, pot=pot, cap=cap) == {}) is lawful


def test_approval_reserves_and_writes_the_outcome_down(app) -> None:
    with transaction():
        call = rounds.make_call(pot=160_000)
        first, second, third = (item.id for item in rounds.panels.queries.applicants(call.id))
        rounds.closed(call, {first: 90, second: 80, third: 50})
        decision = services.propose_decision(call, by=world.user("clerk"))
        assert [(item.application_id, item.amount) for item in decision.items] == [
            (first, Money.yuan(90_000)),
            (second, Money(0)),
            (third, Money(0)),
        ]
        services.set_amounts(decision, {second: Money.yuan(70_000)}, reasons={}, by=world.user("clerk"))
        services.review_decision(decision, by=world.user("reviewer"))
        services.budget_review(decision, by=world.user("finreview"))
        assert earmark_available(call.earmark) == Money.yuan(160_000)
        services.approve_decision(decision, by=world.user("leader"))
        assert earmark_available(call.earmark) == Money(0)
        assert balance("earmark", call.earmark_id, "reserved") == Money.yuan(160_000)
        states = {
            item.id: db.session.get(Application, item.id)
            for item in (row.application for row in decision.items)
        }
        assert [states[key].state for key in (first, second, third)] == ["proposed", "proposed", "rejected"]
        assert states[second].proposed_amount == Money.yuan(70_000) and states[second].rank == 2
        scorers = {sheet.person_id for sheet in rounds.sheets(rounds.panels.queries.panel_of(call))}
        assert set(states[first].scored_by) <= scorers and len(states[first].scored_by) == 5
        assert db.session.get(Call, call.id).state == "judged"
        assert {item["verdict"] for item in decision.findings} == {"pass"}


def test_points_for_awards_change_the_rank_and_never_the_pass_line(app) -> None:
    """The ranking computed apart: oracle mean plus oracle bonus, then the order of the tie rules."""
    with transaction():
        call = rounds.make_call(pot=160_000)
        call.rules = {"bonus_city": 6, "bonus_county": 5, "bonus_cap": 10}
        first, second, third = rounds.panels.queries.applicants(call.id)
        shares = {first.id: 82, second.id: 80, third.id: 58}
        clerk, day = world.user("clerk"), clock.today() - timedelta(days=40)
        for application, levels in ((second, ("city", "county")), (third, ("city", "county"))):
            for level in levels:
                record_honour(
                    application.organization, kind="award", title=f"示例{level}表彰", level=level,
                    given_by="示例市民政局", given_on=day, by=clerk,
                )  # fmt: skip
        panel = rounds.closed(call, shares)
        decision = services.propose_decision(call, by=clerk)
        honours = honours_of(item.organization_id for item in (first, second, third))
        means = {
            item.id: published_score([sheet.total for sheet in rounds.sheets(panel) if sheet.application_id == item.id])
            for item in (first, second, third)
        }  # fmt: skip
        worth = {**{f"bonus_{level}": 0 for level in RANKS}, "bonus_city": 6, "bonus_county": 5}
        points = {
            item.id: bonus_points(honours.get(item.organization_id, ()), worth, kind="any", years=0, cap=10, on=clock.today())
            for item in (first, second, third)
        }  # fmt: skip
        expected = sorted(means, key=lambda key: -(means[key] + points[key]))
        assert expected[0] == second.id and means[first.id] > means[second.id]
        found = {item.application_id: item for item in decision.items}
        assert [item.application_id for item in decision.items] == expected
        for key, item in found.items():
            assert (item.score, item.award_bonus, item.mean) == (
                means[key] + points[key],
                points[key],
                means[key],
            )
        assert [item["title"] for item in found[second.id].awards] == ["示例city表彰", "示例county表彰"]
        # Above 60 in the sum, below the line all the same.
        assert found[third.id].score >= 6000 > found[third.id].mean
        assert not found[third.id].amount and found[third.id].reason == rules.REASONS["below"]
        # What was decided on stays, also when the register changes.
        for honour in db.session.scalars(select(Honour)):
            revoke_honour(honour, revoked_on=clock.today(), reason="示例撤销", by=clerk)
        services.review_decision(decision, by=world.user("reviewer"))
        services.budget_review(decision, by=world.user("finreview"))
        services.approve_decision(decision, by=world.user("leader"))
        told = db.session.get_one(Application, second.id)
        assert (told.score, told.award_bonus, told.rank) == (means[second.id] + 1000, 1000, 1)
        notice = services.publish_result(decision, contact="示例", supervision_phone="0477-1234567", by=clerk)
        assert {item.application_id: item.award_bonus for item in notice.items}[second.id] == 1000


def test_more_than_the_pot_is_refused(app) -> None:
    with transaction():
        call = rounds.make_call(pot=100_000)
        rounds.closed(call)
        decision = services.propose_decision(call, by=world.user("clerk"))
        amounts = {item.application_id: Money.yuan(60_000) for item in decision.items}
        with pytest.raises(Refusal, match="too little"):
            services.set_amounts(decision, amounts, reasons={}, by=world.user("clerk"))


def test_a_pot_that_shrank_meanwhile_stops_the_approval(app) -> None:
    with transaction():
        call = rounds.make_call(pot=250_000)
        rounds.closed(call)
        decision = services.propose_decision(call, by=world.user("clerk"))
        services.review_decision(decision, by=world.user("reviewer"))
        services.budget_review(decision, by=world.user("finreview"))
        rounds.make_project(call, decision.items[0].application, amount=60_000)
        with pytest.raises(Refusal, match="too little"):
            services.approve_decision(decision, by=world.user("leader"))


def test_no_proposal_before_all_sheets_are_in(app) -> None:
    with transaction():
        call = rounds.make_call()
        rounds.scoring(call)
        with pytest.raises(Refusal, match="all score sheets"):
            services.propose_decision(call, by=world.user("clerk"))


def proposed(bare_app) -> tuple[int, str]:
    """(decision id, login of an expert who scored)."""
    with bare_app.app_context(), transaction():
        call = rounds.make_call()
        panel = rounds.closed(call)
        decision = services.propose_decision(call, by=world.user("clerk"))
        return decision.id, rounds.user_of(panel.members[0].person_id).login


def also(bare_app, login: str, role: str) -> None:
    with bare_app.app_context(), transaction() as session:
        user = world.user(login)
        session.add(
            world.RoleAssignment(
                user_id=user.id,
                role=role,
                agency_id=world.agency().id,
                valid_from=user.roles[0].valid_from,
            )
        )


def test_four_people_over_http_and_the_notice(bare_app, browser_as) -> None:
    decision_id, _ = proposed(bare_app)
    address = f"/decisions/{decision_id}"
    page = browser_as("clerk").get(f"{address}/edit")
    form = page.forms["amounts"]
    fields = [name for name in form.fields if name and name.startswith("amount-")]
    form[fields[0]] = "999,999,999.00"
    page = form.submit(expect_errors=True)
    assert page.status_code == 422 and page.forms["amounts"][fields[0]].value == "999,999,999.00"
    form = page.forms["amounts"]
    form[fields[0]] = "60,000.00"
    form.submit().follow()
    browser_as("reviewer").get(address).forms["review"].submit().follow()
    browser_as("finreview").get(address).forms["budget-review"].submit().follow()
    leader = browser_as("leader")
    leader.get(address).forms["approve"].submit().follow()
    page = browser_as("clerk").get(f"{address}/notice")
    assert page.forms["notice"].submit(expect_errors=True).status_code == 422
    page.forms["notice"]["supervision_phone"] = "0477-1234567"
    page.forms["notice"].submit().follow()
    with bare_app.app_context():
        notice = db.session.scalars(select(Notice)).one()
        assert len(notice.experts.split("、")) == 5
        states = db.session.scalars(select(Application.state)).all()
        assert "in_notice" in states
    assert browser_as("banner_clerk").get(address, expect_errors=True).status_code == 404
    assert browser_as("organizer").get(address, expect_errors=True).status_code == 403


def test_one_person_cannot_take_two_steps(bare_app, browser_as) -> None:
    decision_id, _ = proposed(bare_app)
    address = f"/decisions/{decision_id}"
    for role in ("finance_reviewer", "funder_leader"):
        also(bare_app, "reviewer", role)
    also(bare_app, "clerk", "funder_reviewer")
    clerk, reviewer = browser_as("clerk"), browser_as("reviewer")
    page = clerk.get(address)
    assert "review" not in page.forms
    # The form is not offered; sent all the same, the step is refused.
    keys = {"csrf_token": _token(clerk, address), "_key": "0" * 32}
    assert clerk.post(f"{address}/review", keys, expect_errors=True).status_code == 403
    reviewer.get(address).forms["review"].submit().follow()
    keys = {"csrf_token": _token(reviewer, address), "_key": "1" * 32}
    assert reviewer.post(f"{address}/budget-review", keys, expect_errors=True).status_code == 403
    browser_as("finreview").get(address).forms["budget-review"].submit().follow()
    keys["_key"] = "2" * 32
    assert reviewer.post(f"{address}/approve", keys, expect_errors=True).status_code == 403
    with bare_app.app_context():
        assert db.session.get(Decision, decision_id).state == "budget_reviewed"


def _token(browser, address: str) -> str:
    return browser.get(address).html.select_one("input[name=csrf_token]")["value"]


def test_whoever_scored_does_not_approve(bare_app, browser_as) -> None:
    decision_id, expert = proposed(bare_app)
    address = f"/decisions/{decision_id}"
    # A leader's role given after the draw: the person scored all the same.
    also(bare_app, expert, "funder_leader")
    browser_as("reviewer").get(address).forms["review"].submit().follow()
    browser_as("finreview").get(address).forms["budget-review"].submit().follow()
    page = browser_as(expert).get(address).forms["approve"].submit(expect_errors=True)
    assert page.status_code == 403
    with bare_app.app_context():
        decision = db.session.get(Decision, decision_id)
        assert decision.state == "budget_reviewed" and decision.approved_by is None


def test_an_interest_in_an_applicant_keeps_out_of_the_decision(app) -> None:
    with transaction() as session:
        call = rounds.make_call()
        rounds.closed(call)
        decision = services.propose_decision(call, by=world.user("clerk"))
        reviewer = world.user("reviewer")
        session.add(
            world.Interest(
                person_id=reviewer.person_id,
                organization_id=world.organization().id,
                kind="kinship",
                since=reviewer.roles[0].valid_from,
            )
        )
        session.flush()
        with pytest.raises(Refusal, match="interest in"):
            services.review_decision(decision, by=reviewer)


def test_sent_back_it_is_looked_at_anew(bare_app, browser_as) -> None:
    decision_id, _ = proposed(bare_app)
    address = f"/decisions/{decision_id}"
    browser_as("reviewer").get(address).forms["review"].submit().follow()
    finance = browser_as("finreview")
    page = finance.get(address)
    assert page.forms["send-back"].submit(expect_errors=True).status_code == 422
    page.forms["send-back"]["note"] = "第二名金额需与申请一致"
    page.forms["send-back"].submit().follow()
    with bare_app.app_context():
        decision = db.session.get(Decision, decision_id)
        assert (decision.state, decision.reviewed_by) == ("draft", None)
    assert "第二名金额需与申请一致" in browser_as("clerk").get(address).text


def test_the_worklist_tells_the_next_person(app) -> None:
    with transaction():
        call = rounds.make_call()
        rounds.closed(call)
        assert len(queries.calls_to_decide(world.user("clerk"))) == 1
        services.propose_decision(call, by=world.user("clerk"))
        assert queries.calls_to_decide(world.user("clerk")) == []
        assert len(queries.decisions_awaiting(world.user("reviewer"))) == 1
        assert queries.decisions_awaiting(world.user("leader")) == []


def test_asking_what_the_amounts_would_change_writes_nothing(bare_app, browser_as) -> None:
    decision_id, _ = proposed(bare_app)

    def everything() -> dict[str, int]:
        with bare_app.app_context():
            return {
                table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
                for table in db.metadata.sorted_tables
            }

    with bare_app.app_context():
        pot = queries.pot(db.session.get_one(Decision, decision_id).call)
    before = everything()
    clerk = browser_as("clerk")
    form = clerk.get(f"/decisions/{decision_id}/edit").forms["amounts"]
    fields = [name for name in form.fields if name and name.startswith("amount-")]
    form[fields[0]] = "10,000"
    typed = {name: form[name].value for name in fields}
    left = (pot - sum((Money.parse(text) for text in typed.values()), Money(0))).format()
    page = form.submit("check", status=200)
    assert pot.format() in page and left in page.html.find(id="what-if").get_text()
    assert page.forms["amounts"][fields[0]].value == "10,000"
    region = clerk.get(f"/decisions/{decision_id}/what-if", typed)
    assert left in region.html.find(id="what-if").get_text()
    assert left not in clerk.get(f"/decisions/{decision_id}/what-if", {fields[0]: "x"})
    assert everything() == before
