"""Scenes of imported lists: one taken, one to be compared, one that cannot be read."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from app.demo.stage import TEXTS, Stage, credit_code
from core import clock
from core.db import transaction
from registry.intake.imports import read_import
from registry.intake.services import open_import, take_import
from registry.keys.jobs import sort_in

WORDS = TEXTS["intake"]


def tell_intake(stage: Stage) -> None:
    """Opens its own transactions: a table is read in steps."""
    now = clock.now()
    rows = [
        [
            name,
            credit_code("52", "150602", 700 + n),
            WORDS["kind"],
            WORDS["division"],
            "2021-03-0" + str(1 + n % 9),
        ]
        for n, name in enumerate(WORDS["names"])
    ]
    with clock.at(now - timedelta(days=20)):
        first = _read(stage, WORDS["first_file"], rows)
        with transaction():
            take_import(first, by=stage.people["clerk"])
    sort_in()
    changed = [
        [name + WORDS["renamed"] if n < 3 else name, *rest] for n, (name, *rest) in enumerate(rows[:8])
    ]
    wrong = [
        [WORDS["names"][0], rows[0][1][:-1] + ("0" if rows[0][1][-1] != "0" else "1"), *rows[0][2:]],
        [WORDS["names"][1], credit_code("52", "150602", 790), WORDS["kind"], WORDS["nowhere"], "2021-03-01"],
    ]
    new = [WORDS["new"], credit_code("52", "150602", 791), WORDS["kind"], "150602", WORDS["day"]]
    with clock.at(now - timedelta(days=2)):
        _read(stage, WORDS["second_file"], [*changed, *wrong, new])
        _read(stage, WORDS["third_file"], [], header=WORDS["other_header"])


def _read(stage: Stage, name: str, rows: list[list[str]], header: list[str] | None = None) -> int:
    stream = io.StringIO()
    csv.writer(stream).writerows([header or WORDS["header"], *rows])
    with transaction():
        number = open_import(
            io.BytesIO(stream.getvalue().encode()),
            name,
            agency=stage.agencies["city"],
            by=stage.people["clerk"],
        ).id
    read_import(number)
    return number
