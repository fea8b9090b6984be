"""Worlds to measure: the demonstration world with many applications, on either database.

They are made once and kept under ``build/bench``; delete the folder to make them anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"


def flask(instance: Path, url: str, *arguments: str) -> None:
    environment = os.environ | {"APP_INSTANCE": str(instance), "DATABASE_URL": url, "FLASK_APP": "wsgi.py"}
    environment.pop("APP_DEMO", None)
    done = subprocess.run(
        [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(arguments)}: {done.stderr[-4000:]}")


def demo() -> Path:
    """The demonstration world on SQLite."""
    folder = BUILD / "demo"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        url = sqlite_url(folder)
        flask(folder, url, "db", "upgrade")
        flask(folder, url, "seed", "--world", "demo")
        (folder / "done").touch()
    return folder


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'shanzhi.db'}"


def world(engine: str, applications: int) -> tuple[Path, str]:
    """Instance folder and database address of a world with so many applications."""
    folder = BUILD / f"{engine}-{applications}"
    if engine == "sqlite":
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(demo(), folder)
            (folder / "done").unlink()
            flask(folder, sqlite_url(folder), "seed", "--world", "bench", "--applications", str(applications))
            (folder / "done").touch()
        return folder, sqlite_url(folder)
    # The test server forgets its databases; the way there is a backup of the demonstration.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = postgres.fresh_database(f"bench_{applications}")
    saved = BUILD / "demo.zip"
    if not saved.exists():
        flask(demo(), sqlite_url(demo()), "backup", str(saved))
    flask(folder, url, "db", "upgrade")
    flask(folder, url, "restore", str(saved))
    flask(folder, url, "seed", "--world", "bench", "--applications", str(applications))
    return folder, url
