"""The gate every view passes: who may enter, one-time keys, and the one place that commits.

A view without ``@allow`` is refused at start-up (:func:`check_every_endpoint`). A GET runs in a
read transaction that cannot write. A POST runs in one writing transaction: it is committed when
the view answers with a redirect, and rolled back when it answers with anything else (a form shown
again with its errors) unless the view asked for :func:`keep`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import Flask, Response, abort, current_app, g, make_response, redirect, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import PERMISSIONS, Refusal
from core.access.words import WORDS
from core.db import db, transaction
from core.text import N_, Message
from core.web.models import UsedKey

_KEY = re.compile(r"[0-9a-f]{32}")
View = Callable[..., Any]


class _Discard(Exception):
    """Carries the answer of a view whose writes are rolled back."""

    def __init__(self, response: Response) -> None:
        self.response = response


class _Allow:
    """``@allow("call.read", …)``: signed in and holding one of the permissions somewhere.

    Where exactly it is held is asked of the thing itself, by the query's scope and the lifecycle.
    """

    def __call__(self, *permissions: str) -> Callable[[View], View]:
        unknown = set(permissions) - PERMISSIONS
        if unknown or not permissions:
            raise ValueError(f"unknown permissions {sorted(unknown)}")
        return lambda view: _wrap(view, permissions=permissions)

    def signed_in(self, view: View) -> View:
        """Anybody with an account."""
        return _wrap(view, permissions=())

    def public(self, view: View) -> View:
        """Anybody."""
        return _wrap(view, permissions=None)

    def unguarded(self, view: View) -> View:
        """Public, and the view opens its own transaction (sign-in hashes before it locks)."""
        return _wrap(view, permissions=None, own_transaction=True)


allow = _Allow()


def _wrap(view: View, *, permissions: tuple[str, ...] | None, own_transaction: bool = False) -> View:
    @wraps(view)
    def gated(*args: Any, **kwargs: Any) -> Any:
        if permissions is not None:
            if not current_user.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            if permissions and not any(current_user.may_somewhere(item) for item in permissions):
                raise Refusal(
                    Message(N_("Your role does not include this page.")),
                    rule="ACCESS",
                    whose_turn=Message(
                        N_("people whose role includes: %(permissions)s"),
                        {"permissions": _words(permissions)},
                    ),
                    status=403,
                )
        if request.method in ("GET", "HEAD") or own_transaction:
            return view(*args, **kwargs)
        return _write(view, *args, **kwargs)

    gated.allowed = permissions  # type: ignore[attr-defined]
    return gated


def _words(permissions: Sequence[str]) -> Message:
    """The permissions as people call them, one after the other."""
    first, *more = permissions
    word = Message(WORDS[first])
    return Message(N_("%(one)s; or %(more)s"), {"one": word, "more": _words(more)}) if more else word


def _write(view: View, *args: Any, **kwargs: Any) -> Response:
    key = request.form.get("_key", "")
    if not _KEY.fullmatch(key):
        raise Refusal(
            Message(
                N_("This form came without its one-time key. Open the page again and send it from there.")
            ),
            status=400,
        )
    user_id = current_user.id if current_user.is_authenticated else None
    try:
        with transaction():
            used = db.session.get(UsedKey, key)
            if used is None:
                db.session.add(UsedKey(key=key, user_id=user_id, used_at=clock.now()))
                # A twin of this form waits here until the first is decided.
                db.session.flush()
            else:
                return _first_answer(used, user_id)
            response = make_response(view(*args, **kwargs))
            used = db.session.get_one(UsedKey, key)
            if 300 <= response.status_code < 400:
                used.location = response.location or ""
            elif g.get("keep"):
                db.session.delete(used)
            else:
                raise _Discard(response)
            return response
    except _Discard as discard:
        return discard.response
    except IntegrityError as error:
        used = db.session.get(UsedKey, key)
        if used is None:
            raise Refusal(
                Message(N_("Somebody saved the same thing a moment before you. Reload the page and look.")),
                status=409,
            ) from error
        return _first_answer(used, user_id)


def _first_answer(used: UsedKey, user_id: int | None) -> Response:
    if used.user_id != user_id or not used.location:
        abort(400)
    return make_response(redirect(used.location, code=303))


def keep() -> None:
    """Commit although the answer is no redirect: a file handed out and logged, a failed sign-in."""
    g.keep = True


def one_time_key() -> str:
    return secrets.token_hex(16)


def form_key() -> Markup:
    """The hidden fields of every POST form: CSRF token and one-time key."""
    return Markup(
        '<input type="hidden" name="csrf_token" value="{}"><input type="hidden" name="_key" value="{}">'
    ).format(generate_csrf(), request.form.get("_key") or one_time_key())


def check_every_endpoint(app: Flask) -> None:
    """Refuse to start when an endpoint does not declare who may enter."""
    open_endpoints = {"static", "bootstrap.static", "assets.file"}
    undeclared = [
        name
        for name, view in app.view_functions.items()
        if name not in open_endpoints and not hasattr(view, "allowed")
    ]
    if undeclared:
        raise RuntimeError(f"endpoints without @allow: {', '.join(sorted(undeclared))}")
