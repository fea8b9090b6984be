"""Freezing, reviewing and publishing a year's figure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.files.services import store
from core.lifecycle import fire
from core.text import N_, Message
from finance.contracts.rules import R30_SOURCES
from finance.figures.queries import figures
from finance.snapshots.models import RatioSnapshot
from finance.snapshots.queries import (
    accepted_reasons,
    agency_freezing,
    frozen_content,
    next_version,
    rows_of_year,
)
from finance.snapshots.rules import as_csv, canonical, digest
from registry.agencies.rules import normalise_division

LEAST_REASON = 20


def freeze(
    division: str,
    year: int,
    *,
    by: Any,
    reason: str = "",
    reason_text: str = "",
    reason_file: StoredFile | None = None,
) -> RatioSnapshot:
    """Freeze the figure of a closed year with its rows, rules and continuations; somebody else reviews it.

    Below the threshold a reason with its text and a paper is asked for. Raises :class:`Refusal`.
    """
    code = normalise_division(division)
    agency = agency_freezing(by, code)
    if agency is None:
        raise Refusal(
            Message(N_("The figure of a level is frozen by the finance clerk of a unit of that level.")),
            status=403,
        )
    _free_to_freeze(code, year)
    found = figures(code, year, exact=True)
    if found.empty:
        raise Refusal(
            Message(N_("There are no purchases of %(year)s to freeze. Import them first."), {"year": year})
        )
    below = found.figures["own"].status == "below"
    if below:
        _check_reason(accepted_reasons(code, year), reason, reason_text, reason_file)
    rows = rows_of_year(code, year)
    table, count = as_csv(rows), len(rows)
    version = next_version(code, year)
    content = frozen_content(found, version=version, rows=table, row_count=count)
    if below:
        content["justification"] = {"code": reason, "text": reason_text.strip()}
    text = canonical(content)
    snapshot = RatioSnapshot(
        agency_id=agency.id,
        division_code=code,
        fiscal_year=year,
        version=version,
        state="prepared",
        content=text,
        digest=digest(text),
        rows_file_id=_kept(table, code, year, version, by=by).id,
        below=below,
        reason=reason if below else "",
        reason_text=reason_text.strip() if below else "",
        reason_file_id=reason_file.id if below and reason_file else None,
        prepared_by=by.actor_id,
        prepared_at=clock.now(),
    )
    db.session.add(snapshot)
    record(snapshot, "frozen", by=by, details={"digest": snapshot.digest, "rows": count})
    return snapshot


def _free_to_freeze(division: str, year: int) -> None:
    if year >= clock.today().year:
        raise Refusal(
            Message(N_("%(year)s is not over: a year is frozen when it is closed."), {"year": year}),
            rule="R30",
            source=R30_SOURCES["fiscal_year"],
        )
    waiting = db.session.scalar(
        select(RatioSnapshot.id).where(
            RatioSnapshot.division_code == division,
            RatioSnapshot.fiscal_year == year,
            RatioSnapshot.state.in_(("prepared", "reviewed")),
        )
    )
    if waiting is not None:
        raise Refusal(
            Message(N_("A frozen figure of this year is waiting already. Withdraw it before you freeze another.")),
            status=409,
        )  # fmt: skip


def _check_reason(accepted: Mapping[str, str], reason: str, text: str, file: StoredFile | None) -> None:
    if reason not in accepted or len(text.strip()) < LEAST_REASON:
        raise Refusal(
            Message(
                N_(
                    "The figure lies below the threshold. Choose the reason and write at least %(least)s characters: which contracts, what was done, what follows next year."
                ),
                {"least": LEAST_REASON},
            ),
            rule="R30",
            source=R30_SOURCES["threshold"],
        )
    if file is None:
        raise Refusal(
            Message(N_("Attach the paper that shows the reason: a decision, minutes or a market survey.")),
            rule="R30",
            source=R30_SOURCES["threshold"],
        )


def _kept(table: bytes, division: str, year: int, version: int, *, by: Actor) -> StoredFile:
    """The table packed, always to the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as pack:
        entry = zipfile.ZipInfo("rows.csv", (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        pack.writestr(entry, table)
    stream.seek(0)
    return store(stream, f"R30-{division}-{year}-v{version}.zip", by=by, max_bytes=None)


def take_step(snapshot: RatioSnapshot, step: str, *, by: Any, note: str = "") -> None:
    """``review``, ``publish`` or ``withdraw``."""
    fire(snapshot, step, by=by, note=note)
