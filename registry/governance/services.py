"""Writing terms, posts and checks of candidates."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.clock import add_months
from core.db import db
from core.rules.queries import parameters
from core.text import N_, Message
from registry.governance.models import (
    BODIES,
    LEADERS,
    OFFICIALS,
    POSTS,
    SUPERVISORS,
    CandidateCheck,
    Post,
    Term,
)
from registry.governance.rules import COUNCIL, OFFICIAL, SUPERVISION
from registry.interests.models import Interest
from registry.interests.services import declare_interest, end_interest
from registry.organizations.models import Organization
from registry.organizations.rules import ROR_DEFAULTS
from registry.organizations.services import keep_changes
from registry.persons.models import Person


def record_term(
    organization: Organization, body: str, number: int, starts_on: date, ends_on: date, *, by: Actor
) -> Term:
    """Note a term of the council or of the supervisors; the charters allow five years at most."""
    if body not in BODIES:
        raise ValueError(f"unknown body {body}")
    if number < 1:
        raise Refusal(Message(N_("The first term has the number 1.")))
    if ends_on <= starts_on:
        raise Refusal(Message(N_("It ends before it begins: check both days.")))
    years = int(
        parameters("ROR", ROR_DEFAULTS, on=starts_on, jurisdiction=organization.agency.division_code)[
            "term_years"
        ]
    )
    if ends_on > add_months(starts_on, 12 * years):
        raise Refusal(
            Message(N_("A term lasts at most %(years)s years: check both days."), {"years": years}),
            rule="RGV-1",
            source=COUNCIL,
        )
    same = select(Term.id).where(
        Term.organization_id == organization.id, Term.body == body, Term.number == number
    )
    if db.session.scalar(same) is not None:
        raise Refusal(Message(N_("This term is noted already.")), status=409)
    term = Term(
        organization_id=organization.id, body=body, number=number, starts_on=starts_on, ends_on=ends_on
    )
    db.session.add(term)
    db.session.flush()
    record(
        organization,
        "term_recorded",
        by=by,
        details={"body": body, "number": number, "from": starts_on.isoformat(), "to": ends_on.isoformat()},
    )
    return term


def appoint(
    organization: Organization,
    person: Person,
    post: str,
    *,
    since: date,
    term: Term | None = None,
    birth_year: int | None = None,
    official: str = "none",
    approved_by: str = "",
    approval_document: str = "",
    approved_on: date | None = None,
    by: Actor,
) -> Post:
    """Note who holds a post. It is an interest of the person from that day on.

    An official needs an approval; a serving official never leads a foundation; a supervisor holds no
    other post.
    """
    if post not in POSTS or official not in OFFICIALS:
        raise ValueError(f"unknown post {post} or {official}")
    if since > clock.today():
        raise Refusal(Message(N_("The post begins today or earlier.")))
    if official != "none" and not (approval_document.strip() and approved_on):
        raise Refusal(
            Message(N_("An official needs an approval for the post: give its document and its day.")),
            rule="RGV-5",
            source=OFFICIAL,
        )
    if official == "serving" and organization.kind == "foundation" and post in LEADERS:
        raise Refusal(
            Message(N_("A serving official may not lead a foundation.")), rule="RGV-10", source=OFFICIAL
        )
    held = list(
        db.session.scalars(
            select(Post).where(
                Post.organization_id == organization.id, Post.person_id == person.id, Post.until.is_(None)
            )
        )
    )
    if any(item.post == post for item in held):
        raise Refusal(Message(N_("This person holds the post already.")), status=409)
    if any((item.post in SUPERVISORS) != (post in SUPERVISORS) for item in held):
        raise Refusal(
            Message(N_("A supervisor holds no other post in the organization: end one of the two first.")),
            rule="RGV-9",
            source=SUPERVISION,
        )
    if term is not None and term.organization_id != organization.id:
        raise ValueError("the term belongs to another organization")
    interest = declare_interest(person, organization, "governance", since, by=by)
    row = Post(
        organization_id=organization.id,
        person_id=person.id,
        term_id=term.id if term else None,
        post=post,
        birth_year=birth_year,
        official=official,
        approved_by=approved_by.strip(),
        approval_document=approval_document.strip(),
        approved_on=approved_on,
        since=since,
        interest_id=interest.id,
        recorded_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    keep_changes(
        organization, {f"post_{post}": [None, person.name]}, source="edit", evidence=approval_document, by=by
    )
    record(organization, "appointed", by=by, details={"post": post, "person": person.id, "note": person.name})
    return row


def end_post(row: Post, *, until: date, by: Actor) -> None:
    """Note the last day of a post; recusal still asks for the three years after it."""
    if row.until is not None:
        raise Refusal(Message(N_("This post has ended already.")), status=409)
    if not row.since <= until <= clock.today():
        raise Refusal(Message(N_("The last day lies between the first day and today.")))
    row.until = until
    if row.interest_id is not None:
        interest = db.session.get_one(Interest, row.interest_id)
        if interest.until is None:
            end_interest(interest, until, by=by)
    db.session.flush()
    keep_changes(row.organization, {f"post_{row.post}": [row.person.name, None]}, source="edit", by=by)
    record(row.organization, "post_ended", by=by, details={"post": row.post, "note": row.person.name})


# What is asked about a candidate, in the order of the form; each is answered yes (it is so) or no.
QUESTIONS = {
    "age_in_limit": N_("Age within the limit"),
    "terms_in_limit": N_("Terms within the limit"),
    "no_criminal_record": N_("No criminal record that bars from the post"),
    "no_dishonesty": N_("Not on a list of dishonest persons"),
    "no_other_body": N_("Not legal representative of another social organization"),
    "political_review": N_("Opinion of the party organization obtained"),
    "official_approved": N_("Approval obtained, or no official"),
}


def check_candidate(
    organization: Organization,
    person: Person,
    post: str,
    *,
    answers: dict[str, bool],
    checked_on: date,
    note: str = "",
    by: Actor,
) -> CandidateCheck:
    """Note the check of somebody who stands for a post; one “no” means that the person may not stand."""
    if post not in POSTS:
        raise ValueError(f"unknown post {post}")
    if checked_on > clock.today():
        raise Refusal(Message(N_("The day lies in the future.")))
    kept = {name: bool(answers.get(name)) for name in QUESTIONS}
    result = "passed" if all(kept.values()) else "failed"
    if result == "failed" and not note.strip():
        raise Refusal(Message(N_("Say why the person may not stand.")))
    row = CandidateCheck(
        organization_id=organization.id,
        person_id=person.id,
        post=post,
        result=result,
        answers=kept,
        note=note.strip(),
        checked_on=checked_on,
        checked_by=by.actor_id,
    )
    db.session.add(row)
    db.session.flush()
    record(
        organization,
        "candidate_checked",
        by=by,
        details={
            "post": post,
            "result": result,
            "answers": kept,
            "note": f"{person.name} {note.strip()}".strip(),
        },
    )
    return row
