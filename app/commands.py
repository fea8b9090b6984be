"""Commands for the whole instance."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.backup import BackupError, backup, restore


def _keys_beside(file: Path, keys: Path | None) -> Path:
    return keys or file.with_name(file.name + ".keys")


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--keys", type=click.Path(dir_okay=False, path_type=Path), help="Where the keys go; default FILE.keys."
)
@with_appcontext
def backup_command(file: Path, keys: Path | None) -> None:
    """Write database, files and seals to FILE, the keys apart. People may go on working."""
    target = _keys_beside(file, keys)
    try:
        backup(file, target, say=click.echo)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"written: {file}; keep the keys elsewhere: {target}")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keys", type=click.Path(dir_okay=False, path_type=Path), help="The keys; default FILE.keys.")
@with_appcontext
def restore_command(file: Path, keys: Path | None) -> None:
    """Take FILE into an empty, migrated instance and verify every chain and every balance."""
    source = _keys_beside(file, keys)
    if not source.exists():
        raise click.ClickException(f"the keys are missing: {source}")
    try:
        restore(file, source, say=click.echo)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo("restored; every chain holds and every balance is the sum of its postings")


clis = [backup_command, restore_command]
