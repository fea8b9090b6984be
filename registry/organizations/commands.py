"""``flask registry``: checks of the register on the command line."""

from __future__ import annotations

import sys

import click

from registry.organizations.rules import CodeError, check_credit_code
from registry.proof.commands import cli


@cli.command("check-code")
@click.argument("code")
def check_code(code: str) -> None:
    """Check a unified social credit CODE; exit 1 with the reason when it cannot be right."""
    try:
        checked = check_credit_code(code)
    except CodeError as error:
        click.echo(str(error))
        sys.exit(1)
    click.echo(f"{checked} ok: kind {checked.kind}, division {checked.division}")
