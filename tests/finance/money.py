"""Money ready to be spent, for tests of the rooms that spend it."""

from __future__ import annotations

from datetime import timedelta

from core import clock
from core.money import Money
from finance.commitments.models import Commitment
from finance.commitments.services import commit
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.services import (
    confirm_payee_account,
    record_payee_account,
    request_disbursement,
)
from finance.funds.models import Budget, Earmark
from finance.funds.services import approve_budget, create_source, earmark, enter_budget
from tests import world

TRANCHES = [(50, "首期款", "signed"), (40, "中期款", "midterm_passed"), (10, "尾款", "final_passed")]
NUMBER = "622848001234567890"


def make_budget(amount: int = 1_000_000, *, name: str = "示例市级福彩公益金") -> Budget:
    """A lottery source of the city bureau with an approved budget of so many yuan."""
    source = create_source(
        world.agency(),
        kind="welfare_lottery_fund",
        tier="city",
        name=name,
        purposes={"elderly": "老年人服务", "children": "儿童关爱保护", "community": "城乡社区建设"},
        by=world.user("finance"),
    )
    budget = enter_budget(
        source,
        fiscal_year=clock.today().year,
        amount=Money.yuan(amount),
        function_code="2296002",
        document_number="示财社〔2026〕7号",
        by=world.user("finance"),
    )
    approve_budget(budget, by=world.user("finreview"))
    return budget


def make_earmark(amount: int = 500_000) -> Earmark:
    return earmark(
        make_budget(),
        agency=world.agency(),
        title="示例第五届公益创投",
        purpose="elderly",
        amount=Money.yuan(amount),
        by=world.user("finance"),
    )


def make_commitment(
    amount: str = "98000.01", *, number: str = "150600-GYCT-2026-05-003-HT", tranches: list | None = None
) -> Commitment:
    today = clock.today()
    return commit(
        make_earmark(),
        organization=world.organization(),
        number=number,
        title="示例银发学堂",
        track="venture_grant",
        amount=Money.yuan(amount),
        starts_on=today,
        ends_on=today + timedelta(days=300),
        tranches=tranches or TRANCHES,
        from_reservation=False,
        by=world.user("leader"),
    )


def make_account(number: str = NUMBER) -> PayeeAccount:
    organization = world.organization()
    account = record_payee_account(
        organization,
        account_name=organization.name,
        bank="示例银行东城支行",
        number=number,
        by=world.user("finance"),
    )
    confirm_payee_account(account, by=world.user("finreview"))
    return account


def make_request(commitment: Commitment | None = None, *, receipt: str = "SJ-0001") -> Disbursement:
    commitment = commitment or make_commitment()
    return request_disbursement(
        commitment.tranches[0], payee_account=make_account(), receipt_number=receipt, by=world.user("clerk")
    )
