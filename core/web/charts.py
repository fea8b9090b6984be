"""Charts: one ECharts option made here is drawn in the page, and as a picture where no script runs.

A room gives values with their measure and gets a :class:`Chart`; ``templates/components/chart.html``
shows it with its table. Colours and the font are named by the tokens of ``static/css/tokens.css``
(``--chart-1``) and looked up where the chart is drawn. An option holds data alone, no functions, so that
it may stand in a page under the content policy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flask import url_for
from flask_babel import gettext
from markupsafe import Markup

from core.money import Money, percent, percent_against
from core.text import N_
from core.web import drawing, words
from core.web.urls import carried

COLOURS = 6
# Beyond these many values the words above bars and points would touch.
MOST_WORDS = 16
Value = Money | Fraction | int | None


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured: its unit (an English id), the number that is drawn and how a value is written.

    The number is a float for the drawing alone; what people read comes from ``write``. ``short`` is what
    fits beside a bar: the table beside the chart has the exact value.
    """

    unit: str
    number: Callable[[Any], float]
    write: Callable[[Any], str]
    tick: str = "{value}"
    short: Callable[[Any], str] | None = None


def _short_wan(value: Money) -> str:
    """万元 to two digits, rounded half up."""
    hundredths = (abs(value.fen) + 5_000) // 10_000
    sign = "−" if value.fen < 0 and hundredths else ""
    return f"{sign}{hundredths // 100:,}.{hundredths % 100:02d}"


YUAN = Measure(N_("yuan"), lambda value: value.fen / 100, words.yuan)
WAN = Measure(N_("ten thousand yuan"), lambda value: value.fen / 1_000_000, words.wan, short=_short_wan)
COUNT = Measure("", float, lambda value: f"{value:,}")
# A ratio (``Fraction``) as percent.
PERCENT = Measure("%", lambda value: float(value * 100), percent, tick="{value}%")


@dataclass(frozen=True, slots=True)
class Series:
    """One value for each label (``None``: none is known). ``urls`` lead to the rows behind each value."""

    name: str
    values: Sequence[Value]
    urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line that values are compared with; ``label`` names it and is followed by its value."""

    value: Value
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart to be shown by ``components/chart.html``; ``height`` in CSS pixels."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    measure: Measure
    option: dict[str, Any]
    height: int
    threshold: Threshold | None = None
    head: str = ""

    @property
    def unit(self) -> str:
        return words.say(self.measure.unit)

    def text(self, value: Value) -> str:
        """A value as people read it; a ratio below its threshold never shows as met."""
        return _text(self.measure, value, self.threshold)

    @property
    def words(self) -> str:
        """The chart in a sentence, for those who hear it."""
        parts = []
        for series in self.series:
            said = gettext(", ").join(
                gettext("%(label)s %(value)s", label=label, value=self.text(value))
                for label, value in zip(self.labels, series.values, strict=True)
            )
            parts.append(
                gettext("%(name)s: %(values)s", name=series.name, values=said) if series.name else said
            )
        if self.threshold is not None:
            parts.append(_threshold_words(self.measure, self.threshold))
        title = gettext("%(label)s (%(unit)s)", label=self.title, unit=self.unit) if self.unit else self.title
        return gettext("%(name)s: %(values)s", name=title, values=gettext("; ").join(parts))

    @property
    def json(self) -> str:
        return _json(self.option)

    @property
    def library(self) -> str:
        """The address of the script that draws; "" where it is not installed."""
        return carried("echarts.js")

    @property
    def picture_url(self) -> str:
        """The same chart as a picture (SVG), for the viewer alone: the address is signed and holds the option."""
        return url_for("web.chart", of=drawing.sign(self.still, self.height)) if drawing.available() else ""

    @property
    def still(self) -> dict[str, Any]:
        """The option without what only a pointer meets."""
        return _still({key: value for key, value in self.option.items() if key != "tooltip"})

    def svg(self, *, width: int = drawing.WIDTH, font: str | None = None) -> Markup:
        """The chart as an SVG element, for printed documents; ``font`` is a family the document carries."""
        return Markup(drawing.svg(_json(self.still), width, self.height, font))


def bars(
    title: str,
    measure: Measure,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    stacked: bool = False,
    horizontal: bool = False,
    threshold: Threshold | None = None,
    head: str = "",
) -> Chart:
    """Bars: upright for a series in time, ``horizontal`` for named parts; ``stacked`` when series add up.

    ``head`` names the labels in the table (what a row is), such as "Year".
    """
    count = len(labels) * (1 if stacked else len(series))
    with_words = not stacked and (horizontal or count <= MOST_WORDS)
    made = []
    for place, one in enumerate(series):
        item = _series(measure, one, place, threshold, "bar")
        item["barMaxWidth"] = 18 if horizontal else 40
        item["barGap"] = "20%"
        if stacked:
            item["stack"] = "all"
        if with_words:
            item["label"] = {**_LABEL, "show": True, "position": "right" if horizontal else "top"}
        made.append(item)
    told = horizontal and with_words
    value_axis = _value_axis(measure, shown=not told)
    name_axis = _name_axis(labels)
    if horizontal:
        beside = {**_QUIET, "color": "--ink", "width": 128, "overflow": "break"}
        name_axis |= {"inverse": True, "axisLabel": beside}
    option = _frame(made, threshold, measure, across=horizontal)
    option |= (
        {"xAxis": value_axis, "yAxis": name_axis} if horizontal else {"xAxis": name_axis, "yAxis": value_axis}
    )
    option["tooltip"] = {**_TOOLTIP, "trigger": "axis", "axisPointer": {"type": "shadow"}}
    several = _legend(option, series)
    height = (
        (len(labels) * (34 if stacked or len(series) == 1 else 14 + 22 * len(series)) + 24)
        if horizontal
        else 240
    )
    return Chart(title, labels, series, measure, option, height + several, threshold, head)


def lines(
    title: str,
    measure: Measure,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    threshold: Threshold | None = None,
    head: str = "",
) -> Chart:
    """Lines over time; a gap where a value is not known. ``threshold`` is drawn as a dotted line."""
    made = []
    for place, one in enumerate(series):
        item = _series(measure, one, place, threshold, "line")
        item |= {
            "symbol": "circle",
            "symbolSize": 7,
            "lineStyle": {
                "width": 2.5 if place == 0 else 2,
                "color": f"--chart-{place % COLOURS + 1}",
                "type": "solid" if place == 0 else "dashed",
            },
        }
        if place == 0 and len(labels) <= MOST_WORDS:
            item["label"] = {**_LABEL, "show": True, "position": "top"}
        made.append(item)
    option = _frame(made, threshold, measure)
    option["xAxis"] = {**_name_axis(labels), "boundaryGap": len(labels) < 9}
    option["yAxis"] = _value_axis(measure)
    option["tooltip"] = {**_TOOLTIP, "trigger": "axis", "axisPointer": {"type": "line"}}
    several = _legend(option, series)
    return Chart(title, labels, series, measure, option, 240 + several, threshold, head)


def parts(
    title: str,
    measure: Measure,
    labels: Sequence[str],
    values: Sequence[Value],
    *,
    urls: Sequence[str] = (),
    total: Value = None,
    head: str = "",
) -> Chart:
    """A ring of up to six parts of a whole; ``total`` is written in its middle. More parts belong in bars."""
    series = Series("", values, urls)
    item = _series(measure, series, 0, None, "pie")
    for place, (part, label) in enumerate(zip(item["data"], labels, strict=True)):
        part["name"] = label
        part["itemStyle"] = {"color": f"--chart-{place % COLOURS + 1}"}
        part["label"] = {"formatter": f"{label}\n{part['label']['formatter']}"}
    del item["itemStyle"]
    item |= {
        "radius": ["42%", "62%"],
        "center": ["50%", "50%"],
        "label": {**_LABEL, "show": True, "fontWeight": "normal", "width": 84, "overflow": "break"},
        "labelLine": {"length": 10, "length2": 8, "lineStyle": {"color": "--rule-strong"}},
    }
    option: dict[str, Any] = {**_BASE, "series": [item], "tooltip": {**_TOOLTIP, "trigger": "item"}}
    if total is not None:
        option["title"] = {
            "text": (measure.short or measure.write)(total),
            "left": "center",
            "top": "middle",
            "textStyle": {"color": "--ink", "fontSize": 14, "fontWeight": 600, "fontFamily": "--font"},
        }
    return Chart(title, labels, [series], measure, option, 240, None, head)


_BASE: dict[str, Any] = {"animation": False, "textStyle": {"fontFamily": "--font"}}
_QUIET: dict[str, Any] = {"color": "--ink-quiet", "fontSize": 12, "fontFamily": "--font"}
# ECharts draws a border around words on colours; in a picture it would cover the next word.
_LABEL: dict[str, Any] = {
    "color": "--ink", "fontSize": 12, "fontWeight": 600, "fontFamily": "--font", "textBorderWidth": 0,
}  # fmt: skip
_TOOLTIP: dict[str, Any] = {
    "renderMode": "richText",
    "confine": True,
    "backgroundColor": "--raise",
    "borderColor": "--rule-strong",
    "textStyle": {"color": "--ink", "fontSize": 12, "fontFamily": "--font"},
}


def _frame(
    series: list[dict[str, Any]], threshold: Threshold | None, measure: Measure, *, across: bool = False
) -> dict[str, Any]:
    grid = {"left": 4, "right": 56 if across else 12, "top": 4 if across else 24, "bottom": 4}
    option: dict[str, Any] = {**_BASE, "series": series, "grid": grid}
    if threshold is not None and threshold.value is not None:
        series[0]["markLine"] = {
            "silent": True,
            "symbol": "none",
            "animation": False,
            "lineStyle": {"color": "--wrong", "type": "dotted", "width": 1.5},
            "label": {"show": False},
            "data": [{"xAxis" if across else "yAxis": measure.number(threshold.value)}],
        }
        # Its name stands above, where it covers no value.
        option["title"] = {
            "text": _threshold_words(measure, threshold),
            "right": 0,
            "top": -4,
            "textStyle": {"color": "--wrong", "fontSize": 12, "fontWeight": "normal", "fontFamily": "--font"},
        }
        grid["top"] = 40
    return option


def _value_axis(measure: Measure, *, shown: bool = True) -> dict[str, Any]:
    return {
        "type": "value",
        "axisLabel": {**_QUIET, "formatter": measure.tick, "show": shown},
        "splitLine": {"show": shown, "lineStyle": {"color": "--chart-grid"}},
        "splitNumber": 4,
    }


def _name_axis(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": list(labels),
        "axisLabel": _QUIET,
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": "--rule-strong"}},
    }


def _legend(option: dict[str, Any], series: Sequence[Series]) -> int:
    """Names of several series above the drawing; how much height they take."""
    if len(series) < 2:
        return 0
    option["legend"] = {
        "left": 0,
        "top": 0,
        "itemWidth": 12,
        "itemHeight": 12,
        "itemGap": 16,
        "textStyle": {**_QUIET, "color": "--ink-soft"},
    }
    option["grid"]["top"] = 48
    return 24


def _series(
    measure: Measure, series: Series, place: int, threshold: Threshold | None, kind: str
) -> dict[str, Any]:
    data = []
    urls = series.urls or [""] * len(series.values)
    for value, url in zip(series.values, urls, strict=True):
        text = _text(measure, value, threshold)
        item: dict[str, Any] = {"value": None if value is None else measure.number(value), "words": text}
        if value is not None:
            item["label"] = {"formatter": measure.short(value) if measure.short else text}
        if url:
            item["url"] = url
        data.append(item)
    return {
        "type": kind,
        "name": series.name,
        "data": data,
        "itemStyle": {"color": f"--chart-{place % COLOURS + 1}"},
        "emphasis": {"disabled": True},
    }


def _text(measure: Measure, value: Value, threshold: Threshold | None) -> str:
    if value is None:
        return "—"
    if threshold is not None and isinstance(value, Fraction) and isinstance(threshold.value, Fraction):
        return percent_against(value, threshold.value)
    return measure.write(value)


def _threshold_words(measure: Measure, threshold: Threshold) -> str:
    return gettext("%(label)s %(value)s", label=threshold.label, value=measure.write(threshold.value))


def _json(option: dict[str, Any]) -> str:
    return json.dumps(option, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _still(item) for key, item in value.items() if key not in ("url", "words")}
    return [_still(item) for item in value] if isinstance(value, list) else value
