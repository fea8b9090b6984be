"""The books in the demonstration world: closed months, one opened again, one that waits, opening balances,
a line of the mapping to confirm, columns of a file."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from finance.books.policy import Row
from finance.books.queries import findings_for
from finance.books.services import ask_to_open, close_months, close_year, drop, open_again, read_in, take
from finance.disbursements.services import confirm_payee_account, record_payee_account
from finance.exports.rules import DEFAULTS, FIELDS, INTEGRATION, Entry
from finance.exports.services import confirm_rule, propose_rule, set_layout
from finance.ledger.models import Period

WORDS = TEXTS["books"]


def tell_books(stage: Stage) -> None:
    """To be told last: nothing else of the story may fall into a month that is closed here."""
    yesterday = clock.today() - timedelta(days=1)
    with on(yesterday, 9):
        _mapping(stage)
    with on(yesterday, 15):
        months = _closed(stage)
    if len(months) > 1:
        with on(yesterday, 16):
            _reopened(stage, months)


def tell_openings(stage: Stage) -> None:
    """To be told before the township office pays anything here."""
    with on(clock.today() - timedelta(days=1), 9):
        _openings(stage)


def _openings(stage: Stage) -> None:
    """A township office that begins to work here: one table brought in, one waiting, one set aside."""
    unit, reader, taker = (
        stage.agencies["urban"],
        stage.people["urban_finance"],
        stage.people["urban_finreview"],
    )
    year = clock.today().year
    payee = stage.organizations[-2]
    account = record_payee_account(
        payee,
        account_name=payee.name,
        bank=TEXTS["bank"],
        number="6228480000009017",
        by=stage.people["finance"],
    )
    confirm_payee_account(account, by=stage.people["finreview"])
    rows = [
        Row(
            row=2, record="budget", source=WORDS["source"], fiscal_year=year, amount=20_000_000,
            source_kind="welfare_lottery_fund", tier="county", document_number=f"示东财社〔{year}〕6号",
            function_code="2296002", economic_code="50205",
        ),
        Row(
            row=3, record="spent", source=WORDS["source"], fiscal_year=year, amount=3_200_000, purpose="elderly",
            title=WORDS["spent"],
        ),
    ]  # fmt: skip
    shared = {
        "record": "tranche", "source": WORDS["source"], "fiscal_year": year, "purpose": "elderly",
        "number": f"示城街〔{year}〕01-HT", "title": WORDS["project"],
        "organization_code": payee.credit_code or "", "track": "venture_grant",
        "starts_on": date(year, 1, 10).isoformat(), "ends_on": date(year, 12, 20).isoformat(),
    }  # fmt: skip
    rows += [
        Row(
            row=4, amount=3_000_000, tranche_title=WORDS["first"], condition="signed",
            paid_on=date(year, 1, 20).isoformat(), voucher_number=f"示凭{year}0017",
            account_last_four=account.last_four, **shared,
        ),
        Row(row=5, amount=2_000_000, tranche_title=WORDS["last"], condition="final_passed", **shared),
    ]  # fmt: skip
    opening = read_in(
        unit,
        [row.to_dict() for row in rows],
        file_name=WORDS["file"],
        sha256=_digest(WORDS["file"]),
        by=reader,
    )
    take(opening, by=taker)
    for name in (WORDS["wrong_file"], WORDS["second_file"]):
        later = [
            Row(
                row=2, record="budget", source=WORDS["second_source"], fiscal_year=year, amount=5_000_000,
                source_kind="community_subsidy", document_number=f"示东财预〔{year}〕19号", function_code="2080208",
            )
        ]  # fmt: skip
        waiting = read_in(
            unit, [row.to_dict() for row in later], file_name=name, sha256=_digest(name), by=reader
        )
        if name == WORDS["wrong_file"]:
            drop(waiting, by=reader)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _mapping(stage: Stage) -> None:
    """One line that two people agreed on, one that waits, and a file with columns of the unit's own."""
    city, finance = stage.agencies["city"], stage.people["finance"]
    own = Entry("5001.02", WORDS["expense"], *_credit("payable>paid", "financial"), WORDS["basis"])
    agreed = propose_rule(city, movement="payable>paid", book="financial", entry=own, by=finance)
    confirm_rule(agreed, by=stage.people["finreview"])
    budget = Entry("7101.02", WORDS["budget_expense"], *_credit("payable>paid", "budget"), WORDS["basis"])
    propose_rule(city, movement="payable>paid", book="budget", entry=budget, by=finance)
    standard = [(heading, name, "") for name, heading in FIELDS[INTEGRATION].items()]
    set_layout(
        city, INTEGRATION, [*standard[:6], (WORDS["column"], "", WORDS["fixed"]), *standard[6:]], by=finance
    )


def _credit(movement: str, book: str) -> tuple[str, str]:
    entry = DEFAULTS[movement, book]
    return entry.credit_code, entry.credit_name


def _closed(stage: Stage) -> list[Period]:
    """The bureau closes as far as its payments are answered, and every year that is complete."""
    city, finance = stage.agencies["city"], stage.people["finance"]
    month = clock.today().replace(day=1)
    for _place in range(12):
        month = clock.add_months(month, -1)
        if all(item.verdict.value == "pass" for item in findings_for(city.id, month)):
            months = close_months(city, month, by=finance)
            for year in sorted({row.month.year for row in months}):
                if sum(row.month.year == year for row in months) == 12 and year < month.year:
                    close_year(city, year, by=finance)
            return months
    return []


def _reopened(stage: Stage, months: list[Period]) -> None:
    """The newest closed month was opened again by two people; for the one before it somebody asks."""
    finance, reviewer = stage.people["finance"], stage.people["finreview"]
    ask_to_open(months[-1], reason=WORDS["reason"], by=finance)
    open_again(months[-1], by=reviewer)
    if months[-2].month.year == months[-1].month.year:
        ask_to_open(months[-2], reason=WORDS["second_reason"], by=finance)
