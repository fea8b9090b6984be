"""How long a session lives: it ends when nothing was done for a while, and after a working day.

Both limits are checked before anybody is asked who they are; the password's stamp and the state of
the account are asked with the user (registry.accounts).
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, has_request_context, request, session
from flask.sessions import SecureCookieSessionInterface

from core import clock
from core.web.urls import FILES

# Not every click writes the cookie anew.
STEP = 60


class CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions; files are served without, so that a browser keeps them whoever signs in."""

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if not (has_request_context() and request.endpoint in FILES):
            super().save_session(app, session, response)


def limit_session() -> None:
    """End the session when it is idle or old; else note that somebody is there (a page that asks how its
    work stands is nobody)."""
    if request.endpoint in FILES:
        return
    session.permanent = True
    if "_user_id" not in session:
        return
    now = int(clock.now().timestamp())
    began, seen = session.get("began"), session.get("seen")
    if not isinstance(began, int) or not isinstance(seen, int):
        session["began"] = session["seen"] = now
        return
    if now - seen > current_app.config["SESSION_IDLE"] or now - began > current_app.config["SESSION_AGE"]:
        chosen = session.get("locale")
        session.clear()
        if chosen:
            session["locale"] = chosen
    elif now - seen >= STEP and "Polling" not in request.headers:
        session["seen"] = now
