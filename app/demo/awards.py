"""Brands and awards of the demonstration world that calls ask for or give points for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from app.demo.stage import WORLD, Stage
from app.demo.story import on
from registry.particulars.services import record_honour, revoke_honour

WORDS = WORLD["awards"]
# What the round of the year gives points for, and what the township asks for.
BONUS: dict[str, Any] = {
    "bonus_kind": "award", "bonus_years": 3, "bonus_province": 3, "bonus_city": 2, "bonus_county": 1, "bonus_cap": 4,
}  # fmt: skip
ASKED: dict[str, Any] = {"award_kind": "award", "award_level": "township", "award_years": 3}
# Place of the organization, level, days before the opening.
GIVEN = (
    (9, "city", 200), (9, "county", 400), (11, "province", 500), (11, "city", 300), (12, "city", 2000), (14, "township", 90),
)  # fmt: skip
REVOKED = 13


def give_awards(stage: Stage, opens: date) -> None:
    """Awards given before a call opened: such that count, one too old, and one that was taken back."""
    clerk = stage.people["clerk"]
    with on(opens - timedelta(days=20)):
        for place, level, days in GIVEN:
            record_honour(
                stage.organizations[place], kind="award", title=WORDS["title"][level], level=level,
                given_by=WORDS["giver"][level], given_on=opens - timedelta(days=days), document=WORDS["document"], by=clerk,
            )  # fmt: skip
        taken = record_honour(
            stage.organizations[REVOKED], kind="award", title=WORDS["title"]["city"], level="city",
            given_by=WORDS["giver"]["city"], given_on=opens - timedelta(days=200), document=WORDS["document"], by=clerk,
        )  # fmt: skip
    with on(opens - timedelta(days=15)):
        revoke_honour(taken, revoked_on=opens - timedelta(days=15), reason=WORDS["reason"], by=clerk)
