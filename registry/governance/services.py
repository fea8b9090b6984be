"""Writing terms, posts and checks of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.audit.queries import withhold
from core.audit.services import Actor, record
from core.clock import add_months
from core.db import db
from core.rules.queries import parameters
from core.text import N_, Message
from registry.governance.models import (
    BODIES,
    CHECK_RESULTS,
    LEADERS,
    OFFICIALS,
    POSTS,
    SUPERVISORS,
    CandidateCheck,
    Post,
    Term,
)
from registry.governance.rules import COUNCIL, OFFICIAL, SUPERVISION
from registry.interests import rules as interests
from registry.interests.models import Interest
from registry.interests.services import declare_interest, end_interest
from registry.organizations.models import Organization
from registry.organizations.rules import ROR_DEFAULTS
from registry.organizations.services import keep_changes, named
from registry.persons.models import Person
from registry.persons.queries import Entry, Part, add_part, joined, within
from registry.persons.services import nobody


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
        organization,
        {f"post_{post}": [None, named(person)]},
        source="edit",
        evidence=approval_document,
        by=by,
    )
    record(organization, "appointed", by=by, details={"post": post, "person": person.id})
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
    keep_changes(row.organization, {f"post_{row.post}": [named(row.person), None]}, source="edit", by=by)
    record(row.organization, "post_ended", by=by, details={"post": row.post, "person": row.person_id})


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
        # What was answered stands in the check and goes with it.
        details={"post": post, "result": result, "check": row.id, "person": person.id},
    )
    return row


# What is kept about a person ---------------------------------------------------------------------


def _held(person_id: int, agencies: set[int] | None) -> Sequence[Post]:
    return db.session.scalars(
        select(Post)
        .join(Organization, Organization.id == Post.organization_id)
        .where(Post.person_id == person_id, *within(Organization.agency_id, agencies))
        .order_by(Post.id)
    ).all()


def _post_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    rows = _held(person_id, agencies)
    today, in_office = clock.today(), {row.organization_id for row in rows if row.until is None}
    return [
        Entry(
            row.id,
            Message(
                N_("%(post)s of %(organization)s"),
                {"post": Message(POSTS[row.post]), "organization": row.organization.name},
            ),
            row.since,
            row.until,
            {
                N_("Year of birth"): row.birth_year or "",
                N_("Official"): Message(OFFICIALS[row.official]),
                N_("Approval"): " ".join(
                    str(part) for part in (row.approved_by, row.approval_document, row.approved_on) if part
                ),
            },
            Message(N_("The register names who leads an organization, and terms in a row are counted."))
            if row.organization_id in in_office
            else Message(N_("Recusal asks for the three years before."))
            if interests.counts(row.since, row.until, on=today)
            else None,
            source=COUNCIL if row.organization_id in in_office else interests.SOURCE,
            link=(
                "organization.read", row.organization.agency_id, "governance.show",
                {"organization_id": row.organization_id},
            ),
        )
        for row in rows
    ]  # fmt: skip


def _erase_posts(ids: Sequence[int]) -> None:
    """The organization's history keeps the post and its days, under nobody's name."""
    for number in ids:
        row = db.session.get_one(Post, number)
        row.person_id, row.birth_year = nobody().id, None
        row.approved_by = row.approval_document = ""
        row.approved_on, row.official = None, "none"
    db.session.flush()


def _check_entries(person_id: int, agencies: set[int] | None) -> list[Entry]:
    in_office = {(row.organization_id, row.post) for row in _held(person_id, None) if row.until is None}
    rows = db.session.execute(
        select(CandidateCheck, Organization)
        .join(Organization, Organization.id == CandidateCheck.organization_id)
        .where(CandidateCheck.person_id == person_id, *within(Organization.agency_id, agencies))
        .order_by(CandidateCheck.id)
    )
    return [
        Entry(
            row.id,
            Message(
                N_("checked as a candidate: %(post)s of %(organization)s"),
                {"post": Message(POSTS[row.post]), "organization": organization.name},
            ),
            row.checked_on,
            row.checked_on,
            {
                N_("Result"): Message(CHECK_RESULTS[row.result]),
                N_("So it is"): joined([Message(QUESTIONS[name]) for name, yes in row.answers.items() if yes]),
                N_("Not so"): joined([Message(QUESTIONS[name]) for name, yes in row.answers.items() if not yes]),
                N_("Note"): row.note,
            },
            Message(N_("The check belongs to a post that is held."))
            if (row.organization_id, row.post) in in_office
            else None,
            source=COUNCIL,
            link=(
                "organization.read", organization.agency_id, "governance.show",
                {"organization_id": organization.id},
            ),
        )
        for row, organization in rows
    ]  # fmt: skip


def _erase_checks(ids: Sequence[int]) -> None:
    """That somebody was checked stays as a number; who, and what was answered, goes."""
    for number in ids:
        row = db.session.get_one(CandidateCheck, number)
        row.person_id, row.answers, row.note = nobody().id, {}, ""
    db.session.flush()


def _known(model: type[Post] | type[CandidateCheck]) -> Any:
    return lambda agencies: (
        select(model.id)
        .join(Organization, Organization.id == model.organization_id)
        .where(model.person_id == Person.id, Organization.agency_id.in_(agencies))
        .exists()
    )


add_part(
    Part("post", N_("Posts in organizations"), "organization.read", _post_entries, _known(Post), _erase_posts)
)
add_part(
    Part(
        "candidate_check", N_("Checks of candidates"), "organization.read", _check_entries,
        _known(CandidateCheck), _erase_checks,
    )
)  # fmt: skip


for _event in ("appointed", "post_ended", "candidate_checked"):
    # Older entries wrote the name into the note, and the answers of a check.
    withhold("organization", _event, "note", "answers")
