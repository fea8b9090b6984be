"""Reporting changes of an entry, and deciding about them."""

from __future__ import annotations

from datetime import date
from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.lifecycle import fire
from core.text import N_, Message
from registry.organizations.models import Organization
from registry.organizations.services import edit_organization
from registry.particulars.services import COUNTS, record_staff, set_profile
from registry.persons.services import record_person
from registry.updates import queries
from registry.updates.models import UpdateRequest


def keep_draft(
    organization: Organization,
    *,
    typed: dict[str, Any],
    evidence: str,
    file: StoredFile | None = None,
    by: Any,
) -> UpdateRequest:
    """Keep what the organization wants changed: the differences of ``typed`` (plain values by field).

    One request is open at a time; a draft or a returned one is taken up again. Without a new ``file`` the
    one that was sent before stays.
    """
    year = int(typed["staff_year"] or clock.today().year - 1)
    base = queries.entry_values(organization, year)
    proposed = {
        name: value
        for name, value in typed.items()
        if name != "staff_year" and name in base and (value or None) != (base[name] or None)
    }
    if any(name in proposed for name in COUNTS):
        proposed["staff_year"] = year
    request = queries.alive_update(organization.id)
    if request is not None and request.state == "submitted":
        raise Refusal(
            Message(N_("A change of this entry was sent already: wait for the answer, or withdraw it.")),
            status=409,
        )
    if request is None:
        request = UpdateRequest(
            agency_id=organization.agency_id, organization_id=organization.id, drafted_by=by.actor_id
        )
        db.session.add(request)
        db.session.flush()
        record(request, "drafted", by=by)
    request.base = {name: base[name] for name in proposed}
    request.proposed, request.evidence = proposed, evidence.strip()
    request.drafted_by = by.actor_id
    if file is not None:
        request.evidence_file_id = file.id
        record(request, "evidence_filed", by=by, details={"file": file.name, "sha256": file.sha256})
    db.session.flush()
    return request


def submit(request: UpdateRequest, *, by: Any) -> None:
    """The leader stands for it and sends it to the department."""
    fire(request, "submit", by=by)


def withdraw(request: UpdateRequest, *, by: Any) -> None:
    fire(request, "withdraw", by=by)


def give_back(request: UpdateRequest, answer: str, *, by: Any) -> None:
    """Nothing is lost: the organization opens the same request again."""
    if not answer.strip():
        raise Refusal(Message(N_("Say what has to be put right.")))
    request.answer = answer.strip()
    fire(request, "give_back", by=by, note=answer.strip())


def accept(request: UpdateRequest, *, answer: str = "", by: Any) -> None:
    """Write the changes into the entry; reported by one, looked at by another: it is verified with that."""
    organization = request.organization
    request.answer = answer.strip()
    fire(request, "accept", by=by, note=answer.strip())
    wanted = dict(request.proposed)
    evidence = " · ".join(part for part in (request.evidence, request.evidence_name) if part)[:200]
    facts = {
        name: getattr(organization, name)
        for name in (
            "kind", "name", "credit_code", "division_code", "registered_on", "register_class", "host",
            "legal_representative", "business_scope", "fields", "address", "phone",
        )
    }  # fmt: skip
    facts |= {name: wanted[name] for name in queries.ENTRY if name in wanted}
    if any(name in wanted for name in queries.LEADER):
        now = queries.entry_values(organization, clock.today().year)
        facts["legal_representative"] = record_person(
            wanted.get("leader", now["leader"]),
            phone=wanted.get("leader_phone", now["leader_phone"]) or "",
            by=by,
        )
    edit_organization(organization, by=by, evidence=evidence, source="self_service", **facts)
    profile = {name: _day(name, wanted[name]) for name in queries.PROFILE if name in wanted}
    if profile:
        set_profile(organization, by=by, evidence=evidence, source="self_service", **profile)
    if "staff_year" in wanted:
        _people(organization, wanted, evidence, by=by)
    organization.recorded_by = request.submitted_by
    organization.verified_by, organization.verified_on = by.actor_id, clock.today()
    db.session.flush()
    record(organization, "update_accepted", by=by, details={"request": request.id, "fields": sorted(wanted)})


def _day(name: str, value: Any) -> Any:
    if name in ("certificate_from", "certificate_to", "charter_on"):
        return date.fromisoformat(value) if value else None
    return value if name == "member_count" else value or ""


def _people(organization: Organization, wanted: dict[str, Any], evidence: str, *, by: Actor) -> None:
    now = queries.entry_values(organization, int(wanted["staff_year"]))
    counts = {name: int(wanted.get(name, now[name]) or 0) for name in COUNTS}
    record_staff(
        organization, int(wanted["staff_year"]), by=by, source="self_service", evidence=evidence, **counts
    )
