"""The table of evaluations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case

from core.text import N_
from core.web.tables import Arguments, Column, Listing
from evaluation.checkpoints.lifecycle import CHECKPOINT
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.queries import visible_checkpoints
from evaluation.checkpoints.rules import GRADES, KINDS
from projects.agreements.models import Project
from registry.organizations.models import Organization

# States whose verdict everybody in scope may read.
SHOWN = ("graded", "rectifying", "rechecked", "final")


def rows(user: Any, args: Arguments) -> Select[Any]:
    return visible_checkpoints(user)


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
