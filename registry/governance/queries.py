"""Reading who leads an organization."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.rules.queries import parameters
from core.rules.rules import Finding
from core.text import N_
from registry.governance.models import CandidateCheck, Post, Term
from registry.governance.rules import Seat, governance_findings
from registry.organizations.models import Organization
from registry.organizations.queries import visible_organizations
from registry.organizations.rules import ROR_DEFAULTS
from registry.proof.queries import add_check


def posts_of(organization_id: int) -> list[Post]:
    """Everybody who held or holds a post, those in office first."""
    return list(
        db.session.scalars(
            select(Post)
            .where(Post.organization_id == organization_id)
            .options(joinedload(Post.person), joinedload(Post.term))
            .order_by(Post.until.isnot(None), Post.since.desc(), Post.id)
        )
    )


def terms_of(organization_id: int) -> list[Term]:
    return list(
        db.session.scalars(
            select(Term)
            .where(Term.organization_id == organization_id)
            .order_by(Term.starts_on.desc(), Term.body)
        )
    )


def checks_of(organization_id: int) -> list[CandidateCheck]:
    return list(
        db.session.scalars(
            select(CandidateCheck)
            .where(CandidateCheck.organization_id == organization_id)
            .options(joinedload(CandidateCheck.person))
            .order_by(CandidateCheck.checked_on.desc(), CandidateCheck.id.desc())
        )
    )


def heads_elsewhere(user: Any, organization: Organization) -> list[str]:
    """Other social organizations in the reader's scope with the same legal representative."""
    if organization.legal_representative_id is None:
        return []
    return list(
        db.session.scalars(
            visible_organizations(user)
            .with_only_columns(Organization.name)
            .where(
                Organization.legal_representative_id == organization.legal_representative_id,
                Organization.id != organization.id,
                Organization.kind.in_(("social_association", "social_service_agency", "foundation")),
                Organization.status.in_(("normal", "abnormal")),
            )
            .order_by(Organization.sort_key, Organization.id)
            .limit(5)
        )
    )


def findings_of(
    user: Any,
    organization: Organization,
    posts: list[Post],
    terms: list[Term],
    checks: list[CandidateCheck],
    *,
    on: date,
) -> list[Finding]:
    """What the rules say about the leaders in office on ``on``."""
    passed = {(check.person_id, check.post): check for check in checks if check.result == "passed"}
    seats = [
        Seat(
            person=post.person_id,
            name=post.person.name,
            post=post.post,
            term=post.term.number if post.term else None,
            since=post.since,
            until=post.until,
            birth_year=post.birth_year,
            official=post.official,
            approved=bool(post.approval_document and post.approved_on),
            checked=(post.person_id, post.post) in passed,
        )
        for post in posts
    ]
    return governance_findings(
        seats,
        [(term.body, term.number, term.starts_on, term.ends_on) for term in terms],
        kind=organization.kind,
        heads_elsewhere=heads_elsewhere(user, organization),
        parameters=parameters("ROR", ROR_DEFAULTS, on=on, jurisdiction=organization.agency.division_code),
        on=on,
    )


# What must hold ------------------------------------------------------------------------------------


def _official_without_approval() -> Select[Any]:
    return (
        select(Organization.name.label("name"))
        .join(Post, Post.organization_id == Organization.id)
        .where(Post.official != "none", (Post.approval_document == "") | Post.approved_on.is_(None))
    )


def _post_without_interest() -> Select[Any]:
    return (
        select(Organization.name.label("name"))
        .join(Post, Post.organization_id == Organization.id)
        .where(Post.until.is_(None), Post.interest_id.is_(None))
    )


add_check(
    "official-post",
    N_("%(name)s: an official holds a post that nobody approved."),
    _official_without_approval,
)
add_check("post-interest", N_("%(name)s: a post is no interest of who holds it."), _post_without_interest)
