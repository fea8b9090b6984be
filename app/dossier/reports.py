"""The rows behind the figures of a dossier, each a list with its export."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select

from app.dossier.queries import applications_of, payments_of, projects_of
from core.text import N_
from core.web.tables import Arguments, Column, Listing
from evaluation.checkpoints.rules import GRADES
from finance.disbursements.lifecycle import DISBURSEMENT
from finance.disbursements.models import Disbursement
from grants.applications.lifecycle import lifecycle as APPLICATION
from grants.applications.models import Application
from projects.agreements.lifecycle import PROJECT
from projects.agreements.models import Project


def number_of(args: Arguments) -> int:
    """The organization that the address names; 0 for none."""
    text = args.get("organization", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def payments(user: Any, args: Arguments) -> Select[Any]:
    query = payments_of(user, number_of(args))
    year = args.get("year", "")
    if year.isascii() and year.isdigit() and len(year) == 4 and year > "0000":
        query = query.where(Disbursement.paid_on.between(date(int(year), 1, 1), date(int(year), 12, 31)))
    return query


def projects(user: Any, args: Arguments) -> Select[Any]:
    query = projects_of(user, number_of(args))
    if args.get("state") in PROJECT.by_state:
        query = query.where(Project.state == args["state"])
    return query


def applications(user: Any, args: Arguments) -> Select[Any]:
    return applications_of(user, number_of(args))


def _words(states: Any) -> dict[Any, str]:
    return {item.name: item.label for item in states}


PAYMENTS = Listing(
    name="dossier.payments",
    title=N_("Money received"),
    permissions=("disbursement.read", "own.read"),
    rows=payments,
    filters=("organization", "year"),
    orders={"latest": ((Disbursement.id, True),)},
    columns=(
        Column(N_("Number"), Disbursement.number),
        Column(N_("Amount"), Disbursement.amount, "money"),
        Column(N_("Paid on"), Disbursement.paid_on, "day"),
        Column(N_("State"), Disbursement.state, words=_words(DISBURSEMENT.states)),
    ),
)
PROJECTS = Listing(
    name="dossier.projects",
    title=N_("Its projects"),
    permissions=("project.read", "own.read"),
    rows=projects,
    filters=("organization", "state"),
    orders={"latest": ((Project.id, True),)},
    columns=(
        Column(N_("Number"), Project.number),
        Column(N_("Project"), Project.title, width=36),
        Column(N_("State"), Project.state, words=_words(PROJECT.states)),
        Column(N_("Mid-term grade"), Project.midterm_grade, words={"": "", **GRADES}),
        Column(N_("Final grade"), Project.final_grade, words={"": "", **GRADES}),
    ),
)
APPLICATIONS = Listing(
    name="dossier.applications",
    title=N_("Its applications"),
    permissions=("application.read", "own.read"),
    rows=applications,
    filters=("organization",),
    orders={"latest": ((Application.id, True),)},
    columns=(
        Column(N_("Number"), Application.number),
        Column(N_("Project"), Application.title, width=36),
        Column(N_("Asked for"), Application.requested, "money"),
        Column(N_("State"), Application.state, words=_words(APPLICATION.states)),
        Column(N_("Submitted"), Application.submitted_at, "moment"),
    ),
)
