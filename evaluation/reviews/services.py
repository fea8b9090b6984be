"""Filling in and submitting score sheets; closing a panel when all are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from evaluation.panels import queries as panels
from evaluation.panels import services as panel_services
from evaluation.panels.models import Panel
from evaluation.panels.rules import SOURCE
from evaluation.reviews import queries, rules
from evaluation.reviews.models import Review, ReviewScore
from projects.agreements.models import Project
from projects.closure.queries import as_json
from projects.closure.services import add_archive_source
from registry.accounts.models import User
from registry.persons.queries import Entry, Part, add_part, within


def sync_sheets(panel: Panel) -> None:
    """Open a sheet for each member and application that belong together; take recused ones away."""
    if panel.state != "scoring":
        return
    gone = panels.recused_persons(panel.id)
    there = {
        (row.person_id, row.application_id): row
        for row in db.session.scalars(select(Review).where(Review.panel_id == panel.id))
    }
    applications = {item.id for item in panels.applicants(panel.call_id)}
    for member in panel.members:
        for application_id in sorted(applications):
            pair = (member.person_id, application_id)
            mine = member.application_id in (None, application_id)
            if mine and pair not in gone and pair not in there:
                db.session.add(
                    Review(panel_id=panel.id, application_id=application_id, person_id=member.person_id)
                )
    for pair in gone & there.keys():
        if there[pair].state == "open":
            db.session.execute(delete(ReviewScore).where(ReviewScore.review_id == there[pair].id))
            db.session.delete(there[pair])
    db.session.flush()


panel_services.add_listener(sync_sheets)


def save_review(
    review: Review,
    *,
    points: Mapping[int, int | None],
    reasons: Mapping[int, str],
    comment: str,
    by: User,
) -> Review:
    """Keep a draft. ``points`` are hundredths by criterion, ``None`` for not yet given.

    Raises :class:`Refusal` for somebody else's sheet, a submitted one, or points out of range.
    """
    _locked(review)
    if by.person_id != review.person_id or not by.may_somewhere("review.score"):
        raise Refusal(
            Message(N_("A score sheet is filled in by its own expert alone.")),
            rule="REX",
            source=SOURCE,
            status=403,
        )
    if review.state != "open" or review.panel.state != "scoring":
        raise Refusal(
            Message(N_("This sheet is submitted and cannot be changed any more.")),
            rule="REX",
            source=SOURCE,
            status=409,
        )
    criteria = queries.lines(queries.criteria(review.application.call))
    kept = {row.criterion_id: row for row in review.scores}
    for line in criteria:
        given, reason = points.get(line.id), reasons.get(line.id, "").strip()[:400]
        problem = rules.range_problem(line, given) if given is not None else None
        if problem is not None:
            raise Refusal(problem, rule="REX", source=SOURCE)
        row = kept.get(line.id)
        if row is None:
            row = ReviewScore(review_id=review.id, criterion_id=line.id)
            review.scores.append(row)
        row.points, row.reason = given, reason
    review.comment = comment.strip()
    review.total = sum(points.get(line.id) or 0 for line in criteria)
    db.session.flush()
    return review


def _locked(review: Review) -> None:
    """One writer at a time on a sheet: saving never overtakes submitting."""
    db.session.execute(select(Review.id).where(Review.id == review.id).with_for_update())
    db.session.refresh(review, ["state"])


def submit_review(review: Review, *, by: User) -> Review:
    """Sign the sheet. The last one closes the panel, and only then do scores become visible.

    Raises :class:`Refusal` when a criterion lacks points or a low score lacks its reason.
    """
    panel = review.panel
    # Of two last sheets at once the second sees the first.
    db.session.execute(select(Panel.id).where(Panel.id == panel.id).with_for_update())
    _locked(review)
    criteria = queries.lines(queries.criteria(review.application.call))
    points = {row.criterion_id: row.points for row in review.scores}
    reasons = {row.criterion_id: row.reason for row in review.scores}
    missing = rules.gaps(criteria, points, reasons, review.comment)
    if missing:
        raise Refusal(
            Message(N_("%(count)s criteria are not finished yet."), {"count": len(missing)}),
            rule="REX",
            source=SOURCE,
        )
    review.total = sum(points[line.id] or 0 for line in criteria)
    # The total stays out of the log: nobody reads it before all sheets are in.
    fire(review, "submit", by=by)
    review.submitted_at = clock.now()
    db.session.flush()
    close_if_complete(panel, by=by)
    return review


def close_if_complete(panel: Panel, *, by: Actor) -> bool:
    """Close a panel whose sheets are all in; ``False`` while one is missing."""
    done, expected = queries.progress(panel.id)
    if panel.state != "scoring" or not expected or done < expected:
        return False
    panel_services.close(panel, by=by)
    return True


def release_member(panel: Panel, person_id: int, *, reason: str, by: User) -> int:
    """Take every open sheet off a member who cannot go on; submitted ones stay. Returns how many."""
    rows = db.session.scalars(
        select(Review).where(
            Review.panel_id == panel.id, Review.person_id == person_id, Review.state == "open"
        )
    ).all()
    if not rows:
        raise Refusal(Message(N_("This member has no open sheet.")), status=409)
    for application in [row.application for row in rows]:
        panel_services.release(panel, application, person_id, reason=reason, by=by)
    close_if_complete(panel, by=by)
    return len(rows)


def record_dissent(review: Review, text: str, *, by: User) -> None:
    """A member disagrees with the result, in writing, before the call is judged."""
    if by.person_id != review.person_id or review.panel.state != "closed":
        raise Refusal(
            Message(N_("Dissent is written on one's own sheet after all sheets are in.")), status=403
        )
    if review.panel.call.state != "published":
        raise Refusal(
            Message(N_("The decision has been taken; silence counted as agreement.")), source=SOURCE
        )
    if not text.strip():
        raise Refusal(Message(N_("Write what you disagree with.")))
    review.dissent = text.strip()
    record(review, "dissent_recorded", by=by)


def archived_sheets(project: Project) -> Iterable[tuple[str, bytes]]:
    """How the project was selected, for its sealed archive: every sheet, the mean, the draw."""
    application = project.agreement.application
    found = queries.result_of(application.id) if application is not None else None
    if found is None:
        return
    panel = found.sheets[0].panel
    names = queries.names_of({row.person_id for row in found.sheets})
    yield (
        "09-evaluation/score-sheets.json",
        as_json(
            {
                "pool_sha256": panel.pool_sha256,
                "seed": panel.seed,
                "score": rules.score_text(found.score),
                "sheets": [
                    {
                        "expert": names[row.person_id],
                        "total": rules.score_text(row.total),
                        "comment": row.comment,
                        "dissent": row.dissent,
                        "points": [
                            {
                                "criterion": item.criterion.l2,
                                "most": item.criterion.points,
                                "points": rules.points_text(item.points),
                                "reason": item.reason,
                            }
                            for item in row.scores
                        ],
                    }
                    for row in found.sheets
                ],
            }
        ),
    )


add_archive_source("score sheets", archived_sheets)


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    """The score sheets somebody filled in: the record of a selection is kept whole.

    What they say is told to the person, to others once all are in.
    """
    rows = db.session.execute(
        select(Review, Panel)
        .join(Panel, Panel.id == Review.panel_id)
        .where(Review.person_id == person_id, *within(Panel.agency_id, agencies))
        .order_by(Review.id)
    )
    return [
        Entry(
            row.id,
            Message(N_("score sheet for “%(title)s”"), {"title": row.application.title}),
            clock.local(row.submitted_at).date() if row.submitted_at else None,
            None,
            {
                N_("Points"): f"{row.total / 100:.2f}" if row.submitted_at else "",
                N_("Comment"): row.comment,
                N_("Dissent"): row.dissent,
            }
            if agencies is None or panel.state == "closed"
            else {},
            Message(N_("Records of a selection are kept for fifteen years.")),
            source="政府采购法 第四十二条",
            link=("panel.read", panel.agency_id, "panels.show", {"panel_id": panel.id}),
        )
        for row, panel in rows
    ]


add_part(Part("review", N_("Score sheets"), "review.read", _entries))
