"""Wrong input for every route of the URL map: wrong types, huge, empty, not UTF-8, repeated, out of range.

Each request is made by the mightiest user there could be (every role at once, past all doors that a
role opens) or by nobody. The rule: no answer of 500 or more, no exception, and when the answer is
no success then nothing was written. A seed tells the whole campaign again.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import random
import re
import secrets
import sqlite3
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from flask import Flask
from sqlalchemy import select
from werkzeug.routing import AnyConverter, IntegerConverter, Rule

from app.factory import create_app
from core import clock
from core.access.policy import ROLES
from core.db import db, transaction
from core.web.forms import Form
from registry.accounts.models import RoleAssignment, User
from registry.organizations.models import Organization

ROOT = Path(__file__).resolve().parents[2]
NASTY: tuple[bytes, ...] = (
    b"", b" ", b"0", b"-1", b"1", b"2", b"3", b"00", b"-0", b"1.005", b"9" * 30, b"-" + b"9" * 30, b"1e400", b"1e9", b"NaN",
    b"Infinity", b"-inf", b"0x10", b"1_000", b"2147483648", b"9223372036854775807", b"9223372036854775808",
    b"92233720368547758.08", b"0.001", b"\xff\xfe", b"\x80", b"abc\xf0\x28\x8c\x28", b"\xed\xa0\x80", b"\r\n",
    "１２".encode(), "٣".encode(), "½".encode(), "⑫".encode(), "善".encode() * 5000, b"a" * 100_000, "\u202e反".encode(), "𠮷".encode(),
    b"2026-02-30", b"9999-12-31", b"0001-01-01", b"0000-00-00", b"2026-05-03", b"2026-13-01T99:99", b"9999-12-31T23:59",
    b"0001-01-01T00:00", b"<script>alert(1)</script>", b"' OR 1=1 --", b"%", b"_", b"\\", b"../../etc/passwd", b"%(x)s", b"{{7*7}}", b"%d",
    b"true", b"null", b"[]", b"{}", b'{"a":', b"[[[[[[", b"y", b"yes", b"no", b"https://elsewhere.example/", b"//elsewhere.example", b"1,2,3",
    b"-1|-1", b"=cmd|' /C calc'!A0",
)  # fmt: skip
PLAUSIBLE = (
    b"1",
    b"2",
    b"3",
    b"100.00",
    b"2026-05-03",
    b"2026-12-01T09:30",
    b"y",
    b"yes",
    "说明".encode(),
    b"",
    b"80",
    b"elderly",
    b"midterm",
)
NUMBERS = (0, 1, 2, 3, 5, 7, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**40)
FILES: tuple[tuple[bytes, bytes, bytes], ...] = (
    (b"a.pdf", b"application/pdf", b""),
    (b"a.pdf", b"application/pdf", b"%PDF-1.4\n%broken"),
    (b"../../a.png", b"image/png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 50),
    (b"\xff\xfe.xlsx", b"nonsense", b"PK\x03\x04" + b"\xff" * 200),
    (b"", b"", b"x"),
    (
        "名单.xlsx".encode(),
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        b"not a zip",
    ),
    (b"a.csv", b"text/csv", b"\xff\xfea,b\n1,2,3\n\x00"),
)
# Signing out ends the campaign, and nothing else.
SPARED = {"static", "bootstrap.static", "accounts.sign_out"}
# Failed sign-ins are counted on purpose.
COUNTED = {"accounts.sign_in", "accounts.change_password"}


@dataclass(frozen=True)
class Shot:
    """One request, such that it can be told again."""

    who: str
    method: str
    path: bytes
    query: bytes
    body: bytes
    content_type: str

    def __str__(self) -> str:
        body = self.body[:300] + (b"..." if len(self.body) > 300 else b"")
        return f"{self.who or 'nobody'} {self.method} {self.path[:200]!r}?{self.query[:200]!r} {body!r}"


def open_world(instance: Path, url: str = "") -> Flask:
    """An application on this instance (and the database of ``url``), whose errors come out."""
    return create_app(
        {
            "INSTANCE": instance,
            "SQLALCHEMY_DATABASE_URI": url or f"sqlite:///{instance / 'shanzhi.db'}",
            "APP_DEMO": True,
            "TESTING": True,
            "PROPAGATE_EXCEPTIONS": True,
        }
    )


def make_mighty(app: Flask) -> None:
    """Give ``clerk`` every role: at the first unit and at the first organizations."""
    with app.app_context(), transaction() as session:
        user = session.scalars(select(User).where(User.login == "clerk")).one()
        agency = session.scalars(
            select(RoleAssignment.agency_id).where(RoleAssignment.user_id == user.id)
        ).first()
        bodies = session.scalars(select(Organization.id).order_by(Organization.id).limit(4)).all()
        have = {item.role for item in user.roles}
        for role in ROLES.values():
            places = [(agency, None)] if role.held_at == "agency" else [(None, body) for body in bodies]
            for unit, body in places:
                if role.name not in have:
                    session.add(
                        RoleAssignment(
                            user_id=user.id, role=role.name, agency_id=unit, organization_id=body, valid_from=clock.today()
                        )
                    )  # fmt: skip


class Campaign:
    """Shoots at the routes of one application and tells what broke."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.app, self.random = app, random.Random(seed)
        make_mighty(app)
        self.database = sqlite3.connect(Path(app.instance_path) / "shanzhi.db")
        self.names: dict[str, list[str]] = {}
        self.clients = {"": self._client(""), "mighty": self._client("mighty")}
        self.shots = 0
        self.answers: dict[int, int] = {}

    def rules(self) -> list[Rule]:
        return [rule for rule in self.app.url_map.iter_rules() if rule.endpoint not in SPARED]

    def run(self, rounds: int) -> Iterator[str]:
        """``rounds`` shots at each route by each person; what broke, one text each."""
        for rule in self.rules():
            for who in ("mighty", ""):
                # Nobody is stopped at the door: fewer shots say so.
                for _ in range(rounds if who else max(1, rounds // 3)):
                    for method in sorted(rule.methods & {"GET", "POST"}):
                        yield from self.shoot(rule, self.aim(rule, method, who))

    def value(self, spice: float) -> bytes:
        """What somebody might type, or with this chance what nobody should."""
        return self.random.choice(NASTY if self.random.random() < spice else PLAUSIBLE)

    # Aiming -----------------------------------------------------------------------------------------

    def aim(self, rule: Rule, method: str, who: str) -> Shot:
        pick = self.random
        values: dict[str, Any] = {}
        for name in rule.arguments:
            kind = rule._converters[name]
            if isinstance(kind, IntegerConverter):
                values[name] = pick.choice(NUMBERS) if pick.random() < 0.3 else pick.randint(1, 30)
            elif isinstance(kind, AnyConverter):
                values[name] = pick.choice(sorted(kind.items))
            else:
                values[name] = pick.choice(
                    ("x", "善", "a" * 3000, "%00", "..", "1", "' OR 1=1", "elderly", "midterm", "final")
                )
        with self.app.test_request_context():
            path = self.app.url_map.bind("localhost").build(rule.endpoint, values, method=method).encode()
        names = self.fields(rule.endpoint)
        query = self.pairs(names) if method == "GET" or pick.random() < 0.1 else b""
        if method == "GET":
            return Shot(who, method, path, query, b"", "")
        return Shot(who, method, path, query, *self.body(names))

    def body(self, names: list[str]) -> tuple[bytes, str]:
        pick = self.random.random()
        if pick < 0.05:
            return self.random.choice((b'{"a": [1, 2', b"[1, 2]", b'"x"', b"{}")), "application/json"
        if pick < 0.08:
            return b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x"
        if pick < 0.09:
            return b"a=" + b"b" * 3_000_000, "application/x-www-form-urlencoded"
        if pick < 0.35:
            return self.multipart(names), "multipart/form-data; boundary=xXx"
        return self.pairs(names), "application/x-www-form-urlencoded"

    def pairs(self, names: list[str]) -> bytes:
        spice = self.random.choice((0.1, 0.4, 1.0))
        chosen = [name for name in names if self.random.random() < 0.7] or ["q"]
        pairs = []
        for name in chosen:
            for _ in range(2 if self.random.random() < 0.15 else 1):
                value = quote_from_bytes(self.value(spice)).encode()
                pairs.append(quote_from_bytes(name.encode()).encode() + b"=" + value)
        if self.random.random() < 0.03:
            pairs.append(b"q=a%00b")
        return b"&".join(pairs)

    def multipart(self, names: list[str]) -> bytes:
        parts, spice = [], self.random.choice((0.1, 0.4, 1.0))
        for name in names:
            head = b'--xXx\r\nContent-Disposition: form-data; name="' + name.encode() + b'"'
            if self.random.random() < 0.3 or name in ("file", "photo"):
                title, kind, content = self.random.choice(FILES)
                head += b'; filename="' + title + b'"\r\nContent-Type: ' + kind
            else:
                content = self.value(spice)
            parts.append(head + b"\r\n\r\n" + content + b"\r\n")
        return b"".join(parts) + b"--xXx--\r\n"

    def fields(self, endpoint: str) -> list[str]:
        """The names that the route may read: its room's forms, and what its routes ask of the request."""
        if endpoint not in self.names:
            view = inspect.unwrap(self.app.view_functions[endpoint])
            room = view.__module__.rsplit(".", 1)[0]
            found = {"q", "after", "before", "page", "sort", "year", "state", "view", "next", "do"}
            for part in ("routes", "forms", "queries"):
                name = f"{room}.{part}"
                if importlib.util.find_spec(name) is None:
                    continue
                module = importlib.import_module(name)
                text = inspect.getsource(module)
                found.update(
                    re.findall(
                        r"""(?:args|form|values|files|typed)\.?(?:get|getlist)?[\[(]["'](\w+)["']""", text
                    )
                )
                for member in vars(module).values():
                    if inspect.isclass(member) and issubclass(member, Form):
                        found.update(
                            name
                            for name in dir(member)
                            if hasattr(getattr(member, name, None), "field_class")
                        )
            # Rows and sheets have numbered names.
            found.update(
                f"{stem}-{n}"
                for stem in ("points", "amount", "item", "lines", "note", "answer")
                for n in (0, 1, 2, 57)
            )
            self.names[endpoint] = sorted(found)
        return self.names[endpoint]

    # Shooting ---------------------------------------------------------------------------------------

    def shoot(self, rule: Rule, shot: Shot) -> Iterator[str]:
        client, token = self.clients[shot.who]
        body = shot.body
        if shot.method == "POST":
            keys = {b"csrf_token": token.encode(), b"_key": secrets.token_hex(16).encode()}
            if shot.content_type.startswith("application/x-www"):
                body = b"&".join([*(name + b"=" + value for name, value in keys.items()), body])
            elif shot.content_type.endswith("xXx"):
                body = (
                    b"".join(
                        b'--xXx\r\nContent-Disposition: form-data; name="'
                        + name
                        + b'"\r\n\r\n'
                        + value
                        + b"\r\n"
                        for name, value in keys.items()
                    )
                    + body
                )
        before = self.mark()
        self.shots += 1
        try:
            answer = client.open(
                path=shot.path.decode(),
                query_string=shot.query.decode(),
                method=shot.method,
                data=body or None,
                content_type=shot.content_type or None,
                headers={"Accept-Language": "\u00ff;q=x"} if self.random.random() < 0.02 else None,
            )
            status, content = answer.status_code, answer.get_data()
            answer.close()
        except Exception:
            yield f"{rule.endpoint}: {shot}\n{_where()}"
            self.clients[shot.who] = self._client(shot.who)
            return
        self.answers[status] = self.answers.get(status, 0) + 1
        if status >= 500 or b"Traceback (most recent call last)" in content:
            yield f"{rule.endpoint}: {shot} answers {status}"
        if (status >= 400 or shot.method == "GET") and self.mark() != before and rule.endpoint not in COUNTED:
            yield f"{rule.endpoint}: {shot} answers {status} and has written"
        if shot.who and status in (302, 303) and "/sign-in" in answer.headers.get("Location", ""):
            self.clients[shot.who] = self._client(shot.who)

    def mark(self) -> int:
        """Changes whenever anybody has committed a write."""
        return int(self.database.execute("PRAGMA data_version").fetchone()[0])

    def _client(self, who: str) -> tuple[Any, str]:
        client = self.app.test_client()
        if who:
            with self.app.app_context(), transaction() as session:
                user = session.scalars(select(User).where(User.login == "clerk")).one()
                user.active = True
                for item in user.roles:
                    item.valid_to = None
                identity = user.get_id()
            with client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = identity, True
        page = client.get("/account" if who else "/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None, page[:2000]
        return client, token[1]

    def close(self) -> None:
        self.database.close()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


def _where() -> str:
    """The end of a traceback: the product's own lines and what was raised."""
    lines = traceback.format_exc().splitlines()
    own = [
        line.strip() for line in lines if str(ROOT) in line and ".venv" not in line and "/tests/" not in line
    ]
    return "\n".join([*own[-3:], *lines[-3:]])[:1500]
