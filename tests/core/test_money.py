"""Money: exact, never a float, no fen lost."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_FEN, Money, MoneyError, percent, percent_against

amounts = st.integers(-(10**15), 10**15).map(Money)


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        ("0", "人民币零元整"),
        ("10", "人民币壹拾元整"),
        ("1005.06", "人民币壹仟零伍元零陆分"),
        ("100000", "人民币壹拾万元整"),
        ("29000", "人民币贰万玖仟元整"),
        ("0.05", "人民币伍分"),
        ("0.5", "人民币伍角整"),
        ("107000.53", "人民币壹拾万柒仟元伍角叁分"),
        ("100010000", "人民币壹亿零壹万元整"),
        ("10000001", "人民币壹仟万零壹元整"),
        ("96800", "人民币玖万陆仟捌佰元整"),
    ],
)
def test_words(yuan, words):
    assert Money.yuan(yuan).in_words() == words


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,234.50", 123450),
        ("１２３４．５", 123450),
        ("￥12", 1200),
        (" 0.01 ", 1),
        ("-3", -300),
        ("−3", -300),
        ("+5", 500),
    ],
)
def test_reads_what_offices_write(text, fen):
    assert Money.parse(text).fen == fen


@pytest.mark.parametrize(
    "text", ["", "abc", "12,O00", "1.234", "1e5", "1,23", "nan", "0x10", "1..2", "9" * 40]
)
def test_refuses_what_is_no_amount(text):
    with pytest.raises(MoneyError):
        Money.parse(text)


@pytest.mark.parametrize("wrong", [1.5, "1", True, Decimal("1"), None])
def test_takes_whole_fen_only(wrong):
    with pytest.raises(TypeError):
        Money(wrong)


def test_a_float_is_a_type_error_everywhere():
    with pytest.raises(TypeError):
        Money.yuan(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(1) * 1.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        Money(100).share(0.3)  # type: ignore[arg-type]


def test_the_ledgers_limit():
    assert Money(MAX_FEN).fen == MAX_FEN
    with pytest.raises(MoneyError):
        Money(MAX_FEN + 1)


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_a_split_loses_no_fen(amount, weights):
    parts = amount.split(weights)
    assert sum(parts, Money(0)) == amount
    assert len(parts) == len(weights)
    # Every part but the last is what the weight gives, rounded towards zero.
    for part, weight in zip(parts[:-1], weights[:-1], strict=True):
        exact = Fraction(amount.fen * weight, sum(weights))
        assert abs(part.fen - exact) < 1


@given(amounts)
def test_text_and_back(amount):
    assert Money.parse(amount.plain()) == amount
    assert Money.parse(amount.format()) == amount
    assert Money.parse(amount.format_wan().replace(",", ""), unit=1_000_000) == amount


@given(amounts, amounts)
def test_sums_and_order(one, two):
    assert (one + two) - two == one
    assert (one < two) == (one.fen < two.fen)
    assert Money(0) - (Money(0) - one) == one


def test_percent_rounds_half_up_and_never_reaches_a_threshold_it_missed():
    assert percent(Fraction(1, 8)) == "12.50%"
    assert percent(Fraction(12345, 1_000_000)) == "1.23%"
    assert percent(Fraction(12350, 1_000_000)) == "1.24%"
    assert percent(None) == "—"
    threshold = Fraction(3, 10)
    assert percent_against(threshold, threshold) == "30.00%"
    missed = Fraction(29_999_999, 100_000_000)
    assert percent_against(missed, threshold) == "29.999999%"


@given(st.fractions(min_value=0, max_value=Fraction(3, 10)).filter(lambda value: value < Fraction(3, 10)))
def test_a_miss_never_reads_as_met(ratio):
    shown = percent_against(ratio, Fraction(3, 10))
    assert shown != "30.00%" or Fraction(3, 10) - ratio < Fraction(1, 10**18)
