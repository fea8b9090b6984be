"""Scenes at the till: limits, lent steps, a batch of thirty payments and what the bank answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage, account
from app.demo.story import on
from app.settings import DEMO_PASSWORD
from core import clock
from core.db import db
from core.money import Money
from finance.batches.imports import read_answers
from finance.batches.models import Batch, ReceiptFile
from finance.batches.reports import payment_file
from finance.batches.rules import Heading
from finance.batches.services import (
    apply_answers,
    discard_answers,
    drop_batch,
    export_batch,
    keep_answers,
    make_batch,
    set_layout,
)
from finance.commitments.models import Commitment
from finance.commitments.services import commit
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.services import (
    approve,
    confirm_limit,
    confirm_payee_account,
    each,
    note_stuck,
    record_payee_account,
    reissue,
    request_disbursement,
    review,
    set_limit,
)
from finance.funds.services import earmark
from registry.delegations.services import delegate
from registry.organizations.models import Organization

TILL = TEXTS["till"]
BATCH = 30
LARGE = "260000"


def tell_till(stage: Stage) -> None:
    """Thirty small grants paid in one file: most arrive, one comes back and is issued again."""
    today = clock.today()
    _limits(stage, today - timedelta(days=40))
    rows = _requested(stage, today - timedelta(days=16))
    with on(today - timedelta(days=15)):
        each(review, rows, by=stage.people["finreview"])
    with on(today - timedelta(days=14)):
        # The larger one is above the leader's limit and waits for the second.
        each(approve, rows, by=stage.people["leader"])
        set_layout(
            stage.agencies["city"],
            [Heading(heading, field, fixed) for heading, field, fixed in TILL["layout"]],
            by=stage.people["finance"],
        )
    small = rows[: BATCH + 2]
    _sent(stage, small[BATCH:], today - timedelta(days=13))
    with on(today - timedelta(days=12)):
        _answered(stage, "1", [_line(item) for item in small[BATCH:]])
    _sent(stage, small[:BATCH], today - timedelta(days=11))
    back, differs, silent = small[4], small[9], small[17]
    with on(today - timedelta(days=9)):
        paid = [item for item in small[:BATCH] if item not in (back, differs, silent)]
        lines = [*(_line(item) for item in paid), _line(back, returned=True), _line(differs, amount="50.00")]
        _answered(stage, "2", lines)
    _issued_again(stage, back, today - timedelta(days=8))
    with on(today - timedelta(days=2)):
        _read(stage, "3", [_line(differs), ["150600-WXM-000-ZF01", *_line(silent)[1:]]])
        wrong = _read(stage, "4", [_line(silent, amount="1.00")])
        discard_answers(wrong, by=stage.people["finance"])
        note_stuck()
    with on(today - timedelta(days=1)):
        again = _mine(rows[-3:-1])
        drop_batch(
            make_batch(stage.agencies["city"], again, by=stage.people["finance"]), by=stage.people["finance"]
        )
        make_batch(stage.agencies["city"], again[:1], by=stage.people["finance"])
        owner = stage.people["urban_leader"]
        delegate(
            owner.roles[0],
            stage.people["urban_reviewer"],
            valid_from=clock.today(),
            valid_to=clock.today() + timedelta(days=10),
            by=owner,
        )


def _mine(rows: Sequence[Disbursement]) -> list[Disbursement]:
    return [db.session.get_one(Disbursement, item.id) for item in rows]


def _limits(stage: Stage, day: date) -> None:
    """One leader's limit in force, a second leader whose limit waits for confirmation."""
    city, finance = stage.agencies["city"], stage.people["finance"]
    with on(day):
        second = account("leader2", TILL["leader"], "funder_leader", password=DEMO_PASSWORD, agency=city)
        limit = set_limit(stage.people["leader"], city.id, Money.yuan("200000"), by=finance)
        confirm_limit(limit, by=stage.people["finreview"])
        set_limit(second, city.id, Money.yuan("500000"), by=finance)


def _requested(stage: Stage, day: date) -> list[Disbursement]:
    """Thirty-four small grants in one tranche each, one of an amount that two leaders approve, and one that nobody
    asked for yet."""
    clerk, finance = stage.people["clerk"], stage.people["finance"]
    bodies = stage.organizations[:-1]
    with on(day - timedelta(days=6)):
        lot = earmark(
            stage.budgets["general", day.year],
            agency=stage.agencies["city"],
            title=TILL["lot"],
            purpose="community",
            amount=Money.yuan("470000"),
            by=finance,
        )
        accounts = {body.id: _account(stage, body) for body in bodies}
        grants: list[Commitment] = []
        for place in range(BATCH + 6):
            body, large = bodies[place % len(bodies)], place == BATCH + 4
            grants.append(
                commit(
                    lot,
                    organization=body,
                    number=f"150600-WXM-{day.year}-{place + 1:03d}",
                    title=TILL["titles"][place % len(TILL["titles"])],
                    track="venture_grant",
                    amount=Money.yuan(LARGE if large else f"{4200 + place * 37}.50"),
                    starts_on=clock.today(),
                    ends_on=clock.today() + timedelta(days=120),
                    tranches=[(1, TILL["tranche"], "signed")],
                    from_reservation=False,
                    by=stage.people["leader"],
                )
            )
    with on(day):
        return [
            request_disbursement(
                grant.tranches[0],
                payee_account=accounts[grant.organization_id],
                receipt_number=f"WXM-{place:03d}",
                by=clerk,
            )
            for place, grant in enumerate(grants[:-1], 1)
        ]


def _account(stage: Stage, body: Organization, *, digits: str = "62280001") -> PayeeAccount:
    found = db.session.scalar(
        select(PayeeAccount)
        .where(
            PayeeAccount.organization_id == body.id,
            PayeeAccount.confirmed_at < clock.now() - timedelta(days=4),
            PayeeAccount.closed_on.is_(None),
        )
        .order_by(PayeeAccount.id)
    )
    if found is None or digits != "62280001":
        found = record_payee_account(
            body,
            account_name=body.name,
            bank=TEXTS["bank"],
            number=f"{digits}{body.id:08d}",
            by=stage.people["finance"],
        )
        confirm_payee_account(found, by=stage.people["finreview"])
    return found


def _sent(stage: Stage, rows: Sequence[Disbursement], day: date) -> Batch:
    finance = stage.people["finance"]
    with on(day, 9):
        batch = make_batch(stage.agencies["city"], _mine(rows), by=finance)
    with on(day, 15):
        export_batch(batch, total=batch.total, make=payment_file, by=finance)
    return batch


def _line(item: Disbursement, *, returned: bool = False, amount: str = "") -> list[str]:
    """A row of the bank's table."""
    payee = item.payee_account
    return [
        item.number,
        TILL["back" if returned else "done"],
        amount or item.amount.plain(),
        payee.account_name,
        f"****{payee.last_four}",
        clock.today().isoformat(),
        "" if returned else f"GK{item.id:06d}",
        TEXTS["returned"] if returned else "",
    ]


def _read(stage: Stage, name: str, lines: list[list[str]]) -> ReceiptFile:
    target = io.StringIO()
    csv.writer(target).writerows([TILL["heads"], *lines])
    data = target.getvalue().encode()
    title = TILL["table"].format(number=name)
    result = read_answers(io.BytesIO(data), title)
    return keep_answers(stage.agencies["city"], title, data, result, by=stage.people["finance"])


def _answered(stage: Stage, name: str, lines: list[list[str]]) -> None:
    apply_answers(_read(stage, name, lines), by=stage.people["finance"])


def _issued_again(stage: Stage, back: Disbursement, day: date) -> None:
    """To a new account; it has cooled off, and the payment waits to be released."""
    with on(day):
        changed = _account(stage, back.commitment.organization, digits="62170011")
        made = reissue(
            back, payee_account=changed, receipt_number=back.receipt_number, by=stage.people["clerk"]
        )
    with on(day + timedelta(days=1)):
        review(made, by=stage.people["finreview"])
    with on(day + timedelta(days=2)):
        approve(made, by=stage.people["leader"])
