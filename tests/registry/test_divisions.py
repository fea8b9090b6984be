"""Division codes: shapes, the prefix tree, current and retired codes of GB/T 2260."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.agencies.rules import (
    DivisionError,
    division_level,
    division_name,
    is_known_division,
    is_under,
    normalise_division,
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("15", "150000"), ("1506", "150600"), ("150600", "150600"), ("150602", "150602"), ("150602001", "150602001"),
        ("150602001001", "150602001001"), ("150000000000", "150000"), ("150600000000", "150600"), ("150602000000", "150602"),
        ("150602000", "150602"), ("150602001000", "150602001"), ("150620010", "150620010"), ("441900003000", "441900003"),
        (" １５０６０２ ", "150602"),
    ],
)  # fmt: skip
def test_normal_form(written, normal):
    assert normalise_division(written) == normal
    assert normalise_division(normal) == normal


@pytest.mark.parametrize(
    "written",
    [
        "",
        "1",
        "150",
        "15060",
        "1506020",
        "15060200",
        "1506020010",
        "15O602",
        "-50602",
        "000000",
        "150002",
        "²²²²²²",
    ],
)
def test_no_code(written):
    with pytest.raises(DivisionError):
        normalise_division(written)
    assert not is_known_division(written)


@pytest.mark.parametrize(
    ("code", "ancestor", "under"),
    [
        ("150602", "150600", True), ("150602001", "150600", True), ("150602001001", "150602001", True), ("150600", "150600", True),
        ("150600", "150602", False), ("150700", "150600", False), ("510118", "510000", True), ("520000", "510000", False),
        ("150621", "150620", False), ("150602010", "150602001", False), ("441900003", "441900", True), ("441900003", "440000", True),
        ("150602001", "150602000000", True), ("429004", "420000", True), ("510118", "100000", True),
    ],
)  # fmt: skip
def test_tree(code, ancestor, under):
    assert is_under(code, ancestor) is under


@pytest.mark.parametrize(
    ("code", "level", "name"),
    [
        ("510000", "province", "四川省"), ("150600", "prefecture", "鄂尔多斯市"), ("150602", "county", "东胜区"),
        ("441900", "prefecture", "东莞市"), ("442000", "prefecture", "中山市"), ("460400", "prefecture", "儋州市"), ("620200", "prefecture", "嘉峪关市"),
        ("429004", "county", "仙桃市"), ("110000", "province", "北京市"), ("110101", "county", "东城区"),
        ("510118", "county", "新津区"), ("510132", "county", "新津县"), ("371200", "prefecture", "莱芜市"),
        ("150602001", "township", None), ("150602001001", "village", None), ("100000", "nation", None),
    ],
)  # fmt: skip
def test_level_and_name(code, level, name):
    assert division_level(code) == level
    assert division_name(code) == name


@pytest.mark.parametrize(
    "code",
    [
        "150600",
        "150627",
        "371122",
        "330282",
        "370523",
        "510132",
        "510118",
        "441900",
        "441900003",
        "150602999",
        "710000",
        "810000",
        "510000",
    ],
)
def test_known(code):
    assert is_known_division(code)


@pytest.mark.parametrize(
    "code",
    [
        "150699",
        "999999",
        "150601",
        "110100",
        "429000",
        "100000",
        "320594",
        "510125",
        "150699001",
        "510000001",
    ],
)
def test_unknown(code):
    assert not is_known_division(code)


@given(st.from_regex(r"[1-9]\d([0-9]{2}([0-9]{2}([0-9]{3}){0,2})?)?", fullmatch=True))
def test_every_code_is_under_itself_or_no_code(text):
    try:
        normal = normalise_division(text)
    except DivisionError:
        return
    assert is_under(text, normal) and is_under(normal, text)
