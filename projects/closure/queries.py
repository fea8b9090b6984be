"""Reading closures, and everything that belongs into an archive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, inspect, or_, select
from sqlalchemy.orm import joinedload

from core import clock
from core.audit.models import AuditEntry
from core.audit.queries import entries_of
from core.db import db
from core.files.models import StoredFile
from core.files.services import read
from core.money import Money
from finance.commitments.models import CommitmentShare
from finance.disbursements.models import Disbursement
from finance.ledger.models import Account, Posting
from finance.recoveries.queries import cases_of
from projects.agreements.models import Agreement, Project
from projects.agreements.queries import notice_of
from projects.claims.queries import claims_of
from projects.closure.models import Closure, Termination
from projects.delivery.models import ServiceRecord
from projects.spending.models import Expense
from projects.supervision.queries import appointments_of, rectifications_of

Entry = tuple[str, bytes]

# Secrets and keys that have no business in a package that leaves the product.
LEFT_OUT = {"number_sealed", "password_hash"}


def unreported(organizations: Iterable[int], *, limit: int = 100) -> list[Project]:
    """Running projects of these organizations whose final evaluation has its result, and no account yet."""
    return list(
        db.session.scalars(
            select(Project)
            .where(
                Project.organization_id.in_(organizations),
                Project.state == "running",
                Project.final_grade != "",
                Project.id.not_in(select(Closure.project_id)),
            )
            .options(joinedload(Project.agreement))
            .order_by(Project.id)
            .limit(limit)
        )
    )


def closure_of(project: Project) -> Closure | None:
    return db.session.scalar(
        select(Closure).where(Closure.project_id == project.id).options(joinedload(Closure.project))
    )


def termination_of(project: Project) -> Termination | None:
    """The early end that is under way or decided; ``None`` when there is none."""
    return db.session.scalar(
        select(Termination).where(Termination.project_id == project.id, Termination.state != "dropped")
    )


def termination_in_scope(user: Any, termination_id: int) -> Termination | None:
    """One early end: for the unit's staff, and for the organization once it is decided."""
    found = db.session.scalar(
        select(Termination)
        .join(Project, Project.id == Termination.project_id)
        .where(
            Termination.id == termination_id,
            or_(
                Termination.agency_id.in_(user.agency_ids("project.read")),
                and_(
                    Termination.organization_id.in_(user.organization_ids("own.read")),
                    Termination.state == "decided",
                ),
            ),
        )
        .options(joinedload(Termination.project))
    )
    return found


def project_of(commitment_id: int) -> Project | None:
    """The project that is paid out of a commitment."""
    return db.session.scalar(
        select(Project)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .where(Agreement.commitment_id == commitment_id)
    )


def archive_in_scope(user: Any, project_id: int) -> StoredFile | None:
    """The sealed archive, for the agency's own staff and its supervisors (not for third parties)."""
    units = user.agency_ids("disbursement.read")
    sealed = [
        select(room.archive_file_id).where(room.project_id == project_id, room.agency_id.in_(units))
        for room in (Closure, Termination)
    ]
    return db.session.scalar(select(StoredFile).where(or_(*(StoredFile.id.in_(item) for item in sealed))))


def sealed_by(archive: StoredFile) -> Closure | Termination:
    """The closing account or the early end that an archive belongs to."""
    closure = db.session.scalar(
        select(Closure).where(Closure.archive_file_id == archive.id).options(joinedload(Closure.project))
    )
    if closure is not None:
        return closure
    return db.session.scalars(
        select(Termination)
        .where(Termination.archive_file_id == archive.id)
        .options(joinedload(Termination.project))
    ).one()


def contents(project: Project) -> Iterator[Entry]:
    """What the projects floor and those below it put into the archive, as (path, bytes)."""
    yield from _selection(project)
    yield from _agreement(project)
    yield from _payments(project)
    yield from _process(project)
    yield from _closing(project)
    yield from _audit(project)


def _selection(project: Project) -> Iterator[Entry]:
    application = project.agreement.application
    if application is None:
        return
    call = application.call
    yield (
        "01-call/call.json",
        as_json(
            {
                **columns(call),
                "agency": call.agency.name,
                "rubrics": {
                    family: {**columns(rubric), "criteria": [columns(item) for item in rubric.criteria]}
                    for family, rubric in (
                        ("selection", call.selection_rubric),
                        ("midterm", call.midterm_rubric),
                        ("final", call.final_rubric),
                    )
                },
            }
        ),
    )
    yield (
        "02-application/application.json",
        as_json({**columns(application), "lines": [columns(line) for line in application.lines]}),
    )
    for version in application.versions:
        yield f"02-application/version-{version.version}.json", version.content.encode()
    yield (
        "02-application/versions.json",
        as_json([{**columns(version), "content": None} for version in application.versions]),
    )
    for attachment in application.attachments:
        yield from _file("02-application/attachments", attachment.file_id)
    yield "03-eligibility/findings.json", as_json(application.findings)
    yield (
        "04-review/outcome.json",
        as_json(
            {
                "score_hundredths": application.score,
                "award_bonus_hundredths": application.award_bonus,
                "rank": application.rank,
                "proposed_amount": plain(application.proposed_amount),
                "scored_by": application.scored_by,
            }
        ),
    )
    notice = notice_of(application.id)
    if notice is not None:
        objections = [item for item in notice.objections if item.application_id == application.id]
        yield (
            "05-notice/notice.json",
            as_json(
                {
                    **columns(notice),
                    "items": [columns(item) for item in notice.items],
                    "objections": [columns(item) for item in objections],
                }
            ),
        )
        for objection in objections:
            yield from _file("05-notice/objections", objection.file_id)


def _agreement(project: Project) -> Iterator[Entry]:
    agreement, organization = project.agreement, project.organization
    commitment = agreement.commitment
    yield (
        "06-agreement/agreement.json",
        as_json(
            {
                **columns(agreement),
                "organization": columns(organization),
                "amount_in_words": agreement.amount.in_words(),
                "commitment": columns(commitment) if commitment else None,
                "tranches": [columns(item) for item in commitment.tranches] if commitment else [],
                "holds": [columns(item) for item in commitment.holds] if commitment else [],
            }
        ),
    )


def _payments(project: Project) -> Iterator[Entry]:
    commitment_id = project.agreement.commitment_id
    disbursements = db.session.scalars(
        select(Disbursement)
        .where(Disbursement.commitment_id == commitment_id)
        .options(joinedload(Disbursement.payee_account))
        .order_by(Disbursement.id)
    ).all()
    yield (
        "07-payments/disbursements.json",
        as_json([{**columns(item), "payee": columns(item.payee_account)} for item in disbursements]),
    )
    postings = db.session.execute(
        select(Account, Posting)
        .join(Posting, Posting.account_id == Account.id)
        .join(CommitmentShare, CommitmentShare.id == Account.owner_id)
        .where(Account.owner_type == "commitment_share", CommitmentShare.commitment_id == commitment_id)
        .options(joinedload(Posting.transfer))
        .order_by(Posting.account_id, Posting.seq)
    )
    yield (
        "07-payments/postings.json",
        as_json(
            [
                {"account": account.kind, **columns(posting), "transfer": columns(posting.transfer)}
                for account, posting in postings
            ]
        ),
    )
    claims = claims_of(project)
    yield "07-payments/claims.json", as_json([columns(claim) for claim in claims])
    for claim in claims:
        yield from _file("07-payments/receipts", claim.receipt_file_id)


def _process(project: Project) -> Iterator[Entry]:
    records = db.session.scalars(
        select(ServiceRecord).where(ServiceRecord.project_id == project.id).order_by(ServiceRecord.id)
    ).all()
    yield "08-process/service-records.json", as_json([columns(record) for record in records])
    for record in records:
        yield from _file("08-process/photos", record.photo_id)
    expenses = db.session.scalars(
        select(Expense).where(Expense.project_id == project.id).order_by(Expense.id)
    ).all()
    yield "08-process/spending.json", as_json([columns(expense) for expense in expenses])
    for expense in expenses:
        yield from _file("08-process/vouchers", expense.file_id)
    yield (
        "08-process/appointments.json",
        as_json([{**columns(item), "name": user.name} for item, user in appointments_of(project)]),
    )
    rectifications = rectifications_of(project)
    yield "08-process/rectifications.json", as_json([columns(item) for item in rectifications])
    for item in rectifications:
        yield from _file("08-process/rectification-files", item.file_id)
    yield (
        "09-evaluation/verdicts.json",
        as_json(
            {
                "midterm_grade": project.midterm_grade,
                "final_grade": project.final_grade,
                "accepted_by": project.accepted_by,
                "accepted_on": plain(project.accepted_on),
                "acceptance_note": project.acceptance_note,
            }
        ),
    )


def _closing(project: Project) -> Iterator[Entry]:
    closure, early = closure_of(project), termination_of(project)
    for name, found in (("closing", closure), ("early-end", early)):
        if found is not None:
            own = columns(found)
            # Known only once the package is sealed.
            for column in ("archive_file_id", "archived_at"):
                own.pop(column)
            yield f"10-closing/{name}.json", as_json(own)
    if closure is not None:
        yield from _file("10-closing/audit", closure.audit_file_id)
    cases = cases_of(project.agreement.commitment_id) if project.agreement.commitment_id else []
    if cases:
        yield (
            "10-closing/recoveries.json",
            as_json([{**columns(case), "parts": [columns(part) for part in case.parts]} for case in cases]),
        )


def _audit(project: Project) -> Iterator[Entry]:
    for thing in _things(project):
        entries = entries_of(thing, newest_first=False)
        if entries:
            yield (
                f"11-audit/{thing.__tablename__}-{thing.id}.json",
                as_json([_entry(entry) for entry in entries]),
            )


def _things(project: Project) -> Iterable[Any]:
    agreement = project.agreement
    application = agreement.application
    if application is not None:
        yield application.call
        yield application
        notice = notice_of(application.id)
        if notice is not None:
            yield notice
            yield from (item for item in notice.objections if item.application_id == application.id)
    yield agreement
    if agreement.commitment is not None:
        yield agreement.commitment
    yield project
    yield from claims_of(project)
    yield from db.session.scalars(
        select(Disbursement)
        .where(Disbursement.commitment_id == agreement.commitment_id)
        .order_by(Disbursement.id)
    )
    yield from rectifications_of(project)
    yield from (found for found in (closure_of(project), termination_of(project)) if found is not None)
    if agreement.commitment_id is not None:
        yield from cases_of(agreement.commitment_id)


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {**columns(entry), "details": json.loads(entry.details)}


def _file(folder: str, file_id: int | None) -> Iterator[Entry]:
    if file_id is None:
        return
    stored = db.session.get_one(StoredFile, file_id)
    yield f"{folder}/{stored.id}-{stored.name}", read(stored)


def columns(row: Any) -> dict[str, Any]:
    """A row as plain JSON values, all its columns but secrets."""
    return {
        attribute.key: plain(getattr(row, attribute.key))
        for attribute in inspect(type(row)).column_attrs
        if attribute.key not in LEFT_OUT
    }


def plain(value: Any) -> Any:
    """Money as 元 text, days and instants (Asia/Shanghai) as ISO text."""
    if isinstance(value, Money):
        return value.plain()
    if isinstance(value, datetime):
        return clock.local(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def as_json(value: Any) -> bytes:
    """The same value always gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
