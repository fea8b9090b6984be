"""The command line: the first administrator, and checking a credit code."""

from __future__ import annotations

import pytest

from core.db import db
from registry.accounts.models import User
from registry.accounts.services import password_fits
from registry.agencies.models import Agency
from tests import world

PASSWORD = "a first phrase for the office"


def test_the_first_administrator_in_an_empty_world(bare_app):
    result = bare_app.test_cli_runner().invoke(
        args=[
            "accounts", "create-admin", "first.admin", "--name", "示例首任", "--agency", "示例县民政局",
            "--division", "150621", "--role", "system_admin", "--password-stdin",
        ],
        input=PASSWORD + "\n",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with bare_app.app_context():
        user = world.user("first.admin")
        made = db.session.query(Agency).filter_by(name="示例县民政局").one()
        assert made.path == f"/{made.id}/"
        assert user.may("account.manage", agency_id=made.id)
        assert password_fits(user, PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "password", "reason"),
    [
        (["--agency", "示例没有"], PASSWORD, "--division"),
        (["--agency", "示例市民政局"], "short", "at least 12 characters"),
        (["--agency", "示例没有", "--division", "159999"], PASSWORD, "159999"),
    ],
)
def test_a_refused_administrator_leaves_nothing(bare_app, arguments, password, reason):
    result = bare_app.test_cli_runner().invoke(
        args=[
            "accounts",
            "create-admin",
            "x",
            "--role",
            "audit_admin",
            "--name",
            "示例",
            *arguments,
            "--password-stdin",
        ],
        input=password + "\n",
    )
    assert result.exit_code == 1
    assert reason in result.output
    with bare_app.app_context():
        assert db.session.query(User).count() == len(world.PERSONAS)
        assert db.session.query(Agency).count() == len(world.AGENCIES)


def test_check_code_says_yes_or_why_not(bare_app):
    runner = bare_app.test_cli_runner()
    good = runner.invoke(args=["registry", "check-code", world.credit_code("52", "150602", 5)])
    assert good.exit_code == 0
    bad = runner.invoke(args=["registry", "check-code", "52150602MJ00000"])
    assert bad.exit_code == 1
    assert "18 characters" in bad.output
    assert len(bad.output.strip().splitlines()) == 1
