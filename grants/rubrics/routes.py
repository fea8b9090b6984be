"""Pages of rubrics."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core.access.policy import Refusal
from core.db import db
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from core.web.paging import paginate
from grants.rubrics.models import Rubric
from grants.rubrics.queries import rubric_in_scope, visible_rubrics
from grants.rubrics.rules import FAMILIES, CriterionFacts, problems
from grants.rubrics.services import change_criteria, copy_rubric, create_standard_rubrics
from registry.agencies.models import Agency

bp = Blueprint("rubrics", __name__, url_prefix="/rubrics")

navigation.add_entry(
    "rubrics.list", N_("Rubrics"), icon="book", group="grants", order=90, permissions=("call.draft",)
)
SPARE_ROWS = 3


@bp.get("/", endpoint="list")
@allow("call.read")
def list_rubrics() -> str:
    page = paginate(visible_rubrics(current_user), (Rubric.id, True))
    return render_template("rubrics/list.html", page=page, families=FAMILIES)


@bp.post("/standard")
@allow("call.draft")
def standard() -> Any:
    """The three standard rubrics for each unit where this person drafts calls."""
    for agency_id in sorted(current_user.agency_ids("call.draft")):
        create_standard_rubrics(db.session.get_one(Agency, agency_id), by=current_user)
    flash(_("The standard rubrics A, B and C are there."), "ok")
    return redirect(url_for("rubrics.list"), code=303)


@bp.get("/<int:rubric_id>")
@allow("call.read")
def show(rubric_id: int) -> str:
    rubric = _load(rubric_id)
    return render_template(
        "rubrics/show.html",
        rubric=rubric,
        families=FAMILIES,
        groups=_groups(rubric),
        may_edit=_may_edit(rubric),
    )


@bp.route("/<int:rubric_id>/edit", methods=["GET", "POST"])
@allow("call.draft")
def edit(rubric_id: int) -> Any:
    rubric = _load(rubric_id)
    if rubric.agency_id not in current_user.agency_ids("call.draft"):
        abort(404)
    rows = [
        {"l1": item.l1, "l2": item.l2, "points": str(item.points), "standard": item.standard}
        for item in rubric.criteria
    ]
    pass_score, errors, status = str(rubric.pass_score), [], 200
    if request.method == "POST":
        rows = _typed_rows()
        pass_score = request.form.get("pass_score", "").strip()
        criteria = [
            CriterionFacts(row["l1"], row["l2"], _whole(row["points"]), row["standard"]) for row in rows
        ]
        errors = problems(criteria)
        if not 1 <= _whole(pass_score) <= 100:
            errors.append(Message(N_("The pass mark is a whole number from 1 to 100.")))
        if not errors:
            change_criteria(rubric, criteria, pass_score=_whole(pass_score), by=current_user)
            flash(_("The rubric is saved."), "ok")
            return redirect(url_for("rubrics.show", rubric_id=rubric.id), code=303)
        status = 422
    elif rubric.frozen_at is not None:
        raise Refusal(
            Message(N_("This rubric is frozen. Make a copy and change that.")),
            rule="RUBRIC-FROZEN",
            source="政府采购法实施条例 第三十四条",
            status=409,
        )
    blank = {"l1": "", "l2": "", "points": "", "standard": ""}
    page = render_template(
        "rubrics/edit.html",
        rubric=rubric,
        rows=[*rows, *([blank] * SPARE_ROWS)],
        pass_score=pass_score,
        errors=errors,
        total=sum(_whole(row["points"]) for row in rows),
    )
    return page, status


@bp.post("/<int:rubric_id>/copy")
@allow("call.draft")
def copy(rubric_id: int) -> Any:
    rubric = _load(rubric_id)
    if rubric.agency_id not in current_user.agency_ids("call.draft"):
        abort(404)
    name = request.form.get("name", "").strip()[:120]
    if not name:
        raise Refusal(Message(N_("Give the copy a name of its own.")))
    made = copy_rubric(rubric, name=name, by=current_user)
    return redirect(url_for("rubrics.edit", rubric_id=made.id), code=303)


def _load(rubric_id: int) -> Rubric:
    return rubric_in_scope(current_user, rubric_id) or abort(404)


def _may_edit(rubric: Rubric) -> bool:
    return rubric.agency_id in current_user.agency_ids("call.draft")


def _groups(rubric: Rubric) -> list[dict[str, Any]]:
    """Criteria under their first level, in order, each group with its points."""
    groups: list[dict[str, Any]] = []
    for item in rubric.criteria:
        if not groups or groups[-1]["name"] != item.l1:
            groups.append({"name": item.l1, "points": 0, "criteria": []})
        groups[-1]["points"] += item.points
        groups[-1]["criteria"].append(item)
    return groups


def _typed_rows() -> list[dict[str, str]]:
    columns = [request.form.getlist(name) for name in ("l1", "l2", "points", "standard")]
    rows = [
        {"l1": a.strip()[:60], "l2": b.strip()[:120], "points": c.strip(), "standard": d.strip()}
        for a, b, c, d in zip(*columns, strict=False)
    ]
    return [row for row in rows if any(row.values())]


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0
