"""Scenes of the 30% figure: a frozen year, a year below with its reason, a published one, rules on their way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from app.demo.stage import TEXTS, Stage, credit_code
from app.demo.story import on, paper
from app.rulebook.families import FAMILIES
from app.rulebook.models import RuleDraft
from app.rulebook.services import draft_change, take_step
from core import clock
from core.files.services import store
from core.money import Money
from core.rules.services import add_rule_set
from finance.contracts.queries import purchase_rows
from finance.contracts.rules import with_correction
from finance.evidence.queries import rows_of_services
from finance.exceptions.services import decide_override, propose_override
from finance.figures.queries import figures
from finance.purchasing.services import import_purchases
from finance.ratios.services import look_at_quarter
from finance.snapshots.models import RatioSnapshot
from finance.snapshots.services import freeze
from finance.snapshots.services import take_step as take_ratio_step

# The first year of the imported table; the two years after it have a year to compare with.
FIRST_YEAR = 2024
WORDS = TEXTS["ratio"]


def set_ratio(stage: Stage) -> None:
    """After the contracts are there: the last days of the story."""
    today = clock.today()
    with on(today - timedelta(days=40)):
        add_rule_set(
            "R30", {"threshold": "3/10"}, valid_from=date(FIRST_YEAR, 1, 1), source=WORDS["first_source"],
            jurisdiction="150600",
        )  # fmt: skip
    _cleaning(stage, today)
    _years(stage, today)
    _rules(stage, today)
    _exceptions(stage, today)
    with on(today - timedelta(days=1), 7):
        look_at_quarter()


def _cleaning(stage: Stage, today: date) -> None:
    """Street cleaning goes to a company and grows: the street lies below the threshold, last year and this year."""
    with on(today - timedelta(days=39)):
        street = stage.agencies["urban"]
        company = next(
            row
            for row in purchase_rows("150600", FIRST_YEAR + 1)
            if row.contractor_kind == WORDS["company_kind"]
        )
        rows = [
            replace(
                company,
                contract_no=f"{year}-GM-900",
                fiscal_year=year,
                division_code=street.division_code,
                purchaser=street.name,
                service_key="U-90",
                service_name=WORDS["cleaning"],
                amount=Money.yuan(amount),
                cancelled_amount=Money(0),
                signed_on=date(year, 3, 2),
            )
            for year, amount in ((FIRST_YEAR + 1, 4_600_000), (FIRST_YEAR + 2, 9_800_000))
        ]
        import_purchases(
            rows, file_name=WORDS["cleaning_file"], sha256="1" * 64, by=stage.people["urban_finance"]
        )


def _freeze(stage: Stage, who: str, division: str, year: int, day: date) -> RatioSnapshot:
    """Freeze a year, with the reason where it lies below."""
    with on(day):
        below = figures(division, year).figures["own"].status == "below"
        clerk = stage.people[who]
        return freeze(
            division,
            year,
            by=clerk,
            reason="base" if below else "",
            reason_text=WORDS["reason"] if below else "",
            reason_file=store(*paper("proof", 7), by=clerk) if below else None,
        )


def _years(stage: Stage, today: date) -> None:
    """The city: one year published and corrected since, one waiting for publication; a street waits for review."""
    published = _freeze(stage, "finance", "150600", FIRST_YEAR + 1, today - timedelta(days=24))
    with on(today - timedelta(days=23)):
        take_ratio_step(published, "review", by=stage.people["finreview"])
    with on(today - timedelta(days=21)):
        take_ratio_step(published, "publish", by=stage.people["leader"])
    first = _freeze(stage, "finance", "150600", FIRST_YEAR, today - timedelta(days=20))
    with on(today - timedelta(days=19)):
        take_ratio_step(first, "review", by=stage.people["finreview"])
    rough = _freeze(stage, "urban_finance", "150602001", FIRST_YEAR + 1, today - timedelta(days=18))
    with on(today - timedelta(days=17)):
        take_ratio_step(rough, "withdraw", by=stage.people["urban_leader"], note=WORDS["withdrawn"])
    _freeze(stage, "urban_finance", "150602001", FIRST_YEAR + 1, today - timedelta(days=16))
    with on(today - timedelta(days=12)):
        found = figures("150600", FIRST_YEAR + 1)
        (row, *_others) = rows_of_services(
            found, [("150600", stage.agencies["city"].name, ("key", "A-02"))], "own", years=[FIRST_YEAR + 1]
        )
        corrected = with_correction(row.row, row.row.amount.split([1, 9])[0])
        import_purchases(
            [corrected], file_name=WORDS["correction"], sha256="0" * 64, by=stage.people["finance"]
        )


def _change(stage: Stage, code: str, who: str, day: date, valid_from: date, **values: object) -> RuleDraft:
    family = FAMILIES[code]
    now = {item.name: family.defaults[item.name] for item in family.parameters}
    source, reason = WORDS["changes"][code]
    with on(day):
        return draft_change(
            stage.agencies["city"],
            family,
            {**now, **values},
            valid_from=valid_from,
            source=source,
            reason=reason,
            by=stage.people[who],
        )


def _rules(stage: Stage, today: date) -> None:
    """One rule in force from the next year on, one reviewed, one drafted, one withdrawn."""
    next_year = date(today.year + 1, 1, 1)
    higher = _change(
        stage, "R30", "finance", today - timedelta(days=15), next_year, threshold="7/20",
        excluded_catalogue=["B"],
    )  # fmt: skip
    with on(today - timedelta(days=14)):
        take_step(higher, "review", by=stage.people["finreview"])
    with on(today - timedelta(days=13)):
        take_step(higher, "approve", by=stage.people["leader"])
    reviewed = _change(stage, "REL", "clerk", today - timedelta(days=9), next_year, registered_months=24)
    with on(today - timedelta(days=8)):
        take_step(reviewed, "review", by=stage.people["reviewer"])
    _change(stage, "REX", "clerk", today - timedelta(days=4), next_year, panel_size=7)
    dropped = _change(stage, "RPC", "finance", today - timedelta(days=6), next_year, ratio_due="04-30")
    with on(today - timedelta(days=5)):
        take_step(dropped, "withdraw", by=stage.people["leader"], note=WORDS["withdrawn"])
    _change(stage, "R30", "finance", today - timedelta(days=3), next_year + timedelta(days=365), threshold="2/5",
            excluded_catalogue=["B"])  # fmt: skip


def _exceptions(stage: Stage, today: date) -> None:
    """One contractor that does not count here by decision, one proposal that waits."""
    for place, (name, counts, decided) in enumerate(WORDS["exceptions"]):
        with on(today - timedelta(days=11 - place)):
            proposal = propose_override(
                stage.agencies["city"],
                code=credit_code("51" if not counts else "12", "150600", 700 + place),
                contractor=name,
                counts=counts,
                reason=WORDS["exception"],
                by=stage.people["finance"],
            )
        if decided:
            with on(today - timedelta(days=9)):
                decide_override(proposal, confirmed=True, by=stage.people["finreview"])
