"""The agreement is the award, to the fen; nobody signs alone, too early, or over an objection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from finance.catalogue.models import CatalogueItem
from finance.commitments.queries import committed_balance, excluded_people
from finance.contracts.models import Purchase
from finance.ledger.queries import balance, verify
from projects.agreements import services
from projects.agreements.models import Agreement, Project
from tests import world
from tests.finance.money import make_earmark
from tests.projects import road


def test_the_commitment_is_the_agreement_to_the_fen(app) -> None:
    with transaction():
        project = road.running()
        agreement, commitment = project.agreement, project.agreement.commitment
        assert agreement.number == road.NUMBER + "-HT" and project.number == road.NUMBER
        assert commitment.amount == agreement.amount == Money.yuan("98000.01")
        assert [tranche.amount for tranche in commitment.tranches] == [
            Money.yuan("49000.00"),
            Money.yuan("39200.00"),
            Money.yuan("9800.01"),
        ]
        assert [tranche.condition for tranche in commitment.tranches] == [
            "signed",
            "midterm_passed",
            "final_passed",
        ]
        assert committed_balance(commitment) == agreement.amount
        assert balance("earmark", agreement.earmark_id, "reserved") == Money(0)
        assert project.state == "running" and agreement.state == "signed"
        assert excluded_people(commitment) == {world.user("expert2").person_id: "scored"}
    assert verify() == []


def test_an_open_objection_stops_the_signature(app) -> None:
    with transaction():
        agreement = road.accepted()
        road.object_to(agreement.application)
    with pytest.raises(Refusal, match="objection"), transaction():
        services.sign(db.session.get_one(Agreement, agreement.id), by=world.user("leader"))
    assert db.session.scalar(select(Agreement.state)) == "accepted"


def test_a_running_notice_stops_the_signature(app) -> None:
    with transaction():
        agreement = road.accepted(ended=False)
        with pytest.raises(Refusal, match="notice has not ended"):
            services.sign(agreement, by=world.user("leader"))


def test_drafter_reviewers_and_signer_are_four_people(app) -> None:
    with transaction():
        agreement = road.drafted()
        clerk, reviewer = world.user("clerk"), world.user("reviewer")
        # Even a person who holds every role takes one step only.
        for role in ("funder_reviewer", "finance_reviewer", "funder_leader"):
            _also(clerk, role)
            _also(reviewer, role)
        with pytest.raises(Refusal, match="One person"):
            services.legal_review(agreement, by=clerk)
        services.legal_review(agreement, by=reviewer)
        with pytest.raises(Refusal, match="One person"):
            services.finance_review(agreement, by=reviewer)
        services.finance_review(agreement, by=world.user("finreview"))
        services.offer(agreement, by=clerk)
        services.accept(agreement, by=world.user("so_leader"))
        for login in ("clerk", "reviewer"):
            with pytest.raises(Refusal, match="One person"):
                services.sign(agreement, by=world.user(login))


def test_who_scored_does_not_sign(app) -> None:
    with transaction():
        agreement = road.accepted()
        scorer = world.user("expert2")
        _also(scorer, "funder_leader")
        with pytest.raises(Refusal, match="scored"):
            services.sign(agreement, by=scorer)


def test_only_the_organizations_leader_accepts(app) -> None:
    with transaction():
        agreement = road.drafted()
        services.legal_review(agreement, by=world.user("reviewer"))
        services.finance_review(agreement, by=world.user("finreview"))
        services.offer(agreement, by=world.user("clerk"))
        for login in ("operator", "so_leader2", "leader"):
            with pytest.raises(Refusal, match="permission"):
                services.accept(agreement, by=world.user(login))


def test_what_is_sent_back_is_reviewed_again(app) -> None:
    with transaction():
        agreement = road.accepted()
        services.send_back(agreement, reason="金额有误", by=world.user("leader"))
        assert agreement.state == "draft"
        assert agreement.legal_reviewed_by is None and agreement.accepted_by is None


def test_a_second_agreement_for_one_award_is_refused(app) -> None:
    with transaction():
        agreement = road.drafted()
        with pytest.raises(Refusal, match="already has"):
            services.draft_agreement(
                agreement.application,
                starts_on=clock.today(),
                ends_on=clock.today(),
                by=world.user("clerk"),
            )


def _contract(
    amount: str = "60000.00",
    *,
    supplier: str = "示例暖邻社区服务中心",
    years: int = 1,
    code: str = "A0301",
) -> Agreement:
    today = clock.today()
    if not db.session.scalar(select(CatalogueItem)):
        db.session.add(
            CatalogueItem(
                division_code="150600",
                code="A0301",
                name="居家养老服务",
                public_service=True,
                valid_from=today - timedelta(days=400),
            )
        )
        db.session.flush()
    earmark = make_earmark()
    return services.draft_contract(
        world.agency(),
        organization=world.organization(supplier),
        earmark=earmark,
        title="示例居家养老服务",
        amount=Money.yuan(amount),
        starts_on=today,
        ends_on=today + timedelta(days=365 * years - 1),
        method="consultation",
        service_key="A-001",
        catalogue_code=code,
        tranche_weights=[30, 70],
        by=world.user("clerk"),
    )


def test_a_purchase_arrives_in_the_purchase_table_by_itself(app) -> None:
    with transaction():
        agreement = _contract()
        road.carry_to_acceptance(agreement)
        project = services.sign(agreement, by=world.user("leader"))
    row = db.session.scalars(select(Purchase)).one()
    assert (row.contract_no, row.amount, row.is_venture) == (agreement.number, Money.yuan(60_000), False)
    assert (row.contractor_kind, row.fund_source, row.method) == (
        "社会服务机构",
        "福利彩票公益金",
        "竞争性磋商",
    )
    assert (row.division_code, row.service_key, row.public_service) == ("150600", "A-001", True)
    assert row.commitment_id == project.agreement.commitment_id
    assert [item.condition for item in project.agreement.commitment.tranches] == ["signed", "final_passed"]


def test_any_kind_of_supplier_may_be_chosen(app) -> None:
    with transaction():
        agreement = _contract(supplier="示例企业甲")
        assert agreement.number.startswith("150600-GMFW-") and agreement.number.endswith("-0001-HT")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "500000.01"}, "earmark still has"),
        ({"years": 4}, "three years"),
        ({"code": "B0101"}, "guiding catalogue"),
    ],
)
def test_a_purchase_outside_the_money_the_term_or_the_catalogue_is_refused(
    app, changes: dict, sentence: str
) -> None:
    with transaction(), pytest.raises(Refusal, match=sentence):
        _contract(**changes)


def test_a_grant_counts_as_venture_in_the_purchase_table(app) -> None:
    with transaction():
        road.running()
    row = db.session.scalars(select(Purchase)).one()
    assert row.is_venture and row.method == "公益创投征集"


def test_who_bought_does_not_accept(app) -> None:
    with transaction():
        agreement = _contract()
        road.carry_to_acceptance(agreement)
        project = services.sign(agreement, by=world.user("leader"))
        with pytest.raises(Refusal, match="One person"):
            services.accept_delivery(project, passed=True, note="达到合同标准", by=world.user("clerk"))
        services.accept_delivery(project, passed=True, note="达到合同标准", by=world.user("reviewer"))
        assert project.final_grade == "pass" and project.accepted_by == world.user("reviewer").id


def test_a_verdict_stands_and_only_a_fail_is_judged_again(app) -> None:
    with transaction():
        project = road.running()
        road.evaluated(project, midterm="fail")
        road.evaluated(project, midterm="pass")
        with pytest.raises(Refusal, match="already has its verdict"):
            road.evaluated(project, midterm="good")


def _also(user, role: str) -> None:
    from_agency = world.agency()
    user.roles.append(
        type(user.roles[0])(role=role, agency_id=from_agency.id, agency=from_agency, valid_from=clock.today())
    )
    db.session.flush()


def test_two_signatures_at_once_make_one_commitment(bare_app) -> None:
    with bare_app.app_context(), transaction():
        agreement_id = road.accepted().id
    together = Barrier(2)

    def sign(_number: int) -> str:
        with bare_app.app_context():
            together.wait(timeout=30)
            try:
                with transaction():
                    services.sign(db.session.get_one(Agreement, agreement_id), by=world.user("leader"))
            except (Refusal, IntegrityError):
                return "told"
            return "signed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(sign, range(2))) == ["signed", "told"]
    with bare_app.app_context():
        assert len(db.session.scalars(select(Project)).all()) == 1
        assert len(db.session.scalars(select(Purchase)).all()) == 1
        assert verify() == []
