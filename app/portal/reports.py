"""Open data of the public pages."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select

from app.portal.queries import field_of, projects_of
from core.db import db
from finance.disbursements.models import Disbursement
from finance.exports.reports import safe
from finance.funds.routes import purpose_words

CHUNK = 1000


def payments_csv(query: Select[Disbursement]) -> bytes:
    """One line a payment: paid on (ISO), project number, project, organization, field, amount (yuan)."""
    target = io.StringIO()
    lines = csv.writer(target)
    lines.writerow(
        [_("Paid on"), _("Number"), _("Project"), _("Organization"), _("Field"), _("Amount (yuan)")]
    )
    last = 0
    # By key, a thousand at a time: anybody may ask for the whole table, however long it grows.
    while rows := db.session.scalars(
        query.where(Disbursement.id > last).order_by(Disbursement.id).limit(CHUNK)
    ).all():
        projects = projects_of(rows)
        for row in rows:
            lines.writerow([safe(str(cell)) for cell in _line(row, projects[row.commitment_id])])
        last = rows[-1].id
    return target.getvalue().encode("utf-8-sig")


def _line(row: Disbursement, project: Any) -> list[Any]:
    return [
        row.paid_on.isoformat() if row.paid_on else "",
        project.number,
        project.title,
        project.organization.name,
        purpose_words(field_of(project)),
        f"{row.amount.fen // 100}.{row.amount.fen % 100:02d}",
    ]
