"""``flask registry check-identity``: whether an identity number can be right."""

from __future__ import annotations

import sys

import click

from registry.persons.rules import IdentityError, check_identity
from registry.proof.commands import cli

__all__ = ["cli"]


@cli.command("check-identity")
@click.argument("number")
def check_identity_command(number: str) -> None:
    """Check an identity NUMBER (GB 11643); exit 1 with the reason when it cannot be right. It is not kept."""
    try:
        identity = check_identity(number)
    except IdentityError as error:
        click.echo(str(error))
        sys.exit(1)
    click.echo(f"{identity.masked} ok: division {identity.division}, born {identity.born_on.isoformat()}")
