"""Thirty payments in one file: one comes back, one is recovered, of one the surplus; the auditor opens every figure.

By hand: the grants are 1,001.50 to 1,030.50 yuan, together 30 × 1,000 + 465 + 15 = 30,480.00.
Number 5 (1,005.50) is sent back and issued again; number 3 (1,003.50) comes back whole; of number 8
(1,008.50) 208.50 were not used.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from sqlalchemy import select
from webtest import TestResponse, Upload

from core import clock
from core.db import db, transaction
from core.money import Money
from finance.batches.models import Batch
from finance.commitments.services import commit
from finance.disbursements.models import Disbursement
from finance.disbursements.services import request_disbursement
from tests import world
from tests.finance.money import make_account, make_earmark
from tests.story.desk import Desk, lacks, reads, refused, seen, send
from tests.story.till import proves_the_chains

COUNT, TOTAL = 30, "30,480.00"
RETURNED, RECOVERED, SURPLUS = 5, 3, 8


def number(place: int) -> str:
    return f"150600-WXM-2025-{place:03d}-ZF01"


def test_a_batch_of_thirty_payments(desk: Desk) -> None:
    ids = thirty_requests(desk)
    reviewed_and_approved(desk, ids)
    batch = sent_to_the_treasury(desk)
    desk.on(date(2025, 1, 9))
    answers = answered(desk)
    issued_again(desk, ids[RETURNED])
    desk.on(date(2025, 1, 15))
    whole = comes_back(desk, ids[RECOVERED], "1,003.50", ground="terminated")
    part = comes_back(desk, ids[SURPLUS], "208.50", ground="unused")
    the_auditor_opens_every_figure(desk, ids, batch, answers, whole, part)
    proves_the_chains(desk)


def thirty_requests(desk: Desk) -> dict[int, int]:
    """Place in the round → id of its payment. How grants come to be is told by the other stories."""
    with desk.app.app_context(), transaction():
        lot, account = make_earmark(40_000), make_account()
        rows = {}
        for place in range(1, COUNT + 1):
            grant = commit(
                lot,
                organization=world.organization(),
                number=f"150600-WXM-2025-{place:03d}",
                title=f"示例微项目{place:02d}",
                track="venture_grant",
                amount=Money.yuan(f"{1000 + place}.50"),
                starts_on=clock.today(),
                ends_on=clock.today() + timedelta(days=120),
                tranches=[(1, "一次性拨付", "signed")],
                from_reservation=False,
                by=world.user("leader"),
            )
            rows[place] = request_disbursement(
                grant.tranches[0],
                payee_account=account,
                receipt_number=f"SJ-{place:03d}",
                by=world.user("clerk"),
            ).id
        return rows


def reviewed_and_approved(desk: Desk, ids: dict[int, int]) -> None:
    """复核 and 审批 of all thirty at once, count and total first."""
    chosen = "&".join(f"disbursement={item}" for item in ids.values())
    for login, step, next_step in (("finreview", "review", "approve"), ("leader", "approve", "review")):
        page = desk.opens(login, f"/disbursements/bulk?step={step}&{chosen}")
        reads(page, TOTAL, str(COUNT))
        # Whoever is at one step is not at the next one.
        one = f"/disbursements/bulk?step={next_step}&disbursement={ids[1]}"
        assert "bulk" not in desk.opens(login, one, expect_errors=True).forms
        done = page.forms["bulk"].submit()
        assert done.status_int == 200
        lacks(done, desk.words("refused"))
    for login in ("clerk", "finreview", "leader"):
        assert desk.opens(login, "/batches/new", expect_errors=True).status_int == 403


def sent_to_the_treasury(desk: Desk) -> str:
    page = desk.opens("finance", "/batches/new")
    reads(page, TOTAL)
    page = page.forms["batch"].submit().follow()
    no = refused(page, "export", total="30,479.99", proof=world.PASSWORD)
    reads(no, TOTAL)
    page = send(page, "export", total=TOTAL, proof=world.PASSWORD)
    file = page.forms["fetch-csv"].submit()
    lines = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert len(lines) == COUNT + 1
    assert (
        sum(int(cell.replace(".", "")) for line in lines[1:] for cell in line if cell[-3:] == ".50")
        == 3_048_000
    )
    return page.request.path


def answered(desk: Desk) -> str:
    """The bank's table: twenty-nine arrived, one did not; nothing moves before it was looked at."""
    heads = ("支付单号", "支付结果", "支付金额(元)", "支付日期", "凭证号", "退回原因")
    lines = [
        [number(place), "退回" if place == RETURNED else "成功", f"{1000 + place}.50", "2025-01-09",
         "" if place == RETURNED else f"PZ-{place:03d}", "收款账户已销户" if place == RETURNED else ""]
        for place in range(1, COUNT + 1)
    ]  # fmt: skip
    page = send(desk.opens("finance", "/batches/answers/new"), "answers", file=_table([heads, *lines]))
    with desk.app.app_context():
        states = set(db.session.scalars(select(Disbursement.state)))
    assert states == {"released"}
    reads(page, TOTAL)
    page = send(page, "apply")
    with desk.app.app_context():
        assert db.session.scalars(select(Batch.state)).all() == ["answered"]
    return page.request.path


def _table(lines: list) -> Upload:
    target = io.StringIO()
    csv.writer(target).writerows(lines)
    return Upload("回单.csv", target.getvalue().encode(), "text/csv")


def issued_again(desk: Desk, payment: int) -> None:
    """The payment that came back, as a new one that names the old; four people once more."""
    old = desk.takes("clerk", f"/disbursements/{payment}", about=number(RETURNED))
    reads(old, "收款账户已销户")
    page = send(old, "again")
    path = page.request.path
    reads(page, f"{number(RETURNED)}-2", number(RETURNED))
    for login, form in (("finreview", "review"), ("leader", "approve")):
        send(desk.takes(login, path), form)
    send(desk.takes("finance", path), "release", proof=world.PASSWORD)
    send(desk.takes("finance", path), "paid", paid_on="2025-01-09", voucher_number="PZ-105")
    # Both say what became of the other, also to people who issue nothing.
    reads(desk.opens("finance", old.request.path), f"{number(RETURNED)}-2")


def comes_back(desk: Desk, payment: int, amount: str, *, ground: str) -> str:
    """Proposed, looked at by legal and finance, ordered, booked: five steps, five people."""
    with desk.app.app_context():
        commitment = db.session.get_one(Disbursement, payment).commitment_id
    page = desk.opens("clerk", f"/recoveries/of/{commitment}?disbursement={payment}")
    facts = {"ground": ground, "due_on": "2025-02-10", "reason": "票据核对后应予退回。"}
    refused(page, "propose", facts, amount="1,030.51")
    path = send(page, "propose", facts, amount=amount).request.path
    for login, form in (("reviewer", "review"), ("finreview", "review-money")):
        send(desk.takes(login, path), form)
    send(desk.takes("leader", path), "order", **{"order-basis": "局长办公会纪要〔2025〕3号"})
    page = desk.takes("finance", path)
    page = send(
        page, "back",
        **{"back-amount": amount, "back-received_on": "2025-01-15", "back-voucher_number": f"SK-{payment}"},
    )  # fmt: skip
    reads(page, desk.words("everything came back"), amount)
    return path


def the_auditor_opens_every_figure(
    desk: Desk, ids: dict[int, int], batch: str, answers: str, whole: str, part: str
) -> None:
    """Discipline inspection and audit reads what everybody did and changes nothing."""
    with desk.app.app_context():
        found = {place: db.session.get_one(Disbursement, row) for place, row in ids.items()}
        commitments = {place: item.commitment_id for place, item in found.items()}
        lot, budget = found[1].commitment.earmark_id, found[1].commitment.earmark.budget_id
    back, kept, paid = (desk.words(text) for text in ("returned by the bank", "recovered", "paid"))
    # Twenty-eight stay paid: 30,480.00 − 1,005.50 − 1,003.50 = 28,471.00.
    expected = {
        batch: [TOTAL, f"{back} 1 1,005.50", f"{kept} 1 1,003.50", f"{paid} 28 28,471.00"],
        f"{batch}?state=recovered": [number(RECOVERED)],
        answers: [TOTAL.split(",")[0], number(RETURNED)],
        f"/disbursements/{ids[RECOVERED]}": [kept, "1,003.50"],
        f"/disbursements/{ids[SURPLUS]}": [paid, "208.50"],
        f"/commitments/{commitments[RECOVERED]}": ["1,003.50", "0.00"],
        f"/commitments/{commitments[SURPLUS]}": ["800.00", "208.50"],
        whole: ["1,003.50"],
        part: ["208.50"],
        # 30,480.00 − 1,003.50 − 208.50 stay paid; 40,000.00 − 30,480.00 are free.
        f"/funds/earmarks/{lot}": ["29,268.00", "9,520.00"],
        # 1,000,000.00 − 40,000.00, and 1,212.00 that came back.
        f"/funds/budgets/{budget}": ["961,212.00", "1,212.00"],
        f"/commitments/chain/budget/{budget}": ["29,268.00", "1,003.50", "208.50", f"{number(RETURNED)}-2"],
    }
    known: set[str] = set()
    for path, words in expected.items():
        page = desk.opens("supervisor", path)
        reads(page, *words)
        assert not {"review", "approve", "export", "apply", "back", "order"} & set(page.forms), path
        _open_figures(desk, page, known)
    lacks(desk.opens("supervisor", f"{batch}?state=recovered"), number(SURPLUS))
    reads(desk.opens("supervisor", f"{batch}?state=recovered"), "1,003.50")


def _open_figures(desk: Desk, page: TestResponse, known: set[str]) -> None:
    """Each figure with a link leads to a page that this reader may open; one of each kind of page."""
    for link in page.html.select("main a.figure-link"):
        address = link["href"].split("#")[0]
        kind = "".join("0" if letter.isdigit() else letter for letter in address)
        if not address or kind in known:
            continue
        known.add(kind)
        answer = desk.opens("supervisor", page.request.path if address[0] == "?" else address)
        assert answer.status_int == 200 and seen(answer), address
