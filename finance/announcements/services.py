"""Writing tier-year accounts, disclosures and notices."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.chains import canonical
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from finance.announcements import queries, rules
from finance.announcements.models import LotteryNotice, LotteryNoticeRow, ProjectDisclosure
from finance.announcements.rules import NoticeRow
from finance.commitments.models import Commitment
from finance.funds.models import FundSource
from finance.lottery.models import LotteryYear
from finance.lottery.policy import by_class, may_draft
from finance.lottery.queries import accounts_by_year, classes_of, plan_in_force
from finance.lottery.rules import DISCLOSED, wan_text
from finance.lottery.services import refuse, require_draft
from registry.agencies.models import Agency

# Accounts ---------------------------------------------------------------------------------------


def enter_year(
    source: FundSource,
    fiscal_year: int,
    *,
    opening: Money | None,
    raised: Money | None,
    closing: Money | None,
    basis: str,
    by: Any,
) -> LotteryYear:
    """What a tier's year began with, raised and ended with; spending is the ledger's and is never entered."""
    refuse(may_draft(by, source.agency_id))
    if any(amount is not None and amount < Money(0) for amount in (opening, raised, closing)):
        raise Refusal(Message(N_("An amount of the account is never below zero.")))
    row = accounts_by_year(source.id).get(fiscal_year)
    if row is None:
        row = LotteryYear(
            agency_id=source.agency_id,
            fund_source_id=source.id,
            fiscal_year=fiscal_year,
            entered_by=by.id,
            entered_at=clock.now(),
        )
        db.session.add(row)
    row.opening, row.raised, row.closing, row.basis = opening, raised, closing, basis.strip()
    row.entered_by, row.entered_at = by.id, clock.now()
    db.session.flush()
    record(row, "entered", by=by, details={"opening": opening, "raised": raised, "closing": closing})
    return row


# Disclosures ------------------------------------------------------------------------------------


def disclose(
    commitment: Commitment, fiscal_year: int, *, texts: Mapping[str, str], by: Any
) -> ProjectDisclosure:
    """What the public is told of one project in one year; its amounts are the ledger's.

    It stands in public with the unit's notice of the year; after that it stays as published.
    """
    if not by.may("lottery.disclose", agency_id=commitment.agency_id):
        raise Refusal(
            Message(N_("The programme officer of the unit writes what the public is told of a project.")),
            whose_turn=Message(N_("the programme officer")),
            status=403,
        )
    if not queries.lottery_share_of(commitment.id):
        raise Refusal(Message(N_("Only a project with lottery money is disclosed here.")))
    row = db.session.scalar(
        select(ProjectDisclosure).where(
            ProjectDisclosure.commitment_id == commitment.id, ProjectDisclosure.fiscal_year == fiscal_year
        )
    )
    if row is None:
        row = ProjectDisclosure(
            agency_id=commitment.agency_id,
            commitment_id=commitment.id,
            fiscal_year=fiscal_year,
            written_by=by.id,
            written_at=clock.now(),
        )
        db.session.add(row)
    for name in DISCLOSED:
        setattr(row, name, texts.get(name, "").strip())
    row.written_by, row.written_at = by.id, clock.now()
    db.session.flush()
    record(row, "written", by=by, details={"commitment": commitment.number, "fiscal_year": fiscal_year})
    return row


# Notices ----------------------------------------------------------------------------------------


def make_notice(
    agency: Agency, fiscal_year: int, *, title: str, opening: str = "", effect: str = "", by: Any
) -> LotteryNotice:
    """A notice in draft from the ledger and the accounts: each tier with its classes and projects."""
    refuse(may_draft(by, agency.id))
    notice = _new_notice(agency, fiscal_year, title=title, jurisdiction=agency.name, origin="made", by=by)
    notice.opening_text, notice.effect_text = opening.strip(), effect.strip()
    _fill(notice)
    record(notice, "drafted", by=by, details={"fiscal_year": fiscal_year, "rows": len(notice.rows)})
    return notice


def remake_notice(notice: LotteryNotice, *, by: Any) -> None:
    """Take the figures of the ledger and the accounts anew into a draft that was made here."""
    refuse(may_draft(by, notice.agency_id))
    require_draft(notice)
    if notice.origin != "made":
        raise Refusal(Message(N_("An imported notice has the figures of its table: import it again.")))
    notice.rows.clear()
    db.session.flush()
    _fill(notice)
    record(notice, "made_again", by=by, details={"rows": len(notice.rows)})


def _new_notice(
    agency: Agency, fiscal_year: int, *, title: str, jurisdiction: str, origin: str, by: Any
) -> LotteryNotice:
    if db.session.scalar(
        select(LotteryNotice.id).where(
            LotteryNotice.agency_id == agency.id,
            LotteryNotice.fiscal_year == fiscal_year,
            LotteryNotice.title == title.strip(),
        )
    ):
        raise Refusal(
            Message(
                N_("There is a notice “%(title)s” for %(year)s already."),
                {"title": title.strip(), "year": str(fiscal_year)},
            ),
            status=409,
        )
    notice = LotteryNotice(
        agency_id=agency.id,
        fiscal_year=fiscal_year,
        title=title.strip(),
        jurisdiction=jurisdiction,
        origin=origin,
        drafted_by=by.id,
    )
    db.session.add(notice)
    db.session.flush()
    return notice


class _Rows:
    """The lines of a notice being made, numbered from 1."""

    def __init__(self) -> None:
        self.rows: list[LotteryNoticeRow] = []

    def add(self, tier: str, category: str, item: str, amount: Money, **more: Any) -> None:
        number = len(self.rows) + 1
        self.rows.append(
            LotteryNoticeRow(
                position=number,
                number=number,
                fund_tier=tier,
                category=category,
                item=item,
                amount=amount,
                amount_text=wan_text(amount),
                **more,
            )
        )


def _fill(notice: LotteryNotice) -> None:
    """Lines of every tier: total, classes with their projects, and the account beside them."""
    rows, year = _Rows(), notice.fiscal_year
    tiers = [
        (label, queries.tier_year(source, year), queries.spending_rows(source.id, year))
        for label, source in queries.tier_labels(notice.agency_id).items()
    ]
    tiers = [tier for tier in tiers if tier[1].spent or tier[1].entered is not None]
    if len(tiers) > 1:
        whole = sum((account.spent for _label, account, _spending in tiers), Money(0))
        rows.add(rules.ALL_TIERS, rules.TOTAL, rules.TOTAL_TERM, whole, is_subtotal=True)
    for label, account, spending in tiers:
        _fill_tier(rows, label, account, spending)
    notice.rows.extend(rows.rows)
    db.session.flush()


def _fill_tier(
    rows: _Rows, label: str, account: queries.TierYear, spending: Sequence[queries.Spending]
) -> None:
    classes = classes_of(account.source.id, account.fiscal_year)
    rows.add(
        label,
        rules.TOTAL,
        rules.TOTAL_TERM,
        account.spent,
        is_subtotal=True,
        project_count=len({row.commitment.id for row in spending}) if spending else None,
    )
    for category, term in rules.CLASS_TERMS.items():
        own = [row for row in spending if classes.get(row.purpose, "welfare") == category]
        if not own:
            continue
        total = sum((row.amount for row in own), Money(0))
        rows.add(
            label,
            term,
            rules.SUBTOTAL_TERM,
            total,
            is_subtotal=True,
            project_count=len(own),
            stated_percent=_percent(total, account.spent),
        )
        for row in own:
            rows.add(
                label,
                term,
                row.commitment.title,
                row.amount,
                project_count=1,
                commitment_id=row.commitment.id,
            )
    for term, amount in (
        (rules.OPENING_TERM, account.opening),
        (rules.INCOME_TERM, account.raised),
        (rules.CLOSING_TERM, account.closing),
    ):
        if amount is not None:
            rows.add(label, term, term, amount)


def _percent(part: Money, whole: Money) -> str:
    """Of the total with two decimals, half up, as notices tell it."""
    share = part.ratio_to(whole)
    if share is None or not Fraction(0) <= share <= 1:
        return ""
    hundredths = (share * 10_000 + Fraction(1, 2)).__floor__()
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def import_notices(
    rows: Sequence[NoticeRow], *, agency: Agency, sha256: str, file_name: str, by: Any
) -> list[LotteryNotice]:
    """Every notice of a table, in draft; one refusal imports none. The lines keep the digits of the table."""
    refuse(may_draft(by, agency.id))
    made: list[LotteryNotice] = []
    grouped: dict[tuple[str, int], list[NoticeRow]] = {}
    for row in rows:
        grouped.setdefault((row.title, row.fiscal_year), []).append(row)
    for (title, year), lines in grouped.items():
        notice = _new_notice(
            agency, year, title=title, jurisdiction=lines[0].jurisdiction, origin="imported", by=by
        )
        notice.rows.extend(
            LotteryNoticeRow(
                position=place,
                number=line.row,
                fund_tier=line.fund_tier,
                category=line.category,
                item=line.item,
                amount=line.amount,
                amount_text=line.amount_text,
                project_count=line.project_count,
                stated_percent=line.stated_percent,
                is_subtotal=line.is_subtotal,
                is_partial=line.is_partial,
                source_kind=line.source_kind,
                source_url=line.source_url,
                remark=line.remark,
            )
            for place, line in enumerate(lines, 1)
        )
        db.session.flush()
        record(notice, "imported", by=by, details={"file": file_name, "sha256": sha256, "rows": len(lines)})
        made.append(notice)
    return made


def write_notice(
    notice: LotteryNotice, *, title: str, number: str, opening: str, effect: str, explanation: str, by: Any
) -> None:
    """The words of a draft: what stands above and below the figures, and why figures differ that do."""
    refuse(may_draft(by, notice.agency_id))
    require_draft(notice)
    notice.title, notice.number = title.strip(), number.strip()
    notice.opening_text, notice.effect_text = opening.strip(), effect.strip()
    notice.explanation = explanation.strip()
    db.session.flush()
    record(notice, "written", by=by)


def review_notice(notice: LotteryNotice, *, by: Any) -> None:
    fire(notice, "review", by=by)


def approve_notice(notice: LotteryNotice, *, by: Any) -> None:
    fire(notice, "approve", by=by)


def publish_notice(notice: LotteryNotice, *, by: Any) -> str:
    """Publish and freeze: the content as canonical text, and its SHA-256, which is returned."""
    notice.published_at = clock.now()
    notice.frozen = canonical(content_of(notice))
    notice.digest = hashlib.sha256(notice.frozen.encode()).hexdigest()
    fire(notice, "publish", by=by, details={"digest": notice.digest})
    return notice.digest


def content_of(notice: LotteryNotice) -> dict[str, Any]:
    """Everything a notice says, as plain JSON values; amounts in 万元 as exact text."""
    projects: list[dict[str, Any]] = []
    plan: list[dict[str, Any]] = []
    if notice.origin == "made":
        projects = [
            disclosure_content(row)
            for row in queries.disclosed([notice.agency_id], notice.fiscal_year)
            if row.written is not None
        ]
        plan = _plan_content(notice)
    return {
        "title": notice.title,
        "agency": notice.agency.name,
        "jurisdiction": notice.jurisdiction,
        "fiscal_year": notice.fiscal_year,
        "number": notice.number,
        "published_on": clock.local(notice.published_at).date().isoformat() if notice.published_at else "",
        "opening": notice.opening_text,
        "effect": notice.effect_text,
        "explanation": notice.explanation,
        "rows": [
            {
                "row": row.number,
                "tier": row.fund_tier,
                "category": row.category,
                "item": row.item,
                "amount": row.amount_text,
                "projects": row.project_count,
                "percent": row.stated_percent,
                "subtotal": row.is_subtotal,
                "partial": row.is_partial,
                "source": row.source_url,
                "remark": row.remark,
            }
            for row in notice.rows
        ],
        "plan": plan,
        "projects": projects,
    }


def _plan_content(notice: LotteryNotice) -> list[dict[str, Any]]:
    """Planned against spent by tier and class, where a plan was in force."""
    found = []
    for label, source in queries.tier_labels(notice.agency_id).items():
        plan = plan_in_force(source.id, notice.fiscal_year)
        if plan is None:
            continue
        classes = classes_of(source.id, notice.fiscal_year)
        spent = dict.fromkeys(rules.CLASS_TERMS, Money(0))
        for row in queries.spending_rows(source.id, notice.fiscal_year):
            spent[classes.get(row.purpose, "welfare")] += row.amount
        found += [
            {
                "tier": label,
                "category": rules.CLASS_TERMS[category],
                "planned": wan_text(planned),
                "spent": wan_text(spent[category]),
            }
            for category, planned in by_class(plan.lines).items()
            if planned or spent[category]
        ]
    return found


def disclosure_content(row: queries.Disclosed) -> dict[str, Any]:
    """One project in the practised field set; amounts in 万元 as exact text."""
    texts = {name: getattr(row.written, name) if row.written else "" for name in DISCLOSED}
    return {
        "number": row.commitment.number,
        "title": row.commitment.title,
        "organization": row.commitment.organization.name,
        "starts_on": row.commitment.starts_on.isoformat(),
        "ends_on": row.commitment.ends_on.isoformat(),
        "total": wan_text(row.total),
        "allotted": wan_text(row.allotted),
        "paid": wan_text(row.paid),
        "rest": wan_text(row.rest),
        **texts,
    }
