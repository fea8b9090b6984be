"""Who may do what with an application, and until when."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.text import N_, Message
from grants.applications.models import Application
from grants.calls.models import Call
from grants.calls.queries import is_open
from grants.calls.rules import SOURCES
from registry.interests.queries import conflict, reason_of


def local_second(instant: Any) -> str:
    return clock.local(instant).strftime("%Y-%m-%d %H:%M:%S")


def must_be_open(call: Call) -> None:
    """Refuse outside the time of the call, by the server's clock."""
    now = clock.now()
    if is_open(call, on=now):
        return
    facts = {"deadline": local_second(call.deadline_at), "now": local_second(now)}
    if call.published_at is None or call.state != "published":
        sentence = Message(N_("This call does not take applications."))
    elif now < call.opens_at:
        sentence = Message(
            N_("This call opens at %(opens)s (Beijing time); the server's clock says %(now)s."),
            {"opens": local_second(call.opens_at), "now": facts["now"]},
        )
    else:
        sentence = Message(
            N_(
                "The deadline of this call was %(deadline)s (Beijing time); the server's clock says %(now)s. Nothing can be changed or submitted any more."
            ),
            facts,
        )
    raise Refusal(sentence, rule="TIME", source=SOURCES["TIME"], status=409)


def must_be_writable(application: Application) -> None:
    """An applicant writes before the deadline, or within the days of a supplement or an optimization."""
    if application.state == "draft":
        must_be_open(application.call)
    elif application.state == "returned":
        must_be_within_supplement(application)
    elif application.state != "optimizing":
        raise Refusal(
            Message(N_("What was submitted is locked. Only a supplement that is asked for changes it.")),
            rule="LOCKED",
            source=SOURCES["TIME"],
            status=409,
        )


def must_be_within_supplement(application: Application) -> None:
    if application.supplement_due_on is None or clock.today() > application.supplement_due_on:
        raise Refusal(
            Message(
                N_("The supplement was due on %(due)s; the server's clock says %(now)s."),
                {"due": application.supplement_due_on, "now": local_second(clock.now())},
            ),
            rule="SUPPLEMENT",
            source=SOURCES["TIME"],
            status=409,
        )


def must_not_belong(application: Application, *, by: Any) -> None:
    """Nobody who works for or stands close to the applicant judges it (RAP-2, REX)."""
    belongs = application.organization_id in {item.organization_id for item in by.roles}
    tie = conflict(by.person_id, application.organization_id, on=clock.today())
    if belongs or tie is not None:
        raise Refusal(
            Message(
                N_("You are tied to the applicant (%(reason)s): somebody else judges this application."),
                {"reason": reason_of(tie) if tie is not None else Message(N_("you act for it"))},
            ),
            rule="RAP-2",
            source="政府采购法实施条例 第九条",
            status=403,
        )


def must_not_have_scored(application: Application, *, by: Any) -> None:
    if getattr(by, "person_id", None) in application.scored_by:
        raise Refusal(
            Message(N_("You scored this application: whoever scores does not decide.")),
            rule="RAP-2",
            source="政府采购法 第六十一条；内部控制",
            status=403,
        )


def may_see_as_applicant(user: Any, application: Application) -> bool:
    return user.may("own.read", organization_id=application.organization_id)


def may_write(user: Any, application: Application) -> bool:
    """Whether the page offers to edit; the refusals above say the rest."""
    if not user.may("application.write", organization_id=application.organization_id):
        return False
    try:
        must_be_writable(application)
    except Refusal:
        return False
    return True
