"""Proof: what must always be true of the register, one query for each way it could be broken.

Each room says beside its queries what must hold of its own rows; ``flask registry check`` asks all of
them and names every row that breaks one. A check finds the broken rows and never mends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select

from core.db import db
from core.text import Message

Found = Select[Any] | Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant: ``sentence`` tells of one broken row with the values that ``find`` gives for it."""

    name: str
    sentence: str
    find: Callable[[], Found]

    def broken(self) -> Iterator[Message]:
        """A sentence for each broken row, one after the other, none of them kept."""
        found = self.find()
        rows: Iterable[Any] = (
            db.session.execute(found.execution_options(yield_per=500)).mappings()
            if isinstance(found, Select)
            else found
        )
        for row in rows:
            yield Message(self.sentence, {key: _plain(value) for key, value in row.items()})


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else str(value)


_checks: dict[str, Check] = {}


def add_check(name: str, sentence: str, find: Callable[[], Found]) -> None:
    """Register an invariant of a room.

    ``find`` gives the broken rows: a select whose labelled columns fill the places of ``sentence`` (an
    English id marked with ``N_``), or an iterable of mappings.

        add_check("double-code", N_("Credit code %(code)s stands %(times)s times."), lambda: select(…))
    """
    if name in _checks:
        raise ValueError(f"two checks are called {name}")
    _checks[name] = Check(name, sentence, find)


def checks() -> list[Check]:
    return list(_checks.values())
