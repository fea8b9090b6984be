"""The public pages: each figure is the sum of the rows it opens to."""

from __future__ import annotations

import csv
import io
import re

import pytest
from sqlalchemy import select

from app.portal import reports
from core import clock
from core.db import db
from finance.disbursements.models import Disbursement
from projects.agreements.models import Agreement, Project
from projects.delivery.models import ServiceRecord
from tests.app.told import copy_on, demo
from tests.conftest import dispose


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shown(request, tmp_path_factory):
    """The demonstration world, read by nobody in particular."""
    app = copy_on(request.param, demo(tmp_path_factory), tmp_path_factory.mktemp("public") / "instance")
    yield app
    dispose(app)


def _rows(app):
    """Every public payment, counted by hand: (day, fen, field)."""
    with app.app_context():
        found = []
        for payment in db.session.scalars(select(Disbursement).where(Disbursement.state == "paid")):
            agreement = db.session.scalar(
                select(Agreement).where(Agreement.commitment_id == payment.commitment_id)
            )
            if (
                agreement is None
                or db.session.scalar(select(Project).where(Project.agreement_id == agreement.id)) is None
            ):
                continue
            field = agreement.application.category if agreement.application else agreement.earmark.purpose
            found.append((payment.paid_on, payment.amount.fen, field))
        return found


def _yuan(fen):
    return f"{fen // 100:,}.{fen % 100:02d}"


def test_the_overview_says_what_its_rows_say(shown):
    rows, year = _rows(shown), clock.today().year
    page = shown.test_client().get("/public/").text
    paid = sum(fen for day, fen, _field in rows if day.year == year)
    assert rows and _yuan(paid) in page
    with shown.app_context():
        served = sum(
            record.person_times
            for record in db.session.scalars(select(ServiceRecord))
            if record.held_on.year == year
        )
    assert f"{served:,}" in page


def test_payments_open_by_year_and_field_and_as_open_data(shown):
    rows, client = _rows(shown), shown.test_client()
    for year in {day.year for day, _fen, _field in rows}:
        for field in {field for _day, _fen, field in rows}:
            chosen = [fen for day, fen, own in rows if day.year == year and own == field]
            page = client.get(f"/public/payments?year={year}&field={field}").text
            if chosen:
                assert _yuan(sum(chosen)) in page
            table = client.get(f"/public/payments.csv?year={year}&field={field}").data.decode("utf-8-sig")
            lines = list(csv.reader(io.StringIO(table)))[1:]
            assert sorted(line[-1].replace(".", "") for line in lines) == sorted(f"{fen}" for fen in chosen)


def test_what_is_under_way_opens_to_as_many_projects(shown):
    client = shown.test_client()
    page = client.get("/public/").text
    told = int(re.search(r'view=under-way">(\d+)<', page)[1])
    rows = re.findall(
        r'<tr><th scope="row"><span class="sheet__main">', client.get("/public/projects?view=under-way").text
    )
    assert told == len(rows) > 0


def test_open_data_comes_in_parts_and_whole(shown, monkeypatch):
    whole = shown.test_client().get("/public/payments.csv").data
    monkeypatch.setattr(reports, "CHUNK", 2)
    assert shown.test_client().get("/public/payments.csv").data == whole
    assert whole.count(b"\n") == len(_rows(shown)) + 1


def test_an_unknown_filter_is_no_filter(shown):
    client = shown.test_client()
    whole = client.get("/public/payments").text
    strange = client.get("/public/payments?year=99999&field=nothing").text
    total = re.findall(r"<tfoot>.*?</tfoot>", whole, re.DOTALL)
    assert total and total == re.findall(r"<tfoot>.*?</tfoot>", strange, re.DOTALL)
