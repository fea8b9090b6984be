"""Who is tied to an organization: what draws, approvals and payments ask about."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.db import db
from core.web.gate import allow
from core.web.words import say
from registry.interests.forms import CheckForm, EndForm, KinForm, PersonInterestForm, WorkForm
from registry.interests.models import ENDS, KINDS, RELATIONS, Employment, Interest
from registry.interests.queries import (
    conflict,
    employments_of,
    interests_of_organization,
    reason_of,
    relatives_of,
)
from registry.interests.rules import RULE, SOURCE, counts
from registry.interests.services import (
    declare_interest,
    end_employment,
    end_interest,
    end_kinship,
    record_employment,
    record_kinship,
)
from registry.organizations.models import Organization
from registry.organizations.queries import editable_organization, named, visible_organizations
from registry.persons.models import Person
from registry.persons.queries import person_in_scope
from registry.persons.services import record_person

bp = Blueprint("interests", __name__, url_prefix="/interests")
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    """These are pages of an organization, or of a person."""
    if (request.view_args or {}).get("person_id") is not None:
        g.menu_entry = "persons.list"
        return
    office = current_user.is_authenticated and current_user.may_somewhere("organization.read")
    g.menu_entry = "directory.list" if office else "organizations.own"


@bp.get("/of/<int:organization_id>", endpoint="list")
@allow("organization.read")
def list_interests(organization_id: int) -> str:
    organization = db.session.scalar(
        select(Organization).where(
            Organization.id == organization_id,
            Organization.agency_id.in_(current_user.agency_ids("organization.read")),
        )
    )
    if organization is None:
        abort(404)
    return render_template(
        "interests/list.html",
        organization=organization,
        interests=interests_of_organization(organization.id),
        kinds=KINDS,
        counts=counts,
        today=clock.today(),
        may_edit=current_user.may("organization.edit", agency_id=organization.agency_id),
    )


@bp.route("/of/<int:organization_id>/new", methods=["GET", "POST"])
@allow("organization.edit")
def declare(organization_id: int) -> Answer:
    organization = editable_organization(current_user, organization_id, "organization.edit")
    if organization is None:
        abort(404)
    form = PersonInterestForm()
    if form.validate_on_submit():
        try:
            declare_interest(
                record_person(form.person.data, phone=form.phone.data or "", by=current_user),
                organization,
                form.kind.data,
                form.since.data,
                until=form.until.data,
                position=form.position.data or "",
                note=form.note.data or "",
                by=current_user,
            )
            flash(gettext("The tie is noted; draws and approvals ask about it from now on."), "ok")
            return redirect(url_for("interests.list", organization_id=organization.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("interests/declare.html", form=form, organization=organization),
        422 if form.is_submitted() else 200,
    )


@bp.route("/<int:interest_id>/end", methods=["GET", "POST"])
@allow("organization.edit")
def end(interest_id: int) -> Answer:
    interest = db.session.scalar(
        select(Interest)
        .join(Organization, Organization.id == Interest.organization_id)
        .where(
            Interest.id == interest_id,
            Interest.until.is_(None),
            Organization.agency_id.in_(current_user.agency_ids("organization.edit")),
        )
    )
    if interest is None:
        abort(404)
    form = EndForm(data={"until": clock.today()})
    if form.validate_on_submit():
        try:
            end_interest(interest, form.until.data, by=current_user)
            flash(gettext("The last day is noted. Recusal still asks for the three years after it."), "ok")
            return redirect(url_for("interests.list", organization_id=interest.organization_id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template("interests/end.html", form=form, interest=interest, kinds=KINDS),
        422 if form.is_submitted() else 200,
    )


# Pages of a person


def _person(person_id: int) -> Person:
    person = person_in_scope(current_user, person_id)
    if person is None:
        abort(404)
    return person


@bp.route("/person/<int:person_id>/work", methods=["GET", "POST"])
@allow("person.edit")
def work(person_id: int) -> Answer:
    """A person's working life, and one more stretch of it."""
    person = _person(person_id)
    form = WorkForm()
    if form.validate_on_submit():
        try:
            body = named(visible_organizations(current_user), form.employer.data)
            record_employment(
                person,
                body.name if body is not None else form.employer.data,
                form.since.data,
                until=form.until.data,
                position=form.position.data or "",
                organization=body,
                by=current_user,
            )
            flash(gettext("Noted. Draws, approvals and payments ask about it from now on."), "ok")
            return redirect(url_for("interests.work", person_id=person.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "interests/work.html",
            person=person,
            form=form,
            rows=employments_of(person.id),
            today=clock.today(),
        ),
        422 if form.is_submitted() else 200,
    )


@bp.route("/person/<int:person_id>/work/<int:employment_id>/end", methods=["GET", "POST"])
@allow("person.edit")
def end_work(person_id: int, employment_id: int) -> Answer:
    person = _person(person_id)
    row = db.session.scalar(
        select(Employment).where(
            Employment.id == employment_id, Employment.person_id == person.id, Employment.until.is_(None)
        )
    )
    if row is None:
        abort(404)
    back = url_for("interests.work", person_id=person.id)
    form = EndForm(data={"until": clock.today()})
    if form.validate_on_submit():
        try:
            end_employment(row, form.until.data, by=current_user)
            flash(gettext("The last day is noted. Recusal still asks for the three years after it."), "ok")
            return redirect(back, code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "components/form_page.html",
        form=form,
        title=gettext("Note the end of the work"),
        act=gettext("Note the last day"),
        intro=f"{person.name} · {row.employer}",
        back=back,
    )
    return page, 422 if form.is_submitted() else 200


@bp.route("/person/<int:person_id>/kin", methods=["GET", "POST"])
@allow("person.edit")
def kin(person_id: int) -> Answer:
    """A person's relatives, from both sides, and one more."""
    person = _person(person_id)
    form = KinForm()
    if form.validate_on_submit():
        try:
            relative = record_person(form.name.data, phone=form.phone.data or "", by=current_user)
            record_kinship(person, relative, form.relation.data, by=current_user)
            flash(gettext("Noted. Draws, approvals and payments ask about it from now on."), "ok")
            return redirect(url_for("interests.kin", person_id=person.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return (
        render_template(
            "interests/kin.html", person=person, form=form, rows=relatives_of(person.id), relations=RELATIONS
        ),
        422 if form.is_submitted() else 200,
    )


@bp.route("/person/<int:person_id>/kin/<int:kinship_id>/end", methods=["GET", "POST"])
@allow("person.edit")
def end_kin(person_id: int, kinship_id: int) -> Answer:
    person = _person(person_id)
    row, relative = next(
        ((row, other) for row, other, _word in relatives_of(person.id) if row.id == kinship_id), (None, None)
    )
    if row is None or relative is None or row.relation not in ENDS or row.until is not None:
        abort(404)
    back = url_for("interests.kin", person_id=person.id)
    form = EndForm(data={"until": clock.today()})
    if form.validate_on_submit():
        try:
            end_kinship(row, form.until.data, by=current_user)
            flash(gettext("The last day is noted."), "ok")
            return redirect(back, code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    page = render_template(
        "components/form_page.html",
        form=form,
        title=gettext("Note the end of the kinship"),
        act=gettext("Note the last day"),
        intro=f"{person.name} · {relative.name}",
        back=back,
    )
    return page, 422 if form.is_submitted() else 200


@bp.get("/person/<int:person_id>/check")
@allow("person.read")
def check(person_id: int) -> Answer:
    """Must this person stand back from an organization? The answer draws, approvals and payments get."""
    person = _person(person_id)
    form = CheckForm(request.args if request.args else None, data={"on": clock.today()})
    asked, tie, organization = bool(request.args) and form.validate(), None, None
    if asked:
        organization = named(visible_organizations(current_user), form.organization.data)
        if organization is None:
            form.organization.errors = [
                gettext("No organization of exactly this name or code is on the register. Copy it from the certificate.")
            ]  # fmt: skip
        else:
            tie = conflict(person.id, organization.id, on=form.on.data)
    return render_template(
        "interests/check.html",
        person=person,
        form=form,
        organization=organization,
        tie=tie,
        reason=reason_of(tie) if tie is not None else None,
        rule=RULE,
        source=SOURCE,
    )
