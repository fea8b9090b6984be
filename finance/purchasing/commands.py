"""``flask purchasing``: the 30% duty on the command line."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import transaction
from core.money import percent_against
from finance.contracts.imports import read_purchases
from finance.contracts.queries import concluded, paid_differences
from finance.figures.queries import differences, figures, levels_with_rows
from finance.figures.services import recompute
from finance.purchasing.services import import_purchases, note_paid
from registry.agencies.rules import DivisionError

cli = AppGroup("purchasing", help="Purchased services and the 30% rule.")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_command(file: Path) -> None:
    """Import a purchase table (CSV or XLSX). A file with mistakes imports nothing and lists them."""
    result = read_purchases(file, file.name)
    if result.errors:
        for error in result.errors:
            click.echo(error.sentence().english(), err=True)
        click.echo(f"nothing imported: {len(result.errors)} mistake(s)", err=True)
        sys.exit(1)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        with transaction():
            batch = import_purchases(result.rows, file_name=file.name, sha256=digest, by=SYSTEM)
            rows, replaced = batch.rows, batch.replaced
    except Refusal as refusal:
        click.echo(refusal.sentence.english(), err=True)
        sys.exit(1)
    click.echo(f"{rows} row(s) imported, {replaced} of them corrections")


@cli.command("ratio")
@click.option("--division", required=True, help="Division code, 6, 9 or 12 digits.")
@click.option("--year", required=True, type=click.IntRange(1995, 2100))
@click.option("--json", "as_json", is_flag=True, help="Exact fractions, for machines.")
def ratio_command(division: str, year: int, as_json: bool) -> None:
    """The four 30% figures of a level and year."""
    try:
        result = figures(division, year, exact=True)
    except DivisionError as error:
        raise click.ClickException(error.message.english()) from error
    if as_json:
        click.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
        return
    for name, figure in result.figures.items():
        click.echo(f"{name}: {percent_against(figure.ratio, figure.threshold)} {figure.status}")


@cli.command("recompute")
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing: compare what is kept with every row; exit 1 if they differ.",
)
@click.option("--year", type=click.IntRange(1995, 2101), help="One year only.")
def recompute_command(check: bool, year: int | None) -> None:
    """Make the kept 30% figures anew from every row, or prove that they are what the rows give."""
    work = [(division, one) for division, one in levels_with_rows() if year in (None, one)]
    if not check:
        with transaction():
            note_paid([item.commitment_id for item in concluded() if item.commitment_id], by=SYSTEM)
        for division, one in work:
            with transaction():
                recompute([division], one)
        click.echo(f"{len(work)} figure(s) made anew")
        return
    wrong = 0
    for division, one in work:
        for sentence in differences(division, one):
            wrong += 1
            click.echo(f"{division} {one} {sentence}", err=True)
    for row, one, kept, posted in paid_differences():
        if year in (None, one):
            wrong += 1
            click.echo(f"{row.contract_no} {one} paid: kept {kept}, posted {posted}", err=True)
    click.echo(f"{len(work)} level(s) and year(s) compared, {wrong} difference(s)")
    sys.exit(1 if wrong else 0)
