"""``flask funds check-notice``: published notices on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from finance.announcements.imports import read_notices
from finance.announcements.rules import check_notices, notices_to_dict
from finance.funds.commands import cli


@cli.command("check-notice")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Every check, for machines.")
def check_notice_command(file: Path, as_json: bool) -> None:
    """Check published tables of lottery-fund use: parts against items, totals against parts, percentages."""
    result = read_notices(file, file.name)
    if result.errors:
        for error in result.errors:
            click.echo(error.sentence().english(), err=True)
        sys.exit(1)
    notices = check_notices(result.rows)
    if as_json:
        click.echo(json.dumps(notices_to_dict(notices), ensure_ascii=False, indent=1))
        return
    for notice in notices:
        click.echo(f"{notice.title} ({notice.fiscal_year}, {notice.fund_tier})")
        for check in notice.checks:
            shown = check.to_dict()
            click.echo(f"  {shown['verdict']:<13}{shown['name']}: {shown['expected']} / {shown['found']}")
