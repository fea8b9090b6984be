"""A restored instance shows what the old one showed: every page and file, on and across both databases."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from core import clock
from core.access.doors import doors
from core.audit.queries import verify as verify_audit
from finance.ledger.queries import verify as verify_ledger
from tests import postgres
from tests.app.test_strangers import addresses, answer, client_of, last_ids
from tests.app.told import copy_on, demo, url_of
from tests.conftest import ENGINES, MIGRATIONS, dispose, make_app

VIEWERS = ("clerk", "finance", "op01")


def restored(target: str, file: Path, folder: Path) -> Flask:
    """A new machine with what the backup holds."""
    folder.mkdir()
    app = make_app(
        url_of(folder) if target == "sqlite" else postgres.fresh_database(f"pages_{folder.parent.name}"),
        folder,
    )
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    result = app.test_cli_runner().invoke(args=["restore", str(file)])
    assert result.exit_code == 0, result.output
    with app.app_context():
        assert verify_ledger() == [] and verify_audit() == []
    return app


def test_every_page_is_as_it_was(tmp_path, tmp_path_factory):
    old = copy_on("sqlite", demo(tmp_path_factory), tmp_path / "old")
    file = tmp_path / "backup.zip"
    result = old.test_cli_runner().invoke(args=["backup", str(file)])
    assert result.exit_code == 0, result.output
    new = {target: restored(target, file, tmp_path / target) for target in ENGINES}
    lasts = last_ids(old)
    assert all(lasts == last_ids(app) for app in new.values())
    seen, differing = 0, []
    shown: set[str] = set()
    with clock.at(clock.now()):
        for login in VIEWERS:
            before, after = (
                client_of(old, login),
                {target: client_of(app, login) for target, app in new.items()},
            )
            for door in doors(old):
                if "GET" not in door.methods:
                    continue
                for path in addresses(door, lasts, {}):
                    # The rows are the same for whoever reads them: what one viewer saw is compared once.
                    if path in shown:
                        continue
                    one = answer(before, path)
                    seen += one[0] == 200
                    if one[0] == 200:
                        shown.add(path)
                    for target, client in after.items():
                        other = answer(client, path)
                        if one != other:
                            differing.append((target, login, path, one[0], other[0]))
    assert differing == []
    assert seen > 100
    for app in (old, *new.values()):
        dispose(app)
