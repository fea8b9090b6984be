"""A browser for the tests that need one: skipped loudly on a laptop without, a failure where CI=true."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.app.told import demo, of_the_run
from tests.e2e import live as world
from tests.e2e import walk


@pytest.fixture(scope="session")
def need_browser() -> None:
    if world.chromium() is None:
        told = (
            "no Chromium on this machine: nothing was looked at in a browser (Debian: apt install chromium)"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


@pytest.fixture(scope="session")
def chromium(need_browser: None) -> Iterator[Browser]:
    with world.started_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def walked(live: world.Live, tmp_path_factory: pytest.TempPathFactory) -> walk.Findings:
    """Where the people of this world are led; walked once for the whole run, whoever asks first."""
    kept = of_the_run(tmp_path_factory) / "walked.json"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(walk.find_all(live, each=1, share=1).written(), encoding="utf-8")
        return walk.Findings.read(kept.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def live(need_browser: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.Live]:
    instance = tmp_path_factory.mktemp("live") / "instance"
    shutil.copytree(demo(tmp_path_factory), instance)
    with world.live(instance) as shown:
        yield shown
