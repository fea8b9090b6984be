"""Signing in and out, one's own account, and the administration of accounts and roles."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext
from flask_login import current_user, login_user, logout_user
from sqlalchemy import or_
from werkzeug.wrappers import Response

from core.access.policy import ROLES, Refusal, reads
from core.access.words import STEPS, WORDS, holders
from core.audit.queries import history_of
from core.db import db, transaction
from core.text import N_, Message
from core.web import navigation
from core.web.gate import allow, keep
from core.web.paging import paginate
from core.web.urls import local_target
from core.web.words import say
from registry.accounts import queries, services
from registry.accounts.forms import (
    AccountForm,
    ChangePasswordForm,
    ContactForm,
    FilterForm,
    GrantForm,
    LanguageForm,
    ResetPasswordForm,
    SignInForm,
)
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import KINDS, Agency
from registry.organizations.queries import named
from registry.persons.models import Person
from registry.persons.services import record_person, set_email

bp = Blueprint("accounts", __name__)

navigation.add_entry(
    "accounts.list", N_("Accounts"), icon="lock", group="register", order=90, permissions=("account.read",)
)
navigation.add_entry(
    "accounts.units", N_("Units"), icon="pin", group="register", order=80, permissions=("agency.read",)
)


@bp.before_request
def place_in_menu() -> None:
    place = {"own": "accounts.own", "change_password": "accounts.own", "units": "accounts.units"}
    g.menu_entry = place.get((request.endpoint or "").partition(".")[2], "accounts.list")


EVENTS = {
    "account_created": N_("Account created"),
    "account_closed": N_("Account closed"),
    "account_reopened": N_("Account reopened"),
    "account_locked": N_("Account locked"),
    "account_unlocked": N_("Account unlocked"),
    "handed_over": N_("Work handed over"),
    "password_changed": N_("Password changed"),
    "language_chosen": N_("Language chosen"),
    "role_granted": N_("Role granted"),
    "role_revoked": N_("Role taken back"),
    "factor_begun": N_("Second factor begun"),
    "factor_set_up": N_("Second factor set up"),
    "factor_removed": N_("Second factor removed"),
    "power_lent": N_("Payment steps lent"),
    "power_borrowed": N_("Payment steps lent by a colleague"),
    "power_taken_back": N_("Lent payment steps taken back"),
    "signed_in": N_("Signed in"),
    "signed_out": N_("Signed out"),
    "sign_in_refused": N_("Sign-in refused"),
}
Answer = str | tuple[str, int] | Response


# Signing in and out


@bp.route("/sign-in", methods=["GET", "POST"])
@allow.unguarded
def sign_in() -> Answer:
    """The password is checked before the write lock is taken: hashing is slow on purpose."""
    target = local_target(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(target, code=303)
    form = SignInForm()
    status = 200
    if form.validate_on_submit():
        user, until = _attempt(form.login.data.strip().lower(), form.password.data)
        if user is not None:
            _enter(user)
            return redirect(target, code=303)
        status = 429 if until is not None else 422
        form.form_errors.append(say(until or Message(N_("Login or password is wrong. Type both again."))))
    elif form.is_submitted():
        status = 422
    return render_template("accounts/sign_in.html", form=form, **_personas()), status


def _attempt(login: str, password: str) -> tuple[User | None, Message | None]:
    """The user who may enter, or ``None`` with, under a lock, the sentence that says until when."""
    address = request.remote_addr or ""
    until = queries.sign_in_locked_until(login, address)
    right = False
    if until is None:
        user = queries.user_by_login(login)
        right = services.password_fits(user, password)
        with transaction():
            until = services.record_sign_in(login, user, right=right, address=address)
            right = right and user is not None and user.is_active
    if until is not None:
        return None, Message(
            N_("Too many failed attempts: signing in is locked until %(time)s. Your administrator can help."),
            {"time": until},
        )
    return (user if right else None), None


def _enter(user: User) -> None:
    """Begin a fresh session: nothing a stranger may have planted in the old one lives on."""
    chosen = session.get("locale")
    session.clear()
    if chosen:
        session["locale"] = chosen
    login_user(user)


def _personas() -> dict[str, Any]:
    if not current_app.config["APP_DEMO"]:
        return {}
    rows = [
        {
            "login": item.user.login,
            "name": item.user.name,
            "role": say(ROLES[item.role].label),
            "unit": item.unit_name,
        }
        for item in queries.personas()
    ]
    return {"personas": rows, "persona_url": url_for("accounts.sign_in_as")}


@bp.post("/sign-in/as")
@allow.unguarded
def sign_in_as() -> Response:
    """The demonstration's door without a password; anywhere else there is no such page."""
    if not current_app.config["APP_DEMO"]:
        abort(404)
    user = queries.user_by_login(request.form.get("persona", ""))
    if user is None or not user.is_active:
        abort(404)
    with transaction():
        services.record_sign_in(user.login, user, right=True, address=request.remote_addr or "")
    _enter(user)
    return redirect(url_for("home.show"), code=303)


@bp.post("/sign-out")
@allow.signed_in
def sign_out() -> Response:
    services.record_sign_out(current_user._get_current_object(), by=current_user)
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"), code=303)


# One's own account


@bp.route("/account", methods=["GET", "POST"])
@allow.signed_in
def own() -> Answer:
    form = LanguageForm(data={"locale": current_user.locale})
    if form.validate_on_submit():
        services.set_locale(current_user._get_current_object(), form.locale.data, by=current_user)
        session["locale"] = form.locale.data
        flash(gettext("Your language is kept."), "ok")
        return redirect(url_for("accounts.own"), code=303)
    status = 422 if form.is_submitted() else 200
    return (
        render_template(
            "accounts/own.html", form=form, events=history_of(current_user, limit=10), words=EVENTS
        ),
        status,
    )


@bp.route("/account/contact", methods=["GET", "POST"])
@allow.signed_in
def contact() -> Answer:
    """Where mail about one's own matters goes."""
    form = ContactForm(data={"email": current_user.person.email})
    if form.validate_on_submit():
        try:
            set_email(current_user.person, form.email.data or "", by=current_user)
            flash(gettext("Your e-mail address is kept."), "ok")
            return redirect(url_for("accounts.own"), code=303)
        except Refusal as refusal:
            form.email.errors = [say(refusal.sentence)]
    return render_template("accounts/contact.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/account/password", methods=["GET", "POST"])
@allow.signed_in
def change_password() -> Answer:
    user = current_user._get_current_object()
    form = ChangePasswordForm()
    form.owner_login, form.owner_name = user.login, user.name
    if form.validate_on_submit() and _present_password(user, form):
        services.set_password(user, form.new.data, by=user)
        _enter(user)
        flash(gettext("The password is changed. Every other session of this account has ended."), "ok")
        return redirect(url_for("accounts.own"), code=303)
    status = 422 if form.is_submitted() else 200
    return render_template("accounts/change_password.html", form=form), status


def _present_password(user: User, form: ChangePasswordForm) -> bool:
    """Whether the present password is right; wrong ones count like failed sign-ins."""
    address = request.remote_addr or ""
    until = queries.sign_in_locked_until(user.login, address)
    if until is None and services.password_fits(user, form.current.data):
        return True
    if until is None:
        services.record_sign_in(user.login, user, right=False, address=address)
        keep()
        sentence = Message(N_("This is not your present password."))
    else:
        sentence = Message(N_("Too many wrong passwords: try again after %(time)s."), {"time": until})
    form.current.errors = [say(sentence)]
    return False


# Administration


@bp.get("/accounts", endpoint="list")
@allow("account.read")
def list_accounts() -> str:
    form = FilterForm(request.args)
    query = queries.with_roles(queries.managed_users(current_user))
    words = (form.q.data or "").strip()
    if words:
        query = query.join(Person, Person.id == User.person_id).where(
            or_(
                Person.name.contains(words, autoescape=True),
                User.login.contains(words.lower(), autoescape=True),
            )
        )
    if form.state.data:
        query = query.where(queries.in_state(form.state.data))
    return render_template("accounts/list.html", form=form, page=paginate(query, (User.login, False)))


@bp.route("/accounts/new", methods=["GET", "POST"])
@allow("account.manage")
def create() -> Answer:
    """An account without password and role: the security administrator gives both."""
    form = AccountForm(queries.managed_agencies(current_user))
    if form.validate_on_submit():
        try:
            person = record_person(
                form.name.data, phone=form.phone.data, title=form.title.data or "", by=current_user
            )
            if form.email.data:
                set_email(person, form.email.data, by=current_user)
            # The form offers only the units this administrator looks after.
            unit = db.session.get_one(Agency, int(form.agency.data))
            user = services.create_user(person, form.login.data, None, agency=unit, by=current_user)
            flash(
                gettext("The account is open. The security administrator gives it a role and a password."),
                "ok",
            )
            return redirect(url_for("accounts.show", user_id=user.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return render_template("accounts/create.html", form=form), 422 if form.is_submitted() else 200


def _unit(form: GrantForm) -> dict[str, Any] | None:
    """The agency or organization of a valid form, as arguments of ``grant_role``; ``None`` with an
    error at the field when the organization is not known.
    """
    if form.held_at() == "agency":
        # The form offers only the units this administrator looks after.
        return {"agency": db.session.get_one(Agency, int(form.agency.data))}
    organization = named(queries.managed_organizations(current_user), form.organization.data)
    if organization is None:
        form.organization.errors = [
            gettext("No organization of this name or code is kept at your units. Register it first.")
        ]
        return None
    return {"organization": organization}


@bp.get("/accounts/<int:user_id>")
@allow("account.read")
def show(user_id: int) -> str:
    return _account_page(_managed(user_id))


def _managed(user_id: int) -> User:
    user = queries.managed_user(current_user, user_id)
    if user is None:
        abort(404)
    return user


def _account_page(user: User, **forms: Any) -> str:
    forms.setdefault("grant_form", None)
    forms.setdefault("password_form", None)
    forms["grant_form"] = forms["grant_form"] or GrantForm(
        queries.managed_agencies(current_user), formdata=None
    )
    forms["password_form"] = forms["password_form"] or ResetPasswordForm(formdata=None)
    roles: tuple[RoleAssignment, ...] = tuple(user.roles)
    mine = {item.id for item in roles if queries.managed_assignment(current_user, item.id) is not None}
    return render_template(
        "accounts/show.html",
        user=user,
        mine=mine,
        keeps=current_user.may_somewhere("account.manage"),
        guards=current_user.may_somewhere("account.grant"),
        events=history_of(user),
        words=EVENTS,
        **forms,
    )


@bp.post("/accounts/<int:user_id>/roles")
@allow("account.grant")
def grant(user_id: int) -> Answer:
    user = _managed(user_id)
    form = GrantForm(queries.managed_agencies(current_user))
    if form.validate_on_submit():
        try:
            unit = _unit(form)
            if unit is not None:
                services.grant_role(user, form.role.data, **unit, by=current_user)
                flash(gettext("The role is granted from today on."), "ok")
                return redirect(url_for("accounts.show", user_id=user.id), code=303)
        except Refusal as refusal:
            form.form_errors.append(say(refusal.sentence))
    return _account_page(user, grant_form=form), 422


@bp.post("/accounts/roles/<int:assignment_id>/revoke")
@allow("account.grant")
def revoke(assignment_id: int) -> Response:
    assignment = queries.managed_assignment(current_user, assignment_id)
    if assignment is None:
        abort(404)
    services.revoke_role(assignment, by=current_user)
    flash(gettext("The role is taken back. What is open now goes to a colleague."), "ok")
    return redirect(url_for("handover.show", user_id=assignment.user_id), code=303)


@bp.post("/accounts/<int:user_id>/close")
@allow("account.manage")
def close(user_id: int) -> Response:
    user = _wholly_managed(user_id)
    services.close_account(user, by=current_user)
    flash(
        gettext("The account is closed; its sessions have ended. What is open now goes to a colleague."), "ok"
    )
    return redirect(url_for("handover.show", user_id=user.id), code=303)


@bp.post("/accounts/<int:user_id>/reopen")
@allow("account.manage")
def reopen(user_id: int) -> Response:
    user = _wholly_managed(user_id)
    services.reopen_account(user, by=current_user)
    flash(gettext("The account is open again."), "ok")
    return redirect(url_for("accounts.show", user_id=user.id), code=303)


@bp.post("/accounts/<int:user_id>/lock")
@allow("account.grant")
def lock(user_id: int) -> Response:
    user = _wholly_managed(user_id)
    services.lock_account(user, by=current_user)
    flash(gettext("The account is locked; its sessions have ended."), "ok")
    return redirect(url_for("accounts.show", user_id=user.id), code=303)


@bp.post("/accounts/<int:user_id>/unlock")
@allow("account.grant")
def unlock(user_id: int) -> Response:
    user = _wholly_managed(user_id)
    services.unlock_account(user, by=current_user)
    flash(gettext("The account may sign in again."), "ok")
    return redirect(url_for("accounts.show", user_id=user.id), code=303)


@bp.post("/accounts/<int:user_id>/password")
@allow("account.grant")
def reset_password(user_id: int) -> Answer:
    user = _wholly_managed(user_id)
    form = ResetPasswordForm()
    form.owner_login, form.owner_name = user.login, user.name
    if not form.validate_on_submit():
        return _account_page(user, password_form=form), 422
    services.reset_password(user, form.new.data, by=current_user)
    flash(gettext("The new password holds. Hand it over in person; it should be changed at once."), "ok")
    return redirect(url_for("accounts.show", user_id=user.id), code=303)


def _wholly_managed(user_id: int) -> User:
    """A user whose every role lies at the administrator's units: whoever also acts elsewhere is not
    closed or taken over from here.
    """
    user = _managed(user_id)
    if any(queries.managed_assignment(current_user, item.id) is None for item in user.roles):
        raise Refusal(
            Message(
                N_("This person also holds a role outside your units: the administrator above does this.")
            ),
            status=403,
        )
    return user


@bp.get("/units")
@allow("agency.read")
def units() -> str:
    """The tree of units with who holds which role there."""
    return render_template(
        "accounts/units.html",
        rows=queries.units_with_people(current_user),
        kinds=KINDS,
        may_create=current_user.may_somewhere("account.manage"),
    )


@bp.get("/roles")
@allow.signed_in
def roles() -> str:
    """Who may do what, in words: each role with what it sees and does, and the three steps of each act."""
    g.menu_entry = "accounts.units"
    return render_template(
        "accounts/roles.html", roles=ROLES.values(), words=WORDS, steps=STEPS, holders=holders, reads=reads
    )
