"""Scenes of tables of facts: one taken, one ready to be looked at with rows that cannot be, one of filed bodies."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.demo.stage import TEXTS, Stage
from app.demo.story import on
from core import clock
from core.db import db
from registry.agencies.models import Agency
from registry.factsheets.imports import read_facts
from registry.factsheets.services import take_facts
from registry.organizations.models import Organization

WORDS = TEXTS["facts"]


def tell_facts(stage: Stage) -> None:
    """Opens its own transactions."""
    today = clock.today()
    year = today.year - 1
    clerk, city = stage.people["clerk"], stage.agencies["city"]
    bodies = db.session.scalars(
        select(Organization)
        .where(Organization.agency_id == city.id, Organization.register_class == "registered", Organization.credit_code.is_not(None))
        .order_by(Organization.id)
        .limit(6)
    ).all()  # fmt: skip
    header = [WORDS["header"][0], WORDS["header"][1], WORDS["header"][2] % (year - 3)]
    with on(today - timedelta(days=20)):
        rows = [[body.name, body.credit_code, WORDS["results"][n % 2]] for n, body in enumerate(bodies)]
        number = read_facts(_table(header, rows), WORDS["taken"], agency=city, by=clerk).id
    with clock.at(clock.at_local(today - timedelta(days=20), 11)):
        take_facts(number, by=clerk)
    with on(today - timedelta(days=1)):
        header = [
            WORDS["header"][0],
            WORDS["header"][1],
            WORDS["header"][2] % (year - 2),
            *WORDS["header"][3:],
        ]
        rows = [
            [body.name, body.credit_code, "", year - 4, 5 + n, n, 1 + n % 3, "", ""]
            for n, body in enumerate(bodies[:4])
        ]
        rows += [
            [WORDS["nobody"], "", WORDS["results"][0], "", "", "", "", "", ""],
            [bodies[4].name, bodies[4].credit_code, WORDS["results"][3], "", "", "", "", "", ""],
        ]
        read_facts(_table(header, rows), WORDS["file"], agency=city, by=clerk)
        _filed(stage)


def _filed(stage: Stage) -> None:
    who = stage.people["east_clerk"]
    body = db.session.scalars(
        select(Organization).where(Organization.register_class == "filed").order_by(Organization.id)
    ).first()
    if body is None:
        return
    row = [body.name, WORDS["founding"], 36, WORDS["activity"]]
    agency = db.session.get_one(Agency, body.agency_id)
    read_facts(_table(WORDS["filed_header"], [row]), WORDS["filed"], agency=agency, by=who)


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))
