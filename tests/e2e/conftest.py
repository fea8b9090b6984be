"""A browser for the tests that need one: skipped loudly on a laptop without, a failure where CI=true."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e import live as world


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
def live(need_browser: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.Live]:
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with world.live(world.tell_the_world(folder)) as shown:
        yield shown
