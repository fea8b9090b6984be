"""Factors: that it is really the person at the keyboard, asked once more where money leaves.

Who has set up a second factor (RFC 6238, a code that changes every thirty seconds) gives its code;
anybody else the password. The secret lies sealed outside the database's reach, a code counts once,
and wrong answers count like failed sign-ins.
"""

from __future__ import annotations

from collections.abc import Callable

import pyotp
from sqlalchemy import update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.sealing import seal, unseal
from core.text import N_, Message
from registry.accounts import policy
from registry.accounts.models import User
from registry.accounts.queries import sign_in_locked_until
from registry.accounts.services import in_line, password_fits, record_sign_in

PURPOSE = "factor"
ISSUER = "Shanzhi"
SECONDS = 30
# A clock that runs half a minute early or late still counts.
DRIFT = (0, -1, 1)


def begin_factor(user: User, *, by: Actor) -> None:
    """A new secret; it counts once a code of it was typed back. Ask for the password before."""
    _own(user, by)
    if user.factor_since is not None:
        raise Refusal(Message(N_("A second factor is set up already: remove it first.")), status=409)
    user.factor_sealed = seal(PURPOSE, pyotp.random_base32(32).encode())
    db.session.flush()
    record(user, "factor_begun", by=by)


def confirm_factor(user: User, code: str, *, address: str, by: Actor) -> Message | None:
    """Let the secret count from now on; returns why not. Write the answer even when it is no."""
    _own(user, by)
    if user.factor_sealed is None or user.factor_since is not None:
        raise Refusal(Message(N_("No second factor is being set up.")), status=409)
    problem = _tried(user, code, address, _code_fits)
    if problem is None:
        user.factor_since = clock.now()
        db.session.flush()
        record(user, "factor_set_up", by=by)
    return problem


def remove_factor(user: User, *, by: Actor) -> None:
    """Back to the password alone. Ask for a code before."""
    _own(user, by)
    _clear(user)
    record(user, "factor_removed", by=by)


def reset_factor(user: User, *, by: Actor) -> None:
    """The security administrator takes away a factor whose device was lost."""
    policy.require_other(user, by=by)
    _clear(user)
    record(user, "factor_removed", by=by)


def _clear(user: User) -> None:
    if user.factor_sealed is None:
        raise Refusal(Message(N_("No second factor is set up.")), status=409)
    # The last step stays: an old code is no better after a new set-up.
    user.factor_sealed, user.factor_since = None, None
    db.session.flush()


def prove(user: User, given: str, *, address: str) -> Message | None:
    """Whether this is the person: code or password; returns why not, and counts it.

    The caller commits the answer even when it is no.
    """
    return _tried(user, given, address, _code_fits if user.factor_since is not None else password_fits)


def prove_password(user: User, password: str, *, address: str) -> Message | None:
    """The same with the password, whatever else is set up."""
    return _tried(user, password, address, password_fits)


def secret_of(user: User) -> str:
    """The secret in base 32, for the set-up page alone."""
    return unseal(PURPOSE, user.factor_sealed or "").decode()


def address_of(user: User) -> str:
    """The ``otpauth:`` address that an authenticator reads from the QR code."""
    totp = pyotp.TOTP(secret_of(user), name=user.login, issuer=ISSUER, interval=SECONDS)
    return totp.provisioning_uri()


def _own(user: User, by: Actor) -> None:
    if by.actor_id != user.id:
        raise Refusal(Message(N_("A second factor is set up by its owner alone.")), status=403)


def _tried(user: User, given: str, address: str, fits: Callable[[User, str], bool]) -> Message | None:
    in_line(user.login)
    until = sign_in_locked_until(user.login, address)
    if until is None:
        if fits(user, given):
            return None
        record_sign_in(user.login, user, right=False, address=address)
        if fits is _code_fits:
            return Message(N_("This code does not fit or was used already: wait for the next one."))
        return Message(N_("This is not your present password."))
    return Message(N_("Too many wrong answers: try again after %(time)s."), {"time": until})


def _code_fits(user: User, code: str) -> bool:
    """Whether the code is of now and newer than the last one used; it is used up with this."""
    typed = "".join(sign for sign in code if not sign.isspace())
    if user.factor_sealed is None or not typed.isascii():
        return False
    totp = pyotp.TOTP(secret_of(user), interval=SECONDS)
    present = int(clock.now().timestamp()) // SECONDS
    for drift in DRIFT:
        if not pyotp.utils.strings_equal(totp.generate_otp(present + drift), typed):
            continue
        used = db.session.execute(
            update(User)
            .where(User.id == user.id, User.factor_step < present + drift)
            .values(factor_step=present + drift)
            .execution_options(synchronize_session=False)
        )
        db.session.refresh(user, ["factor_step"])
        return used.rowcount == 1  # type: ignore[attr-defined,no-any-return]
    return False
