"""The frozen figure as an official table."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from core.web import charts, drawing
from finance.contracts.queries import division_labels
from finance.snapshots.models import REASONS, RatioSnapshot
from finance.snapshots.queries import Frozen, frozen


def document_facts(snapshot: RatioSnapshot) -> dict[str, Any]:
    """The context of templates/snapshots/document.html: the frozen figure as an official table."""
    found = frozen(snapshot)
    codes = {snapshot.division_code, *(division for division, _figure, _threshold in found.levels)}
    labels = division_labels(codes)
    return {
        "snapshot": snapshot,
        "frozen": found,
        "own": found.figure("own"),
        "own_venture": found.figure("own_with_venture"),
        "rollup": found.figure("rollup"),
        "levels": found.levels,
        "labels": labels,
        "chart": _levels_chart(found, labels),
        "REASONS": REASONS,
    }


def _levels_chart(found: Frozen, labels: dict[str, str]) -> charts.Chart | None:
    """The frozen ratios against the threshold; levels held to another threshold stand in the table alone."""
    if not drawing.available():
        return None
    shown = [(_("Own level"), found.figure("own").ratio), (_("Rolled up"), found.figure("rollup").ratio)]
    shown += [
        (labels.get(division, division), figure.ratio)
        for division, figure, threshold in found.levels
        if division != found.snapshot.division_code and threshold == found.threshold
    ]
    known = [(label, ratio) for label, ratio in shown if ratio is not None]
    if not known:
        return None
    return charts.bars(
        _("Share of social organizations"),
        charts.PERCENT,
        [label for label, _ratio in known],
        [charts.Series("", [ratio for _label, ratio in known])],
        horizontal=True,
        threshold=charts.Threshold(found.threshold, _("Threshold")),
        head=_("Level"),
    )
