"""A browser for the tests that need one: skipped loudly on a laptop without, a failure where CI=true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.app.told import demo
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
    instance = tmp_path_factory.mktemp("live") / "instance"
    shutil.copytree(demo(tmp_path_factory), instance)
    with world.live(instance) as shown:
        yield shown
