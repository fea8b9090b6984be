"""Nothing in the product changes or deletes an audit entry or a posting: they are kept for good."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "registry", "finance", "grants", "projects", "evaluation", "app", "migrations")
FORBIDDEN = re.compile(
    r"(delete|update)\(\s*(AuditEntry|Posting|Transfer)\b"
    r"|(DELETE FROM|UPDATE|TRUNCATE|DROP TABLE)\s+\"?(audit_entry|posting|transfer)\b"
    r"|query\((AuditEntry|Posting|Transfer)[^)]*\)[^\n]*\.(delete|update)\(",
    re.IGNORECASE,
)


def test_nothing_deletes_or_rewrites_the_proof():
    found = [
        f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match[0]}"
        for floor in FLOORS
        for path in sorted((ROOT / floor).rglob("*.py"))
        for text in [path.read_text(encoding="utf-8")]
        for match in FORBIDDEN.finditer(text)
    ]
    assert found == []
