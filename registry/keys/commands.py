"""``flask registry sort``, and what ``flask registry check`` asks of the keys."""

from __future__ import annotations

import click

from core.text import N_
from registry.keys.jobs import catch_up, sort_in
from registry.keys.reports import differing_entries, differing_postings, misplaced_entries
from registry.proof.commands import cli
from registry.proof.queries import add_check


@cli.command("sort")
def sort_command() -> None:
    """Sort in what came in bulk: search and sort keys of every organization that has none yet."""
    missing = catch_up()
    done = sort_in(lambda done, total: click.echo(f"\r{done:,} of about {total:,}", nl=False, err=True))
    click.echo(f"{done} sorted in, {missing} of them had come past the services")


add_check(
    "keys-of-organization",
    N_("%(name)s is found by other keys than its facts give (%(what)s)."),
    differing_entries,
)
add_check(
    "places-of-term",
    N_("Shelf %(shelf)s: the term %(term)s names other places than its entries have."),
    differing_postings,
)
add_check(
    "order-of-shelves", N_("%(name)s stands on a shelf that its key does not belong to."), misplaced_entries
)
