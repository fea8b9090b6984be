"""Opening alerts, and the steps of their cases."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM, Actor, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from finance.alerts import queries
from finance.alerts.models import FundAlert
from finance.alerts.rules import Found
from registry.agencies.models import Agency


def open_alert(found: Found, *, by: Actor = SYSTEM) -> FundAlert | None:
    """A case for what was found; ``None`` where one for the same thing goes on already.

    A case that waits for its assignment takes a graver sentence of the same thing over.
    """
    there = queries.going_on(found.kind, found.subject_type, found.subject_id)
    if there is not None:
        if there.state == "opened" and there.finding.get("level", "") != found.level:
            there.finding, there.source = _stored(found), found.source
            record(there, "grew", by=by, details={"finding": found.sentence.english()})
        return None
    alert = FundAlert(
        agency_id=found.agency_id,
        kind=found.kind,
        subject_type=found.subject_type,
        subject_id=found.subject_id,
        finding=_stored(found),
        source=found.source,
        found_on=clock.today(),
        opened_by=by.actor_id,
    )
    db.session.add(alert)
    db.session.flush()
    record(alert, "opened", by=by, details={"kind": found.kind, "finding": found.sentence.english()})
    return alert


def _stored(found: Found) -> dict[str, Any]:
    return {**found.sentence.to_dict(), "level": found.level}


def sentence_of(alert: FundAlert) -> Message:
    """What was found, for the reader's language."""
    return Message.from_dict({"id": alert.finding["id"], "params": alert.finding["params"]})


def find_alerts() -> int:
    """Ask every finder; how many cases were opened."""
    return sum(open_alert(found) is not None for found in list(queries.everything_found()))


def report_alert(
    agency: Agency, *, kind: str, subject: tuple[str, int], text: str, source: str, by: Any
) -> FundAlert:
    """A person opens a case about a thing they see (joint supervision)."""
    if not by.may("alert.open", agency_id=agency.id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not text.strip():
        raise Refusal(Message(N_("Say what is wrong.")))
    alert = open_alert(
        Found(kind, *subject, agency.id, Message("%(text)s", {"text": text.strip()}), source.strip()), by=by
    )
    if alert is None:
        raise Refusal(Message(N_("A case about this is open already: add to that one.")), status=409)
    return alert


def assign(alert: FundAlert, unit: Agency, *, due_on: date, note: str = "", by: Any) -> None:
    """Give the case to a unit of the same tree, until a day."""
    if due_on < clock.today():
        raise Refusal(Message(N_("The day for the answer lies in the past.")))
    if unit.id not in {item.id for item in queries.units_to_ask(alert.agency)}:
        raise Refusal(Message(N_("Only a unit of the same place can be asked.")), status=403)
    fire(alert, "assign", by=by, unit=unit.id, due=due_on, note=note.strip(), details={"unit": unit.name})


def answer(alert: FundAlert, text: str, *, by: Any) -> None:
    if not text.strip():
        raise Refusal(Message(N_("Write the answer: what happened, what was put right, what comes next.")))
    fire(alert, "answer", by=by, text=text.strip())


def ask_again(alert: FundAlert, *, note: str, by: Any) -> None:
    if not note.strip():
        raise Refusal(Message(N_("Say what is still open.")))
    fire(alert, "ask_again", by=by, note=note.strip())


def close(alert: FundAlert, outcome: str, *, by: Any) -> None:
    """Somebody else than who answered says what came of it; after that the case stays as it is."""
    if not outcome.strip():
        raise Refusal(Message(N_("Write the outcome: what was found and what follows from it.")))
    fire(alert, "close", by=by, text=outcome.strip())
