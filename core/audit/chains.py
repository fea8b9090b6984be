"""Chains of keyed hashes: cheap proof that nobody changed, removed or slipped in a row.

Each object (audit) and each account (postings) has its own chain: row *n* carries an HMAC over
all its columns and the hash of row *n − 1*, keyed with a secret outside the database. The newest
hash of each chain is appended to a seal file outside the database at each commit, so that a cut
tail shows too, also when new rows were written over the cut.

What this cannot show: whoever cuts the end of a chain *and* the lines of the seal file that tell of
it, on the same machine, leaves nothing behind. A seal file copied elsewhere (another machine, write-once
media, each backup) shows that too. A missing line alone shows as a chain longer than its seals.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import NullType

from core import clock
from core.db import InstantType, MoneyType, after_commit, db

GENESIS = "0" * 64


def canonical(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, instants in UTC with microseconds."""

    def plain(item: Any) -> Any:
        if isinstance(item, datetime):
            return clock.local(item).astimezone(clock.UTC).isoformat(timespec="microseconds")
        return str(item)

    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=plain)


def key_folder() -> Path:
    return Path(current_app.instance_path) / "keys"


def chain_keys() -> dict[int, bytes]:
    """The keys of this instance by number; the first is made at the first use.

    The highest number writes; the older ones only verify what they once wrote.
    """
    keys = current_app.extensions.get("chain_keys")
    if keys is None:
        if not list(key_folder().glob("chain-*.key")):
            _make_key(1)
        keys = {
            int(path.stem.removeprefix("chain-")): path.read_bytes()
            for path in key_folder().glob("chain-*.key")
        }
        current_app.extensions["chain_keys"] = keys
    return keys


def rotate_key() -> int:
    """A new key for everything written from now on; returns its number. Running servers take it up when
    they are started again."""
    number = max(chain_keys()) + 1
    _make_key(number)
    current_app.extensions.pop("chain_keys")
    return number


def _make_key(number: int) -> None:
    """A key readable by its owner alone."""
    folder = key_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"draft-{secrets.token_hex(6)}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(32))
    # Two processes starting at once: the first link stays, the second uses it.
    with contextlib.suppress(FileExistsError):
        os.link(draft, folder / f"chain-{number}.key")
    draft.unlink()


def chain_hash(content: dict[str, Any], previous: str) -> str:
    """The hash of a row over every column but the hash itself and over the hash before it, with the
    number of the key in front: ``1:9f2c…``."""
    number = max(chain_keys())
    return f"{number}:{_keyed(content, previous, number)}"


def is_genuine(content: dict[str, Any], previous: str, digest: str) -> bool:
    """Whether ``digest`` is the hash that its key gives for this content."""
    number, _, hexadecimal = digest.partition(":")
    if not number.isdecimal() or int(number) not in chain_keys():
        return False
    return hmac.compare_digest(hexadecimal, _keyed(content, previous, int(number)))


def _keyed(content: dict[str, Any], previous: str, number: int) -> str:
    text = f"{previous}\n{canonical(content)}".encode()
    return hmac.new(chain_keys()[number], text, hashlib.sha256).hexdigest()


def seal_head(chain: str, key: str, seq: int, digest: str) -> None:
    """Note the newest link of a chain; it reaches the seal file when the transaction commits."""
    info = db.session().info
    heads = info.setdefault("heads", {})
    if not heads:
        after_commit(_write_heads)
    heads[(chain, key)] = (seq, digest)


def _write_heads() -> None:
    heads = db.session().info.pop("heads", {})
    append_seals((chain, key, seq, digest) for (chain, key), (seq, digest) in heads.items())


def append_seals(heads: Iterable[tuple[str, str, int, str]]) -> None:
    """Append heads to this month's seal file, one line each, in one write."""
    at = clock.now()
    lines = []
    for chain, key, seq, digest in heads:
        content = {"at": at, "chain": chain, "key": key, "seq": seq, "hash": digest}
        lines.append(canonical({**content, "mac": chain_hash(content, GENESIS)}) + "\n")
    if not lines:
        return
    path = seal_folder() / f"heads-{at:%Y-%m}.jsonl"
    # O_APPEND keeps the lines of several processes whole.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, "".join(lines).encode())
    finally:
        os.close(descriptor)


def seal_folder() -> Path:
    return Path(current_app.instance_path) / "seals"


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold, named for the person who must look."""

    chain: str
    key: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.chain} {self.key} #{self.seq}: {self.what}"


@dataclass(frozen=True, slots=True)
class Seals:
    """What the seal files say: the hash of each sealed link, the lines that are not ours, and when the
    newest line was written (ISO 8601; empty without any)."""

    links: dict[str, dict[str, dict[int, str]]]
    breaks: list[Break]
    newest: str

    def of(self, chain: str) -> dict[str, dict[int, str]]:
        return self.links.get(chain, {})


def read_seals() -> Seals:
    """Every seal line of this instance; two lines that contradict each other are a break."""
    links: dict[str, dict[str, dict[int, str]]] = {}
    breaks: list[Break] = []
    newest = ""
    folder = seal_folder()
    for path in sorted(folder.glob("heads-*.jsonl")) if folder.exists() else []:
        with path.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                content = _seal(line)
                if content is None:
                    breaks.append(Break("seal", path.name, number, "this line is not a genuine seal"))
                    continue
                newest = max(newest, content["at"])
                known = links.setdefault(content["chain"], {}).setdefault(content["key"], {})
                if known.setdefault(content["seq"], content["hash"]) != content["hash"]:
                    breaks.append(
                        Break(content["chain"], content["key"], content["seq"], "was sealed with two hashes")
                    )
    return Seals(links, breaks, newest)


def _seal(line: str) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
        mac = content.pop("mac")
        return content if is_genuine(content, GENESIS, mac) else None
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


# How a chain table names its heads, for sealing them all: (key, number, hash).
Heads = Callable[[], Iterable[tuple[str, int, str]]]
_chains: dict[str, Heads] = {}


def add_chain(chain: str, heads: Heads) -> None:
    """Let ``heads`` name the newest link of every chain of this table."""
    _chains[chain] = heads


def unsealed_heads(seals: Seals) -> list[tuple[str, str, int, str]]:
    """Heads beyond their newest seal: a process died between commit and seal, or a line is gone."""
    return [
        (chain, key, seq, digest)
        for chain, heads in sorted(_chains.items())
        for key, seq, digest in heads()
        if isinstance(seq, int) and seq > max(seals.of(chain).get(key, {0: ""}))
    ]


def seal_all() -> int:
    """Write a seal for the head of every chain, sealed before or not; how many."""
    heads = [
        (chain, key, seq, digest) for chain, named in sorted(_chains.items()) for key, seq, digest in named()
    ]
    append_seals(heads)
    return len(heads)


class Unreadable(ValueError):
    """A value that the application never writes."""


def exact_rows(query: Select[Any], columns: Sequence[InstrumentedAttribute[Any]]) -> Iterator[list[Any]]:
    """The rows of ``query`` with the columns exactly as stored; a value that is none of its type comes as
    an :class:`Unreadable`. SQLite stores any type anywhere, and the usual reading rounds it off.
    """
    session = db.session()
    dialect = session.get_bind().dialect
    kinds = [column.type for column in columns]
    readers = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in kinds]
    raw = query.with_only_columns(
        *(type_coerce(column, NullType()).label(f"c{place}") for place, column in enumerate(columns))
    )
    for row in session.execute(raw.execution_options(yield_per=2000)):
        yield [
            None if value is None else _exact(kind, reader, value)
            for kind, reader, value in zip(kinds, readers, row, strict=True)
        ]


def _exact(kind: Any, reader: Callable[[Any], Any] | None, value: Any) -> Any:
    if isinstance(kind, InstantType):
        try:
            found = reader(value) if reader is not None else value
        except (ValueError, TypeError):
            return Unreadable(repr(value))
        # The parser overlooks what stands behind the instant.
        as_written = not isinstance(value, str) or value == f"{found:%Y-%m-%d %H:%M:%S.%f}"
        return found if as_written else Unreadable(repr(value))
    expected = int if isinstance(kind, MoneyType) else kind.python_type
    if expected is date and isinstance(value, str):
        # SQLite keeps a day as text.
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return Unreadable(repr(value))
        return day if value == day.isoformat() else Unreadable(repr(value))
    if expected is bool and value in (0, 1):
        return bool(value)
    return value if type(value) is expected else Unreadable(repr(value))


Row = tuple[str, int, dict[str, Any] | None, str]


def verify_chain(chain: str, rows: Iterator[Row], seals: Seals | None = None) -> list[Break]:
    """Every break in a chain table. ``rows`` gives (key, seq, content, hash) ordered by key, seq; a row
    that cannot be read has no content."""
    seals = seals or read_seals()
    sealed, breaks = seals.of(chain), list(seals.breaks)
    seen: set[str] = set()
    key, expected, previous = "", 1, GENESIS

    def close() -> None:
        """At the end of a key's rows: the sealed tail must have been reached."""
        last = max(sealed.get(key, {0: ""}))
        if last >= expected:
            breaks.append(Break(chain, key, expected, f"rows missing up to sealed #{last}"))

    for row_key, seq, content, digest in rows:
        if row_key != key:
            if key:
                close()
            key, expected, previous = row_key, 1, GENESIS
            seen.add(key)
        if seq > expected:
            breaks.append(Break(chain, key, expected, f"gap: #{expected} to #{seq - 1} missing"))
        elif seq < expected:
            breaks.append(Break(chain, key, seq, "number used twice"))
        if content is None:
            breaks.append(Break(chain, key, seq, "holds a value that was never written by this program"))
        elif not is_genuine(content, content["prev_hash"], digest):
            breaks.append(Break(chain, key, seq, "content does not match its hash"))
        elif seq == expected and content["prev_hash"] != previous:
            breaks.append(Break(chain, key, seq, "does not follow the row before it"))
        if sealed.get(key, {}).get(seq, digest) != digest:
            breaks.append(Break(chain, key, seq, "differs from the sealed hash"))
        expected, previous = seq + 1, digest
    if key:
        close()
    breaks.extend(
        Break(chain, lost, 1, f"all rows missing up to sealed #{max(links)}")
        for lost, links in sorted(sealed.items())
        if lost not in seen
    )
    return breaks
