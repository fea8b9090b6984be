"""Checkpoints in scope, the facts beside a rubric, and the progress of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, join, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core import clock
from core.db import db
from core.rules.queries import Parameters, parameters
from core.rules.rules import Finding
from core.text import N_, Message
from evaluation.checkpoints import rules
from evaluation.checkpoints.models import Checkpoint, CheckpointEvidence
from finance.alerts.queries import add_finder
from finance.alerts.rules import Found
from finance.commitments.queries import paid_total
from finance.ledger.queries import name_owners
from grants.applications.models import Application
from grants.calls.models import Call
from grants.rubrics.models import Rubric
from projects.agreements.models import Agreement, Project
from projects.delivery.models import ServiceRecord
from projects.delivery.queries import records_with_sign, sign_of, totals
from projects.spending.queries import spent_total
from projects.supervision.models import Rectification
from projects.supervision.queries import rectifications_of
from registry.accounts.models import RoleAssignment, User
from registry.accounts.queries import held_within_reach
from registry.agencies.models import Agency

UNFINISHED = ("open", "answered")
SOURCE_REPORT = (
    "公益创投项目协议（中期、末期自评）；关于推动社会组织高质量发展的实施方案（鄂民发〔2023〕73号）"
)


def being_put_right(project: Project) -> bool:
    """Whether a rectification still waits for its answer or for somebody to check it."""
    return any(item.state in UNFINISHED for item in rectifications_of(project))


def visible_checkpoints(user: User) -> Select[Checkpoint]:
    """Of one's agencies, one's own organization, or those one is to evaluate."""
    scopes: list[ColumnElement[bool]] = []
    if agencies := user.agency_ids("checkpoint.read"):
        scopes.append(Checkpoint.agency_id.in_(agencies))
    if organizations := user.organization_ids("own.read"):
        scopes.append(Checkpoint.organization_id.in_(organizations))
    if user.may_somewhere("checkpoint.evaluate"):
        scopes.append(Checkpoint.evaluator_id == user.id)
    return select(Checkpoint).where(or_(*scopes) if scopes else false())


def checkpoint_in_scope(user: User, checkpoint_id: int) -> Checkpoint | None:
    return db.session.scalar(_full(visible_checkpoints(user).where(Checkpoint.id == checkpoint_id)))


def _full(query: Select[Checkpoint]) -> Select[Checkpoint]:
    return query.options(
        joinedload(Checkpoint.project).joinedload(Project.agreement).joinedload(Agreement.commitment),
        joinedload(Checkpoint.project).joinedload(Project.organization),
        joinedload(Checkpoint.rubric).selectinload(Rubric.criteria),
        selectinload(Checkpoint.scores),
    )


def checkpoint_to_report(user: User, checkpoint_id: int) -> Checkpoint | None:
    return db.session.scalar(
        _full(
            select(Checkpoint).where(
                Checkpoint.id == checkpoint_id,
                Checkpoint.organization_id.in_(user.organization_ids("checkpoint.report")),
            )
        )
    )


def checkpoint_to_evaluate(user: User, checkpoint_id: int) -> Checkpoint | None:
    return db.session.scalar(
        _full(select(Checkpoint).where(Checkpoint.id == checkpoint_id, Checkpoint.evaluator_id == user.id))
    )


def checkpoints_of(project: Project) -> list[Checkpoint]:
    return list(
        db.session.scalars(
            select(Checkpoint)
            .where(Checkpoint.project_id == project.id)
            .options(
                joinedload(Checkpoint.rubric).selectinload(Rubric.criteria), selectinload(Checkpoint.scores)
            )
            .order_by(Checkpoint.id)
        )
    )


def grading(project: Project) -> Parameters:
    """Bands and days in force for a project's agency."""
    division = db.session.scalar(select(Agency.division_code).where(Agency.id == project.agency_id)) or ""
    return parameters(
        "REV", rules.DEFAULTS, on=clock.today(), jurisdiction=division, programme=project.agreement.track
    )


def evidence_of(checkpoint: Checkpoint) -> list[CheckpointEvidence]:
    """Photos of the sign handed in with the self report, newest first."""
    return list(
        db.session.scalars(
            select(CheckpointEvidence)
            .where(CheckpointEvidence.checkpoint_id == checkpoint.id)
            .order_by(CheckpointEvidence.id.desc())
        )
    )


def evidence_in_scope(user: User, checkpoint_id: int, evidence_id: int) -> CheckpointEvidence | None:
    checkpoint = checkpoint_in_scope(user, checkpoint_id)
    if checkpoint is None:
        return None
    return db.session.scalar(
        select(CheckpointEvidence).where(
            CheckpointEvidence.id == evidence_id, CheckpointEvidence.checkpoint_id == checkpoint.id
        )
    )


def records_with_sign_for(checkpoint: Checkpoint) -> list[ServiceRecord]:
    """Service records that show the sign; for the final evaluation those after the mid-term one was graded."""
    since = None
    if checkpoint.kind == "final":
        graded = db.session.scalar(
            select(Checkpoint.graded_at).where(
                Checkpoint.project_id == checkpoint.project_id, Checkpoint.kind == "midterm"
            )
        )
        since = clock.local(graded).date() if graded is not None else None
    return records_with_sign(checkpoint.project, since=since)


def sign_finding(checkpoint: Checkpoint) -> Finding:
    """RLF-29 as of now."""
    sign = sign_of(checkpoint.project)
    photos = len(evidence_of(checkpoint)) + len(records_with_sign_for(checkpoint)) if sign else 0
    return rules.sign_finding(sign=sign, photos=photos)


def evaluators(user: User) -> list[User]:
    """People who evaluate for an evaluation firm within the reach of ``user``."""
    return list(
        db.session.scalars(
            select(User)
            .join(RoleAssignment, RoleAssignment.user_id == User.id)
            .where(User.active, RoleAssignment.role == "evaluator", held_within_reach(user))
            .options(selectinload(User.roles).joinedload(RoleAssignment.organization))
            .order_by(User.id)
        ).unique()
    )


def firm_of(user: User) -> str:
    """The evaluation firm a person works for, as lists name it."""
    for item in user.roles:
        if item.role == "evaluator" and item.organization is not None:
            return item.organization.name
    return ""


def unplanned(user: User, kind: str, *, call_id: int | None = None) -> list[Project]:
    """Running grant projects of one's agency that lack this checkpoint."""
    states = ("running",) if kind == "midterm" else ("running", "closing")
    query = (
        select(Project)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .join(Application, Application.id == Agreement.application_id)
        .where(
            Project.agency_id.in_(user.agency_ids("checkpoint.plan")),
            Project.state.in_(states),
            ~select(Checkpoint.id)
            .where(Checkpoint.project_id == Project.id, Checkpoint.kind == kind)
            .exists(),
        )
        .options(joinedload(Project.agreement), joinedload(Project.organization))
        .order_by(Project.id)
    )
    if kind == "final":
        # The final one follows the concluded mid-term.
        query = query.where(
            ~select(Checkpoint.id)
            .where(
                Checkpoint.project_id == Project.id,
                Checkpoint.kind == "midterm",
                Checkpoint.state != "final",
            )
            .exists()
        )
    if call_id is not None:
        query = query.where(Application.call_id == call_id)
    return list(db.session.scalars(query))


def project_to_plan(user: User, project_id: int) -> Project | None:
    return db.session.scalar(
        select(Project)
        .where(Project.id == project_id, Project.agency_id.in_(user.agency_ids("checkpoint.plan")))
        .options(joinedload(Project.agreement), joinedload(Project.organization))
    )


def call_to_plan(user: User, call_id: int) -> Call | None:
    return db.session.scalar(
        select(Call).where(Call.id == call_id, Call.agency_id.in_(user.agency_ids("checkpoint.plan")))
    )


def _of_calls(query: Any) -> Any:
    return (
        query.join(Project, Project.id == Checkpoint.project_id)
        .join(Agreement, Agreement.id == Project.agreement_id)
        .join(Application, Application.id == Agreement.application_id)
        .join(Call, Call.id == Application.call_id)
    )


def batches(user: User) -> list[Any]:
    """(call, kind, total, reported, done) of each batch in scope, newest first."""
    reported = func.count().filter(Checkpoint.state != "planned")
    done = func.count().filter(Checkpoint.state == "final")
    return list(
        db.session.execute(
            _of_calls(
                select(Call.id, Call.title, Checkpoint.kind, func.count(), reported, done).select_from(
                    Checkpoint
                )
            )
            .where(Checkpoint.agency_id.in_(user.agency_ids("checkpoint.read")))
            .group_by(Call.id, Call.title, Checkpoint.kind)
            .order_by(Call.id.desc(), Checkpoint.kind.desc())
        )
    )


def batch(user: User, call_id: int, kind: str) -> list[Checkpoint]:
    """Every checkpoint of one call and kind."""
    return list(
        db.session.scalars(
            _of_calls(select(Checkpoint))
            .where(
                Checkpoint.agency_id.in_(user.agency_ids("checkpoint.read")),
                Call.id == call_id,
                Checkpoint.kind == kind,
            )
            .options(joinedload(Checkpoint.project).joinedload(Project.organization))
            .order_by(Checkpoint.id)
        )
    )


def facts(project: Project) -> dict[str, Any]:
    """What the system knows beside the rubric, as plain values: counts, and money in fen."""
    done, spent = totals(project), spent_total(project)
    commitment = project.agreement.commitment
    paid = paid_total(commitment) if commitment is not None else None
    with_photo = db.session.scalar(
        select(func.count())
        .select_from(ServiceRecord)
        .where(ServiceRecord.project_id == project.id, ServiceRecord.photo_id.is_not(None))
    )
    starts_on, ends_on = project.agreement.starts_on, project.agreement.ends_on
    return {
        "records": done.records,
        "records_with_photo": int(with_photo or 0),
        "persons": done.persons,
        "person_times": done.person_times,
        "volunteers": done.volunteers,
        "planned_beneficiaries": project.planned_beneficiaries,
        "planned_person_times": project.planned_person_times,
        "spent_fen": spent.fen,
        "paid_fen": paid.fen if paid is not None else 0,
        "granted_fen": project.agreement.amount.fen,
        "days_gone": max(0, min((clock.today() - starts_on).days + 1, (ends_on - starts_on).days + 1)),
        "days_in_all": (ends_on - starts_on).days + 1,
        "rectifications": len(rectifications_of(project)),
    }


def waiting_for(user: User) -> list[Checkpoint]:
    """Checkpoints whose next step is this user's: reports of the organization, reviews of the evaluator."""
    scopes = []
    if organizations := user.organization_ids("checkpoint.report"):
        scopes.append(Checkpoint.organization_id.in_(organizations) & (Checkpoint.state == "planned"))
    if user.may_somewhere("checkpoint.evaluate"):
        scopes.append(
            (Checkpoint.evaluator_id == user.id)
            & or_(
                Checkpoint.state.in_(("self_reported", "under_review")),
                # The re-check comes when the organization has answered and the answer was checked.
                (Checkpoint.state == "rectifying")
                & ~select(Rectification.id)
                .where(
                    Rectification.project_id == Checkpoint.project_id,
                    Rectification.state.in_(UNFINISHED),
                )
                .exists(),
            )
        )
    if not scopes:
        return []
    return list(
        db.session.scalars(
            select(Checkpoint)
            .where(or_(*scopes))
            .options(joinedload(Checkpoint.project))
            .order_by(Checkpoint.due_on, Checkpoint.id)
        )
    )


def call_of(call_id: int) -> Call:
    return db.session.get_one(Call, call_id)


def person_name(user_id: int | None) -> str:
    user = db.session.get(User, user_id) if user_id else None
    return user.name if user is not None else ""


def late_self_reports() -> Iterator[Found]:
    """Evaluations whose self report was due and has not come."""
    rows = db.session.scalars(
        select(Checkpoint)
        .join(Project, Project.id == Checkpoint.project_id)
        .where(
            Checkpoint.state == "planned",
            Checkpoint.due_on < clock.today(),
            Project.state.in_(("running", "suspended", "closing")),
        )
        .options(joinedload(Checkpoint.project))
        .order_by(Checkpoint.id)
    )
    for item in rows:
        yield Found(
            "late_report",
            "checkpoint",
            item.id,
            item.agency_id,
            Message(
                N_("The self report of “%(project)s” was due on %(due)s and has not come."),
                {"project": item.project.title, "due": item.due_on},
            ),
            SOURCE_REPORT,
        )


add_finder("late self reports", late_self_reports)
name_owners(
    "checkpoint",
    "checkpoints.show",
    Checkpoint.id,
    [Project.title],
    {"checkpoint_id": Checkpoint.id},
    join(Checkpoint, Project, Checkpoint.project_id == Project.id),
)
