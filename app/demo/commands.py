"""``flask seed``: worlds to look at and to measure."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from app.demo.bench import seed_bench
from app.demo.services import is_seeded, seed_demo
from core.audit.queries import verify as verify_audit
from finance.ledger.queries import verify as verify_ledger


@click.command("seed")
@click.option("--world", type=click.Choice(["demo", "bench"]), required=True)
@click.option(
    "--applications", type=click.IntRange(1, 2_000_000), default=20_000, help="Size of the bench world."
)
@with_appcontext
def seed_command(world: str, applications: int) -> None:
    """Fill the database with a fictional world; does nothing where it is there already."""
    if current_app.config["APP_ENV"] == "production":
        raise click.ClickException("fictional worlds are refused in production")
    if is_seeded():
        click.echo("the demonstration world is there already")
    else:
        seed_demo()
        click.echo("the demonstration world is told")
    if world == "bench":
        click.echo(f"{seed_bench(applications)} applications")
    breaks = [*verify_ledger(), *verify_audit()]
    for item in breaks:
        click.echo(str(item), err=True)
    if breaks:
        sys.exit(1)


cli = seed_command
