"""Unified social credit codes: published samples, and no single slip of the pen passes."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.organizations.rules import (
    ALPHABET,
    PREFIXES,
    CodeError,
    check_credit_code,
    credit_code_or_none,
    organization_check_character,
)

DATA = Path(__file__).parent.parent / "data"
with (DATA / "uscc_samples.csv").open(encoding="utf-8-sig") as stream:
    SAMPLES = list(csv.DictReader(stream))

WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
VALID = [sample["code"] for sample in SAMPLES if sample["checksum_valid_GB32100"] == "Y"] + [
    "91150602MA0N123402",
    "52150602MJ1234561L",
    "511506215001234535",
]


def last_character(body):
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(body, WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


@st.composite
def codes(draw):
    prefix = draw(st.sampled_from(sorted(PREFIXES)))
    division = draw(st.sampled_from(["100000", "150600", "440300", "510118"]))
    body = draw(st.text(alphabet=ALPHABET, min_size=8, max_size=8))
    seventeen = prefix + division + body + organization_check_character(body)
    return seventeen + last_character(seventeen)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["code"])
def test_published_samples(sample):
    code = sample["code"]
    passes = sample["checksum_valid_GB32100"] == "Y" and sample["org_code_valid_GB11714"] == "Y"
    assert (credit_code_or_none(code) is not None) == passes
    assert last_character(code[:17]) == sample["expected_last_char"]
    assert (organization_check_character(code[8:16]) == code[16]) == (sample["org_code_valid_GB11714"] == "Y")
    if sample["checksum_valid_GB32100"] == "Y":
        assert check_credit_code(code).kind == code[:2]


def test_public_institution_is_no_social_organization():
    code = check_credit_code("12100000400009127B")
    assert (code.kind, code.is_social_organization) == ("12", False)


@pytest.mark.parametrize("code", VALID)
def test_every_substitution_and_transposition_is_refused(code):
    assert check_credit_code(code).code == code
    for place, original in enumerate(code):
        for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if char != original:
                assert credit_code_or_none(code[:place] + char + code[place + 1 :]) is None
        if place and code[place - 1] != original:
            swapped = code[: place - 1] + original + code[place - 1] + code[place + 1 :]
            assert credit_code_or_none(swapped) is None


@given(codes(), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_valid_code_refuses_a_substitution(code, place, char):
    assert check_credit_code(code).code == code
    changed = code[:place] + char + code[place + 1 :]
    assert (credit_code_or_none(changed) is not None) == (changed == code)


@given(codes(), st.integers(0, 16))
def test_any_valid_code_refuses_a_transposition(code, place):
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (credit_code_or_none(changed) is not None) == (changed == code)


@given(st.text(max_size=40))
def test_any_text_is_judged_with_a_sentence(text):
    try:
        assert len(check_credit_code(text).code) == 18
    except CodeError as error:
        assert str(error) == error.message.english()


@pytest.mark.parametrize(
    "written",
    [
        "５２１５０６０２ＭＪ１２３４５６１Ｌ",
        "52150602mj1234561l",
        " 52 150602 MJ1234561 L\u3000",
        "52150602-MJ123456-1L",
        "\ufeff52150602MJ1234561L",
    ],
)
def test_ways_of_writing(written):
    assert str(check_credit_code(written)) == "52150602MJ1234561L"


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("", "this one has 0"),
        ("52150602MJ1234561", "this one has 17"),
        ("52150602MJ1234561LL", "this one has 19"),
        ("5215O602MJ1234561L", "Character 5 is “O”"),
        ("52150602MJ1234561I", "Character 18 is “I”"),
        ("5②150602MJ1234561L", "Character 2 is “②”"),
        ("58150602MJ1234561L", "“58” at the start"),
        ("52990602MJ1234561L", "“990602”, which is no administrative division"),
        ("521506A2MJ1234561L", "“1506A2”, which is no administrative division"),
        ("52150602MJ1234571L", "GB 11714"),
        ("52150602MJ1234561K", "GB 32100"),
    ],
)
def test_sentence_names_what_is_wrong(code, part):
    with pytest.raises(CodeError) as caught:
        check_credit_code(code)
    assert part in str(caught.value)


def test_parts():
    code = check_credit_code("53100000500021676K")
    assert (code.kind, code.division, code.organization_code) == ("53", "100000", "500021676")
    assert code.is_social_organization


def made_codes(count):
    """So many valid codes of invented bodies, spread over prefixes, divisions and signs."""
    prefixes = sorted(PREFIXES)
    for n in range(count):
        body = "".join(
            ALPHABET[(n * step + offset) % 31]
            for step, offset in zip((1, 7, 11, 3, 5, 13, 17, 19), range(8), strict=True)
        )
        seventeen = prefixes[n % len(prefixes)] + ("150602", "510118", "440300", "110105")[n % 4] + body
        seventeen += organization_check_character(body)
        yield seventeen + last_character(seventeen)


def test_no_slip_in_a_thousand_codes_passes():
    """Every single substitution and every transposition of two different neighbours, 558,000 of them.

    The check is linear: with weights w and values v the sum of w·v is 0 modulo 31. A slip changes the
    sum by the difference of values times a weight, or of two weights; the product with every code is
    computed here from the weights alone. What the sum lets pass would be asked of the full check.
    """
    value = {sign: place for place, sign in enumerate(ALPHABET)}
    weights = [*WEIGHTS, 1]
    codes = list(dict.fromkeys(made_codes(1_000)))
    assert len(codes) == 1_000
    passed = tried = 0
    for code in codes:
        assert credit_code_or_none(code) is not None
        numbers = [value[sign] for sign in code]
        total = sum(number * weight for number, weight in zip(numbers, weights, strict=True))
        assert total % 31 == 0
        for number, weight in zip(numbers, weights, strict=True):
            for other in range(31):
                if other != number:
                    tried += 1
                    passed += not (total + (other - number) * weight) % 31
        for place in range(17):
            first, second = numbers[place : place + 2]
            if first != second:
                tried += 1
                passed += not (total + (second - first) * (weights[place] - weights[place + 1])) % 31
    assert passed == 0
    assert tried > 550_000


def test_the_sum_refuses_what_the_full_check_refuses():
    """For one code of each hundred the full check is asked of every slip: it refuses them all."""
    for code in list(made_codes(1_000))[::100]:
        slips = {
            code[:place] + sign + code[place + 1 :]
            for place in range(18)
            for sign in ALPHABET
            if sign != code[place]
        } | {
            code[:place] + code[place + 1] + code[place] + code[place + 2 :]
            for place in range(17)
            if code[place] != code[place + 1]
        }
        assert not [slip for slip in slips if credit_code_or_none.__wrapped__(slip) is not None]
