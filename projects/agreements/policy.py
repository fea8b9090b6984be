"""Who may take which step of an agreement, and why not."""

from __future__ import annotations

from typing import Any

from core import clock
from core.access.policy import Refusal, require_distinct
from core.text import N_, Message
from grants.notices.queries import open_objections
from projects.agreements.models import Agreement
from projects.agreements.queries import notice_of
from registry.interests.queries import conflict

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行） 第十五条"
REGISTERED_STATUS = "normal"


def require_permission(
    by: Any, permission: str, *, agency_id: int | None = None, organization_id: int | None = None
) -> None:
    """Refuse (403) unless the permission is held at this unit."""
    if not by.may(permission, agency_id=agency_id, organization_id=organization_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), rule="ACCESS", status=403)


def require_separate(people: dict[str, int | None]) -> None:
    """One record, different people (RAP-2)."""
    require_distinct(people, rule="RAP-2", source=SEPARATION)


def require_no_interest(by: Any, organization_id: int) -> None:
    """Refuse somebody tied to the organization by work, kinship or a declared interest."""
    if conflict(by.person_id, organization_id, on=clock.today()) is not None:
        raise Refusal(
            Message(
                N_(
                    "You have an interest in this organization within the last three years: somebody else must act."
                )
            ),
            rule="REX-2",
            source="政府采购法实施条例 第九条",
            status=403,
        )


def guard_legal_review(agreement: Agreement, *, by: Any) -> None:
    require_separate({"drafted": agreement.drafted_by, "legal": by.id})
    require_no_interest(by, agreement.organization_id)


def guard_finance_review(agreement: Agreement, *, by: Any) -> None:
    require_separate(
        {"drafted": agreement.drafted_by, "legal": agreement.legal_reviewed_by, "finance": by.id}
    )
    require_no_interest(by, agreement.organization_id)


def guard_send_back(agreement: Agreement, *, by: Any) -> None:
    if not any(
        by.may(permission, agency_id=agreement.agency_id)
        for permission in ("agreement.draft", "agreement.review", "agreement.review_money", "agreement.sign")
    ):
        require_permission(by, "agreement.draft", agency_id=agreement.agency_id)


def guard_sign(agreement: Agreement, *, by: Any) -> None:
    """Three others before, no score given, no interest, no open objection, notice over."""
    require_separate(
        {
            "drafted": agreement.drafted_by,
            "legal": agreement.legal_reviewed_by,
            "finance": agreement.finance_reviewed_by,
            "signed": by.id,
        }
    )
    require_no_interest(by, agreement.organization_id)
    application = agreement.application
    if application is None:
        return
    if by.person_id in (application.scored_by or []):
        raise Refusal(
            Message(N_("You scored this project: who scores neither decides nor signs.")),
            rule="REX-5",
            source="政府采购法 第六十一条",
            status=403,
        )
    if open_objections(application):
        raise Refusal(
            Message(
                N_(
                    "An objection to this project is open. The agreement can be signed when it has been answered."
                )
            ),
            rule="RPN-2",
            source="公示公告：公示期内异议未处理完毕的，不得签约",
            whose_turn=Message(N_("the office that answers the objection")),
            status=409,
        )
    notice = notice_of(application.id)
    if notice is None or notice.ends_on >= clock.today():
        raise Refusal(
            Message(
                N_("The public notice has not ended: its last day is %(day)s."),
                {"day": notice.ends_on if notice else "—"},
            ),
            rule="RPN-1",
            source="公示公告：公示期满无异议的，签订协议",
            status=409,
        )
    if application.state != "awarded":
        raise Refusal(
            Message(N_("This application is not awarded: conclude its notice first.")),
            rule="RPN-1",
            status=409,
        )
