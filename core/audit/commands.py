"""``flask audit``: proof on the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from core.audit.chains import rotate_key
from core.audit.queries import verify

cli = AppGroup("audit", help="The audit trail.")


@cli.command("verify")
def verify_command() -> None:
    """Check every audit chain against its hashes and seals; exit 1 and name the breaks."""
    breaks = verify()
    for item in breaks:
        click.echo(str(item))
    if breaks:
        click.echo(f"{len(breaks)} break(s)")
        sys.exit(1)
    click.echo("audit trail: every chain holds")


@cli.command("rotate-key")
def rotate_key_command() -> None:
    """Write everything from now on under a new key; what is there keeps verifying under the old one."""
    click.echo(f"key {rotate_key()} is in use; restart the servers and back up the key folder")
