"""``python3 run.py soak NAME [options]``: a long campaign."""

from __future__ import annotations

import sys

from tests.soak import crawl, fuzz, r30

CAMPAIGNS = {"crawl": crawl.main, "fuzz": fuzz.main, "r30": r30.main}


def main(words: list[str]) -> int:
    if not words or words[0] not in CAMPAIGNS:
        print(f"which campaign? There are {', '.join(CAMPAIGNS)}.")
        return 2
    return CAMPAIGNS[words[0]](words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
