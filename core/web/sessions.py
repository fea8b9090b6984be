"""How long a session lives: it ends when nothing was done for a while, and after a working day.

Both limits are checked before anybody is asked who they are; the password's stamp and the state of
the account are asked with the user (registry.accounts).
"""

from __future__ import annotations

from flask import current_app, session

from core import clock

# Not every click writes the cookie anew.
STEP = 60


def limit_session() -> None:
    """End the session when it is idle or old; else note that somebody is there."""
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
    elif now - seen >= STEP:
        session["seen"] = now
