"""Reading tier-year accounts, disclosures and notices, and the figures of the ledger behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, join, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.money import Money
from finance.announcements import rules
from finance.announcements.models import LotteryNotice, ProjectDisclosure
from finance.commitments.models import Commitment, CommitmentShare
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.rules import LOTTERY
from finance.ledger.models import Account, Posting, Transfer
from finance.ledger.queries import name_owners
from finance.lottery.models import LotteryYear
from finance.lottery.queries import ZERO, accounts_by_year, lottery_rules
from finance.lottery.rules import notice_due
from registry.agencies.models import Agency


def tier_labels(agency_id: int) -> dict[str, FundSource]:
    """The lottery funds of a unit by the name their tier has in a notice; tiers are kept apart."""
    sources = list(
        db.session.scalars(
            select(FundSource)
            .where(FundSource.kind == LOTTERY, FundSource.agency_id == agency_id)
            .order_by(FundSource.id)
        )
    )
    tiers = [source.tier for source in sources]
    return {
        rules.TIER_TERMS[source.tier]
        if tiers.count(source.tier) == 1
        else f"{rules.TIER_TERMS[source.tier]}·{source.name}": source
        for source in sorted(sources, key=lambda item: (list(rules.TIER_TERMS).index(item.tier), item.id))
    }


# What was spent, from the ledger ----------------------------------------------------------------


def booked_between(first: date, last: date) -> ColumnElement[bool]:
    """Transfers whose day in the books lies between two days (both included)."""
    return or_(
        and_(Transfer.booked_on.is_not(None), Transfer.booked_on.between(first, last)),
        and_(
            Transfer.booked_on.is_(None),
            Transfer.posted_at >= clock.at_local(first),
            Transfer.posted_at < clock.at_local(last + timedelta(days=1)),
        ),
    )


def year_of(fiscal_year: int) -> ColumnElement[bool]:
    return booked_between(date(fiscal_year, 1, 1), date(fiscal_year, 12, 31))


def _paid_postings(*columns: Any) -> Select[Any]:
    """Postings on the paid accounts of lottery money, with what they belong to."""
    return (
        select(*columns)
        .select_from(Posting)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .join(Account, Account.id == Posting.account_id)
        .join(CommitmentShare, CommitmentShare.id == Account.owner_id)
        .join(Earmark, Earmark.id == CommitmentShare.earmark_id)
        .join(Budget, Budget.id == Earmark.budget_id)
        .where(Account.owner_type == "commitment_share", Account.kind == "paid")
    )


def money_sum(value: Any) -> Money:
    return value if isinstance(value, Money) else Money(int(value or 0))


def spent_in_year(source_id: int, fiscal_year: int) -> Money:
    """What left the tier in a year, net of what came back: from the ledger alone, never entered."""
    total = db.session.scalar(
        _paid_postings(func.sum(Posting.amount)).where(
            Budget.fund_source_id == source_id, year_of(fiscal_year)
        )
    )
    return money_sum(total)


@dataclass(frozen=True, slots=True)
class Spending:
    """What one commitment took from a tier in a year."""

    commitment: Commitment
    purpose: str
    amount: Money


def spending_rows(source_id: int, fiscal_year: int) -> list[Spending]:
    """The spending of a tier's year by commitment and purpose, the largest first."""
    found = db.session.execute(
        _paid_postings(CommitmentShare.commitment_id, Earmark.purpose, func.sum(Posting.amount))
        .where(Budget.fund_source_id == source_id, year_of(fiscal_year))
        .group_by(CommitmentShare.commitment_id, Earmark.purpose)
    ).all()
    names = commitments_by_id({row[0] for row in found})
    rows = [Spending(names[number], purpose, money_sum(amount)) for number, purpose, amount in found]
    return sorted((row for row in rows if row.amount), key=lambda row: (-row.amount.fen, row.commitment.id))


def commitments_by_id(ids: set[int]) -> dict[int, Commitment]:
    return {
        row.id: row
        for row in db.session.scalars(
            select(Commitment).where(Commitment.id.in_(ids)).options(joinedload(Commitment.organization))
        )
    }


@dataclass(frozen=True, slots=True)
class TierYear:
    """The account of one tier in one year; ``entered`` is ``None`` where nobody wrote anything yet."""

    source: FundSource
    fiscal_year: int
    entered: LotteryYear | None
    before: LotteryYear | None
    spent: Money

    @property
    def opening(self) -> Money | None:
        return self.entered.opening if self.entered else None

    @property
    def raised(self) -> Money | None:
        return self.entered.raised if self.entered else None

    @property
    def closing(self) -> Money | None:
        """As entered; what the figures give is ``computed``."""
        return self.entered.closing if self.entered else None

    @property
    def computed(self) -> Money | None:
        if self.opening is None or self.raised is None:
            return None
        return self.opening + self.raised - self.spent

    @property
    def from_carry_over(self) -> Money:
        """How much of the spending is above the year's income and so comes from what was carried over."""
        if self.raised is None or self.spent <= self.raised:
            return ZERO
        return self.spent - self.raised


def tier_year(source: FundSource, fiscal_year: int) -> TierYear:
    years = accounts_by_year(source.id)
    return TierYear(
        source,
        fiscal_year,
        years.get(fiscal_year),
        years.get(fiscal_year - 1),
        spent_in_year(source.id, fiscal_year),
    )


def tier_years(sources: Iterable[FundSource], fiscal_year: int) -> list[TierYear]:
    return [tier_year(source, fiscal_year) for source in sources]


# Disclosures ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A project with lottery money in a year: the amounts of the ledger, and what was written of it.

    ``total`` is the whole agreement, ``allotted`` (下达) the lottery money owed to it in the year's
    end, ``paid`` what was paid until then, ``rest`` (结余) the difference.
    """

    commitment: Commitment
    fiscal_year: int
    total: Money
    allotted: Money
    paid: Money
    written: ProjectDisclosure | None
    # What the place insists on being told (RLF).
    asked: Sequence[str] = ()

    @property
    def rest(self) -> Money:
        return self.allotted - self.paid

    @property
    def complete(self) -> bool:
        return self.written is not None and all(getattr(self.written, name) for name in self.asked)


def disclosed(
    agency_ids: Iterable[int], fiscal_year: int, *, commitment_id: int | None = None
) -> list[Disclosed]:
    """Every commitment of these units that had lottery money in the year, with its amounts at its end."""
    last = min(date(fiscal_year, 12, 31), clock.today())
    sums = (
        select(CommitmentShare.commitment_id, Account.kind, func.sum(Posting.amount))
        .select_from(Posting)
        .join(Transfer, Transfer.id == Posting.transfer_id)
        .join(Account, Account.id == Posting.account_id)
        .join(CommitmentShare, CommitmentShare.id == Account.owner_id)
        .join(Earmark, Earmark.id == CommitmentShare.earmark_id)
        .join(Budget, Budget.id == Earmark.budget_id)
        .join(FundSource, FundSource.id == Budget.fund_source_id)
        .join(Commitment, Commitment.id == CommitmentShare.commitment_id)
        .where(
            Account.owner_type == "commitment_share",
            Account.kind.in_(("committed", "payable", "paid")),
            FundSource.kind == LOTTERY,
            Commitment.agency_id.in_(set(agency_ids)),
            Commitment.starts_on <= date(fiscal_year, 12, 31),
            or_(Commitment.ended_on.is_(None), Commitment.ended_on >= date(fiscal_year, 1, 1)),
            booked_between(date(2000, 1, 1), last),
        )
        .group_by(CommitmentShare.commitment_id, Account.kind)
    )
    if commitment_id is not None:
        sums = sums.where(Commitment.id == commitment_id)
    found: dict[int, dict[str, Money]] = {}
    for number, kind, amount in db.session.execute(sums):
        found.setdefault(number, {})[kind] = money_sum(amount)
    written = {
        row.commitment_id: row
        for row in db.session.scalars(
            select(ProjectDisclosure).where(
                ProjectDisclosure.commitment_id.in_(found), ProjectDisclosure.fiscal_year == fiscal_year
            )
        )
    }
    commitments = sorted(commitments_by_id(set(found)).values(), key=lambda item: item.id)
    asked = {
        unit: lottery_rules(db.session.get_one(Agency, unit).division_code, last)["disclosure_fields"]
        for unit in {row.agency_id for row in commitments}
    }
    return [
        Disclosed(
            commitment=row,
            fiscal_year=fiscal_year,
            total=row.amount,
            allotted=sum(found[row.id].values(), ZERO),
            paid=found[row.id].get("paid", ZERO),
            written=written.get(row.id),
            asked=asked[row.agency_id],
        )
        for row in commitments
    ]


def disclosed_one(user: Any, commitment_id: int, fiscal_year: int) -> Disclosed | None:
    rows = disclosed(user.agency_ids("fund.read"), fiscal_year, commitment_id=commitment_id)
    return rows[0] if rows else None


# Notices ----------------------------------------------------------------------------------------


def visible_notices(user: Any) -> Select[LotteryNotice]:
    return (
        select(LotteryNotice)
        .where(LotteryNotice.agency_id.in_(user.agency_ids("fund.read")))
        .options(joinedload(LotteryNotice.agency))
    )


def notice_in_scope(user: Any, notice_id: int) -> LotteryNotice | None:
    return db.session.scalar(
        visible_notices(user).where(LotteryNotice.id == notice_id).options(selectinload(LotteryNotice.rows))
    )


def published_notices() -> Select[LotteryNotice]:
    """What everybody may read."""
    return (
        select(LotteryNotice)
        .where(LotteryNotice.state == "published")
        .options(joinedload(LotteryNotice.agency))
    )


def published_notice(notice_id: int) -> LotteryNotice | None:
    return db.session.scalar(published_notices().where(LotteryNotice.id == notice_id))


@dataclass(frozen=True, slots=True)
class Owed:
    """A unit that has to publish a notice: for which year, and until when."""

    agency: Agency
    fiscal_year: int
    due: date


def owed_notices(agency_ids: Iterable[int] | None = None) -> list[Owed]:
    """Units with lottery budgets of last year whose notice of it is not published yet."""
    year = clock.today().year - 1
    published = select(LotteryNotice.id).where(
        LotteryNotice.agency_id == Agency.id,
        LotteryNotice.fiscal_year == year,
        LotteryNotice.state == "published",
    )
    query = (
        select(Agency)
        .where(
            select(Budget.id)
            .join(FundSource, FundSource.id == Budget.fund_source_id)
            .where(
                FundSource.agency_id == Agency.id,
                FundSource.kind == LOTTERY,
                Budget.fiscal_year == year,
                Budget.state == "approved",
            )
            .exists(),
            ~published.exists(),
        )
        .order_by(Agency.id)
    )
    if agency_ids is not None:
        query = query.where(Agency.id.in_(set(agency_ids)))
    return [
        Owed(agency, year, notice_due(year, lottery_rules(agency.division_code, clock.today())))
        for agency in db.session.scalars(query)
    ]


def notices_waiting(user: Any) -> list[LotteryNotice]:
    steps = (("draft", "lottery.review"), ("reviewed", "lottery.approve"), ("approved", "lottery.approve"))
    return list(
        db.session.scalars(
            select(LotteryNotice)
            .where(
                or_(
                    *(
                        and_(LotteryNotice.state == state, LotteryNotice.agency_id.in_(user.agency_ids(need)))
                        for state, need in steps
                    )
                ),
                or_(
                    LotteryNotice.state == "approved",
                    and_(
                        LotteryNotice.drafted_by != user.id,
                        or_(LotteryNotice.reviewed_by.is_(None), LotteryNotice.reviewed_by != user.id),
                    ),
                ),
            )
            .options(joinedload(LotteryNotice.agency))
            .order_by(LotteryNotice.id)
        )
    )


def lottery_share_of(commitment_id: int) -> bool:
    """Whether a commitment takes any lottery money."""
    return (
        db.session.scalar(
            select(CommitmentShare.id)
            .join(Earmark, Earmark.id == CommitmentShare.earmark_id)
            .join(Budget, Budget.id == Earmark.budget_id)
            .join(FundSource, FundSource.id == Budget.fund_source_id)
            .where(CommitmentShare.commitment_id == commitment_id, FundSource.kind == LOTTERY)
            .limit(1)
        )
        is not None
    )


_suggestions: list[Callable[[int], dict[str, str]]] = []


def suggest_texts(source: Callable[[int], dict[str, str]]) -> None:
    """Let the room above say what is known of a commitment (by id): content, leader, phone, targets."""
    _suggestions[:] = [source]


def suggested_texts(commitment_id: int) -> dict[str, str]:
    return _suggestions[0](commitment_id) if _suggestions else {}


name_owners(
    "lottery_year",
    "announcements.account",
    LotteryYear.id,
    [FundSource.name, LotteryYear.fiscal_year],
    {"source_id": LotteryYear.fund_source_id, "year": LotteryYear.fiscal_year},
    join(LotteryYear, FundSource, FundSource.id == LotteryYear.fund_source_id),
)
