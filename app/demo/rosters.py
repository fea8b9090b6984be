"""Scenes of lists of people: of social workers and of volunteers ready to be looked at, one taken, one not understood."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from app.demo.people import identity_number
from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from registry.rosters.imports import read_roster
from registry.rosters.models import Roster
from registry.rosters.services import take_roster

WORDS = TEXTS["rosters"]


def tell_rosters(stage: Stage) -> None:
    """Opens its own transactions."""
    today = clock.today()
    header = WORDS["workers_header"]
    body = stage.organizations[0].name
    with on(today - timedelta(days=40)):
        row = [WORDS["taken"], identity_number("150602", date(1991, 7, 7), 310), "13700000310", body, WORDS["post"], WORDS["full_time"], WORDS["since"], WORDS["levels"][1], "SG2025310", WORDS["issued"], WORDS["valid"]]  # fmt: skip
        first = _read(stage, "workers", WORDS["taken_file"], header, [row])
        take_roster(first.id, by=stage.people["clerk"])
    with on(today - timedelta(days=1)):
        _workers(stage, header, body)
        _volunteers(stage)
        _read(
            stage, "volunteers", WORDS["other_file"], WORDS["other_header"],
            [[WORDS["volunteers"][0], "13600000320", clock.today().isoformat(), WORDS["consent"]]],
        )  # fmt: skip


def _workers(stage: Stage, header: list[str], body: str) -> None:
    """Two new ones, one with another post than on the register, one as it is, two that cannot be taken."""
    known = TEXTS["people"]["workers"]
    numbers = [identity_number("150602", date(1985 + n, 3, n), 100 + n) for n in (1, 2)]
    fresh = [identity_number("150602", date(1990 + n, 9, 9), 320 + n) for n in range(3)]
    rows = [
        [name, number, f"1370000032{n}", body, WORDS["post"], WORDS["full_time"], WORDS["since"], level, f"SG202632{n}", WORDS["issued"], WORDS["valid"]]
        for n, (name, number, level) in enumerate(zip(WORDS["workers"], fresh, WORDS["levels"], strict=True))
    ]  # fmt: skip
    rows += [[known[0], numbers[0], "", "", WORDS["post"]], [known[1], numbers[1]]]
    wrong = fresh[0][:-1] + ("0" if fresh[0][-1] != "0" else "1")
    rows.append([WORDS["workers"][0], wrong, "13700000329"])
    _read(stage, "workers", WORDS["workers_file"], header, rows)


def _volunteers(stage: Stage) -> None:
    """One with insurance and hours, one without, one without consent."""
    today = clock.today()
    year = today.year
    rows = []
    for n, name in enumerate(WORDS["volunteers"]):
        cover = [WORDS["insurer"], f"P2026-{n}", f"{year}-01-01", f"{year}-12-31", WORDS["hours"], f"{year - 1}-12-31"]  # fmt: skip
        consent = ["", ""] if n == 2 else [f"{year - 1}-05-04", WORDS["consent"]]
        identity = identity_number("150602", date(1995 + n, 5, 5), 330 + n)
        rows.append([name, identity, f"1360000033{n}", WORDS["skills"], *consent, *(cover if n == 0 else [])])
    _read(stage, "volunteers", WORDS["volunteers_file"], WORDS["volunteers_header"], rows)


def _read(stage: Stage, kind: str, name: str, header: list[str], rows: list[list[str]]) -> Roster:
    stream = io.StringIO()
    csv.writer(stream).writerows([header, *rows])
    return read_roster(
        io.BytesIO(stream.getvalue().encode()), name, agency=stage.agencies["city"], kind=kind,
        by=stage.people["clerk"],
    )  # fmt: skip
