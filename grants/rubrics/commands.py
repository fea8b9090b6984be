"""Commands on rubrics."""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import select

from core.audit.services import SYSTEM
from core.db import db, transaction
from grants.rubrics.services import create_standard_rubrics
from registry.agencies.models import Agency

cli = AppGroup("rubrics", help="Rubrics: how applications and projects are judged.")


@cli.command("standard")
@click.option("--agency", "name", required=True, help="Full name of the agency.")
def standard(name: str) -> None:
    """Give an agency the standard rubrics A, B and C; those it has are kept."""
    with transaction():
        agency = db.session.scalar(select(Agency).where(Agency.name == name))
        if agency is None:
            raise click.ClickException(f"There is no agency named “{name}”.")
        for family, rubric in create_standard_rubrics(agency, by=SYSTEM).items():
            click.echo(f"{family}\t{rubric.id}\t{rubric.name}")
