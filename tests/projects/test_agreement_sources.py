"""Several sources and several units pay one agreement: exactly, each by its own rules, each for itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from webtest import TestApp

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.money import Money
from core.rules.rules import Verdict
from core.rules.services import add_rule_set
from finance.catalogue.services import add_item
from finance.commitments.models import CommitmentShare
from finance.commitments.queries import accounts_of
from finance.commitments.reports import changes_of_ratio
from finance.contracts.models import Purchase
from finance.figures.queries import ratio
from finance.funds.models import Earmark
from finance.funds.queries import earmark_available
from finance.funds.reports import Bought
from finance.funds.rules import cofunding_findings
from finance.funds.services import approve_budget, create_source, earmark, enter_budget
from finance.ledger.queries import balance, verify
from projects.agreements import services
from projects.agreements.models import Agreement
from projects.agreements.policy import findings_of
from projects.agreements.rules import Part
from registry.accounts.models import RoleAssignment, User
from registry.persons.models import Person
from tests import world
from tests.projects import road

Browser = Callable[[str], TestApp]
BANNER = "示例东旗民政局"


def lot(
    amount: int, *, kind: str = "general_public_budget", purpose: str = "elderly", unit: str = ""
) -> Earmark:
    """Money of a kind set aside for the city (or another unit), from a budget of its own."""
    agency = world.agency(unit) if unit else world.agency()
    serial = db.session.scalar(select(func.count()).select_from(Earmark))
    source = create_source(agency, kind=kind, name=f"示例来源{serial}", by=world.user("finance"))
    budget = enter_budget(
        source, fiscal_year=clock.today().year, amount=Money.yuan(amount), by=world.user("finance")
    )
    if unit:
        budget.state = "draft"
    approve_budget(budget, by=_reviewer(unit))
    return earmark(
        budget, agency=agency, title=f"示例安排{serial}", purpose=purpose, amount=Money.yuan(amount),
        by=world.user("finance"),
    )  # fmt: skip


def _reviewer(unit: str = "") -> User:
    """The finance reviewer of the city, or one of another unit."""
    if not unit:
        return world.user("finreview")
    found = db.session.scalar(select(User).where(User.login == "their_finreview"))
    if found is None:
        person = Person(name="示例财务", phone="13900000001")
        db.session.add(person)
        db.session.flush()
        found = User(
            person_id=person.id, login="their_finreview", password_hash="x", password_changed_at=clock.now()
        )
        db.session.add(found)
        db.session.flush()
        db.session.add(
            RoleAssignment(
                user_id=found.id, role="finance_reviewer", agency_id=world.agency(unit).id,
                valid_from=clock.today() - timedelta(days=9),
            )
        )  # fmt: skip
        db.session.flush()
    return found


def drafted(second: Earmark | None, amount: str, *, unit: str = "", first: str = "") -> Agreement:
    """An awarded grant of 98,000.01 yuan of which another source pays ``amount``."""
    application = road.awarded()
    rest = Money.yuan(first) if first else Money.yuan("98000.01") - Money.yuan(amount)
    today = clock.today()
    return services.draft_agreement(
        application,
        starts_on=today,
        ends_on=today + timedelta(days=270),
        sources=[
            Part(world.agency(), application.call.earmark, rest),
            Part(world.agency(unit) if unit else world.agency(), second, Money.yuan(amount)),
        ],
        by=world.user("clerk"),
    )


def test_two_sources_pay_their_parts_to_the_fen(app: Flask) -> None:
    with transaction():
        second = lot(50_000)
        agreement = drafted(second, "18000.01")
        main = agreement.earmark
        road.carry_to_acceptance(agreement)
        services.sign(agreement, by=world.user("leader"))
    commitment = agreement.commitment
    assert commitment is not None
    assert [share.amount for share in commitment.shares] == [Money.yuan(80_000), Money.yuan("18000.01")]
    # What was reserved above its part is free again.
    assert balance("earmark", main.id, "reserved") == Money(0)
    assert earmark_available(main) == Money.yuan(500_000) - Money.yuan(80_000)
    assert earmark_available(second) == Money.yuan(50_000) - Money.yuan("18000.01")
    books = accounts_of(commitment)
    assert (
        sum((books[share.id]["committed"].balance for share in commitment.shares), Money(0))
        == agreement.amount
    )
    with transaction():
        road.claim_and_pay(agreement.project, 1)
    paid = [accounts_of(commitment)[share.id]["paid"].balance for share in commitment.shares]
    assert sum(paid, Money(0)) == Money.yuan("49000.00")
    assert paid[0].ratio_to(Money.yuan("49000.00")) != Fraction(1)
    assert verify() == []


@pytest.mark.parametrize(("first", "rule"), [("79999.99", "RBG-2"), ("80000.01", "RBG-2")])
def test_a_fen_too_many_or_too_few_is_refused(app: Flask, first: str, rule: str) -> None:
    with pytest.raises(Refusal) as caught, transaction():
        drafted(lot(50_000), "18000.01", first=first)
    assert caught.value.rule == rule
    assert db.session.scalar(select(func.count()).select_from(Agreement)) == 0


@pytest.mark.parametrize(
    ("kind", "purpose", "rule"),
    [("party_building_cost", "party", "RLF-4"), ("general_public_budget", "elderly", "RBG-1")],
)
def test_each_source_keeps_its_own_rules_and_its_own_money(
    app: Flask, kind: str, purpose: str, rule: str
) -> None:
    with pytest.raises(Refusal) as caught, transaction():
        drafted(lot(10_000, kind=kind, purpose=purpose), "10000.01" if rule == "RBG-1" else "5000")
    assert caught.value.rule == rule


def test_the_same_source_stands_once_and_not_before_the_own(app: Flask) -> None:
    with pytest.raises(Refusal, match="each source stands once"), transaction():
        application = road.awarded()
        main = application.call.earmark
        services.draft_agreement(
            application, starts_on=clock.today(), ends_on=clock.today(),
            sources=[Part(world.agency(), main, Money.yuan(90_000)), Part(world.agency(), main, Money.yuan("8000.01"))],
            by=world.user("clerk"),
        )  # fmt: skip
    with pytest.raises(Refusal, match="own unit"), transaction():
        drafted(None, "5000")


def test_another_unit_names_its_money_before_the_agreement_is_offered(app: Flask) -> None:
    with transaction():
        agreement = drafted(None, "8000.01", unit=BANNER)
        theirs, city = lot(20_000, unit=BANNER), lot(20_000)
        services.legal_review(agreement, by=world.user("reviewer"))
        services.finance_review(agreement, by=world.user("finreview"))
    assert [item.verdict for item in findings_of(agreement) if item.rule == "RBG-5"] == [Verdict.MANUAL]
    with pytest.raises(Refusal) as caught, transaction():
        services.offer(agreement, by=world.user("clerk"))
    assert caught.value.rule == "RBG-5"
    part = agreement.sources[1]
    # Neither the city for them, nor they with the city's money, nor with too little.
    with pytest.raises(Refusal) as caught, transaction():
        services.confirm_part(part, theirs, by=world.user("finreview"))
    assert caught.value.status == 403
    with pytest.raises(Refusal, match="another office"), transaction():
        services.confirm_part(part, city, by=_reviewer(BANNER))
    with transaction():
        services.confirm_part(part, theirs, by=_reviewer(BANNER))
        services.offer(agreement, by=world.user("clerk"))
        services.accept(agreement, by=world.user("so_leader"))
        services.sign(agreement, by=world.user("leader"))
    shares = db.session.scalars(select(CommitmentShare).order_by(CommitmentShare.number)).all()
    assert [(share.agency_id, share.amount) for share in shares] == [
        (world.agency().id, Money.yuan(90_000)),
        (world.agency(BANNER).id, Money.yuan("8000.01")),
    ]
    assert earmark_available(theirs) == Money.yuan("11999.99")
    assert verify() == []


def test_changed_sources_are_confirmed_anew(app: Flask) -> None:
    with transaction():
        agreement = drafted(None, "8000.01", unit=BANNER)
        theirs = lot(20_000, unit=BANNER)
        services.confirm_part(agreement.sources[1], theirs, by=_reviewer(BANNER))
    dates = {"starts_on": agreement.starts_on, "ends_on": agreement.ends_on}
    with transaction():
        # Only the terms change: the confirmation stands.
        services.update_agreement(agreement, **dates, terms="示例", sources=None, by=world.user("clerk"))
    assert agreement.sources[1].confirmed_by is not None
    with transaction():
        services.update_agreement(
            agreement, **dates, terms="示例",
            sources=[
                Part(world.agency(), agreement.earmark, Money.yuan(88_000)),
                Part(world.agency(BANNER), None, Money.yuan("10000.01")),
            ],
            by=world.user("clerk"),
        )  # fmt: skip
    assert [(item.amount, item.confirmed_by) for item in agreement.sources] == [
        (Money.yuan(88_000), None),
        (Money.yuan("10000.01"), None),
    ]


def test_the_other_unit_sees_the_agreement_and_nobody_else_does(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        agreement = drafted(None, "8000.01", unit=BANNER)
        lot(20_000, unit=BANNER)
        number = agreement.id
    address = f"/agreements/{number}"
    theirs = browser_as("their_finreview")
    assert address in theirs.get("/home")
    assert "示例银发学堂" in theirs.get("/agreements?view=shared")
    assert browser_as("banner_clerk").get(address).status_int == 200
    browser_as("township_clerk").get(address, status=404)
    form = theirs.get(address).forms["part"]
    page = form.submit(status=303).follow()
    assert "part" not in page.forms
    with bare_app.app_context():
        assert db.session.get_one(Agreement, number).sources[1].confirmed_by is not None


# Co-funding --------------------------------------------------------------------------------------


@given(
    public=st.integers(0, 10**9), own_=st.integers(0, 10**9),
    limit=st.integers(0, 100), least=st.integers(0, 100),
)  # fmt: skip
def test_co_funding_is_compared_exactly(public: int, own_: int, limit: int, least: int) -> None:
    found = {
        item.rule: item.verdict
        for item in cofunding_findings(
            public=Money(public), own=Money(own_), total=Money(public + own_),
            parameters={"grant_share_max": str(limit), "self_raised_min": str(least)},
        )
    }  # fmt: skip
    whole = public + own_
    assert (found["RBL-SHARE"] is Verdict.PASS) == (public * 100 <= limit * whole or not whole)
    assert (found["RBL-OWN"] is Verdict.PASS) == (own_ * 100 >= least * whole if whole else least == 0)
    assert cofunding_findings(public=Money(1), own=Money(0), total=Money(1)) == []


def test_the_ratio_of_the_place_and_programme_is_kept(app: Flask) -> None:
    with transaction():
        add_rule_set(
            "RBL",
            {"grant_share_max": "60"},
            valid_from=date(2020, 1, 1),
            source="示例公益创投办法",
            jurisdiction="150600",
            programme="venture_grant",
        )
        application = road.awarded()
    arguments: dict[str, Any] = {
        "starts_on": clock.today(),
        "ends_on": clock.today(),
        "by": world.user("clerk"),
    }
    with pytest.raises(Refusal) as caught, transaction():
        services.draft_agreement(application, **arguments)
    assert (caught.value.rule, caught.value.source) == ("RBL-SHARE", "示例公益创投办法")
    with transaction():
        # 98,000.01 of 163,333.35 is just 60 percent; one fen less of the own is too little.
        application.own_funds = Money.yuan("65333.34")
        agreement = services.draft_agreement(application, **arguments)
    assert agreement.own_funds == Money.yuan("65333.34")
    assert [item.verdict for item in findings_of(agreement) if item.rule == "RBL-SHARE"] == [Verdict.PASS]


# Money that is no public money ---------------------------------------------------------------------


def contract(
    main: Earmark, amount: int, *parts: Part, method: str, code: str = "", years: int = 1
) -> Agreement:
    today = clock.today()
    return services.draft_contract(
        world.agency(), organization=world.organization(), earmark=main, title="示例邻里服务",
        amount=Money.yuan(amount), starts_on=today, ends_on=today + timedelta(days=365 * years - 1),
        method=method, service_key="A-9", catalogue_code=code, tranche_weights=[100], sources=parts,
        by=world.user("clerk"),
    )  # fmt: skip


def test_crowdfunding_is_outside_the_procurement_rules_and_reported_all_the_same(app: Flask) -> None:
    with transaction():
        gifts, budget = lot(30_000, kind="crowdfunding"), lot(30_000)
        with pytest.raises(Refusal, match="outside the procurement rules"):
            contract(gifts, 1_000, method="consultation")
        with pytest.raises(Refusal, match="choose how it is bought"):
            contract(budget, 1_000, method="outside")
    with transaction():
        agreement = contract(gifts, 1_000, method="outside", years=5)
        road.carry_to_acceptance(agreement)
        services.sign(agreement, by=world.user("leader"))
    row = db.session.scalars(select(Purchase)).one()
    assert (row.fund_source, row.amount, row.method) == ("众筹", Money.yuan(1_000), "非财政性资金采购")
    assert ratio("150600", clock.today().year).figures["own"].added_total_fen == 0


def test_only_the_public_part_is_a_purchase(app: Flask) -> None:
    with transaction():
        add_item(
            division_code="150600", code="A01", name="示例养老服务", public_service=True,
            valid_from=date(2020, 1, 1), by=world.user("finance"),
        )  # fmt: skip
        budget, gifts = lot(30_000), lot(30_000, kind="donation")
        agreement = contract(
            budget, 10_000, Part(world.agency(), budget, Money.yuan(7_000)),
            Part(world.agency(), gifts, Money.yuan(3_000)), method="consultation", code="A01",
        )  # fmt: skip
        road.carry_to_acceptance(agreement)
        services.sign(agreement, by=world.user("leader"))
    row = db.session.scalars(select(Purchase)).one()
    assert (row.fund_source, row.amount) == ("一般公共预算", Money.yuan(7_000))


# What saving would change --------------------------------------------------------------------------


def everything() -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
    }


def test_asking_what_an_agreement_would_change_writes_nothing(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context():
        with transaction():
            second = lot(50_000)
            application = road.awarded()
            number, address = second.id, f"/agreements/draft/{application.id}"
        before = everything()
    clerk = browser_as("clerk")
    form = clerk.get(address).forms["agreement"]
    form["starts_on"], form["ends_on"] = clock.today().isoformat(), clock.today().isoformat()
    form["source-1"], form["part-1"] = f"e{number}", "18,000.01"
    page = form.submit("check", status=200)
    for text in ("98,000.01", "80,000.00", "50,000.00", "31,999.99"):
        assert text in page.forms["agreement"].text or text in page.text
    # The same by GET, as the region asks for it.
    region = clerk.get(f"{address}/what-if", {"source-1": f"e{number}", "part-1": "18000.01"})
    assert region.html.find(id="what-if") is not None and "31,999.99" in region
    wrong = clerk.get(f"{address}/what-if", {"source-1": "e999", "part-1": "x"})
    assert "31,999.99" not in wrong
    with bare_app.app_context():
        assert everything() == before
    # A part that does not add up keeps what was typed and says why.
    form = page.forms["agreement"]
    form["part-0"] = "1"
    page = form.submit(status=422)
    assert page.forms["agreement"]["part-1"].value == "18,000.01"
    assert "RBG-2" in page
    form = page.forms["agreement"]
    form["part-0"] = ""
    form.submit(status=303)
    with bare_app.app_context():
        agreement = db.session.scalars(select(Agreement)).one()
        assert [item.amount for item in agreement.sources] == [Money.yuan(80_000), Money.yuan("18000.01")]


def test_asking_what_a_changed_draft_would_change_writes_nothing(
    bare_app: Flask, browser_as: Browser
) -> None:
    """While the form is filled in, by the region's own request; the same people who may draft."""
    with bare_app.app_context():
        with transaction():
            second = lot(50_000)
            agreement = drafted(second, "10000.00")
            address, number = f"/agreements/{agreement.id}", second.id
        before = everything()
    page = browser_as("clerk").get(f"{address}/edit")
    region = page.html.find(id="what-if")
    assert region is not None and region["hx-get"] == f"{address}/what-if"
    asked = {"source-1": f"e{number}", "part-1": "18,000.01"}
    told = browser_as("clerk").get(f"{address}/what-if", asked).html.find(id="what-if").get_text(" ")
    # 50,000.00 − 18,000.01 stay free there; the rest of 98,000.01 comes from the call's own money.
    assert "31,999.99" in told and "80,000.00" in page.text + told
    assert "31,999.99" not in browser_as("clerk").get(f"{address}/what-if", {**asked, "part-1": "x"})
    browser_as("leader").get(f"{address}/what-if", asked, status=403)
    browser_as("township_clerk").get(f"{address}/what-if", asked, status=404)
    with bare_app.app_context():
        assert everything() == before


def test_asking_what_a_contract_would_change_writes_nothing(bare_app: Flask, browser_as: Browser) -> None:
    """Balance and 30% figure before and after; then the same form is saved."""
    with bare_app.app_context():
        with transaction():
            add_item(
                division_code="150600", code="A01", name="示例养老服务", public_service=True,
                valid_from=date(2020, 1, 1), by=world.user("finance"),
            )  # fmt: skip
            money = lot(300_000)
            first = contract(money, 20_000, method="consultation", code="A01")
            road.carry_to_acceptance(first)
            services.sign(first, by=world.user("leader"))
            number, supplier = money.id, world.organization("示例企业甲").name
        before = everything()
    facts = {
        "title": "示例助餐服务", "supplier": supplier, "earmark": str(number), "amount": "60,000.00",
        "method": "consultation", "catalogue_code": "A01", "service_key": "A-9",
        "starts_on": clock.today().isoformat(), "ends_on": clock.today().isoformat(), "terms": "按季结算",
    }  # fmt: skip
    clerk = browser_as("clerk")
    form = clerk.get("/agreements/contract").forms["contract"]
    for name, value in facts.items():
        form[name] = value
    page = form.submit("check", status=200)
    told = page.html.find(id="what-if").get_text(" ", strip=True)
    # 280,000.00 free, then 220,000.00; the company's 60,000.00 take the figure from 100% to 25%.
    for text in ("280,000.00", "220,000.00", "100.00%", "25.00%", "20,000.00", "80,000.00"):
        assert text in told, (text, told)
    region = clerk.get(
        "/agreements/contract/what-if", {**facts, "agency": form["agency"].value, "plan": form["plan"].value}
    )
    assert "25.00%" in region.html.find(id="what-if").get_text(" ")
    with bare_app.app_context():
        assert everything() == before
    page.forms["contract"].submit(status=303)
    with bare_app.app_context():
        assert everything()["agreement"] == before["agreement"] + 1


def test_the_tranche_templates_in_force_are_chosen_on_the_contract_form(
    bare_app: Flask, browser_as: Browser
) -> None:
    with bare_app.app_context(), transaction():
        add_rule_set(
            "RDT", {"tranche_templates": ["80/20", "70/30", "40/30/30"]}, valid_from=clock.today(),
            source="示例付款办法", programme="service_purchase",
        )  # fmt: skip
        add_item(
            division_code="150600", code="A01", name="示例养老服务", public_service=True,
            valid_from=date(2020, 1, 1), by=world.user("finance"),
        )  # fmt: skip
        number, supplier = lot(300_000).id, world.organization("示例企业甲").name
    form = browser_as("clerk").get("/agreements/contract").forms["contract"]
    offered = {value for value, _chosen, _words in form["plan"].options}
    # The one of two parts that was not offered yet; between two parts nothing frees a purchase's money.
    assert "80/20" in offered and not {"70/30", "40/30/30"} & offered and "70-30" in offered
    for name, value in {
        "title": "示例助餐服务", "supplier": supplier, "earmark": str(number), "amount": "60,000.01",
        "method": "consultation", "catalogue_code": "A01", "starts_on": clock.today().isoformat(),
        "ends_on": clock.today().isoformat(), "plan": "80/20", "service_key": "A-9", "terms": "按季结算",
    }.items():  # fmt: skip
        form[name] = value
    page = form.submit(status=303).follow()
    assert "48,000.00" in page and "12,000.01" in page


@pytest.mark.parametrize("venture", [False, True])
def test_the_figure_after_is_the_figure_of_all_rows(app: Flask, venture: bool) -> None:
    """The what-if computes only the services it touches; the whole computation says the same."""
    with transaction():
        add_item(
            division_code="150600", code="A01", name="示例养老服务", public_service=True,
            valid_from=date(2020, 1, 1), by=world.user("finance"),
        )  # fmt: skip
        budget = lot(300_000)
        for amount in (10_000, 20_001):
            agreement = contract(budget, amount, method="consultation", code="A01")
            road.carry_to_acceptance(agreement)
            services.sign(agreement, by=world.user("leader"))
    bought = Bought(
        world.agency(), Money.yuan(5_000), "一般公共预算", "示例养老服务", service_key="A-9",
        contractor_code="91", contractor_kind="企业", is_venture=venture,
    )  # fmt: skip
    foreseen = changes_of_ratio([bought])[0]
    year = clock.today().year
    view = "own_with_venture" if venture else "own"
    assert foreseen.before == ratio("150600", year).figures[view].ratio == Fraction(1)
    with transaction() as session:
        like = session.scalars(select(Purchase)).first()
        assert like is not None
        session.add(
            Purchase(
                division_code=like.division_code, fiscal_year=year, contract_no="示-9", purchaser=like.purchaser,
                service_key="A-9", service_name="示例养老服务", catalogue_code="A01", public_service=True,
                contractor="示例企业甲", contractor_code="91", contractor_kind="企业", host_code="",
                amount=Money.yuan(5_000), cancelled_amount=Money(0), fund_source="一般公共预算", method="",
                signed_on=clock.today(), is_venture=venture,
            )
        )  # fmt: skip
    assert foreseen.after == ratio("150600", year).figures[view].ratio == Fraction(30_001, 35_001)
