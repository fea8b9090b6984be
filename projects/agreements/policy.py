"""Who may take which step of an agreement, and why not; what the rules say about its money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.db import db
from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from finance.funds.policy import Wish, earmark_findings
from finance.funds.queries import earmark_available
from finance.funds.rules import cofunding_findings
from grants.applications.models import Application
from grants.notices.queries import open_objections
from projects.agreements.models import Agreement
from projects.agreements.queries import cofunding_parameters, notice_of, parts_of
from projects.agreements.rules import Part, public_part
from registry.agencies.models import Agency
from registry.interests.queries import conflict, reason_of

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行） 第十五条"
REGISTERED_STATUS = "normal"


def require_permission(
    by: Any, permission: str, *, agency_id: int | None = None, organization_id: int | None = None
) -> None:
    """Refuse (403) unless the permission is held at this unit."""
    if not by.may(permission, agency_id=agency_id, organization_id=organization_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), rule="ACCESS", status=403)


def require_separate(people: dict[str, int | None]) -> None:
    """One record, different people (RAP-2)."""
    require_distinct(people, rule="RAP-2", source=SEPARATION)


def require_no_interest(by: Any, organization_id: int) -> None:
    """Refuse somebody tied to the organization by work, kinship or a declared interest."""
    tie = conflict(by.person_id, organization_id, on=clock.today())
    if tie is not None:
        raise Refusal(
            Message(
                N_("You are tied to this organization (%(reason)s): somebody else must act."),
                {"reason": reason_of(tie)},
            ),
            rule="REX-2",
            source="政府采购法实施条例 第九条",
            status=403,
        )


def guard_legal_review(agreement: Agreement, *, by: Any) -> None:
    require_separate({"drafted": agreement.drafted_by, "legal": by.id})
    require_no_interest(by, agreement.organization_id)


def guard_finance_review(agreement: Agreement, *, by: Any) -> None:
    require_separate(
        {"drafted": agreement.drafted_by, "legal": agreement.legal_reviewed_by, "finance": by.id}
    )
    require_no_interest(by, agreement.organization_id)


def guard_offer(agreement: Agreement, *, by: Any) -> None:
    """Every unit that shares the cost has confirmed its part."""
    for source in agreement.sources:
        if source.agency_id != agreement.agency_id and source.confirmed_by is None:
            raise Refusal(
                Message(
                    N_("%(unit)s has not confirmed its part of %(amount)s yuan yet."),
                    {"unit": source.agency.name, "amount": source.amount},
                ),
                rule="RBG-5",
                source="预算法 第十三条：各单位只能在本单位预算之内支出",
                whose_turn=Message(N_("the finance reviewer of %(unit)s"), {"unit": source.agency.name}),
                status=409,
            )


def guard_send_back(agreement: Agreement, *, by: Any) -> None:
    if not any(
        by.may(permission, agency_id=agreement.agency_id)
        for permission in ("agreement.draft", "agreement.review", "agreement.review_money", "agreement.sign")
    ):
        require_permission(by, "agreement.draft", agency_id=agreement.agency_id)


def guard_sign(agreement: Agreement, *, by: Any) -> None:
    """Three others before, no score given, no interest, no open objection, notice over."""
    require_separate(
        {
            "drafted": agreement.drafted_by,
            "legal": agreement.legal_reviewed_by,
            "finance": agreement.finance_reviewed_by,
            "signed": by.id,
        }
    )
    require_no_interest(by, agreement.organization_id)
    guard_offer(agreement, by=by)
    application = agreement.application
    if application is None:
        return
    if by.person_id in (application.scored_by or []):
        raise Refusal(
            Message(N_("You scored this project: who scores neither decides nor signs.")),
            rule="REX-5",
            source="政府采购法 第六十一条",
            status=403,
        )
    if open_objections(application):
        raise Refusal(
            Message(
                N_(
                    "An objection to this project is open. The agreement can be signed when it has been answered."
                )
            ),
            rule="RPN-2",
            source="公示公告：公示期内异议未处理完毕的，不得签约",
            whose_turn=Message(N_("the office that answers the objection")),
            status=409,
        )
    notice = notice_of(application.id)
    if notice is None or notice.ends_on >= clock.today():
        raise Refusal(
            Message(
                N_("The public notice has not ended: its last day is %(day)s."),
                {"day": notice.ends_on if notice else "—"},
            ),
            rule="RPN-1",
            source="公示公告：公示期满无异议的，签订协议",
            status=409,
        )
    if application.state != "awarded":
        raise Refusal(
            Message(N_("This application is not awarded: conclude its notice first.")),
            rule="RPN-1",
            status=409,
        )


def source_findings(
    parts: Sequence[Part],
    *,
    amount: Money,
    own_funds: Money,
    title: str,
    reserved: bool,
    cofunding: Mapping[str, Any],
) -> list[Finding]:
    """What the rules say about the money of an agreement before it is saved.

    The parts sum to ``amount`` (RBG-2); each source has what it gives (RBG-1) and permits the purpose of
    the first (RLF); a unit that shares the cost has confirmed (RBG-5); public and own money keep the
    ratios in force. ``reserved``: the first part lies reserved for this award already.
    """
    total = sum((part.amount for part in parts), Money(0))
    findings = [_sum_finding(total, amount)]
    purpose = parts[0].earmark.purpose if parts and parts[0].earmark is not None else ""
    for place, part in enumerate(parts):
        if part.earmark is None:
            findings.append(_pending(part))
            continue
        name = part.earmark.budget.fund_source.name
        wish = Wish(part.earmark.budget, purpose, title, Money(0), part.earmark.reason)
        about = earmark_findings(wish)
        if not (reserved and place == 0):
            about.append(_balance_finding(part, earmark_available(part.earmark)))
        findings += [
            replace(
                item,
                title=Message(N_("%(source)s: %(rule)s"), {"source": name, "rule": item.title}),
            )
            for item in about
        ]
    findings += cofunding_findings(
        public=public_part(parts), own=own_funds, total=total + own_funds, parameters=cofunding
    )
    return findings


def _sum_finding(total: Money, amount: Money) -> Finding:
    good = total == amount
    return Finding(
        "RBG-2",
        Verdict.PASS if good else Verdict.FAIL,
        Message(N_("The sources sum to the amount")),
        Message(N_("The parts sum to the amount to the fen."))
        if good
        else Message(
            N_("The sources sum to %(total)s yuan; %(amount)s yuan are needed."),
            {"total": total, "amount": amount},
        ),
        Message(N_("%(total)s of %(amount)s yuan"), {"total": total, "amount": amount}),
        source="预算法 第十三条",
    )


def _balance_finding(part: Part, available: Money) -> Finding:
    good = part.amount <= available
    return Finding(
        "RBG-1",
        Verdict.PASS if good else Verdict.FAIL,
        Message(N_("Money set aside and free")),
        Message(N_("The money is there."))
        if good
        else Message(
            N_("The part of %(amount)s yuan is above what the earmark still has: %(available)s yuan."),
            {"amount": part.amount, "available": available},
        ),
        Message(
            N_("%(amount)s yuan needed, %(available)s free"), {"amount": part.amount, "available": available}
        ),
        source="预算法 第十三条：未列入预算的不得支出",
    )


def _pending(part: Part) -> Finding:
    return Finding(
        "RBG-5",
        Verdict.MANUAL,
        Message(N_("Part of another unit")),
        Message(
            N_(
                "%(unit)s names its money and confirms its part of %(amount)s yuan before the agreement is offered."
            ),
            {"unit": part.agency.name, "amount": part.amount},
        ),
        source="预算法 第十三条：各单位只能在本单位预算之内支出",
    )


def refuse_failed(findings: Sequence[Finding]) -> None:
    """Raise the first finding that failed as the refusal it is."""
    for item in findings:
        if item.verdict is Verdict.FAIL:
            raise Refusal(item.sentence, rule=item.rule, source=item.source)


def findings_of(agreement: Agreement) -> list[Finding]:
    """What the rules say about the money of an agreement as it stands."""
    return findings_for(
        parts_of(agreement),
        agency=db.session.get_one(Agency, agreement.agency_id),
        application=agreement.application,
        amount=agreement.amount,
        own_funds=agreement.own_funds,
        title=agreement.title,
    )


def findings_for(
    parts: Sequence[Part],
    *,
    agency: Agency,
    application: Application | None,
    amount: Money,
    own_funds: Money,
    title: str,
) -> list[Finding]:
    """What the rules say about money before an agreement is saved."""
    programme = application.call.programme if application is not None else "service_purchase"
    return source_findings(
        parts,
        amount=amount,
        own_funds=own_funds,
        title=title,
        reserved=application is not None,
        cofunding=cofunding_parameters(agency, programme, clock.today()),
    )
