"""flask documents …"""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from core.documents.fonts import ensure_fonts

cli = AppGroup("documents", help="Printed documents.")


@cli.command("fonts")
def fonts() -> None:
    """Write the font subsets of printed documents into the instance folder."""
    for path in ensure_fonts(Path(current_app.instance_path)):
        click.echo(f"{path.name}  {path.stat().st_size // 1024} KiB")
