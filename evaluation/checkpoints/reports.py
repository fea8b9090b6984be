"""The table of evaluations, and the printed report of one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case

from core.db import db
from core.money import Money
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from evaluation.checkpoints import queries, rules
from evaluation.checkpoints.lifecycle import CHECKPOINT
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.rules import GRADES, KINDS
from projects.agreements.models import Project
from registry.accounts.models import User
from registry.organizations.models import Organization

# States whose verdict everybody in scope may read.
SHOWN = ("graded", "rectifying", "rechecked", "final")


def rows(user: Any, args: Arguments) -> Select[Any]:
    return queries.visible_checkpoints(user)


_told = Checkpoint.state.in_(SHOWN)

CHECKPOINTS = Listing(
    name="checkpoints.list",
    title=N_("Evaluations"),
    permissions=("checkpoint.read", "checkpoint.evaluate", "checkpoint.report"),
    rows=rows,
    orders={"newest": ((Checkpoint.id, True),), "due": ((Checkpoint.due_on, False), (Checkpoint.id, False))},
    joins=lambda query: query.join(Checkpoint.project).join(Project.organization),
    columns=(
        Column(N_("Number"), Project.number),
        Column(N_("Project"), Project.title, width=36),
        Column(N_("Organization"), Organization.name, width=32),
        Column(N_("Evaluation"), Checkpoint.kind, words=KINDS),
        Column(N_("State"), Checkpoint.state, words={item.name: item.label for item in CHECKPOINT.states}),
        Column(N_("Self report by"), Checkpoint.due_on, "day"),
        Column(N_("Score"), case((_told, Checkpoint.total)), "score"),
        Column(N_("Grade"), case((_told, Checkpoint.grade)), words=GRADES),
    ),
)


def known_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """The automatic facts: as graded once there is a grade, else as of now."""
    kept = checkpoint.facts if checkpoint.state == "final" else {}
    found = kept if "records" in kept else queries.facts(checkpoint.project)
    spent, paid, granted = (Money(found[key]) for key in ("spent_fen", "paid_fen", "granted_fen"))
    return {
        **found,
        "spent": spent,
        "paid": paid,
        "granted": granted,
        "spent_of_paid": spent.ratio_to(paid),
        "spent_of_granted": spent.ratio_to(granted),
        "time_gone": rules.ratio(found["days_gone"], found["days_in_all"]),
        "person_times_done": rules.ratio(found["person_times"], found["planned_person_times"]),
        "persons_done": rules.ratio(found["persons"], found["planned_beneficiaries"]),
    }


def report_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """The context of templates/checkpoints/document.html; only of a graded checkpoint.

    While a re-check is being drafted, the report tells the verdict that stands, not the draft.
    """
    evaluator = db.session.get(User, checkpoint.evaluator_id) if checkpoint.evaluator_id else None
    first = checkpoint.facts.get("first")
    return {
        "checkpoint": checkpoint,
        "project": checkpoint.project,
        "kind": KINDS[checkpoint.kind],
        "grades": GRADES,
        "evaluator": evaluator.name if evaluator else "",
        "firm": queries.firm_of(evaluator) if evaluator else "",
        "verdict": _first(first) if first and checkpoint.state == "rectifying" else _standing(checkpoint),
        "before": first if checkpoint.state == "final" else None,
        "facts": known_facts(checkpoint),
    }


def _standing(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "total": checkpoint.total,
        "grade": checkpoint.grade,
        "opinion": checkpoint.opinion,
        "points": {row.criterion_id: row.points for row in checkpoint.scores},
        "reasons": {row.criterion_id: row.reason for row in checkpoint.scores},
    }


def _first(kept: dict[str, Any]) -> dict[str, Any]:
    """The first verdict as it was put aside; its reasons went to the organization with the rectification."""
    return {
        **{key: kept[key] for key in ("total", "grade", "opinion")},
        "points": {int(key): points for key, points in kept["points"].items()},
        "reasons": {},
    }
