"""Pages of the 30% figure: the figure with its rows, its frozen and published years, its exceptions."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.documents.services import pdf_available, print_out
from core.files.services import serve, store
from core.lifecycle import available
from core.money import Money, percent_against
from core.text import N_, Message
from core.web import charts, navigation
from core.web.forms import asked_day
from core.web.gate import allow
from core.web.paging import paginate
from core.web.urls import asked_year
from core.web.words import say
from finance.contracts.queries import division_labels, lies_in, service_named, visible_divisions, with_joined
from finance.contracts.rules import BASES, R30_SOURCES, judge_row
from finance.figures.queries import Reading, figures, judging, levels, lines, years_with_rows
from finance.figures.rules import total_by_source, year_on_year_of
from finance.ratios import queries, services
from finance.ratios.forms import FreezeForm, InvitationForm, OverrideForm
from finance.ratios.models import RatioSnapshot
from finance.ratios.reports import document_facts, rows_workbook
from finance.ratios.rules import (
    COLUMN_WORDS,
    FAIR_COMPETITION,
    LEVERS,
    REASON_WORDS,
    invitation_finding,
    quarter_on,
    text_row,
)
from registry.agencies.models import Agency
from registry.agencies.rules import DivisionError, normalise_division

bp = Blueprint("ratios", __name__)

navigation.add_entry(
    "ratios.show",
    N_("Thirty percent rule"),
    icon="ratio",
    group="money",
    order=60,
    permissions=("purchase.read",),
)

LINES_ON_A_PAGE = 30

LABELS = {
    "own": N_("Own level"),
    "own_with_venture": N_("Own level with venture grants"),
    "rollup": N_("Rolled up"),
    "rollup_with_venture": N_("Rolled up with venture grants"),
}
BASIS_WORDS = {
    "contract": N_("Signed contracts"),
    "budget": N_("Budget quotas"),
    "payment": N_("Payments of the year"),
}
EVENTS = {
    "frozen": N_("Frozen"), "reviewed": N_("Reviewed"), "published": N_("Published"),
    "withdrawn": N_("Withdrawn"), "replaced": N_("Replaced by a later version"),
}  # fmt: skip
VERDICT_WORDS = {
    "": N_("All contracts"),
    "counts": N_("For social organizations"),
    "total": N_("In the total only"),
    "outside": N_("Out of scope"),
}
ACTIONS = {"review": N_("Review"), "publish": N_("Publish")}
WATCH = {
    "met": N_("met"),
    "below": N_("below the threshold"),
    "foreseen": N_("heading below the threshold"),
    "not_applicable": N_("nothing was added"),
}


def _tasks(user: Any) -> Iterable[navigation.Task]:
    """Years to freeze, figures to review and publish, exceptions to decide, levels heading below."""
    for division, year, due in queries.years_due(user):
        yield navigation.Task(
            title=Message(N_("30-percent figure of %(year)s to freeze and publish"), {"year": year}),
            url=url_for("ratios.show", division=division, year=year),
            action=Message(N_("Freeze the year")),
            due=due,
        )
    for snapshot, step in queries.snapshots_waiting(user):
        yield navigation.Task(
            title=Message(N_("Frozen 30-percent figure of %(year)s"), {"year": snapshot.fiscal_year}),
            url=url_for("ratios.snapshot", snapshot_id=snapshot.id),
            action=Message(ACTIONS[step]),
            due=queries.due_day(snapshot.division_code, snapshot.fiscal_year),
        )
    for proposal in queries.proposals_waiting(user):
        yield navigation.Task(
            title=Message(N_("Exception for %(name)s"), {"name": proposal.contractor}),
            url=url_for("ratios.exceptions"),
            action=Message(N_("Confirm or refuse")),
        )
    for item in queries.warnings_for(user):
        yield navigation.Task(
            title=Message(
                N_("30-percent figure of %(year)s: %(state)s at %(shown)s in quarter %(quarter)s"),
                {
                    "year": item.fiscal_year,
                    "state": Message(WATCH[item.status]),
                    "shown": item.shown,
                    "quarter": item.quarter,
                },
            ),
            url=url_for("ratios.show", division=item.division_code, year=item.fiscal_year, _anchor="levers"),
            action=Message(N_("See what would close the gap")),
        )


navigation.add_tasks("ratios", _tasks)


@bp.app_template_filter("fen")
def fen(value: int | Fraction) -> str:
    """Exact fen as yuan; a fraction of a fen is cut off, so that no sum looks larger than it is."""
    return Money(Fraction(value).__floor__()).format()


@bp.app_template_filter("fen_up")
def fen_up(value: int | Fraction) -> str:
    """Exact fen as yuan, rounded up: what is missing is never shown as less than it is."""
    return Money(Fraction(value).__ceil__()).format()


@bp.app_template_filter("against")
def against(value: Fraction | None, threshold: Fraction) -> str:
    """A ratio that never shows a miss as met."""
    return percent_against(value, threshold)


# The figure ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """The level and year of an address, with the divisions of the person and the years that have rows."""

    division: str
    year: int
    offered: list[str]
    years: list[int]


def _asked() -> Asked | None:
    """What is asked for, inside the person's reach; ``None`` when there is no division at all."""
    offered = visible_divisions(current_user)
    text = request.args.get("division") or (offered[0] if offered else "")
    if not text:
        return None
    try:
        code = normalise_division(text)
    except DivisionError:
        abort(404)
    if not lies_in(code, offered):
        abort(404)
    years = years_with_rows(code)
    year = asked_year(next(iter(years), clock.today().year))
    return Asked(code, year, offered, years)


def _level() -> tuple[str, int] | None:
    asked = _asked()
    return None if asked is None else (asked.division, asked.year)


def _moment(year: int) -> tuple[date | None, int]:
    """The day whose rules are asked for, and the quarter to whose end the figure goes."""
    day = asked_day("as-of")
    quarter = request.args.get("quarter", 4, type=int)
    if quarter not in (1, 2, 3, 4):
        abort(404)
    if day is not None and "quarter" not in request.args and day.year == year:
        quarter = quarter_on(day)
    return day, quarter


def _view() -> str:
    view = request.args.get("view", "own")
    return view if view in LABELS else "own"


@bp.get("/ratio/")
@allow("purchase.read")
def show() -> Any:
    """The 30% page of a level and year; every figure opens to its contracts."""
    asked = _asked()
    if asked is None:
        return render_template("ratios/show.html", result=None)
    division, year = asked.division, asked.year
    day, quarter = _moment(year)
    # From the next page on only the services are of interest.
    whole = not request.args.get("after")
    trend_years = (
        sorted(item for item in asked.years if item <= year)[-queries.TREND_YEARS :] if whole else []
    )
    reading = Reading(division, {year, *trend_years})
    result = queries.figures_as_of(reading, year, on=day, quarter=quarter)
    view = _view()
    figure = result.figures[view]
    page = lines(result, view, limit=LINES_ON_A_PAGE, after=request.args.get("after", ""))
    own_levels = levels(result, venture="venture" in view) if whole and quarter == 4 else []
    largest = page.lines if whole else []
    snapshots = queries.snapshots_of(division) if whole else []
    waiting = any(item.fiscal_year == year and item.state in ("prepared", "reviewed") for item in snapshots)
    labels = division_labels(
        {
            division,
            *asked.offered,
            *(item.division for item in own_levels),
            *(line.division for line in page.lines),
        }
    )
    return render_template(
        "ratios/show.html",
        result=result,
        figure=figure,
        view=view,
        day=day,
        quarter=quarter,
        last_quarter=quarter_on(clock.today()) if year == clock.today().year else 4,
        lines=page,
        whole=whole,
        levels=own_levels,
        labels=labels,
        sources=total_by_source(figure),
        cross_check=year_on_year_of(figure),
        years=asked.years,
        divisions={code: labels[code] for code in asked.offered},
        side_by_side=reading.bases(year, on=day) if whole and quarter == 4 else {},
        trend=_trend(reading, trend_years),
        snapshots=snapshots,
        watched=queries.watched(division, year) if whole else [],
        levers=queries.levers(figure, largest) if figure.status == "below" else [],
        planned=queries.planned_purchases(division, year, rollup=figure.rollup, limit=8)
        if whole and year >= clock.today().year
        else [],
        needed_more=queries.needed_more(figure),
        may_freeze=whole and not waiting and quarter == 4 and year < clock.today().year
        and queries.agency_freezing(current_user, division) is not None,
        due=queries.due_day(division, year),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        BASES=BASES,
        WATCH=WATCH,
        LEVERS=LEVERS,
        FAIR_COMPETITION=FAIR_COMPETITION,
        R30_SOURCES=R30_SOURCES,
    )  # fmt: skip


def _trend(reading: Reading, years: Sequence[int]) -> charts.Chart | None:
    """Own level and roll-up over up to five years against the threshold."""
    if len(years) < 2:
        return None
    found = queries.trend(reading, years)
    addresses = {
        view: [url_for("ratios.show", division=reading.division, year=item[0], view=view) for item in found]
        for view in ("own", "rollup")
    }
    return charts.lines(
        _("Over the years"),
        charts.PERCENT,
        [str(item[0]) for item in found],
        [
            charts.Series(_("Own level"), [item[1].ratio for item in found], addresses["own"]),
            charts.Series(_("Rolled up"), [item[2].ratio for item in found], addresses["rollup"]),
        ],
        threshold=charts.Threshold(found[-1][1].threshold, _("Threshold")),
        head=_("Year"),
    )


@bp.get("/ratio/contracts")
@allow("purchase.read")
def contracts() -> Any:
    """The contracts behind a figure, each with the reason why it counts or not."""
    asked = _asked() or abort(404)
    day, quarter = _moment(asked.year)
    result = judging(asked.division, asked.year, on=day)
    verdict, reason = request.args.get("verdict", ""), request.args.get("reason", "")
    if verdict not in ("", *queries.VERDICTS) or reason not in ("", *REASON_WORDS):
        abort(404)
    view = _view()
    service = None
    if request.args.get("service"):
        at = request.args.get("at", asked.division)
        if not (at.isdecimal() and at.isascii() and lies_in(at, [asked.division])):
            abort(404)
        purchaser, text = request.args.get("purchaser", ""), request.args["service"]
        service = service_named(at, purchaser, text) or abort(404)
    found, following = queries.contracts(
        result,
        view,
        verdict=verdict,
        reason=reason,
        services=with_joined(service) if service else [],
        quarter=quarter,
        after=request.args.get("after", ""),
    )
    return render_template(
        "ratios/contracts.html",
        result=result,
        view=view,
        day=day,
        quarter=quarter,
        contracts=found,
        following=following,
        verdict=verdict,
        reason=reason,
        service=service,
        labels=division_labels(
            {asked.division, *(normalise_division(item.row.division_code) for item in found)}
        ),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        VERDICT_WORDS=VERDICT_WORDS,
        REASON_WORDS=REASON_WORDS,
    )


@bp.get("/ratio/reasons")
@allow("purchase.read")
def reasons() -> Any:
    """What the contracts of each reason sum to, in scope and out of it."""
    asked = _asked() or abort(404)
    day, quarter = _moment(asked.year)
    result = judging(asked.division, asked.year, on=day)
    view = _view()
    sums = queries.sums_by_reason(result, view, quarter=quarter)
    return render_template(
        "ratios/reasons.html",
        result=result,
        view=view,
        day=day,
        quarter=quarter,
        sums=sums,
        total=sum(item.fen for item in sums if item.in_scope),
        social=sum((item.so_fen for item in sums), Fraction(0)),
        outside=sum(item.fen for item in sums if not item.in_scope),
        labels=division_labels({asked.division}),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        REASON_WORDS=REASON_WORDS,
    )


@bp.get("/ratio/rows.xlsx")
@allow("purchase.read")
def rows() -> Any:
    """The rows behind the figure as XLSX, both years, each with its reason."""
    level = _level() or abort(404)
    division, year = level
    day, _quarter = _moment(year)
    view = _view()
    result = figures(division, year, on=day)
    judged = (
        judge_row(
            row,
            result.book.at(normalise_division(row.division_code)),
            include_venture=True if "venture" in view else None,
            basis=result.basis,
        )
        for row in queries.rows_of_year(division, year)
        if view.startswith("rollup") or normalise_division(row.division_code) == division
    )
    return send_file(
        rows_workbook(judged),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"R30-{division}-{year}.xlsx",
    )


@bp.get("/ratio/invitation")
@allow("purchase.read", "call.draft")
def invitation() -> Any:
    """Whom a purchase may invite: asked before the notice is written; nothing is kept."""
    asked = bool(request.args.get("amount") or request.args.getlist("invited"))
    form = InvitationForm(formdata=request.args if asked else None)
    finding = None
    held = current_user.main_assignment
    division = held.agency.division_code if held is not None and held.agency is not None else ""
    limit, label = queries.procurement_limit(division or "100000", clock.today())
    if asked and form.validate():
        finding = invitation_finding(form.amount.data, form.invited.data, limit, rule_set=label)
    return render_template(
        "ratios/invitation.html",
        form=form,
        finding=finding,
        limit=limit,
        LEVERS=LEVERS,
        FAIR_COMPETITION=FAIR_COMPETITION,
    ), 422 if form.errors else 200


# Frozen years ----------------------------------------------------------------------------------


@bp.route("/ratio/freeze", methods=["GET", "POST"])
@allow("ratio.prepare")
def freeze() -> Any:
    """Freeze a closed year; below the threshold with a reason."""
    level = _level() or abort(404)
    division, year = level
    form = FreezeForm(queries.accepted_reasons(division, year))
    result = figures(division, year, exact=True)
    if form.validate_on_submit():
        try:
            upload = form.reason_file.data
            file = store(upload.stream, upload.filename or "file", by=current_user) if upload else None
            snapshot = services.freeze(
                division,
                year,
                by=current_user,
                reason=form.reason.data,
                reason_text=form.reason_text.data or "",
                reason_file=file,
            )
        except Refusal as refusal:
            if refusal.status == 403:
                raise
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Frozen. The finance head reviews it next."), "ok")
            return redirect(url_for("ratios.snapshot", snapshot_id=snapshot.id), code=303)
    status = 422 if form.errors or form.form_errors else 200
    return render_template(
        "ratios/freeze.html",
        form=form,
        result=result,
        figure=result.figures["own"],
        label=division_labels({division})[division],
        earlier=queries.snapshots_of(division, year=year),
        due=queries.due_day(division, year),
        R30_SOURCES=R30_SOURCES,
    ), status


@bp.get("/ratio/frozen/<int:snapshot_id>")
@allow("purchase.read")
def snapshot(snapshot_id: int) -> Any:
    """A frozen year with its digest, the three people, and what was corrected since."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    now = figures(found.division_code, found.fiscal_year, exact=True)
    frozen = queries.frozen(found)
    present: list[Any] = []
    if frozen.content["rows"]["count"] <= queries.COMPARED_ROWS:
        today = [text_row(row) for row in queries.rows_of_year(found.division_code, found.fiscal_year)]
        present = queries.corrections(found, {queries.identity_of(row): row for row in today})
    return render_template(
        "ratios/snapshot.html",
        **document_facts(found),
        now=now,
        changes=present,
        CHANGED=queries.CHANGED,
        COLUMN_WORDS=COLUMN_WORDS,
        steps=[item for item in available(found, current_user) if item.name in ACTIONS],
        may_withdraw=found.state in ("prepared", "reviewed")
        and any(
            current_user.may(permission, agency_id=found.agency_id)
            for permission in ("ratio.prepare", "ratio.review", "ratio.publish")
        ),
        history=history_of(found),
        pdf=pdf_available(),
        due=queries.due_day(found.division_code, found.fiscal_year),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
        EVENTS=EVENTS,
    )


@bp.post("/ratio/frozen/<int:snapshot_id>/<any(review, publish, withdraw):step>")
@allow("ratio.prepare", "ratio.review", "ratio.publish")
def step(snapshot_id: int, step: str) -> Any:
    """Review, publish or withdraw a frozen figure."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    services.take_step(found, step, by=current_user, note=request.form.get("note", "").strip()[:400])
    done = {
        "review": _("Reviewed. The leader publishes it next."),
        "publish": _("Published. Everybody can see the figure and its rows now."),
        "withdraw": _("Withdrawn. The year can be frozen again."),
    }
    flash(done[step], "ok")
    return redirect(url_for("ratios.snapshot", snapshot_id=found.id), code=303)


@bp.get("/ratio/frozen/<int:snapshot_id>/document.pdf")
@allow("purchase.read")
def document(snapshot_id: int) -> Any:
    """The official table of a frozen figure, with three places to sign."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    return print_out("ratios/document.html", document_facts(found), _name(found))


@bp.get("/ratio/frozen/<int:snapshot_id>/figure.json")
@allow("purchase.read")
def figure_json(snapshot_id: int) -> Response:
    return _json(queries.snapshot_in_scope(current_user, snapshot_id) or abort(404))


@bp.get("/ratio/frozen/<int:snapshot_id>/rows.csv")
@allow("purchase.read")
def frozen_rows(snapshot_id: int) -> Response:
    return _csv(queries.snapshot_in_scope(current_user, snapshot_id) or abort(404))


@bp.get("/ratio/frozen/<int:snapshot_id>/reason")
@allow("purchase.read")
def reason_file(snapshot_id: int) -> Response:
    """The attachment of the reason."""
    found = queries.snapshot_in_scope(current_user, snapshot_id) or abort(404)
    return serve(found.reason_file or abort(404))


def _name(found: RatioSnapshot) -> str:
    return f"R30-{found.division_code}-{found.fiscal_year}-v{found.version}"


def _json(found: RatioSnapshot) -> Response:
    """The canonical JSON itself: its SHA-256 is the digest."""
    return send_file(
        io.BytesIO(found.content.encode()),
        mimetype="application/json",
        as_attachment=True,
        download_name=f"{_name(found)}.json",
    )


def _csv(found: RatioSnapshot) -> Response:
    return send_file(
        io.BytesIO(queries.frozen_rows(found)),
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"{_name(found)}-rows.csv",
    )


# Exceptions ------------------------------------------------------------------------------------


@bp.get("/ratio/exceptions")
@allow("purchase.read")
def exceptions() -> Any:
    """Contractors that count otherwise than their code says, and proposals about them."""
    found = queries.overrides_in_force(current_user)
    return render_template(
        "ratios/exceptions.html",
        overrides=found,
        proposals=queries.proposals(current_user),
        labels=division_labels({item.division_code for item in found}),
        deciding=current_user.agency_ids("ratio.review"),
        may_propose=current_user.may_somewhere("ratio.prepare"),
        R30_SOURCES=R30_SOURCES,
    )


@bp.route("/ratio/exceptions/new", methods=["GET", "POST"])
@allow("ratio.prepare")
def new_exception() -> Any:
    """Propose an exception; a second person confirms it."""
    form = OverrideForm()
    agencies = db.session.scalars(
        select(Agency)
        .where(Agency.id.in_(current_user.agency_ids("ratio.prepare")), Agency.division_code != "")
        .order_by(Agency.id)
    ).all()
    form.agency_id.choices = [(agency.id, agency.name) for agency in agencies]
    if not form.is_submitted():
        form.contractor_code.data = request.args.get("code", "")[:18]
        form.contractor.data = request.args.get("name", "")[:120]
    elif form.validate():
        try:
            services.propose_override(
                next(agency for agency in agencies if agency.id == form.agency_id.data),
                code=form.contractor_code.data,
                contractor=form.contractor.data.strip(),
                counts=form.wish,
                reason=form.reason.data.strip(),
                by=current_user,
            )
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        else:
            flash(_("Proposed. The finance head confirms or refuses it."), "ok")
            return redirect(url_for("ratios.exceptions"), code=303)
    status = 422 if form.errors or form.form_errors else 200
    return render_template("ratios/new_exception.html", form=form, R30_SOURCES=R30_SOURCES), status


@bp.post("/ratio/exceptions/<int:proposal_id>/<any(confirm, refuse):step>")
@allow("ratio.review")
def decide_exception(proposal_id: int, step: str) -> Any:
    proposal = queries.proposal_in_scope(current_user, proposal_id) or abort(404)
    services.decide_override(proposal, confirmed=step == "confirm", by=current_user)
    flash(
        _("Confirmed: the figures follow it from this year on.") if step == "confirm" else _("Refused."), "ok"
    )
    return redirect(url_for("ratios.exceptions"), code=303)


# For everybody ---------------------------------------------------------------------------------


@bp.get("/public/ratio")
@allow.public
def published() -> str:
    """Published figures, newest first."""
    page = paginate(
        queries.published_snapshots(), (RatioSnapshot.published_at, True), (RatioSnapshot.id, True)
    )
    found = {row.id: queries.frozen(row) for row in page.rows}
    return render_template(
        "ratios/published.html",
        page=page,
        found=found,
        labels=division_labels({row.division_code for row in page.rows}),
    )


@bp.get("/public/ratio/<int:snapshot_id>")
@allow.public
def published_figure(snapshot_id: int) -> str:
    """A published figure with how to check it."""
    found = queries.published_snapshot(snapshot_id) or abort(404)
    return render_template(
        "ratios/published_figure.html",
        **document_facts(found),
        pdf=pdf_available(),
        LABELS=LABELS,
        BASIS_WORDS=BASIS_WORDS,
    )


@bp.get("/public/ratio/<int:snapshot_id>/figure.json")
@allow.public
def published_json(snapshot_id: int) -> Response:
    return _json(queries.published_snapshot(snapshot_id) or abort(404))


@bp.get("/public/ratio/<int:snapshot_id>/rows.csv")
@allow.public
def published_rows(snapshot_id: int) -> Response:
    return _csv(queries.published_snapshot(snapshot_id) or abort(404))


@bp.get("/public/ratio/<int:snapshot_id>/document.pdf")
@allow.public
def published_document(snapshot_id: int) -> Any:
    found = queries.published_snapshot(snapshot_id) or abort(404)
    return print_out("ratios/document.html", document_facts(found), _name(found), public=True)
