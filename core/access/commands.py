"""``flask access``: who may enter where."""

from __future__ import annotations

import csv
import sys

from flask import current_app
from flask.cli import AppGroup

from core.access.doors import matrix

cli = AppGroup("access", help="Roles and what they open.")


@cli.command("matrix")
def matrix_command() -> None:
    """Print endpoint × role as CSV; the reviewed copy is tests/data/access_matrix.csv."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    # The application itself, not its stand-in.
    writer.writerows(matrix(current_app._get_current_object()))  # type: ignore[attr-defined]
