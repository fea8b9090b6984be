"""Publishing notices, hearing objections, concluding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM, record
from core.db import db
from core.files.models import StoredFile
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from grants.applications.models import Application
from grants.applications.queries import applications_of
from grants.applications.services import award, clear_objection, mark_objected, put_in_notice, reject
from grants.calls.models import Call
from grants.calls.services import conclude, mark_judged
from grants.notices.models import Notice, NoticeItem, Objection
from grants.notices.queries import notice_of, objection_count, open_objections
from grants.notices.rules import ANSWER_DAYS, SOURCE, objection_problems
from registry.accounts.services import notify_organization


def publish_notice(
    call: Call,
    *,
    items: Sequence[tuple[Application, int, int, Money]],
    contact: str,
    supervision_phone: str,
    experts: str,
    by: Any,
    document_number: str = "",
) -> Notice:
    """Put what is proposed in public: ``items`` are (application, rank, score in hundredths, amount).

    It runs the call's number of working days, counted from today or tomorrow as the call says.
    """
    _must_hold(by, call.agency_id)
    if not items:
        raise Refusal(Message(N_("There is nothing to publish: no application of this call is proposed.")))
    if not contact.strip() or not supervision_phone.strip():
        raise Refusal(
            Message(N_("A notice names a contact and a supervision phone.")), rule="RPN", source=SOURCE
        )
    if notice_of(call) is not None:
        raise Refusal(Message(N_("This call already has its notice.")), status=409)
    if call.state == "published":
        mark_judged(call, by=by)
    today = clock.today()
    notice = Notice(
        call_id=call.id,
        agency_id=call.agency_id,
        document_number=document_number,
        published_on=today,
        ends_on=clock.notice_end(today, call.notice_days, count_start_day=call.count_start_day),
        contact=contact.strip(),
        supervision_phone=supervision_phone.strip(),
        experts=experts.strip(),
        published_by=by.actor_id,
    )
    db.session.add(notice)
    db.session.flush()
    for application, rank, score, amount in items:
        if application.call_id != call.id:
            raise Refusal(Message(N_("An application of another call cannot stand in this notice.")))
        db.session.add(
            NoticeItem(
                notice_id=notice.id,
                application_id=application.id,
                rank=rank,
                score=score,
                award_bonus=application.award_bonus,
                amount=amount,
            )
        )
        put_in_notice(application, by=by)
    db.session.flush()
    record(
        notice,
        "published",
        by=by,
        details={"call": call.id, "items": len(items), "ends_on": notice.ends_on.isoformat()},
    )
    return notice


def file_objection(
    notice: Notice,
    application: Application,
    *,
    name: str,
    phone: str,
    text: str,
    file: StoredFile | None = None,
    by: Any = SYSTEM,
) -> Objection:
    """Anybody objects, in writing and under a real name, while the notice runs.

    From then on nothing is awarded or signed for that project until the objection is decided.
    """
    today = clock.today()
    if not notice.published_on <= today <= notice.ends_on:
        raise Refusal(
            Message(
                N_("This notice ran from %(first)s to %(last)s; objections are taken on these days."),
                {"first": notice.published_on, "last": notice.ends_on},
            ),
            rule="RPN",
            source=SOURCE,
            status=409,
        )
    if application.id not in {item.application_id for item in notice.items}:
        raise Refusal(Message(N_("This project does not stand in the notice.")))
    found = objection_problems(name=name, phone=phone, text=text)
    if found:
        raise Refusal(found[0][1], rule="RPN", source=SOURCE)
    # Two objections about one project at once take two numbers.
    db.session.scalar(select(Application.id).where(Application.id == application.id).with_for_update())
    objection = Objection(
        notice_id=notice.id,
        application_id=application.id,
        agency_id=notice.agency_id,
        number=f"{application.number}-YY{objection_count(application.id) + 1:02d}",
        state="received",
        name="".join(name.split()),
        phone="".join(phone.split()),
        text=text.strip(),
        file_id=file.id if file else None,
        received_at=clock.now(),
        answer_due_on=clock.add_working_days(today, ANSWER_DAYS),
    )
    db.session.add(objection)
    db.session.flush()
    db.session.expire(notice, ["objections"])
    record(objection, "received", by=by, details={"application": application.id})
    db.session.refresh(application, ["state"])
    if application.state == "in_notice":
        mark_objected(application, by=by, note=objection.number)
    return objection


def answer_objection(objection: Objection, *, answer: str, uphold: bool, by: Any) -> None:
    """The clerk drafts the answer and says whether the objection should be upheld."""
    objection.answer, objection.uphold, objection.answered_by = answer.strip(), uphold, by.actor_id
    fire(objection, "answer", by=by, details={"uphold": uphold})


def send_back_answer(objection: Objection, *, note: str, by: Any) -> None:
    """The reviewer wants another answer."""
    if not note.strip():
        raise Refusal(Message(N_("Say what the answer lacks.")))
    fire(objection, "send_back", by=by, note=note.strip())


def decide_objection(objection: Objection, *, by: Any) -> None:
    """Another person decides as drafted. Upheld: the application is rejected and its money freed."""
    application = objection.application
    if objection.uphold:
        fire(objection, "uphold", by=by)
        db.session.refresh(application, ["state"])
        if application.state != "rejected":
            reject(application, by=by, note=objection.number)
        _tell(objection)
        return
    fire(objection, "reject", by=by)
    db.session.refresh(application, ["state"])
    if application.state == "objected" and not open_objections(application):
        clear_objection(application, by=by, note=objection.number)
    _tell(objection)


def _tell(objection: Objection) -> None:
    """Mail to the applicant; the person who objected left a telephone number."""
    application = objection.application
    notify_organization(
        application.organization_id,
        "objection_decided",
        {
            "title": application.title,
            "number": application.number or "",
            "objection": objection.number,
            "upheld": objection.uphold,
        },
        agency_id=application.agency_id,
    )


def conclude_notice(notice: Notice, *, by: Any) -> list[Application]:
    """After the last day: award what nobody objects to; what is objected to waits for its decision.

    May be called again when the rest is decided; with nothing left open the call is concluded and
    what was not proposed is not awarded.
    Returns what was awarded now.
    """
    _must_hold(by, notice.agency_id)
    if clock.today() <= notice.ends_on:
        raise Refusal(
            Message(
                N_("The notice runs until the end of %(last)s; it is concluded the day after."),
                {"last": notice.ends_on},
            ),
            rule="RPN",
            source=SOURCE,
            status=409,
        )
    awarded, waiting = [], 0
    for item in notice.items:
        application = item.application
        db.session.refresh(application, ["state"])
        if application.state == "objected":
            waiting += 1
        elif application.state == "in_notice":
            award(application, by=by)
            awarded.append(application)
    if not awarded and waiting:
        raise Refusal(
            Message(N_("Objections are still open: decide on them first.")),
            rule="RPN",
            source=SOURCE,
            whose_turn=Message(N_("whoever answers and decides objections")),
            status=409,
        )
    if not waiting and notice.call.state == "judged":
        # The money is given: what was good enough but not proposed learns that it is over.
        for application in applications_of(notice.call, "eligible", "shortlisted", "optimizing"):
            reject(application, by=by)
        conclude(notice.call, by=by)
    record(notice, "concluded", by=by, details={"awarded": len(awarded), "waiting": waiting})
    return awarded


def _must_hold(by: Any, agency_id: int) -> None:
    if not by.may("notice.publish", agency_id=agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
