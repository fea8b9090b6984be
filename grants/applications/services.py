"""Writing, submitting and deciding applications.

The functions for applicants come first, then those of the programme officer, then those through
which the floors above write down what they decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from core import clock
from core.access.policy import Refusal
from core.audit.chains import canonical
from core.audit.services import record
from core.db import db
from core.files.models import StoredFile
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.commitments.services import cancel_reservation, reserve
from finance.funds.policy import forbidden_at
from finance.lines.rules import LINES, budget
from grants.applications.models import Application, ApplicationVersion, Attachment, BudgetLine
from grants.applications.policy import local_second, must_be_open, must_be_writable
from grants.applications.queries import (
    applicant_facts,
    applied_on,
    last_number,
    line_facts,
    lines_of,
    saved_lately,
    submitted_in_call,
)
from grants.applications.rules import eligibility
from grants.calls.models import Call
from grants.calls.queries import rules_of
from grants.calls.rules import SOURCES
from registry.accounts.services import notify_organization
from registry.organizations.models import Organization

EDITABLE = (
    "title", "category", "need", "goals", "plan", "risks", "party_building", "place", "beneficiaries",
    "person_times", "starts_on", "ends_on", "leader_name", "leader_phone", "integrity_committed",
    "party_committed", "requested",
)  # fmt: skip
# When a shortlisted plan is optimized, goal, beneficiaries and core content stay (DOMAIN 2.4, step 11).
OPTIMIZABLE = ("plan", "risks", "party_building", "leader_name", "leader_phone")
# From these states on the money is set aside in the till.
RESERVED = ("proposed", "in_notice", "objected")


def start_application(call: Call, organization: Organization, *, title: str, by: Any) -> Application:
    """A draft for an open call; several drafts are free, submitting is limited (E13)."""
    _must_hold(by, "application.write", organization.id)
    must_be_open(call)
    if not title.strip():
        raise Refusal(Message(N_("Give the project a name.")))
    application = Application(
        call_id=call.id,
        agency_id=call.agency_id,
        organization_id=organization.id,
        state="draft",
        title=title.strip(),
        created_by=by.actor_id,
    )
    if len(call.categories) == 1:
        application.category = call.categories[0]["code"]
    db.session.add(application)
    db.session.flush()
    record(application, "started", by=by, details={"call": call.id, "title": application.title})
    return application


def save_application(
    application: Application,
    *,
    fields: Mapping[str, Any],
    lines: Iterable[Mapping[str, Any]] | None = None,
    by: Any,
) -> Application:
    """Keep what was typed, complete or not. ``fields`` holds any of :data:`EDITABLE`; ``lines`` the whole
    budget table as ``{"code", "basis", "grant", "own"}`` (rows without money are dropped), ``None`` leaves it.

    The audit trail names the fields that changed; savings within an hour that name no other field are one entry."""
    _must_hold(by, "application.write", application.organization_id)
    db.session.refresh(application, ["state"], with_for_update=True)
    must_be_writable(application)
    unknown = set(fields) - set(EDITABLE)
    if unknown:
        raise TypeError(f"an application has no fields {sorted(unknown)}")
    changed = sorted(name for name, value in fields.items() if getattr(application, name) != value)
    if application.state == "optimizing" and set(changed) - set(OPTIMIZABLE):
        raise Refusal(
            Message(
                N_(
                    "While a plan is optimized, its goal, beneficiaries, category, calendar and request stay as they were judged."
                )
            ),
            rule="OPTIMIZE",
            source="公益创投征集公告（优化阶段不得变更目标、对象与核心内容）",
        )
    for name in changed:
        setattr(application, name, fields[name])
    if lines is not None:
        before = _budget(application)
        _set_lines(application, lines)
        if _budget(application) != before:
            changed.append("budget")
    db.session.flush()
    # Drafts save themselves while they are written: a field is named once per person and hour.
    if set(changed) - saved_lately(application, by=by):
        record(application, "saved", by=by, details={"fields": sorted(changed)})
    return application


def _budget(application: Application) -> list[tuple[Any, ...]]:
    return [(row.position, row.code, row.basis, row.grant, row.own) for row in lines_of(application)]


def _set_lines(application: Application, lines: Iterable[Mapping[str, Any]]) -> None:
    for old in lines_of(application):
        db.session.delete(old)
    db.session.flush()
    own = Money(0)
    order = list(LINES)
    kept = [row for row in lines if row["grant"] or row["own"] or row.get("basis")]
    for place, row in enumerate(
        sorted(kept, key=lambda row: order.index(row["code"]) if row["code"] in order else 99), 1
    ):
        own += row["own"]
        db.session.add(
            BudgetLine(
                application_id=application.id,
                position=place,
                code=row["code"],
                basis=row.get("basis", ""),
                grant=row["grant"],
                own=row["own"],
            )
        )
    application.own_funds = own
    db.session.flush()
    db.session.expire(application, ["lines"])


def add_attachment(application: Application, file: StoredFile, *, kind: str, by: Any) -> Attachment:
    _must_hold(by, "application.write", application.organization_id)
    must_be_writable(application)
    row = Attachment(application_id=application.id, kind=kind, file_id=file.id)
    db.session.add(row)
    db.session.flush()
    db.session.expire(application, ["attachments"])
    record(application, "attached", by=by, details={"name": file.name, "kind": kind, "sha256": file.sha256})
    return row


def remove_attachment(application: Application, attachment: Attachment, *, by: Any) -> None:
    """Take a file off the draft; versions already submitted keep naming it by its digest."""
    _must_hold(by, "application.write", application.organization_id)
    must_be_writable(application)
    record(
        application,
        "detached",
        by=by,
        details={"name": attachment.file.name, "sha256": attachment.file.sha256},
    )
    db.session.delete(attachment)
    db.session.flush()
    db.session.expire(application, ["attachments"])


def submit_application(application: Application, *, by: Any) -> ApplicationVersion:
    """Submit a draft, a supplement or an optimized plan: locks a version and gives the receipt.

    The server's clock decides. An incomplete application is refused; :func:`missing` names everything
    that is missing at once.
    """
    db.session.refresh(application, ["state"])
    first = application.state == "draft"
    step = {"draft": "submit", "returned": "resubmit", "optimizing": "optimized"}.get(
        application.state, "submit"
    )
    if first:
        _must_hold(by, "application.submit", application.organization_id)
        must_be_open(application.call)
    found = missing(application)
    if found and application.state in ("draft", "returned", "optimizing"):
        raise Refusal(
            Message(N_("The application is not complete: %(first)s"), {"first": found[0][1]}), rule="COMPLETE"
        )
    now = clock.now()
    if first:
        prefix = number_prefix(application.call)
        _lock(prefix)
        _must_not_exceed(application)
        application.number = _next_number(prefix)
        application.submitted_at, application.submitted_by = now, by.actor_id
    version = len(application.versions) + 1
    content = canonical(
        {**content_of(application), "version": version, "submitted_at": now, "submitted_by": by.actor_name}
    )
    digest = hashlib.sha256(content.encode()).hexdigest()
    fire(
        application, step, by=by, details={"version": version, "sha256": digest, "number": application.number}
    )
    row = ApplicationVersion(
        application_id=application.id,
        version=version,
        content=content,
        sha256=digest,
        submitted_at=now,
        submitted_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    db.session.expire(application, ["versions"])
    return row


def missing(application: Application) -> list[tuple[str, Message]]:
    """Everything that keeps the application from being submitted: (field, sentence), in the form's order."""
    return completeness(application, lines_of(application), application.call)


def completeness(application: Any, lines: Sequence[Any], call: Call) -> list[tuple[str, Message]]:
    found: list[tuple[str, Message]] = []

    def need(name: str, given: object, sentence: str) -> None:
        if not (given.strip() if isinstance(given, str) else given):
            found.append((name, Message(sentence)))

    need("title", application.title, N_("Give the project a name."))
    if application.category not in {item["code"] for item in call.categories}:
        found.append(("category", Message(N_("Choose the category of the call."))))
    need("place", application.place, N_("Say where the project is carried out."))
    need("beneficiaries", application.beneficiaries, N_("Say how many people the project serves."))
    need("person_times", application.person_times, N_("Say how many times people are served."))
    need("starts_on", application.starts_on, N_("Give the first day of the project."))
    need("ends_on", application.ends_on, N_("Give the last day of the project."))
    if application.starts_on and application.ends_on and application.ends_on < application.starts_on:
        found.append(("ends_on", Message(N_("The project ends before it starts."))))
    need("leader_name", application.leader_name, N_("Name the project leader."))
    need("leader_phone", application.leader_phone, N_("Give the project leader's phone."))
    need("need", application.need, N_("Describe the need: who, how many, how do you know."))
    need("goals", application.goals, N_("Describe the goals with number, unit, date and proof."))
    need("plan", application.plan, N_("Describe the plan: months, places, people."))
    need("risks", application.risks, N_("Name the risks and what you do about them."))
    need(
        "party_building",
        application.party_building,
        N_("Party building is mandatory: describe how it is embedded in the project."),
    )
    need("requested", application.requested, N_("Say how much is asked for."))
    if application.requested > call.project_cap:
        found.append(
            ("requested", Message(N_("The cap for one project is %(cap)s yuan."), {"cap": call.project_cap}))
        )
    total = sum((line.grant for line in lines), Money(0))
    if total != application.requested:
        found.append(
            (
                "requested",
                Message(
                    N_("The budget lines sum to %(lines)s yuan, but %(requested)s yuan are asked for."),
                    {"lines": total, "requested": application.requested},
                ),
            )
        )
    for line in lines:
        if not line.basis.strip():
            found.append(
                (
                    f"line_{line.code}_basis",
                    Message(
                        N_("%(line)s: say how the amount is made up."),
                        {"line": Message(LINES.get(line.code, line.code))},
                    ),
                )
            )
    need(
        "integrity_committed",
        application.integrity_committed,
        N_("The integrity commitment is part of every application."),
    )
    need(
        "party_committed",
        application.party_committed,
        N_("The party-building commitment is part of every application."),
    )
    return found


def content_of(application: Application) -> dict[str, Any]:
    """The application word for word, as a version keeps it; money as text in yuan, days as ISO text."""
    call, organization = application.call, application.organization
    return {
        "number": application.number,
        "call": {"id": call.id, "title": call.title, "document_number": call.document_number},
        "organization": {"name": organization.name, "credit_code": organization.credit_code},
        **{name: _plain(getattr(application, name)) for name in EDITABLE},
        "own_funds": application.own_funds.plain(),
        "lines": [
            {"code": line.code, "basis": line.basis, "grant": line.grant.plain(), "own": line.own.plain()}
            for line in lines_of(application)
        ],
        "attachments": [
            {"kind": item.kind, "name": item.file.name, "sha256": item.file.sha256}
            for item in application.attachments
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.plain()
    return value.isoformat() if isinstance(value, date) else value


def number_prefix(call: Call) -> str:
    """``150600-GYCT-2026-06-``: division, programme, year, round (DOMAIN 4)."""
    division = call.agency.division_code[:6].ljust(6, "0")
    return f"{division}-GYCT-{call.year}-{call.round_number:02d}-"


def _next_number(prefix: str) -> str:
    last = last_number(prefix)
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:03d}"


def _lock(prefix: str) -> None:
    """One submission at a time under one prefix; SQLite's write lock already sees to it."""
    if db.session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(
            hashlib.sha256(f"application/{prefix}".encode()).digest()[:8], "big", signed=True
        )
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _must_not_exceed(application: Application) -> None:
    already = submitted_in_call(application.call_id, application.organization_id)
    maximum = application.call.max_applications
    if already >= maximum:
        raise Refusal(
            Message(
                N_(
                    "Your organization has already submitted %(count)s applications to this call; %(max)s are allowed."
                ),
                {"count": already, "max": maximum},
            ),
            rule="E13",
            source=SOURCES["E13"],
            status=409,
        )


def withdraw(application: Application, *, by: Any) -> None:
    """Before the deadline the applicant takes the application back."""
    fire(application, "withdraw", by=by)


# The programme officer -------------------------------------------------------------------------


def findings_for(application: Application, *, on: date) -> list[Finding]:
    """Every eligibility and budget finding on the day ``on``, by the rules of the call."""
    call = application.call
    rules = rules_of(call)
    first = eligibility(
        applicant_facts(application, on=on),
        rules,
        applied_on=applied_on(application, on=on),
        on=on,
        max_applications=call.max_applications,
        party_committed=application.party_committed,
        rule_set=rules.label,
    )
    second = budget(
        application.requested,
        application.own_funds,
        call.project_cap,
        line_facts(application),
        rules,
        fund_kind=call.earmark.budget.fund_source.kind,
        forbidden=forbidden_at(call.earmark.budget.fund_source.agency.division_code),
        rule_set=rules.label,
    )
    return [*first, *second]


def return_for_supplement(application: Application, *, items: str, due_on: date, by: Any) -> None:
    """补正: name everything that is missing at once; asked for once (DOMAIN 2.4, step 6)."""
    if application.supplement_due_on is not None:
        raise Refusal(
            Message(N_("A supplement was already asked for once; now decide on what is there.")),
            rule="SUPPLEMENT",
            source="公益创投征集公告（一次性告知补正）",
            status=409,
        )
    if not items.strip():
        raise Refusal(Message(N_("Name what is missing; everything at once.")))
    if due_on <= clock.today():
        raise Refusal(Message(N_("The supplement needs a day after today.")))
    application.supplement_items, application.supplement_due_on = items.strip(), due_on
    fire(application, "return", by=by, note=items.strip(), details={"due_on": due_on.isoformat()})
    _tell(application, "supplement_asked", due=due_on, items=items.strip())


def confirm_eligibility(
    application: Application, *, eligible: bool, note: str = "", answers: Mapping[str, bool], by: Any
) -> None:
    """A person confirms the findings; ``answers`` says yes or no to each rule that needs a person.

    The findings are stored with the decision. Nobody is confirmed as eligible against a failed rule.
    """
    findings = [_answered(item, answers, by) for item in findings_for(application, on=clock.today())]
    open_ones = [item for item in findings if item.verdict is Verdict.MANUAL]
    failed = [item for item in findings if item.verdict is Verdict.FAIL]
    if eligible and open_ones:
        raise Refusal(
            Message(N_("Answer “%(title)s” first: this rule needs a person."), {"title": open_ones[0].title}),
            rule=open_ones[0].rule,
            source=open_ones[0].source,
        )
    if eligible and failed:
        raise Refusal(
            Message(
                N_(
                    "“%(title)s” is not met: %(sentence)s Ask for a supplement or declare the application not eligible."
                ),
                {"title": failed[0].title, "sentence": failed[0].sentence},
            ),
            rule=failed[0].rule,
            source=failed[0].source,
        )
    if not eligible and not note.strip():
        raise Refusal(Message(N_("Give the reason; the applicant reads it.")))
    application.findings = [item.to_dict() for item in findings]
    application.eligibility_note = note.strip()
    application.eligibility_by, application.eligibility_at = by.actor_id, clock.now()
    fire(
        application,
        "confirm" if eligible else "refuse",
        by=by,
        note=note.strip(),
        details={"failed": [item.rule for item in failed], "answers": dict(answers)},
    )
    _tell(application, "eligibility_result", eligible=eligible, note=note.strip())


def _tell(application: Application, template: str, **params: Any) -> None:
    notify_organization(
        application.organization_id,
        template,
        {"title": application.title, "number": application.number or "", **params},
        agency_id=application.agency_id,
    )


def _answered(finding: Finding, answers: Mapping[str, bool], by: Any) -> Finding:
    """A finding that needed a person, with the answer of one."""
    if finding.verdict is not Verdict.MANUAL or finding.rule not in answers:
        return finding
    yes = answers[finding.rule]
    return Finding(
        rule=finding.rule,
        verdict=Verdict.PASS if yes else Verdict.FAIL,
        title=finding.title,
        sentence=finding.sentence,
        numbers=Message(N_("judged by %(name)s: met"), {"name": by.actor_name})
        if yes
        else Message(N_("judged by %(name)s: not met"), {"name": by.actor_name}),
        source=finding.source,
        rule_set=finding.rule_set,
        facts={**finding.facts, "answer": yes, "by": by.actor_id, "at": local_second(clock.now())},
    )


def ask_to_optimize(application: Application, *, note: str, by: Any) -> None:
    """A shortlisted plan goes back for improvement; goal and beneficiaries stay."""
    if not note.strip():
        raise Refusal(Message(N_("Say what should be improved.")))
    fire(application, "optimize", by=by, note=note.strip())


# Written down by the floors above -----------------------------------------------------------------


def record_outcome(
    application: Application,
    outcome: str,
    *,
    score: int | None,
    rank: int | None,
    scored_by: Sequence[int],
    by: Any,
    note: str = "",
    award_bonus: int = 0,
) -> None:
    """The panel's outcome, ``shortlisted`` or ``rejected``. ``score`` in hundredths of a point, of which
    ``award_bonus`` for awards of the register;
    ``scored_by`` are person ids: they may neither decide on it nor pay it."""
    step = {"shortlisted": "shortlist", "rejected": "reject"}[outcome]
    application.score, application.rank, application.award_bonus = score, rank, award_bonus
    application.scored_by = sorted(set(application.scored_by) | set(scored_by))
    fire(
        application,
        step,
        by=by,
        note=note,
        details={"score": score, "rank": rank, **({"award_bonus": award_bonus} if award_bonus else {})},
    )


def propose(application: Application, *, amount: Money, by: Any) -> None:
    """Propose a grant; the money is reserved in the call's earmark, or refused where it does not suffice."""
    fire(application, "propose", by=by, details={"amount": amount.plain()}, amount=amount)
    application.proposed_amount = amount
    reserve(application.call.earmark, amount, key=reservation_key(application), by=by)
    db.session.flush()


def reservation_key(application: Application) -> str:
    return f"application/{application.id}"


def put_in_notice(application: Application, *, by: Any, note: str = "") -> None:
    fire(application, "put_in_notice", by=by, note=note)


def mark_objected(application: Application, *, by: Any, note: str = "") -> None:
    fire(application, "mark_objected", by=by, note=note)


def clear_objection(application: Application, *, by: Any, note: str = "") -> None:
    fire(application, "clear_objection", by=by, note=note)


def award(application: Application, *, by: Any, note: str = "") -> None:
    fire(application, "award", by=by, note=note)


def reject(application: Application, *, by: Any, note: str = "") -> None:
    """Not awarded; money that was reserved goes back to the earmark."""
    db.session.flush()
    db.session.refresh(application, ["state"])
    amount = application.proposed_amount if application.state in RESERVED else None
    fire(application, "reject", by=by, note=note)
    if amount is not None:
        cancel_reservation(
            application.call.earmark, amount, key=f"{reservation_key(application)}/cancelled", by=by
        )


def _must_hold(by: Any, permission: str, organization_id: int) -> None:
    if not by.may(permission, organization_id=organization_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
