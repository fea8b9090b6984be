"""Every page, every role, wide and on a phone, in both languages: ``python3 run.py soak crawl [--each N]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.e2e import live as world
from tests.e2e import walk


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py soak crawl", description=__doc__)
    parser.add_argument(
        "--each", type=int, default=2, help="addresses of one kind for each person (default 2)"
    )
    parser.add_argument("--instance", type=Path, help="an instance folder with the demonstration world")
    options = parser.parse_args(words)
    if world.chromium() is None:
        print("no Chromium on this machine (Debian: apt install chromium)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        instance = options.instance or world.tell_the_world(Path(folder))
        with world.live(instance) as live, world.started_browser() as browser:
            found = walk.find_all(live, each=options.each)
            endpoints = {place.endpoint for place in found.pages}
            print(f"{len(found.pages)} pages of {len(endpoints)} kinds", flush=True)
            wrong = len(found.wrong)
            print(*found.wrong, sep="\n")
            speech = walk.Language(live.app)
            for width in (1280, 390):
                for language in ("zh", "en"):
                    for item in walk.walk(
                        live, browser, found.pages, width=width, language=language, speech=speech
                    ):
                        wrong += 1
                        print(item, flush=True)
    print(f"{wrong} things wrong on {4 * len(found.pages)} pages looked at")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
