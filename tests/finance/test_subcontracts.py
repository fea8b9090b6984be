"""Subcontracts: counted at the signing party only, unless a level's rules count the subcontracted share."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from sqlalchemy import select
from webtest import Upload

from app.rulebook.families import FAMILIES
from app.rulebook.services import draft_change, take_step
from core import clock
from core.db import db, transaction
from core.money import Money
from core.rules.services import add_rule_set
from finance.contracts.imports import COLUMNS, read_purchases
from finance.contracts.models import Purchase
from finance.contracts.queries import as_row, ratio_parameters
from finance.contracts.rules import R30Parameters, judge_row
from finance.evidence.queries import rows_behind
from finance.figures.queries import bases, differences, figures, ratio
from finance.figures.services import recompute
from finance.purchasing import services
from finance.ratios.queries import sums_by_reason
from finance.snapshots import queries
from finance.snapshots.queries import frozen_content, rows_of_year
from finance.snapshots.rules import HEADINGS, as_csv, text_row
from tests import world
from tests.finance import oracle_r30
from tests.finance.test_kept_ratio import AGENCY, OTHER, row, take
from tools import verify_r30

HEADING = "分包给社会组织的份额"
GOOD = {
    "contract_no": "HT-1", "fiscal_year": "2025", "division_code": "150600", "purchaser": "示例市民政局",
    "service_key": "A", "service_name": "老年助餐", "public_service": "是", "contractor": "示例企业",
    "contractor_code": OTHER, "contractor_kind": "企业", "host_code": "", "so_share": "", "amount_yuan": "1000.01",
    "fund_source": "一般公共预算", "method": "公开招标", "signed_on": "2025-03-01", "is_venture": "否",
    HEADING: "",
}  # fmt: skip
ENTERPRISE = {"contractor_code": OTHER, "contractor_kind": "企业"}
SOCIAL = {"contractor_code": AGENCY, "contractor_kind": "社会服务机构"}
FILED = {"contractor_code": "", "contractor_kind": "备案社区社会组织"}
CONSORTIUM = {"contractor_code": "", "contractor_kind": "联合体", "so_share": "0.4"}
ON = R30Parameters(count_subcontracts=True)


def table(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, GOOD)
    writer.writeheader()
    writer.writerows({**GOOD, **changes} for changes in rows)
    return text.getvalue().encode("utf-8-sig")


def read(*rows):
    return read_purchases(io.BytesIO(table(*rows)), "t.csv")


def passed_on(share, **changes):
    return row(1, **ENTERPRISE | {"subcontract_so_share": Fraction(share)} | changes)


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({HEADING: ""}, None),
        ({HEADING: "0"}, Fraction(0)),
        ({HEADING: "1"}, Fraction(1)),
        ({HEADING: "40%"}, Fraction(2, 5)),
        ({HEADING: "０．４"}, Fraction(2, 5)),
        ({HEADING: "0.333333333"}, Fraction(333_333_333, 10**9)),
        ({**FILED, HEADING: "0.4"}, Fraction(2, 5)),
        ({**FILED, "host_code": OTHER, HEADING: "0.4"}, Fraction(2, 5)),
        ({"contractor_code": "", "contractor_kind": "个人", HEADING: "0.4"}, Fraction(2, 5)),
    ],
)
def test_a_share_is_read_where_the_signing_party_does_not_count(changes, share):
    result = read(changes)
    assert not result.errors
    assert result.rows[0].subcontract_so_share == share


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({HEADING: "1.1"}, "outside 0 to 1"),
        ({HEADING: "-0.1"}, "outside 0 to 1"),
        ({HEADING: "0.3333333333"}, "more than nine decimals"),
        ({HEADING: "1/3"}, "write the share as a decimal"),
        ({**SOCIAL, HEADING: "0.4"}, "counts in full"),
        ({**SOCIAL, HEADING: "0"}, "counts in full"),
        ({**FILED, "host_code": AGENCY, HEADING: "0.4"}, "counts in full"),
        ({**CONSORTIUM, HEADING: "0.4"}, "a consortium"),
        ({**CONSORTIUM, "so_share": "", HEADING: "0.4"}, "a consortium"),
    ],
)
def test_a_share_is_refused_with_its_place_and_a_sentence(changes, sentence):
    result = read({}, {**changes, "contract_no": "HT-2"})
    assert [item.contract_no for item in result.rows] == ["HT-1"]
    [error] = result.errors
    assert (error.row, error.column) == (3, "subcontract_so_share")
    assert sentence in error.sentence().english()


@pytest.mark.parametrize("heading", [*COLUMNS["subcontract_so_share"], "subcontract_so_share"])
def test_each_heading_is_understood(heading):
    data = table({HEADING: "0.4"}).decode("utf-8-sig").replace(HEADING, heading, 1).encode()
    [item] = read_purchases(io.BytesIO(data), "t.csv").rows
    assert item.subcontract_so_share == Fraction(2, 5)


@pytest.mark.parametrize(
    ("item", "rules", "reason", "weight"),
    [
        (passed_on("0.4"), R30Parameters(), "subcontract-off", 0),
        (passed_on("0.4"), ON, "subcontract-part", Fraction(2, 5)),
        (passed_on("1"), ON, "subcontract-whole", 1),
        (passed_on("0"), ON, "other", 0),
        (row(1, **ENTERPRISE), ON, "other", 0),
        (passed_on("0.4", **FILED), ON, "subcontract-part", Fraction(2, 5)),
        (passed_on("0.4", **FILED), R30Parameters(), "subcontract-off", 0),
        (
            passed_on("0.4", **FILED),
            R30Parameters(count_subcontracts=True, count_hosted=False),
            "subcontract-part",
            Fraction(2, 5),
        ),
        # Kept from before: where the signing party counts or is a consortium, the share says nothing.
        (passed_on("0.4", **SOCIAL), ON, "social", 1),
        (
            passed_on("0.4", contractor_code="", contractor_kind="联合体"),
            R30Parameters(count_subcontracts=True, split_consortium=False),
            "other",
            0,
        ),
    ],
)
def test_the_reason_says_whether_the_share_counts(item, rules, reason, weight):
    verdict = judge_row(item, rules)
    assert (verdict.reason, verdict.weight) == (reason, weight)
    told = verdict.message.english()
    if reason.startswith("subcontract"):
        assert "subcontract" in told and "under the rule in force" in told
    if reason in ("subcontract-off", "subcontract-part"):
        assert "40" in told or "0.4" in told or "2/5" in told


@pytest.mark.parametrize(("counts", "weight", "reason"), [(True, 1, "decided-in"), (False, 0, "decided-out")])
def test_a_decision_about_the_contractor_goes_first(counts, weight, reason):
    rules = R30Parameters.from_dict(
        {"count_subcontracts": True, "overrides": {OTHER: {"counts": counts, "reason": "示例"}}}
    )
    verdict = judge_row(passed_on("0.4"), rules)
    assert (verdict.weight, verdict.reason) == (weight, reason)


def test_sums_kept_before_the_rule_was_there_stay_those_of_a_rule_that_is_off():
    values = R30Parameters().to_dict()
    for name in ("threshold", "basis", "count_subcontracts"):
        del values[name]
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert R30Parameters().digest() == hashlib.sha256(text.encode()).hexdigest()
    assert R30Parameters().digest() != ON.digest()


WORLD = (
    {"contract_no": "1", "fiscal_year": "2024", "amount_yuan": "300.07", "signed_on": "2024-02-01",
     HEADING: "0.125"},
    {"contract_no": "2", "amount_yuan": "1000.01", HEADING: "0.333333333"},
    {"contract_no": "3", "amount_yuan": "70.11", "service_key": "B", HEADING: "1"},
    {"contract_no": "4", "amount_yuan": "50.13", **SOCIAL},
    {"contract_no": "5", "amount_yuan": "17.19", "division_code": "150602", HEADING: "0.7"},
    {"contract_no": "6", "amount_yuan": "90.01", **CONSORTIUM},
    {"contract_no": "7", "amount_yuan": "33.33", HEADING: ""},
)  # fmt: skip


def by_oracle(division, rollup, **rules):
    texts = [
        {**GOOD, **item, "subcontract_so_share": {**GOOD, **item}[HEADING], "cancelled_amount_yuan": ""}
        for item in WORLD
    ]
    every = dict.fromkeys(("150600", "150602"), rules)
    return oracle_r30.figure(texts, 2025, division, False, rollup, rules=every)[0]


def test_the_figure_with_the_rule_off_and_on_is_the_oracles_and_what_is_published_verifies(app, tmp_path):
    result = read(*WORLD)
    assert not result.errors
    take(*result.rows)
    off = figures("150600", 2025, exact=True)
    assert off.kept
    assert off.figures["own"].to_dict() == by_oracle("150600", False)
    assert off.figures["rollup"].to_dict() == by_oracle("150600", True)
    reasons = {item.row.contract_no: item.reason for item in rows_behind(off, "rollup")[0]}
    assert reasons == {
        "2": "subcontract-off", "3": "subcontract-off", "4": "social", "5": "subcontract-off",
        "6": "consortium-part", "7": "other",
    }  # fmt: skip

    with transaction():
        add_rule_set("R30", {"count_subcontracts": True}, valid_from=date(2025, 7, 1), source="示例")
    # The sums were kept by the rule that was in force: computed from the rows, until they are made anew.
    assert not figures("150600", 2025).kept
    with transaction():
        recompute(["150600", "150602"], 2025)
    on = figures("150600", 2025, exact=True)
    assert on.kept
    for name, rollup in (("own", False), ("rollup", True)):
        assert on.figures[name].to_dict() == by_oracle("150600", rollup, subcontracts=True)
        assert on.figures[name].added_so_fen > off.figures[name].added_so_fen
        assert on.figures[name].added_total_fen == off.figures[name].added_total_fen
    assert not list(differences("150600", 2025)) and not list(differences("150602", 2025))
    assert {basis: item.figures for basis, item in bases("150600", 2025, exact=True).items()} == {
        basis: ratio("150600", 2025, basis=basis).figures for basis in ("contract", "budget", "payment")
    }

    # The day before the rule came into force it did not count, and the figure of that day says so still.
    before = figures("150600", 2025, on=date(2025, 6, 30))
    assert before.figures["rollup"].to_dict() == by_oracle("150600", True)
    assert figures("150600", 2025, on=date(2025, 7, 1)).figures["rollup"].to_dict() == by_oracle(
        "150600", True, subcontracts=True
    )

    told = {item.reason: item for item in sums_by_reason(on, "rollup")}
    assert told["subcontract-part"].contracts == 2
    assert told["subcontract-part"].so_fen == Fraction("0.333333333") * 100_001 + Fraction("0.7") * 1_719
    assert told["subcontract-whole"].so_fen == 7_011

    table_of_rows = as_csv(rows_of_year("150600", 2025))
    again = read_purchases(io.BytesIO(table_of_rows), "rows.csv")
    assert not again.errors
    assert {item.contract_no: item.subcontract_so_share for item in again.rows} == {
        item.contract_no: item.subcontract_so_share for item in result.rows
    }
    (tmp_path / "rows.csv").write_bytes(table_of_rows)
    words = [str(tmp_path / "figure.json"), str(tmp_path / "rows.csv")]
    for found in (on, before):
        content = frozen_content(found, version=1, rows=table_of_rows, row_count=len(WORLD))
        (tmp_path / "figure.json").write_text(json.dumps(content), encoding="utf-8")
        assert verify_r30.main(words) == 0
    # A figure published by a rule that counts does not agree once the rule is said to be off.
    content = frozen_content(on, version=1, rows=table_of_rows, row_count=len(WORLD))
    for item in content["rules"].values():
        item["parameters"]["count_subcontracts"] = False
    (tmp_path / "figure.json").write_text(json.dumps(content), encoding="utf-8")
    assert verify_r30.main(words) == 1


def test_rows_published_before_the_column_was_there_verify(app, tmp_path):
    take(row(1, division_code="150600"), row(2, division_code="150600", **ENTERPRISE))
    rows = csv.DictReader(io.StringIO(as_csv(rows_of_year("150600", 2025)).decode("utf-8-sig")))
    old = [name for name in rows.fieldnames if name != "subcontract_so_share"]
    text = io.StringIO()
    writer = csv.DictWriter(text, old, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode("utf-8-sig")
    content = frozen_content(figures("150600", 2025, exact=True), version=1, rows=data, row_count=2)
    for item in content["rules"].values():
        del item["parameters"]["count_subcontracts"]
    (tmp_path / "rows.csv").write_bytes(data)
    (tmp_path / "figure.json").write_text(json.dumps(content), encoding="utf-8")
    assert verify_r30.main([str(tmp_path / "figure.json"), str(tmp_path / "rows.csv")]) == 0


def test_a_year_frozen_before_the_column_was_there_shows_no_corrections_for_it(app, monkeypatch):
    take(row(1, division_code="150600"), row(2, division_code="150600", **ENTERPRISE))

    def today():
        return {queries.identity_of(text_row(item)): text_row(item) for item in rows_of_year("150600", 2025)}

    old = io.StringIO()
    writer = csv.DictWriter(
        old, [name for name in HEADINGS if name != "subcontract_so_share"], extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(today().values())
    monkeypatch.setattr(queries, "frozen_rows", lambda _snapshot: old.getvalue().encode("utf-8-sig"))
    assert queries.corrections(None, today()) == []
    take(row(2, division_code="150600", subcontract_so_share=Fraction(1, 4), **ENTERPRISE))
    [change] = queries.corrections(None, today())
    assert (change.contract_no, change.kind) == ("2", "changed")
    assert change.before == (("subcontract_so_share", ""),)
    assert change.after == (("subcontract_so_share", "0.25"),)


def test_a_correction_of_the_share_moves_the_figure(app):
    with transaction():
        add_rule_set("R30", {"count_subcontracts": True}, valid_from=date(2025, 1, 1), source="示例")
    take(passed_on("0.25", division_code="150600"))
    assert figures("150600", 2025).figures["own"].added_so_fen == 2_500
    take(passed_on("0.75", division_code="150600"))
    found = figures("150600", 2025)
    assert found.kept and found.figures["own"].added_so_fen == 7_500
    stored = db.session.scalars(select(Purchase)).one()
    assert as_row(stored).subcontract_so_share == Fraction(3, 4)


def test_a_table_looked_through_before_the_column_was_there_can_be_taken():
    item = passed_on("0.4")
    kept = services._plain(item)
    assert services._from_plain(list(kept)) == replace(item, row=0)
    assert services._from_plain(kept[:-1]) == replace(item, row=0, subcontract_so_share=None)


def test_three_people_switch_the_rule_on(app):
    family = FAMILIES["R30"]
    values = {item.name: family.defaults[item.name] for item in family.parameters}
    assert values["count_subcontracts"] is False
    with transaction():
        draft = draft_change(
            world.agency("示例市民政局"), family, values | {"count_subcontracts": True},
            valid_from=clock.today(), source="示例市政府购买服务管理细则 第八条", reason="本市计入分包份额",
            by=world.user("clerk"),
        )  # fmt: skip
        take_step(draft, "review", by=world.user("reviewer"))
        take_step(draft, "approve", by=world.user("leader"))
    assert draft.parameters == {"count_subcontracts": True}
    assert ratio_parameters("150602", clock.today())[0].count_subcontracts
    assert not ratio_parameters("330200", clock.today())[0].count_subcontracts


def test_over_the_pages_a_table_is_looked_through_taken_and_explained(bare_app, browser_as):
    finance = browser_as("finance")
    page = finance.get("/purchasing/import")
    assert "subcontract_so_share" in page.html.main.get_text() and HEADING in page.html.main.get_text()
    form = page.forms["import"]
    bad = {"contract_no": "9", **SOCIAL, HEADING: "0.4"}
    form["file"] = Upload("t.csv", table(*WORLD, bad))
    text = form.submit().follow().html.main.get_text()
    assert "已全额计入" in text and "subcontract_so_share" in text
    form = finance.get("/purchasing/import").forms["import"]
    form["file"] = Upload("t.csv", table(*WORLD))
    finance_page = form.submit().follow()
    finance_page.forms["take"].submit()
    with bare_app.app_context():
        kept = {item.contract_no: item.subcontract_so_share for item in db.session.scalars(select(Purchase))}
    assert {number: None if share is None else Fraction(share) for number, share in kept.items()} == {
        item["contract_no"]: Fraction(share) if (share := {**GOOD, **item}[HEADING]) else None
        for item in WORLD
    }
    form = finance.get("/purchasing/import").forms["import"]
    form["file"] = Upload("t.csv", table({**WORLD[1], HEADING: "0.5"}))
    told = form.submit().follow().html.select("tbody td.code")
    assert [cell.get_text() for cell in told if "share" in cell.get_text()] == ["subcontract_so_share"]
    asked = "division=150600&year=2025&view=rollup"
    text = " ".join(finance.get(f"/ratio/contracts?{asked}").html.main.get_text(" ").split())
    assert "现行规则不计入分包给社会组织的份额" in text
    chosen = finance.get(f"/ratio/contracts?{asked}&reason=subcontract-off").html.main.get_text()
    assert "现行规则不计入分包给社会组织的份额" in chosen and "是登记的社会组织。" not in chosen


def test_the_share_is_one_of_what_is_left_of_a_contract(app):
    with transaction():
        add_rule_set("R30", {"count_subcontracts": True}, valid_from=date(2025, 1, 1), source="示例")
    take(passed_on("0.5", division_code="150600", cancelled_amount=Money.yuan("40")))
    figure = figures("150600", 2025).figures["own"]
    assert (figure.added_total_fen, figure.added_so_fen) == (6_000, 3_000)
