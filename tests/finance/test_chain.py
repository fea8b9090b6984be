"""Money is followed both ways on one page; budgets change on their pages; asking changes nothing."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select
from webtest import TestApp

from core import clock
from core.db import db, transaction
from core.money import Money
from finance.commitments.queries import flows_of, released_of
from finance.commitments.services import release_remainder, return_surplus
from finance.disbursements import services as till
from finance.funds import services
from finance.funds.models import Budget
from finance.funds.queries import totals_by_source
from finance.ledger.queries import balance
from tests import world
from tests.finance.money import make_budget, make_commitment, make_request
from tests.finance.test_budgets import in_year

Browser = Callable[[str], TestApp]


def everything() -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
    }


@pytest.fixture
def paid(bare_app: Flask) -> dict[str, int]:
    """A payment of 49,000 yuan of which 9,000 came back; the ids of everything on its way."""
    with bare_app.app_context(), transaction():
        payment = make_request(make_commitment("98000"))
        till.review(payment, by=world.user("finreview"))
        till.approve(payment, by=world.user("leader"))
        till.release(payment, by=world.user("finance"))
        till.mark_paid(payment, paid_on=clock.today(), voucher_number="PZ-1", by=world.user("finance"))
        commitment = payment.commitment
        return_surplus(commitment, Money.yuan(9_000), key="closure/1", by=world.user("finance"))
        lot = commitment.earmark
        return {
            "commitment": commitment.id,
            "earmark": lot.id,
            "budget": lot.budget_id,
            "source": lot.budget.fund_source_id,
            "payment": payment.id,
        }


@pytest.mark.parametrize("kind", ["source", "budget", "earmark", "commitment"])
def test_the_chain_leads_up_and_down_from_every_place(
    bare_app: Flask, browser_as: Browser, paid: dict[str, int], kind: str
) -> None:
    clerk = browser_as("finance")
    page = clerk.get(f"/commitments/chain/{kind}/{paid[kind]}")
    for text in ("示例市级福彩公益金", "示财社〔2026〕7号", "示例第五届公益创投", "示例银发学堂"):
        assert text in page
    for amount in ("1,000,000.00", "509,000.00", "491,000.00", "98,000.00", "49,000.00", "9,000.00"):
        assert amount in page
    # Every figure opens: each link of the table leads somewhere this person may go.
    links = {link["href"].split("#")[0] for link in page.html.select("table a[href]")}
    assert f"/disbursements/{paid['payment']}" in links
    for link in links:
        assert clerk.get(link).status_int == 200
    browser_as("banner_clerk").get(f"/commitments/chain/{kind}/{paid[kind]}", status=404)
    browser_as("operator").get(f"/commitments/chain/{kind}/{paid[kind]}", status=403)


def test_the_flows_are_what_the_ledger_moved(app: Flask) -> None:
    with transaction():
        payment = make_request(make_commitment("98000"))
        till.review(payment, by=world.user("finreview"))
        till.approve(payment, by=world.user("leader"))
    share = payment.commitment.shares[0]
    (flow,) = flows_of([share])[share.id]
    assert (flow.about, flow.payable, flow.paid) == (
        ("disbursement", payment.id),
        Money.yuan(49_000),
        Money(0),
    )
    with transaction():
        till.release(payment, by=world.user("finance"))
        till.mark_paid(payment, paid_on=clock.today(), voucher_number="PZ-1", by=world.user("finance"))
        return_surplus(payment.commitment, Money.yuan(10), key="x", by=world.user("finance"))
    out, back = flows_of([share])[share.id]
    assert (out.payable, out.paid, out.returned) == (Money(0), Money.yuan(49_000), Money(0))
    assert (back.paid, back.returned) == (Money(0), Money.yuan(10))
    assert balance("commitment_share", share.id, "paid") == out.paid - back.returned
    with transaction():
        release_remainder(payment.commitment, by=world.user("finance"))
    assert released_of([share]) == {share.id: Money.yuan(49_000)}


def test_a_budget_is_adjusted_by_two_people_on_its_page(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context(), transaction():
        number = make_budget(1_000).id
    address = f"/funds/budgets/{number}"
    clerk, reviewer = browser_as("finance"), browser_as("finreview")
    form = clerk.get(f"{address}/adjust").forms["adjust"]
    form["direction"], form["amount"] = "less", "100"
    page = form.submit(status=422)
    assert page.forms["adjust"]["amount"].value == "100"
    form = page.forms["adjust"]
    form["reason"], form["document_number"] = "压减一般性支出", "示财预〔2026〕52号"
    page = form.submit(status=303).follow()
    assert "−100.00" in page
    assert address in reviewer.get("/home")
    page = reviewer.get(address)
    refuse = next(form for name, form in page.forms.items() if str(name).startswith("refuse-"))
    page = refuse.submit(status=422)
    approve = next(form for name, form in page.forms.items() if str(name).startswith("approve-"))
    page = approve.submit(status=303).follow()
    assert "900.00" in page
    # More than is free: refused with everything typed.
    form = clerk.get(f"{address}/adjust").forms["adjust"]
    form["direction"], form["amount"] = "less", "900.01"
    form["reason"], form["document_number"] = "示例", "示1号"
    assert "RBG-1" in form.submit(status=409)


def test_old_money_stands_on_the_worklist_and_goes_back_or_on(bare_app: Flask, browser_as: Browser) -> None:
    year = clock.today().year
    with bare_app.app_context(), transaction():
        last, old = in_year(year - 1).id, in_year(year - 2).id
    clerk, reviewer = browser_as("finance"), browser_as("finreview")
    home = clerk.get("/home")
    assert f"/funds/budgets/{old}/claw-back" in home and f"/funds/budgets/{last}#years" in home
    form = clerk.get(f"/funds/budgets/{old}/claw-back").forms["claw-back"]
    assert form["amount"].value == "1000.00"
    form["reason"], form["document_number"] = "连续两年未用完", "示财预〔2026〕61号"
    form.submit(status=303)
    assert f"/funds/budgets/{old}/claw-back" not in clerk.get("/home")
    page = reviewer.get(f"/funds/budgets/{old}")
    next(form for name, form in page.forms.items() if str(name).startswith("approve-")).submit(status=303)
    form = clerk.get(f"/funds/budgets/{last}/carry").forms["carry"]
    form["document_number"] = "示财预〔2026〕63号"
    carried = form.submit(status=303).follow()
    assert "withdraw" in carried.forms
    reviewer.get(carried.request.path).forms["approve"].submit(status=303)
    assert "1,000.00" in clerk.get(carried.request.path)
    with bare_app.app_context():
        assert [balance("budget", item, "budget") for item in (last, old)] == [Money(0), Money(0)]


def test_totals_by_source_are_the_sums_of_the_budgets(bare_app: Flask, browser_as: Browser) -> None:
    year = clock.today().year
    with bare_app.app_context(), transaction():
        make_commitment("98000")
        for back in (1, 2, 3):
            in_year(year - back)
    clerk = browser_as("finance")
    page = clerk.get("/funds/totals")
    assert f"year-{year}" in page and f'id="year-{year - 3}"' not in page
    assert f'id="year-{year - 3}"' in clerk.get("/funds/totals?years=all")
    sheet = openpyxl.load_workbook(io.BytesIO(clerk.get("/funds/totals.xlsx").body)).active
    rows = list(sheet.values)
    assert len(rows) == 5
    with bare_app.app_context():
        found = totals_by_source(world.user("finance"))
        expected = {
            (source.name, str(year)): total
            for source, years in found.items()
            for year, total in years.items()
        }
        for row in rows[1:]:
            total = expected[row[0], row[4]]
            assert (row[5], row[10]) == (total.new.fen / 100, total.figures.budgeted.fen / 100)
            assert total.new + total.carried_in + total.changed == total.figures.budgeted + total.carried_out
        assert sum(total.figures.committed.fen for total in expected.values()) == 98_000_00
    browser_as("operator").get("/funds/totals", status=403)


def test_asking_what_an_earmark_would_change_writes_nothing(bare_app: Flask, browser_as: Browser) -> None:
    with bare_app.app_context():
        with transaction():
            budget = make_budget(1_000)
            services.earmark(
                budget, agency=world.agency(), title="示例", purpose="children", amount=Money.yuan(100),
                by=world.user("finance"),
            )  # fmt: skip
            address = f"/funds/budgets/{budget.id}"
        before = everything()
    clerk = browser_as("finance")
    form = clerk.get(f"{address}/earmarks/new").forms["earmark"]
    form["title"], form["purpose"], form["amount"] = "示例养老", "elderly", "300"
    page = form.submit("check", status=200)
    region = page.html.find(id="what-if").get_text(" ")
    # The balance, and the shares of the purposes before and after.
    for text in ("900.00", "600.00", "100.00%", "25.00%", "75.00%"):
        assert text in region
    assert page.forms["earmark"]["title"].value == "示例养老"
    query = {"title": "示例养老", "purpose": "elderly", "amount": "300", "grant_kind": "project_grant",
             "agency_id": form["agency_id"].value}  # fmt: skip
    assert "600.00" in clerk.get(f"{address}/what-if", query)
    assert "600.00" not in clerk.get(f"{address}/what-if", {**query, "amount": "x"})
    # A wish that the rules refuse shows why, before it is tried.
    assert "RLF-3" in clerk.get(f"{address}/what-if", {**query, "purpose": "party"}) or "RLF-1" in clerk.get(
        f"{address}/what-if", {**query, "purpose": "party"}
    )
    with bare_app.app_context():
        assert everything() == before
        assert db.session.scalars(select(Budget)).one().state == "approved"
    page.forms["earmark"].submit(status=303)
    with bare_app.app_context():
        assert everything() != before
