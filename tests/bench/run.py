"""``python3 run.py bench [name …]``: ratios, each measured in one run on one machine."""

from __future__ import annotations

import logging
import sys

from tests.bench import documents, exports, money, pages, ratio, register


def finance() -> int:
    """The 30% figure, and money: posting and exporting."""
    return ratio.run() + money.run()


CAMPAIGNS = {
    "pages": pages.run,
    "export": exports.run,
    "documents": documents.run,
    "finance": finance,
    "registry": register.run,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(CAMPAIGNS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CAMPAIGNS)}")
        return 2
    # Worlds are made on the way: what their migrations tell is no part of the table of figures.
    logging.disable(logging.INFO)
    missed = sum(CAMPAIGNS[name]() for name in names or CAMPAIGNS)
    print(f"\n{missed} limit(s) missed" if missed else "\nevery limit holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
