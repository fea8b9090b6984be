"""The notice as it is printed and put up."""

from __future__ import annotations

from typing import Any

from core import clock
from core.money import Money
from grants.notices.models import Notice


def document_facts(notice: Notice) -> dict[str, Any]:
    """The context of templates/notices/document.html: what the public page tells, nobody's objection."""
    return {
        "notice": notice,
        "call": notice.call,
        "agency": notice.call.agency,
        "source": notice.call.earmark.budget.fund_source,
        "total": sum((item.amount for item in notice.items), Money(0)),
        "ended": clock.today() > notice.ends_on,
        "upheld": sum(item.state == "upheld" for item in notice.objections),
    }
