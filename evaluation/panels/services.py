"""Planning, drawing and witnessing a panel, and stepping back for an interest."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from evaluation.panels import queries, rules
from evaluation.panels.models import Panel, PanelMember, Recusal
from grants.applications.models import Application
from grants.calls.models import Call
from registry.accounts.models import User
from registry.persons.queries import Entry, Part, add_part, within

_listeners: list[Callable[[Panel], None]] = []

MISSING = {
    "finance": N_("The pool has too few experts for finance who may judge these applicants."),
    "size": N_("The pool has too few experts for a panel of this size."),
    "sheets": N_("Recusals would leave an application with fewer than three score sheets."),
}


def add_listener(act: Callable[[Panel], None]) -> None:
    """``act(panel)`` runs when who scores what has changed: at the witnessing, at a recusal."""
    if act not in _listeners:
        _listeners.append(act)


def _tell(panel: Panel) -> None:
    for act in _listeners:
        act(panel)


def plan_panel(call: Call, *, size: int = 5, finance_experts: int = 1, by: User) -> Panel:
    """Say how many people will judge a call (odd, at least 3; at least one for finance).

    Experts who work for the funder are never drawn, so all seats are from outside, more than the
    two thirds of 政府采购法 Art. 38. Raises :class:`Refusal` for another size or a second panel.
    """
    if size < rules.LEAST_SHEETS or size % 2 == 0:
        raise _refused(N_("A panel has an odd number of members, at least three."))
    if not 1 <= finance_experts < size:
        raise _refused(N_("At least one member is an expert for finance, and not all of them."))
    if call.state != "published":
        raise _refused(N_("A panel is planned for a published call."))
    if queries.panel_of(call) is not None:
        raise _refused(N_("This call has its panel already."), status=409)
    panel = Panel(
        call_id=call.id,
        agency_id=call.agency_id,
        size=size,
        finance_experts=finance_experts,
        planned_by=by.id,
    )
    db.session.add(panel)
    db.session.flush()
    record(panel, "planned", by=by, details={"size": size, "finance_experts": finance_experts})
    return panel


def _refused(sentence: str, *, status: int | None = None, whose_turn: str = "") -> Refusal:
    return Refusal(
        Message(sentence),
        rule="REX",
        source=rules.SOURCE,
        whose_turn=Message(whose_turn) if whose_turn else None,
        status=status,
    )


def draw(panel: Panel, *, by: User) -> Panel:
    """Freeze the pool, draw a seed, and let both give the seats.

    Raises :class:`Refusal` before the deadline, while eligibility is open, or when the pool is too
    small for a lawful panel.
    """
    call = panel.call
    if clock.now() < call.deadline_at:
        raise _refused(N_("The panel is drawn after the deadline of the call."))
    open_ones = queries.undecided(call.id)
    if open_ones:
        raise Refusal(
            Message(
                N_("Applications whose eligibility is not confirmed yet: %(count)s."), {"count": open_ones}
            ),
            rule="REX",
            whose_turn=Message(N_("the programme officer")),
        )
    applications = queries.applicants(call.id)
    if not applications:
        raise _refused(N_("There is no eligible application to judge."))
    pool = queries.candidates(call, applications)
    seed = secrets.token_hex(32)
    try:
        seats = rules.draw(
            pool,
            seed,
            size=panel.size,
            finance=panel.finance_experts,
            applications=[item.id for item in applications],
            least_sheets=queries.recusal_rules(call)["least_sheets"],
        )
    except rules.TooFew as error:
        raise _refused(
            MISSING[error.missing], whose_turn=N_("the programme officer, who adds experts to the pool")
        ) from error
    frozen = rules.frozen(pool)
    fire(panel, "draw", by=by, details={"pool_sha256": rules.digest(frozen), "seed": seed})
    panel.pool, panel.pool_sha256, panel.seed = frozen, rules.digest(frozen), seed
    panel.drawn_by, panel.drawn_at = by.id, clock.now()
    for seat in seats:
        _seat(panel, seat.candidate, seat.position, seat.seat)
        for application_id, reason in sorted(seat.candidate.conflicts.items()):
            _recuse(panel, seat.candidate.person, application_id, reason)
    db.session.flush()
    return panel


def _seat(
    panel: Panel, candidate: rules.Candidate, position: int, seat: str, application_id: int | None = None
) -> None:
    db.session.add(
        PanelMember(
            panel_id=panel.id,
            expert_id=candidate.expert,
            person_id=candidate.person,
            position=position,
            seat=seat,
            application_id=application_id,
        )
    )


def _recuse(panel: Panel, person_id: int, application_id: int, reason: str) -> Recusal:
    row = Recusal(panel_id=panel.id, person_id=person_id, application_id=application_id, reason=reason[:200])
    db.session.add(row)
    return row


def witness(panel: Panel, *, by: User) -> None:
    """Somebody else has looked at the draw: from now on the members may score."""
    if by.person_id in {item.person_id for item in panel.members}:
        raise _refused(N_("A member of the panel cannot witness its draw."), status=403)
    fire(panel, "witness", by=by, details={"pool_sha256": panel.pool_sha256})
    panel.witnessed_by = by.id
    panel.due_on = clock.add_working_days(clock.today(), queries.recusal_rules(panel.call)["scoring_days"])
    db.session.flush()
    _tell(panel)


def declare_interest(panel: Panel, application: Application, *, reason: str, by: User) -> Recusal:
    """A member steps back from one application.

    When fewer than three would be left to score it, the next in the order of lots takes the place.
    Raises :class:`Refusal` when ``by`` is no member or scoring is over.
    """
    if not reason.strip():
        raise _refused(N_("Say which interest it is."))
    return _step_back(panel, application, by.person_id, reason, event="interest_declared", by=by)


def release(panel: Panel, application: Application, person_id: int, *, reason: str, by: User) -> Recusal:
    """The organizer takes an application off a member who cannot score it (illness, absence).

    Like a declared interest, so that the panel can be completed. Raises :class:`Refusal` for
    anybody who does not run draws here.
    """
    if not by.may("panel.draw", agency_id=panel.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not reason.strip():
        raise _refused(N_("Say why the member cannot score."))
    return _step_back(panel, application, person_id, reason, event="member_released", by=by)


def _step_back(
    panel: Panel, application: Application, person_id: int, reason: str, *, event: str, by: User
) -> Recusal:
    db.session.execute(select(Panel.id).where(Panel.id == panel.id).with_for_update())
    db.session.refresh(panel)
    if person_id not in {item.person_id for item in panel.members} or application.call_id != panel.call_id:
        raise _refused(N_("Only a member of the panel can step back from an application."), status=403)
    if panel.state not in ("drawn", "scoring"):
        raise _refused(N_("Scoring is over: an interest is now reported to the supervisor."))
    gone = queries.recused_persons(panel.id)
    if (person_id, application.id) in gone:
        raise _refused(N_("You have stepped back from this application already."), status=409)
    row = _recuse(panel, person_id, application.id, reason.strip())
    record(
        panel,
        event,
        by=by,
        details={"person": person_id, "application": application.id, "note": reason.strip()},
    )
    _replace_if_needed(panel, application, gone | {(person_id, application.id)}, by=by)
    db.session.flush()
    db.session.refresh(panel, ["members"])
    _tell(panel)
    return row


def _replace_if_needed(
    panel: Panel, application: Application, gone: set[tuple[int, int]], *, by: Actor
) -> None:
    left = [
        item
        for item in panel.members
        if item.application_id in (None, application.id) and (item.person_id, application.id) not in gone
    ]
    if len(left) >= rules.LEAST_SHEETS:
        return
    heir = rules.substitute(
        rules.thawed(panel.pool),
        panel.seed,
        seated={item.person_id for item in panel.members},
        application=application.id,
    )
    if heir is not None:
        position = max(item.position for item in panel.members) + 1
        _seat(panel, heir, position, "substitute", application.id)
        record(
            panel, "substitute_seated", by=by, details={"expert": heir.expert, "application": application.id}
        )
    elif not left:
        raise _refused(
            N_("Nobody is left in the pool to judge this application in your place."),
            whose_turn=N_("the programme officer, who adds experts to the pool"),
        )


def close(panel: Panel, *, by: Actor) -> None:
    """All sheets are in; the room of reviews says when."""
    fire(panel, "close", by=by)


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    """The panels a person sat on: the record of a draw is kept whole."""
    rows = db.session.execute(
        select(PanelMember, Panel)
        .join(Panel, Panel.id == PanelMember.panel_id)
        .where(PanelMember.person_id == person_id, *within(Panel.agency_id, agencies))
        .options(joinedload(Panel.call))
        .order_by(PanelMember.id)
    )
    return [
        Entry(
            member.id,
            Message(N_("sits on the panel of “%(title)s”"), {"title": panel.call.title}),
            clock.local(panel.drawn_at).date() if panel.drawn_at else None,
            duty=Message(N_("Records of a selection are kept for fifteen years.")),
            source="政府采购法 第四十二条",
            link=("panel.read", panel.agency_id, "panels.show", {"panel_id": panel.id}),
        )
        for member, panel in rows
    ]


add_part(Part("panel_member", N_("Panels"), "panel.read", _entries))
