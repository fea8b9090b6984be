"""``flask registry check``: it names each planted break and exits 1, and 0 where all is well."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.text import N_
from registry.organizations.models import Organization
from registry.proof import queries


@pytest.fixture
def one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A register of checks with room for the test's own."""
    monkeypatch.setattr(queries, "_checks", {})


def test_nothing_broken_exits_0(bare_app, one_check):
    queries.add_check("none", N_("%(id)s"), lambda: select(Organization.id).where(Organization.id < 0))
    result = bare_app.test_cli_runner().invoke(args=["registry", "check"])
    assert (result.exit_code, result.output) == (0, "1 invariants hold\n")


def test_each_broken_row_is_named_up_to_a_number_and_counted(bare_app, one_check):
    queries.add_check("wrong", N_("%(name)s is wrong"), lambda: [{"name": f"row {n}"} for n in range(1, 24)])
    result = bare_app.test_cli_runner().invoke(args=["registry", "check"])
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "wrong: row 1 is wrong"
    assert lines[-2:] == ["wrong: and 3 more", "23 broken"]
    everything = bare_app.test_cli_runner().invoke(args=["registry", "check", "--all"]).output.splitlines()
    assert everything[-2] == "wrong: row 23 is wrong"


def test_two_checks_of_one_name_are_refused(one_check):
    queries.add_check("same", "%(id)s", list)
    with pytest.raises(ValueError, match="two checks"):
        queries.add_check("same", "%(id)s", list)
