"""The gate: a GET cannot write, a form is consumed once, a refused form stays usable."""

from __future__ import annotations

from flask import Flask

from core.db import WriteOutsideTransaction, db, transaction
from registry.persons.models import Person


def test_health_answers_without_an_account(client_as):
    assert client_as("").get("/healthz").json == {"status": "ok"}


def test_a_write_outside_a_transaction_is_refused(app: Flask):
    db.session.add(Person(name="示例无人"))
    try:
        db.session.flush()
    except WriteOutsideTransaction as error:
        assert "Person" in str(error)
    else:
        raise AssertionError("a stray write went through")


def test_a_failed_transaction_leaves_nothing(app: Flask):
    try:
        with transaction() as session:
            session.add(Person(name="示例半途"))
            session.flush()
            raise ValueError("stop")
    except ValueError:
        pass
    assert db.session.query(Person).filter_by(name="示例半途").count() == 0
