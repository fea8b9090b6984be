"""Money leaves by three people, once, and only when nothing stands against it."""

from __future__ import annotations

from flask import Flask

from core.db import transaction
from core.money import Money
from finance.disbursements import services
from finance.ledger.queries import balance, verify
from tests import world
from tests.finance.money import make_commitment, make_request


def held(commitment_id: int) -> dict[str, str]:
    kinds = ("committed", "payable", "paid", "returned")
    return {kind: balance("commitment", commitment_id, kind).plain() for kind in kinds}


def test_the_way_of_a_payment(app: Flask) -> None:
    with transaction():
        commitment = make_commitment("98000.01")
        assert [part.amount.plain() for part in commitment.tranches] == ["49000.00", "39200.00", "9800.01"]
        payment = make_request(commitment)
        assert payment.number == "150600-GYCT-2026-05-003-HT-ZF01"
    with transaction():
        services.review(payment, by=world.user("finreview"))
    assert held(commitment.id)["committed"] == "98000.01"
    with transaction():
        services.approve(payment, by=world.user("leader"))
    assert held(commitment.id) == {
        "committed": "49000.01",
        "payable": "49000.00",
        "paid": "0.00",
        "returned": "0.00",
    }
    with transaction():
        services.release(payment, by=world.user("finance"))
        services.mark_paid(
            payment, paid_on=payment.requested_at.date(), voucher_number="PZ-1", by=world.user("finance")
        )
    assert held(commitment.id) == {
        "committed": "49000.01",
        "payable": "0.00",
        "paid": "49000.00",
        "returned": "0.00",
    }
    assert payment.amount == Money.yuan(49000)
    assert verify() == []
