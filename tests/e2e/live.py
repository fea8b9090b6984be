"""A served demonstration world and a browser in front of it.

The world is told once for a test run, whichever worker asks first, and only read afterwards. It is
served by the product's own server in a process of its own; people sign in by their session cookie.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from sqlalchemy import select

from app.factory import create_app
from core.db import db
from registry.accounts.models import User

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
    "--font-render-hinting=none",
]


def chromium() -> str | None:
    """The browser of this machine; Playwright's own downloads are not used."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.contextmanager
def started_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


def environment(instance: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    env.update(APP_INSTANCE=str(instance), APP_DEMO="1", APP_ENV="development", FLASK_APP="wsgi.py")
    return env


def tell_the_world(folder: Path) -> Path:
    """The instance folder with the demonstration world; the first to ask makes it, the others wait."""
    instance = folder / "demo"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "demo.told").exists():
            for words in (("db", "upgrade"), ("seed", "--world", "demo")):
                done = subprocess.run(
                    [sys.executable, "-m", "flask", *words],
                    cwd=ROOT, env=environment(instance), capture_output=True, text=True,
                )  # fmt: skip
                assert done.returncode == 0, done.stderr[-4000:]
            (folder / "demo.told").touch()
    return instance


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(instance: Path) -> Iterator[str]:
    """The product serves this instance; gives the address."""
    port = _free_port()
    command = (
        *("granian", "--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "4", "--log-level", "error", "wsgi:app"),
    )
    log = instance / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT, env=environment(instance), stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_for(base, server, log)
            yield base
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_for(base: str, server: subprocess.Popen[Any], log: Path) -> None:
    for _attempt in range(300):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{base}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


@dataclass
class Live:
    """A served world: its address, and the application beside it for cookies and addresses."""

    base: str
    app: Flask

    def cookie(self, login: str, language: str) -> str:
        """The session cookie of this person (``""``: nobody) reading ``zh`` or ``en``."""
        data: dict[str, Any] = {"locale": language, "_permanent": True}
        if login:
            with self.app.app_context():
                user = db.session.scalars(select(User).where(User.login == login)).one()
                data |= {"_user_id": user.get_id(), "_fresh": True}
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        return str(serializer.dumps(data))

    def context(
        self, browser: Browser, login: str, *, width: int, language: str, **options: Any
    ) -> BrowserContext:
        """A browser window of this person."""
        context = browser.new_context(
            viewport={"width": width, "height": 900}, reduced_motion="reduce", **options
        )
        context.add_cookies([{"name": "session", "value": self.cookie(login, language), "url": self.base}])
        return context


@contextlib.contextmanager
def live(instance: Path) -> Iterator[Live]:
    with served(instance) as base:
        app = create_app(
            {
                "INSTANCE": instance,
                "SQLALCHEMY_DATABASE_URI": f"sqlite:///{instance / 'shanzhi.db'}",
                "SECRET_KEY": (instance / "keys" / "session.key").read_text(),
                "APP_DEMO": True,
            }
        )
        yield Live(base, app)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
