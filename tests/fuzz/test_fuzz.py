"""A short share of the campaign; the long one is ``python3 run.py soak fuzz``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.told import copy_on, demo
from tests.conftest import dispose
from tests.fuzz.attack import Campaign, open_world


# Uploads that break off leave their temporary files to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("engine", "seed"), [("sqlite", 1), ("postgresql", 2)])
def test_wrong_input_breaks_nothing(
    engine: str, seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = copy_on(engine, demo(tmp_path_factory), tmp_path / "instance")
    url = copy.config["SQLALCHEMY_DATABASE_URI"]
    dispose(copy)
    campaign = Campaign(open_world(tmp_path / "instance", url), seed)
    broken = list(campaign.run(rounds=1))
    campaign.close()
    assert campaign.shots > 500
    assert set(campaign.answers) >= {200, 303, 404, 422}, campaign.answers
    assert not broken, "\n\n".join(broken[:20])
