"""Finding similar names, and joining two entries into one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db
from core.lifecycle import fire
from core.text import N_, Message
from registry.duplicates import queries
from registry.duplicates.models import OTHER_ROWS, TABLE_WORDS, OrganizationMerge, SimilarPair
from registry.duplicates.queries import Link, links_to, organization_links, tied, twins
from registry.duplicates.rules import NAMES, worth_looking
from registry.organizations.models import Organization
from registry.organizations.rules import name_keys
from registry.organizations.services import keep_changes, keep_former, plain, when_named

# More entries of one bare name than this are a common word and no body.
COMMON = 50
CHUNK = 2_000


def find_pairs(organization: Organization) -> int:
    """Keep the pairs of one organization anew: who has the same bare name, or one that sounds the same."""
    db.session.flush()
    _forget((SimilarPair.first_id == organization.id) | (SimilarPair.second_id == organization.id))
    others = queries.same_sound(organization, limit=COMMON + 1)
    if len(others) > COMMON:
        return 0
    known = {
        (pair.first_id, pair.second_id)
        for pair in db.session.scalars(
            select(SimilarPair).where(
                (SimilarPair.first_id == organization.id) | (SimilarPair.second_id == organization.id)
            )
        )
    }
    made = 0
    for other in others:
        if not worth_looking(_looked_at(organization), _looked_at(other)):
            continue
        first, second = sorted((organization, other), key=lambda item: item.id)
        if (first.id, second.id) not in known:
            db.session.add(SimilarPair(**_pair(first, second)))
            made += 1
    db.session.flush()
    return made


when_named(find_pairs)  # type: ignore[arg-type]


def _looked_at(organization: Any) -> tuple[str, str, str]:
    return organization.register_class, organization.credit_code or "", organization.division_code


def _pair(first: Any, second: Any) -> dict[str, Any]:
    return {
        "agency_id": first.agency_id,
        "other_agency_id": second.agency_id,
        "first_id": first.id,
        "second_id": second.id,
        "reason": "name" if first.name_key == second.name_key else "sound",
        "note": "",
    }


def _forget(which: Any) -> None:
    """Pairs nobody has looked at yet; they follow from the names."""
    db.session.execute(
        delete(SimilarPair)
        .where(which, SimilarPair.dismissed_at.is_(None))
        .execution_options(synchronize_session=False)
    )


def fill_keys(*, size: int = CHUNK) -> list[str]:
    """Give a bare name to entries that have none yet (imports), ``size`` of them; what they sound like.

    Their pairs that nobody has looked at are forgotten: they follow from the names of before.
    """
    rows = db.session.execute(
        select(Organization.id, Organization.name)
        .where(Organization.sound_key == "")
        .order_by(Organization.id)
        .limit(size)
    ).all()
    if not rows:
        return []
    values, sounds = [], set()
    for number, name in rows:
        key, sound = name_keys(name)
        values.append({"number": number, "key": key, "sound": sound or "-"})
        sounds.add(sound or "-")
    table = Organization.__table__
    db.session.execute(
        # Who was renamed meanwhile has the keys of the new name.
        update(table)
        .where(table.c.id == bindparam("number"), table.c.sound_key == "")
        .values(name_key=bindparam("key"), sound_key=bindparam("sound")),
        values,
    )
    ids = [number for number, _name in rows]
    _forget(SimilarPair.first_id.in_(ids) | SimilarPair.second_id.in_(ids))
    return sorted(sounds)


def compare_new(*, size: int = CHUNK) -> int:
    """Bring the pairs of similar names up to date for entries that came in bulk, ``size`` of them; how many.

    The caller commits, and asks again until there are none.
    """
    sounds = [sound for sound in fill_keys(size=size) if sound != "-"]
    if not sounds:
        return 0
    counts = dict(
        db.session.execute(
            select(Organization.sound_key, func.count())
            .where(Organization.sound_key.in_(sounds))
            .group_by(Organization.sound_key)
        ).all()
    )
    usual = [sound for sound, number in counts.items() if number > COMMON]
    if usual:
        named = select(Organization.id).where(Organization.sound_key.in_(usual))
        _forget(SimilarPair.first_id.in_(named))
    few = [sound for sound, number in counts.items() if 2 <= number <= COMMON]
    if few:
        _pairs_of(few)
    return len(sounds)


def find_all_pairs(*, size: int = CHUNK) -> Iterator[int]:
    """Make the pairs of the whole register anew, in parts; what was dismissed stays so. Yields how many so far."""
    db.session.execute(delete(SimilarPair).where(SimilarPair.dismissed_at.is_(None)))
    last, made = "", 0
    while True:
        sounds = db.session.scalars(
            select(Organization.sound_key)
            .where(Organization.sound_key > last, Organization.sound_key != "-")
            .group_by(Organization.sound_key)
            .having(func.count().between(2, COMMON))
            .order_by(Organization.sound_key)
            .limit(size)
        ).all()
        if not sounds:
            return
        last = sounds[-1]
        made += _pairs_of(list(sounds))
        yield made


def _pairs_of(sounds: list[str]) -> int:
    columns = (
        Organization.id, Organization.agency_id, Organization.register_class, Organization.credit_code,
        Organization.division_code, Organization.name_key, Organization.sound_key,
    )  # fmt: skip
    groups: dict[str, list[Any]] = {}
    for row in db.session.execute(
        select(*columns).where(Organization.sound_key.in_(sounds)).order_by(Organization.id)
    ):
        groups.setdefault(row.sound_key, []).append(row)
    named = select(Organization.id).where(Organization.sound_key.in_(sounds))
    known = {
        (first, second)
        for first, second in db.session.execute(
            select(SimilarPair.first_id, SimilarPair.second_id).where(SimilarPair.first_id.in_(named))
        )
    }
    made = [
        _pair(first, second)
        for group in groups.values()
        for place, first in enumerate(group)
        for second in group[place + 1 :]
        if worth_looking(_looked_at(first), _looked_at(second)) and (first.id, second.id) not in known
    ]
    if made:
        db.session.execute(insert(SimilarPair), made)
    return len(made)


def dismiss(pair: SimilarPair, *, note: str, by: Any) -> None:
    """Somebody looked: these are two bodies."""
    if pair.dismissed_at is not None:
        raise Refusal(Message(N_("This pair was looked at already.")), status=409)
    if not (
        by.may("organization.edit", agency_id=pair.agency_id)
        or by.may("organization.edit", agency_id=pair.other_agency_id)
    ):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not note.strip():
        raise Refusal(Message(N_("Say why these are two bodies.")))
    pair.dismissed_by, pair.dismissed_at, pair.note = by.actor_id, clock.now(), note.strip()
    db.session.flush()
    record(pair, "dismissed", by=by, details={"note": note.strip()})


# Joining two entries ----------------------------------------------------------------------------------


def why_not(kept: Organization, gone: Organization) -> list[Message]:
    """What stands against joining two entries; empty when nothing does."""
    found = []
    if kept.id == gone.id:
        return [Message(N_("Choose two entries."))]
    if gone.credit_code and not kept.credit_code:
        found.append(Message(N_("Keep the entry that has the credit code: the other one goes.")))
    found += [
        Message(
            N_(
                "A row of “%(table)s” ties the two entries to each other: a body is not tied to itself, so these are two."
            ),
            {"table": _words(name)},
        )
        for name in tied(kept.id, gone.id)
    ]
    for link in organization_links():
        if not _may_set_aside(link) and twins(link, kept.id, gone.id):
            found.append(
                Message(
                    N_("Both entries have a row of “%(table)s” for the same thing: settle that first."),
                    {"table": _words(link.table.name)},
                )
            )
    return found


def _words(table: str) -> Message:
    return Message(TABLE_WORDS.get(table, OTHER_ROWS))


def _may_set_aside(link: Link) -> bool:
    """Rows of the register say what the register knows; what money or projects rest on is never set aside."""
    return any(
        item.local_table is link.table and item.class_.__module__.startswith("registry.")
        for item in Organization.registry.mappers
    )


def propose_merge(kept: Organization, gone: Organization, *, reason: str, by: Any) -> OrganizationMerge:
    """Say that two entries are one body. The unit of the entry that goes confirms it, by another person."""
    if not by.may("organization.edit", agency_id=kept.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    if not reason.strip():
        raise Refusal(Message(N_("Say why the two entries are one body.")))
    if queries.open_merge(kept.id, gone.id) is not None:
        raise Refusal(Message(N_("A join with one of these entries is proposed already.")), status=409)
    for sentence in why_not(kept, gone):
        raise Refusal(sentence, rule="RDU-1", source=NAMES)
    merge = OrganizationMerge(
        agency_id=gone.agency_id,
        kept_id=kept.id,
        gone_id=gone.id,
        gone_name=gone.name,
        reason=reason.strip(),
        proposed_by=by.actor_id,
        proposed_at=clock.now(),
    )
    db.session.add(merge)
    db.session.flush()
    record(merge, "proposed", by=by, details={"kept": kept.id, "gone": gone.id, "note": reason.strip()})
    return merge


def drop_merge(merge: OrganizationMerge, *, note: str, by: Any) -> None:
    if by.id != merge.proposed_by and not by.may("organization.verify", agency_id=merge.agency_id):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    fire(merge, "drop", by=by, note=note.strip())


def confirm_merge(merge: OrganizationMerge, *, by: Any) -> None:
    """Make the two entries one: every row that names the one that goes names the other from now on."""
    gone = db.session.get(Organization, merge.gone_id)
    kept = merge.kept
    if gone is None:
        raise Refusal(Message(N_("The entry to be joined is no more.")), status=409)
    for sentence in why_not(kept, gone):
        raise Refusal(sentence, rule="RDU-1", source=NAMES)
    fire(merge, "confirm", by=by)
    was = {column.name: plain(getattr(gone, column.name)) for column in Organization.__table__.columns}
    _take_over(kept, gone, by=by)
    moved, aside = _move(kept.id, gone.id)
    db.session.execute(
        delete(SimilarPair).where((SimilarPair.first_id == gone.id) | (SimilarPair.second_id == gone.id))
    )
    number = gone.id
    db.session.expire_all()
    db.session.expunge(gone)
    db.session.execute(delete(Organization).where(Organization.id == number))
    merge.moved, merge.set_aside = moved, {"organization": [was], **aside}
    db.session.flush()
    find_pairs(kept)
    append("organization", number, "merged_away", by=by, details={"kept": kept.id, "merge": merge.id})
    record(
        kept,
        "merged",
        by=by,
        details={"merge": merge.id, "gone": number, "note": merge.gone_name, "moved": moved},
    )


def _take_over(kept: Organization, gone: Organization, *, by: Actor) -> None:
    """Fill what the kept entry does not know, and remember the other's name and code."""
    changed = {}
    for field in (
        "address",
        "phone",
        "business_scope",
        "registered_on",
        "legal_representative_id",
        "community_type",
    ):
        value = getattr(gone, field)
        if value and not getattr(kept, field):
            changed[field] = [None, plain(value)]
            setattr(kept, field, value)
    keep_changes(
        kept,
        {"merged": [gone.name, kept.name], **changed},
        source="merge",
        evidence=gone.credit_code or "",
        by=by,
    )
    keep_former(kept, "number", str(gone.id))
    if gone.name != kept.name:
        keep_former(kept, "name", gone.name)
    if gone.credit_code and gone.credit_code != kept.credit_code:
        keep_former(kept, "code", gone.credit_code)


def _move(kept_id: int, gone_id: int) -> tuple[dict[str, int], dict[str, list[dict[str, Any]]]]:
    """Move every link; what the kept entry has already is written down whole and taken out."""
    moved: dict[str, int] = {}
    aside: dict[str, list[dict[str, Any]]] = {}
    for link in organization_links():
        table = link.table
        for one, twin in twins(link, kept_id, gone_id):
            row = db.session.execute(select(table).where(table.c.id == one)).mappings().one()
            aside.setdefault(table.name, []).append({key: _json(value) for key, value in row.items()})
            for child in links_to(table):
                db.session.execute(
                    update(child.table).where(child.column == one).values({child.column.name: twin})
                )
            db.session.execute(delete(table).where(table.c.id == one))
        changed = db.session.execute(
            update(table).where(link.column == gone_id).values({link.column.name: kept_id})
        ).rowcount  # type: ignore[attr-defined]
        if changed:
            moved[table.name] = moved.get(table.name, 0) + changed
    return moved, aside


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    value = plain(value)
    return value if isinstance(value, (str, int, bool, list, dict, type(None))) else str(value)
