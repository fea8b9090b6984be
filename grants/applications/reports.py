"""The table of applications, and what their page shows: budget lines with their caps, stages, whose turn it is."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, or_, select

from core import clock
from core.money import Money
from core.rules.rules import Verdict
from core.text import N_, Message
from core.web.tables import Arguments, Column, Listing
from core.web.words import say
from finance.lines.rules import CAPPED, LINES, percent_beside, share_limit
from grants.applications.lifecycle import lifecycle
from grants.applications.models import Application
from grants.applications.queries import visible_applications
from grants.calls.models import Call
from grants.calls.queries import rules_of
from grants.calls.rules import CATEGORIES
from registry.organizations.models import Organization


def in_every_state(user: Any, args: Arguments) -> Select[Any]:
    """The applications of the scope through the filters, whatever their state."""
    query = visible_applications(user)
    if args.get("call"):
        call = args["call"]
        query = query.where(Application.call_id == (int(call) if call.isdecimal() and len(call) < 18 else 0))
    if args.get("category") in CATEGORIES:
        query = query.where(Application.category == args["category"])
    words = args.get("q", "").strip()
    if words:
        named = select(Organization.id).where(Organization.name.contains(words, autoescape=True))
        query = query.where(
            or_(
                Application.title.contains(words, autoescape=True),
                Application.number.contains(words, autoescape=True),
                Application.organization_id.in_(named),
            )
        )
    return query


def rows(user: Any, args: Arguments) -> Select[Any]:
    query = in_every_state(user, args)
    return (
        query.where(Application.state == args["state"]) if args.get("state") in lifecycle.by_state else query
    )


APPLICATIONS = Listing(
    name="applications.list",
    title=N_("Applications"),
    permissions=("application.read",),
    rows=rows,
    filters=("state", "call", "category", "q"),
    orders={
        "newest": ((Application.id, True),),
        "requested": ((Application.requested, True), (Application.id, True)),
    },
    joins=lambda query: query.join(Application.organization).join(Application.call),
    columns=(
        Column(N_("Number"), Application.number),
        Column(N_("Project"), Application.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Unified social credit code"), Organization.credit_code),
        Column(N_("Call"), Call.title, width=32),
        Column(N_("Category"), Application.category, words=CATEGORIES),
        Column(N_("Asked for"), Application.requested, "money"),
        Column(N_("Own money"), Application.own_funds, "money"),
        Column(N_("Score"), Application.score, "score"),
        Column(N_("State"), Application.state, words={item.name: item.label for item in lifecycle.states}),
        Column(N_("Submitted"), Application.submitted_at, "moment"),
    ),
)


# Working days for the eligibility review after the deadline, and for a supplement (DOMAIN 2.4).
REVIEW_DAYS = 5


def caps_of(call: Call) -> dict[str, str]:
    """Line code → the share of the grant it may take, percent as text."""
    rules = rules_of(call)
    return {code: str(rules[key]) for _rule, code, key, _title in CAPPED}


def line_rows(application: Application) -> list[dict[str, Any]]:
    """The budget with the share of each line and, where there is one, its cap and verdict."""
    caps = caps_of(application.call)
    rows = []
    for line in application.lines:
        limit = caps.get(line.code)
        ratio = line.grant.ratio_to(application.requested)
        verdict, over = None, Money(0)
        if limit is not None and ratio is not None:
            verdict = Verdict.PASS if ratio <= share_limit(limit) else Verdict.FAIL
            over = line.grant - application.requested.share(share_limit(limit))
        rows.append(
            {
                "code": line.code,
                "name": LINES.get(line.code, line.code),
                "basis": line.basis,
                "grant": line.grant,
                "own": line.own,
                "total": line.grant + line.own,
                "share": percent_beside(ratio, share_limit(limit))
                if ratio is not None and limit
                else (percent_beside(ratio, share_limit("100")) if ratio is not None else "—"),
                "limit": limit,
                "verdict": verdict,
                "over": over,
            }
        )
    return rows


_ORDER = (
    ("draft", N_("Application")),
    ("submitted", N_("Eligibility")),
    ("eligible", N_("Expert review")),
    ("shortlisted", N_("Proposal")),
    ("in_notice", N_("Public notice")),
    ("awarded", N_("Agreement")),
)

_AT = {
    "draft": 0, "submitted": 1, "returned": 1, "ineligible": 1, "eligible": 2, "shortlisted": 3, "optimizing": 3,
    "proposed": 4, "in_notice": 4, "objected": 4, "awarded": 5,
}  # fmt: skip


def stages_of(application: Application) -> list[dict[str, Any]]:
    at = _AT.get(application.state, -1)
    return [
        {"label": say(label), "status": "done" if place < at else "now" if place == at else ""}
        for place, (_name, label) in enumerate(_ORDER)
    ]


def whose_turn(application: Application) -> list[dict[str, Any]]:
    """Who has it now, and who comes next."""
    call = application.call
    closes = clock.local(call.deadline_at).date()
    due = clock.add_working_days(closes, REVIEW_DAYS)
    steps: dict[str, list[tuple[str, date | None]]] = {
        "draft": [(_("Applicant: complete and submit"), closes), (_("Programme officer: eligibility"), None)],
        "submitted": [(_("Programme officer: eligibility, or one supplement"), due), (_("Experts: scores"), None)],
        "returned": [(_("Applicant: supplement"), application.supplement_due_on), (_("Programme officer: eligibility"), None)],
        "eligible": [(_("Experts drawn by lot: blind scores"), None), (_("Decision by people who did not score"), None)],
        "shortlisted": [(_("Programme officer: propose the grant"), None), (_("Approving leader"), None)],
        "optimizing": [(_("Applicant: optimize the plan"), None), (_("Programme officer: propose the grant"), None)],
        "proposed": [(_("Programme officer: publish the notice"), None), (_("Anybody: objection in writing"), None)],
        "in_notice": [(_("Public notice is running"), None), (_("Programme officer: conclude the notice"), None)],
        "objected": [(_("Programme officer: answer the objection"), None), (_("Reviewing officer: decide"), None)],
        "awarded": [(_("Programme officer: draft the agreement"), None)],
    }  # fmt: skip
    items = []
    for place, (what, on) in enumerate(steps.get(application.state, [])):
        left = clock.working_days_left(on) if on else None
        when = ""
        if on is not None and left is not None:
            words = (
                ngettext("%(num)s working day left", "%(num)s working days left", left)
                if left >= 0
                else ngettext("%(num)s working day overdue", "%(num)s working days overdue", -left)
            )
            when = _("until %(day)s, %(left)s", day=say(Message(N_("%(day)s"), {"day": on})), left=words)
        items.append({"what": what, "when": when, "tone": "next" if place else "now"})
    return items
