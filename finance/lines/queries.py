"""Which caps of budget lines hold for a programme in a place."""

from __future__ import annotations

from datetime import date

from core.rules.queries import Parameters, parameters
from finance.funds.rules import COFUNDING_DEFAULTS
from finance.lines.rules import LINE_DEFAULTS, PROGRAMME_DEFAULTS


def caps(*, jurisdiction: str, programme: str, on: date) -> Parameters:
    """The RBL parameters in force: defaults of the programme under every rule set of the place."""
    defaults = {**LINE_DEFAULTS, **COFUNDING_DEFAULTS, **PROGRAMME_DEFAULTS.get(programme, {})}
    return parameters("RBL", defaults, on=on, jurisdiction=jurisdiction, programme=programme)
