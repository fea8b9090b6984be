"""Open data of the public pages."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select

from app.portal.queries import field_of, projects_of
from core.db import db
from core.web.words import say
from finance.disbursements.models import Disbursement
from finance.exports.reports import safe
from finance.funds.routes import purpose_words
from registry.credit.models import KINDS, CreditEntry

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


def credit_csv(query: Select[CreditEntry]) -> bytes:
    """One line an entry: organization, credit code, list, entered on (ISO), grounds, document, unit."""
    target = io.StringIO()
    lines = csv.writer(target)
    lines.writerow(
        [
            _("Organization"), _("Unified social credit code"), _("Credit list"), _("Entered on"), _("Grounds"),
            _("Document or decision"), _("Kept by"),
        ]
    )  # fmt: skip
    last = 0
    while rows := db.session.scalars(
        query.where(CreditEntry.id > last).order_by(CreditEntry.id).limit(CHUNK)
    ).all():
        for row in rows:
            body = row.organization
            cells = (
                body.name, body.credit_code, say(KINDS[row.kind]), row.entered_on.isoformat(), row.grounds,
                row.source, body.agency.name,
            )  # fmt: skip
            lines.writerow([safe(str(cell or "")) for cell in cells])
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
