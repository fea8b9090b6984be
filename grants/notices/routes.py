"""Pages of notices and objections for the unit that publishes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.db import db
from core.documents.services import pdf_available
from core.files.models import StoredFile
from core.files.services import serve
from core.money import Money
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from grants.applications.models import Application
from grants.applications.queries import applications_of
from grants.calls.models import Call
from grants.calls.queries import call_in_scope, visible_calls
from grants.calls.reports import trail
from grants.calls.rules import document_number
from grants.notices.forms import AnswerForm, NoticeForm
from grants.notices.models import Notice, Objection
from grants.notices.queries import (
    notice_in_scope,
    notice_of,
    objection_in_scope,
    visible_notices,
)
from grants.notices.services import (
    answer_objection,
    conclude_notice,
    decide_objection,
    publish_notice,
    send_back_answer,
)
from registry.accounts.models import User

bp = Blueprint("notices", __name__, url_prefix="/notices")

navigation.add_entry(
    "notices.list", N_("Notices and objections"), icon="flag", group="grants", order=60,
    permissions=("notice.read",),
)  # fmt: skip

EVENTS = {
    "published": N_("Published"),
    "concluded": N_("Concluded"),
    "received": N_("Received"),
    "answered": N_("Answer drafted"),
    "sent_back": N_("Answer sent back"),
    "rejected": N_("Not upheld"),
    "upheld": N_("Upheld"),
}


def _tasks(user: Any) -> Iterable[navigation.Task]:
    yield from _objection_tasks(user)
    yield from _notice_tasks(user)


def _objection_tasks(user: Any) -> Iterable[navigation.Task]:
    answers, decides = user.agency_ids("objection.answer"), user.agency_ids("objection.review")
    if not answers and not decides:
        return
    rows = db.session.scalars(
        select(Objection)
        .where(Objection.agency_id.in_(answers | decides), Objection.state.in_(("received", "reviewed")))
        .options(joinedload(Objection.application))
        .order_by(Objection.id)
    )
    for row in rows:
        if row.state == "received" and row.agency_id in answers:
            title, action = N_("Answer the objection to “%(title)s”"), N_("Answer")
        elif row.state == "reviewed" and row.agency_id in decides and row.answered_by != user.id:
            title, action = N_("Decide on the objection to “%(title)s”"), N_("Decide")
        else:
            continue
        yield navigation.Task(
            title=Message(title, {"title": row.application.title}),
            url=url_for("notices.objection", objection_id=row.id),
            action=Message(action),
            due=row.answer_due_on,
            meta=Message(N_("objection %(number)s"), {"number": row.number}),
        )


def _notice_tasks(user: Any) -> Iterable[navigation.Task]:
    """Calls with proposals and no notice yet, and notices whose last day has passed."""
    units = user.agency_ids("notice.publish")
    if not units:
        return
    proposed = (
        select(Application.id).where(Application.call_id == Call.id, Application.state == "proposed").exists()
    )
    undecided = (
        select(Application.id)
        .where(Application.call_id == Call.id, Application.state == "in_notice")
        .exists()
    )
    rows = db.session.execute(
        select(Call, Notice)
        .outerjoin(Notice, Notice.call_id == Call.id)
        .where(
            Call.agency_id.in_(units),
            ((Notice.id.is_(None)) & proposed) | ((Notice.ends_on < clock.today()) & undecided),
        )
    )
    for call, found in rows:
        notice: Notice | None = found  # nothing on the right of the outer join
        if notice is None:
            title, url, action = (
                N_("Publish the notice of “%(title)s”"),
                url_for("notices.new", call_id=call.id),
                N_("Publish"),
            )
        else:
            title, url, action = (
                N_("Conclude the notice of “%(title)s”"),
                url_for("notices.show", notice_id=notice.id),
                N_("Conclude"),
            )
        yield navigation.Task(
            title=Message(title, {"title": call.title}),
            url=url,
            action=Message(action),
            due=clock.add_working_days(notice.ends_on, 1) if notice else None,
        )


navigation.add_tasks("notices", _tasks)


@bp.get("/", endpoint="list")
@allow("notice.read")
def list_notices() -> str:
    page = paginate(visible_notices(current_user).options(joinedload(Notice.call)), (Notice.id, True))
    objections = db.session.scalars(
        select(Objection)
        .where(
            Objection.agency_id.in_(current_user.agency_ids("notice.read")),
            Objection.state.in_(("received", "reviewed")),
        )
        .options(joinedload(Objection.application))
        .order_by(Objection.answer_due_on, Objection.id)
        .limit(50)
    ).all()
    waiting = [
        call
        for call in db.session.scalars(
            visible_calls(current_user)
            .where(Call.agency_id.in_(current_user.agency_ids("notice.publish")))
            .where(
                select(Application.id)
                .where(Application.call_id == Call.id, Application.state == "proposed")
                .exists()
            )
        )
        if notice_of(call) is None
    ]
    return render_template(
        "notices/list.html", page=page, objections=objections, waiting=waiting, today=clock.today()
    )


@bp.route("/new/<int:call_id>", methods=["GET", "POST"])
@allow("notice.publish")
def new(call_id: int) -> Any:
    call = call_in_scope(current_user, call_id)
    if call is None or call.agency_id not in current_user.agency_ids("notice.publish"):
        abort(404)
    proposed = sorted(
        applications_of(call, "proposed"), key=lambda item: (item.rank is None, item.rank or 0, item.id)
    )
    form = NoticeForm() if request.method == "POST" else NoticeForm(data={"contact": call.contact})
    if request.method == "POST" and form.validate():
        number = (form.document_number.data or "").strip()
        if number and document_number(number) is None:
            form.document_number.errors = [_("This is no document number.")]
        else:
            notice = publish_notice(
                call,
                items=[
                    (item, place, item.score or 0, item.proposed_amount or Money(0))
                    for place, item in enumerate(proposed, 1)
                ],
                contact=form.contact.data or "",
                supervision_phone=form.supervision_phone.data or "",
                experts=form.experts.data or "",
                document_number=document_number(number) or "",
                by=current_user,
            )
            flash(_("The notice is public until %(day)s.", day=_day(notice.ends_on)), "ok")
            return redirect(url_for("notices.show", notice_id=notice.id), code=303)
    page = render_template(
        "notices/new.html",
        call=call,
        form=form,
        proposed=proposed,
        total=sum((item.proposed_amount for item in proposed if item.proposed_amount), Money(0)),
        ends_on=clock.notice_end(clock.today(), call.notice_days, count_start_day=call.count_start_day),
    )
    return page, 422 if form.errors else 200


def _day(day: Any) -> str:
    return day.isoformat()


@bp.get("/<int:notice_id>")
@allow("notice.read")
def show(notice_id: int) -> str:
    notice = notice_in_scope(current_user, notice_id) or abort(404)
    waiting = [item for item in notice.items if item.application.state in ("in_notice", "objected")]
    return render_template(
        "notices/show.html",
        notice=notice,
        call=notice.call,
        total=sum((item.amount for item in notice.items), Money(0)),
        running=clock.today() <= notice.ends_on,
        days_left=clock.working_days_left(notice.ends_on),
        may_conclude=bool(waiting)
        and clock.today() > notice.ends_on
        and notice.agency_id in current_user.agency_ids("notice.publish"),
        history=trail(notice, EVENTS),
        pdf=pdf_available(),
    )


@bp.post("/<int:notice_id>/conclude")
@allow("notice.publish")
def conclude(notice_id: int) -> Any:
    notice = notice_in_scope(current_user, notice_id) or abort(404)
    if notice.agency_id not in current_user.agency_ids("notice.publish"):
        abort(404)
    awarded = conclude_notice(notice, by=current_user)
    flash(ngettext("%(num)s project is awarded.", "%(num)s projects are awarded.", len(awarded)), "ok")
    return redirect(url_for("notices.show", notice_id=notice.id), code=303)


@bp.get("/objections/<int:objection_id>")
@allow("notice.read")
def objection(objection_id: int) -> str:
    row = _load(objection_id)
    return _page(row, AnswerForm(data=_answer_of(row)))


@bp.post("/objections/<int:objection_id>/answer")
@allow("objection.answer")
def answer(objection_id: int) -> Any:
    row = _load(objection_id)
    form = AnswerForm()
    if not form.validate():
        return _page(row, form), 422
    answer_objection(row, answer=form.answer.data or "", uphold=form.uphold.data == "yes", by=current_user)
    flash(_("The answer is drafted. Another person decides."), "ok")
    return redirect(url_for("notices.objection", objection_id=row.id), code=303)


@bp.post("/objections/<int:objection_id>/decide")
@allow("objection.review")
def decide(objection_id: int) -> Any:
    row = _load(objection_id)
    if request.form.get("do") == "send_back":
        send_back_answer(row, note=request.form.get("note", ""), by=current_user)
        flash(_("The answer was sent back."), "ok")
    else:
        decide_objection(row, by=current_user)
        flash(_("The objection is decided."), "ok")
    return redirect(url_for("notices.objection", objection_id=row.id), code=303)


@bp.get("/objections/<int:objection_id>/file")
@allow("objection.answer", "objection.review")
def evidence(objection_id: int) -> Any:
    row = _load(objection_id)
    if not _handles(row) or row.file_id is None:
        abort(404)
    return serve(db.session.get_one(StoredFile, row.file_id))


def _load(objection_id: int) -> Objection:
    return objection_in_scope(current_user, objection_id) or abort(404)


def _handles(row: Objection) -> bool:
    """Who is named in an objection is for those who work on it."""
    return any(
        current_user.may(item, agency_id=row.agency_id) for item in ("objection.answer", "objection.review")
    )


def _answer_of(row: Objection) -> dict[str, Any]:
    return {"answer": row.answer, "uphold": None if row.uphold is None else "yes" if row.uphold else "no"}


def _page(row: Objection, form: AnswerForm) -> str:
    ids = {row.answered_by, row.decided_by} - {None}
    names = {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
    answered = _("Answered"), row.answered_by
    decided = _("Decided"), row.decided_by
    now = 0 if row.state == "received" else 1
    legs = [
        {
            "role": role,
            "who": names.get(number, "") if number and not (place == 0 and row.state == "received") else "",
            "status": "now" if place == now and row.state in ("received", "reviewed") else "done" if place < now or row.decided_by else "wait",
        }
        for place, (role, number) in enumerate((answered, decided))
    ]  # fmt: skip
    return render_template(
        "notices/objection.html",
        objection=row,
        form=form,
        legs=legs,
        handles=_handles(row),
        may_answer=row.state == "received" and current_user.may("objection.answer", agency_id=row.agency_id),
        may_decide=row.state == "reviewed"
        and row.answered_by != current_user.id
        and current_user.may("objection.review", agency_id=row.agency_id),
        days_left=clock.working_days_left(row.answer_due_on),
        history=trail(row, EVENTS),
    )
