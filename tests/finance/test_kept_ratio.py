"""The kept figures are always what computing them from every row gives, on both databases."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.audit.services import SYSTEM
from core.db import db, transaction
from core.money import Money
from core.rules.services import add_rule_set
from finance.continuations.services import confirm_continuation, undo_continuation
from finance.contracts.models import ContractorOverride, Purchase, ServiceContinuation
from finance.contracts.queries import as_row, key_text
from finance.contracts.rules import PurchaseRow
from finance.evidence.queries import line_rows, rows_behind
from finance.figures import queries
from finance.figures.models import LevelFigure
from finance.figures.queries import bases, figures, levels, lines, ratio
from finance.figures.services import recompute
from finance.purchasing.jobs import renew_stale
from finance.purchasing.services import (
    cancel_part,
    import_purchases,
    note_amounts,
    override_contractor,
    withdraw_override,
)
from finance.snapshots.queries import frozen_content, rows_of_year
from finance.snapshots.rules import as_csv
from tools import verify_r30

AGENCY, OTHER = "52150602MJ1234561L", "91150602MA0N123402"
DIVISIONS = ["150600", "150602", "150602001"]
YEARS = [2024, 2025]


def row(number, **changes):
    values = {
        "contract_no": str(number), "fiscal_year": 2025, "division_code": "150602", "purchaser": "示例局",
        "service_key": "A", "service_name": "助餐", "catalogue_code": "A0301", "public_service": True,
        "contractor": "示例", "contractor_code": AGENCY, "contractor_kind": "社会服务机构", "host_code": "",
        "so_share": None, "amount": Money.yuan("100"), "cancelled_amount": Money(0),
        "fund_source": "一般公共预算", "method": "", "signed_on": date(2025, 3, 1), "is_venture": False,
    }  # fmt: skip
    return PurchaseRow(**values | changes)


def take(*rows):
    with transaction():
        import_purchases(list(rows), file_name="t.csv", sha256="0" * 64, by=SYSTEM)


class Undone(Exception):
    pass


def agree():
    """Kept and computed, for each level, year and basis; lines and levels add up to the figure."""
    for division in [*DIVISIONS, "150000"]:
        for year in (*YEARS, 2026):
            for basis, kept in bases(division, year, exact=True).items():
                assert kept.kept
                full = ratio(division, year, basis=basis)
                assert kept.figures == full.figures
                for name, figure in kept.figures.items():
                    page = lines(kept, name, limit=1000)
                    assert page.after is None
                    expected = sorted(_plain(line) for line in full.figures[name].services)
                    assert sorted(_plain(line) for line in page.lines) == expected
                    if figure.rollup:
                        own = levels(kept, venture="venture" in name)
                        assert sum(item.added_total_fen for item in own) == figure.added_total_fen


def _plain(line):
    return (line.added.fen, line.service, line.name, line.total, line.previous_total, line.so_added, line.so_total,
            line.previous_so_total)  # fmt: skip


@st.composite
def contracts(draw):
    kind = draw(st.sampled_from(["社会服务机构", "企业", "联合体", "备案社区社会组织"]))
    amount = draw(st.integers(1, 10**6))
    return row(
        draw(st.integers(1, 9)),
        fiscal_year=draw(st.sampled_from(YEARS)),
        division_code=draw(st.sampled_from(DIVISIONS)),
        purchaser=draw(st.sampled_from(["甲局", "乙局"])),
        service_key=draw(st.sampled_from(["A", "B", ""])),
        service_name=draw(st.sampled_from(["助餐", "陪护"])),
        catalogue_code=draw(st.sampled_from(["A01", "B01", ""])),
        public_service=draw(st.sampled_from([True, True, True, False])),
        contractor_kind=kind,
        contractor_code={"社会服务机构": AGENCY, "企业": OTHER}.get(kind, ""),
        host_code=draw(st.sampled_from(["", AGENCY])),
        so_share=draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction("0.333333333"), Fraction(1)]))
        if kind == "联合体"
        else None,
        subcontract_so_share=draw(st.sampled_from([None, Fraction(0), Fraction("0.333333333"), Fraction(1)]))
        if kind == "企业"
        else None,
        amount=Money(amount),
        cancelled_amount=Money(draw(st.sampled_from([0, 0, amount // 2, amount]))),
        fund_source=draw(st.sampled_from(["一般公共预算", "福利彩票公益金", "自筹"])),
        is_venture=draw(st.sampled_from([False, False, True])),
        budget_amount=draw(st.sampled_from([None, Money(0), Money(amount * 2)])),
        paid_amount=draw(st.sampled_from([None, Money(amount // 3)])),
    )


STEPS = st.one_of(
    st.tuples(st.just("import"), st.lists(contracts(), min_size=1, max_size=6)),
    st.tuples(st.just("cancel"), st.integers(0, 99)),
    st.tuples(st.just("amounts"), st.integers(0, 99)),
    st.tuples(st.just("continue"), st.tuples(st.integers(0, 99), st.integers(0, 99))),
    st.tuples(st.just("undo"), st.integers(0, 99)),
    st.tuples(st.just("override"), st.tuples(st.sampled_from(DIVISIONS), st.booleans())),
    st.tuples(st.just("withdraw"), st.integers(0, 99)),
    st.tuples(
        st.just("rules"),
        st.tuples(
            st.sampled_from(["", *DIVISIONS]),
            st.sampled_from(
                [
                    {"count_venture": True},
                    {"count_subcontracts": True},
                    {"split_consortium": False, "count_hosted": False},
                    {"threshold": "0.45", "basis": "budget"},
                    {"excluded_sources": ["福利彩票公益金"], "excluded_catalogue": ["B"]},
                    {"overrides": {OTHER: {"counts": True, "reason": "示例"}}},
                ]
            ),
        ),
    ),
)


def pick(table, number):
    found = db.session.scalars(select(table).order_by(table.id)).all()
    return found[number % len(found)] if found else None


def act(step, value):
    if step == "import":
        known = {}
        for item in value:
            known[item.purchaser, item.fiscal_year, item.contract_no] = item
        import_purchases(list(known.values()), file_name="t.csv", sha256="0" * 64, by=SYSTEM)
    elif step in ("cancel", "amounts"):
        purchase = pick(Purchase, value)
        if purchase is not None and step == "cancel":
            cancel_part(purchase, Money(purchase.amount.fen // 3), by=SYSTEM)
        elif purchase is not None:
            note_amounts(purchase, budget=Money(value * 1_000), paid=Money(value), by=SYSTEM)
    elif step == "continue":
        pair = [pick(Purchase, number) for number in value]
        if None not in pair:
            earlier, later = (as_row(item).service for item in pair)
            taken = db.session.scalar(
                select(ServiceContinuation.id).where(
                    ServiceContinuation.later_division == later[0],
                    ServiceContinuation.later_purchaser == later[1],
                    ServiceContinuation.later_key == key_text(later),
                )
            )
            if earlier != later and taken is None:
                confirm_continuation(earlier, later, fiscal_year=2025, by=SYSTEM)
    elif step == "undo":
        link = pick(ServiceContinuation, value)
        if link is not None:
            undo_continuation(link, by=SYSTEM)
    elif step == "override":
        override_contractor(
            value[0], OTHER, contractor="示例企业", counts=value[1], reason="示例理由", by=SYSTEM
        )
    elif step == "withdraw":
        found = pick(ContractorOverride, value)
        if found is not None:
            withdraw_override(found, by=SYSTEM)
    else:
        add_rule_set("R30", value[1], jurisdiction=value[0], valid_from=date(2025, 1, 1), source="示例")
        for year in (*YEARS, 2026):
            recompute(DIVISIONS, year)


@pytest.fixture
def freeze_today(monkeypatch):
    monkeypatch.setattr("core.clock.today", lambda: date(2025, 6, 1))


def test_any_sequence_keeps_what_computing_anew_gives(app, freeze_today):
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=1, max_size=6))
    def run(steps):
        # Rule sets are never deleted: each example is rolled back.
        with contextlib.suppress(Undone), transaction():
            for step, value in steps:
                act(step, value)
            agree()
            raise Undone

    run()


def world(app):
    take(
        row(1, fiscal_year=2024, amount=Money.yuan("30")),
        row(2, amount=Money.yuan("100")),
        row(3, contractor_code=OTHER, contractor_kind="企业", amount=Money.yuan("50")),
        row(4, service_key="B", division_code="150600", fund_source="福利彩票公益金"),
        row(5, service_key="C", is_venture=True),
        row(6, service_key="D", public_service=False),
    )


def test_a_figure_opens_to_its_services_and_they_to_their_rows(app):
    world(app)
    found = figures("150600", 2025)
    first = lines(found, "rollup_with_venture", limit=2)
    second = lines(found, "rollup_with_venture", limit=2, after=first.after)
    shown = [*first.lines, *second.lines]
    assert [line.added.fen for line in shown] == [12_000, 10_000, 10_000]
    assert shown[0].service[2][1] == "A"
    assert {line.service[2][1] for line in shown} == {"A", "B", "C"}
    assert second.after is None
    this_year, last_year = line_rows(found, shown[0], "rollup")
    assert [item.row.contract_no for item in this_year] == ["2", "3"]
    assert [item.verdict for item in this_year] == ["counts", "does_not_count"]
    assert [item.row.contract_no for item in last_year] == ["1"]
    judged, more = rows_behind(found, "rollup", limit=3)
    assert [item.row.contract_no for item in judged] == ["4", "2", "3"]
    rest, end = rows_behind(found, "rollup", limit=3, after=more)
    assert [(item.row.contract_no, item.verdict) for item in rest] == [
        ("5", "out_of_scope"),
        ("6", "out_of_scope"),
    ]
    assert end is None
    outside, _ = rows_behind(found, "rollup", wanted=lambda item: not item.in_scope)
    assert [item.row.contract_no for item in outside] == ["5", "6"]
    assert found.figures["rollup"].sources == {"一般公共预算": 15_000, "福利彩票公益金": 10_000}


def test_other_rules_are_computed_from_the_rows(app):
    world(app)
    with transaction():
        add_rule_set(
            "R30", {"count_venture": True}, valid_from=date(2025, 7, 1), source="示例", jurisdiction="150600"
        )
    # In force at the year's end: the kept sums no longer follow the rules, until they are made anew.
    assert not figures("150600", 2025).kept
    now = figures("150600", 2025)
    before = figures("150600", 2025, on=date(2025, 6, 30))
    assert before.kept
    assert now.figures["rollup"].row_count == before.figures["rollup"].row_count + 1
    with transaction():
        recompute(["150600", "150602"], 2025)
    again = figures("150600", 2025)
    assert again.kept and again.figures == now.figures
    assert not figures("150600", 2025, on=date(2025, 6, 30)).kept


def test_the_three_bases_stand_side_by_side(app):
    take(
        row(1, budget_amount=Money.yuan("120"), paid_amount=Money.yuan("60")),
        row(2, contractor_code=OTHER, contractor_kind="企业", budget_amount=Money.yuan("80")),
        row(3, service_key="B"),
    )
    found = bases("150602", 2025)
    assert {basis: item.figures["own"].added_total_fen for basis, item in found.items()} == {
        "contract": 30_000, "budget": 20_000, "payment": 6_000,
    }  # fmt: skip
    assert found["payment"].figures["own"].status == "met"
    [unknown] = rows_behind(found["payment"], "own", wanted=lambda item: not item.in_scope)[0][:1]
    assert unknown.row.contract_no == "2"
    assert "paid" in unknown.message.english()


def test_a_sum_of_many_divided_services_rounds_no_miss_up(app, monkeypatch):
    """Beyond some number of lines the numerator is short of billionths, unless the verdict hangs on them."""
    monkeypatch.setattr(queries, "EXACT_LINES", 0)
    thirds = {"contractor_kind": "联合体", "contractor_code": "", "so_share": Fraction("0.333333333")}
    take(
        row(1, amount=Money(300), **thirds),
        row(2, amount=Money(700), contractor_code=OTHER, contractor_kind="企业"),
        row(3, fiscal_year=2024, amount=Money(7)),
    )
    rounded = figures("150602", 2025).figures["own"]
    exact = figures("150602", 2025, exact=True).figures["own"]
    assert rounded.rounded == 1 and exact.rounded == 0
    assert 0 < exact.added_so_fen - rounded.added_so_fen < Fraction(1, 10**9)
    assert exact == ratio("150602", 2025).figures["own"]
    # At the threshold itself every billionth counts, and all are computed.
    with transaction():
        add_rule_set(
            "R30",
            {"threshold": str(exact.ratio)},
            valid_from=date(2025, 1, 1),
            source="示例",
            jurisdiction="150602",
        )
    found = figures("150602", 2025)
    assert found.kept
    assert found.figures["own"].status == "met" and found.figures["own"].rounded == 0


def test_kept_sums_follow_each_write(app):
    world(app)
    before = figures("150602", 2025).figures["own"].added_total_fen
    with transaction():
        cancel_part(
            db.session.scalars(select(Purchase).where(Purchase.contract_no == "2")).one(),
            Money.yuan("40"),
            by=SYSTEM,
        )
    assert figures("150602", 2025).figures["own"].added_total_fen == before - 4_000


def test_the_command_proves_the_kept_figures_and_mends_them(bare_app):
    with bare_app.app_context():
        world(bare_app)
    runner = bare_app.test_cli_runner()
    proved = runner.invoke(args=["purchasing", "recompute", "--check"])
    assert proved.exit_code == 0, proved.output
    with bare_app.app_context(), transaction() as session:
        session.execute(update(LevelFigure).where(LevelFigure.division_code == "150602").values(added_fen=1))
    broken = runner.invoke(args=["purchasing", "recompute", "--check"])
    assert broken.exit_code == 1 and "150602 2025 contract own" in broken.stderr
    assert runner.invoke(args=["purchasing", "recompute"]).exit_code == 0
    assert runner.invoke(args=["purchasing", "recompute", "--check"]).exit_code == 0


def test_levels_whose_rules_changed_are_made_anew_by_the_worker(app):
    world(app)
    with transaction():
        add_rule_set("R30", {"count_venture": True}, valid_from=date(2025, 7, 1), source="示例")
    assert not figures("150600", 2025).kept
    renew_stale()
    assert figures("150600", 2025).kept
    assert not queries.stale_levels(2026)


def test_what_is_published_is_what_the_verifier_finds(app, tmp_path):
    """Levels with rules of their own, a service that moved between levels, three bases."""
    take(
        row(1, fiscal_year=2024, amount=Money.yuan("30"), division_code="150602"),
        row(
            2,
            amount=Money.yuan("100"),
            division_code="150600",
            service_key="A2",
            budget_amount=Money.yuan("90"),
        ),
        row(3, contractor_code=OTHER, contractor_kind="企业", amount=Money.yuan("50"), paid_amount=Money(1)),
        row(4, service_key="B", division_code="150602001", is_venture=True),
        row(
            5, service_key="C", contractor_kind="联合体", contractor_code="", so_share=Fraction("0.333333333")
        ),
    )
    with transaction():
        earlier, later = ("150602", "示例局", ("key", "A")), ("150600", "示例局", ("key", "A2"))
        confirm_continuation(earlier, later, fiscal_year=2025, by=SYSTEM)
        overrides = {OTHER: {"counts": True, "reason": "示例"}}
        add_rule_set(
            "R30", {"overrides": overrides}, valid_from=date(2025, 1, 1), source="示例", jurisdiction="150602"
        )
        recompute(["150600", "150602", "150602001"], 2025)
    table = as_csv(rows_of_year("150600", 2025))
    found = figures("150600", 2025, exact=True)
    content = frozen_content(found, version=1, rows=table, row_count=5)
    (tmp_path / "rows.csv").write_bytes(table)
    (tmp_path / "figure.json").write_text(json.dumps(content), encoding="utf-8")
    words = [str(tmp_path / "figure.json"), str(tmp_path / "rows.csv")]
    assert verify_r30.main(words) == 0
    (tmp_path / "rows.csv").write_bytes(table.replace(b"100.00", b"100.01"))
    assert verify_r30.main(words) == 1
