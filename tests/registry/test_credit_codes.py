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
