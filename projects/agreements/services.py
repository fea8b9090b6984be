"""Writing agreements: drafted, reviewed twice, offered, accepted, signed; then there is a project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import inspect, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.text import N_, Message
from finance.catalogue.models import CatalogueItem
from finance.catalogue.queries import in_force
from finance.commitments.models import Hold
from finance.commitments.services import commit, exclude, lift_hold, place_hold
from finance.funds.models import Earmark
from finance.purchasing.services import record_concluded
from grants.applications.models import Application
from projects.agreements.models import Agreement, AgreementSource, Project
from projects.agreements.policy import (
    REGISTERED_STATUS,
    findings_for,
    findings_of,
    guard_sign,
    refuse_failed,
    require_no_interest,
    require_permission,
    require_separate,
)
from projects.agreements.queries import UNFINISHED, agreement_of, last_number, parts_of
from projects.agreements.rules import (
    GRADES,
    METHODS,
    VENTURE_METHOD,
    Part,
    main_fund_term,
    public_part,
    too_long,
    tranche_plan,
)
from registry.accounts.services import notify_organization
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.outcomes.models import OutcomeCase
from registry.outcomes.services import when_decided

ZERO = Money(0)


def draft_agreement(
    application: Application,
    *,
    starts_on: date,
    ends_on: date,
    terms: str = "",
    sources: Sequence[Part] = (),
    by: Any,
) -> Agreement:
    """The grant agreement of an awarded application: its number, amount and tranches follow from the award.

    ``sources`` are the parts of several sources, the call's earmark first; none: all from the call's.
    """
    require_permission(by, "agreement.draft", agency_id=application.agency_id)
    if application.state != "awarded" or application.proposed_amount is None or application.number is None:
        raise Refusal(
            Message(N_("An agreement needs an awarded application: conclude its notice first.")),
            rule="RPN-1",
            status=409,
        )
    if agreement_of(application.id) is not None:
        raise Refusal(Message(N_("This application already has its agreement.")), status=409)
    _check_dates(starts_on, ends_on)
    agreement = Agreement(
        agency_id=application.agency_id,
        organization_id=application.organization_id,
        track="venture_grant",
        application_id=application.id,
        earmark_id=application.call.earmark_id,
        number=f"{application.number}-HT",
        title=application.title,
        amount=application.proposed_amount,
        own_funds=application.own_funds,
        starts_on=starts_on,
        ends_on=ends_on,
        tranche_weights=list(application.call.tranche_weights),
        terms=terms.strip(),
        drafted_by=by.id,
    )
    return _added(agreement, sources, application.call.earmark, by)


def draft_contract(
    agency: Agency,
    *,
    organization: Organization,
    earmark: Earmark,
    title: str,
    amount: Money,
    starts_on: date,
    ends_on: date,
    method: str,
    service_key: str,
    catalogue_code: str,
    tranche_weights: list[int],
    terms: str = "",
    sources: Sequence[Part] = (),
    own_funds: Money = ZERO,
    by: Any,
) -> Agreement:
    """A contract for a bought service; ``sources`` where several earmarks or units pay, ``earmark`` first.

    The supplier may be of any kind: that only social organizations may bid must never be a
    condition (政府采购法实施条例 Art. 20(7)). Refuses a service outside the catalogue in force
    (102号令 Art. 14), money of another agency or beyond the earmark, and terms above three years. A
    contract without any public money is outside these rules of procurement.
    """
    require_permission(by, "agreement.draft", agency_id=agency.id)
    _check_dates(starts_on, ends_on)
    if method not in METHODS:
        raise Refusal(Message(N_("Choose one of the offered ways of buying.")))
    if earmark.agency_id != agency.id:
        raise Refusal(Message(N_("This money belongs to another office.")), status=403)
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
    parts = list(sources) or [Part(agency, earmark, amount)]
    public = bool(public_part(parts))
    if public == (method == "outside"):
        raise Refusal(
            Message(N_("Public money is spent under the procurement rules: choose how it is bought."))
            if public
            else Message(N_("No public money is in this contract: it is outside the procurement rules.")),
            rule="RPU-2",
            source="政府采购法 第二条：使用财政性资金采购的适用本法",
        )
    if public and too_long(starts_on, ends_on):
        raise Refusal(
            Message(N_("A contract for a bought service runs three years at most.")),
            rule="RPU-24",
            source="政府购买服务管理办法（财政部令第102号） 第二十四条",
        )
    if organization.status != REGISTERED_STATUS:
        raise Refusal(
            Message(
                N_("%(name)s is not in normal standing and cannot contract now."), {"name": organization.name}
            ),
            rule="REL-E3",
        )
    if public or catalogue_code:
        catalogue_item(agency, catalogue_code, on=starts_on)
    year = clock.today().year
    agreement = Agreement(
        agency_id=agency.id,
        organization_id=organization.id,
        track="service_purchase",
        earmark_id=earmark.id,
        number=_purchase_number(agency, year),
        title=title.strip(),
        amount=amount,
        own_funds=own_funds,
        starts_on=starts_on,
        ends_on=ends_on,
        tranche_weights=list(tranche_weights),
        terms=terms.strip(),
        method=method,
        service_key=service_key.strip(),
        catalogue_code=catalogue_code,
        drafted_by=by.id,
    )
    return _added(agreement, parts, earmark, by)


def catalogue_item(agency: Agency, code: str, *, on: date) -> CatalogueItem:
    """The item in force; refuses a code that is in no catalogue on that day."""
    for item in in_force(agency.division_code, on):
        if item.code == code:
            return item
    raise Refusal(
        Message(
            N_(
                "“%(code)s” is not in the guiding catalogue in force on %(day)s: only services in it may be bought."
            ),
            {"code": code, "day": on},
        ),
        rule="RPU-14",
        source="政府购买服务管理办法（财政部令第102号） 第十四条",
    )


def update_agreement(
    agreement: Agreement,
    *,
    starts_on: date,
    ends_on: date,
    terms: str,
    sources: Sequence[Part] | None = None,
    by: Any,
) -> Agreement:
    """Change the term, the terms or the sources of a draft; ``None`` leaves the sources as they are.

    Where the sources change, every unit confirms its part anew.
    """
    require_permission(by, "agreement.draft", agency_id=agreement.agency_id)
    if agreement.state != "draft":
        raise Refusal(
            Message(N_("Only a draft can be changed. Have it sent back to the draft first.")), status=409
        )
    _check_dates(starts_on, ends_on)
    agreement.starts_on, agreement.ends_on, agreement.terms = starts_on, ends_on, terms.strip()
    agreement.drafted_by = by.id
    if sources is not None and list(sources) != parts_of(agreement):
        _set_sources(agreement, sources)
    record(
        agreement,
        "draft changed",
        by=by,
        details={"starts_on": starts_on, "ends_on": ends_on, "sources": _told(agreement)},
    )
    return agreement


def confirm_part(source: AgreementSource, earmark: Earmark, *, by: Any) -> None:
    """A unit that shares the cost names its money and confirms its part.

    Refuses money of another unit, less than the part, and what the source's rules forbid.
    """
    agreement = source.agreement
    require_permission(by, "agreement.review_money", agency_id=source.agency_id)
    require_separate({"drafted": agreement.drafted_by, "confirmed": by.id})
    require_no_interest(by, agreement.organization_id)
    if agreement.state not in ("draft", "legal_reviewed", "finance_reviewed"):
        raise Refusal(Message(N_("Parts are confirmed before the agreement is offered.")), status=409)
    if earmark.agency_id != source.agency_id:
        raise Refusal(Message(N_("This money belongs to another office.")), status=403)
    if any(other.earmark_id == earmark.id and other.id != source.id for other in agreement.sources):
        raise Refusal(Message(N_("This money gives a part to the agreement already.")), status=409)
    before = source.earmark
    source.earmark, source.earmark_id = earmark, earmark.id
    refuse_failed(findings_of(agreement))
    source.confirmed_by, source.confirmed_at = by.id, clock.now()
    db.session.flush()
    record(
        agreement,
        "part confirmed",
        by=by,
        details={"unit": source.agency_id, "amount": source.amount, "earmark": earmark.id,
                 "before": before.id if before is not None else None},
    )  # fmt: skip


def _set_sources(agreement: Agreement, parts: Sequence[Part]) -> None:
    """Write the sources of a draft; the rules are asked first."""
    known = [part.earmark.id for part in parts if part.earmark is not None]
    if not parts or known[:1] != [agreement.earmark_id] or len(set(known)) != len(known):
        raise Refusal(Message(N_("The agreement's own money comes first, and each source stands once.")))
    for part in parts:
        if part.amount <= Money(0):
            raise Refusal(Message(N_("The amount must be above zero.")))
        if part.earmark is None and part.agency.id == agreement.agency_id:
            raise Refusal(Message(N_("Name the money of your own unit.")))
        if part.earmark is not None and part.earmark.agency_id != part.agency.id:
            raise Refusal(Message(N_("This money belongs to another office.")), status=403)
    agency = db.session.get_one(Agency, agreement.agency_id)
    refuse_failed(
        findings_for(
            parts,
            agency=agency,
            application=db.session.get(Application, agreement.application_id or 0),
            amount=agreement.amount,
            own_funds=agreement.own_funds,
            title=agreement.title,
        )
    )
    agreement.sources.clear()
    # The numbers are free before they are given again.
    db.session.flush()
    for number, part in enumerate(parts, 1):
        agreement.sources.append(
            AgreementSource(
                number=number, agency_id=part.agency.id, agency=part.agency, earmark=part.earmark,
                earmark_id=part.earmark.id if part.earmark is not None else None, amount=part.amount,
            )
        )  # fmt: skip
    db.session.flush()


def _told(agreement: Agreement) -> dict[str, str]:
    """The sources as the audit trail keeps them: earmark (or unit that has still to name one) → amount."""
    return {
        str(item.earmark_id) if item.earmark_id is not None else f"unit {item.agency_id}": item.amount.plain()
        for item in agreement.sources
    }


def legal_review(agreement: Agreement, *, by: Any) -> None:
    fire(agreement, "review_legal", by=by)


def finance_review(agreement: Agreement, *, by: Any) -> None:
    fire(agreement, "review_money", by=by)


def offer(agreement: Agreement, *, by: Any) -> None:
    fire(agreement, "offer", by=by)
    notify_organization(
        agreement.organization_id,
        "agreement_offered",
        {"title": agreement.title, "number": agreement.number, "amount": agreement.amount},
        agency_id=agreement.agency_id,
    )


def accept(agreement: Agreement, *, by: Any) -> None:
    """The organization's leader accepts on line."""
    fire(agreement, "accept", by=by)


def decline(agreement: Agreement, *, reason: str, by: Any) -> None:
    """The organization's leader asks for a change; the draft begins again."""
    fire(agreement, "decline", by=by, note=_reason(reason))


def send_back(agreement: Agreement, *, reason: str, by: Any) -> None:
    """Back to the draft, with the reason; a draft stays one and the reason is noted."""
    if agreement.state == "draft":
        require_permission(by, "agreement.review", agency_id=agreement.agency_id)
        record(agreement, "sent back", by=by, details={"note": _reason(reason)})
        return
    fire(agreement, "send_back", by=by, note=_reason(reason))


def sign(agreement: Agreement, *, by: Any) -> Project:
    """Sign: the money is committed, the project begins, the contract enters the purchase table.

    Those who scored the application are kept from paying it. Refuses while an objection is open
    or before the public notice has ended.
    """
    require_permission(by, "agreement.sign", agency_id=agreement.agency_id)
    # Two leaders at once: the second waits here and then sees the signed state.
    db.session.execute(select(Agreement.id).where(Agreement.id == agreement.id).with_for_update())
    db.session.refresh(agreement, [column.key for column in inspect(Agreement).column_attrs])
    if agreement.state == "accepted":
        guard_sign(agreement, by=by)
        application = agreement.application
        commitment = commit(
            agreement.earmark,
            organization=agreement.organization,
            number=agreement.number,
            title=agreement.title,
            track=agreement.track,
            amount=agreement.amount,
            starts_on=agreement.starts_on,
            ends_on=agreement.ends_on,
            tranches=tranche_plan(agreement.track, agreement.tranche_weights),
            from_reservation=application is not None,
            shares=[(item.earmark, item.amount) for item in agreement.sources if item.earmark is not None],
            by=by,
        )
        agreement.commitment = commitment
        db.session.flush()
        if application is not None and application.scored_by:
            exclude(commitment, list(application.scored_by), reason="scored", by=by)
    fire(agreement, "sign", by=by, details={"amount": agreement.amount.plain()})
    _conclude_purchase(agreement, by)
    return _begin_project(agreement, by)


@dataclass(slots=True)
class _Concluded:
    """A contract as the purchase table takes it."""

    id: int
    number: str
    amount: Money


def _conclude_purchase(agreement: Agreement, by: Any) -> None:
    """Every signed contract is a row of the purchase table; a grant counts as venture there."""
    agency = db.session.get_one(Agency, agreement.agency_id)
    is_venture = agreement.track == "venture_grant"
    if is_venture or not agreement.catalogue_code:
        name, code, public = agreement.title, "", True
    else:
        item = catalogue_item(agency, agreement.catalogue_code, on=agreement.starts_on)
        name, code, public = item.name, item.code, item.public_service
    parts = parts_of(agreement)
    assert agreement.commitment is not None and agreement.signed_on is not None
    record_concluded(
        # Money that is no budget money is no purchase of the government's.
        _Concluded(agreement.commitment.id, agreement.number, public_part(parts) or agreement.amount),
        division_code=agency.division_code,
        purchaser=agency.name,
        service_key=agreement.service_key or agreement.number,
        service_name=name,
        catalogue_code=code,
        public_service=public,
        contractor=agreement.organization,
        fund_source=main_fund_term(parts),
        method=VENTURE_METHOD if is_venture else METHODS[agreement.method].official,
        signed_on=agreement.signed_on,
        is_venture=is_venture,
        by=by,
    )


def _begin_project(agreement: Agreement, by: Any) -> Project:
    application = agreement.application
    project = Project(
        agreement_id=agreement.id,
        agency_id=agreement.agency_id,
        organization_id=agreement.organization_id,
        number=agreement.number.removesuffix("-HT"),
        title=agreement.title,
        planned_beneficiaries=application.beneficiaries if application else 0,
        planned_person_times=application.person_times if application else 0,
    )
    project.agreement = agreement
    db.session.add(project)
    db.session.flush()
    fire(project, "start", by=by)
    return project


def record_checkpoint(project: Project, kind: str, grade: str, *, by: Actor) -> None:
    """Write down a verdict: ``kind`` midterm or final; grade excellent, good, pass or fail.

    A verdict stands; only a fail may be replaced, after the re-check of what was put right.
    """
    if kind not in ("midterm", "final") or grade not in GRADES:
        raise ValueError(f"unknown verdict {kind} {grade}")
    column = f"{kind}_grade"
    before = getattr(project, column)
    if before not in ("", "fail"):
        raise Refusal(Message(N_("This evaluation already has its verdict.")), status=409)
    setattr(project, column, grade)
    record(
        project,
        "mid-term graded" if kind == "midterm" else "finally graded",
        by=by,
        details={"grade": grade, "before": before},
    )


def accept_delivery(project: Project, *, passed: bool, note: str, by: Any) -> None:
    """Accept a bought service (验收): its verdict frees the tranche that waits for acceptance.

    Whoever handled the purchase or signed the contract does not accept it (政府采购法 Art. 61).
    """
    agreement = project.agreement
    if agreement.track != "service_purchase":
        raise Refusal(Message(N_("A grant is judged by its final evaluation, not by acceptance.")))
    require_permission(by, "project.accept", agency_id=project.agency_id)
    require_separate({"drafted": agreement.drafted_by, "signed": agreement.signed_by, "accepted": by.id})
    if project.state not in ("running", "closing"):
        raise Refusal(Message(N_("Only a running project can be accepted.")), status=409)
    project.accepted_by, project.accepted_on = by.id, clock.today()
    project.acceptance_note = _reason(note)
    record_checkpoint(project, "final", "pass" if passed else "fail", by=by)


def suspend_project(project: Project, *, reason: str, by: Any) -> Hold:
    """Suspend: nothing is released until the project is resumed."""
    fire(project, "suspend", by=by, note=_reason(reason))
    assert project.agreement.commitment is not None
    return place_hold(project.agreement.commitment, reason="suspension", text=reason.strip(), by=by)


def resume_project(project: Project, *, reason: str, by: Any) -> None:
    fire(project, "resume", by=by, note=_reason(reason))
    holds = db.session.scalars(
        select(Hold).where(
            Hold.commitment_id == project.agreement.commitment_id,
            Hold.reason == "suspension",
            Hold.lifted_at.is_(None),
        )
    )
    for hold in holds.all():
        lift_hold(hold, by=by)


def _added(agreement: Agreement, parts: Sequence[Part], earmark: Earmark, by: Any) -> Agreement:
    tranche_plan(agreement.track, agreement.tranche_weights)
    db.session.add(agreement)
    db.session.flush()
    agency = db.session.get_one(Agency, agreement.agency_id)
    _set_sources(agreement, parts or [Part(agency, earmark, agreement.amount)])
    record(
        agreement,
        "drafted",
        by=by,
        details={
            "number": agreement.number,
            "amount": agreement.amount.plain(),
            "sources": _told(agreement),
        },
    )
    return agreement


def _purchase_number(agency: Agency, year: int) -> str:
    """``{division6}-GMFW-{yyyy}-{seq4}-HT``; the database's UNIQUE settles a race."""
    prefix = f"{agency.division_code[:6]}-GMFW-{year}-"
    last = last_number(prefix)
    serial = int(last.removeprefix(prefix).removesuffix("-HT")) + 1 if last else 1
    return f"{prefix}{serial:04d}-HT"


def _check_dates(starts_on: date, ends_on: date) -> None:
    if ends_on < starts_on:
        raise Refusal(Message(N_("The last day lies before the first day.")))


def _reason(text: str) -> str:
    if not text.strip():
        raise Refusal(Message(N_("Write the reason: the other side has to know what to do.")))
    return text.strip()


def _after_outcome(case: OutcomeCase, by: Actor) -> Iterator[tuple[Message, list[int]]]:
    """Each unfinished project notes the decision; whether it is ended early its own unit decides."""
    projects = db.session.scalars(
        select(Project)
        .where(Project.organization_id == case.organization_id, Project.state.in_(UNFINISHED))
        .order_by(Project.id)
    ).all()
    for project in projects:
        record(project, "standing of the organization changed", by=by, details={"note": case.document})
    if case.outcome != "reactivated":
        asked = [project.id for project in projects]
        yield Message(N_("Projects whose units were asked to end them early")), asked


when_decided("projects", _after_outcome)
