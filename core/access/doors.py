"""Which role opens which endpoint, read from the URL map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from core.access.policy import ROLES


@dataclass(frozen=True, slots=True)
class Door:
    """An endpoint and who may enter. ``permissions`` is ``None`` for everybody, empty for anybody
    signed in, else one of them is needed.
    """

    endpoint: str
    methods: tuple[str, ...]
    rule: str
    permissions: tuple[str, ...] | None

    def opens_for(self, role: str | None) -> bool:
        """Whether the role (``None``: nobody signed in) passes the gate."""
        if self.permissions is None:
            return True
        if role is None:
            return False
        return not self.permissions or bool(ROLES[role].permissions & set(self.permissions))


def doors(app: Flask) -> list[Door]:
    """Every rule of the application but its static files, by endpoint."""
    return sorted(
        (
            Door(
                endpoint=rule.endpoint,
                methods=tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})),
                rule=rule.rule,
                permissions=getattr(app.view_functions[rule.endpoint], "allowed", None),
            )
            for rule in app.url_map.iter_rules()
            if hasattr(app.view_functions[rule.endpoint], "allowed")
        ),
        key=lambda door: (door.endpoint, door.rule),
    )


def matrix(app: Flask) -> Iterator[list[str]]:
    """Endpoint × role as rows of text, the head first: ``x`` may enter, ``-`` may not."""
    yield ["endpoint", "methods", "url", "needs", "nobody", *ROLES]
    for door in doors(app):
        if door.permissions is None:
            needs = "nothing"
        else:
            needs = " or ".join(door.permissions) or "an account"
        entries = ["x" if door.opens_for(role) else "-" for role in (None, *ROLES)]
        yield [door.endpoint, " ".join(door.methods), door.rule, needs, *entries]
