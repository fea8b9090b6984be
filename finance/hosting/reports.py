"""The printed tripartite agreement."""

from __future__ import annotations

from typing import Any

from core.audit.queries import entries_of
from core.db import db
from finance.disbursements.queries import names_of
from finance.hosting.models import Hosting
from finance.hosting.queries import rules_of
from registry.agencies.models import Agency

# The audit events of the three signatures, in their order, with the place each fills.
SIGNATURES = (
    ("hosted", "signed by the hosted body", "hosted_signed_by"),
    ("host", "signed by the host", "host_signed_by"),
    ("funder", "signed by the funder", "funder_signed_by"),
)


def document_facts(hosting: Hosting) -> dict[str, Any]:
    """The context of templates/hosting/document.html."""
    agency = db.session.get_one(Agency, hosting.agency_id)
    names = names_of({hosting.hosted_signed_by, hosting.host_signed_by, hosting.funder_signed_by})
    times = {entry.event: entry.at for entry in entries_of(hosting, newest_first=False)}
    return {
        "hosting": hosting,
        "agency": agency,
        "projects": [item.commitment for item in hosting.projects],
        "report_day": rules_of(agency.id, hosting.starts_on)["report_day"],
        "signatures": {
            place: (names.get(getattr(hosting, column) or 0, ""), times.get(event))
            for place, event, column in SIGNATURES
        },
    }
