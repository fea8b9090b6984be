"""The page of budget lines: the tree, the caps in force, where they come from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user

from core import clock
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from finance.lines.queries import caps
from finance.lines.rules import CAPPED, LINES, RATED, SOURCES, TREE, USES

bp = Blueprint("lines", __name__, url_prefix="/lines")

navigation.add_entry(
    "lines.show",
    N_("Budget lines"),
    icon="form",
    group="money",
    order=48,
    permissions=("commitment.read", "own.read"),
)

PROGRAMMES = {"venture_grant": N_("venture grant"), "service_purchase": N_("purchased service")}


@bp.get("/")
@allow("commitment.read", "own.read")
def show() -> str:
    """The line tree with what each line may take under a programme, here and today."""
    programme = request.args.get("programme", "venture_grant")
    if programme not in PROGRAMMES:
        programme = "venture_grant"
    assignment = current_user.main_assignment
    unit = (assignment.agency or assignment.organization) if assignment is not None else None
    jurisdiction = unit.division_code if unit is not None else ""
    values = caps(jurisdiction=jurisdiction, programme=programme, on=clock.today())
    return render_template(
        "lines/show.html",
        tree=TREE,
        labels=LINES,
        programme=programme,
        programmes=PROGRAMMES,
        values=values,
        caps={code: _caps(code, values) for code in LINES},
        forbidden=[USES[code] for code in values["forbidden"] if code in USES],
        others=_others(values),
    )


def _caps(code: str, values: Any) -> list[tuple[str, Message, str]]:
    """(rule, sentence, source) of each cap of a line."""
    found = [
        (rule, Message(N_("at most %(limit)s%% of the grant"), {"limit": values[key]}))
        for rule, line, key, _title in CAPPED
        if line == code and str(values[key]).strip()
    ]
    if code == "staff_cost" and str(values["staff_min"]).strip():
        found.append(
            ("RBL-STAFFMIN", Message(N_("at least %(limit)s%% of the grant"), {"limit": values["staff_min"]}))
        )
    units = {
        "volunteer_day": N_("at most %(limit)s yuan a person and day"),
        "expert_half_day": N_("at most %(limit)s yuan for half a day"),
    }
    found += [
        (rule, Message(units[key], {"limit": values[key]}))
        for rule, line, key, _title in RATED
        if line == code and str(values[key]).strip()
    ]
    if code == "insurance" and values["insurance_flag"]:
        found.append(("RBL-INS", Message(N_("volunteers who are exposed to danger are insured"))))
    return [(rule, sentence, SOURCES[rule]) for rule, sentence in found]


def _others(values: Any) -> list[tuple[str, Message, str]]:
    """What holds for every line and every voucher."""
    return [
        (rule, Message(sentence, {"limit": values[key]}), SOURCES[rule])
        for rule, key, sentence in (
            (
                "RBL-LINE",
                "line_transfer",
                N_("A line may be exceeded by %(limit)s%% with the supervisor's word."),
            ),
            ("RBL-CASH", "cash_limit", N_("Cash pays at most %(limit)s yuan at once.")),
        )
    ] + [
        (
            "RBL-TITLE",
            Message(N_("Invoices are made out to the organization or its host.")),
            SOURCES["RBL-TITLE"],
        ),
        ("RBL-LIST", Message(N_("Allowances and fees have a signed list.")), SOURCES["RBL-LIST"]),
        (
            "RBL-ADMIN",
            Message(N_("Staff of public bodies is never paid from a project.")),
            SOURCES["RBL-ADMIN"],
        ),
    ]
