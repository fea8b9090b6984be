"""``flask alerts find``: the daily look at the money, now."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from finance.alerts.jobs import look_at_money

cli = AppGroup("alerts", help="Fund alerts.")


@cli.command("find")
def find_command() -> None:
    """Open a case for everything that the rooms find wrong with money."""
    click.echo(f"{look_at_money()} alerts were opened.")
