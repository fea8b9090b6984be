"""A project at each place of its road, built through the services below; call inside ``transaction()``."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from datetime import timedelta

from core import clock
from core.db import db
from core.money import Money
from finance.commitments.services import reserve
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.services import approve, mark_paid, release, review
from grants.applications.models import Application, ApplicationVersion, BudgetLine
from grants.calls.models import Call
from grants.notices.models import Notice, NoticeItem, Objection
from grants.rubrics.services import create_standard_rubrics
from projects.agreements import services as agreements
from projects.agreements.models import Agreement, Project
from projects.claims.services import accept_claim, submit_claim
from projects.spending.services import add_expense
from tests import world
from tests.finance.money import make_account, make_earmark

NUMBER = "150600-GYCT-2026-05-003"
LINES = [("venue", "20000.00"), ("supplies", "30000.00"), ("staff_cost", "48000.01")]


def picture() -> bytes:
    """The smallest honest PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\xff\xff\xff"))
        + chunk(b"IEND", b"")
    )


def pdf() -> tuple[io.BytesIO, str]:
    return io.BytesIO(b"%PDF-1.4\n%%EOF\n"), "审计报告.pdf"


def awarded(amount: str = "98000.01", *, weights: list[int] | None = None, ended: bool = True) -> Application:
    """An awarded application with its call, notice and reserved money."""
    agency, organization = world.agency(), world.organization()
    clerk = world.user("clerk")
    rubrics = create_standard_rubrics(agency, by=clerk)
    earmark, now, today = make_earmark(), clock.now(), clock.today()
    call = Call(
        agency_id=agency.id,
        title="示例第五届公益创投",
        year=2026,
        round_number=5,
        state="concluded",
        earmark_id=earmark.id,
        project_cap=Money.yuan(100_000),
        tranche_weights=weights or [50, 40, 10],
        selection_rubric_id=rubrics["selection"].id,
        midterm_rubric_id=rubrics["midterm"].id,
        final_rubric_id=rubrics["final"].id,
        opens_at=now - timedelta(days=90),
        deadline_at=now - timedelta(days=60),
        drafted_by=clerk.id,
    )
    db.session.add(call)
    db.session.flush()
    application = Application(
        call_id=call.id,
        agency_id=agency.id,
        organization_id=organization.id,
        number=NUMBER,
        state="awarded",
        title="示例银发学堂",
        category="elderly",
        beneficiaries=180,
        person_times=3600,
        requested=Money.yuan(amount),
        proposed_amount=Money.yuan(amount),
        score=8850,
        rank=1,
        created_by=world.user("operator").id,
        scored_by=[world.user("expert2").person_id],
    )
    db.session.add(application)
    db.session.flush()
    for position, (code, grant) in enumerate(LINES, 1):
        db.session.add(
            BudgetLine(application_id=application.id, position=position, code=code, grant=Money.yuan(grant))
        )
    text = '{"title":"示例银发学堂"}'
    db.session.add(
        ApplicationVersion(
            application_id=application.id,
            version=1,
            content=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            submitted_at=now - timedelta(days=61),
            submitted_by=world.user("so_leader").id,
        )
    )
    notice = Notice(
        call_id=call.id,
        agency_id=agency.id,
        published_on=today - timedelta(days=9),
        ends_on=today - timedelta(days=2) if ended else today,
        contact="示例陈静",
        supervision_phone="0477-8588228",
        published_by=clerk.id,
    )
    db.session.add(notice)
    db.session.flush()
    db.session.add(
        NoticeItem(
            notice_id=notice.id,
            application_id=application.id,
            rank=1,
            score=8850,
            amount=Money.yuan(amount),
        )
    )
    db.session.flush()
    reserve(earmark, Money.yuan(amount), key=f"application/{application.id}", by=clerk)
    return application


def object_to(application: Application) -> Objection:
    notice = db.session.query(Notice).filter_by(call_id=application.call_id).one()
    objection = Objection(
        notice_id=notice.id,
        application_id=application.id,
        agency_id=application.agency_id,
        number="YY-1",
        name="示例居民",
        phone="13900000000",
        text="该项目与往年重复。",
        received_at=clock.now(),
        answer_due_on=clock.today() + timedelta(days=5),
    )
    db.session.add(objection)
    db.session.flush()
    return objection


def drafted(**kwargs: object) -> Agreement:
    today = clock.today()
    return agreements.draft_agreement(
        awarded(**kwargs),  # type: ignore[arg-type]
        starts_on=today - timedelta(days=30),
        ends_on=today + timedelta(days=270),
        terms="按月报送活动计划。",
        by=world.user("clerk"),
    )


def accepted(**kwargs: object) -> Agreement:
    agreement = drafted(**kwargs)
    carry_to_acceptance(agreement)
    return agreement


def carry_to_acceptance(agreement: Agreement) -> None:
    agreements.legal_review(agreement, by=world.user("reviewer"))
    agreements.finance_review(agreement, by=world.user("finreview"))
    agreements.offer(agreement, by=world.user("clerk"))
    agreements.accept(agreement, by=world.user("so_leader"))


def running(**kwargs: object) -> Project:
    return agreements.sign(accepted(**kwargs), by=world.user("leader"))


def spend(project: Project, amount: str, voucher: str = "FP-1", line: str = "venue") -> None:
    add_expense(
        project,
        line_code=line,
        spent_on=clock.today(),
        amount=Money.yuan(amount),
        payee="示例商店",
        voucher_number=voucher,
        purpose="活动场地",
        by=world.user("operator"),
    )


def claim_and_pay(project: Project, number: int, account: PayeeAccount | None = None) -> Disbursement:
    disbursement = claimed(project, number, account)
    review(disbursement, by=world.user("finreview"))
    approve(disbursement, by=world.user("leader"))
    release(disbursement, by=world.user("finance"))
    mark_paid(disbursement, paid_on=clock.today(), voucher_number=f"PZ-{number}", by=world.user("finance"))
    return disbursement


def claimed(project: Project, number: int, account: PayeeAccount | None = None) -> Disbursement:
    commitment = project.agreement.commitment
    assert commitment is not None
    claim = submit_claim(
        project,
        commitment.tranches[number - 1],
        payee_account=account or make_account(f"62284800{number}234567890"),
        receipt_number=f"SJ-{number}",
        by=world.user("so_leader"),
    )
    return accept_claim(claim, by=world.user("clerk"))


def evaluated(project: Project, **kinds: str) -> None:
    for kind, grade in kinds.items():
        agreements.record_checkpoint(project, kind, grade, by=world.user("clerk"))
