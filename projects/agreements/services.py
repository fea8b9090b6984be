"""Writing agreements: drafted, reviewed twice, offered, accepted, signed; then there is a project."""

from __future__ import annotations

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
from finance.funds.queries import earmark_available
from finance.purchasing.services import record_concluded
from grants.applications.models import Application
from projects.agreements.models import Agreement, Project
from projects.agreements.policy import (
    REGISTERED_STATUS,
    guard_sign,
    require_permission,
    require_separate,
)
from projects.agreements.queries import agreement_of, last_number
from projects.agreements.rules import (
    FUND_TERMS,
    GRADES,
    METHODS,
    VENTURE_METHOD,
    too_long,
    tranche_plan,
)
from registry.accounts.services import notify_organization
from registry.agencies.models import Agency
from registry.organizations.models import Organization


def draft_agreement(
    application: Application, *, starts_on: date, ends_on: date, terms: str = "", by: Any
) -> Agreement:
    """The grant agreement of an awarded application: its number, amount and tranches follow from the award."""
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
        starts_on=starts_on,
        ends_on=ends_on,
        tranche_weights=list(application.call.tranche_weights),
        terms=terms.strip(),
        drafted_by=by.id,
    )
    return _added(agreement, by)


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
    by: Any,
) -> Agreement:
    """A contract for a bought service.

    The supplier may be of any kind: that only social organizations may bid must never be a
    condition (政府采购法实施条例 Art. 20(7)). Refuses a service outside the catalogue in force
    (102号令 Art. 14), money of another agency or beyond the earmark, and terms above three years.
    """
    require_permission(by, "agreement.draft", agency_id=agency.id)
    _check_dates(starts_on, ends_on)
    if method not in METHODS:
        raise Refusal(Message(N_("Choose one of the offered ways of buying.")))
    if earmark.agency_id != agency.id:
        raise Refusal(Message(N_("This money belongs to another office.")), status=403)
    if amount <= Money(0):
        raise Refusal(Message(N_("The amount must be above zero.")))
    available = earmark_available(earmark)
    if amount > available:
        raise Refusal(
            Message(
                N_(
                    "The contract of %(amount)s yuan is above what the earmark still has: %(available)s yuan."
                ),
                {"amount": amount, "available": available},
            ),
            rule="RBG-1",
            source="预算法 第十三条：未列入预算的不得支出",
        )
    if too_long(starts_on, ends_on):
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
        starts_on=starts_on,
        ends_on=ends_on,
        tranche_weights=list(tranche_weights),
        terms=terms.strip(),
        method=method,
        service_key=service_key.strip(),
        catalogue_code=catalogue_code,
        drafted_by=by.id,
    )
    return _added(agreement, by)


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
    agreement: Agreement, *, starts_on: date, ends_on: date, terms: str, by: Any
) -> Agreement:
    """Change the term or the terms of a draft."""
    require_permission(by, "agreement.draft", agency_id=agreement.agency_id)
    if agreement.state != "draft":
        raise Refusal(
            Message(N_("Only a draft can be changed. Have it sent back to the draft first.")), status=409
        )
    _check_dates(starts_on, ends_on)
    agreement.starts_on, agreement.ends_on, agreement.terms = starts_on, ends_on, terms.strip()
    agreement.drafted_by = by.id
    record(agreement, "draft changed", by=by, details={"starts_on": starts_on, "ends_on": ends_on})
    return agreement


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
            by=by,
        )
        agreement.commitment = commitment
        db.session.flush()
        if application is not None and application.scored_by:
            exclude(commitment, list(application.scored_by), reason="scored", by=by)
    fire(agreement, "sign", by=by, details={"amount": agreement.amount.plain()})
    _conclude_purchase(agreement, by)
    return _begin_project(agreement, by)


def _conclude_purchase(agreement: Agreement, by: Any) -> None:
    """Every signed contract is a row of the purchase table; a grant counts as venture there."""
    agency = db.session.get_one(Agency, agreement.agency_id)
    is_venture = agreement.track == "venture_grant"
    if is_venture:
        name, code, public = agreement.title, "", True
    else:
        item = catalogue_item(agency, agreement.catalogue_code, on=agreement.starts_on)
        name, code, public = item.name, item.code, item.public_service
    source = agreement.earmark.budget.fund_source
    assert agreement.commitment is not None and agreement.signed_on is not None
    record_concluded(
        agreement.commitment,
        division_code=agency.division_code,
        purchaser=agency.name,
        service_key=agreement.service_key or agreement.number,
        service_name=name,
        catalogue_code=code,
        public_service=public,
        contractor=agreement.organization,
        fund_source=FUND_TERMS[source.kind],
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


def _added(agreement: Agreement, by: Any) -> Agreement:
    tranche_plan(agreement.track, agreement.tranche_weights)
    db.session.add(agreement)
    db.session.flush()
    record(
        agreement,
        "drafted",
        by=by,
        details={"number": agreement.number, "amount": agreement.amount.plain()},
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
