"""Proposing, reviewing, deciding and finishing the outcome of doubtful standing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.rules.rules import Verdict
from core.text import N_, Message
from registry.organizations.models import Organization
from registry.organizations.services import set_status
from registry.outcomes import queries
from registry.outcomes.models import GROUNDS, OUTCOMES, OutcomeCase
from registry.outcomes.rules import CLOSING, closing_findings, ground_finding, missed_years

# What a floor above does when an outcome is decided: it answers with what it did, and the numbers of its rows.
Consequence = Callable[[OutcomeCase, Actor], Iterable[tuple[Message, list[int]]]]
_consequences: dict[str, Consequence] = {}


def when_decided(name: str, act: Consequence) -> None:
    """Have ``act(case, by)`` called in the transaction that decides an outcome."""
    _consequences[name] = act


def finding_of(organization: Organization, ground: str) -> Any:
    """What the register says about a ground, today."""
    results = {item.year: item.result for item in organization.inspections}
    missed = missed_years(results, registered_on=organization.registered_on, on=clock.today())
    return ground_finding(
        ground,
        missed=missed,
        status=organization.status,
        under_investigation=organization.under_investigation,
    )


def propose(
    organization: Organization,
    outcome: str,
    *,
    ground: str,
    facts: str,
    document: str = "",
    liquidator: str = "",
    liquidator_phone: str = "",
    liquidation_until: date | None = None,
    by: Actor,
) -> OutcomeCase:
    """Open a case. The register must bear out its ground; who deregisters or is revoked has a liquidator."""
    if outcome not in OUTCOMES or ground not in GROUNDS:
        raise ValueError(f"unknown outcome {outcome} or ground {ground}")
    if organization.status in ("deregistered", "revoked"):
        raise Refusal(Message(N_("This entry is closed already.")), status=409)
    if queries.going_on(organization.id) is not None:
        raise Refusal(Message(N_("A case about this organization goes on already.")), status=409)
    if not facts.strip():
        raise Refusal(Message(N_("Write down the facts: who decides reads them.")))
    if outcome == "reactivated" and organization.status == "normal":
        raise Refusal(Message(N_("It is in normal standing: there is nothing to reactivate.")))
    if outcome != "reactivated":
        if not liquidator.strip():
            raise Refusal(
                Message(N_("Name who winds it up: a liquidation group is set up before a body ends.")),
                rule="ROU-5",
                source=CLOSING,
            )
        if liquidation_until is None or liquidation_until < clock.today():
            raise Refusal(Message(N_("Say until when it is wound up, today or later.")))
        finding = finding_of(organization, ground)
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    case = OutcomeCase(
        agency_id=organization.agency_id,
        organization_id=organization.id,
        outcome=outcome,
        ground=ground,
        facts=facts.strip(),
        document=document.strip(),
        liquidator=liquidator.strip() if outcome != "reactivated" else "",
        liquidator_phone=liquidator_phone.strip() if outcome != "reactivated" else "",
        liquidation_until=liquidation_until if outcome != "reactivated" else None,
        status_before=organization.status,
        proposed_by=by.actor_id,
    )
    db.session.add(case)
    db.session.flush()
    record(case, "proposed", by=by, details={"outcome": outcome, "ground": ground})
    return case


def review(case: OutcomeCase, *, note: str = "", by: Any) -> None:
    fire(case, "review", by=by, note=note.strip())


def drop(case: OutcomeCase, *, reason: str, by: Any) -> None:
    if not reason.strip():
        raise Refusal(Message(N_("Say why the proposal is dropped.")))
    fire(case, "drop", by=by, note=reason.strip())


def decide(case: OutcomeCase, *, note: str = "", by: Any) -> None:
    """The outcome holds from now on: standing changes, and every floor does what follows from it."""
    organization = case.organization
    fire(case, "reactivate" if case.outcome == "reactivated" else "wind_up", by=by, note=note.strip())
    status = {"reactivated": "normal", "deregistered": "liquidating", "revoked": "revoked"}[case.outcome]
    set_status(
        organization,
        status,
        under_investigation=False if case.outcome == "reactivated" else organization.under_investigation,
        reason=case.document or case.facts[:200],
        source="outcome",
        by=by,
    )
    case.consequences = [
        {"of": name, "text": sentence.to_dict(), "count": len(rows), "rows": rows}
        for name, act in _consequences.items()
        for sentence, rows in act(case, by)
    ]
    db.session.flush()
    record(
        organization,
        "outcome_decided",
        by=by,
        details={"case": case.id, "outcome": case.outcome, "note": case.document},
    )


def close(case: OutcomeCase, *, note: str = "", by: Any) -> None:
    """The winding-up is finished; refused while a commitment or a project is open."""
    for finding in closing_findings(queries.open_matters(case.organization)):
        if finding.verdict is Verdict.FAIL:
            raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)
    fire(case, "close", by=by, note=note.strip())
    if case.outcome == "deregistered":
        set_status(
            case.organization,
            "deregistered",
            under_investigation=False,
            reason=note.strip() or case.document or case.facts[:200],
            source="outcome",
            by=by,
        )
    record(case.organization, "closed_down", by=by, details={"case": case.id})
