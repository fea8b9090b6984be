"""How money leaves in every story: an account that two people know, then a claim, three people, the bank, the ledger."""

from __future__ import annotations

from datetime import date

from webtest import TestResponse

from tests import world
from tests.story.desk import Desk, lacks, reads, refused, seen, send


def records_account(desk: Desk, organization: str, number: str) -> None:
    """Recorded by the finance clerk, confirmed by the finance reviewer with the bank's paper at hand."""
    page = desk.opens("finance", "/disbursements/accounts").click(href="/accounts/new$", index=0)
    account = {"organization": organization, "bank": "示例银行示例支行", "number": number}
    no = refused(page, "account", account, account_name="示例别家公司")
    reads(no, "RDT-f")
    page = send(page, "account", account, account_name=organization)
    lacks(page, number)
    assert "confirm" not in page.forms, "whoever records an account does not confirm it"
    send(desk.takes("finreview", page.request.path, about=organization), "confirm")


def pays(
    desk: Desk, leader: str, title: str, project: int, tranche: int, day: date, amount: str
) -> TestResponse:
    """Claim, findings, 经办, 复核 and 审批 by three people, release, payment, ledger.

    ``leader`` claims for the organization. Returns the transfer's page in the ledger.
    """
    receipt = f"SJ-{project:02d}-{tranche}"
    desk.on(day)
    page = desk.takes(leader, f"/projects/{project}/tranches/{tranche}/claim", about=title)
    reads(page, amount, "RDT-a")
    page = send(page, "claim", receipt_number=receipt)
    claim = page.request.path
    assert "accept" not in page.forms
    send(desk.takes("clerk", claim, about=title), "accept")
    page = desk.takes("finreview", r"/disbursements/\d+", about=title)
    payment = page.request.path
    reads(page, amount, receipt, "RDT-b", "RDT-e", "RDT-f")
    for login in ("clerk", "leader", "finance"):
        assert "review" not in desk.opens(login, payment).forms
    assert desk.forces("leader", f"{payment}/approve").status_int == 409, "review comes before approval"
    send(page, "review")
    assert desk.forces("finreview", f"{payment}/approve").status_int == 403
    send(desk.takes("leader", payment, about=title), "approve")
    send(desk.takes("finance", payment, about=title), "release", proof=world.PASSWORD)
    page = desk.takes("finance", payment, about=title)
    page = send(page, "paid", paid_on=day.isoformat(), voucher_number=f"PZ-{receipt}")
    reads(page, amount, f"PZ-{receipt}")
    # In the ledger the amount has left one account and come to another.
    transfer = page.click(href=r"/ledger/transfers/\d+$", index=-1)
    assert seen(transfer).count(amount) >= 2
    # A tranche is paid once.
    assert desk.has_no_task(leader, f"/projects/{project}/tranches/{tranche}/claim", about=title)
    return transfer


def proves_the_chains(desk: Desk) -> None:
    """``flask ledger verify`` and ``flask audit verify`` find nothing."""
    for command in ("ledger", "audit"):
        result = desk.app.test_cli_runner().invoke(args=[command, "verify"])
        assert result.exit_code == 0, result.output
