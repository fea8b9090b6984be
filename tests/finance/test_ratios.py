"""A year's figure is frozen with its rows, published by three people, never changed, and warned about in time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError
from webtest import Upload

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.files.models import StoredFile
from core.files.services import store
from core.lifecycle import Conflict
from core.money import Money, percent_against
from core.rules.rules import Verdict
from core.rules.services import add_rule_set
from finance.contracts.imports import read_purchases
from finance.contracts.models import ContractorOverride, Purchase
from finance.contracts.rules import PurchaseRow, R30Parameters
from finance.exceptions.services import decide_override, propose_override
from finance.figures.queries import figures
from finance.figures.rules import compute_ratio
from finance.purchasing.services import import_purchases
from finance.ratios import queries
from finance.ratios.jobs import watch
from finance.ratios.models import RatioWatch
from finance.ratios.rules import BIDDERS, LEVERS, invitation_finding, projected, warning
from finance.ratios.services import look_at_level
from finance.snapshots.models import RatioSnapshot
from finance.snapshots.queries import corrections, due_day, frozen_rows, identity_of, rows_of_year
from finance.snapshots.rules import as_csv, due_on
from finance.snapshots.services import freeze, take_step
from tests import world
from tests.grants import stage

TABLE = Path(__file__).parents[1] / "data" / "worked" / "purchases.csv"
EXPECTED = json.loads(TABLE.with_name("purchases_expected_2025.json").read_text(encoding="utf-8"))
WHY = "环卫服务作业面积增加，本地暂无具备相应资质的社会组织；2026年拆分宣传引导部分另行购买。"


def rows() -> list[PurchaseRow]:
    return read_purchases(TABLE, TABLE.name).rows


def fill(extra: list[PurchaseRow] | None = None) -> None:
    with transaction():
        import_purchases([*rows(), *(extra or [])], file_name="a.csv", sha256="0" * 64, by=SYSTEM)


def row(number: str, year: int, yuan: int, code: str = "", kind: str = "企业", **more: object) -> PurchaseRow:
    values: dict[str, object] = {
        "contract_no": number, "fiscal_year": year, "division_code": "150600", "purchaser": "示例市民政局",
        "service_key": number, "service_name": f"示例服务{number}", "catalogue_code": "", "public_service": True,
        "contractor": "示例承接方", "contractor_code": code, "contractor_kind": kind, "host_code": "",
        "so_share": None, "amount": Money.yuan(yuan), "cancelled_amount": Money(0), "fund_source": "一般公共预算",
        "method": "公开招标", "signed_on": date(year, 2, 1), "is_venture": False,
    }  # fmt: skip
    return PurchaseRow(**{**values, **more})  # type: ignore[arg-type]


SOCIAL = world.credit_code("52", "150602", 77)


def published(year: int = 2025) -> RatioSnapshot:
    snapshot = freeze("150600", year, by=world.user("finance"))
    take_step(snapshot, "review", by=world.user("finreview"))
    take_step(snapshot, "publish", by=world.user("leader"))
    return snapshot


# Freezing --------------------------------------------------------------------------------------


def test_what_is_frozen_can_be_computed_again_from_its_own_rows(app: Flask) -> None:
    fill()
    with transaction():
        snapshot = published()
    assert hashlib.sha256(snapshot.content.encode()).hexdigest() == snapshot.digest
    content = json.loads(snapshot.content)
    assert content["bases"]["contract"] == EXPECTED["150600"]
    table = frozen_rows(snapshot)
    assert hashlib.sha256(table).hexdigest() == content["rows"]["sha256"]
    again = read_purchases(io.BytesIO(table), "rows.csv")
    assert not again.errors and len(again.rows) == content["rows"]["count"] == 13

    def rules_at(code: str) -> R30Parameters:
        return R30Parameters.from_dict(content["rules"].get(code, content["rules"]["150600"])["parameters"])

    for name in EXPECTED["150600"]:
        figure = compute_ratio(
            again.rows,
            2025,
            "150600",
            True if "venture" in name else None,
            name.startswith("rollup"),
            rules_at,
        )
        assert figure.to_dict() == content["bases"]["contract"][name]
    assert {item["division"]: item["figure"] for item in content["levels"]}["150600"] == EXPECTED["150600"][
        "own"
    ]


def test_the_same_year_frozen_twice_gives_the_same_rows_and_figures(app: Flask) -> None:
    fill()
    with transaction():
        first, second = published(), published()
    assert (first.state, second.state, second.version) == ("replaced", "published", 2)
    one, two = json.loads(first.content), json.loads(second.content)
    assert one.pop("version") == 1 and two.pop("version") == 2
    assert one == two


def test_three_people_and_the_database_says_so(app: Flask) -> None:
    fill()
    with transaction():
        snapshot = freeze("150600", 2025, by=world.user("finance"))
        with pytest.raises(Refusal):
            take_step(snapshot, "publish", by=world.user("leader"))
        with pytest.raises(Refusal):
            take_step(snapshot, "review", by=world.user("finance"))
        take_step(snapshot, "review", by=world.user("finreview"))
        with pytest.raises(Refusal):
            take_step(snapshot, "publish", by=world.user("finreview"))
        take_step(snapshot, "publish", by=world.user("leader"))
    for statement, match in (
        ("UPDATE ratio_snapshot SET approved_by = reviewed_by", "approver_is_third"),
        ("UPDATE ratio_snapshot SET reviewed_by = prepared_by", "reviewer_not_preparer"),
        ("UPDATE ratio_snapshot SET content = '{}'", "append-only"),
        ("UPDATE ratio_snapshot SET digest = ''", "append-only"),
        ("DELETE FROM ratio_snapshot", "append-only"),
    ):
        with pytest.raises(DBAPIError, match=match), transaction() as session:
            session.execute(text(statement))


def minutes() -> StoredFile:
    return store(io.BytesIO(b"%PDF-1.4 minutes of the office"), "会议纪要.pdf", by=world.user("finance"))


def test_below_the_threshold_nothing_is_frozen_without_a_reason(app: Flask) -> None:
    fill([row("HT-900", 2025, 9_000_000)])
    assert figures("150600", 2025).figures["own"].status == "below"
    with transaction():
        clerk, file = world.user("finance"), minutes()
        for reason, why, shown in (
            ("", "", file),
            ("base", "", file),
            ("base", "太短", file),
            ("whim", WHY, file),
            ("base", WHY, None),
        ):
            with pytest.raises(Refusal) as refused:
                freeze("150600", 2025, by=clerk, reason=reason, reason_text=why, reason_file=shown)
            assert refused.value.rule == "R30"
        # A level that accepts fewer reasons says so in its rule set.
        place = {"source": "示例", "jurisdiction": "150600"}
        add_rule_set("RPC", {"reasons": ["urgent"]}, valid_from=date(2025, 1, 1), **place)
        with pytest.raises(Refusal, match="Choose the reason"):
            freeze("150600", 2025, by=clerk, reason="base", reason_text=WHY, reason_file=file)
        add_rule_set("RPC", {"reasons": ["urgent", "base"]}, valid_from=date(2025, 6, 1), **place)
        snapshot = freeze("150600", 2025, by=clerk, reason="base", reason_text=WHY, reason_file=file)
        take_step(snapshot, "review", by=world.user("finreview"))
        take_step(snapshot, "publish", by=world.user("leader"))
    assert snapshot.below and json.loads(snapshot.content)["justification"] == {"code": "base", "text": WHY}
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE ratio_snapshot SET reason = ''"))


def test_a_year_that_runs_or_holds_nothing_or_waits_already_is_not_frozen(app: Flask) -> None:
    fill()
    this_year = clock.today().year
    with transaction():
        with pytest.raises(Refusal, match="not over"):
            freeze("150600", this_year, by=world.user("finance"))
        with pytest.raises(Refusal, match="no purchases"):
            freeze("150600", 2019, by=world.user("finance"))
        for login in ("clerk", "banner_clerk", "finreview"):
            with pytest.raises(Refusal) as refused:
                freeze("150600", 2025, by=world.user(login))
            assert refused.value.status == 403
        with pytest.raises(Refusal) as refused:
            freeze("150602", 2025, by=world.user("finance"))
        assert refused.value.status == 403
        first = freeze("150600", 2025, by=world.user("finance"))
        with pytest.raises(Refusal, match="waiting already"):
            freeze("150600", 2025, by=world.user("finance"))
        take_step(first, "withdraw", by=world.user("leader"))
        assert freeze("150600", 2025, by=world.user("finance")).version == 2
        with pytest.raises(Conflict):
            take_step(first, "review", by=world.user("finreview"))


def test_a_later_correction_stands_beside_the_frozen_figure(app: Flask) -> None:
    fill()
    with transaction():
        snapshot = published()
    before = snapshot.content
    purchase = db.session.scalars(select(Purchase).where(Purchase.division_code == "150600", Purchase.fiscal_year == 2025).order_by(Purchase.id)).first()  # fmt: skip
    number = purchase.contract_no
    changed = [item for item in rows() if item.contract_no == number]
    with transaction():
        half = Money(changed[0].amount.fen // 2)
        import_purchases(
            [
                PurchaseRow(**{**{n: getattr(changed[0], n) for n in changed[0].__dataclass_fields__}, "cancelled_amount": half}),
                row("HT-901", 2025, 100),
            ],
            file_name="b.csv", sha256="1" * 64, by=SYSTEM,
        )  # fmt: skip
    assert snapshot.content == before
    present = {
        identity_of(item): item
        for item in csv.DictReader(io.StringIO(as_csv(rows_of_year("150600", 2025)).decode("utf-8-sig")))
    }
    found = {item.contract_no: item for item in corrections(snapshot, present)}
    assert found[number].kind == "changed" and found[number].after == (
        ("cancelled_amount_yuan", half.plain()),
    )
    assert found["HT-901"].kind == "added" and found["HT-901"].before == ()
    assert len(found) == 2


@given(st.integers(1, 10**15), st.integers(0, 10**6))
def test_a_miss_is_never_shown_as_met(total, short):
    """Figures at and just under the threshold, down to a fen in ten million million."""
    ratio = Fraction(max(0, (3 * total - 1) // 10 - short), total)
    shown = percent_against(ratio, Fraction(3, 10))
    assert ratio < Fraction(3, 10) and Fraction(shown.removesuffix("%")) < 30


# Exceptions ------------------------------------------------------------------------------------


def test_an_exception_needs_two_people_and_then_moves_the_figure(app: Flask) -> None:
    year = clock.today().year
    fill([row("A", year, 100, SOCIAL, "社会服务机构"), row("B", year, 100)])
    assert figures("150600", year).figures["own"].ratio == Fraction(1, 2)
    with transaction():
        proposal = propose_override(
            world.agency(), code=SOCIAL, contractor="示例承接方", counts=False, reason="由财政拨款保障", by=world.user("finance")
        )  # fmt: skip
        assert figures("150600", year).figures["own"].ratio == Fraction(1, 2)
        with pytest.raises(Refusal, match="waits already"):
            propose_override(
                world.agency(), code=SOCIAL, contractor="x", counts=True, reason="x", by=world.user("finance")
            )
        with pytest.raises(Refusal):
            decide_override(proposal, confirmed=True, by=world.user("finance"))
        decide_override(proposal, confirmed=True, by=world.user("finreview"))
        with pytest.raises(Refusal, match="decided already"):
            decide_override(proposal, confirmed=False, by=world.user("finreview"))
    assert figures("150600", year).figures["own"].ratio == 0
    assert figures("150600", year, on=clock.today() - timedelta(days=1)).figures["own"].ratio == Fraction(
        1, 2
    )
    with transaction():
        ending = propose_override(
            world.agency(), code=SOCIAL, contractor="x", counts=None, reason="复核", by=world.user("finance")
        )
        decide_override(ending, confirmed=True, by=world.user("finreview"))
    assert figures("150600", year).figures["own"].ratio == Fraction(1, 2)
    assert db.session.query(ContractorOverride).count() == 0
    with pytest.raises(Refusal, match="no exception"), transaction():
        propose_override(
            world.agency(), code=SOCIAL, contractor="x", counts=None, reason="x", by=world.user("finance")
        )


def test_the_database_refuses_an_exception_by_one_person(app: Flask) -> None:
    with transaction():
        propose_override(
            world.agency(), code=SOCIAL, contractor="x", counts=True, reason="x", by=world.user("finance")
        )
    with pytest.raises(DBAPIError, match="two_people"), transaction() as session:
        session.execute(text("UPDATE override_proposal SET decided_by = proposed_by, state = 'confirmed'"))


# Early warning ---------------------------------------------------------------------------------


def test_the_finance_head_is_warned_in_the_quarter_not_after_the_year(
    app: Flask,
) -> None:
    year = clock.today().year
    fill([row("A", year, 29, SOCIAL, "社会服务机构"), row("B", year, 71)])
    with transaction():
        look_at_level("150600", date(year, 5, 2))
    seen = db.session.query(RatioWatch).one()
    assert (seen.quarter, seen.status, seen.shown, seen.gap_fen) == (2, "below", "29.00%", 100)
    with clock.at(clock.at_local(date(year, 5, 3), 9, 0)):
        assert [item.id for item in queries.warnings_for(world.user("finreview"))] == [seen.id]
        assert queries.warnings_for(world.user("banner_clerk")) == []
        assert queries.warnings_for(world.user("clerk")) == []
    with clock.at(clock.at_local(date(year, 8, 3), 9, 0)):
        assert queries.warnings_for(world.user("finreview")) == []
        assert watch() >= 1
        assert [item.quarter for item in queries.warnings_for(world.user("finreview"))] == [3]
        # The same look again changes its own line only.
        watch()
    assert db.session.query(RatioWatch).filter_by(division_code="150600").count() == 2


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_planned_never_makes_the_forecast_better(added, part, planned):
    so = Fraction(min(added, part))
    foreseen = projected(added, so, planned)
    ratio = so / added if added else None
    if ratio is not None and foreseen is not None:
        assert foreseen <= ratio
    threshold = Fraction(3, 10)
    warned = warning(ratio=ratio, foreseen=foreseen, threshold=threshold)
    assert (warned is not None) == any(item is not None and item < threshold for item in (ratio, foreseen))


@given(st.integers(1, 10**12), st.fractions(0, 1), st.fractions(min_value=Fraction(1, 100), max_value=Fraction(99, 100)))  # fmt: skip
def test_the_gap_and_what_is_needed_in_addition_close_it_exactly(added, share, threshold):
    so = share * added
    gap = max(Fraction(0), threshold * added - so)
    if not gap:
        return
    assert (so + gap) / added == threshold
    more = gap / (1 - threshold)
    assert (so + more) / (added + more) == threshold


def test_the_day_of_publication_is_the_jurisdictions(app: Flask) -> None:
    assert due_day("150600", 2025) == date(2026, 3, 31)
    with transaction():
        add_rule_set(
            "RPC", {"ratio_due": "02-28"}, valid_from=date(2025, 1, 1), source="x", jurisdiction="150000"
        )
    assert due_day("150602001", 2025) == date(2026, 2, 28) == due_on(2025, "02-28")


# Pages -----------------------------------------------------------------------------------------


@pytest.fixture
def filled(bare_app: Flask) -> Flask:
    with bare_app.app_context():
        fill([row("HT-900", 2025, 9_000_000)])
    return bare_app


def test_a_year_on_its_way_to_the_public(filled: Flask, browser_as: Callable) -> None:
    page = browser_as("finance").get("/ratio/?division=150600&year=2025")
    assert "<svg" in page and "20(7)" not in page
    form = page.click(href="/ratio/freeze").forms["freeze"]
    answer = form.submit(status=422)
    assert answer.forms["freeze"]["reason_text"].value == ""
    form = answer.forms["freeze"]
    form["reason"], form["reason_text"] = "base", WHY
    form["reason_file"] = Upload("证明.pdf", b"%PDF-1.4 made for a test")
    page = form.submit(status=303).follow()
    address = page.request.path
    assert WHY in page and "SHA-256" in page
    assert address in browser_as("finreview").get("/home")
    public = browser_as("")
    number = address.rsplit("/", 1)[1]
    for end in ("", "/figure.json", "/rows.csv", "/document.pdf"):
        public.get(f"/public/ratio/{number}{end}", status=404)
    browser_as("finreview").get(address).forms["review"].submit(status=303)
    assert address in browser_as("leader").get("/home")
    browser_as("leader").get(address).forms["publish"].submit(status=303)
    assert f"/public/ratio/{number}" in public.get("/public/ratio")
    page = public.get(f"/public/ratio/{number}")
    assert WHY in page and "SHA-256" in page
    content = public.get(f"/public/ratio/{number}/figure.json").body
    digest = hashlib.sha256(content).hexdigest()
    assert digest in page
    table = public.get(f"/public/ratio/{number}/rows.csv").body
    assert json.loads(content)["rows"]["sha256"] == hashlib.sha256(table).hexdigest()
    assert browser_as("clerk").get(f"{address}/reason").body.startswith(b"%PDF")


def test_a_township_reads_its_own_frozen_figures_only(filled: Flask, browser_as: Callable) -> None:
    with filled.app_context(), transaction():
        snapshot = freeze(
            "150600", 2025, by=world.user("finance"), reason="base", reason_text=WHY, reason_file=minutes()
        )
        number = snapshot.id
    browser = browser_as("township_clerk")
    for end in ("", "/figure.json", "/rows.csv", "/document.pdf", "/reason"):
        browser.get(f"/ratio/frozen/{number}{end}", status=404)
    browser_as("supervisor").get(f"/ratio/frozen/{number}")
    browser_as("operator").get(f"/ratio/frozen/{number}", status=403)


def test_the_verdict_of_any_day_is_that_of_the_rule_then_in_force(
    filled: Flask, browser_as: Callable
) -> None:
    with filled.app_context(), transaction():
        add_rule_set(
            "R30",
            {"threshold": "1/20"},
            valid_from=date(2025, 7, 1),
            source="示例细则",
            jurisdiction="150600",
        )
    now = browser_as("clerk").get("/ratio/?division=150600&year=2025")
    assert "R30 150600 v1" in now and "5.00%" in now
    then = browser_as("clerk").get("/ratio/?division=150600&year=2025&as-of=2025-06-30")
    assert "R30 150600 v1" not in then and "30.00%" in then
    browser_as("clerk").get("/ratio/?division=150600&as-of=yesterday", status=404)
    browser_as("clerk").get("/ratio/?division=150600&quarter=5", status=404)
    assert "HT-900" in browser_as("clerk").get("/ratio/?division=150600&year=2025&quarter=1")


def test_the_page_offers_lawful_levers_and_never_social_organizations_only(
    filled: Flask, browser_as: Callable
) -> None:
    page = browser_as("finance").get("/ratio/?division=150600&year=2025")
    assert "第二十条第（七）项" in page and "财综〔2014〕87号" in page
    assert all(source in page for _name, _text, source in LEVERS)
    for _name, sentence, _source in LEVERS:
        assert "only" not in sentence


def test_a_page_of_services_leads_to_the_next(bare_app: Flask, browser_as: Callable) -> None:
    with bare_app.app_context():
        fill([row(f"N-{number:03d}", 2025, 100 + number) for number in range(70)])
    seen: set[str] = set()
    page = browser_as("clerk").get("/ratio/?division=150600&year=2025")
    for _round in range(5):
        seen |= {f"N-{number:03d}" for number in range(70) if f"N-{number:03d}" in page}
        following = page.html.select_one('a[rel="next"]')
        if following is None:
            break
        page = page.goto(following["href"].split("#")[0])
    assert len(seen) == 70


def numbers_on(page: Any) -> list[str]:
    return [cell.text for cell in page.html.select("tbody th.code")]


def test_contracts_open_fifty_at_a_time_and_choose_by_reason(bare_app: Flask, browser_as: Callable) -> None:
    with bare_app.app_context():
        fill(
            [
                *(row(f"N-{number:03d}", 2025, 100 + number, SOCIAL) for number in range(70)),
                row("GIFT", 2025, 500, fund_source="捐赠"),
                row("FIRM", 2025, 700),
                row("BELOW", 2025, 900, division_code="150602"),
            ]
        )
    browser = browser_as("clerk")
    page = browser.get("/ratio/?division=150600&year=2025&view=rollup")
    page = page.click(href=r"/ratio/contracts\?.*verdict=counts")
    first = numbers_on(page)
    assert len(first) == 50
    rest = numbers_on(page.click(href="after="))
    wanted = {f"N-{number:03d}" for number in range(70)}
    assert wanted <= {*first, *rest} and not {"GIFT", "FIRM", "BELOW"} & {*first, *rest}
    assert len(first) + len(rest) == len({*first, *rest})
    address = "/ratio/contracts?division=150600&year=2025"
    assert "BELOW" not in numbers_on(browser.get(f"{address}&view=own&verdict=total"))
    assert {"FIRM", "BELOW"} <= set(numbers_on(browser.get(f"{address}&view=rollup&verdict=total")))
    form = browser.get(f"{address}&view=rollup").forms["filters"]
    form["reason"] = "source"
    page = form.submit()
    assert "GIFT" in numbers_on(page) and "FIRM" not in numbers_on(page) and "捐赠" in page
    for wrong in ("verdict=perhaps", "reason=none", "service=key:N-001&at=330200", "service=N-001"):
        browser.get(f"{address}&{wrong}", status=404)
    service = f"{address}&purchaser={quote('示例市民政局')}&service=key:N-001&at=150600"
    assert numbers_on(browser.get(service)) == ["N-001"]
    assert numbers_on(browser.get(f"{service}&verdict=outside")) == []
    browser_as("township_clerk").get(address, status=404)
    browser_as("operator").get(address, status=403)


def test_the_page_asks_the_database_as_often_for_many_levels_and_years(
    bare_app: Flask, browser_as: Callable
) -> None:
    with bare_app.app_context():
        fill(
            [
                row(f"{year}-{place}", year, 100 + place, division_code=f"150602{place:03d}")
                for year in (2021, 2022, 2023, 2024, 2025)
                for place in range(1, 9)
            ]
        )
        engine = db.engine
    browser = browser_as("clerk")
    browser.get("/ratio/?division=150600&year=2025")
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        for view in ("own", "rollup_with_venture"):
            asked.clear()
            browser.get(f"/ratio/?division=150600&year=2025&view={view}")
            assert 0 < len(asked) <= 15, asked
            assert not any("FROM purchase " in statement for statement in asked)
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_exceptions_over_the_pages(bare_app: Flask, browser_as: Callable) -> None:
    form = (
        browser_as("finance").get("/ratio/exceptions").click(href="/ratio/exceptions/new").forms["exception"]
    )
    form["contractor_code"], form["contractor"], form["reason"] = "123", "示例承接方", "由财政拨款保障的单位"
    form["counts"] = "no"
    form = form.submit(status=422).forms["exception"]
    assert form["contractor_code"].value == "123"
    form["contractor_code"] = SOCIAL
    form.submit(status=303)
    page = browser_as("finreview").get("/ratio/exceptions")
    next(form for name, form in page.forms.items() if str(name).startswith("confirm")).submit(status=303)
    assert SOCIAL in browser_as("clerk").get("/ratio/exceptions")
    assert SOCIAL not in browser_as("clerk").get("/ratio/exceptions").forms


# Legality --------------------------------------------------------------------------------------


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.sets(st.sampled_from(sorted(BIDDERS)), min_size=1))
def test_social_organizations_only_passes_below_the_limit_alone(amount, limit, invited):
    finding = invitation_finding(Money(amount), invited, Money(limit))
    shut_out = amount >= limit and invited == {"social"}
    assert (finding.verdict is Verdict.FAIL) == shut_out
    assert finding.source and finding.rule == "R30-G"


def test_who_asks_is_told_why_and_what_is_allowed_instead(bare_app: Flask, browser_as: Callable) -> None:
    browser = browser_as("clerk")
    form = browser.get("/ratio/invitation").forms["invitation"]
    form["amount"] = "abc"
    assert form.submit(status=422).forms["invitation"]["amount"].value == "abc"
    form["amount"] = "600000"
    form.set("invited", True, index=0)
    page = form.submit()
    assert "finding--fail" in page and "第二十条第（七）项" in page and "财综〔2014〕87号" in page
    form["amount"] = "499999.99"
    assert "finding--fail" not in form.submit()
    form["amount"] = "600000"
    form.set("invited", True, index=1)
    assert "finding--fail" not in form.submit()


def test_a_call_is_no_way_around_it(app: Flask) -> None:
    """A call takes social organizations alone: a purchase above the limit is not asked for by one."""
    with pytest.raises(Refusal) as refused, transaction():
        stage.draft(programme="service_purchase")
    assert refused.value.rule == "R30-G"
    with transaction():
        add_rule_set(
            "RPL", {"limit_yuan": 100_000_000}, valid_from=clock.today(), source="x", jurisdiction="150600"
        )
    with transaction():
        assert stage.draft(programme="service_purchase", round_number=9).programme == "service_purchase"
