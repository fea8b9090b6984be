"""Planning checkpoints, reporting on oneself, grading, and writing the verdict down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import IO, Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.files.services import store
from core.lifecycle import fire
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from evaluation.checkpoints import queries, rules
from evaluation.checkpoints.models import Checkpoint, CheckpointEvidence, CheckpointScore
from evaluation.checkpoints.policy import refuse_tied, require_evaluator
from evaluation.reviews import rules as sheets
from grants.rubrics.models import Criterion
from projects.agreements.models import Project
from projects.agreements.policy import require_permission
from projects.agreements.services import record_checkpoint
from projects.closure.queries import as_json
from projects.closure.services import add_archive_source
from projects.delivery.services import PHOTOS
from projects.supervision.queries import appointed
from projects.supervision.services import appoint, open_rectification
from registry.accounts.models import User
from registry.credit.services import record_entry


def plan_checkpoint(project: Project, kind: str, *, due_on: date, evaluator: User, by: User) -> Checkpoint:
    """Plan a mid-term or final evaluation and appoint its outside evaluator.

    Raises :class:`Refusal` for a bought service (judged by acceptance), a second checkpoint of the
    kind, a final one before the mid-term is concluded, or an evaluator tied to the organization.
    """
    if kind not in rules.KINDS:
        raise ValueError(f"unknown kind of checkpoint {kind}")
    application = project.agreement.application
    if application is None:
        raise Refusal(Message(N_("A bought service is judged by its acceptance, not by an evaluation.")))
    if project.state not in ("running", "closing"):
        raise Refusal(Message(N_("Only a running project is evaluated.")), status=409)
    if due_on < clock.today():
        raise Refusal(Message(N_("The day for the self report lies in the past.")))
    _refuse_second(project, kind)
    refuse_tied(evaluator, project.organization_id)
    earlier = appointed(project, evaluator.person_id)
    if earlier is None or earlier.role != "evaluator":
        appoint(project, evaluator, "evaluator", by=by)
    call = application.call
    checkpoint = Checkpoint(
        project_id=project.id,
        agency_id=project.agency_id,
        organization_id=project.organization_id,
        kind=kind,
        rubric_id=call.midterm_rubric_id if kind == "midterm" else call.final_rubric_id,
        due_on=due_on,
        evaluator_id=evaluator.id,
    )
    db.session.add(checkpoint)
    db.session.flush()
    record(
        checkpoint,
        "planned",
        by=by,
        details={
            "kind": kind,
            "project": project.number,
            "due_on": due_on.isoformat(),
            "evaluator": evaluator.name,
        },
    )
    return checkpoint


def _refuse_second(project: Project, kind: str) -> None:
    there = {
        row.kind: row.state
        for row in db.session.scalars(select(Checkpoint).where(Checkpoint.project_id == project.id))
    }
    if kind in there:
        raise Refusal(Message(N_("This evaluation is planned already.")), status=409)
    if kind == "final" and there.get("midterm", "final") != "final":
        raise Refusal(
            Message(N_("The final evaluation follows when the mid-term one is concluded.")), status=409
        )


def plan_batch(
    projects: Iterable[Project], kind: str, *, due_on: date, evaluator: User, by: User
) -> list[Checkpoint]:
    """The same checkpoint for several projects at once; one refusal plans none."""
    return [plan_checkpoint(project, kind, due_on=due_on, evaluator=evaluator, by=by) for project in projects]


def report(checkpoint: Checkpoint, text: str, *, sign: tuple[IO[bytes], str] | None = None, by: User) -> None:
    """The organization reports on itself; ``sign`` is a photo of the lottery's sign and its name."""
    if not text.strip():
        raise Refusal(Message(N_("Write the self report: what was done, what is behind, what comes next.")))
    if sign is not None:
        hand_in_sign(checkpoint, sign, by=by)
    fire(checkpoint, "report", by=by)
    checkpoint.report = text.strip()
    db.session.flush()


SIGN_TAKEN = ("planned", "self_reported", "under_review", "rectifying")


def hand_in_sign(checkpoint: Checkpoint, photo: tuple[IO[bytes], str], *, by: User) -> CheckpointEvidence:
    """A photo of the lottery's sign at work, with the self report or until the grade is given."""
    require_permission(by, "checkpoint.report", organization_id=checkpoint.organization_id)
    if checkpoint.state not in SIGN_TAKEN:
        raise Refusal(Message(N_("The evaluation is concluded: no photo is taken any more.")), status=409)
    row = CheckpointEvidence(
        checkpoint_id=checkpoint.id,
        kind="lottery_sign",
        file_id=store(photo[0], photo[1], by=by, allowed=PHOTOS).id,
        handed_by=by.id,
        handed_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(checkpoint, "sign_handed_in", by=by, details={"file": row.file_id})
    return row


def begin(checkpoint: Checkpoint, *, by: User) -> None:
    """The evaluator takes the self report up."""
    fire(checkpoint, "begin", by=by)


def save_scores(
    checkpoint: Checkpoint,
    *,
    points: Mapping[int, int | None],
    reasons: Mapping[int, str],
    opinion: str,
    by: User,
) -> None:
    """Keep a draft of the evaluator's points (hundredths by criterion)."""
    require_evaluator(checkpoint, by=by)
    db.session.execute(select(Checkpoint.id).where(Checkpoint.id == checkpoint.id).with_for_update())
    db.session.refresh(checkpoint, ["state"])
    if checkpoint.state not in ("under_review", "rectifying"):
        raise Refusal(Message(N_("The evaluation is not open for points now.")), status=409)
    if checkpoint.state == "rectifying":
        _keep_first(checkpoint)
    _put_scores(checkpoint, points, reasons)
    checkpoint.opinion = opinion.strip()
    db.session.flush()


def _put_scores(checkpoint: Checkpoint, points: Mapping[int, int | None], reasons: Mapping[int, str]) -> None:
    kept = {row.criterion_id: row for row in checkpoint.scores}
    for criterion in _criteria(checkpoint):
        given = points.get(criterion.id)
        problem = sheets.range_problem(_line(criterion), given) if given is not None else None
        if problem is not None:
            raise Refusal(problem, source=rules.SOURCE)
        row = kept.get(criterion.id)
        if row is None:
            row = CheckpointScore(checkpoint_id=checkpoint.id, criterion_id=criterion.id)
            checkpoint.scores.append(row)
        row.points, row.reason = given, reasons.get(criterion.id, "").strip()[:400]


def _criteria(checkpoint: Checkpoint) -> list[Criterion]:
    return list(
        db.session.scalars(
            select(Criterion).where(Criterion.rubric_id == checkpoint.rubric_id).order_by(Criterion.position)
        )
    )


def _line(criterion: Criterion) -> sheets.Line:
    return sheets.Line(criterion.id, criterion.l2, criterion.points)


def _keep_first(checkpoint: Checkpoint) -> None:
    """Before the re-check writes over it: the first verdict, point by point."""
    if "first" not in checkpoint.facts:
        checkpoint.facts = {
            **checkpoint.facts,
            "first": {
                "total": checkpoint.total,
                "grade": checkpoint.grade,
                "opinion": checkpoint.opinion,
                "points": {str(row.criterion_id): row.points for row in checkpoint.scores},
            },
        }


def grade(
    checkpoint: Checkpoint,
    *,
    points: Mapping[int, int | None] | None = None,
    reasons: Mapping[int, str] | None = None,
    opinion: str | None = None,
    by: User,
) -> str:
    """Grade a checkpoint (or re-check it once) and write the verdict down; returns the grade.

    A mid-term fail withholds the next tranche and opens a rectification; a final grade goes to
    the credit file. Without ``points`` the saved draft is graded. Raises :class:`Refusal` when
    something is missing.
    """
    if checkpoint.state == "self_reported":
        begin(checkpoint, by=by)
    if points is not None or reasons is not None or opinion is not None:
        save_scores(
            checkpoint,
            points=points
            if points is not None
            else {row.criterion_id: row.points for row in checkpoint.scores},
            reasons=reasons
            if reasons is not None
            else {row.criterion_id: row.reason for row in checkpoint.scores},
            opinion=opinion if opinion is not None else checkpoint.opinion,
            by=by,
        )
    again = checkpoint.state == "rectifying"
    total = _complete_total(checkpoint)
    verdict = rules.grade_of(Fraction(total, 100), queries.grading(checkpoint.project)["bands"])
    sign = _require_sign(checkpoint, verdict)
    fire(checkpoint, "recheck" if again else "grade", by=by, details={"total": total})
    checkpoint.total = total
    checkpoint.grade = verdict
    checkpoint.facts = {**checkpoint.facts, **queries.facts(checkpoint.project), "sign": sign.to_dict()}
    checkpoint.graded_at = clock.now()
    db.session.flush()
    _write_down(checkpoint, again=again, by=by)
    return checkpoint.grade


def _require_sign(checkpoint: Checkpoint, verdict: str) -> Finding:
    """A project with lottery money passes only where a photo shows the lottery's sign (RLF-29)."""
    finding = queries.sign_finding(checkpoint)
    if finding.verdict is Verdict.FAIL and verdict != "fail":
        raise Refusal(
            finding.sentence,
            rule=finding.rule,
            source=finding.source,
            whose_turn=Message(N_("the organization hands the photo in on the page of the evaluation")),
            status=409,
        )
    return finding


def _complete_total(checkpoint: Checkpoint) -> int:
    criteria = _criteria(checkpoint)
    given = {row.criterion_id: row.points for row in checkpoint.scores}
    noted = {row.criterion_id: row.reason for row in checkpoint.scores}
    missing = sheets.gaps([_line(item) for item in criteria], given, noted, checkpoint.opinion)
    if missing:
        raise Refusal(
            Message(N_("%(count)s criteria are not finished yet."), {"count": len(missing)}),
            source=rules.SOURCE,
        )
    if not checkpoint.opinion.strip():
        raise Refusal(Message(N_("Write the evaluator's opinion.")), source=rules.SOURCE)
    return sum(given[item.id] or 0 for item in criteria)


def _write_down(checkpoint: Checkpoint, *, again: bool, by: User) -> None:
    """The verdict goes to the project, a final one to the credit file; a first mid-term fail is put right."""
    project, verdict = checkpoint.project, checkpoint.grade
    record_checkpoint(project, checkpoint.kind, verdict, by=by)
    if checkpoint.kind == "final":
        _to_credit_file(checkpoint, by=by)
    if checkpoint.kind == "midterm" and verdict == "fail" and not again:
        open_rectification(
            project,
            items=_to_put_right(checkpoint),
            due_on=clock.today() + timedelta(days=queries.grading(project)["rectify_days"]),
            by=by,
        )
        fire(checkpoint, "rectify", by=by)
    else:
        fire(checkpoint, "conclude", by=by)


def _to_credit_file(checkpoint: Checkpoint, *, by: User) -> None:
    project = checkpoint.project
    failed = checkpoint.grade == "fail"
    record_entry(
        project.organization,
        "project_failed" if failed else "project_grade",
        entered_on=clock.today(),
        grounds=f"{project.number} {project.title}",
        source=rules.SOURCE,
        grade=checkpoint.grade,
        by=by,
    )


def _to_put_right(checkpoint: Checkpoint) -> str:
    """The weak criteria with the evaluator's reasons, then the opinion: what the organization reads."""
    criteria = {item.id: item for item in _criteria(checkpoint)}
    given = {row.criterion_id: row.points or 0 for row in checkpoint.scores}
    noted = {row.criterion_id: row.reason for row in checkpoint.scores}
    weak = rules.low_criteria(given, {key: item.points for key, item in criteria.items()})
    lines = [
        f"{criteria[key].l1} / {criteria[key].l2}（{sheets.points_text(given[key])}/{criteria[key].points}）{noted[key]}"
        for key in weak
    ]
    return "\n".join([*lines, checkpoint.opinion]).strip()


def summary(project: Project) -> list[dict[str, Any]]:
    """Every checkpoint of a project with its points, for the archive."""
    return [
        {
            "kind": item.kind,
            "state": item.state,
            "due_on": item.due_on.isoformat(),
            "report": item.report,
            "total": item.total,
            "grade": item.grade,
            "opinion": item.opinion,
            "facts": item.facts,
            "scores": [
                {
                    "criterion": row.criterion.l2,
                    "most": row.criterion.points,
                    "points": row.points,
                    "reason": row.reason,
                }
                for row in item.scores
            ],
        }
        for item in queries.checkpoints_of(project)
    ]


def archived_checkpoints(project: Project) -> Iterable[tuple[str, bytes]]:
    """Both evaluations with their points, for the sealed archive."""
    rows = summary(project)
    if rows:
        yield "09-evaluation/checkpoints.json", as_json(rows)


add_archive_source("checkpoints", archived_checkpoints)
