"""Writing keys: entries from facts, places on shelves, postings; in the transaction of the fact.

Whatever changes a fact by which organizations are found is noticed as it is written (:data:`WATCHED`),
and the entries of those organizations are made anew before the transaction commits. Where very many
change at once they are noted in the backlog in that transaction, and :func:`sort_in` follows in a job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    delete,
    event,
    false,
    func,
    insert,
    inspect,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from core.db import db
from registry.agencies.models import Agency
from registry.credit.models import CreditEntry
from registry.keys.models import (
    LATE,
    SORTED,
    WAITING,
    DirectoryBacklog,
    DirectoryDivision,
    DirectoryEntry,
    DirectoryPosting,
    DirectoryShelf,
)
from registry.keys.queries import keys_of
from registry.keys.rules import PLACES, Keys, packed, packed_numbers, terms_of, unpacked
from registry.organizations.models import FormerIdentity, Grade, Organization, PartyFacts

# Tables whose rows say by what an organization is found, and the column that names it.
WATCHED: dict[type[Any], str] = {
    Organization: "id",
    Grade: "organization_id",
    PartyFacts: "organization_id",
    CreditEntry: "organization_id",
    FormerIdentity: "organization_id",
}
# More than so many changes in one transaction wait for the job.
AT_ONCE = 100
# A shelf is made new when so many places came after its order was made, or more than these are in order.
MANY_LATE = 256
FULL, FILLED = 7_800, 7_400
CHUNK = 5_000

_ENTRY, _POSTING, _SHELF = (model.__table__ for model in (DirectoryEntry, DirectoryPosting, DirectoryShelf))
_COLUMNS = ("sort_key", "name", "initials", "code", "marks", "renew_on")


# Noticing --------------------------------------------------------------------------------------


def _touched(session: Session) -> set[int]:
    found: set[int] = session.info.setdefault("keys_touched", set())
    return found


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    gone = [thing.id for thing in session.deleted if isinstance(thing, Organization)]
    if gone:
        forget(gone)


@event.listens_for(Session, "after_flush")
def _after_flush(session: Session, _context: Any) -> None:
    things: list[Any] = [*session.new, *session.dirty, *session.deleted]
    for thing in things:
        model: Any = type(thing)
        column = WATCHED.get(model)
        if column is not None:
            history = inspect(thing).attrs[column].history
            _touched(session).update(
                number for number in (*history.sum(), *history.deleted) if number is not None
            )
        elif model is Agency and inspect(thing).attrs.path.history.has_changes():
            session.info.setdefault("keys_units", set()).add(thing.id)


@event.listens_for(Session, "do_orm_execute")
def _before_statement(state: Any) -> None:
    """Statements that write many rows at once are asked beforehand which organizations they are about."""
    if not (state.is_insert or state.is_update or state.is_delete) or state.bind_mapper is None:
        return
    model = state.bind_mapper.class_
    column = WATCHED.get(model)
    if model is Agency and state.is_update:
        column = "id"
    if column is None:
        return
    session = state.session
    if state.is_insert:
        rows = state.parameters if isinstance(state.parameters, list) else [state.parameters or {}]
        _touched(session).update(row[column] for row in rows if row.get(column) is not None)
        return
    named = select(getattr(model, column)).where(*state.statement._where_criteria)
    ids = set(session.scalars(named))
    if model is Agency:
        session.info.setdefault("keys_units", set()).update(ids)
    elif model is Organization and state.is_delete:
        forget(list(ids))
    else:
        _touched(session).update(ids)


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    if not session.info.get("writing"):
        return
    session.flush()
    units: set[int] = session.info.pop("keys_units", set())
    ids: set[int] = session.info.pop("keys_touched", set())
    if units:
        under = _under(units)
        few = set(session.scalars(under.limit(AT_ONCE + 1)))
        if len(few) > AT_ONCE:
            note(under)
        else:
            ids |= few
    if len(ids) > AT_ONCE:
        note(select(Organization.id).where(Organization.id.in_(bindparam("ids", expanding=True))), ids)
    elif ids:
        renew(sorted(ids))


@event.listens_for(Session, "after_rollback")
@event.listens_for(Session, "after_commit")
def _after_transaction(session: Session) -> None:
    session.info.pop("keys_units", None)
    session.info.pop("keys_touched", None)


def note(query: Any, ids: Iterable[int] = ()) -> None:
    """Leave these organizations (a select of their ids) to the job, as part of the present transaction."""
    statement = insert(DirectoryBacklog.__table__).from_select(["organization_id"], query)
    numbers = sorted(ids)
    if not numbers:
        db.session.execute(statement)
    for start in range(0, len(numbers), CHUNK):
        db.session.execute(statement, {"ids": numbers[start : start + CHUNK]})


def _under(units: Iterable[int]) -> Select[Any]:
    """The organizations of units that have moved, and of their subtrees: they are found elsewhere now."""
    paths = {path for path in db.session.scalars(select(Agency.path).where(Agency.id.in_(units))) if path}
    return (
        select(Organization.id)
        .join(Agency, Agency.id == Organization.agency_id)
        .where(or_(false(), *(Agency.path.startswith(path) for path in paths)))
    )


# Making entries --------------------------------------------------------------------------------


def renew(ids: Sequence[int]) -> None:
    """Make the entries of these organizations what their facts say, and place them; some hundreds at most."""
    made = keys_of(ids)
    kept = _entries(made)
    _keep_sort_keys(made)
    _keep_divisions(made)
    changes = _Changes()
    for number, keys in made.items():
        entry = kept.get(number)
        if entry is None:
            changes.new[number] = keys
        elif any(getattr(entry, name) != getattr(keys, name) for name in _COLUMNS):
            if entry.place is not None:
                before = terms_of(entry.name, entry.initials, entry.code, entry.marks)
                stays = entry.sort_key == keys.sort_key
                now = keys.terms() if stays else set()
                changes.mark(entry.place, add=now - before, drop=before - now)
                changes.kept[number] = (keys, entry.place if stays else None)
            else:
                changes.kept[number] = (keys, None)
    changes.write()


def forget(ids: Sequence[int]) -> None:
    """Take these organizations out: they are about to be deleted."""
    changes = _Changes()
    for start in range(0, len(ids), CHUNK):
        for entry in _entries(ids[start : start + CHUNK]).values():
            if entry.place is not None:
                changes.mark(entry.place, drop=terms_of(entry.name, entry.initials, entry.code, entry.marks))
    changes.write()
    for table in (DirectoryEntry.__table__, DirectoryBacklog.__table__):
        for start in range(0, len(ids), CHUNK):
            db.session.execute(delete(table).where(table.c.organization_id.in_(ids[start : start + CHUNK])))


def _entries(ids: Iterable[int]) -> dict[int, Any]:
    rows = db.session.execute(select(_ENTRY).where(_ENTRY.c.organization_id.in_(list(ids))))
    return {row.organization_id: row for row in rows}


def _keep_sort_keys(made: dict[int, Keys]) -> None:
    """The organization's own sort key, which a bulk import leaves to this."""
    table = Organization.__table__
    rows = db.session.execute(select(table.c.id, table.c.sort_key).where(table.c.id.in_(list(made))))
    wrong = [
        {"number": number, "key": made[number].sort_key}
        for number, key in rows
        if key != made[number].sort_key
    ]
    if wrong:
        statement = update(table).where(table.c.id == bindparam("number")).values(sort_key=bindparam("key"))
        db.session.execute(statement, wrong)


def _keep_divisions(made: dict[int, Keys]) -> None:
    codes = {mark[3:] for keys in made.values() for mark in keys.marks.split() if mark.startswith("in=")}
    if not codes:
        return
    table = DirectoryDivision.__table__
    known = set(db.session.scalars(select(table.c.code).where(table.c.code.in_(codes))))
    for code in sorted(codes - known):
        parent = max(
            (other for other in codes if other != code and code.startswith(other)), key=len, default=""
        )
        db.session.execute(
            insert(table).from_select(
                ["code", "parent"],
                select(literal(code), literal(parent)).where(
                    ~select(table.c.code).where(table.c.code == code).exists()
                ),
            )
        )


class _Changes:
    """What is to be written of entries and postings, gathered so that each row is written once."""

    def __init__(self) -> None:
        self.new: dict[int, Keys] = {}
        self.kept: dict[int, tuple[Keys, int | None]] = {}
        self._bits: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    def mark(self, place: int, *, add: Iterable[str] = (), drop: Iterable[str] = ()) -> None:
        shelf, slot = divmod(place, PLACES)
        for which, terms in ((0, add), (1, drop)):
            for term in terms:
                self._bits[shelf][term][which] |= 1 << slot

    def write(self) -> None:
        """Entries first, then shelves in ascending order: the same order everywhere, so that nobody waits in a ring."""
        unplaced = {number: keys for number, (keys, place) in self.kept.items() if place is None} | self.new
        targets = {number: _shelf_for(keys.sort_key, number) for number, keys in unplaced.items()}
        _lock({*self._bits, *targets.values()})
        for number, keys in sorted(unplaced.items(), key=lambda item: (item[1].sort_key, item[0])):
            place = _next_place(targets[number], keys.sort_key, number)
            self.mark(place, add=keys.terms())
            row = {name: getattr(keys, name) for name in _COLUMNS} | {"place": place, "standing": LATE}
            if number in self.new:
                db.session.execute(insert(_ENTRY).values(organization_id=number, **row))
            else:
                db.session.execute(update(_ENTRY).where(_ENTRY.c.organization_id == number).values(**row))
        for number, (keys, stays) in self.kept.items():
            if stays is not None:
                row = {name: getattr(keys, name) for name in _COLUMNS}
                db.session.execute(update(_ENTRY).where(_ENTRY.c.organization_id == number).values(**row))
        self._write_bits()

    def _write_bits(self) -> None:
        for shelf, wanted in sorted(self._bits.items()):
            terms = list(wanted)
            there: dict[str, int] = {}
            for start in range(0, len(terms), CHUNK):
                rows = db.session.execute(
                    select(_POSTING.c.term, _POSTING.c.places).where(
                        _POSTING.c.shelf_id == shelf, _POSTING.c.term.in_(terms[start : start + CHUNK])
                    )
                )
                there.update((term, unpacked(places)) for term, places in rows)
            added, changed, emptied = [], [], []
            for term, (add, drop) in wanted.items():
                before = there.get(term)
                now = ((before or 0) & ~drop) | add
                row = {"a": term, "b": shelf, "c": packed(now)}
                if before is None and now:
                    added.append({"term": term, "shelf_id": shelf, "places": row["c"]})
                elif before is not None and not now:
                    emptied.append({"a": term, "b": shelf})
                elif before != now:
                    changed.append(row)
            here = and_(_POSTING.c.term == bindparam("a"), _POSTING.c.shelf_id == bindparam("b"))
            if added:
                db.session.execute(insert(_POSTING), added)
            if changed:
                db.session.execute(update(_POSTING).where(here).values(places=bindparam("c")), changed)
            if emptied:
                db.session.execute(delete(_POSTING).where(here), emptied)


# Shelves ---------------------------------------------------------------------------------------


def _shelf_for(key: str, number: int) -> int:
    """The shelf on which a key belongs; the first begins before every key."""
    shelf = db.session.scalar(
        select(_SHELF.c.id)
        .where(
            _SHELF.c.first_key <= key,
            or_(_SHELF.c.first_key < key, _SHELF.c.first_id <= number),
        )
        .order_by(_SHELF.c.first_key.desc(), _SHELF.c.first_id.desc())
        .limit(1)
    )
    if shelf is None:
        raise RuntimeError("there is no first shelf: flask db upgrade makes it")
    return int(shelf)


def _lock(shelves: Iterable[int]) -> None:
    """Others who write on these shelves wait until this transaction ends; SQLite's write lock already does that."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(
            select(_SHELF.c.id)
            .where(_SHELF.c.id.in_(sorted(shelves)))
            .order_by(_SHELF.c.id)
            .with_for_update()
        )


def _next_place(shelf: int, key: str, number: int) -> int:
    """A free place on the shelf, or on the one that has the key after a full shelf was divided."""
    while True:
        used = db.session.scalar(select(_SHELF.c.used).where(_SHELF.c.id == shelf))
        if used is not None and used < PLACES:
            db.session.execute(update(_SHELF).where(_SHELF.c.id == shelf).values(used=used + 1))
            return shelf * PLACES + int(used)
        rebuild(shelf)
        shelf = _shelf_for(key, number)


def rebuild(shelf: int) -> None:
    """Put a shelf in order again with what waits for it; where it is too full, cut its first part off.

    What was on it stays findable: all of it is placed again in this transaction. Of a long line that
    waits, the rest is left for the next time.
    """
    _lock([shelf])
    row = db.session.execute(select(_SHELF).where(_SHELF.c.id == shelf)).one()
    lower = (row.first_key, row.first_id)
    upper = db.session.execute(
        select(_SHELF.c.first_key, _SHELF.c.first_id)
        .where(
            _SHELF.c.first_key >= lower[0],
            or_(_SHELF.c.first_key > lower[0], _SHELF.c.first_id > lower[1]),
        )
        .order_by(_SHELF.c.first_key, _SHELF.c.first_id)
        .limit(1)
    ).first()
    here = _ENTRY.c.place.between(shelf * PLACES, (shelf + 1) * PLACES - 1)
    placed = set(db.session.scalars(select(_ENTRY.c.organization_id).where(here)))
    if placed:
        db.session.execute(update(_ENTRY).where(here).values(place=None, standing=WAITING))
    rows = _rows(*_range(lower, upper), limit=FULL + 1)
    if len(rows) <= FULL:
        _fill(shelf, rows, _range(lower, upper))
        return
    part, following = rows[:FILLED], (rows[FILLED].sort_key, rows[FILLED].organization_id)
    _fill(shelf, part, _range(lower, following))
    rest = db.session.scalar(
        insert(_SHELF)
        .values(first_key=following[0], first_id=following[1], in_order=0, used=0)
        .returning(_SHELF.c.id)
    )
    left = placed.difference(row.organization_id for row in part)
    if left and rest is not None:
        among = [_ENTRY.c.organization_id.in_(sorted(left))]
        _fill(rest, _rows(*among, limit=PLACES), among)


def _range(lower: tuple[str, int], upper: Any) -> list[Any]:
    columns = (_ENTRY.c.sort_key, _ENTRY.c.organization_id)
    found = [
        or_(columns[0] > lower[0], and_(columns[0] == lower[0], columns[1] >= lower[1])),
        columns[0] >= lower[0],
    ]
    if upper is not None:
        found += [
            or_(columns[0] < upper[0], and_(columns[0] == upper[0], columns[1] < upper[1])),
            columns[0] <= upper[0],
        ]
    return found


def _rows(*conditions: Any, limit: int) -> list[Any]:
    """What the terms of these entries are made of, in the register's order."""
    columns = (
        _ENTRY.c.organization_id, _ENTRY.c.sort_key, _ENTRY.c.name, _ENTRY.c.initials, _ENTRY.c.code, _ENTRY.c.marks,
    )  # fmt: skip
    query = select(*columns).where(*conditions).order_by(_ENTRY.c.sort_key, _ENTRY.c.organization_id)
    return list(db.session.execute(query.limit(limit)))


def _fill(shelf: int, rows: Sequence[Any], conditions: Sequence[Any]) -> None:
    """Write the places of these rows, which are all that fit the conditions, and the postings of the shelf."""
    postings: dict[str, list[int]] = defaultdict(list)
    for slot, row in enumerate(rows):
        for term in terms_of(row.name, row.initials, row.code, row.marks):
            postings[term].append(slot)
    db.session.execute(delete(_POSTING).where(_POSTING.c.shelf_id == shelf))
    if postings:
        db.session.execute(
            insert(_POSTING),
            [
                {"term": term, "shelf_id": shelf, "places": packed_numbers(slots)}
                for term, slots in postings.items()
            ],
        )
    order = (
        select(
            _ENTRY.c.organization_id,
            (func.row_number().over(order_by=(_ENTRY.c.sort_key, _ENTRY.c.organization_id)) - 1).label(
                "slot"
            ),
        )
        .where(*conditions)
        .subquery()
    )
    db.session.execute(
        update(_ENTRY)
        .where(_ENTRY.c.organization_id == order.c.organization_id)
        .values(place=shelf * PLACES + order.c.slot, standing=SORTED)
    )
    db.session.execute(update(_SHELF).where(_SHELF.c.id == shelf).values(in_order=len(rows), used=len(rows)))


def enter(ids: Sequence[int]) -> None:
    """Make the entries of organizations that came in bulk; those that are new wait for a place on a shelf."""
    kept = set(db.session.scalars(select(_ENTRY.c.organization_id).where(_ENTRY.c.organization_id.in_(ids))))
    made = keys_of([number for number in ids if number not in kept])
    _keep_sort_keys(made)
    _keep_divisions(made)
    if made:
        db.session.execute(
            insert(_ENTRY),
            [
                {name: getattr(keys, name) for name in _COLUMNS}
                | {"organization_id": number, "place": None, "standing": WAITING}
                for number, keys in made.items()
            ],
        )
    renew(sorted(kept))


def rebuild_for(key: str, number: int) -> None:
    """Put the shelf in order on which this key belongs."""
    rebuild(_shelf_for(key, number))


def note_missing() -> int:
    """Note every organization that has no entry, however it came to be; how many."""
    query = select(Organization.id).where(
        ~select(_ENTRY.c.organization_id).where(_ENTRY.c.organization_id == Organization.id).exists(),
        ~select(DirectoryBacklog.id).where(DirectoryBacklog.organization_id == Organization.id).exists(),
    )
    count = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    note(query)
    return count
