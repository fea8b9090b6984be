"""``flask ledger``: proof on the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from finance.ledger.queries import verify

cli = AppGroup("ledger", help="The ledger.")


@cli.command("verify")
def verify_command() -> None:
    """Recompute everything from the postings; exit 1 and name the row or gap that does not hold."""
    breaks = verify()
    for item in breaks:
        click.echo(str(item))
    if breaks:
        click.echo(f"{len(breaks)} break(s)")
        sys.exit(1)
    click.echo("ledger: every chain holds, every transfer sums to zero")
