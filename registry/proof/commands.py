"""``flask registry``: the register on the command line; other rooms add their commands to the group."""

from __future__ import annotations

import sys
from itertools import islice

import click
from flask.cli import AppGroup

from registry.proof.queries import checks

cli = AppGroup("registry", help="The register of organizations and people.")

SHOWN = 20


@cli.command("check")
@click.option("--all", "everything", is_flag=True, help=f"Name every broken row, not only {SHOWN} of a kind.")
def check_command(everything: bool) -> None:
    """Name every invariant of the register that is broken, with its rows; exit 1 when there is one."""
    broken = 0
    for check in checks():
        sentences = check.broken()
        shown = 0
        for sentence in sentences if everything else islice(sentences, SHOWN):
            shown += 1
            click.echo(f"{check.name}: {sentence.english()}")
        more = sum(1 for _ in sentences)
        if more:
            click.echo(f"{check.name}: and {more} more")
        broken += shown + more
    if broken:
        click.echo(f"{broken} broken")
        sys.exit(1)
    click.echo(f"{len(checks())} invariants hold")
