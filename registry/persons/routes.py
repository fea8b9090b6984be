"""Persons: the list, one person with everything kept about them, and what one may do with one's own data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.text import N_
from core.web import navigation, tables
from core.web.gate import allow, keep
from core.web.words import say
from registry.persons import queries, services
from registry.persons.forms import FilterForm, IdentityForm, MergeForm, PersonForm, ReasonForm, WishForm
from registry.persons.models import SEXES, Person
from registry.persons.reports import PERSONS, data_workbook

bp = Blueprint("persons", __name__, url_prefix="/persons")

navigation.add_entry(
    "persons.list",
    N_("Register of persons"),
    icon="users",
    group="register",
    order=28,
    permissions=("person.read",),
)

EVENTS = {
    "recorded": N_("Recorded"),
    "edited": N_("Entry changed"),
    "email_changed": N_("E-mail address changed"),
    "identity_entered": N_("Identity number entered"),
    "identity_read": N_("Identity number read"),
    "merged": N_("Another entry merged into this one"),
    "given_up": N_("Merged into another entry"),
    "employment_recorded": N_("Working life noted"),
    "employment_ended": N_("Working life: end noted"),
    "kinship_recorded": N_("Kinship noted"),
    "kinship_ended": N_("End of kinship noted"),
    "data_exported": N_("Data handed out"),
    "erased": N_("Data taken out"),
}
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    own = request.endpoint in ("persons.own", "persons.own_export", "persons.own_erase")
    g.menu_entry = "accounts.own" if own else "persons.list"


@bp.get("/", endpoint="list")
@allow("person.read")
def list_persons() -> str:
    table = tables.show(PERSONS, current_user)
    return render_template(
        "persons/list.html",
        form=FilterForm(request.args),
        table=table,
        page=table.page,
        sexes=SEXES,
        known=queries.known_through(current_user, [person.id for person in table.page.rows]),
        may_merge=current_user.may_somewhere("person.merge"),
    )


@bp.get("/<int:person_id>")
@allow("person.read")
def show(person_id: int) -> str:
    return _page(_in_scope(person_id))


def _in_scope(person_id: int) -> Person:
    person = queries.person_in_scope(current_user, person_id)
    if person is None:
        abort(404)
    return person


def _page(person: Person, *, number: str = "", reason: ReasonForm | None = None) -> str:
    return render_template(
        "persons/show.html",
        person=person,
        number=number,
        form=reason or ReasonForm(formdata=None),
        holdings=queries.holdings(person, current_user),
        sexes=SEXES,
        may_edit=current_user.may_somewhere("person.edit"),
        may_merge=current_user.may_somewhere("person.merge"),
        may_reveal=current_user.may_somewhere("identity.reveal"),
        events=history_of(person),
        words=EVENTS,
    )


def _place(person: Person) -> list[dict[str, str]]:
    return [
        {"label": gettext("Register of persons"), "url": url_for("persons.list")},
        {"label": person.name, "url": url_for("persons.show", person_id=person.id)},
    ]


def _form_page(person: Person, form: Any, title: str, act: str, **more: Any) -> Answer:
    back = more.pop("back", None) or url_for("persons.show", person_id=person.id)
    more.setdefault("place", _place(person))
    page = render_template("components/form_page.html", form=form, title=title, act=act, back=back, **more)
    return page, 422 if form.is_submitted() else 200


def _told(form: Any, refusal: Refusal) -> None:
    form.form_errors.append(say(refusal.sentence))


@bp.route("/<int:person_id>/edit", methods=["GET", "POST"])
@allow("person.edit")
def edit(person_id: int) -> Answer:
    person = _in_scope(person_id)
    form = PersonForm(data={key: getattr(person, key) for key in ("name", "phone", "title", "sex")})
    if form.validate_on_submit():
        services.edit_person(
            person,
            name=form.name.data,
            phone=form.phone.data or "",
            title=form.title.data or "",
            sex=form.sex.data,
            by=current_user,
        )
        flash(gettext("The entry is changed."), "ok")
        return redirect(url_for("persons.show", person_id=person.id), code=303)
    return _form_page(person, form, gettext("Change the entry"), gettext("Save the entry"), intro=person.name)


@bp.route("/<int:person_id>/identity", methods=["GET", "POST"])
@allow("person.edit")
def identity(person_id: int) -> Answer:
    """Enter the identity number, or correct it."""
    person = _in_scope(person_id)
    form = IdentityForm()
    if form.validate_on_submit():
        try:
            services.set_identity(person, form.number.data, by=current_user)
            flash(gettext("The number is kept encrypted; day of birth and sex follow from it."), "ok")
            return redirect(url_for("persons.show", person_id=person.id), code=303)
        except Refusal as refusal:
            form.number.errors = [say(refusal.sentence)]
    return _form_page(
        person, form, gettext("Enter the identity number"), gettext("Keep the number"), intro=person.name
    )


@bp.post("/<int:person_id>/identity/reading")
@allow("identity.reveal")
def reveal(person_id: int) -> Answer:
    """Show the full number once; the look is written down, so it is a POST that commits."""
    person = _in_scope(person_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _page(person, reason=form), 422
    number = services.reveal_identity(person, reason=form.reason.data, by=current_user)
    keep()
    return _page(person, number=number)


# Two entries of one human being


@bp.get("/duplicates")
@allow("person.merge")
def duplicates() -> str:
    return render_template("persons/duplicates.html", groups=queries.possible_duplicates(current_user))


@bp.route("/<int:person_id>/merge", methods=["GET", "POST"])
@allow("person.merge")
def merge(person_id: int) -> Answer:
    """Keep this entry and give up another one of the same name."""
    person = _in_scope(person_id)
    others = _namesakes(person)
    form = MergeForm(others)
    if form.validate_on_submit():
        try:
            other = next(item for item in others if str(item.id) == form.given_up.data)
            moved = services.merge_persons(person, other, reason=form.reason.data, by=current_user)
            flash(
                gettext("One entry is left; %(count)s rows that named the other now name it.", count=moved),
                "ok",
            )
            return redirect(url_for("persons.show", person_id=person_id), code=303)
        except Refusal as refusal:
            _told(form, refusal)
    return _form_page(
        person,
        form,
        gettext("Merge with another entry"),
        gettext("Merge the two entries"),
        intro=gettext("%(name)s (#%(number)s) is kept.", name=person.name, number=person.id),
        tone="wrong",
    )


def _namesakes(person: Person) -> Sequence[Person]:
    return db.session.scalars(
        queries.visible_persons(current_user)
        .where(Person.name == person.name, Person.id != person.id)
        .order_by(Person.id)
        .limit(50)
    ).all()


# What is kept about a person


@bp.route("/<int:person_id>/export", methods=["GET", "POST"])
@allow("person.edit")
def export(person_id: int) -> Answer:
    """Everything the user's units keep about a person, handed out at the person's request."""
    person = _in_scope(person_id)
    form = WishForm()
    if form.validate_on_submit():
        services.record_export(person, reason=form.reason.data, by=current_user)
        keep()
        return _file(person, queries.holdings(person, current_user), "")
    return _form_page(
        person, form, gettext("Hand out everything kept about this person"), gettext("Make the workbook"),
        intro=gettext("%(name)s. Who asks gets a copy (article 45 of the law on personal information).", name=person.name),
    )  # fmt: skip


def _file(person: Person, holdings: Any, number: str) -> Response:
    name = f"{person.name}-{clock.today().isoformat()}.xlsx"
    return send_file(data_workbook(person, holdings, number), as_attachment=True, download_name=name)


@bp.route("/<int:person_id>/erase", methods=["GET", "POST"])
@allow("person.edit")
def erase(person_id: int) -> Answer:
    """Take out what the user's units keep and no duty holds, at the person's request."""
    person = _in_scope(person_id)
    form = WishForm()
    if form.validate_on_submit():
        gone, stay = services.erase_person(
            person, reason=form.reason.data, user=current_user, by=current_user
        )
        flash(gettext("%(gone)s rows are taken out, %(stay)s must be kept.", gone=gone, stay=stay), "ok")
        seen = queries.person_in_scope(current_user, person_id) is not None
        return redirect(
            url_for("persons.show", person_id=person_id) if seen else url_for("persons.list"), code=303
        )
    return _erase_page(person, form, queries.holdings(person, current_user), _place(person))


def _erase_page(person: Person, form: WishForm, holdings: Any, place: Any) -> Answer:
    page = render_template(
        "persons/erase.html",
        person=person,
        form=form,
        holdings=holdings,
        place=place,
        back=place[-1]["url"],
    )
    return page, 422 if form.is_submitted() else 200


@bp.get("/own")
@allow.signed_in
def own() -> str:
    """What the product keeps about the reader, everywhere."""
    person = _myself()
    return render_template(
        "persons/own.html",
        person=person,
        holdings=queries.holdings(person, None),
        sexes=SEXES,
    )


def _myself() -> Person:
    return db.session.scalars(select(Person).where(Person.id == current_user.person_id)).one()


@bp.post("/own/export")
@allow.signed_in
def own_export() -> Response:
    """The reader's own data as a workbook, the identity number in full."""
    person = _myself()
    number = ""
    if person.identity_sealed is not None:
        number = services.reveal_identity(person, reason=gettext("own copy"), by=current_user)
    services.record_export(person, reason=gettext("own copy"), by=current_user)
    keep()
    return _file(person, queries.holdings(person, None), number)


@bp.route("/own/erase", methods=["GET", "POST"])
@allow.signed_in
def own_erase() -> Answer:
    person = _myself()
    form = WishForm(data={"reason": gettext("my own wish")})
    if form.validate_on_submit():
        gone, stay = services.erase_person(person, reason=form.reason.data, user=None, by=current_user)
        flash(gettext("%(gone)s rows are taken out, %(stay)s must be kept.", gone=gone, stay=stay), "ok")
        return redirect(url_for("persons.own"), code=303)
    place = [{"label": gettext("What is kept about me"), "url": url_for("persons.own")}]
    return _erase_page(person, form, queries.holdings(person, None), place)
