"""What a password must be, and when failed sign-ins lock.

NIST SP 800-63B-4 §3.1.1: length before composition, no list of required signs, common ones refused.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from core.text import N_, Message

MIN_LENGTH = 12
MAX_LENGTH = 200
WINDOW = timedelta(minutes=15)
FAILURES_PER_LOGIN = 5
FAILURES_PER_ADDRESS = 40

LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,58}[a-z0-9])?")

# What people type first when twelve characters are asked for; compared without signs and case.
_COMMON = frozenset(
    [
        "123456789012", "1234567890123", "12345678901234", "123456123456", "123123123123", "111111111111",
        "000000000000", "888888888888", "666666666666", "112233445566", "987654321098", "abcdefghijkl",
        "abcabcabcabc", "abcd12345678", "abc123456789", "a12345678901", "a123456789012", "qwertyuiopas",
        "qwertyuiop12", "qwertyuiop123", "qwerty123456", "qwer12345678", "1qaz2wsx3edc", "qazwsxedcrfv",
        "asdfghjkl123", "zxcvbnm12345", "password1234", "password12345", "password123456", "passwordpassword",
        "passw0rd1234", "p4ssword1234", "admin1234567", "admin12345678", "administrator", "administrator1",
        "adminadminadmin", "letmeinletmein", "iloveyou1234", "iloveyou5201314", "woaini123456", "woaini1314520",
        "woaini5201314", "5201314520131", "welcome12345", "changeme1234", "test12345678", "testtesttest",
        "root12345678", "minzheng1234", "minzhengju123", "shanzhi12345", "gongyi123456",
    ]
)  # fmt: skip


def normal_password(password: str) -> str:
    """The same characters however an input method wrote them (full width, composed)."""
    return unicodedata.normalize("NFKC", password)


def password_problem(password: str, *, login: str, name: str) -> Message | None:
    """Why this password is refused, or ``None``."""
    text = normal_password(password)
    if len(text) < MIN_LENGTH:
        return Message(
            N_("A password has at least %(min)s characters; several words with blanks are easy to remember."),
            {"min": MIN_LENGTH},
        )
    if len(text) > MAX_LENGTH:
        return Message(N_("A password has at most %(max)s characters."), {"max": MAX_LENGTH})
    bare = _bare(text)
    for known in (login, name):
        word = _bare(known)
        # The name with a few digits behind it, or written twice, is still the name.
        if len(word) < (3 if word.isascii() else 2) or word not in bare:
            continue
        if len(bare.replace(word, "")) < MIN_LENGTH - 4:
            return Message(N_("The password is little more than your login or name. Choose other words."))
    if bare in _COMMON or len(set(bare)) < 5 or _is_sequence(bare):
        return Message(N_("This password is one that many people use. Choose other words."))
    return None


def _bare(text: str) -> str:
    return "".join(character for character in normal_password(text).lower() if character.isalnum())


def _is_sequence(text: str) -> bool:
    """Whether nearly every character follows the one before it (abcdef…, 98765…)."""
    steps = [ord(second) - ord(first) for first, second in itertools.pairwise(text)]
    return bool(steps) and max(steps.count(1), steps.count(-1)) > 0.8 * len(steps)


def locked_until(failures: Sequence[datetime], *, limit: int, now: datetime) -> datetime | None:
    """When a lock ends, or ``None``. ``failures`` are the latest ``limit`` ones, the youngest first.

    ``limit`` failures within the window lock for as long as the window, from the last of them on.
    """
    if len(failures) < limit or failures[0] - failures[limit - 1] >= WINDOW:
        return None
    until = failures[0] + WINDOW
    return until if now < until else None
