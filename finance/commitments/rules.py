"""How a grant is split into tranches, and a payment over the sources of a commitment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from core import clock
from core.money import Money
from core.text import N_, Message
from finance.commitments.models import Tranche

# Parameters of the family RDT: the templates of a programme as percents, and up to how many yuan a
# grant may be paid whole at signing (DOMAIN 3.5).
TRANCHE_DEFAULTS = {
    "tranche_templates": ["50/40/10", "60/30/10", "50/30/20", "60/40", "70/30", "100"],
    "micro_limit_yuan": 20_000,
}
# What a tranche waits for.
CONDITIONS = {
    "signed": N_("agreement signed"),
    "midterm_passed": N_("mid-term evaluation passed"),
    "final_passed": N_("final evaluation passed"),
}
SOURCE_TRANCHES = "公益创投项目协议（分期拨付）；微项目可一次性拨付的办法"


def template_weights(template: str) -> list[int]:
    """The percents of a template such as ``50/40/10``. Raises ``ValueError`` for anything else."""
    weights = [int(part) for part in template.split("/")]
    if any(weight <= 0 for weight in weights) or sum(weights) != 100:
        raise ValueError(f"{template} is no template: percents above zero that sum to 100")
    return weights


def tranche_amounts(amount: Money, template: str) -> list[Money]:
    """The tranches of a grant to the fen: each rounded down, the last one takes the remainder."""
    return amount.split(template_weights(template))


def whole_at_once_problem(weights: Sequence[int], amount: Money, micro_limit_yuan: int) -> Message | None:
    """Why a grant of this amount is not paid whole at signing."""
    limit = Money.yuan(micro_limit_yuan)
    if len(weights) > 1 or amount <= limit:
        return None
    return Message(
        N_("A grant is paid whole at signing up to %(limit)s yuan only; this one may be %(amount)s yuan."),
        {"limit": limit, "amount": amount},
    )


def apportion(amount: Money, left: Sequence[Money]) -> list[Money]:
    """Split ``amount`` in proportion to what each source has left, exact in fen.

    Each part lies within one fen of its proportion and never above what that source has left, as
    long as all of them together have ``amount``: so the last payment takes from each source exactly
    its rest. Fen that do not divide go to the largest fractions, the first source first.
    """
    whole = sum(left, Money(0)).fen
    if whole <= 0:
        return [amount, *(Money(0) for _ in left[1:])]
    products = [amount.fen * item.fen for item in left]
    parts = [product // whole for product in products]
    order = sorted(range(len(left)), key=lambda place: (-(products[place] % whole), place))
    for place in order[: amount.fen - sum(parts)]:
        parts[place] += 1
    return [Money(part) for part in parts]


# When a tranche falls due ---------------------------------------------------------------------------

SOURCE_DUE = "政府购买服务管理办法（财政部令第102号）第二十九条：按照合同约定支付；预计签约后一个月内、执行期过半、期满时到期"


def due_on(condition: str, starts_on: date, ends_on: date) -> date:
    """The day on which a tranche is expected to fall due, by the agreement's dates: a month after it
    begins, at its middle, at its end."""
    if condition == "signed":
        return min(clock.add_months(starts_on, 1), ends_on)
    if condition == "midterm_passed":
        return starts_on + timedelta(days=(ends_on - starts_on).days // 2)
    return ends_on


def falls_due(tranche: Tranche) -> date:
    """The day agreed for this tranche; without one, the day that its condition lets expect."""
    commitment = tranche.commitment
    return tranche.due_on or due_on(tranche.condition, commitment.starts_on, commitment.ends_on)
