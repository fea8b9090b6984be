"""The mean of DOMAIN 3.9, computed apart from the product: decimals and a sorted walk, no fractions."""

from decimal import ROUND_HALF_UP, Decimal, localcontext


def published_score(totals: list[int]) -> int:
    """Hundredths, half up, of hundredths; from five totals on one highest and one lowest are left out."""
    rest = list(totals)
    if len(rest) >= 5:
        rest.remove(max(rest))
        rest.remove(min(rest))
    with localcontext() as context:
        context.prec = 60
        mean = sum((Decimal(total) for total in rest), Decimal(0)) / Decimal(len(rest))
        return int(mean.quantize(Decimal(1), rounding=ROUND_HALF_UP))
