"""Drafting, deciding and publishing calls."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.lifecycle import fire
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from finance.commitments.queries import whole_at_once
from finance.commitments.rules import SOURCE_TRANCHES
from finance.funds.models import Earmark
from finance.ratios.queries import procurement_limit
from finance.ratios.rules import invitation_finding
from grants.calls.models import Call
from grants.calls.policy import must_be_draft, must_hold
from grants.calls.queries import next_document_serial, publicity, rules_of
from grants.calls.rules import (
    RPN_SOURCE,
    SOURCE_NO_AWARDS,
    SOURCES,
    bonus_problem,
    compose_document_number,
    document_number,
    notice_problem,
    rests_on_awards,
    weights_problem,
)
from grants.rubrics.models import Rubric
from grants.rubrics.services import freeze
from registry.agencies.models import Agency

EDITABLE = (
    "title", "year", "round_number", "document_number", "summary", "contact", "earmark_id", "project_cap",
    "categories", "max_applications", "rules", "tranche_weights", "notice_days", "count_start_day",
    "selection_rubric_id", "midterm_rubric_id", "final_rubric_id", "opens_at", "deadline_at",
)  # fmt: skip


def draft_call(agency: Agency, *, by: Any, programme: str = "venture_grant", **fields: Any) -> Call:
    """A new call in draft. ``fields`` are those of :data:`EDITABLE`; money as ``Money``, instants aware,
    ``categories`` a list of ``{"code", "name"}``, ``rules`` only what differs from the defaults.
    Earmark and rubrics may be given as rows (``earmark=…``, ``selection_rubric=…``) or by id."""
    if not by.may("call.draft", agency_id=agency.id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    call = Call(agency_id=agency.id, programme=programme, drafted_by=by.actor_id, state="draft")
    _take(call, fields)
    _open_to_others(call, agency)
    _long_in_public(call)
    db.session.add(call)
    db.session.flush()
    _awards_allowed(call)
    record(call, "drafted", by=by, details={"title": call.title})
    return call


def update_call(call: Call, *, by: Any, **fields: Any) -> Call:
    """Change a draft; refused in any later state."""
    must_hold(call, "call.draft", by=by)
    # Its own row alone: what was joined when it was loaded cannot be locked with it.
    db.session.refresh(call, with_for_update={"of": Call})
    must_be_draft(call)
    before = {name: getattr(call, name) for name in EDITABLE}
    _take(call, fields)
    _open_to_others(call, call.agency)
    _long_in_public(call)
    # Whoever rewrites it answers for it.
    call.drafted_by = by.actor_id
    db.session.flush()
    _awards_allowed(call)
    changed = sorted(name for name in EDITABLE if getattr(call, name) != before[name])
    record(call, "changed", by=by, details={"fields": changed})
    return call


def _open_to_others(call: Call, agency: Agency) -> None:
    """A call takes applications of social organizations alone, which a purchase above the limit may not."""
    if call.programme != "service_purchase":
        return
    earmark = call.earmark or db.session.get_one(Earmark, call.earmark_id)
    limit, label = procurement_limit(agency.division_code, clock.today())
    finding = invitation_finding(earmark.amount, {"social"}, limit, rule_set=label)
    if finding.verdict is Verdict.FAIL:
        raise Refusal(finding.sentence, rule=finding.rule, source=finding.source)


def _long_in_public(call: Call) -> None:
    """Not shorter than the rules of the place ask for, when it is drafted and when it is published."""
    values = publicity(call.agency_id, call.programme)
    problem = notice_problem(
        call.notice_days if call.notice_days is not None else values["notice_days"], values
    )
    if problem is not None:
        raise Refusal(problem, rule="RPN", source=values.source or RPN_SOURCE)


def _awards_allowed(call: Call) -> None:
    """Points for awards have their sum; a purchase rests on none (looked at at each writing and at the end)."""
    values = rules_of(call)
    problem = bonus_problem(values)
    if problem is not None:
        raise Refusal(problem, rule="RAW", source=SOURCES["RAW"])
    if call.programme == "service_purchase" and rests_on_awards(values):
        raise Refusal(
            Message(
                N_(
                    "A purchase neither asks for awards of a place or a trade nor gives points for them: take both out."
                )
            ),
            rule="RAW",
            source=SOURCE_NO_AWARDS,
        )


def review_call(call: Call, *, by: Any, note: str = "") -> None:
    fire(call, "review", by=by, note=note)


def approve_call(call: Call, *, by: Any, note: str = "") -> None:
    fire(call, "approve", by=by, note=note)


def return_call(call: Call, *, reason: str, by: Any) -> None:
    """Back to draft with a reason; the signatures so far fall away."""
    fire(call, "return", by=by, note=_reason(reason))


def publish_call(call: Call, *, by: Any) -> None:
    """Make it public: document number, rules and rubrics are fixed from here on."""
    _long_in_public(call)
    _awards_allowed(call)
    if not call.document_number:
        call.document_number = _give_document_number(call)
    rules = rules_of(call)
    call.rules = {**rules.data, "rule_sets": rules.label}
    fire(call, "publish", by=by, details={"document_number": call.document_number, "rules": rules.label})
    for rubric in {call.selection_rubric, call.midterm_rubric, call.final_rubric}:
        freeze(rubric, by=by)


def mark_judged(call: Call, *, by: Any) -> None:
    """Every application has its outcome; after the deadline only."""
    fire(call, "judge", by=by)


def conclude(call: Call, *, by: Any) -> None:
    fire(call, "conclude", by=by)


def cancel_call(call: Call, *, reason: str, by: Any) -> None:
    """Before publication the drafter may cancel, after it only the leader."""
    fire(call, "withdraw" if call.state == "published" else "cancel", by=by, note=_reason(reason))


def fail_call(call: Call, *, reason: str, by: Any) -> None:
    """废标: not enough or no suitable applications."""
    fire(call, "fail", by=by, note=_reason(reason))


def _reason(text: str) -> str:
    if not text.strip():
        raise Refusal(Message(N_("Give the reason; it is kept with the call.")))
    return text.strip()


def _give_document_number(call: Call) -> str:
    # Two publications of one agency at once must not take the same number.
    agency = db.session.get_one(Agency, call.agency_id, with_for_update=True)
    year = clock.today().year
    return compose_document_number(
        agency.document_prefix, year, next_document_serial(agency.id, agency.document_prefix, year)
    )


def _take(call: Call, fields: dict[str, Any]) -> None:
    for row in ("earmark", "selection_rubric", "midterm_rubric", "final_rubric"):
        if row in fields:
            fields[f"{row}_id"] = fields.pop(row).id
    unknown = set(fields) - set(EDITABLE)
    if unknown:
        raise TypeError(f"a call has no fields {sorted(unknown)}")
    for name, value in fields.items():
        setattr(call, name, value)
    _check(call)


def _check(call: Call) -> None:
    if call.document_number:
        number = document_number(call.document_number)
        if number is None:
            raise Refusal(
                Message(
                    N_("“%(number)s” is no document number. Write it like %(example)s."),
                    {
                        "number": call.document_number,
                        "example": compose_document_number("示民发", call.year, 18),
                    },
                )
            )
        call.document_number = number
    else:
        call.document_number = ""
    found = weights_problem(call.tranche_weights or [50, 40, 10])
    if found is not None:
        raise Refusal(found, rule="RDT", source="公益创投项目协议（分期拨付）")
    if call.deadline_at <= call.opens_at:
        raise Refusal(Message(N_("The deadline must lie after the opening.")))
    if not isinstance(call.project_cap, Money) or call.project_cap <= Money(0):
        raise Refusal(Message(N_("The cap for one project must be above zero.")))
    found = whole_at_once(call.agency_id, call.programme, call.tranche_weights, call.project_cap)
    if found is not None:
        raise Refusal(found, rule="RDT", source=SOURCE_TRANCHES)
    _check_owned(call)


def _check_owned(call: Call) -> None:
    """Money and rubrics are the agency's own: nobody calls with another's purse."""
    earmark = db.session.get(Earmark, call.earmark_id)
    rubrics = [
        db.session.get(Rubric, number)
        for number in (call.selection_rubric_id, call.midterm_rubric_id, call.final_rubric_id)
    ]
    if any(thing is None or thing.agency_id != call.agency_id for thing in (earmark, *rubrics)):
        raise Refusal(Message(N_("The earmark and the rubrics of a call belong to the agency that calls.")))
    families = [rubric.family for rubric in rubrics if rubric is not None]
    if families != ["selection", "midterm", "final"]:
        raise Refusal(Message(N_("Choose one rubric each for selection, mid-term and final evaluation.")))
