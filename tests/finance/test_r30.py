"""The 30% rule: the worked example, the vectors of DOMAIN 3.1, and random worlds against the oracle."""

import csv
import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import Money, percent_against
from finance.contracts.imports import read_purchases
from finance.contracts.rules import PurchaseRow, R30Parameters, judge_row, quarter_of, with_correction
from finance.figures.rules import compute_ratio, exact_sum, exact_text, total_by_source, year_on_year
from registry.agencies.rules import DivisionError
from tests.finance import oracle_r30

DATA = Path(__file__).parent.parent / "data" / "worked"
EXPECTED = json.loads((DATA / "purchases_expected_2025.json").read_text(encoding="utf-8"))

AGENCY = "52150602MJ1234561L"
FOUNDATION = "53150600MJ76543214"
ASSOCIATION = "511506215001234535"
ENTERPRISE = "91150602MA0N123402"
INSTITUTION = "12150600460012344L"


def row(amount="100.00", code=AGENCY, **changes):
    base = PurchaseRow(
        contract_no="HT-1", fiscal_year=2025, division_code="150600", purchaser="局", service_key="A", service_name="服务",
        catalogue_code="A03", public_service=True, contractor="某", contractor_code=code, contractor_kind="社会服务机构",
        host_code="", so_share=None, amount=Money.yuan(amount), cancelled_amount=Money.zero(), fund_source="一般公共预算",
        method="公开招标", signed_on=date(2025, 3, 1), is_venture=False,
    )  # fmt: skip
    return replace(base, **changes)


def key(division, purchaser="局", service="A"):
    return (division, purchaser, ("key", service))


@pytest.mark.parametrize("division", list(EXPECTED))
@pytest.mark.parametrize("figure", ["own", "own_with_venture", "rollup", "rollup_with_venture"])
def test_worked_example(division, figure):
    rows = read_purchases(DATA / "purchases.csv", "purchases.csv").rows
    got = compute_ratio(rows, 2025, division, "venture" in figure, figure.startswith("rollup"))
    assert got.to_dict() == EXPECTED[division][figure]


@pytest.mark.parametrize("division", list(EXPECTED))
@pytest.mark.parametrize("figure", ["own", "own_with_venture", "rollup", "rollup_with_venture"])
def test_oracle_agrees_with_the_worked_example(division, figure):
    with (DATA / "purchases.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    got, _ = oracle_r30.figure(rows, 2025, division, "venture" in figure, figure.startswith("rollup"))
    assert got == EXPECTED[division][figure]


def test_exactly_thirty_percent_is_met():
    figure = compute_ratio([row("300000"), row("700000", ENTERPRISE, service_key="B")], 2025, "150600")
    assert (figure.status, figure.ratio, figure.gap_fen) == ("met", Fraction(3, 10), Fraction(0))


def test_one_fen_short_is_below_and_never_shows_thirty():
    figure = compute_ratio([row("299999.99"), row("700000.01", ENTERPRISE, service_key="B")], 2025, "150600")
    assert figure.status == "below"
    assert figure.ratio == Fraction(29999999, 100000000)
    assert percent_against(figure.ratio, figure.threshold) == "29.999999%"
    assert figure.gap_fen == 1


def test_nothing_added_is_not_applicable():
    figure = compute_ratio([row("80"), row("100", fiscal_year=2024)], 2025, "150600")
    assert figure.to_dict() == {
        "added_total_fen": "0", "added_so_fen": "0", "ratio": None, "status": "not_applicable", "gap_fen": "0",
        "total_fen": "8000", "previous_total_fen": "10000",
    }  # fmt: skip
    assert compute_ratio([], 2025, "150600").status == "not_applicable"


def test_continued_service_adds_only_the_difference():
    figure = compute_ratio([row("1000000"), row("800000", ENTERPRISE, fiscal_year=2024)], 2025, "150600")
    assert (figure.added_total_fen, figure.added_so_fen) == (20_000_000, Fraction(20_000_000))


def test_two_banners_roll_up_by_amounts_not_by_ratios():
    rows = [
        row("100000", division_code="150602"),
        row("900000", ENTERPRISE, division_code="150602", service_key="B"),
        row("300000", division_code="150621"),
        row("200000", ENTERPRISE, division_code="150621", service_key="B"),
    ]
    figure = compute_ratio(rows, 2025, "150600", rollup=True)
    assert figure.ratio == Fraction(40, 150)
    assert percent_against(figure.ratio, figure.threshold) == "26.67%"
    assert figure.status == "below"


def test_shrunk_service_does_not_offset_a_grown_one():
    rows = [
        row("100"),
        row("500", ENTERPRISE, fiscal_year=2024, service_key="B"),
        row("1", ENTERPRISE, service_key="B"),
    ]
    assert compute_ratio(rows, 2025, "150600").ratio == 1


def test_fiscal_year_decides_not_the_signature():
    late = row(signed_on=date(2026, 1, 9))
    assert compute_ratio([late], 2025, "150600").added_total_fen == 10_000
    assert compute_ratio([late], 2026, "150600").added_total_fen == 0


def test_own_level_is_the_exact_code_and_padding_does_not_matter():
    rows = [
        row(division_code="150600000000"),
        row("50", division_code="150602001000"),
        row("7", division_code="150602"),
    ]
    assert compute_ratio(rows, 2025, "1506").added_total_fen == 10_000
    assert compute_ratio(rows, 2025, "150602001").added_total_fen == 5_000
    assert compute_ratio(rows, 2025, "150600", rollup=True).added_total_fen == 15_700
    with pytest.raises(DivisionError):
        compute_ratio(rows, 2025, "15060")


def test_roll_up_of_a_province_takes_whole_levels():
    rows = [
        row("1", division_code="510118"),
        row("2", division_code="520100"),
        row("4", division_code="510000"),
    ]
    assert compute_ratio(rows, 2025, "510000", rollup=True).added_total_fen == 500


def test_renamed_county_joins_last_year():
    rows = [row("80", division_code="510132", fiscal_year=2024), row("100", division_code="510118")]
    link = [(key("510132"), key("510118"))]
    for rollup, division in ((False, "510118"), (True, "510100")):
        figure = compute_ratio(rows, 2025, division, rollup=rollup, continues=link)
        assert (figure.added_total_fen, figure.previous_total_fen) == (2_000, 8_000)
        assert figure.services[0].joined_to == (key("510132"),)
    assert compute_ratio(rows, 2025, "510118").added_total_fen == 10_000
    assert compute_ratio(rows, 2025, "510132", continues=link).previous_total_fen == 0
    # The year before, the same link changes nothing for the county.
    assert compute_ratio(rows, 2024, "510132", continues=link).added_total_fen == 8_000


def test_purchaser_that_changes_within_the_year_is_one_service():
    rows = [
        row("100", purchaser="民政局", fiscal_year=2024),
        row("50", purchaser="民政局"),
        row("60", purchaser="社会工作部"),
    ]
    link = [(key("150600", "民政局"), key("150600", "社会工作部"))]
    figure = compute_ratio(rows, 2025, "150600", continues=link)
    assert (figure.added_total_fen, len(figure.services)) == (1_000, 1)


def test_chain_and_cycle_of_links_end():
    rows = [row("10", purchaser="A", fiscal_year=2024), row("30", purchaser="C")]
    a, b, c = (key("150600", name) for name in "ABC")
    assert compute_ratio(rows, 2025, "150600", continues=[(b, c), (a, b)]).added_total_fen == 2_000
    assert compute_ratio(rows, 2025, "150600", continues=[(a, c), (c, a)]).added_total_fen == 2_000


def test_blank_key_goes_by_name_and_is_not_mixed_up_with_a_key():
    rows = [
        row("10", service_key="", service_name="A", fiscal_year=2024),
        row("10", service_key="A", service_name="A"),
        row("25", service_key="", service_name="A"),
    ]
    assert compute_ratio(rows, 2025, "150600").added_total_fen == 1_000 + 1_500


@pytest.mark.parametrize(
    ("changes", "verdict", "weight"),
    [
        ({}, "counts", 1),
        ({"contractor_code": FOUNDATION}, "counts", 1),
        ({"contractor_code": ASSOCIATION}, "counts", 1),
        ({"contractor_code": ENTERPRISE}, "does_not_count", 0),
        ({"contractor_code": INSTITUTION}, "does_not_count", 0),
        ({"contractor_code": "52150602MJ1234561K"}, "does_not_count", 0),
        ({"contractor_code": ""}, "does_not_count", 0),
        ({"contractor_code": ENTERPRISE, "so_share": Fraction(1, 2)}, "does_not_count", 0),
        (
            {"contractor_kind": "联合体", "contractor_code": "", "so_share": Fraction(2, 5)},
            "partly",
            Fraction(2, 5),
        ),
        (
            {"contractor_kind": "联合体", "contractor_code": AGENCY, "so_share": Fraction(2, 5)},
            "partly",
            Fraction(2, 5),
        ),
        ({"contractor_kind": "联合体", "contractor_code": "", "so_share": Fraction(1)}, "counts", 1),
        ({"contractor_kind": "联合体", "contractor_code": ""}, "does_not_count", 0),
        (
            {"contractor_kind": "备案社区社会组织", "contractor_code": "", "host_code": ASSOCIATION},
            "counts",
            1,
        ),
        ({"contractor_kind": "备案社区社会组织", "contractor_code": AGENCY}, "does_not_count", 0),
        (
            {"contractor_kind": "备案社区社会组织", "contractor_code": "", "host_code": ENTERPRISE},
            "does_not_count",
            0,
        ),
        (
            {"contractor_kind": "企业", "contractor_code": ENTERPRISE, "host_code": ASSOCIATION},
            "does_not_count",
            0,
        ),
        ({"public_service": False}, "out_of_scope", 0),
        ({"is_venture": True}, "out_of_scope", 0),
        *(
            ({"fund_source": source}, "out_of_scope", 0)
            for source in ("社会捐赠", "众筹", "基金会配资", "自筹")
        ),
        ({"fund_source": "福利彩票公益金"}, "counts", 1),
    ],
)
def test_each_row_says_why_it_counts(changes, verdict, weight):
    answer = judge_row(row(**changes))
    assert (answer.verdict, answer.weight) == (verdict, weight)
    assert answer.message.english()
    assert answer.message.to_dict()["id"] == answer.message.id


def test_parameters_of_a_jurisdiction():
    consortium = row(contractor_kind="联合体", so_share=Fraction(2, 5))
    assert judge_row(consortium, R30Parameters(split_consortium=False)).weight == 1
    hosted = row(contractor_kind="备案社区社会组织", host_code=ASSOCIATION)
    assert judge_row(hosted, R30Parameters(count_hosted=False)).weight == 0
    assert judge_row(row(is_venture=True), R30Parameters(count_venture=True)).verdict == "counts"
    assert (
        judge_row(row(is_venture=True), R30Parameters(count_venture=True), include_venture=False).verdict
        == "out_of_scope"
    )
    strict = R30Parameters.from_dict({"threshold": "0.5", "organization_prefixes": ["52"]})
    assert judge_row(row(code=FOUNDATION), strict).weight == 0
    half = compute_ratio([row("40"), row("60", ENTERPRISE)], 2025, "150600", parameters=strict)
    assert (half.status, half.gap_fen) == ("below", Fraction(1_000))
    assert R30Parameters.from_dict(strict.to_dict()) == strict
    with pytest.raises(TypeError):
        R30Parameters.from_dict({"threshold": 0.3})


def test_cancellation_reduces_its_own_row():
    figure = compute_ratio(
        [with_correction(row("100"), Money.yuan("100")), row("10", ENTERPRISE)], 2025, "150600"
    )
    assert (figure.added_total_fen, figure.added_so_fen, figure.total_fen) == (1_000, Fraction(0), 1_000)
    with pytest.raises(ValueError, match="between zero and the amount"):
        with_correction(row("1"), Money.yuan("1.01"))


def test_wholly_cancelled_service_contributes_nothing():
    figure = compute_ratio([row("100", cancelled_amount=Money.yuan("100"))], 2025, "150600")
    assert (figure.status, figure.services[0].so_share) == ("not_applicable", Fraction(0))


def test_quarter_to_date_compares_the_same_quarters():
    rows = [
        row("30", signed_on=date(2025, 3, 31)),
        row("50", signed_on=date(2025, 4, 1), contract_no="2"),
        row("10", fiscal_year=2024, signed_on=date(2024, 1, 5)),
        row("99", fiscal_year=2024, signed_on=date(2024, 12, 5), contract_no="2"),
    ]
    assert compute_ratio(rows, 2025, "150600", through_quarter=1).added_total_fen == 2_000
    assert compute_ratio(rows, 2025, "150600", through_quarter=2).added_total_fen == 7_000
    assert compute_ratio(rows, 2025, "150600").added_total_fen == 0
    assert quarter_of(row(signed_on=date(2024, 12, 1))) == 1
    assert quarter_of(row(signed_on=date(2026, 1, 1))) == 4
    assert quarter_of(row(signed_on=None)) == 4
    with pytest.raises(ValueError, match="through_quarter"):
        compute_ratio(rows, 2025, "150600", through_quarter=5)


def test_year_on_year_cross_check():
    rows = [row("100"), row("40", fiscal_year=2024), row("100", ENTERPRISE, service_key="B")]
    check = year_on_year(rows, 2025, "150600")
    assert (check.delta_total_fen, check.delta_so_fen, check.ratio) == (
        16_000,
        Fraction(6_000),
        Fraction(3, 8),
    )
    falling = year_on_year([row("1"), row("2", fiscal_year=2024)], 2025, "150600")
    assert (falling.delta_total_fen, falling.ratio) == (-100, None)


def test_split_by_source():
    figure = compute_ratio(
        [row("1"), row("2", fund_source="福利彩票公益金"), row("4", fund_source="社会捐赠")], 2025, "150600"
    )
    assert total_by_source(figure) == {"一般公共预算": Money(100), "福利彩票公益金": Money(200)}


def test_exact_text_has_no_limit_of_digits():
    huge = exact_sum(Fraction(1, number) for number in range(1, 12_000))
    numerator, denominator = exact_text(huge).split("/")
    assert len(numerator) > 4_300 and len(denominator) > 4_300


@given(st.lists(st.fractions(max_denominator=10_000), max_size=30))
def test_exact_sum_is_the_sum(numbers):
    assert exact_sum(numbers) == sum(numbers, Fraction(0))


DIVISIONS = ["150000", "150600", "150602", "150602001", "150602001001", "150621", "150700", "510118"]
PURCHASERS = ["民政局", "街道办"]
KINDS = ["社会服务机构", "基金会", "企业", "事业单位", "联合体", "备案社区社会组织"]
CODES = {"社会服务机构": AGENCY, "基金会": FOUNDATION, "企业": ENTERPRISE, "事业单位": INSTITUTION}


@st.composite
def purchases(draw):
    """One row of the import table as a dict of text."""
    kind = draw(st.sampled_from(KINDS))
    fen = draw(st.integers(1, 10**7))
    cancelled = draw(st.one_of(st.just(0), st.just(fen), st.integers(0, fen)))
    year = draw(st.sampled_from([2023, 2024, 2025]))
    service_key = draw(st.sampled_from(["A", "B", ""]))
    return {
        "fiscal_year": str(year),
        "division_code": draw(st.sampled_from(DIVISIONS)),
        "purchaser": draw(st.sampled_from(PURCHASERS)),
        "service_key": service_key,
        "service_name": draw(st.sampled_from(["A", "助餐"])),
        "public_service": draw(st.sampled_from(["是", "是", "是", "否"])),
        "contractor_code": CODES.get(kind, ""),
        "contractor_kind": kind,
        "host_code": draw(st.sampled_from(["", ASSOCIATION, ENTERPRISE])),
        "so_share": draw(st.sampled_from(["0", "1", "0.4", "0.333", "0.01", ""])) if kind == "联合体" else "",
        "subcontract_so_share": draw(st.sampled_from(["0", "1", "0.3", "0.333333333", "", ""])),
        "amount_yuan": f"{fen // 100}.{fen % 100:02d}",
        "cancelled_amount_yuan": f"{cancelled // 100}.{cancelled % 100:02d}" if cancelled else "",
        "fund_source": draw(st.sampled_from(["一般公共预算", "福利彩票公益金", "社会捐赠", "自筹"])),
        "signed_on": f"{year + draw(st.sampled_from([0, 0, 0, -1, 1]))}-{draw(st.integers(1, 12)):02d}-15",
        "is_venture": draw(st.sampled_from(["否", "否", "是"])),
    }


def as_row(text):
    return PurchaseRow(
        contract_no="", fiscal_year=int(text["fiscal_year"]), division_code=text["division_code"],
        purchaser=text["purchaser"], service_key=text["service_key"], service_name=text["service_name"], catalogue_code="",
        public_service=text["public_service"] == "是", contractor="", contractor_code=text["contractor_code"],
        contractor_kind=text["contractor_kind"], host_code=text["host_code"],
        so_share=Fraction(text["so_share"]) if text["so_share"] else None, amount=Money.yuan(text["amount_yuan"]),
        cancelled_amount=Money.yuan(text["cancelled_amount_yuan"] or "0"), fund_source=text["fund_source"], method="",
        signed_on=date.fromisoformat(text["signed_on"]), is_venture=text["is_venture"] == "是",
        subcontract_so_share=Fraction(text["subcontract_so_share"]) if text["subcontract_so_share"] else None,
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(purchases(), max_size=25),
    st.sampled_from([2024, 2025]),
    st.sampled_from([*DIVISIONS, "150602002"]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 4),
    st.booleans(),
)
def test_random_worlds_equal_the_oracle(world, year, division, venture, rollup, quarter, subcontracts):
    rules = {code: {"subcontracts": subcontracts} for code in DIVISIONS}
    expected, cross_check = oracle_r30.figure(
        world, year, division, venture, rollup, quarter_limit=quarter, rules=rules
    )
    rows = [as_row(text) for text in world]
    own = R30Parameters(count_subcontracts=subcontracts)
    figure = compute_ratio(rows, year, division, venture, rollup, own, through_quarter=quarter)
    assert figure.to_dict() == expected
    cross = year_on_year(rows, year, division, venture, rollup, own, through_quarter=quarter)
    assert cross.ratio == cross_check


@settings(max_examples=200, deadline=None)
@given(st.lists(purchases(), max_size=25), st.sampled_from(DIVISIONS), st.booleans(), st.data())
def test_random_continuations_equal_the_oracle(world, division, rollup, data):
    """Services that ended last year continue as services that began this year."""
    last = {oracle_r30.identity(r) for r in world if r["fiscal_year"] == "2024"}
    this = {oracle_r30.identity(r) for r in world if r["fiscal_year"] == "2025"}
    ended, begun = sorted(last - this), sorted(this - last)
    # A begun service continues ended ones only where it has a row in scope this year to be counted at.
    begun = [
        s
        for s in begun
        if any(
            oracle_r30.identity(r) == s and r["fiscal_year"] == "2025" and oracle_r30.in_scope(r, True)
            for r in world
        )
    ]
    links = (
        [(old, data.draw(st.sampled_from(begun))) for old in ended if data.draw(st.booleans())]
        if begun
        else []
    )
    expected, cross_check = oracle_r30.figure(world, 2025, division, True, rollup, links)
    rows = [as_row(text) for text in world]
    figure = compute_ratio(rows, 2025, division, True, rollup, continues=links)
    assert figure.to_dict() == expected
    assert year_on_year(rows, 2025, division, True, rollup, continues=links).ratio == cross_check


@settings(max_examples=100, deadline=None)
@given(st.lists(purchases(), max_size=20), st.booleans())
def test_levels_add_up_to_the_roll_up(world, venture):
    rows = [as_row(text) for text in world]
    own = [compute_ratio(rows, 2025, d, venture) for d in DIVISIONS if d.startswith("15")]
    whole = compute_ratio(rows, 2025, "150000", venture, rollup=True)
    assert sum(f.added_total_fen for f in own) == whole.added_total_fen
    assert exact_sum(f.added_so_fen for f in own) == whole.added_so_fen
    assert sum(f.previous_total_fen for f in own) == whole.previous_total_fen
