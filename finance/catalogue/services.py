"""Writing the guiding catalogue."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import or_, select

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message
from finance.catalogue.models import CatalogueItem
from registry.agencies.rules import normalise_division


def add_item(
    *,
    division_code: str,
    code: str,
    name: str,
    public_service: bool,
    valid_from: date,
    valid_to: date | None = None,
    by: Actor,
) -> CatalogueItem:
    """An item from a day on. The same code again ends the item before it on the eve of that day."""
    division_code, code = normalise_division(division_code), code.strip()
    if valid_to is not None and valid_to < valid_from:
        raise Refusal(Message(N_("The last day lies before the first day.")))
    standing = db.session.scalar(
        select(CatalogueItem)
        .where(
            CatalogueItem.division_code == division_code,
            CatalogueItem.code == code,
            or_(CatalogueItem.valid_to.is_(None), CatalogueItem.valid_to >= valid_from),
        )
        .order_by(CatalogueItem.valid_from.desc())
        .limit(1)
    )
    if standing is not None:
        if standing.valid_from >= valid_from:
            raise Refusal(
                Message(
                    N_("Item %(code)s already holds from %(day)s on. Choose a later first day."),
                    {"code": code, "day": standing.valid_from},
                ),
                status=409,
            )
        standing.valid_to = valid_from - timedelta(days=1)
        record(standing, "ended", by=by, details={"on": standing.valid_to})
    item = CatalogueItem(
        division_code=division_code,
        code=code,
        name=name.strip(),
        public_service=public_service,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    db.session.add(item)
    db.session.flush()
    record(item, "added", by=by, details={"code": code, "name": item.name, "public_service": public_service})
    return item
