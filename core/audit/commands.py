"""``flask audit``: proof on the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from core.audit.chains import Seals, read_seals, rotate_key, seal_all, seal_folder, unsealed_heads
from core.audit.queries import verify

cli = AppGroup("audit", help="The audit trail.")


@cli.command("verify")
def verify_command() -> None:
    """Check every audit chain against its hashes and seals; exit 1 and name the breaks."""
    seals = read_seals()
    breaks = verify(seals)
    for item in breaks:
        click.echo(str(item))
    _tell_seals(seals)
    if breaks:
        click.echo(f"{len(breaks)} break(s)")
        sys.exit(1)
    click.echo("audit trail: every chain holds")


def _tell_seals(seals: Seals) -> None:
    """What the seals cover; a chain longer than its seals is no break, but somebody should look."""
    click.echo(f"newest seal: {seals.newest or 'none'}; a cut after it shows only in a copy of the seals")
    if longer := unsealed_heads(seals):
        chain, key, seq, _digest = longer[0]
        click.echo(
            f"{len(longer)} chain(s) longer than their newest seal (first: {chain} {key} #{seq}): a process died"
            " between commit and seal, or seal lines are gone; compare with a copy, then run: flask audit seal"
        )


@cli.command("seal")
def seal_command() -> None:
    """Seal the newest row of every chain; at go-live and after a restore. Refused while a chain is broken."""
    seals = read_seals()
    if breaks := verify(seals):
        for item in breaks:
            click.echo(str(item), err=True)
        raise click.ClickException("nothing is sealed: these chains do not hold")
    click.echo(f"{seal_all()} chain(s) sealed in {seal_folder()}; copy this folder to another machine")


@cli.command("rotate-key")
def rotate_key_command() -> None:
    """Write everything from now on under a new key; what is there keeps verifying under the old one."""
    click.echo(f"key {rotate_key()} is in use; restart the servers and back up the key folder")
