"""Wrong input for every route, long: ``python3 run.py soak fuzz [--seed N] [--rounds N] [--engine NAME]``."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.app.told import copy_on
from tests.conftest import dispose
from tests.e2e.live import tell_the_world
from tests.fuzz.attack import Campaign, open_world


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py soak fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rounds", type=int, default=60, help="shots at each route (default 60)")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        copy = copy_on(options.engine, tell_the_world(Path(folder)), instance)
        url = copy.config["SQLALCHEMY_DATABASE_URI"]
        dispose(copy)
        campaign = Campaign(open_world(instance, url), options.seed)
        broken = 0
        for item in campaign.run(options.rounds):
            broken += 1
            print(item, end="\n\n", flush=True)
        campaign.close()
    print(
        f"seed {options.seed}: {campaign.shots} requests, {broken} broke something, answers {campaign.answers}"
    )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
