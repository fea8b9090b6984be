"""``flask registry similar``: the pairs of similar names made anew."""

from __future__ import annotations

import click

from core.db import transaction
from registry.duplicates.services import fill_keys, find_all_pairs
from registry.proof.commands import cli


@cli.command("similar")
def similar_command() -> None:
    """Give every entry its bare name, and find the pairs of similar names anew."""
    filled = 0
    while True:
        with transaction():
            sounds = fill_keys()
        if not sounds:
            break
        filled += len(sounds)
        click.echo(f"{filled} different sounds read")
    with transaction():
        made = 0
        for made in find_all_pairs():
            click.echo(f"{made} pairs")
    click.echo(f"{made} pairs of similar names")
