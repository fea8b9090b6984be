"""``flask accounts``: the first administrators, from the command line."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from core.access.policy import ADMINISTRATORS, ROLES, Refusal
from core.audit.services import SYSTEM
from core.db import transaction
from registry.accounts.services import create_user, grant_role
from registry.agencies.queries import agency_by_name
from registry.agencies.services import create_agency
from registry.persons.services import record_person

cli = AppGroup("accounts", help="Accounts and roles.")


@cli.command("create-admin")
@click.argument("login")
@click.option(
    "--role",
    type=click.Choice(sorted(ADMINISTRATORS)),
    required=True,
    help="Opens accounts (system), says what they may do (security) or reads the trail (audit).",
)
@click.option("--name", required=True, help="Name of the person.")
@click.option("--agency", required=True, help="Name of the unit; made as a root when it is not there yet.")
@click.option("--division", default="", help="Division code of a unit that is not there yet.")
@click.option("--kind", default="civil_affairs_bureau", show_default=True, help="Kind of a new unit.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_admin(
    login: str, role: str, name: str, agency: str, division: str, kind: str, password_stdin: bool
) -> None:
    """Open an account LOGIN for one of the three administrators of a unit and everything below it."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with transaction():
            unit = agency_by_name(agency)
            if unit is None:
                if not division:
                    raise click.ClickException(
                        f"There is no unit “{agency}”: give --division CODE to make it, or the name of one."
                    )
                unit = create_agency(agency, kind, division, by=SYSTEM)
            person = record_person(name, by=SYSTEM)
            user = create_user(person, login, password, agency=unit, by=SYSTEM)
            grant_role(user, role, agency=unit, by=SYSTEM)
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence.english()) from refusal
    click.echo(f"{login} is {ROLES[role].label} of {agency}")
