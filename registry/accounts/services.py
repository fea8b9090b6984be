"""Signing in, passwords, accounts and the roles held by them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, text

from core import clock
from core.access.policy import ROLES, Refusal
from core.audit.services import SYSTEM, Actor, record
from core.db import db
from core.mail.services import Recipient, send
from core.text import N_, Message
from registry.accounts import policy, queries
from registry.accounts.models import RoleAssignment, SignInAttempt, User
from registry.accounts.queries import sign_in_locked_until, user_by_login
from registry.accounts.rules import LOGIN, normal_password, password_problem
from registry.agencies.models import Agency
from registry.interests.queries import open_interest
from registry.interests.services import declare_interest, end_interest
from registry.organizations.models import Organization
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, joined
from registry.persons.services import ask_before_merging

# argon2id with the parameters of RFC 9106 for little memory: 64 MiB, 3 passes.
_hasher = PasswordHasher()
_ROLE_NOTE = N_("account role")


@cache
def _nobody() -> str:
    """A hash to try against when the login is unknown, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def password_fits(user: User | None, password: str) -> bool:
    """Whether this is the user's password. Slow on purpose: never call it while holding the write lock
    of a sign-in. ``None`` takes as long and is never right.
    """
    try:
        _hasher.verify(user.password_hash if user is not None else _nobody(), normal_password(password))
    except (VerificationError, InvalidHashError):
        return False
    return user is not None


def record_sign_in(login: str, user: User | None, *, right: bool, address: str) -> datetime | None:
    """Note an attempt whose password was checked before; returns until when the login or address is
    locked, or ``None``.

    The lock is asked again here, where attempts are in line: a hundred guesses sent at once still
    count as a hundred. An attempt under a lock is not counted and never succeeds.
    """
    in_line(login)
    in_line(address)
    until = sign_in_locked_until(login, address)
    if until is not None:
        return until
    admitted = right and user is not None and user.is_active
    db.session.add(SignInAttempt(login=login[:60], address=address[:45], succeeded=admitted, at=clock.now()))
    db.session.flush()
    if user is not None:
        event = "signed_in" if admitted else "sign_in_refused"
        record(user, event, by=user if admitted else SYSTEM, details={"address": address})
    return None


def record_sign_out(user: User, *, by: Actor) -> None:
    record(user, "signed_out", by=by)


def in_line(key: str) -> None:
    """Attempts for one login (or address), also to prove oneself again, one after another; SQLite's write lock already does it."""
    if db.session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"sign-in/{key}".encode()).digest()[:8], "big", signed=True)
        db.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": number})


def create_user(
    person: Person, login: str, password: str | None, *, agency: Agency | None = None, by: Actor
) -> User:
    """An account for a person; it can do nothing until a role is granted.

    ``agency`` keeps the account. Without a password nobody signs in until one is set.
    """
    login = login.strip().lower()
    if not LOGIN.fullmatch(login):
        raise Refusal(
            Message(
                N_(
                    "A login has 1 to 60 small letters, digits and . _ - @ and begins and ends with a letter or digit."
                )
            )
        )
    if user_by_login(login) is not None:
        raise Refusal(Message(N_("There is already an account “%(login)s”."), {"login": login}), status=409)
    if db.session.query(User.id).filter(User.person_id == person.id).first() is not None:
        raise Refusal(
            Message(N_("%(name)s has an account already: grant a role to it."), {"name": person.name}),
            status=409,
        )
    problem = password_problem(password, login=login, name=person.name) if password is not None else None
    if problem is not None:
        raise Refusal(problem)
    user = User(
        person_id=person.id,
        login=login,
        # No password at all is one that nobody knows.
        password_hash=_hasher.hash(normal_password(password or secrets.token_urlsafe(32))),
        password_changed_at=clock.now(),
        agency_id=agency.id if agency is not None else None,
    )
    db.session.add(user)
    db.session.flush()
    record(user, "account_created", by=by, details={"login": login, "person": person.id})
    notify("account_created", {"login": login}, to=[user], agency_id=user.agency_id)
    return user


def notify(template: str, params: dict[str, Any], *, to: Iterable[User], agency_id: int | None = None) -> int:
    """Mail to people who gave an address, in their language; it leaves after the commit. How many.

    ``agency_id`` is the unit whose administrators see it in the outbox.
    """
    people = [Recipient(user.person.email, user.name, user.locale) for user in to if user.person.email]
    return send(template, params, to=people, agency_id=agency_id) if people else 0


def notify_organization(
    organization_id: int, template: str, params: dict[str, Any], *, agency_id: int | None = None
) -> int:
    """Mail to everybody who acts for an organization."""
    return notify(template, params, to=queries.people_of(organization_id), agency_id=agency_id)


def set_password(user: User, password: str, *, by: Actor) -> None:
    """A new password; every session that began with the old one ends."""
    problem = password_problem(password, login=user.login, name=user.name)
    if problem is not None:
        raise Refusal(problem)
    user.password_hash = _hasher.hash(normal_password(password))
    user.password_changed_at = clock.now()
    db.session.flush()
    record(user, "password_changed", by=by)


def reset_password(user: User, password: str, *, by: Actor) -> None:
    """An administrator's new password for somebody else who lost theirs."""
    policy.require_other(user, by=by)
    set_password(user, password, by=by)
    notify("password_reset", {"login": user.login}, to=[user], agency_id=user.agency_id)


def set_locale(user: User, code: str, *, by: Actor) -> None:
    if code not in ("zh", "en"):
        raise ValueError(f"unknown language {code}")
    if user.locale != code:
        user.locale = code
        db.session.flush()
        record(user, "language_chosen", by=by, details={"locale": code})


def close_account(user: User, *, by: Actor) -> None:
    """The person can no longer sign in; sessions end at the next click, nothing is deleted."""
    policy.require_other(user, by=by)
    if user.active:
        user.active = False
        db.session.flush()
        _end_lending(user, by=by)
        record(user, "account_closed", by=by)


def reopen_account(user: User, *, by: Actor) -> None:
    policy.require_other(user, by=by)
    if not user.active:
        user.active = True
        db.session.flush()
        record(user, "account_reopened", by=by)


def lock_account(user: User, *, by: Actor) -> None:
    """Keep the account out at once, until it is unlocked: sessions end at the next click."""
    policy.require_other(user, by=by)
    if user.locked_at is None:
        user.locked_at = clock.now()
        db.session.flush()
        record(user, "account_locked", by=by)


def unlock_account(user: User, *, by: Actor) -> None:
    """Let the account in again; failed sign-ins so far no longer count."""
    policy.require_other(user, by=by)
    user.locked_at, user.unlocked_at = None, clock.now()
    db.session.flush()
    record(user, "account_unlocked", by=by)


def grant_role(
    user: User,
    role: str,
    *,
    agency: Agency | None = None,
    organization: Organization | None = None,
    valid_from: date | None = None,
    by: Actor,
) -> RoleAssignment:
    """Let a user hold ``role`` at one agency or one organization, as the role asks for.

    Somebody who acts for an organization has an interest in it: it is noted, so that draws and
    approvals see it.
    """
    if role not in ROLES:
        raise ValueError(f"unknown role {role}")
    held_at = "agency" if agency is not None else "organization"
    if (agency is None) == (organization is None) or held_at != ROLES[role].held_at:
        raise Refusal(
            Message(
                N_(
                    "The role “%(role)s” is held at one unit of its kind: choose another unit or another role."
                ),
                {"role": Message(ROLES[role].label)},
            )
        )
    policy.require_grantable(user, role, by=by)
    today = clock.today()
    for item in (role for role in user.roles if role.delegated_by is None):
        same_unit = item.agency is agency if agency is not None else item.organization is organization
        if item.role == role and same_unit and item.alive(today):
            raise Refusal(Message(N_("The account holds this role at this unit already.")), status=409)
    assignment = RoleAssignment(
        user=user, role=role, agency=agency, organization=organization, valid_from=valid_from or today
    )
    db.session.add(assignment)
    db.session.flush()
    unit = agency or organization
    record(
        user,
        "role_granted",
        by=by,
        details={"role": role, held_at: unit.id if unit else None, "assignment": assignment.id},
    )
    if organization is not None and open_interest(user.person_id, organization.id, "employment") is None:
        declare_interest(
            user.person, organization, "employment", min(assignment.valid_from, today), note=_ROLE_NOTE, by=by
        )
    return assignment


def revoke_role(assignment: RoleAssignment, *, by: Actor) -> None:
    """End a role at once; the row stays as history."""
    if assignment.revoked_at is not None:
        raise Refusal(Message(N_("This role has been taken back already.")), status=409)
    policy.require_other(assignment.user, by=by)
    assignment.revoked_at = clock.now()
    db.session.flush()
    record(
        assignment.user, "role_revoked", by=by, details={"role": assignment.role, "assignment": assignment.id}
    )
    if assignment.delegated_by is None:
        _end_lending(assignment.user, assignment, by=by)
    if assignment.organization is not None:
        _end_role_interest(assignment, by=by)


def _end_lending(user: User, assignment: RoleAssignment | None = None, *, by: Actor) -> None:
    """What a person lent ends with the role it comes from, or with the account."""
    lent = select(RoleAssignment).where(
        RoleAssignment.delegated_by == user.id, RoleAssignment.revoked_at.is_(None)
    )
    if assignment is not None:
        lent = lent.where(
            RoleAssignment.role == assignment.role, RoleAssignment.agency_id == assignment.agency_id
        )
    for item in db.session.scalars(lent):
        item.revoked_at = clock.now()
        db.session.flush()
        record(item.user, "power_taken_back", by=by, details={"assignment": item.id, "role": item.role})


def _end_role_interest(assignment: RoleAssignment, *, by: Actor) -> None:
    today = clock.today()
    others = [
        item
        for item in assignment.user.roles
        if item is not assignment and item.organization_id == assignment.organization_id and item.alive(today)
    ]
    interest = open_interest(assignment.user.person_id, assignment.organization_id or 0, "employment")
    if not others and interest is not None and interest.note == _ROLE_NOTE:
        end_interest(interest, today, by=by)


# What is kept about a person ---------------------------------------------------------------------


def _entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    user = db.session.scalar(select(User).where(User.person_id == person_id))
    if user is None or (agencies is not None and user.agency_id not in agencies):
        return []
    return [
        Entry(
            user.id,
            Message(N_("account “%(login)s”"), {"login": user.login}),
            facts={N_("Roles"): joined([Message(ROLES[item.role].label) for item in user.roles])},
            duty=Message(N_("The trail of who decided what names the account.")),
            source="网络安全法 第二十一条；会计档案管理办法",
            link=("account.read", user.agency_id, "accounts.show", {"user_id": user.id}) if user.agency_id else None,
        )
    ]  # fmt: skip


def _has_account(agencies: set[int]) -> Any:
    return select(User.id).where(User.person_id == Person.id, User.agency_id.in_(agencies)).exists()


add_part(Part("user_account", N_("Account"), "account.read", _entries, _has_account))


def _two_accounts(kept: Person, given_up: Person) -> Message | None:
    """Two open accounts of one human being would let one person take two steps."""
    users = list(db.session.scalars(select(User).where(User.person_id.in_((kept.id, given_up.id)))))
    if len(users) == 2 and any(user.active for user in users if user.person_id == given_up.id):
        return Message(
            N_("Both have an account. The system administrator first closes the one of the entry that is given up.")
        )  # fmt: skip
    return None


ask_before_merging("accounts", _two_accounts)
