"""Citizen identification numbers (GB 11643): no single slip of the pen passes."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.persons.rules import IdentityError, check_identity, identity_check_character, masked_identity

WEIGHTS = [pow(2, 17 - place, 11) for place in range(17)]


def completed(body):
    """The oracle: the check character by the definition of ISO 7064 MOD 11-2, weights as powers of two."""
    rest = (12 - sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11) % 11
    return body + ("X" if rest == 10 else str(rest))


@st.composite
def numbers(draw):
    division = draw(st.sampled_from(["110101", "150602", "440305", "510132", "830000"]))
    born = draw(st.dates(date(1900, 1, 1), date(2020, 12, 31)))
    return completed(f"{division}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}")


def refused(number):
    try:
        check_identity(number)
    except IdentityError:
        return True
    return False


def test_the_example_of_the_standard():
    identity = check_identity("11010519491231002X")
    assert (identity.division, identity.born_on, identity.sex) == ("110105", date(1949, 12, 31), "female")
    assert identity.masked == masked_identity("11010519491231002X") == "110105********002X"


@settings(max_examples=200, deadline=None)
@given(numbers())
def test_every_slip_of_one_character_and_every_swap_of_neighbours_is_refused(number):
    assert check_identity(number).number == number
    for place in range(18):
        for char in "0123456789X":
            if char != number[place]:
                assert refused(number[:place] + char + number[place + 1 :])
    for place in range(17):
        if number[place] != number[place + 1]:
            assert refused(number[:place] + number[place + 1] + number[place] + number[place + 2 :])


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        "110105 19491231 002X",
        "\uff11\uff11010519491231002\uff38",
        "110105-19491231-002X",
    ],
)
def test_what_people_type_is_put_right(written):
    assert check_identity(written).number == "11010519491231002X"


@pytest.mark.parametrize(
    ("number", "part"),
    [
        ("1101051949123100", "18 characters"),
        (completed("99010519491231002"), "no province"),
        (completed("11010519490231002"), "day of birth"),
        (completed("11010520991231002"), "day of birth"),
        (completed("11010518991231002"), "day of birth"),
        ("11010519491231002Y", "Character 18"),
        ("1101051949123100²X", "Character 17"),
        ("110105194912310021", "does not fit"),
    ],
)
def test_the_refusal_says_what_is_wrong(number, part):
    with pytest.raises(IdentityError, match=part):
        check_identity(number)


def test_no_slip_in_a_thousand_numbers_passes():
    """Every wrong digit and every swap of different neighbours of 1,000 numbers (ISO 7064 MOD 11-2)."""
    weights = [pow(2, 17 - place, 11) for place in range(18)]
    passed = tried = 0
    for n in range(1_000):
        body = (
            f"{('110105', '150602', '510118')[n % 3]}{1950 + n % 60}{1 + n % 12:02d}{1 + n % 28:02d}{n:03d}"
        )
        number = body + identity_check_character(body)
        check_identity(number)
        values = [10 if sign == "X" else int(sign) for sign in number]
        total = sum(one * weight for one, weight in zip(values, weights, strict=True))
        assert total % 11 == 1
        for place, (one, weight) in enumerate(zip(values, weights, strict=True)):
            for other in range(11 if place == 17 else 10):
                if other != one:
                    tried += 1
                    passed += (total + (other - one) * weight) % 11 == 1
        for place in range(17):
            if values[place] != values[place + 1]:
                tried += 1
                change = (values[place + 1] - values[place]) * (weights[place] - weights[place + 1])
                passed += (total + change) % 11 == 1
    assert passed == 0
    assert tried > 165_000


def test_check_identity_says_yes_or_why_not(bare_app):
    runner = bare_app.test_cli_runner()
    good = runner.invoke(args=["registry", "check-identity", "11010519491231002X"])
    assert good.exit_code == 0
    assert "19491231" not in good.output
    bad = runner.invoke(args=["registry", "check-identity", "110105194912310021"])
    assert bad.exit_code == 1
    assert bad.output.strip()
