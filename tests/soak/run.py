"""``python3 run.py soak NAME [options]``: a long campaign."""

from __future__ import annotations

import sys

from tests.soak import crawl, fuzz, kills, r30, races

CAMPAIGNS = {
    "crawl": crawl.main,
    "finance": kills.main,
    "fuzz": fuzz.main,
    "r30": r30.main,
    "races": races.main,
}


def main(words: list[str]) -> int:
    if not words or words[0] not in CAMPAIGNS:
        print(f"which campaign? There are {', '.join(CAMPAIGNS)}.")
        return 2
    return CAMPAIGNS[words[0]](words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
