"""Pages of reviews: the expert's queue and sheets, and the results once all sheets are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core import clock
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow
from evaluation.panels import services as panels
from evaluation.reviews import queries, rules, services
from evaluation.reviews.forms import DissentForm, RecuseForm, ReleaseForm, Sheet
from evaluation.reviews.models import Review
from finance.lines.rules import LINES
from grants.rubrics.models import Criterion
from registry.organizations.models import KINDS
from registry.organizations.queries import grade_on, readable
from registry.particulars.models import LEVELS

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

navigation.add_entry(
    "reviews.list",
    N_("Review and scores"),
    icon="star",
    group="grants",
    order=50,
    permissions=("review.score", "review.read"),
)


@bp.app_template_filter("points")
def points(value: int | None) -> str:
    """Hundredths as points, 3.5."""
    return rules.points_text(value) or "—"


@bp.app_template_filter("score")
def score_filter(value: int | None) -> str:
    """Hundredths as a score with two decimals, 86.50."""
    return "—" if value is None else rules.score_text(value)


@bp.app_template_filter("groupby_order")
def groupby_order(rows: Sequence[Any], name: str) -> Sequence[dict[str, Any]]:
    """Rows in groups of one attribute, groups and rows in the order they come."""
    groups: dict[str, Any] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return [{"name": key, "rows": found} for key, found in groups.items()]


def tasks(user: Any) -> Iterator[navigation.Task]:
    """The expert's open sheets, one task for each panel."""
    if not user.may_somewhere("review.score"):
        return
    left: dict[int, Any] = {}
    for review in queries.queue(user):
        if review.state == "open" and review.panel.state == "scoring":
            left.setdefault(review.panel_id, []).append(review)
    for reviews in left.values():
        panel = reviews[0].panel
        yield navigation.Task(
            title=Message(N_("Score the applications of “%(call)s”"), {"call": panel.call.title}),
            url=url_for("reviews.score", review_id=reviews[0].id),
            action=Message(N_("Give points")),
            due=panel.due_on,
            meta=Message(N_("%(count)s sheets left"), {"count": len(reviews)}),
        )


navigation.add_tasks("reviews", tasks)


@bp.get("/")
@allow("review.score", "review.read")
def list() -> Any:
    """One's own sheets; for staff the panels with their number of sheets."""
    panels_ = queries.panels_with_scores(current_user)
    counts = queries.progress_of(panel.id for panel in panels_)
    return render_template(
        "reviews/list.html",
        own=queries.queue(current_user) if current_user.may_somewhere("review.score") else [],
        panels=[(panel, *counts.get(panel.id, (0, 0))) for panel in panels_],
        blind=_blind_title,
    )


def _names(review: Review) -> Sequence[str]:
    """What an expert must not read in an application's words."""
    application = review.application
    body = application.organization
    head = body.legal_representative
    return [
        body.name,
        application.leader_name,
        head.name if head else "",
        body.host.name if body.host else "",
    ]


def _blind_title(review: Review) -> str:
    return rules.blind(review.application.title, _names(review))


def _own(review_id: int) -> Review:
    review = queries.own_sheet(current_user, review_id)
    if review is None:
        abort(404)
    return review


@bp.route("/<int:review_id>/score", methods=["GET", "POST"])
@allow("review.score")
def score(review_id: int) -> Any:
    """The sheet beside the blind application; saved as often as wished, submitted once."""
    review = _own(review_id)
    criteria = queries.criteria(review.application.call)
    lines = queries.lines(criteria)
    if request.method == "GET":
        sheet = Sheet.of(lines, review.scores, review.comment)
        return _score_page(review, criteria, sheet)
    sheet = Sheet(lines, request.form)
    submitting = request.form.get("act") == "submit"
    if not (sheet.finished() if submitting else sheet.ok):
        return _score_page(review, criteria, sheet), 422
    services.save_review(
        review, points=sheet.points, reasons=sheet.reasons, comment=sheet.comment, by=current_user
    )
    if not submitting:
        flash(_("The draft is saved."), "ok")
        return redirect(url_for("reviews.score", review_id=review.id), code=303)
    services.submit_review(review, by=current_user)
    flash(_("The sheet is submitted and signed."), "ok")
    following = _next_open(review)
    target = url_for("reviews.score", review_id=following) if following else url_for("reviews.list")
    return redirect(target, code=303)


def _next_open(review: Review) -> int | None:
    rest = [item.id for item in queries.queue(current_user, review.panel_id) if item.state == "open"]
    later = [key for key in rest if key > review.id]
    return next(iter(later or rest), None)


def _score_page(review: Review, criteria: Sequence[Criterion], sheet: Sheet) -> str:
    queue = queries.queue(current_user, review.panel_id)
    keys = [item.id for item in queue]
    place = keys.index(review.id)
    application = review.application
    names = _names(review)
    body = application.organization
    grade = grade_on(body, clock.local(application.call.deadline_at).date())
    return render_template(
        "reviews/score.html",
        review=review,
        application=application,
        criteria=criteria,
        sheet=sheet,
        place=place + 1,
        queue=queue,
        previous=keys[place - 1] if place else None,
        following=keys[place + 1] if place + 1 < len(keys) else None,
        blind=lambda text: rules.blind(text or "", names),
        grade=grade.grade if grade else None,
        kind=KINDS.get(body.kind, body.kind),
        line_words=LINES,
        locked=review.state != "open" or review.panel.state != "scoring",
    )


@bp.route("/<int:review_id>/recuse", methods=["GET", "POST"])
@allow("review.score")
def recuse(review_id: int) -> Any:
    """Step back from an application for an interest in it."""
    review = _own(review_id)
    if review.state != "open":
        abort(404)
    form = RecuseForm()
    if request.method == "POST" and form.validate():
        panels.declare_interest(review.panel, review.application, reason=form.reason.data, by=current_user)
        services.close_if_complete(review.panel, by=current_user)
        flash(_("You stepped back from this application; its sheet is gone from your list."), "ok")
        return redirect(url_for("reviews.list"), code=303)
    shown = render_template("reviews/recuse.html", form=form, review=review, title=_blind_title(review))
    return shown, 422 if form.errors else 200


@bp.get("/results/<int:panel_id>")
@allow("review.read", "review.score")
def results(panel_id: int) -> Any:
    """Numbers of sheets while scoring runs; every sheet and the means once all are in."""
    panel = queries.panel_for_counts(current_user, panel_id)
    if panel is None:
        abort(404)
    found = queries.results(panel)
    staff = panel.agency_id in current_user.agency_ids("review.read")
    persons = {row.person_id for item in found for row in item.sheets}
    done, expected = queries.progress(panel.id)
    return render_template(
        "reviews/results.html",
        panel=panel,
        results=found,
        names=queries.names_of(persons) if staff else {},
        seats={member.person_id: member.position for member in panel.members},
        staff=staff,
        done=done,
        expected=expected,
        members=queries.progress_by_member(panel.id) if staff else [],
        half_up=rules.half_up,
        may_release=panel.agency_id in current_user.agency_ids("panel.draw"),
        bonus=any(item.bonus.points for item in found),
        levels=LEVELS,
        readable=readable(current_user, (item.application.organization_id for item in found))
        if staff
        else set(),
        may_close=panel.state == "scoring" and expected and done == expected,
    )


@bp.post("/results/<int:panel_id>/close")
@allow("panel.plan", "panel.draw")
def close(panel_id: int) -> Any:
    """Close scoring by hand when nothing is outstanding any more."""
    panel = queries.panel_for_counts(current_user, panel_id)
    if panel is None:
        abort(404)
    if services.close_if_complete(panel, by=current_user):
        flash(_("Scoring is closed."), "ok")
    else:
        flash(_("Sheets are still outstanding."), "warn")
    return redirect(url_for("reviews.results", panel_id=panel.id), code=303)


@bp.route("/results/<int:panel_id>/release/<int:position>", methods=["GET", "POST"])
@allow("panel.draw")
def release(panel_id: int, position: int) -> Any:
    """Release a member who cannot go on; the next in the order of lots takes over where needed."""
    panel = queries.panel_for_counts(current_user, panel_id)
    if panel is None or panel.agency_id not in current_user.agency_ids("panel.draw"):
        abort(404)
    member = next((item for item in panel.members if item.position == position), None)
    if member is None or panel.state != "scoring":
        abort(404)
    form = ReleaseForm()
    if request.method == "POST" and form.validate():
        count = services.release_member(panel, member.person_id, reason=form.reason.data, by=current_user)
        flash(_("%(count)s sheets were taken off the member.", count=count), "ok")
        return redirect(url_for("reviews.results", panel_id=panel.id), code=303)
    shown = render_template(
        "reviews/release.html", form=form, panel=panel, name=member.expert.person.name, position=position
    )
    return shown, 422 if form.errors else 200


def _readable(review_id: int) -> Review:
    review = queries.readable_sheet(current_user, review_id)
    if review is None:
        abort(404)
    return review


@bp.get("/<int:review_id>")
@allow("review.read", "review.score")
def show(review_id: int) -> Any:
    """One sheet, readable only after all are in."""
    review = _readable(review_id)
    return _sheet_page(review, DissentForm(dissent=review.dissent))


def _sheet_page(review: Review, form: DissentForm) -> str:
    staff = review.panel.agency_id in current_user.agency_ids("review.read")
    return render_template(
        "reviews/show.html",
        review=review,
        criteria=queries.criteria(review.application.call),
        given={row.criterion_id: row for row in review.scores},
        name=queries.names_of({review.person_id})[review.person_id] if staff else None,
        seat=next((m.position for m in review.panel.members if m.person_id == review.person_id), 0),
        form=form,
        title=review.application.title if staff else _blind_title(review),
        mine=review.person_id == current_user.person_id and review.panel.call.state == "published",
    )


@bp.post("/<int:review_id>/dissent")
@allow("review.score")
def dissent(review_id: int) -> Any:
    """Disagree in writing with the result."""
    review = _readable(review_id)
    if review.person_id != current_user.person_id:
        abort(404)
    form = DissentForm()
    if not form.validate():
        return _sheet_page(review, form), 422
    services.record_dissent(review, form.dissent.data, by=current_user)
    flash(_("Your dissent is on the record."), "ok")
    return redirect(url_for("reviews.results", panel_id=review.panel_id), code=303)
