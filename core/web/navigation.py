"""The menu and the worklist, filled by the rooms.

Upper floors register what they offer; nothing here calls upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g, request, url_for
from flask_login import current_user

from core import clock
from core.money import Money
from core.text import Message

# Rail groups in their order; rooms name one of them.
GROUPS = ("", "grants", "projects", "money", "register")


@dataclass(frozen=True, slots=True)
class Entry:
    """A link in the rail, shown to those holding one of ``permissions`` of whom ``only`` holds."""

    endpoint: str
    label: str
    icon: str
    group: str
    order: int
    permissions: tuple[str, ...]
    only: Callable[[Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for one person: what, where, until when."""

    title: Message
    url: str
    action: Message
    due: date | None = None
    meta: Message | None = None
    amount: Money | None = None

    @property
    def days_left(self) -> int | None:
        return clock.working_days_left(self.due) if self.due else None


_entries: dict[str, Entry] = {}
_sources: dict[str, Callable[[Any], Iterable[Task]]] = {}


def add_entry(
    endpoint: str,
    label: str,
    *,
    icon: str,
    group: str,
    order: int,
    permissions: tuple[str, ...],
    only: Callable[[Any], bool] | None = None,
) -> None:
    """Offer a link in the rail; registering it again replaces it.

    ``only(user)`` may narrow it further; asked on every page of those who hold a permission, it costs
    one query at most.
    """
    if group not in GROUPS:
        raise ValueError(f"unknown group {group}")
    _entries[endpoint] = Entry(endpoint, label, icon, group, order, permissions, only)


def add_tasks(name: str, source: Callable[[Any], Iterable[Task]]) -> None:
    """``source(user)`` gives what waits for the user in this room; one or two queries, no more."""
    _sources[name] = source


def entries() -> list[Entry]:
    return sorted(_entries.values(), key=lambda item: (GROUPS.index(item.group), item.order))


def tasks_for(user: Any) -> list[Task]:
    """Everything that waits for ``user``, the nearest date first, undated last."""
    found = [task for source in _sources.values() for task in source(user)]
    return sorted(found, key=lambda task: (task.due is None, task.due or date.max))


HEADS = {
    "": None,
    "grants": "Calls and review",
    "projects": "Projects",
    "money": "Money",
    "register": "Register and oversight",
}


def menu() -> list[dict[str, Any]]:
    """The rail for the signed-in person: groups with their links.

    A room with two entries, or a page that belongs to another room's, names its place in
    ``g.menu_entry`` (an endpoint).
    """
    shown = g.get("menu_entry")
    # The proxy is looked up once, not for each of some thirty entries.
    user = current_user._get_current_object()
    groups: dict[str, list[dict[str, Any]]] = {}
    for item in entries():
        if item.permissions and not any(user.may_somewhere(need) for need in item.permissions):
            continue
        if item.only is not None and not item.only(user):
            continue
        current = item.endpoint == shown if shown else request.blueprint == item.endpoint.split(".")[0]
        groups.setdefault(item.group, []).append(
            {
                "endpoint": item.endpoint,
                "url": url_for(item.endpoint),
                "label": item.label,
                "icon": item.icon,
                "current": current,
                "count": None,
                "due": False,
            }
        )
    return [{"head": HEADS[group], "links": groups[group]} for group in GROUPS if group in groups]
