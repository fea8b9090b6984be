"""Who signs hosting agreements and payments out of hosted money."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal, require_distinct
from core.db import db
from core.text import N_, Message
from finance.commitments.models import Commitment
from finance.disbursements.models import Disbursement
from finance.disbursements.policy import SEPARATION, ask_before_return, ask_who_stands_back
from finance.hosting import rules
from finance.hosting.models import HostedReceipt, Hosting, Outflow
from finance.hosting.queries import host_of, tied_to


def require(
    user: Any, permission: str, *, agency: int | None = None, organization: int | None = None
) -> None:
    if not user.may(permission, agency_id=agency, organization_id=organization):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)


def require_no_tie(user: Any, hosting: Hosting) -> None:
    """An officer of the unit who also works for the host, or is tied to either body, stands back."""
    for organization in (hosting.host, hosting.hosted):
        if tied_to(user, organization.id):
            raise Refusal(
                Message(
                    N_("%(name)s works for or is tied to “%(organization)s” and takes no part for the unit."),
                    {"name": user.name, "organization": organization.name},
                ),
                rule="RFH-8",
                source=rules.SOURCE_TIES,
                whose_turn=Message(N_("another person holding the same role")),
                status=403,
            )


def host_officer(user: Any, commitment: Commitment) -> Refusal | None:
    """RFH-8: who works for the host of a commitment takes no step of its payments."""
    host = host_of(commitment.organization_id, commitment.id, clock.today())
    if host is None or not tied_to(user, host.id):
        return None
    return Refusal(
        Message(
            N_("%(name)s works for or is tied to “%(organization)s” and takes no part for the unit."),
            {"name": user.name, "organization": host.name},
        ),
        rule="RFH-8",
        source=rules.SOURCE_TIES,
        whose_turn=Message(N_("another person holding the same role")),
        status=403,
    )


ask_who_stands_back("hosting", host_officer)


def guard_sign_hosted(hosting: Hosting, *, by: Any) -> None:
    require(by, "hosting.sign_own", organization=hosting.hosted_id)


def guard_sign_host(hosting: Hosting, *, by: Any) -> None:
    require(by, "hosting.sign_own", organization=hosting.host_id)
    require_distinct({"hosted": hosting.hosted_signed_by, "host": by.id}, rule="RAP-2", source=SEPARATION)


def guard_sign_funder(hosting: Hosting, *, by: Any) -> None:
    require_distinct(
        {
            "drafted": hosting.drafted_by,
            "hosted": hosting.hosted_signed_by,
            "host": hosting.host_signed_by,
            "funder": by.id,
        },
        rule="RAP-2",
        source=SEPARATION,
    )
    require_no_tie(by, hosting)


def guard_sign_outflow(outflow: Outflow, *, by: Any) -> None:
    """First signature: the hosted body's leader."""
    require(by, "hosting.sign_own", organization=outflow.project.hosting.hosted_id)


def guard_countersign(outflow: Outflow, *, by: Any) -> None:
    """Second signature: the host's finance, another person."""
    require(by, "hosting.keep", organization=outflow.project.hosting.host_id)
    require_distinct({"hosted": outflow.hosted_signed_by, "host": by.id}, rule="RFH-4", source=SEPARATION)


def guard_receive(outflow: Outflow, *, by: Any) -> None:
    """The funder's finance confirms what was given back."""
    require(by, "hosting.confirm", agency=outflow.project.hosting.agency_id)
    require_no_tie(by, outflow.project.hosting)


def may_refuse(user: Any, outflow: Outflow) -> bool:
    """Either side may say no before both have signed."""
    hosting = outflow.project.hosting
    return bool(
        user.may("hosting.sign_own", organization_id=hosting.hosted_id)
        or user.may("hosting.keep", organization_id=hosting.host_id)
    )


def may_request(user: Any, hosting: Hosting, kind: str) -> bool:
    """Spending is asked for by the hosted body; fee and giving back by the host's finance too."""
    if kind != "fee" and user.may("hosting.request", organization_id=hosting.hosted_id):
        return True
    return kind != "spent" and bool(user.may("hosting.keep", organization_id=hosting.host_id))


def _not_once_taken(disbursement: Disbursement) -> Refusal | None:
    """Money in a hosted project's books comes back by a payment of the host, not by the bank's return."""
    taken = db.session.scalar(
        select(HostedReceipt.id).where(HostedReceipt.disbursement_id == disbursement.id)
    )
    if taken is None:
        return None
    return Refusal(
        Message(N_("The host has this payment in its books: it gives the money back from there.")),
        rule="RFH-4",
        source=rules.SOURCE_APART,
        status=409,
    )


ask_before_return("hosting", _not_once_taken)
