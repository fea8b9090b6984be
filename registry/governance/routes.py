"""Pages of the leaders of an organization."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_login import current_user

from core import clock
from core.db import db
from core.text import N_
from core.web.gate import allow
from registry.governance import queries, services
from registry.governance.forms import CheckForm, EndForm, PostForm, TermForm
from registry.governance.models import BODIES, CHECK_RESULTS, OFFICIALS, POSTS, Post, Term
from registry.organizations.queries import organization_in_scope
from registry.particulars.routes import Answer, answer, editable_or_404
from registry.persons.services import record_person

bp = Blueprint("governance", __name__, url_prefix="/organizations/<int:organization_id>/leaders")


@bp.get("/")
@allow("organization.read", "own.read")
def show(organization_id: int) -> str:
    organization = organization_in_scope(current_user, organization_id)
    if organization is None:
        abort(404)
    posts, terms, checks = (
        queries.posts_of(organization.id),
        queries.terms_of(organization.id),
        queries.checks_of(organization.id),
    )
    return render_template(
        "governance/show.html",
        organization=organization,
        posts=posts,
        terms=terms,
        checks=checks,
        findings=queries.findings_of(current_user, organization, posts, terms, checks, on=clock.today()),
        today=clock.today(),
        bodies=BODIES,
        kinds=POSTS,
        officials=OFFICIALS,
        results=CHECK_RESULTS,
        questions=services.QUESTIONS,
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id),
    )


@bp.route("/term", methods=["GET", "POST"])
@allow("organization.edit")
def term(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = TermForm()
    return answer(
        organization, form,
        lambda: services.record_term(
            organization, form.body.data, form.number.data, form.starts_on.data, form.ends_on.data, by=current_user
        ),
        title=N_("Note a term"), action=N_("Note the term"), done=N_("The term is noted."),
        back="governance.show",
    )  # fmt: skip


@bp.route("/post", methods=["GET", "POST"])
@allow("organization.edit")
def appoint(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = PostForm(queries.terms_of(organization.id))

    def write() -> None:
        person = record_person(form.name.data, phone=form.phone.data or "", by=current_user)
        services.appoint(
            organization,
            person,
            form.post.data,
            since=form.since.data,
            term=db.session.get(Term, int(form.term.data)) if form.term.data else None,
            birth_year=form.birth_year.data,
            official=form.official.data,
            approved_by=form.approved_by.data or "",
            approval_document=form.approval_document.data or "",
            approved_on=form.approved_on.data,
            by=current_user,
        )

    return answer(
        organization, form, write,
        title=N_("Note a leader"), action=N_("Note the leader"), done=N_("The leader is noted, and with it the interest."),
        back="governance.show",
    )  # fmt: skip


@bp.route("/post/<int:row_id>/end", methods=["GET", "POST"])
@allow("organization.edit")
def end(organization_id: int, row_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    row = db.session.get(Post, row_id)
    if row is None or row.organization_id != organization.id or row.until is not None:
        abort(404)
    form = EndForm(data={"until": clock.today()})
    return answer(
        organization, form,
        lambda: services.end_post(row, until=form.until.data, by=current_user),
        title=N_("End the post"), action=N_("Note the last day"), done=N_("The last day is noted."),
        back="governance.show",
    )  # fmt: skip


@bp.route("/check", methods=["GET", "POST"])
@allow("organization.edit")
def check(organization_id: int) -> Answer:
    organization = editable_or_404(organization_id)
    form = CheckForm(data={"checked_on": clock.today()})

    def write() -> None:
        person = record_person(form.name.data, phone=form.phone.data or "", by=current_user)
        services.check_candidate(
            organization,
            person,
            form.post.data,
            answers=dict.fromkeys(form.answers.data or [], True),
            checked_on=form.checked_on.data,
            note=form.note.data or "",
            by=current_user,
        )

    return answer(
        organization, form, write,
        title=N_("Check a candidate"), action=N_("Keep the check"), done=N_("The check is kept."),
        back="governance.show",
    )  # fmt: skip
