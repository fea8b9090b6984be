"""What the contracts of each reason sum to is what adding up contract by contract gives."""

from __future__ import annotations

import contextlib
from datetime import date
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.audit.services import SYSTEM
from core.db import transaction
from core.money import Money
from finance.contracts.rules import quarter_of
from finance.evidence.queries import rows_behind
from finance.figures.queries import figures, judging
from finance.purchasing.services import import_purchases
from finance.ratios.queries import sums_by_reason
from finance.snapshots.queries import years_due
from tests import world
from tests.finance.test_kept_ratio import OTHER, Undone, contracts, row, take


def test_the_sums_by_reason_equal_every_contract_added_up(app):
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(contracts(), min_size=1, max_size=8), st.sampled_from(["contract", "budget", "payment"]))
    def run(rows, basis):
        known = {(item.purchaser, item.fiscal_year, item.contract_no): item for item in rows}
        with contextlib.suppress(Undone), transaction():
            import_purchases(list(known.values()), file_name="t.csv", sha256="0" * 64, by=SYSTEM)
            found = figures("150600", 2025)
            object.__setattr__(found, "basis", basis)
            for name in ("own", "rollup", "rollup_with_venture"):
                for quarter in (1, 4):
                    by_hand: dict[tuple[str, bool], list] = {}
                    for item in rows_behind(found, name, limit=1000)[0]:
                        if quarter_of(item.row) <= quarter:
                            sums = by_hand.setdefault((item.reason, item.in_scope), [0, 0, Fraction(0)])
                            fen = item.row.fen_on(basis) or 0
                            sums[0] += 1
                            sums[1] += fen
                            sums[2] += item.weight * fen
                    told = sums_by_reason(found, name, quarter=quarter)
                    assert {
                        (one.reason, one.in_scope): [one.contracts, one.fen, one.so_fen] for one in told
                    } == by_hand
            raise Undone

    run()


def test_the_page_shows_the_sum_of_each_reason_and_each_opens(app, browser_as, bare_app):
    with bare_app.app_context():
        take(
            row(1, amount=Money.yuan("100"), division_code="150600"),
            row(2, amount=Money.yuan("40"), division_code="150600"),
            row(
                3,
                contractor_code=OTHER,
                contractor_kind="企业",
                amount=Money.yuan("60.50"),
                division_code="150600",
            ),
            row(4, service_key="V", is_venture=True, amount=Money.yuan("7.77"), division_code="150600"),
            row(5, service_key="N", public_service=False, amount=Money.yuan("2"), division_code="150600"),
        )
    clerk = browser_as("finance")
    asked = "division=150600&year=2025&view=own"
    page = clerk.get(f"/ratio/contracts?{asked}").click(href="/ratio/reasons")
    text = " ".join(page.html.main.get_text(" ").split())
    # In scope 100.00 + 40.00 + 60.50, of them 140.00 count; out of scope 7.77 + 2.00.
    for sums in ("2 140.00 140.00", "1 60.50 0.00", "3 200.50 140.00", "1 7.77", "1 2.00", "2 9.77"):
        assert sums in text, (sums, text)
    assert page.html.find(id="outside-sum").get_text() == "9.77"
    for link in page.html.select("#sums a.figure-link"):
        shown = clerk.get(link["href"])
        assert shown.status_int == 200 and shown.html.select("tbody tr")
    show = clerk.get(f"/ratio/?{asked}")
    cell = show.html.select_one("[hx-select='#outside-sum']")
    assert clerk.get(cell["hx-get"]).html.find(id="outside-sum").get_text() == "9.77"
    assert judging("150600", 2025).year == 2025


def test_a_level_without_contracts_of_the_year_has_nothing_to_freeze(app):
    last = clock.today().year - 1
    take(row(1, fiscal_year=last - 1, division_code="150600", signed_on=date(last - 1, 3, 1)))
    assert years_due(world.user("finance")) == []
    take(row(2, fiscal_year=last, division_code="150602", signed_on=date(last, 3, 1)))
    assert years_due(world.user("finance")) == []
    take(row(3, fiscal_year=last, division_code="150600", signed_on=date(last, 3, 1)))
    assert [item[:2] for item in years_due(world.user("finance"))] == [("150600", last)]
