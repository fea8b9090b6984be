"""``flask funds``: funds on the command line; the rooms above add theirs to the group."""

from __future__ import annotations

from flask.cli import AppGroup

cli = AppGroup("funds", help="Fund sources and the welfare lottery.")
