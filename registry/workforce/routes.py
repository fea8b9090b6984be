"""Social workers, volunteers and trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from core import clock
from core.access.policy import Refusal
from core.audit.queries import history_of
from core.db import db
from core.text import N_, Message
from core.web import navigation, tables
from core.web.gate import allow
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.organizations.queries import named, visible_organizations
from registry.persons.models import Person
from registry.persons.queries import visible_persons
from registry.persons.services import record_person
from registry.workforce import forms, queries, reports, rules, services
from registry.workforce.models import (
    ATTENDANCES,
    LEVELS,
    SKILLS,
    TRAINING_KINDS,
    Certificate,
    SocialWorker,
    Training,
    TrainingAttendance,
    Volunteer,
)

bp = Blueprint("workforce", __name__, url_prefix="/workforce")

navigation.add_entry(
    "workforce.workers", N_("Social workers"), icon="users", group="register", order=31,
    permissions=("workforce.read",),
)  # fmt: skip
navigation.add_entry(
    "workforce.volunteers", N_("Volunteers"), icon="users", group="register", order=32,
    permissions=("workforce.read",),
)  # fmt: skip
navigation.add_entry(
    "workforce.trainings", N_("Trainings"), icon="call", group="register", order=33,
    permissions=("workforce.read",),
)  # fmt: skip

EVENTS = {
    "added": N_("Taken into the list"),
    "left": N_("Left the list"),
    "certificate_noted": N_("Certificate noted"),
    "certificate_renewed": N_("Certificate renewed"),
    "certificate_corrected": N_("Certificate corrected"),
    "edited": N_("Entry changed"),
    "hours_brought": N_("Hours brought along noted"),
    "consented": N_("Consent noted"),
    "consent_withdrawn": N_("Consent taken back"),
    "guardian_consented": N_("Consent of the guardian noted"),
    "cover_noted": N_("Insurance noted"),
    "hours_noted": N_("Hours noted"),
    "planned": N_("Planned"),
    "plan_recorded": N_("Training plan noted"),
    "invited": N_("Persons invited"),
    "attendance_noted": N_("Attendance noted"),
    "picked": N_("Taken into the team of a project"),
}
Answer = str | tuple[str, int] | Response


@bp.before_request
def place_in_menu() -> None:
    path = request.path
    g.menu_entry = (
        "workforce.volunteers" if "/volunteers" in path
        else "workforce.trainings" if "/trainings" in path
        else "workforce.workers"
    )  # fmt: skip


def tasks(user: Any) -> Iterable[navigation.Task]:
    """Certificates that end, or have ended without a later one."""
    if user.may_somewhere("workforce.edit"):
        for row in queries.ending_certificates(user):
            yield navigation.Task(
                title=Message(N_("The certificate of %(name)s ends"), {"name": row.worker.person.name}),
                url=url_for("workforce.worker", worker_id=row.worker_id),
                action=Message(N_("Ask for the renewal")),
                due=row.valid_to,
            )


navigation.add_tasks("workforce", tasks)


def _agencies() -> Sequence[Agency]:
    ids = current_user.agency_ids("workforce.edit")
    return db.session.scalars(select(Agency).where(Agency.id.in_(ids)).order_by(Agency.path)).all()


def _found(query: Any, model: Any, row_id: int) -> Any:
    return queries.in_scope(query, model, row_id) or abort(404)


def _kept(model: Any, row_id: int) -> Any:
    return queries.editable(current_user, model, row_id) or abort(404)


def _form_page(form: Any, title: str, act: str, back: str, **more: Any) -> Answer:
    page = render_template("components/form_page.html", form=form, title=title, act=act, back=back, **more)
    return page, 422 if form.is_submitted() else 200


def _do(form: Any, act: Callable[[], Any], words: str, back: str) -> Response | None:
    """Do what a valid form asks and go back; ``None`` with the refusal at the form."""
    if not form.validate_on_submit():
        return None
    try:
        act()
    except Refusal as refusal:
        source = f" ({refusal.rule} {refusal.source})" if refusal.rule else ""
        form.form_errors.append(f"{say(refusal.sentence)}{source}")
        return None
    flash(words, "ok")
    return redirect(back, code=303)


class _Unknown(Exception):
    """The form names an organization that is not on the register; its field says so."""


def _organization(form: Any) -> Organization | None:
    if not (form.organization.data or "").strip():
        return None
    found = named(visible_organizations(current_user), form.organization.data)
    if found is None:
        form.organization.errors = [
            gettext(
                "No organization of exactly this name or code is on the register. Copy it from the certificate."
            )
        ]
        raise _Unknown
    return found


# Social workers


@bp.get("/")
@allow("workforce.read")
def workers() -> str:
    table = tables.show(reports.WORKERS, current_user)
    return render_template(
        "workforce/workers.html",
        form=forms.WorkersFilter(request.args),
        table=table,
        page=table.page,
        levels=LEVELS,
        today=clock.today(),
        certificate=rules.certificate,
        alert_days=rules.DEFAULTS["alert_days"],
    )


@bp.route("/new", methods=["GET", "POST"])
@allow("workforce.edit")
def add_worker() -> Answer:
    form = forms.WorkerForm(_agencies(), data={"since": clock.today(), "full_time": True})
    if form.validate_on_submit():
        try:
            row = services.add_worker(
                db.session.get_one(Agency, int(form.agency.data)),
                _recorded(form),
                since=form.since.data,
                organization=_organization(form),
                post=form.post.data or "",
                full_time=form.full_time.data,
                by=current_user,
            )
            flash(gettext("The social worker is in the list. Note the certificate next."), "ok")
            return redirect(url_for("workforce.worker", worker_id=row.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        except _Unknown:
            pass
    return _form_page(
        form, gettext("Add a social worker"), gettext("Add the social worker"), url_for("workforce.workers")
    )


def _recorded(form: Any) -> Person:
    return record_person(
        form.name.data, phone=form.phone.data, identity_number=form.number.data or "", by=current_user
    )


@bp.get("/<int:worker_id>")
@allow("workforce.read")
def worker(worker_id: int) -> str:
    row = _found(queries.visible_workers(current_user), SocialWorker, worker_id)
    learning = queries.learning_of(row)
    return render_template(
        "workforce/worker.html",
        worker=row,
        learning=[learning] if learning is not None else [],
        work=queries.work_of(row),
        worked=queries.minutes_worked_of([row.id]).get(row.id, 0),
        trainings=queries.trainings_of(row.person_id),
        attendances=ATTENDANCES,
        levels=LEVELS,
        today=clock.today(),
        certificate=rules.certificate,
        alert_days=rules.DEFAULTS["alert_days"],
        may_edit=current_user.may("workforce.edit", agency_id=row.agency_id),
        may_read_person=current_user.may("person.read", agency_id=row.agency_id),
        events=history_of(row),
        words=EVENTS,
    )


@bp.route("/<int:worker_id>/certificates/new", methods=["GET", "POST"])
@allow("workforce.edit")
def add_certificate(worker_id: int) -> Answer:
    row = _kept(SocialWorker, worker_id)
    form, back = forms.CertificateForm(), url_for("workforce.worker", worker_id=worker_id)
    done = _do(
        form,
        lambda: services.add_certificate(
            row, form.level.data, form.number.data, form.issued_on.data, form.valid_to.data, by=current_user
        ),
        gettext("The certificate is noted."),
        back,
    )
    return done or _form_page(
        form, gettext("Note a certificate"), gettext("Note the certificate"), back, intro=row.person.name
    )


@bp.route("/certificates/<int:certificate_id>/renewal", methods=["GET", "POST"])
@allow("workforce.edit")
def renew(certificate_id: int) -> Answer:
    row = db.session.scalar(
        select(Certificate)
        .join(Certificate.worker)
        .where(
            Certificate.id == certificate_id,
            SocialWorker.agency_id.in_(current_user.agency_ids("workforce.edit")),
        )
    )
    if row is None:
        abort(404)
    form = forms.RenewalForm(data={"valid_to": clock.add_months(row.valid_to, 36)})
    back = url_for("workforce.worker", worker_id=row.worker_id)
    done = _do(
        form,
        lambda: services.renew_certificate(row, form.valid_to.data, by=current_user),
        gettext("The registration goes on."),
        back,
    )
    return done or _form_page(
        form, gettext("Renew the registration"), gettext("Renew the registration"), back,
        intro=f"{row.worker.person.name} · {row.number}",
    )  # fmt: skip


@bp.route("/<int:worker_id>/consent", methods=["GET", "POST"])
@allow("workforce.edit")
def worker_consent(worker_id: int) -> Answer:
    """Consent to be picked for projects of other organizations."""
    row = _kept(SocialWorker, worker_id)
    form, back = (
        forms.ConsentForm(data={"on": clock.today()}),
        url_for("workforce.worker", worker_id=worker_id),
    )
    done = _do(
        form,
        lambda: services.note_consent(row, form.on.data, form=form.paper.data, by=current_user),
        gettext("The consent is noted."),
        back,
    )
    return done or _form_page(
        form, gettext("Note the consent"), gettext("Note the consent"), back, intro=row.person.name
    )


@bp.post("/<int:worker_id>/consent/withdrawal")
@allow("workforce.edit")
def withdraw_worker(worker_id: int) -> Response:
    services.withdraw_consent(_kept(SocialWorker, worker_id), by=current_user)
    flash(
        gettext("The consent is taken back; no project of another organization may pick this person."), "ok"
    )
    return redirect(url_for("workforce.worker", worker_id=worker_id), code=303)


@bp.route("/<int:worker_id>/leave", methods=["GET", "POST"])
@allow("workforce.edit")
def leave_worker(worker_id: int) -> Answer:
    row = _kept(SocialWorker, worker_id)
    return _leave(row, url_for("workforce.worker", worker_id=worker_id))


def _leave(row: Any, back: str) -> Answer:
    form = forms.LeaveForm(data={"on": clock.today()})
    done = _do(
        form,
        lambda: services.leave(row, form.on.data, by=current_user),
        gettext("The last day is noted."),
        back,
    )
    return done or _form_page(
        form, gettext("Note the last day"), gettext("Note the last day"), back, intro=row.person.name
    )


# Volunteers


@bp.get("/volunteers")
@allow("workforce.read")
def volunteers() -> str:
    table = tables.show(reports.VOLUNTEERS, current_user)
    return render_template(
        "workforce/volunteers.html",
        form=forms.VolunteersFilter(request.args),
        table=table,
        page=table.page,
        minutes=queries.minutes_of([row.id for row in table.page.rows]),
        skills=SKILLS,
    )


@bp.route("/volunteers/new", methods=["GET", "POST"])
@allow("workforce.edit")
def add_volunteer() -> Answer:
    form = forms.VolunteerForm(_agencies())
    if form.validate_on_submit():
        try:
            row = services.add_volunteer(
                db.session.get_one(Agency, int(form.agency.data)),
                _recorded(form),
                skills=form.skills.data,
                organization=_organization(form),
                consented_on=form.consented_on.data,
                consent_form=form.consent_form.data or "",
                born_on=form.born_on.data,
                by=current_user,
            )
            flash(gettext("The volunteer is in the list."), "ok")
            return redirect(url_for("workforce.volunteer", volunteer_id=row.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
        except _Unknown:
            pass
    return _form_page(
        form, gettext("Add a volunteer"), gettext("Add the volunteer"), url_for("workforce.volunteers")
    )


@bp.get("/volunteers/<int:volunteer_id>")
@allow("workforce.read")
def volunteer(volunteer_id: int) -> str:
    row = _found(queries.visible_volunteers(current_user), Volunteer, volunteer_id)
    today = clock.today()
    return render_template(
        "workforce/volunteer.html",
        volunteer=row,
        checks=[
            queries.consent_of(row, today),
            rules.cover(covered=queries.is_covered(row, today), dangerous=False),
        ],
        stars=queries.stars_of(row, queries.minutes_of([row.id]).get(row.id, 0)),
        minor=rules.is_minor(row.person.born_on, today),
        hours=queries.hours_of(row),
        minutes=queries.minutes_of([row.id]).get(row.id, 0),
        covers=queries.covers_of(row),
        trainings=queries.trainings_of(row.person_id),
        attendances=ATTENDANCES,
        skills=SKILLS,
        today=today,
        may_edit=current_user.may("workforce.edit", agency_id=row.agency_id) and row.left_on is None,
        may_read_person=current_user.may("person.read", agency_id=row.agency_id),
        events=history_of(row),
        words=EVENTS,
    )


def _volunteer_form(
    volunteer_id: int, form: Any, act: Callable[[Volunteer], Any], title: str, words: str
) -> Answer:
    row = _kept(Volunteer, volunteer_id)
    back = url_for("workforce.volunteer", volunteer_id=volunteer_id)
    return _do(form, lambda: act(row), words, back) or _form_page(
        form, title, title, back, intro=row.person.name
    )


@bp.route("/volunteers/<int:volunteer_id>/consent", methods=["GET", "POST"])
@allow("workforce.edit")
def consent(volunteer_id: int) -> Answer:
    form = forms.ConsentForm(data={"on": clock.today()})
    return _volunteer_form(
        volunteer_id,
        form,
        lambda row: services.note_consent(row, form.on.data, form=form.paper.data, by=current_user),
        gettext("Note the consent"),
        gettext("The consent is noted."),
    )


@bp.post("/volunteers/<int:volunteer_id>/consent/withdrawal")
@allow("workforce.edit")
def withdraw(volunteer_id: int) -> Response:
    services.withdraw_consent(_kept(Volunteer, volunteer_id), by=current_user)
    flash(gettext("The consent is taken back; the volunteer has left the list."), "ok")
    return redirect(url_for("workforce.volunteer", volunteer_id=volunteer_id), code=303)


@bp.route("/volunteers/<int:volunteer_id>/guardian", methods=["GET", "POST"])
@allow("workforce.edit")
def guardian(volunteer_id: int) -> Answer:
    form = forms.GuardianForm(data={"on": clock.today()})
    return _volunteer_form(
        volunteer_id,
        form,
        lambda row: services.note_guardian(
            row,
            record_person(form.name.data, phone=form.phone.data, by=current_user),
            form.on.data,
            by=current_user,
        ),
        gettext("Note the guardian's consent"),
        gettext("The guardian's consent is noted."),
    )


@bp.route("/volunteers/<int:volunteer_id>/insurance", methods=["GET", "POST"])
@allow("workforce.edit")
def cover(volunteer_id: int) -> Answer:
    form = forms.CoverForm(data={"valid_from": clock.today()})
    return _volunteer_form(
        volunteer_id,
        form,
        lambda row: services.note_cover(
            row,
            form.insurer.data,
            form.number.data,
            form.valid_from.data,
            form.valid_to.data,
            by=current_user,
        ),
        gettext("Note an insurance"),
        gettext("The insurance is noted."),
    )


@bp.route("/volunteers/<int:volunteer_id>/hours", methods=["GET", "POST"])
@allow("workforce.edit")
def hours(volunteer_id: int) -> Answer:
    form = forms.HoursForm(data={"on": clock.today()})
    return _volunteer_form(
        volunteer_id,
        form,
        lambda row: services.note_hours(
            row,
            form.on.data,
            form.minutes.data,
            form.activity.data,
            dangerous=form.dangerous.data,
            by=current_user,
        ),
        gettext("Note hours"),
        gettext("The hours are noted."),
    )


@bp.route("/volunteers/<int:volunteer_id>/leave", methods=["GET", "POST"])
@allow("workforce.edit")
def leave_volunteer(volunteer_id: int) -> Answer:
    row = _kept(Volunteer, volunteer_id)
    return _leave(row, url_for("workforce.volunteer", volunteer_id=volunteer_id))


# Trainings


@bp.get("/trainings")
@allow("workforce.read")
def trainings() -> str:
    table = tables.show(reports.TRAININGS, current_user)
    ids = [row.id for row in table.page.rows]
    counts: dict[tuple[int, str], int] = {
        (training_id, state): count
        for training_id, state, count in db.session.execute(
            select(TrainingAttendance.training_id, TrainingAttendance.state, func.count())
            .where(TrainingAttendance.training_id.in_(ids))
            .group_by(TrainingAttendance.training_id, TrainingAttendance.state)
        )
    }
    return render_template(
        "workforce/trainings.html", table=table, page=table.page, kinds=TRAINING_KINDS, counts=counts,
        form=forms.TrainingsFilter(request.args),
    )  # fmt: skip


@bp.get("/trainings/plan")
@allow("workforce.read")
def plans() -> str:
    """What each unit means to hold in a year, beside what was held."""
    table = tables.show(reports.PLANS, current_user)
    return render_template(
        "workforce/plans.html", table=table, page=table.page, held=queries.held(table.page.rows),
        kinds=TRAINING_KINDS,
    )  # fmt: skip


@bp.route("/trainings/plan/new", methods=["GET", "POST"])
@allow("workforce.edit")
def add_plan() -> Answer:
    form = forms.PlanForm(_agencies(), data={"year": clock.today().year})
    done = _do(
        form,
        lambda: services.record_plan(
            db.session.get_one(Agency, int(form.agency.data)),
            form.year.data,
            form.kind.data,
            trainings=form.trainings.data,
            hours=form.hours.data,
            persons=form.persons.data,
            document=form.document.data,
            by=current_user,
        ),
        gettext("The plan is noted."),
        url_for("workforce.plans"),
    )
    return done or _form_page(
        form, gettext("Note a training plan"), gettext("Note the plan"), url_for("workforce.plans")
    )


@bp.route("/trainings/new", methods=["GET", "POST"])
@allow("workforce.edit")
def add_training() -> Answer:
    form = forms.TrainingForm(_agencies(), data={"held_on": clock.today()})
    if form.validate_on_submit():
        row = services.plan_training(
            db.session.get_one(Agency, int(form.agency.data)),
            form.title.data,
            form.kind.data,
            form.held_on.data,
            form.hours.data,
            place=form.place.data or "",
            by=current_user,
        )
        flash(gettext("The training is planned. Put persons on its list next."), "ok")
        return redirect(url_for("workforce.training", training_id=row.id), code=303)
    return _form_page(
        form, gettext("Plan a training"), gettext("Plan the training"), url_for("workforce.trainings")
    )


@bp.get("/trainings/<int:training_id>")
@allow("workforce.read")
def training(training_id: int) -> str:
    row = _found(queries.visible_trainings(current_user), Training, training_id)
    return _training_page(row, forms.InviteForm(formdata=None))


def _training_page(row: Training, form: Any) -> str:
    people = db.session.execute(
        select(TrainingAttendance, Person)
        .outerjoin(Person, Person.id == TrainingAttendance.person_id)
        .where(TrainingAttendance.training_id == row.id)
        .order_by(Person.sort_key, TrainingAttendance.id)
    ).all()
    return render_template(
        "workforce/training.html",
        training=row,
        people=people,
        form=form,
        kinds=TRAINING_KINDS,
        attendances=ATTENDANCES,
        held=row.held_on <= clock.today(),
        may_edit=current_user.may("workforce.edit", agency_id=row.agency_id),
        events=history_of(row),
        words=EVENTS,
    )


@bp.post("/trainings/<int:training_id>/list")
@allow("workforce.edit")
def invite(training_id: int) -> Answer:
    """Put persons on the list, one name a line; a name that is unknown or stands for several is told."""
    row = _kept(Training, training_id)
    form = forms.InviteForm()
    if form.validate_on_submit():
        names = list(dict.fromkeys(line.strip() for line in form.names.data.splitlines() if line.strip()))
        found: dict[str, list[Person]] = {name: [] for name in names}
        for person in db.session.scalars(visible_persons(current_user).where(Person.name.in_(names))):
            found[person.name].append(person)
        unclear = [name for name, people in found.items() if len(people) != 1]
        if not unclear:
            count = services.invite(row, [people[0] for people in found.values()], by=current_user)
            flash(gettext("%(count)s persons are on the list now.", count=count), "ok")
            return redirect(url_for("workforce.training", training_id=row.id), code=303)
        form.names.errors = [
            gettext("Unknown to your unit, or the name of several persons: %(names)s.", names=", ".join(unclear))
        ]  # fmt: skip
    return _training_page(row, form), 422


@bp.post("/trainings/<int:training_id>/attendance")
@allow("workforce.edit")
def attendance(training_id: int) -> Answer:
    row = _kept(Training, training_id)
    states = {
        int(key.removeprefix("state-")): value
        for key, value in request.form.items()
        if key.startswith("state-") and key.removeprefix("state-").isdecimal() and value in ATTENDANCES
    }
    services.note_attendance(row, states, by=current_user)
    flash(gettext("The attendance is noted."), "ok")
    return redirect(url_for("workforce.training", training_id=row.id), code=303)


@bp.get("/figures")
@allow("workforce.read")
def figures() -> str:
    """How many there are, the share of certified people by organization, and the federations' posts."""
    values = rules.DEFAULTS
    return render_template(
        "workforce/figures.html",
        totals=queries.totals(current_user),
        staffing=queries.staffing(current_user),
        federations=queries.staffing(current_user, federations=True),
        stars=queries.star_counts(current_user),
        star_source=rules.STAR_SOURCE,
        levels=LEVELS,
        least=values["workers_least"],
        most=values["workers_most"],
    )
