"""Hosted money: three sign the agreement, two sign each payment, and no project pays for another."""

from __future__ import annotations

import itertools
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.documents.services import document_page
from core.money import Money
from core.rules.rules import Verdict
from finance.commitments.models import Commitment
from finance.commitments.queries import sums_of
from finance.commitments.services import commit
from finance.disbursements.models import Disbursement
from finance.disbursements.queries import confirmed_accounts, host_of
from finance.disbursements.services import (
    approve,
    confirm_payee_account,
    mark_paid,
    mark_returned,
    record_payee_account,
    release,
    request_disbursement,
    review,
)
from finance.funds.services import earmark
from finance.hosting import queries, rules, services
from finance.hosting.models import HostedProject, Hosting
from finance.hosting.reports import document_facts
from finance.ledger.models import Account
from finance.ledger.queries import balance, verify
from finance.ledger.services import move
from finance.recoveries import services as recoveries
from registry.accounts.models import RoleAssignment, User
from registry.interests.models import Interest
from registry.organizations.models import Organization
from registry.persons.models import Person
from tests import world
from tests.finance.money import TRANCHES, make_budget

HOST = "示例童伴儿童关爱协会"
NUMBERS = itertools.count(1)


def filed(name: str = "示例邻里互助会") -> Organization:
    """A filed body with its leader and an operator."""
    organization = Organization(
        agency_id=world.agency().id,
        kind="filed_community_so",
        register_class="filed",
        name=name,
        sort_key=name,
        division_code="150602",
        host_id=None,
        fields=["community"],
    )
    db.session.add(organization)
    db.session.flush()
    person("hosted_leader", "so_leader", organization)
    person("hosted_operator", "so_operator", organization)
    person("keeper", "host_finance", world.organization(HOST))
    return organization


def person(login: str, role: str, organization: Organization) -> User:
    human = Person(name=f"示例{login}", phone="13900000000")
    db.session.add(human)
    db.session.flush()
    user = User(
        person_id=human.id,
        login=login,
        password_hash=world.user("clerk").password_hash,
        password_changed_at=clock.now(),
    )
    db.session.add(user)
    db.session.flush()
    db.session.add(
        RoleAssignment(
            user_id=user.id,
            role=role,
            organization_id=organization.id,
            valid_from=clock.today() - timedelta(days=365),
        )
    )
    db.session.flush()
    return user


def drafted(hosted: Organization, fee: int = 500) -> Hosting:
    return services.draft_hosting(
        world.agency(),
        host=world.organization(HOST),
        hosted=hosted,
        fee_points=fee,
        starts_on=clock.today() - timedelta(days=60),
        ends_on=clock.today() + timedelta(days=300),
        by=world.user("clerk"),
    )


def running(fee: int = 500) -> Hosting:
    hosting = drafted(filed(), fee)
    services.sign(hosting, by=world.user("hosted_leader"))
    services.sign(hosting, by=world.user("so_leader3"))
    services.sign(hosting, by=world.user("leader"))
    return hosting


def commitment_to(organization: Organization, amount: str = "20000.00") -> Commitment:
    number = f"150600-GYCT-2026-09-{next(NUMBERS):03d}-HT"
    lot = earmark(
        make_budget(name=f"示例来源 {number}"),
        agency=world.agency(),
        title="示例公益项目",
        purpose="community",
        amount=Money.yuan(100_000),
        by=world.user("finance"),
    )
    return commit(
        lot,
        organization=organization,
        number=number,
        title="示例邻里节",
        track="venture_grant",
        amount=Money.yuan(amount),
        starts_on=clock.today(),
        ends_on=clock.today() + timedelta(days=200),
        tranches=TRANCHES,
        from_reservation=False,
        by=world.user("leader"),
    )


def account():
    host = world.organization(HOST)
    known = confirmed_accounts(host)
    if known:
        return known[0]
    made = record_payee_account(
        host, account_name=host.name, bank="示例银行", number="622848001234567890", by=world.user("finance")
    )
    confirm_payee_account(made, by=world.user("finreview"))
    return made


def paid(commitment: Commitment, place: int = 1) -> Disbursement:
    item = request_disbursement(
        commitment.tranches[place - 1],
        payee_account=account(),
        receipt_number=f"SJ-{commitment.id}-{place}",
        by=world.user("clerk"),
    )
    review(item, by=world.user("finreview"))
    approve(item, by=world.user("leader"))
    release(item, by=world.user("finance"))
    mark_paid(item, paid_on=clock.today(), voucher_number=f"PZ-{item.id}", by=world.user("finance"))
    return item


def funded(hosting: Hosting) -> HostedProject:
    """A hosted project with its first tranche (10,000.00) in the books."""
    commitment = commitment_to(hosting.hosted)
    project = services.add_project(hosting, commitment, by=world.user("clerk"))
    services.take_receipt(project, paid(commitment), by=world.user("keeper"))
    return project


def asked(project: HostedProject, amount: str, kind: str = "spent"):
    return services.request_outflow(
        project,
        kind,
        amount=Money.yuan(amount),
        purpose="活动物资",
        payee="示例商店",
        voucher_number="FP-1",
        by=world.user("keeper" if kind == "fee" else "hosted_operator"),
    )


def spent(project: HostedProject, amount: str, kind: str = "spent"):
    item = asked(project, amount, kind)
    services.sign_outflow(item, by=world.user("hosted_leader"))
    services.countersign_outflow(item, by=world.user("keeper"))
    return item


def test_three_people_sign_in_order_and_then_the_till_knows_the_host(app):
    with transaction():
        hosted = filed()
        hosting = drafted(hosted)
        for login in ("so_leader3", "leader", "keeper", "hosted_operator"):
            with pytest.raises(Refusal):
                services.sign(hosting, by=world.user(login))
        services.sign(hosting, by=world.user("hosted_leader"))
        with pytest.raises(Refusal):
            services.sign(hosting, by=world.user("hosted_leader"))
        services.sign(hosting, by=world.user("so_leader3"))
        assert host_of(hosted.id, None, clock.today()) is None
        services.sign(hosting, by=world.user("leader"))
        assert hosting.state == "running"
        host = world.organization(HOST)
        commitment = commitment_to(hosted)
        assert host_of(hosted.id, None, clock.today()) == host
        assert host_of(hosted.id, commitment.id, clock.today()) is None
        with pytest.raises(Refusal, match="Pay the payee or its host"):
            request_disbursement(
                commitment.tranches[0], payee_account=account(), receipt_number="SJ", by=world.user("clerk")
            )
        services.add_project(hosting, commitment, by=world.user("clerk"))
        assert host_of(hosted.id, commitment.id, clock.today()) == host
        assert confirmed_accounts(hosted, commitment) == [account()]
        assert host_of(hosted.id, commitment.id, hosting.ends_on + timedelta(days=1)) is None
        assert paid(commitment).state == "paid"


def test_no_money_goes_to_a_filed_body_without_a_hosting_agreement_in_force(app):
    """Neither to the host that the register names, nor to a body with an account of its own, nor later on."""
    with transaction():
        hosted = filed()
        hosted.host_id = world.organization(HOST).id
        commitment = commitment_to(hosted)
        with pytest.raises(Refusal, match="No hosting agreement in force") as refused:
            request_disbursement(
                commitment.tranches[0], payee_account=account(), receipt_number="SJ", by=world.user("clerk")
            )
        assert refused.value.rule == "RFH-10" and "代管" in refused.value.source
        hosting = drafted(hosted)
        for login in ("hosted_leader", "so_leader3", "leader"):
            services.sign(hosting, by=world.user(login))
        services.add_project(hosting, commitment, by=world.user("clerk"))
        payment = request_disbursement(
            commitment.tranches[0], payee_account=account(), receipt_number="SJ", by=world.user("clerk")
        )
        review(payment, by=world.user("finreview"))
        # Between review and approval the agreement runs out: nothing goes on.
        hosting.ends_on = clock.today() - timedelta(days=1)
        db.session.flush()
        with pytest.raises(Refusal, match="No hosting agreement in force"):
            approve(payment, by=world.user("leader"))


def test_the_agreement_is_printed_with_its_three_parties(app):
    with transaction():
        hosting = running(fee=360)
        commitment = commitment_to(hosting.hosted)
        services.add_project(hosting, commitment, by=world.user("clerk"))
        page = document_page("hosting/document.html", document_facts(hosting))
        unsigned = document_page("hosting/document.html", document_facts(drafted(hosting.hosted)))
    for words in (
        hosting.number, HOST, "示例邻里互助会", world.agency().name, "3.60%", commitment.number, "20,000.00",
        "示例hosted_leader", world.user("so_leader3").name, world.user("leader").name, "三方协议", "专账", "结余资金退回甲方",
    ):  # fmt: skip
        assert words in page, words
    assert "尚未" not in page and "尚未" in unsigned


def test_the_database_wants_three_signers(app):
    with transaction():
        number = running().id
    for column in ("hosted_signed_by", "host_signed_by", "drafted_by"):
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(
                text(f"UPDATE hosting SET funder_signed_by = {column} WHERE id = :id"), {"id": number}
            )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"host": "示例暖邻社区服务中心"}, "RFH-1"),
        ({"hosted": "示例夕阳红为老服务中心"}, "RFH-2"),
        ({"fee": 501}, "RFH-3"),
    ],
)
def test_the_rules_of_the_agreement(app, change, rule):
    with transaction():
        hosted = world.organization(change["hosted"]) if "hosted" in change else filed()
        with pytest.raises(Refusal) as refused:
            services.draft_hosting(
                world.agency(),
                host=world.organization(change.get("host", HOST)),
                hosted=hosted,
                fee_points=change.get("fee", 500),
                starts_on=clock.today(),
                ends_on=clock.today(),
                by=world.user("clerk"),
            )
        assert refused.value.rule == rule and refused.value.source


def test_a_township_officer_who_works_for_the_host_stands_back(app):
    with transaction() as session:
        hosting = drafted(filed())
        services.sign(hosting, by=world.user("hosted_leader"))
        services.sign(hosting, by=world.user("so_leader3"))
        session.add(
            Interest(
                person_id=world.user("leader").person_id,
                organization_id=hosting.host_id,
                kind="governance",
                since=clock.today() - timedelta(days=400),
            )
        )
        session.flush()
        with pytest.raises(Refusal, match="takes no part") as refused:
            services.sign(hosting, by=world.user("leader"))
        assert refused.value.rule == "RFH-8"


def test_the_same_officer_takes_no_step_of_a_hosted_payment(app):
    with transaction() as session:
        project = funded(running())
        item = request_disbursement(
            project.commitment.tranches[1],
            payee_account=account(),
            receipt_number="S2",
            by=world.user("clerk"),
        )
        session.add(
            RoleAssignment(
                user_id=world.user("finreview").id,
                role="host_finance",
                organization_id=project.hosting.host_id,
                valid_from=clock.today(),
            )
        )
        session.flush()
        session.expire(world.user("finreview"))
        with pytest.raises(Refusal, match="takes no part"):
            review(item, by=world.user("finreview"))


def test_two_people_sign_each_payment_and_the_money_is_the_projects_own(app):
    with transaction():
        hosting = running()
        first, second = funded(hosting), funded(hosting)
        item = asked(first, "9000.00")
        for login in ("keeper", "hosted_operator", "so_leader3"):
            with pytest.raises(Refusal):
                services.sign_outflow(item, by=world.user(login))
        with pytest.raises(Refusal):
            services.countersign_outflow(item, by=world.user("keeper"))
        services.sign_outflow(item, by=world.user("hosted_leader"))
        with pytest.raises(Refusal):
            services.countersign_outflow(item, by=world.user("hosted_leader"))
        services.countersign_outflow(item, by=world.user("keeper"))
        books = queries.books_of([first, second])
        assert (books[first.id].held, books[first.id].spent) == (Money.yuan("1000"), Money.yuan("9000"))
        assert books[second.id].held == Money.yuan("10000")
        # There are 11,000.00 at the host, and 1,000.01 of this project is one fen too much.
        with pytest.raises(Refusal, match="never used for it"):
            asked(first, "1000.01")
    assert verify() == []


def test_two_requests_for_the_same_money_pay_once(app):
    with transaction():
        project = funded(running())
        one, two = asked(project, "6000"), asked(project, "6000")
        for item in (one, two):
            services.sign_outflow(item, by=world.user("hosted_leader"))
        services.countersign_outflow(one, by=world.user("keeper"))
        with pytest.raises(Refusal, match="never used for it"):
            services.countersign_outflow(two, by=world.user("keeper"))


def test_the_database_refuses_a_transfer_between_two_projects(app):
    with transaction():
        hosting = running()
        first, second = funded(hosting), funded(hosting)
        by_kind = {
            item.id: db.session.scalars(
                select(Account).where(
                    Account.owner_type == "hosted_project",
                    Account.owner_id == item.id,
                    Account.kind == "host_held",
                )
            ).one()
            for item in (first, second)
        }
        ids = {row_id: item.id for row_id, item in by_kind.items()}
    with pytest.raises(DBAPIError, match="never moves to another"), transaction() as session:
        legs = [
            (session.get(Account, ids[first.id]), Money.yuan(-1)),
            (session.get(Account, ids[second.id]), Money.yuan(1)),
        ]
        move("host_spent", key="x", legs=legs, reference=("hosted_project", 1), by=world.user("keeper"))
    assert {balance("hosted_project", number, "host_held") for number in (first.id, second.id)} == {
        Money.yuan(10_000)
    }


def test_no_transfer_on_record_touches_two_owners(app):
    with transaction():
        hosting = running()
        for project in (funded(hosting), funded(hosting)):
            spent(project, "100.00")
            spent(project, "500.00", "fee")
    mixed = db.session.execute(
        text(
            "SELECT posting.transfer_id FROM posting JOIN account ON account.id = posting.account_id"
            " WHERE account.kind LIKE 'host_%' GROUP BY posting.transfer_id"
            " HAVING COUNT(DISTINCT account.owner_id) > 1 OR SUM(posting.amount) <> 0"
        )
    ).all()
    assert mixed == []


def test_a_payment_is_taken_into_the_books_once_and_no_bank_return_undoes_it(app):
    with transaction():
        hosting = running()
        commitment = commitment_to(hosting.hosted)
        project = services.add_project(hosting, commitment, by=world.user("clerk"))
        payment = paid(commitment)
        with pytest.raises(Refusal):
            services.take_receipt(project, payment, by=world.user("hosted_leader"))
        services.take_receipt(project, payment, by=world.user("keeper"))
        with pytest.raises(Refusal, match="not waiting"):
            services.take_receipt(project, payment, by=world.user("keeper"))
        with pytest.raises(Refusal, match="in its books"):
            mark_returned(payment, reason="户名不符", by=world.user("finance"))


def test_the_fee_never_exceeds_the_agreed_share(app):
    with transaction():
        project = funded(running(fee=333))  # 3.33 percent of 10,000.00
        spent(project, "333.00", "fee")
        with pytest.raises(Refusal) as refused:
            spent(project, "0.01", "fee")
        assert refused.value.rule == "RFH-5"


@given(received=st.integers(0, 10**12), points=st.integers(0, 10_000))
def test_the_cap_of_the_fee_is_the_largest_whole_fen_within_the_share(received, points):
    share = Fraction(points, 10_000)
    cap = rules.fee_cap(Money(received), share).fen
    assert cap <= received * share < cap + 1


def test_on_termination_the_rest_goes_back_into_the_funders_budget_through_the_case(app):
    with transaction():
        hosting = running()
        project = funded(hosting)
        commitment = project.commitment
        spent(project, "4000.00")
        case = recoveries.propose(
            commitment,
            ground="unused",
            amount=Money.yuan("5000.00"),
            due_on=clock.today(),
            reason="项目停止。",
            by=world.user("clerk"),
        )
        recoveries.review_legal(case, by=world.user("reviewer"))
        recoveries.review_money(case, by=world.user("finreview"))
        recoveries.order(case, basis="纪要", by=world.user("leader"))
        services.end_hosting(hosting, reason="被代管组织解散", by=world.user("clerk"))
        with pytest.raises(Refusal, match="stopped or has ended"):
            asked(project, "1.00")
        with pytest.raises(Refusal, match=r"still has 6,000\.00"):
            services.close_hosting(hosting, by=world.user("clerk"))
        before = balance("budget", commitment.earmark.budget_id, "budget")
        item = spent(project, "6000.00", "returned")
        with pytest.raises(Refusal):
            services.close_hosting(hosting, by=world.user("clerk"))
        services.confirm_return(
            item, received_on=clock.today(), voucher_number="SK-9", by=world.user("finance")
        )
        assert (case.state, case.recovered, item.state) == ("settled", Money.yuan("5000.00"), "received")
        assert balance("budget", commitment.earmark.budget_id, "budget") == before + Money.yuan("6000.00")
        assert sums_of([commitment])[commitment.id]["paid"] == Money.yuan("4000.00")
        services.close_hosting(hosting, by=world.user("clerk"))
        assert hosting.state == "ended"
    assert verify() == []


def test_a_month_is_reported_once_and_stays_as_sent(app):
    start = clock.today().replace(day=1) - timedelta(days=20)
    with clock.at(clock.at_local(start, 10)), transaction():
        hosting = running()
        project = funded(hosting)
        spent(project, "2500.00")
        spent(project, "500.00", "fee")
        month = start.replace(day=1)
        with pytest.raises(Refusal, match="not over"):
            services.send_report(hosting, month, by=world.user("keeper"))
    with transaction():
        hosting = db.session.scalars(select(Hosting)).one()
        assert queries.months_to_report(hosting, clock.today()) == [month]
        report = services.send_report(hosting, month, by=world.user("keeper"))
        row = report.figures[0]
        assert [row[name] for name in ("opening", "received", "spent", "fee", "returned", "closing")] == [
            0, 1_000_000, 250_000, 50_000, 0, 700_000,
        ]  # fmt: skip
        assert report.sha256 == queries.digest(hosting, month, report.figures)
        with pytest.raises(Refusal, match="sent already"):
            services.send_report(hosting, month, by=world.user("keeper"))
        number = report.id
    with pytest.raises(DBAPIError, match="append-only"), transaction() as session:
        session.execute(text("UPDATE host_report SET figures = '[]' WHERE id = :id"), {"id": number})


steps = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from(["take", "spent", "fee", "returned"]), st.integers(1, 900_000)
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=steps)
def test_any_sequence_keeps_each_projects_money_apart(app, plan):
    """Against a model of two purses that know nothing of one another."""
    with transaction():
        known = db.session.scalar(select(Hosting))
        hosting = known or running()
        projects = [
            services.add_project(hosting, commitment_to(hosting.hosted), by=world.user("clerk"))
            for _ in range(2)
        ]
        model = [{"in": 0, "held": 0, "spent": 0, "fee": 0, "returned": 0, "taken": 0} for _ in projects]
        for place, act, fen in plan:
            project, purse = projects[place], model[place]
            if act == "take":
                if purse["taken"] == 3:
                    continue
                purse["taken"] += 1
                payment = paid(project.commitment, purse["taken"])
                services.take_receipt(project, payment, by=world.user("keeper"))
                purse["in"] += payment.amount.fen
                purse["held"] += payment.amount.fen
                continue
            allowed = fen <= purse["held"] and (
                act != "fee" or purse["fee"] + fen <= purse["in"] * 500 // 10_000
            )
            if not allowed:
                with pytest.raises(Refusal):
                    spent(project, Money(fen).plain(), act)
                continue
            spent(project, Money(fen).plain(), act)
            purse["held"] -= fen
            purse[act] += fen
        books = queries.books_of(projects)
        for project, purse in zip(projects, model, strict=True):
            own = books[project.id]
            assert [own.came_in.fen, own.held.fen, own.spent.fen, own.fee.fen, own.back.fen] == [
                purse["in"], purse["held"], purse["spent"], purse["fee"], purse["returned"],
            ]  # fmt: skip
            assert own.finding().verdict is Verdict.PASS
    assert db.session.scalar(select(func.sum(Account.balance))).fen == 0
    assert verify() == []


def test_the_pages_for_each_side(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        filed()
        commitment_to(
            db.session.scalars(select(Organization).where(Organization.name == "示例邻里互助会")).one()
        )
        account()
    clerk = browser_as("clerk")
    form = clerk.get("/hosting/").click("起草代管协议").forms["draft"]
    form["fee"], form["ends_on"] = "5.01", (clock.today() + timedelta(days=90)).isoformat()
    form["host"], form["hosted"] = "示例邻里互助会", "示例没有的互助会"
    page = form.submit(status=422)
    form = page.forms["draft"]
    assert (form["host"].value, form["hosted"].value) == ("示例邻里互助会", "示例没有的互助会")
    assert "可以代管" in page.text and "没有该名称的备案组织" in page.text
    assert [item["name"] for item in page.html.select("select")] == ["agency_id"]
    assert "/organizations/suggest?box=host" in page.html.select_one("input[name=host]")["hx-get"]
    form["host"] = HOST
    form["hosted"] = "示例邻里互助会"
    page = form.submit(status=422)
    assert "上限" in page.text
    page.forms["draft"]["fee"] = "5"
    page = page.forms["draft"].submit().follow()
    url = page.request.path
    for login in ("hosted_leader", "so_leader3", "leader"):
        assert "代管协议" in browser_as(login).get("/home").text
        page = browser_as(login).get(url).forms["sign"].submit().follow()
    page = clerk.get(url).forms["add"].submit().follow()
    books = page.request.path
    with bare_app.app_context(), transaction():
        paid(db.session.scalars(select(HostedProject)).one().commitment)
    keeper = browser_as("keeper")
    assert "拨款到达代管方" in keeper.get("/home").text
    take = next(item for name, item in keeper.get(books).forms.items() if str(name).startswith("take-"))
    assert "10,000.00" in take.submit().follow().text
    operator = browser_as("hosted_operator")
    form = operator.get(books).click("申请支出").forms["pay"]
    form["amount"], form["purpose"], form["payee"] = "10000.01", "活动物资", "示例商店"
    page = form.submit(status=422)
    assert "活动物资" in page.text and "不得动用其他项目" in page.text
    page.forms["pay"]["amount"] = "800"
    payment = page.forms["pay"].submit().follow().request.path
    browser_as("hosted_leader").get(payment).forms["sign"].submit().follow()
    keeper.get(payment).forms["countersign"].submit().follow()
    assert "9,200.00" in keeper.get(books).text
    assert "9,200.00" in browser_as("supervisor").get(books).text
    for stranger in ("so_leader2", "township_clerk"):
        for address in (url, books, payment):
            browser_as(stranger).get(address, status=404)


def test_the_host_sends_a_month_from_the_page(bare_app, browser_as):
    start = clock.today().replace(day=1) - timedelta(days=20)
    with bare_app.app_context(), clock.at(clock.at_local(start, 10)), transaction():
        hosting = running()
        spent(funded(hosting), "2500.00")
        url = f"/hosting/{hosting.id}"
    keeper = browser_as("keeper")
    assert "月报" in keeper.get("/home").text
    page = keeper.get(url).forms["report"].submit().follow()
    assert "7,500.00" in page.text and "报送后未改动" in page.text
    assert "report" not in keeper.get(url).forms
    assert "7,500.00" in browser_as("clerk").get(url).click(f"{start.year}年{start.month}月").text
