"""A service that is bought: contracted, signed, paid, accepted, and so in the 30% figure, by itself.

By hand: an enterprise's new contract of 100,000.00 is there before; 30,000.01 to a social organization
are added. Added in all 130,000.01, of it to social organizations 30,000.01: 3000001/13000001.
30% and 70% of 30,000.01 are 9,000.00 and, with the rest, 21,000.01.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from webtest import Upload

from tests import world
from tests.story.desk import Desk, Picked, number_in, reads, refused, send
from tests.story.till import pays, proves_the_chains, records_account

UNIT, SUPPLIER = "示例市民政局", "示例夕阳红为老服务中心"
SERVICE, PURSE = "居家养老上门服务", "居家养老购买服务资金"
ENTERPRISE = world.credit_code("91", "150602", 5)
EARLIER = (
    "contract_no,fiscal_year,division_code,purchaser,service_key,service_name,catalogue_code,public_service,contractor,"
    "contractor_code,contractor_kind,host_code,so_share,amount_yuan,cancelled_amount_yuan,fund_source,method,signed_on,"
    "is_venture\n"
    f"HT-2025-01,2025,150600,{UNIT},A-101,社区助餐服务,A0301,是,示例企业甲,{ENTERPRISE},企业,,,100000.00,,一般公共预算,"
    "公开招标,2025-01-03,否\n"
)


def figures(desk: Desk) -> dict[str, Any]:
    result = desk.app.test_cli_runner().invoke(
        args=["purchasing", "ratio", "--division", "150600", "--year", "2025", "--json"]
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_purchased_service_arrives_in_the_figure(desk: Desk) -> None:
    page = desk.opens("finance", "/purchasing/import")
    page = send(page, "import", file=Upload("purchases.csv", EARLIER.encode(), "text/csv"))
    reads(page, "HT-2025-01", "100,000.00")
    assert figures(desk)["own"]["added_total_fen"] == "0", (
        "a table that was only looked through does not count"
    )
    send(page, "take")
    before = figures(desk)["own"]
    assert (before["added_total_fen"], before["added_so_fen"], before["ratio"]) == ("10000000", "0", "0")

    # Money of the general budget, and the item of the catalogue that may be bought.
    page = desk.opens("finance", "/funds/sources/new")
    page = send(page, "source", name="示例一般公共预算", kind="general_public_budget")
    page = page.click(href="/budgets/new$", index=0)
    page = send(page, "budget", fiscal_year="2025", amount="50,000.00", document_number="示财社〔2025〕9号")
    budget = page.request.path
    send(desk.takes("finreview", budget), "approve")
    page = desk.opens("finance", budget).click(href="/earmarks/new$", index=0)
    refused(page, "earmark", title=PURSE, purpose="elderly", amount="50,000.01")
    page = desk.opens("finance", budget).click(href="/earmarks/new$", index=0)
    earmark = send(page, "earmark", title=PURSE, purpose="elderly", amount="40,000.00").request.path
    page = desk.opens("finance", "/catalogue/").click(href="/catalogue/new", index=0)
    send(
        page,
        "item",
        division_code="150600",
        code="A0302",
        name=SERVICE,
        branch="public",
        valid_from="2025-01-01",
    )

    # Contracted: drafted, reviewed twice, accepted on line by the supplier, signed.
    desk.on(date(2025, 3, 3))
    page = desk.opens("clerk", "/agreements/contract")
    facts = {
        "title": SERVICE,
        "earmark": Picked(PURSE),
        "method": "consultation",
        "catalogue_code": "A0302",
        "service_key": "A-102",
        "plan": "30-70",
        "starts_on": "2025-04-01",
        "ends_on": "2026-03-31",
    }
    no = refused(page, "contract", facts, supplier="没有登记的单位", amount="30,000.01")
    assert no.forms["contract"]["title"].value == SERVICE, "nothing typed is lost"
    no = refused(no, "contract", facts, supplier=SUPPLIER, amount="40,000.01")
    reads(no, "RBG-1", "40,000.00")
    page = send(
        desk.opens("clerk", "/agreements/contract"), "contract", facts, supplier=SUPPLIER, amount="30,000.01"
    )
    path = page.request.path
    assert not {"legal-review", "finance-review", "sign"} & set(page.forms)
    desk.opens("so_leader2", path, status=404)
    send(desk.takes("reviewer", path), "legal-review")
    send(desk.takes("finreview", path), "finance-review")
    send(desk.takes("clerk", path), "offer")
    desk.opens("so_leader3", path, status=404)
    assert "accept" not in desk.opens("operator2", path).forms, "the leader accepts, not the operator"
    send(desk.takes("so_leader2", path), "accept")
    assert figures(desk)["own"] == before, "nothing counts before it is signed"
    desk.on(date(2025, 3, 10))
    page = send(desk.takes("leader", path), "sign")
    reads(page, "150600-GMFW-2025-0001-HT", "9,000.00", "21,000.01")
    project = number_in(page.click(href=r"/projects/\d+$", index=0))
    reads(desk.opens("finance", earmark), "9,999.99")

    # It is in the figure, without anybody typing it in once more.
    after = figures(desk)["own"]
    assert (after["added_total_fen"], after["added_so_fen"]) == ("13000001", "3000001")
    assert after["ratio"] == "3000001/13000001"
    assert after["status"] == "below"
    page = desk.opens("leader", "/ratio/?division=150600&year=2025")
    reads(page, "23.08%", SERVICE, "30,000.01")
    reads(desk.opens("leader", "/ratio/contracts?division=150600&year=2025"), SUPPLIER, "30,000.01")

    # The first part after signing, the rest after the acceptance by somebody who neither bought nor signed.
    desk.on(date(2025, 3, 11))
    records_account(desk, SUPPLIER, "6228000000000099")
    pays(desk, "so_leader2", SERVICE, project, 1, date(2025, 3, 12), "9,000.00")
    assert desk.has_no_task("so_leader2", f"/projects/{project}/tranches/2/claim")
    page = desk.opens("so_leader2", f"/projects/{project}/tranches/2/claim")
    reads(refused(page, "claim", receipt_number="SJ-early"), "RDT-a")
    desk.on(date(2026, 4, 1))
    acceptance = f"/projects/{project}/acceptance"
    facts = {
        "passed": "yes",
        "note": "逐项核对合同标准，服务1200人次，满意度96%。",
        "beneficiaries_heard": True,
    }
    desk.opens("clerk", f"/projects/{project}")
    assert (
        desk.forces("clerk", acceptance, passed="yes", note="自行验收", beneficiaries_heard="y").status_int
        == 403
    )
    refused(desk.opens("reviewer", acceptance), "acceptance", {**facts, "beneficiaries_heard": False})
    page = send(
        desk.opens("reviewer", f"/projects/{project}").click(href="/acceptance$", index=0),
        "acceptance",
        facts,
    )
    reads(page, facts["note"])
    pays(desk, "so_leader2", SERVICE, project, 2, date(2026, 4, 2), "21,000.01")
    # The source stands in the ledger with what was paid out of it: 30,000.01 of 50,000.00.
    page = desk.opens("finance", budget)
    for label, amount in (("Paid", "30,000.01"), ("Set aside, free", "9,999.99"), ("Available", "10,000.00")):
        reads(page, f"{desk.words(label)} {amount}")
    proves_the_chains(desk)
    assert figures(desk)["own"] == after
