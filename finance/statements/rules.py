"""Rules of the statements: withheld tax on labour remuneration, age of advances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core import clock
from core.money import Money
from core.text import N_

# Withholding on labour remuneration (劳务报酬所得预扣预缴) ----------------------------------------

SOURCE_TAX = (
    "个人所得税法 第六条；个人所得税法实施条例 第十四条；"
    "个人所得税扣缴申报管理办法（试行）（国家税务总局公告2018年第61号）第八条及附件"
)
SMALL_INCOME = Money.yuan(4_000)
SMALL_DEDUCTION = Money.yuan(800)
LARGE_DEDUCTION = Fraction(20, 100)
# Taxable income above this, rate, quick deduction.
BRACKETS = (
    (Money.yuan(50_000), Fraction(40, 100), Money.yuan(7_000)),
    (Money.yuan(20_000), Fraction(30, 100), Money.yuan(2_000)),
    (Money.yuan(0), Fraction(20, 100), Money.yuan(0)),
)


@dataclass(frozen=True, slots=True)
class LabourTax:
    """What is withheld from one payment of labour remuneration: income − deduction = taxable;
    taxable × rate − quick = tax; income − tax = net."""

    income: Money
    deduction: Money
    taxable: Money
    rate: Fraction
    quick: Money
    tax: Money

    @property
    def net(self) -> Money:
        return self.income - self.tax


def labour_tax(income: Money) -> LabourTax:
    """The tax withheld from labour remuneration (劳务报酬) paid at one time, or in one month for one item.

    800 yuan are deducted up to 4,000 yuan, a fifth beyond; 20, 30 or 40 percent of the rest less the
    quick deduction; rounded half up to the fen. Raises ``ValueError`` for an amount below zero.
    """
    if income < Money(0):
        raise ValueError("remuneration is not negative")
    if income <= SMALL_INCOME:
        deduction = min(SMALL_DEDUCTION, income)
        taxable = Fraction((income - deduction).fen)
    else:
        taxable = income.fen * (1 - LARGE_DEDUCTION)
        deduction = income - _half_up(taxable)
    rate, quick = next(
        ((rate, quick) for above, rate, quick in BRACKETS if taxable > above.fen), (BRACKETS[-1][1], Money(0))
    )
    return LabourTax(
        income=income,
        deduction=deduction,
        taxable=_half_up(taxable),
        rate=rate if taxable else Fraction(0),
        quick=quick,
        tax=_half_up(taxable * rate - quick.fen),
    )


def _half_up(fen: Fraction) -> Money:
    return Money((fen + Fraction(1, 2)).__floor__())


# Ageing of advances -----------------------------------------------------------------------------

# Months since the payment: up to 3, 6, 12, 24, beyond.
BANDS = (3, 6, 12, 24)
BAND_WORDS = (
    N_("up to 3 months"),
    N_("3 to 6 months"),
    N_("6 to 12 months"),
    N_("12 to 24 months"),
    N_("over 24 months"),
)


def band_of(paid_on: date, today: date) -> int:
    """Which band a payment of ``paid_on`` falls into: 0 for up to three months, 4 for over two years."""
    return next(
        (place for place, months in enumerate(BANDS) if today <= clock.add_months(paid_on, months)),
        len(BANDS),
    )


def ageing(payments: Sequence[tuple[date, Money]], outstanding: Money, today: date) -> list[Money]:
    """Spread what is paid and not yet shown as spent over the bands: vouchers cover the oldest payments
    first, so the newest payments are what is outstanding. More than was paid stands in the oldest band."""
    bands = [Money(0)] * (len(BANDS) + 1)
    rest = max(outstanding, Money(0))
    for paid_on, amount in sorted(payments, reverse=True):
        part = min(amount, rest)
        bands[band_of(paid_on, today)] += part
        rest -= part
    bands[-1] += rest
    return bands
