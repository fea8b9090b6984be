"""Tables of purchases in each state: taken, with mistakes, waiting to be taken; and a service that goes on."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from core.db import db
from finance.purchasing.jobs import look_or_queue, take_or_queue
from finance.purchasing.services import open_import

PURCHASES = Path(__file__).parent / "purchases.csv"


def set_tables(stage: Stage) -> None:
    """The finance clerk uploads last year's township table, a faulty one, and one more to be taken."""
    with PURCHASES.open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    last = [row for row in rows if row["fiscal_year"] == str(clock.today().year - 1)][:4]
    this = [row for row in rows if row["fiscal_year"] == str(clock.today().year)][:4]
    with on(clock.today() - timedelta(days=12)):
        _upload(stage, TEXTS["tables"]["taken"], _renumbered(last, "B", key="-B"), take=True)
    with on(clock.today() - timedelta(days=4)):
        wrong = _renumbered(this, "C", key="-B")
        wrong[1]["amount_yuan"] = "-" + wrong[1]["amount_yuan"]
        wrong[2]["contractor_code"] = wrong[2]["contractor_code"][:-1] + "0"
        _upload(stage, TEXTS["tables"]["wrong"], wrong)
    with on(clock.today() - timedelta(days=3)):
        # The same services under other codes: they are proposed as going on.
        _upload(stage, TEXTS["tables"]["taken_next"], _renumbered(this, "D", key="-N"), take=True)
        _upload(stage, TEXTS["tables"]["waiting"], _renumbered(this, "E", key="-E"))


def _renumbered(rows: list[dict[str, str]], letter: str, *, key: str) -> list[dict[str, str]]:
    return [
        row | {"contract_no": f"{row['contract_no']}-{letter}", "service_key": f"{row['service_key']}{key}"}
        for row in rows
    ]


def _upload(stage: Stage, name: str, rows: list[dict[str, str]], *, take: bool = False) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    clerk = stage.people["finance"]
    batch = open_import(
        io.BytesIO(text.getvalue().encode("utf-8-sig")), name, agency=stage.agencies["city"], by=clerk
    )
    look_or_queue(batch, by=clerk)
    if take:
        db.session.flush()
        take_or_queue(batch, by=clerk)
