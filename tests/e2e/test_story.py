"""The life of a grant once more, in a browser: with its scripts, and with scripts switched off."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from core import clock
from core.db import transaction
from tests import world
from tests.conftest import _put_session
from tests.e2e.hands import Hands, Screen, desk_with
from tests.story.conftest import BEGIN, _move_the_world
from tests.story.desk import Desk
from tests.story.test_life_of_a_grant import test_the_life_of_a_grant as the_life_of_a_grant

pytestmark = pytest.mark.e2e


@pytest.fixture
def address(bare_app: Flask) -> Iterator[str]:
    # The story plays in another year than the browser: cookies end with its window.
    bare_app.session_interface.get_expiration_time = lambda app, session: None  # type: ignore[method-assign]
    server = make_server("127.0.0.1", 0, bare_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("script", [True, False], ids=["with-scripts", "without-scripts"])
def test_the_life_of_a_grant_in_a_browser(
    bare_app: Flask, address: str, chromium: Browser, script: bool
) -> None:
    def sign_in(person: Hands, login: str) -> None:
        with bare_app.app_context():
            token = world.user(login).get_id()
        _put_session(bare_app, person, token)

    with bare_app.app_context(), transaction():
        _move_the_world()
    with time_machine.travel(clock.at_local(BEGIN, 9)) as traveller:
        screen = Screen(chromium, address, traveller, script=script)
        desk: Desk = desk_with(screen, bare_app, sign_in, traveller)
        the_life_of_a_grant(desk)
        screen.context.close()
    assert len(screen.kinds) > 50
    # A refusal is an answer like another; the browser calls it an error of loading.
    assert not [text for text in screen.messages if "Failed to load resource" not in text], screen.messages
