"""Freezing, reviewing and publishing a year's figure; exceptions by two people; the look at each quarter."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal, require_distinct
from core.audit.services import Actor, record
from core.db import db
from core.files.models import StoredFile
from core.files.services import store
from core.lifecycle import fire
from core.money import percent_against
from core.text import N_, Message
from finance.contracts.rules import R30_SOURCES
from finance.figures.queries import Reading, figures
from finance.purchasing.services import override_contractor, withdraw_override
from finance.ratios.lifecycle import SEPARATION
from finance.ratios.models import OverrideProposal, RatioSnapshot, RatioWatch
from finance.ratios.queries import (
    accepted_reasons,
    agency_freezing,
    figures_as_of,
    frozen_content,
    levels_to_watch,
    next_version,
    override_of,
    planned_purchases,
    rows_of_year,
)
from finance.ratios.rules import as_csv, canonical, digest, projected, quarter_on
from registry.agencies.models import Agency
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


# Exceptions ------------------------------------------------------------------------------------


def propose_override(
    agency: Agency, *, code: str, contractor: str, counts: bool | None, reason: str, by: Any
) -> OverrideProposal:
    """Wish that a contractor counts otherwise than its code says at the unit's level; ``None``: no longer.

    Raises :class:`Refusal` when there is nothing to end, or the same wish waits already.
    """
    if not by.may("ratio.prepare", agency_id=agency.id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    division = normalise_division(agency.division_code)
    if counts is None and override_of(division, code) is None:
        raise Refusal(Message(N_("There is no exception for this contractor at your level that could end.")))
    waiting = db.session.scalar(
        select(OverrideProposal.id).where(
            OverrideProposal.division_code == division,
            OverrideProposal.contractor_code == code,
            OverrideProposal.state == "proposed",
        )
    )
    if waiting is not None:
        raise Refusal(Message(N_("A proposal about this contractor waits already.")), status=409)
    proposal = OverrideProposal(
        agency_id=agency.id,
        division_code=division,
        contractor_code=code,
        contractor=contractor,
        counts=counts,
        reason=reason,
        proposed_by=by.actor_id,
        proposed_at=clock.now(),
    )
    db.session.add(proposal)
    record(proposal, "proposed", by=by, details={"code": code, "counts": counts})
    return proposal


def decide_override(proposal: OverrideProposal, *, confirmed: bool, by: Any) -> None:
    """A second person confirms or refuses; only then the figure changes, from this year on."""
    if not by.may("ratio.review", agency_id=proposal.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    require_distinct(
        {"proposed": proposal.proposed_by, "decided": by.actor_id}, rule="RAP-2", source=SEPARATION
    )
    if proposal.state != "proposed":
        raise Refusal(Message(N_("This proposal is decided already.")), status=409)
    proposal.state = "confirmed" if confirmed else "refused"
    proposal.decided_by, proposal.decided_at = by.actor_id, clock.now()
    record(proposal, proposal.state, by=by)
    if not confirmed:
        return
    if proposal.counts is not None:
        override_contractor(
            proposal.division_code,
            proposal.contractor_code,
            contractor=proposal.contractor,
            counts=proposal.counts,
            reason=proposal.reason,
            by=by,
        )
        return
    present = override_of(proposal.division_code, proposal.contractor_code)
    if present is not None:
        withdraw_override(present, by=by)


# Early warning ---------------------------------------------------------------------------------


def look_at_level(division: str, on: date) -> RatioWatch:
    """Note where a level stands in the quarter of ``on``: met, below, or heading below (``foreseen``)."""
    quarter = quarter_on(on)
    found = figures_as_of(Reading(division, [on.year]), on.year, on=None, quarter=quarter)
    figure = found.figures["own"]
    status = str(figure.status)
    if status != "below":
        planned = sum(item.free.fen for item in planned_purchases(division, on.year, rollup=False))
        foreseen = projected(figure.added_total_fen, figure.added_so_fen, planned)
        if planned and foreseen is not None and foreseen < figure.threshold:
            status = "foreseen"
    row = db.session.scalar(
        select(RatioWatch).where(
            RatioWatch.division_code == division,
            RatioWatch.fiscal_year == on.year,
            RatioWatch.quarter == quarter,
        )
    )
    if row is None:
        row = RatioWatch(division_code=division, fiscal_year=on.year, quarter=quarter)
        db.session.add(row)
    row.status, row.shown = status, percent_against(figure.ratio, figure.threshold)
    row.gap_fen, row.looked_at = figure.gap_fen.__ceil__(), clock.now()
    db.session.flush()
    return row


def look_at_quarter(on: date | None = None) -> int:
    """Look at every level that has a unit here and purchases; how many."""
    day = on or clock.today()
    divisions = levels_to_watch(day.year)
    for division in divisions:
        look_at_level(division, day)
    return len(divisions)
