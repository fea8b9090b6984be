"""Charts: what is drawn, what is read out and what stands in the table are the same figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from html import unescape
from xml.etree import ElementTree

from flask import Flask, url_for
from flask.testing import FlaskClient
from flask_babel import force_locale

from core.money import Money
from core.web import charts, drawing

FIELDS = ["为老服务", "<script>alert('儿童')</script>", "社区 & 调解"]
PAID = [Money.yuan(6200), Money.yuan("11800.37"), Money(0)]


def _words(svg: str) -> list[str]:
    return [
        "".join(node.itertext())
        for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_a_picture_holds_every_label_and_value_and_no_mark_up_of_theirs(bare_app: Flask) -> None:
    with bare_app.test_request_context():
        chart = charts.bars("钱去了哪里", charts.YUAN, FIELDS, [charts.Series("", PAID)], horizontal=True)
        svg = str(chart.svg())
    said = _words(svg)
    assert {"为老服务", "6,200.00", "11,800.37", "0.00"} <= set(said)
    assert "<script" not in svg and "--chart" not in svg and "<style" not in svg
    assert drawing.tokens()["--chart-1"] in svg


def test_a_miss_is_never_drawn_or_told_as_met(bare_app: Flask) -> None:
    ratios = [Fraction(2_999_999, 10_000_000), None, Fraction(3, 10)]
    with bare_app.test_request_context(), force_locale("en"):
        chart = charts.lines(
            "Ratio", charts.PERCENT, ["2024", "2025", "2026"], [charts.Series("Own", ratios)],
            threshold=charts.Threshold(Fraction(3, 10), "Threshold"),
        )  # fmt: skip
        assert "29.99999%" in _words(str(chart.svg())) and "30.00%" in _words(str(chart.svg()))
        assert chart.words == "Ratio (%): Own: 2024 29.99999%, 2025 —, 2026 30.00%; Threshold 30.00%"
    assert chart.option["series"][0]["data"][1]["value"] is None


def test_a_stack_adds_up_and_a_ring_names_its_parts(bare_app: Flask) -> None:
    with bare_app.test_request_context():
        stacked = charts.bars(
            "t", charts.WAN, FIELDS, [charts.Series("a", PAID), charts.Series("b", PAID)], stacked=True
        )
        ring = charts.parts("t", charts.WAN, FIELDS, PAID, total=sum(PAID, Money(0)))
    assert [item["stack"] for item in stacked.option["series"]] == ["all", "all"]
    assert [part["value"] for part in ring.option["series"][0]["data"]] == [0.62, 1.180037, 0]
    assert "1.80" in _words(str(ring.svg()))


def test_the_page_carries_the_option_the_words_and_the_table(bare_app: Flask) -> None:
    page = bare_app.test_client().get("/dev/components").text
    option = json.loads(unescape(page.split('data-option="')[1].split('"')[0]))
    assert option["series"][0]["type"] == "bar"
    table = page.split('class="more chart__table"')[1].split("</details>")[0]
    assert all(item["words"] in table for item in option["series"][0]["data"])
    assert 'role="img" aria-label="Paid by month (ten thousand yuan): 01 0.00' in page
    assert re.search(r'<noscript><img class="chart__picture" src="/chart\.svg\?of=', page)


def test_a_picture_is_for_who_was_shown_it(bare_app: Flask, client_as: Callable[[str], FlaskClient]) -> None:
    with bare_app.test_request_context():
        chart = charts.bars("t", charts.COUNT, ["a"], [charts.Series("", [3])])
        address = chart.picture_url
        assert address == chart.picture_url
        foreign = url_for("web.chart", of=f"x{address.split('of=')[1]}")
    stranger = bare_app.test_client()
    answer = stranger.get(address)
    assert answer.status_code == 200 and answer.mimetype == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "3" in _words(answer.text)
    assert stranger.get(foreign).status_code == 404
    assert stranger.get("/chart.svg").status_code == 404
