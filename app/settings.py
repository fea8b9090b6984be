"""Settings from the environment.

``APP_INSTANCE``  folder of all state (default ``instance/``)
``DATABASE_URL``  PostgreSQL (``postgresql://…``); default SQLite in the instance folder
``APP_ENV``       ``development`` (default) or ``production``
``APP_DEMO``      ``1``: fictional world, sign-in by one click; refused in production
``SECRET_KEY``    signs the session; made and kept in the instance folder when absent
``APP_IDLE_MINUTES``   a session without a click ends after this long (default 30)
``APP_SESSION_HOURS``  every session ends after this long (default 8)
``MAIL_SERVER``   mail server; without one mail stays in the outbox, where administrators see it
``MAIL_PORT``, ``MAIL_SECURITY`` (``starttls`` by default, ``tls``, ``none``), ``MAIL_USERNAME``, ``MAIL_PASSWORD``, ``MAIL_SENDER``
``FILE_SCANNER``  command that checks an upload, e.g. ``clamdscan --no-summary``: its exit code is 0 for a clean file
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

# Nobody types it to enter, one click does; it is asked for where money leaves, and told there.
DEMO_PASSWORD = "demonstration world only"


class SettingsError(RuntimeError):
    """A setting that must be mended before the application may start."""


def load(root: Path) -> tuple[Path, dict[str, Any]]:
    """The instance folder and the Flask configuration."""
    environment = os.environ.get("APP_ENV", "development")
    if environment not in ("development", "production"):
        raise SettingsError("APP_ENV is “development” or “production”")
    demo = os.environ.get("APP_DEMO", "") == "1"
    if environment == "production" and demo:
        raise SettingsError("APP_DEMO=1 is refused in production: unset it")
    instance = Path(os.environ.get("APP_INSTANCE", root / "instance")).resolve()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{instance / 'shanzhi.db'}"
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            url = "postgresql+psycopg://" + url.removeprefix(prefix)
    secret = os.environ.get("SECRET_KEY", "")
    if environment == "production" and secret and len(secret) < 32:
        raise SettingsError("SECRET_KEY must have at least 32 characters in production")
    config: dict[str, Any] = {
        "APP_ENV": environment,
        "APP_DEMO": demo,
        "DEMO_PASSWORD": DEMO_PASSWORD if demo else "",
        "SECRET_KEY": secret or _kept_secret(instance),
        "SQLALCHEMY_DATABASE_URI": url,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": environment == "production",
        "PERMANENT_SESSION_LIFETIME": _number("APP_SESSION_HOURS", 8, most=24) * 3600,
        "SESSION_AGE": _number("APP_SESSION_HOURS", 8, most=24) * 3600,
        "SESSION_IDLE": _number("APP_IDLE_MINUTES", 30, most=24 * 60) * 60,
        "MAX_CONTENT_LENGTH": 64 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "FILE_SCANNER": os.environ.get("FILE_SCANNER", ""),
        **_mail(),
    }
    if url.startswith("postgresql"):
        config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 10, "max_overflow": 20, "pool_pre_ping": True}
    return instance, config


def _mail() -> dict[str, Any]:
    server, security = os.environ.get("MAIL_SERVER", ""), os.environ.get("MAIL_SECURITY", "starttls")
    if security not in ("starttls", "tls", "none"):
        raise SettingsError("MAIL_SECURITY is “starttls”, “tls” or “none”")
    if server and not os.environ.get("MAIL_SENDER"):
        raise SettingsError("MAIL_SERVER needs MAIL_SENDER, the address that mail comes from")
    return {
        "MAIL_SERVER": server,
        "MAIL_PORT": _number("MAIL_PORT", 465 if security == "tls" else 25, most=65535),
        "MAIL_SECURITY": security,
        "MAIL_USERNAME": os.environ.get("MAIL_USERNAME", ""),
        "MAIL_PASSWORD": os.environ.get("MAIL_PASSWORD", ""),
        "MAIL_SENDER": os.environ.get("MAIL_SENDER", ""),
    }


def _number(name: str, default: int, *, most: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} is a number from 1 to {most}")
    return int(text)


def _kept_secret(instance: Path) -> str:
    """The instance's own secret: random, made once, readable by its owner alone."""
    path = instance / "keys" / "session.key"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        draft = path.with_suffix(f".{secrets.token_hex(6)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
        # Two processes starting at once: the first link stays, the second uses it.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
