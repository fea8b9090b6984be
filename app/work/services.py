"""Asking for exports, and the views that people save of their lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, select

from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.jobs.models import Job
from core.jobs.services import queue
from core.text import N_, Message
from core.web.models import SavedView
from core.web.tables import LISTINGS, Listing, chosen_columns

VIEWS_PER_LIST = 12


def listing_for(user: Any, name: str) -> Listing | None:
    """The list of that name when the user's roles include it."""
    listing = LISTINGS.get(name)
    if listing is None or not any(user.may_somewhere(item) for item in listing.permissions):
        return None
    return listing


def ask_for_export(
    listing: Listing,
    query: str,
    *,
    locale: str,
    by: Any,
    columns: Sequence[int] = (),
    form: str = "xlsx",
) -> Job:
    """Queue the export of a list with the filters of ``query`` (a query string); it is on record.

    ``columns`` are places in the list's table, none of them means all; ``form`` is xlsx or csv.
    """
    args = listing.kept(dict(parse_qsl(query)))
    job = queue(
        listing.job_kind,
        {"args": args, "locale": locale, "columns": list(columns), "form": form},
        by=by,
        title=Message(N_("Export: %(list)s"), {"list": Message(listing.title)}),
    )
    details: dict[str, Any] = {"list": listing.name, "filters": args}
    if columns:
        details["columns"] = [column.label for column in chosen_columns(listing, columns)]
    record(job, "export_asked", by=by, details=details)
    return job


def save_view(listing: Listing, name: str, query: str, *, by: Any) -> SavedView:
    """Keep the filters of ``query`` under a name; the same name again replaces them."""
    kept = urlencode(listing.kept(dict(parse_qsl(query))))
    mine = (SavedView.user_id == by.id, SavedView.listing == listing.name)
    view = db.session.scalar(select(SavedView).where(*mine, SavedView.name == name))
    if view is None:
        if (db.session.scalar(select(func.count()).where(*mine)) or 0) >= VIEWS_PER_LIST:
            raise Refusal(
                Message(
                    N_("A list keeps at most %(count)s views: delete one first."), {"count": VIEWS_PER_LIST}
                )
            )
        view = SavedView(user_id=by.id, listing=listing.name, name=name)
        db.session.add(view)
    view.query = kept
    db.session.flush()
    return view


def delete_view(view: SavedView) -> None:
    db.session.delete(view)
