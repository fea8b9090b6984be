"""A restored instance shows what the old one showed: every page and file, on and across both databases."""

from __future__ import annotations

import pytest
from flask_migrate import upgrade

from core import clock
from core.access.doors import doors
from core.audit.queries import verify as verify_audit
from finance.ledger.queries import verify as verify_ledger
from tests import postgres
from tests.app.test_strangers import addresses, answer, client_of, last_ids
from tests.app.told import copy_on, demo, url_of
from tests.conftest import MIGRATIONS, dispose, make_app

VIEWERS = ("clerk", "finance", "op01")


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_every_page_is_as_it_was(target, tmp_path, tmp_path_factory):
    old = copy_on("sqlite", demo(tmp_path_factory), tmp_path / "old")
    file = tmp_path / "backup.zip"
    result = old.test_cli_runner().invoke(args=["backup", str(file)])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "new"
    folder.mkdir()
    new = make_app(
        url_of(folder) if target == "sqlite" else postgres.fresh_database(f"pages_{tmp_path.name}"), folder
    )
    with new.app_context():
        upgrade(directory=str(MIGRATIONS))
    result = new.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 0, result.output
    with new.app_context():
        assert verify_ledger() == [] and verify_audit() == []
    lasts = last_ids(old)
    assert lasts == last_ids(new)
    seen, differing = 0, []
    shown: set[str] = set()
    with clock.at(clock.now()):
        for login in VIEWERS:
            before, after = client_of(old, login), client_of(new, login)
            for door in doors(old):
                if "GET" not in door.methods:
                    continue
                for path in addresses(door, lasts, {}):
                    # The rows are the same for whoever reads them: what one viewer saw is compared once.
                    if path in shown:
                        continue
                    one, other = answer(before, path), answer(after, path)
                    seen += one[0] == 200
                    if one[0] == 200:
                        shown.add(path)
                    if one != other:
                        differing.append((login, path, one[0], other[0]))
    assert differing == []
    assert seen > 100
    dispose(old)
    dispose(new)
