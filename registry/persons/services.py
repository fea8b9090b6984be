"""Writing persons down, their identity numbers, two rows that are one person, and taking data out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, delete, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.queries import withhold
from core.audit.services import Actor, record
from core.db import db
from core.mail.models import Mail
from core.mail.services import is_address
from core.sealing import seal, unseal
from core.text import N_, Message
from registry.persons.models import SEXES, Person
from registry.persons.queries import (
    PURPOSE,
    Entry,
    Part,
    holdings,
    identity_fingerprint,
    known_person,
    parts,
    person_of_identity,
)
from registry.persons.rules import IDENTITY_SOURCE, IdentityError, check_identity, sort_key

PIPL = "个人信息保护法"
# What is left of a name when it was taken out.
NOBODY = "***"
# Rows that say the same for both of two merged persons: one of them is enough.
_SAYS_THE_SAME = frozenset({"kinship", "training_attendance"})
_before_erasing: list[Callable[[Person], None]] = []
_against: dict[str, Callable[[Person, Person], Message | None]] = {}


def before_erasing(prepare: Callable[[Person], None]) -> None:
    """Let a room above take a person's name out of what it wrote, while it still knows whose it is."""
    _before_erasing.append(prepare)


def ask_before_merging(name: str, reason: Callable[[Person, Person], Message | None]) -> None:
    """Let a room above say why two rows (kept, given up) cannot become one."""
    _against[name] = reason


def record_person(
    name: str, *, phone: str = "", title: str = "", identity_number: str = "", by: Actor
) -> Person:
    """The person of this identity number, or of this name and telephone: the known row, or a new one.

    Refuses a number that is wrong or that stands under another name.
    """
    name, phone = name.strip(), phone.strip()
    if not name:
        raise Refusal(Message(N_("A person needs a name.")))
    person = _by_number(name, identity_number) if identity_number.strip() else None
    person = person or known_person(name, phone)
    if person is None:
        person = Person(name=name, phone=phone, title=title.strip(), sort_key=sort_key(name, personal=True))
        db.session.add(person)
        db.session.flush()
        record(person, "recorded", by=by)
    elif title.strip() and not person.title:
        person.title = title.strip()
    if identity_number.strip() and person.identity_hash is None:
        set_identity(person, identity_number, by=by)
    return person


def _by_number(name: str, number: str) -> Person | None:
    person = person_of_identity(_checked(number))
    if person is not None and person.name != name:
        raise Refusal(
            Message(
                N_("This identity number stands under another name: compare name and number with the card.")
            ),
            rule="IDENTITY",
            source=IDENTITY_SOURCE,
            status=409,
        )
    return person


def _checked(number: str) -> str:
    try:
        return check_identity(number).number
    except IdentityError as error:
        raise Refusal(error.message, rule="IDENTITY", source=IDENTITY_SOURCE) from error


def edit_person(person: Person, *, name: str, phone: str, title: str, sex: str, by: Actor) -> None:
    """Change what is said about a person. Raises :class:`Refusal` without a name."""
    if not name.strip():
        raise Refusal(Message(N_("A person needs a name.")))
    if sex not in SEXES:
        raise ValueError(f"unknown sex {sex}")
    told = {"name": name.strip(), "phone": phone.strip(), "title": title.strip(), "sex": sex}
    changed = [key for key, value in told.items() if getattr(person, key) != value]
    if not changed:
        return
    for key in changed:
        setattr(person, key, told[key])
    person.sort_key = sort_key(person.name, personal=True)
    db.session.flush()
    record(person, "edited", by=by, details={"fields": changed})


def set_identity(person: Person, number: str, *, by: Actor) -> None:
    """Keep the identity number: sealed, with its keyed hash and its mask. Day of birth and sex follow from it.

    Refuses a wrong number and one that another row holds.
    """
    checked = _checked(number)
    other = person_of_identity(checked)
    if other is not None and other.id != person.id:
        raise Refusal(
            Message(
                N_(
                    "This identity number belongs to another entry of the register. If both are one human being, a reviewing officer merges them."
                )
            ),
            rule="IDENTITY",
            source=IDENTITY_SOURCE,
            status=409,
        )
    identity = check_identity(checked)
    person.identity_sealed = seal(PURPOSE, checked.encode())
    person.identity_hash = identity_fingerprint(checked)
    person.identity_masked = identity.masked
    person.born_on, person.sex = identity.born_on, identity.sex
    db.session.flush()
    record(person, "identity_entered", by=by)


def reveal_identity(person: Person, *, reason: str, by: Actor) -> str:
    """The full number, for this one look; who looked and why is written down."""
    if not reason.strip():
        raise Refusal(
            Message(N_("Say what you need the number for: each reading is written down with its reason.")),
            rule="PIPL",
            source=f"{PIPL} 第六条、第五十一条",
        )
    if person.identity_sealed is None:
        raise Refusal(Message(N_("No identity number is kept for this person.")), status=409)
    record(person, "identity_read", by=by, details={"note": reason.strip()})
    return unseal(PURPOSE, person.identity_sealed).decode()


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


# Two rows that are one person -------------------------------------------------------------------


def merge_persons(kept: Person, given_up: Person, *, reason: str, by: Actor) -> int:
    """Let ``kept`` take over everything that points at ``given_up``; how many rows were moved.

    Refuses two different identity numbers, two rows in one list (two experts of one pool), and what
    rooms above say against it. The row given up stays and names the one that was kept.
    """
    if kept.id == given_up.id or kept.merged_into_id is not None or given_up.merged_into_id is not None:
        raise Refusal(
            Message(N_("Choose two different persons, neither of them merged already.")), status=409
        )
    if not reason.strip():
        raise Refusal(Message(N_("Say how you know that both are one human being.")))
    if kept.identity_hash and given_up.identity_hash:
        raise Refusal(
            Message(N_("Both have an identity number, and the numbers differ: these are two human beings.")),
            rule="IDENTITY",
            source=IDENTITY_SOURCE,
            status=409,
        )
    for ask in _against.values():
        if (against := ask(kept, given_up)) is not None:
            raise Refusal(against, status=409)
    moved = sum(_move(column, kept.id, given_up.id) for column in _links())
    _take_over(kept, given_up)
    db.session.flush()
    record(kept, "merged", by=by, details={"other": given_up.id, "rows": moved, "note": reason.strip()})
    record(given_up, "given_up", by=by, details={"into": kept.id, "note": reason.strip()})
    # What was loaded before points at the row that was given up.
    db.session.expire_all()
    return moved


def _links() -> list[Column[Any]]:
    """Every column of the product that names a person, the persons' own table aside."""
    return [
        column
        for table in db.metadata.sorted_tables
        if table.name != Person.__tablename__
        for column in table.columns
        if any(key.target_fullname == "person.id" for key in column.foreign_keys)
    ]


def _move(column: Column[Any], kept: int, given_up: int) -> int:
    table = column.table
    assert isinstance(table, Table)
    if table.name == "user_account" and db.session.scalar(select(column).where(column == kept)):
        # The account of the row given up is closed, says who asked before; it stays with its trail.
        return 0
    for number in _twice(table, column, kept, given_up):
        if table.name not in _SAYS_THE_SAME:
            raise Refusal(
                Message(
                    N_("Both stand in the same list (%(list)s): take one of them out first."),
                    {"list": Message(_word(table.name))},
                ),
                status=409,
            )
        db.session.execute(delete(table).where(table.c.id == number))
    if table.name == "kinship":
        other = table.c.relative_id if column.name == "person_id" else table.c.person_id
        db.session.execute(delete(table).where(column == given_up, other == kept))
    changed = db.session.execute(update(table).where(column == given_up).values({column.name: kept}))
    return changed.rowcount  # type: ignore[attr-defined]


def _twice(table: Table, column: Column[Any], kept: int, given_up: int) -> list[int]:
    """Rows of the one given up that a unique key would not let stand beside a row of the other."""
    keys = [item.columns for item in table.constraints if isinstance(item, UniqueConstraint)]
    keys += [item.columns for item in table.indexes if item.unique]
    found: list[int] = []
    for columns in keys:
        if column.name not in columns:
            continue
        twin = table.alias()
        rest = [table.c[item.name] == twin.c[item.name] for item in columns if item.name != column.name]
        found += db.session.scalars(
            select(table.c.id).where(
                column == given_up,
                select(twin.c.id).where(twin.c[column.name] == kept, *rest).exists(),
            )
        )
    return found


def _word(table: str) -> str:
    return next((part.label for part in parts() if part.name == table), table)


def _take_over(kept: Person, given_up: Person) -> None:
    """What the kept row does not say, the other tells; the number moves, so that one row holds it."""
    for name in ("phone", "title", "email", "sex", "born_on"):
        if not getattr(kept, name):
            setattr(kept, name, getattr(given_up, name))
    if given_up.identity_hash:
        number = given_up.identity_sealed, given_up.identity_hash, given_up.identity_masked
        given_up.identity_sealed = given_up.identity_hash = None
        given_up.identity_masked = ""
        db.session.flush()
        kept.identity_sealed, kept.identity_hash, kept.identity_masked = number
    given_up.merged_into_id = kept.id


# What is kept about a person, taken along and taken out ------------------------------------------


def record_export(person: Person, *, reason: str, by: Actor) -> None:
    """Write down that everything kept about a person was handed out (个人信息保护法 Art. 45)."""
    record(person, "data_exported", by=by, details={"note": reason.strip()})


def erase_person(person: Person, *, reason: str, user: Any | None, by: Actor) -> tuple[int, int]:
    """Take out what no duty holds (个人信息保护法 Art. 47); how many rows went and how many stay.

    ``user`` limits it to what that user's units keep; ``None``: everywhere, the person's own wish. When
    no row stays anywhere, name, telephone and identity number go too; otherwise the ways to reach the
    person go, and what names them stays with the rows that must be kept.
    """
    if not reason.strip():
        raise Refusal(Message(N_("Say who asked for it and how: the trail keeps it.")))
    for prepare in _before_erasing:
        prepare(person)
    gone = stay = 0
    for part, entries in holdings(person, user):
        free = [entry for entry in entries if may_go(part, entry)]
        if part.erase is not None and free:
            part.erase([entry.id for entry in free])
        gone, stay = gone + len(free), stay + len(entries) - len(free)
    db.session.flush()
    if person.email:
        # What was sent or is to be sent there names the person as well.
        db.session.execute(delete(Mail).where(Mail.address == person.email))
    person.email = ""
    if not holdings(person, None):
        person.name, person.phone, person.title = NOBODY, "", ""
        person.sort_key, person.sex, person.born_on = "", "", None
        person.identity_sealed = person.identity_hash = None
        person.identity_masked = ""
    elif user is None:
        person.phone = ""
    person.erased_on = clock.today()
    db.session.flush()
    record(person, "erased", by=by, details={"rows": gone, "kept": stay, "note": reason.strip()})
    return gone, stay


def nobody() -> Person:
    """A fresh person without any name, for a row that is only a number any more."""
    person = Person(name=NOBODY, erased_on=clock.today())
    db.session.add(person)
    db.session.flush()
    return person


def may_go(part: Part, entry: Entry) -> bool:
    return part.erase is not None and entry.duty is None


# Older entries told the number with its middle hidden; it still says where and when somebody was born.
withhold("person", "identity_entered", "masked")
