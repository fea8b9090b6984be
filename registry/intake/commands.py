"""``flask registry import``: a list of organizations from the command line, of any length."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO, cast

import click

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.text import Message
from registry.agencies.queries import agency_by_name
from registry.intake.imports import read_import
from registry.intake.models import RegisterImport
from registry.intake.queries import problems_of
from registry.intake.services import open_import, take_import
from registry.proof.commands import cli

SHOWN = 20


@cli.command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--unit", help="Name of the unit that brings the list in; rows may name units under it.")
@click.option(
    "--resume", type=int, metavar="NUMBER", help="Go on with an import that was killed or only read."
)
@click.option("--take", is_flag=True, help="Take the rows that can be taken; without it they are only read.")
def import_command(file: Path | None, unit: str | None, resume: int | None, take: bool) -> None:
    """Read FILE (CSV of any length, or XLSX) and show what it would change; take it with --take.

    The rows of a table are taken in one transaction: all or none. Rows with mistakes are left out and named.
    """
    number = resume if resume is not None else _open(file, unit)
    batch = db.session.get(RegisterImport, number)
    if batch is None:
        raise click.ClickException(f"there is no import {number}")
    click.echo(f"import {number}: {batch.file_name}", err=True)
    began = time.perf_counter()
    try:
        read_import(number, step=_say)
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence.english()) from refusal
    batch = db.session.get_one(RegisterImport, number)
    _tell(batch)
    if batch.state == "wrong":
        sys.exit(1)
    if take and batch.state == "read":
        try:
            with transaction():
                batch = take_import(number, by=SYSTEM)
        except Refusal as refusal:
            raise click.ClickException(refusal.sentence.english()) from refusal
        rows = batch.new_rows + batch.changed_rows + batch.same_rows
        spent = time.perf_counter() - began
        click.echo(f"taken: {rows} rows in {spent:.1f} s, {rows / max(spent, 0.001):.0f} rows/s")


def _open(file: Path | None, unit: str | None) -> int:
    if file is None or not unit:
        raise click.UsageError("give FILE and --unit NAME, or --resume NUMBER")
    agency = agency_by_name(unit)
    if agency is None:
        raise click.ClickException(f"there is no unit “{unit}”")
    try:
        with file.open("rb") as stream, transaction():
            return open_import(cast(BinaryIO, stream), file.name, agency=agency, by=SYSTEM, max_bytes=None).id
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence.english()) from refusal


def _say(done: int, total: int) -> None:
    click.echo(f"\r{done:,} of about {total:,}", nl=False, err=True)


def _tell(batch: RegisterImport) -> None:
    for message in batch.refusals:
        click.echo(Message.from_dict(message).english())
    click.echo(
        f"new {batch.new_rows}, changed {batch.changed_rows}, the same {batch.same_rows}, left out {batch.wrong_rows}"
    )
    for problem in problems_of(batch, limit=SHOWN):
        for column, message in problem.reasons:
            click.echo(f"row {problem.number} {column}: {Message.from_dict(message).english()}")
