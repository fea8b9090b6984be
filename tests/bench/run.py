"""``python3 run.py bench [name …]``: ratios, each measured in one run on one machine."""

from __future__ import annotations

import logging
import sys

from tests.bench import documents, exports, intake, money, pages, ratio, register


def finance() -> int:
    """The 30% figure, and money: posting and exporting."""
    return ratio.run() + money.run()


def registry() -> int:
    """The register at a million organizations: lists brought in, and its pages."""
    return intake.run() + register.run()


CAMPAIGNS = {
    "pages": pages.run,
    "export": exports.run,
    "documents": documents.run,
    "finance": finance,
    "registry": registry,
    "intake": intake.run,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(CAMPAIGNS)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CAMPAIGNS)}")
        return 2
    # Worlds are made on the way: what their migrations tell is no part of the table of figures.
    logging.disable(logging.INFO)
    # Lists brought in are a part of the register's campaign; alone they take a fifth of its time.
    missed = sum(CAMPAIGNS[name]() for name in names or CAMPAIGNS if names or name != "intake")
    print(f"\n{missed} limit(s) missed" if missed else "\nevery limit holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
