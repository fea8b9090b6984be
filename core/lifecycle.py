"""One lifecycle engine: states and transitions are a table per aggregate.

``fire()`` is the only way to change a state. It asks the guard, changes the row by
compare-and-swap (of two people acting at once one wins, the other is told), runs the effect and
writes the audit entry, all in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from core.access.policy import Refusal
from core.audit.services import Actor, record
from core.db import db
from core.text import N_, Message

Guard = Callable[..., None]


@dataclass(frozen=True, slots=True)
class State:
    """A state with its word and its tone (draft, active, waiting, done, wrong, closed)."""

    name: str
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A way from one of ``sources`` to ``target``.

    ``permission`` is held at the thing's owner: ``agency_id``, or ``organization_id`` with
    ``holder="organization"``. ``guard(thing, by=…)`` raises :class:`Refusal`; ``effect(thing,
    by=…)`` runs after the state has changed. ``event`` is the audit's past-tense word.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    label: str
    event: str
    permission: str | None = None
    holder: str = "agency"
    guard: Guard | None = None
    effect: Callable[..., None] | None = None


@dataclass
class Lifecycle:
    """The table of one aggregate; ``model`` has a ``state`` column."""

    model: type[Any]
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    by_name: dict[str, Transition] = field(init=False)
    by_state: dict[str, State] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {item.name: item for item in self.transitions}
        self.by_state = {item.name: item for item in self.states}
        for item in self.transitions:
            unknown = {*item.sources, item.target} - set(self.by_state)
            if unknown:
                raise ValueError(f"{self.model.__name__}.{item.name} names unknown states {unknown}")
        LIFECYCLES[self.model.__name__] = self

    @property
    def initial(self) -> str:
        return self.states[0].name


LIFECYCLES: dict[str, Lifecycle] = {}


class Conflict(Refusal):
    """Somebody else changed the thing first."""

    status = 409


def lifecycle_of(thing: Any) -> Lifecycle:
    return LIFECYCLES[type(thing).__name__]


def state_of(thing: Any) -> State:
    """The state of a thing with its word and tone."""
    return lifecycle_of(thing).by_state[thing.state]


def available(thing: Any, by: Any) -> list[Transition]:
    """Transitions that start from the present state and that ``by`` has the permission for."""
    return [
        item
        for item in lifecycle_of(thing).transitions
        if thing.state in item.sources and _permitted(thing, item, by)
    ]


def _permitted(thing: Any, item: Transition, by: Any) -> bool:
    if item.permission is None:
        return True
    if item.holder == "organization":
        return by.may(item.permission, organization_id=thing.organization_id)
    return by.may(item.permission, agency_id=thing.agency_id)


def fire(
    thing: Any, name: str, *, by: Actor, note: str = "", details: dict[str, Any] | None = None, **facts: Any
) -> None:
    """Take the transition ``name``. Raises :class:`Refusal` when permission, state or guard says no."""
    table = lifecycle_of(thing)
    item = table.by_name[name]
    db.session.flush()
    if not _permitted(thing, item, by):
        raise Refusal(Message(N_("You do not have the permission for this step.")), status=403)
    # Raise what the row says now, not what was read before another person's change.
    db.session.refresh(thing, ["state"])
    if thing.state not in item.sources:
        raise _out_of_turn(table, thing)
    if item.guard is not None:
        item.guard(thing, by=by, **facts)
    source = thing.state
    db.session.flush()
    changed = db.session.execute(
        update(table.model)
        .where(table.model.id == thing.id, table.model.state == source)
        .values(state=item.target)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        db.session.refresh(thing, ["state"])
        raise _out_of_turn(table, thing)
    db.session.refresh(thing, ["state"])
    if item.effect is not None:
        item.effect(thing, by=by, **facts)
    record(
        thing,
        item.event,
        by=by,
        details={"from": source, "to": item.target, **({"note": note} if note else {}), **(details or {})},
    )


def _out_of_turn(table: Lifecycle, thing: Any) -> Conflict:
    state = table.by_state[thing.state]
    return Conflict(
        Message(
            N_(
                "This is now “%(state)s”: somebody acted before you, or the step is not due. Reload and look."
            ),
            {"state": Message(state.label)},
        )
    )
