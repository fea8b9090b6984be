"""A short share of the campaign; the long one is ``python3 run.py soak fuzz``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.live import tell_the_world
from tests.fuzz.attack import Campaign, open_world


# Uploads that break off leave their temporary files to the collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("seed", [1])
def test_wrong_input_breaks_nothing(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    instance = tmp_path / "instance"
    shutil.copytree(tell_the_world(folder), instance)
    campaign = Campaign(open_world(instance), seed)
    broken = list(campaign.run(rounds=2))
    campaign.close()
    assert campaign.shots > 500
    assert set(campaign.answers) >= {200, 303, 404, 422}, campaign.answers
    assert not broken, "\n\n".join(broken[:20])
