"""Writing persons down."""

from __future__ import annotations

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.mail.services import is_address
from core.text import N_, Message
from registry.persons.models import Person
from registry.persons.queries import known_person


def record_person(name: str, *, phone: str = "", title: str = "", by: Actor) -> Person:
    """The person of this name and telephone: the known row, or a new one."""
    name, phone = name.strip(), phone.strip()
    if not name:
        raise Refusal(Message(N_("A person needs a name.")))
    person = known_person(name, phone)
    if person is None:
        person = Person(name=name, phone=phone, title=title.strip())
        db.session.add(person)
        db.session.flush()
        record(person, "recorded", by=by)
    elif title.strip() and not person.title:
        person.title = title.strip()
    return person


def set_email(person: Person, email: str, *, by: Actor) -> None:
    """The address that mail goes to; an empty one takes it away."""
    email = email.strip()
    if email and not is_address(email):
        raise Refusal(
            Message(N_("This is no e-mail address. Leave it empty, or write one like name@example.org."))
        )
    if person.email != email:
        person.email = email
        db.session.flush()
        record(person, "email_changed", by=by)
