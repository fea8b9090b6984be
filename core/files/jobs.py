"""The quarantine of uploads, and the sweep of bytes that nobody names; core.web gives them to the worker."""

from __future__ import annotations

import logging
import re
import subprocess
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from core import clock
from core.audit.services import SYSTEM, record
from core.db import db, transaction
from core.files.models import StoredFile
from core.files.services import file_path, file_root, scanner

log = logging.getLogger(__name__)


def check_uploads() -> int:
    """Let the scanner look at what waits in quarantine; how many were decided.

    The command gets the path as its last word. Exit code 0 is clean, 1 is a finding (the convention of
    clamscan); anything else decides nothing and is tried again.
    """
    command = scanner()
    waiting = (
        select(StoredFile.id, StoredFile.sha256)
        .where(StoredFile.state == "uploaded")
        .order_by(StoredFile.id)
        .limit(20)
    )
    rows = db.session.execute(waiting).all()
    db.session.rollback()
    decided = 0
    for number, sha256 in rows:
        verdict = _scan(command, file_path(sha256)) if command else ""
        if verdict is None:
            continue
        with transaction() as session:
            row = session.get_one(StoredFile, number)
            row.state, row.verdict = ("blocked", verdict[:200]) if verdict else ("checked", "")
            record(row, row.state, by=SYSTEM, details={"sha256": sha256, "verdict": verdict[:200]})
        decided += 1
    return decided


def _scan(command: list[str], path: Path) -> str | None:
    """What the scanner found, empty for nothing, ``None`` when it could not say."""
    try:
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired):
        log.exception("the file scanner did not run")
        return None
    if done.returncode == 0:
        return ""
    if done.returncode != 1:
        log.error("the file scanner failed: %s", done.stderr[:500])
        return None
    return (done.stdout.strip().splitlines() or ["found something"])[0].replace(str(path), "").strip(
        ": "
    ) or "found"


def sweep_orphans(*, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove bytes that no row names: drafts of broken uploads, uploads rolled back, forgotten results.

    Young files are left alone: their row may not be committed yet.
    """
    before = clock.now().timestamp() - older_than.total_seconds()
    removed = 0
    for path in file_root().rglob("*"):
        if not path.is_file() or path.stat().st_mtime >= before:
            continue
        if re.fullmatch(r"[0-9a-f]{64}", path.name):
            named = select(StoredFile.id).where(StoredFile.sha256 == path.name).limit(1)
            if db.session.scalar(named) is not None:
                continue
            # Asked again under the lock of a writing transaction, so that nobody names it in between.
            with transaction() as session:
                if session.scalar(named) is not None or path.stat().st_mtime >= before:
                    continue
                path.unlink(missing_ok=True)
        elif path.parent == file_root() and path.name.startswith("tmp"):
            path.unlink(missing_ok=True)
        else:
            continue
        removed += 1
    return removed
