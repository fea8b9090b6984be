"""Pages of one's own second factor."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Blueprint, abort, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core.web.gate import allow, keep
from core.web.words import say
from registry.accounts.queries import managed_user
from registry.factors import services
from registry.factors.forms import CodeForm, ProofForm

bp = Blueprint("factors", __name__)


@bp.before_request
def place_in_menu() -> None:
    g.menu_entry = "accounts.own"


def _page(status: int = 200, **forms: Any) -> Any:
    user = current_user._get_current_object()
    pending = user.factor_sealed is not None and user.factor_since is None
    answer = make_response(
        render_template(
            "factors/show.html",
            pending=pending,
            secret=services.secret_of(user) if pending else "",
            proof_form=forms.get("proof") or ProofForm(user, formdata=None),
            code_form=forms.get("code") or CodeForm(formdata=None),
        ),
        status,
    )
    # The secret stands on it once.
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/account/factor")
@allow.signed_in
def show() -> Any:
    """What is set up, or how to set it up."""
    return _page()


@bp.get("/account/factor.svg")
@allow.signed_in
def code() -> Any:
    """The QR code of a secret that does not count yet."""
    user = current_user._get_current_object()
    if user.factor_sealed is None or user.factor_since is not None:
        abort(404)
    drawing = io.BytesIO()
    segno.make(services.address_of(user), error="m").save(
        drawing, kind="svg", scale=5, border=4, light="#fff"
    )
    answer = make_response(drawing.getvalue())
    answer.headers["Content-Type"] = "image/svg+xml"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/account/factor/begin")
@allow.signed_in
def begin() -> Any:
    """Make a secret, for who knows the password."""
    user = current_user._get_current_object()
    form = ProofForm(user)
    if not form.validate():
        return _page(422, proof=form)
    problem = services.prove_password(user, form.proof.data, address=request.remote_addr or "")
    if problem is not None:
        form.proof.errors = [say(problem)]
        keep()
        return _page(422, proof=form)
    services.begin_factor(user, by=user)
    return redirect(url_for("factors.show"), code=303)


@bp.post("/account/factor/confirm")
@allow.signed_in
def confirm() -> Any:
    """The first code typed back: from now on it is asked for."""
    user = current_user._get_current_object()
    form = CodeForm()
    if not form.validate():
        return _page(422, code=form)
    problem = services.confirm_factor(user, form.code.data, address=request.remote_addr or "", by=user)
    if problem is not None:
        form.code.errors = [say(problem)]
        keep()
        return _page(422, code=form)
    flash(_("The second factor counts from now on: its code is asked for before money leaves."), "ok")
    return redirect(url_for("factors.show"), code=303)


@bp.post("/account/factor/remove")
@allow.signed_in
def remove() -> Any:
    """Give it up, with a last code."""
    user = current_user._get_current_object()
    form = ProofForm(user)
    if not form.validate():
        return _page(422, proof=form)
    problem = services.prove(user, form.proof.data, address=request.remote_addr or "")
    if problem is not None:
        form.proof.errors = [say(problem)]
        keep()
        return _page(422, proof=form)
    services.remove_factor(user, by=user)
    flash(_("The second factor is removed; your password is asked for instead."), "ok")
    return redirect(url_for("factors.show"), code=303)


@bp.post("/accounts/<int:user_id>/factor/reset")
@allow("account.grant")
def reset(user_id: int) -> Any:
    """For somebody whose device was lost."""
    user = managed_user(current_user, user_id) or abort(404)
    services.reset_factor(user, by=current_user)
    flash(_("The second factor is removed. The person sets up a new one."), "ok")
    return redirect(url_for("accounts.show", user_id=user.id), code=303)
