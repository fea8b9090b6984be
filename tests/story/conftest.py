"""The days of the stories: a year whose holidays are known, so that every date can be told by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from webtest import TestApp

from core import clock
from core.db import db, transaction
from registry.accounts.models import RoleAssignment
from registry.interests.models import Interest
from registry.organizations.models import Grade, Inspection, PartyFacts
from tests.story.desk import Desk

BEGIN = date(2025, 1, 6)


@pytest.fixture
def desk(bare_app: Flask, browser_as: Callable[[str], TestApp]) -> Iterator[Desk]:
    with bare_app.app_context(), transaction():
        _move_the_world()
    with time_machine.travel(clock.at_local(BEGIN, 9)) as traveller:
        yield Desk(bare_app, browser_as, traveller)


def _move_the_world() -> None:
    """The world is built around today; the stories begin on :data:`BEGIN`."""
    shift = BEGIN - clock.today()
    for model, names in (
        (RoleAssignment, ("valid_from", "valid_to")),
        (Grade, ("valid_from", "valid_to")),
        (PartyFacts, ("commitment_on",)),
        (Interest, ("since", "until")),
    ):
        for row in db.session.scalars(select(model)):
            for name in names:
                if getattr(row, name) is not None:
                    setattr(row, name, getattr(row, name) + shift)
    bodies = set()
    for inspection in db.session.scalars(select(Inspection)).all():
        bodies.add(inspection.organization_id)
        db.session.delete(inspection)
    db.session.flush()
    for body in sorted(bodies):
        for year in range(BEGIN.year - 3, BEGIN.year):
            db.session.add(Inspection(organization_id=body, year=year, result="qualified"))
