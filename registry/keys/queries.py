"""Looking things up: which organizations fit, how many, and which stand on a page.

A search is a number of conditions, each a set of terms of which one must hold (the units in reach, a
division, a standing, a word). It reads the places of each term shelf by shelf, a dozen shelves first,
all of them where those are not enough, and asks the database for the rows at the places found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, false, func, or_, select
from sqlalchemy.orm import aliased, contains_eager

from core import clock
from core.db import db
from core.web.paging import Page, keys_of_page, page_of
from core.web.tables import CAP, Count
from registry.agencies.models import Agency
from registry.agencies.rules import tree_prefix
from registry.credit.models import LISTS, CreditEntry
from registry.credit.rules import counts
from registry.keys.models import (
    SORTED,
    DirectoryBacklog,
    DirectoryEntry,
    DirectoryPosting,
    DirectoryShelf,
)
from registry.keys.rules import (
    PLACES,
    Keys,
    Word,
    division_terms,
    folded,
    initials_of,
    last_members,
    members,
    unpacked,
    words_of,
)
from registry.organizations.models import FormerIdentity, Grade, Organization, PartyFacts
from registry.persons.rules import sort_key

ORDER = ((Organization.sort_key, False), (Organization.id, False))
_POSTING = DirectoryPosting.__table__
# Shelves that are read before all are.
FIRST_SHELVES = 6
# So many candidates of a longer word are compared with the texts at once.
_COMPARED = (250, 2_500, 25_000)
_COUNTED = 250


@dataclass(frozen=True)
class Search:
    """What is looked for. ``roots`` are the units whose subtrees are in reach, by path."""

    roots: Mapping[int, str]
    conditions: tuple[frozenset[str], ...] = ()
    words: tuple[Word, ...] = ()
    # The roots are all there are: what is looked for alone decides.
    everywhere: bool = False

    @property
    def exact(self) -> bool:
        """Whether the terms alone prove a hit."""
        return all(word.exact for word in self.words)

    def terms(self) -> set[str]:
        found = set() if self.everywhere else {f"u={root}" for root in self.roots}
        for condition in self.conditions:
            found |= condition
        for word in self.words:
            found.update(word.terms())
        return found

    def hits(self, places: Mapping[str, int]) -> int:
        """The places of one shelf that fit, from the places of each term there."""
        get = places.get
        found = -1 if self.everywhere else 0
        if not self.everywhere:
            for root in self.roots:
                found |= get(f"u={root}", 0)
        for condition in self.conditions:
            if not found:
                return 0
            wanted = 0
            for term in condition:
                wanted |= get(term, 0)
            found &= wanted
        for word in self.words:
            if not found:
                return 0
            wanted = 0
            for way in word.ways:
                one = found
                for term in way:
                    one &= get(term, 0)
                wanted |= one
            found = wanted
        return found

    def compared(self) -> list[Any]:
        """What the texts themselves must say, for words of more than two signs."""
        return [
            or_(
                DirectoryEntry.name.contains(word.text, autoescape=True),
                DirectoryEntry.initials.contains(word.text, autoescape=True),
                DirectoryEntry.code.contains(word.text.upper(), autoescape=True),
            )
            for word in self.words
            if not word.exact
        ]

    def within(self) -> Any:
        """The same reach as a condition on the unit's row: what is shown passes it once more."""
        return or_(false(), *(Agency.path.startswith(path) for path in self.roots.values()))


def search_of(
    user: Any, *, marks: Mapping[str, str | Iterable[str]], division: str = "", words: str = ""
) -> Search:
    """A search of what ``user`` reads. ``marks``: mark to value or values, such as ``kind`` to ``foundation``."""
    conditions = [
        frozenset(f"{mark}={value}" for value in ([values] if isinstance(values, str) else values))
        for mark, values in marks.items()
    ]
    if division and (prefix := tree_prefix(division)):
        conditions.append(frozenset({f"in={prefix}"}))
    return Search(roots_of(user), tuple(conditions), tuple(words_of(words)))


def roots_of(user: Any) -> dict[int, str]:
    """The units at which the register is read, with their paths; none that lies under another."""
    held = {
        item.agency.path: item.agency.id
        for item in user.held("organization.read")
        if item.agency is not None and item.agency.path
    }
    return {
        number: path
        for path, number in held.items()
        if not any(path != other and path.startswith(other) for other in held)
    }


@dataclass
class Shelves:
    """The shelves in order, and for those that were read the places that fit."""

    search: Search
    order: list[tuple[int, int]]
    hits: dict[int, int] = field(default_factory=dict)
    # Where a page goes on: a shelf's index, and the place there that follows the page before.
    start: tuple[int, int] | None = None
    # Whether anything at all waits to be sorted in.
    behind: bool = False

    def read(self, shelves: Iterable[int] | None = None) -> None:
        """Read the postings of these shelves, of all with ``None``."""
        wanted = None if shelves is None else [shelf for shelf in shelves if shelf not in self.hits]
        if wanted == [] or self.complete():
            return
        terms = self.search.terms()
        query = select(_POSTING.c.shelf_id, _POSTING.c.term, _POSTING.c.places).where(
            _POSTING.c.term.in_(terms)
        )
        if wanted is not None:
            query = query.where(_POSTING.c.shelf_id.in_(wanted))
        of_shelf: dict[int, dict[str, int]] = {}
        # Plain rows of the table: there may be a thousand.
        for shelf, term, places in db.session.connection().execute(query):
            of_shelf.setdefault(shelf, {})[term] = unpacked(places)
        for shelf, _sorted in self.order:
            if wanted is None or shelf in wanted:
                found = of_shelf.get(shelf)
                self.hits[shelf] = self.search.hits(found) if found else 0

    def complete(self) -> bool:
        return len(self.hits) == len(self.order)

    def counted(self) -> int:
        return sum(places.bit_count() for places in self.hits.values())

    def in_order(self, *, backwards: bool = False, from_start: bool = True) -> Iterator[Candidates]:
        """What fits, shelf by shelf, from where the page goes on; all is read where what was read ends."""
        start = self.start if from_start else None
        numbers = range(len(self.order))
        if start is not None:
            numbers = range(start[0] + 1) if backwards else range(start[0], len(self.order))
        for index in reversed(numbers) if backwards else numbers:
            shelf, in_order = self.order[index]
            if shelf not in self.hits:
                self.read()
            found = self.hits[shelf]
            ordered = found & ((1 << in_order) - 1)
            late = found ^ ordered
            if start is not None and index == start[0]:
                below = (1 << max(start[1], 0)) - 1
                ordered = ordered & below if backwards else ordered & ~below
            if ordered or late:
                yield Candidates(shelf, ordered, late)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Places of one shelf that fit: in order, and those that came later."""

    shelf: int
    ordered: int
    late: int


def shelves_of(search: Search, key: Sequence[Any] | None = None, *, backwards: bool = False) -> Shelves:
    """The shelves in the register's order, nothing of them read yet; ``key``: where a page goes on."""
    behind = or_(
        select(DirectoryBacklog.id).exists(),
        select(DirectoryEntry.organization_id).where(DirectoryEntry.place.is_(None)).exists(),
    )
    tops = select(Agency.id).where(Agency.parent_id.is_(None), Agency.id.not_in(search.roots)).exists()
    columns: list[Any] = [
        DirectoryShelf.id, DirectoryShelf.in_order, behind.label("behind"), (~tops).label("everywhere"),
    ]  # fmt: skip
    if key is not None:
        columns += [_begins_before(key), _last_place(key, backwards=backwards)]
    rows = db.session.execute(
        select(*columns).order_by(DirectoryShelf.first_key, DirectoryShelf.first_id)
    ).all()
    if (search.conditions or search.words) and any(row.everywhere for row in rows):
        search = replace(search, everywhere=True)
    shelves = Shelves(
        search, [(row.id, row.in_order) for row in rows], behind=any(row.behind for row in rows)
    )
    if key is not None and rows:
        index = max((n for n, row in enumerate(rows) if row.before), default=0)
        shelf, last = rows[index].id, rows[index].last
        place = last - shelf * PLACES + 1 if last is not None and last // PLACES == shelf else 0
        shelves.start = (index, place)
    return shelves


def _begins_before(key: Sequence[Any]) -> Any:
    name, number = key
    return or_(
        DirectoryShelf.first_key < name,
        and_(DirectoryShelf.first_key == name, DirectoryShelf.first_id <= number),
    ).label("before")


def _last_place(key: Sequence[Any], *, backwards: bool) -> Any:
    """The place of the last entry in order that does not lie beyond the key."""
    name, number = key
    entry = aliased(DirectoryEntry)
    return (
        select(entry.place)
        .where(
            entry.standing == SORTED,
            entry.sort_key <= name,
            or_(
                entry.sort_key < name,
                entry.organization_id < number if backwards else entry.organization_id <= number,
            ),
        )
        .order_by(entry.sort_key.desc(), entry.organization_id.desc())
        .limit(1)
        .scalar_subquery()
        .label("last")
    )


@dataclass
class Found:
    """A page of organizations, how many there are in all, and the marks of those on the page."""

    page: Page
    count: Count
    marks: dict[int, frozenset[str]]
    # Whether organizations wait to be sorted in, anybody's.
    behind: bool


def found_page(search: Search, *options: Any, size: int, whole: bool = False) -> Found:
    """The page that the request's address asks for; counts stop at ``CAP`` unless ``whole``."""
    after, before = keys_of_page(ORDER)
    key, backwards = after or before, after is None and before is not None
    shelves = shelves_of(search, key, backwards=backwards)
    around = shelves.start[0] if shelves.start else 0
    near = range(max(around - FIRST_SHELVES if backwards else around, 0), around + FIRST_SHELVES)
    shelves.read({shelves.order[i][0] for i in (*range(FIRST_SHELVES), *near) if i < len(shelves.order)})
    if whole or (search.exact and not shelves.complete() and shelves.counted() <= CAP):
        shelves.read()
    rows = _rows(shelves, key, *options, size=size + 1, backwards=backwards)
    page = page_of([row for row, _marks in rows], ORDER, size=size, after=after, before=before)
    marks = {row.id: frozenset(marks.split()) for row, marks in rows}
    return Found(page, counted(shelves, whole=whole), marks, shelves.behind)


def first_found(search: Search, *, size: int) -> list[Organization]:
    """The first organizations in the register's order; nothing is counted."""
    shelves = shelves_of(search)
    shelves.read({shelf for shelf, _sorted in shelves.order[:FIRST_SHELVES]})
    return [row for row, _marks in _rows(shelves, None, size=size, backwards=False)]


def _rows(
    shelves: Shelves,
    key: Sequence[Any] | None,
    *options: Any,
    size: int,
    backwards: bool,
) -> list[tuple[Organization, str]]:
    """The next ``size`` organizations in order with their marks, from a key where there is one."""
    search = shelves.search
    steps = (size,) if search.exact else _COMPARED
    rows: list[tuple[Organization, str]] = []
    for step in steps:
        places, whole = _candidates(shelves, wanted=step, backwards=backwards)
        if not places:
            return []
        query = (
            select(Organization, DirectoryEntry.marks)
            .join(DirectoryEntry, DirectoryEntry.organization_id == Organization.id)
            .join(Organization.agency)
            .options(contains_eager(Organization.agency), *options)
            .where(DirectoryEntry.place.in_(places), search.within(), *search.compared())
        )
        if key is not None:
            name, number = key
            query = query.where(
                or_(
                    DirectoryEntry.sort_key < name if backwards else DirectoryEntry.sort_key > name,
                    and_(
                        DirectoryEntry.sort_key == name,
                        DirectoryEntry.organization_id < number
                        if backwards
                        else DirectoryEntry.organization_id > number,
                    ),
                )
            )
        columns = (DirectoryEntry.sort_key, DirectoryEntry.organization_id)
        query = query.order_by(*(column.desc() if backwards else column for column in columns))
        rows = [(row, marks) for row, marks in db.session.execute(query.limit(size)).unique()]
        if len(rows) >= size or whole:
            break
    return rows


def _candidates(shelves: Shelves, *, wanted: int, backwards: bool) -> tuple[list[int], bool]:
    """Numbers of the first places that may stand on the page, and whether they are all there are.

    Of a shelf that is begun, every place that came later is among them: it may stand anywhere there.
    """
    found: list[int] = []
    ordered = 0
    take = last_members if backwards else members
    for candidates in shelves.in_order(backwards=backwards):
        if ordered >= wanted:
            return found, False
        base = candidates.shelf * PLACES
        next_ones = take(candidates.ordered, limit=wanted - ordered)
        ordered += len(next_ones)
        found += [base + place for place in (*next_ones, *members(candidates.late))]
        if len(next_ones) < candidates.ordered.bit_count():
            return found, False
    return found, True


def counted(shelves: Shelves, *, whole: bool = False) -> Count:
    """How many fit: exact to ``CAP``, beyond it only when asked for."""
    search = shelves.search
    if search.exact:
        number = shelves.counted()
        if whole or (number <= CAP and shelves.complete()):
            return Count(number)
        return Count(min(number, CAP), more=True)
    number, seen = 0, 0
    for part in places_in_order(shelves, size=_COMPARED[1] if whole else _COUNTED):
        number += (
            db.session.scalar(
                select(func.count())
                .select_from(DirectoryEntry)
                .where(DirectoryEntry.place.in_(part), *search.compared())
            )
            or 0
        )
        seen += len(part)
        if not whole:
            if seen == shelves.counted():
                shelves.read()
            # Of a longer word only so many are compared; that there are more is said.
            return Count(number, more=seen < shelves.counted())
    return Count(number)


def places_in_order(shelves: Shelves, *, size: int = _COUNTED) -> Iterator[list[int]]:
    """The numbers of all places that fit, ``size`` at a time; a part never ends within a shelf's later ones."""
    part: list[int] = []
    for candidates in shelves.in_order(from_start=False):
        base = candidates.shelf * PLACES
        for place in (*members(candidates.ordered), *members(candidates.late)):
            part.append(base + place)
            if len(part) == size:
                yield part
                part = []
    if part:
        yield part


def parts_in_order(shelves: Shelves) -> Iterator[list[int]]:
    """The numbers of all places that fit, those of one shelf together."""
    for candidates in shelves.in_order():
        base = candidates.shelf * PLACES
        yield [base + place for place in members(candidates.ordered | candidates.late)]


def counts_of(search: Search, cells: Mapping[Any, frozenset[str]]) -> dict[Any, int]:
    """How many of what is found hold the terms of each cell, all of them; only exact searches."""
    terms = frozenset().union(*cells.values()) if cells else frozenset()
    query = select(DirectoryPosting.shelf_id, DirectoryPosting.term, DirectoryPosting.places).where(
        DirectoryPosting.term.in_(search.terms() | terms)
    )
    of_shelf: dict[int, dict[str, int]] = {}
    for shelf, term, places in db.session.execute(query):
        of_shelf.setdefault(shelf, {})[term] = unpacked(places)
    counts = dict.fromkeys(cells, 0)
    for here in of_shelf.values():
        found = search.hits(here)
        if not found:
            continue
        for cell, wanted in cells.items():
            one = found
            for term in wanted:
                one &= here.get(term, 0)
            if one:
                counts[cell] += one.bit_count()
    return counts


def waiting(user: Any) -> Count:
    """How many organizations in reach are not sorted in yet, about."""
    reach = or_(false(), *(Agency.path.startswith(path) for path in roots_of(user).values()))
    parts = [
        select(Organization.id).join(table, link).join(Organization.agency).where(reach, *more).limit(CAP + 1)
        for table, link, more in (
            (DirectoryBacklog, DirectoryBacklog.organization_id == Organization.id, ()),
            (
                DirectoryEntry,
                DirectoryEntry.organization_id == Organization.id,
                (DirectoryEntry.place.is_(None),),
            ),
        )
    ]
    inner = [select(part.subquery().c.id) for part in parts]
    number = db.session.scalar(select(func.count()).select_from(inner[0].union(inner[1]).subquery())) or 0
    return Count(min(number, CAP), more=number > CAP)


# Keys from facts ------------------------------------------------------------------------------


def keys_of(ids: Sequence[int]) -> dict[int, Keys]:
    """By what these organizations are found today, from the facts of the rooms below; at most some thousands."""
    today = clock.today()
    rows = db.session.execute(
        select(
            Organization.id, Organization.name, Organization.credit_code, Organization.division_code,
            Organization.kind, Organization.register_class, Organization.status, Organization.fields, Agency.path,
        )
        .join(Agency, Agency.id == Organization.agency_id)
        .where(Organization.id.in_(ids))
    ).all()  # fmt: skip
    marks: dict[int, set[str]] = {row.id: set() for row in rows}
    days: dict[int, list[date]] = {row.id: [] for row in rows}
    _grades(ids, today, marks, days)
    _lists(ids, today, marks, days)
    for number, form in db.session.execute(
        select(PartyFacts.organization_id, PartyFacts.party_org_kind).where(
            PartyFacts.organization_id.in_(ids)
        )
    ):
        marks[number].add(f"party={form}")
    former: dict[int, list[tuple[str, str]]] = {}
    for number, kind, value in db.session.execute(
        select(FormerIdentity.organization_id, FormerIdentity.kind, FormerIdentity.value)
        .where(FormerIdentity.organization_id.in_(ids))
        .order_by(FormerIdentity.id)
    ):
        former.setdefault(number, []).append((kind, value))
    found = {}
    for row in rows:
        own = marks[row.id]
        own.update(f"u={unit}" for unit in row.path.split("/") if unit)
        own.update(division_terms(row.division_code))
        own.update((f"kind={row.kind}", f"class={row.register_class}", f"status={row.status}"))
        own.update(f"field={name}" for name in row.fields)
        if not any(mark.startswith("party=") for mark in own):
            own.add("party=unknown")
        names = [row.name, *(value for kind, value in former.get(row.id, ()) if kind == "name")]
        codes = [row.credit_code or "", *(value for kind, value in former.get(row.id, ()) if kind == "code")]
        key = sort_key(row.name)
        found[row.id] = Keys(
            sort_key=key,
            name="\n".join(map(folded, names)),
            initials=initials_of(key),
            code="\n".join(codes),
            marks=" ".join(sorted(own)),
            renew_on=min(days[row.id], default=None),
        )
    return found


def _grades(ids: Sequence[int], today: date, marks: dict[int, set[str]], days: dict[int, list[date]]) -> None:
    """The grade in force, as :func:`registry.organizations.queries.grade_on` has it."""
    best: dict[int, tuple[date, int, int]] = {}
    for row in db.session.execute(
        select(Grade.organization_id, Grade.grade, Grade.valid_from, Grade.valid_to, Grade.id).where(
            Grade.organization_id.in_(ids), Grade.valid_to >= today
        )
    ):
        number = row.organization_id
        if row.valid_from > today:
            days[number].append(row.valid_from)
            continue
        days[number].append(row.valid_to + timedelta(days=1))
        best[number] = max(best.get(number, (date.min, 0, 0)), (row.valid_from, row.id, row.grade))
    for number, own in marks.items():
        own.add(f"grade={best[number][2]}" if number in best else "grade=0")


def _lists(ids: Sequence[int], today: date, marks: dict[int, set[str]], days: dict[int, list[date]]) -> None:
    for row in db.session.execute(
        select(
            CreditEntry.organization_id, CreditEntry.kind, CreditEntry.entered_on, CreditEntry.removed_on
        ).where(CreditEntry.organization_id.in_(ids), CreditEntry.kind.in_(LISTS))
    ):
        number = row.organization_id
        days[number] += [day for day in (row.entered_on, row.removed_on) if day is not None and day > today]
        if counts(row.entered_on, row.removed_on, on=today):
            marks[number].add(f"list={row.kind}")
    for own in marks.values():
        if not any(mark.startswith("list=") for mark in own):
            own.add("list=none")
