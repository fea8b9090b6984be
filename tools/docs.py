"""Documents made from the code: the map of the house, the lifecycles, who may do what.

python -m tools.docs write    write docs/house.md, docs/lifecycles.md and docs/access.md
python -m tools.docs check    fail when one of them no longer tells the truth
"""

from __future__ import annotations

import ast
import sys
import tempfile
from pathlib import Path

from flask import Flask

from app.factory import ROOMS, create_app
from core.access.doors import doors
from core.access.policy import ROLES, reads
from core.access.words import STEPS, WORDS, holders
from core.lifecycle import LIFECYCLES, Lifecycle

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FLOORS = {
    "core": "foundation",
    "registry": "who",
    "finance": "money",
    "grants": "asking",
    "projects": "doing",
    "evaluation": "judging",
    "app": "front door",
}
MADE = "<!-- Made by `python -m tools.docs write`; do not edit. -->\n"


def law_of(room: str) -> str:
    """The first paragraphs of the room's models (or of its only module): its law."""
    folder = ROOT / room.replace(".", "/")
    for name in ("models.py", "services.py", "queries.py", "routes.py", "stage.py"):
        path = folder / name
        if path.exists():
            return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return ""


def house() -> str:
    lines = [
        MADE,
        "# The house\n",
        "A floor may use only the floors below it; inside a floor a room only the rooms before it.\n",
    ]
    for floor, word in reversed(FLOORS.items()):
        lines.append(f"\n## {floor}: {word}\n")
        if floor == "core":
            lines += [
                f"- **{path.stem}** — {first_line(path)}"
                for path in sorted((ROOT / "core").glob("[a-z]*.py"))
            ]
        for room in (item for item in ROOMS if item.split(".")[0] == floor):
            law = " ".join(law_of(room).split())
            lines.append(f"- **{room.split('.')[1]}** — {law}")
    return "\n".join(lines) + "\n"


def first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0]


def lifecycles() -> str:
    lines = [MADE, "# Lifecycles\n", "`fire()` is the only way to change a state (core/lifecycle.py).\n"]
    for name, table in sorted(LIFECYCLES.items()):
        lines += [
            f"\n## {name}\n",
            "```mermaid",
            "stateDiagram-v2",
            *diagram(table),
            "```\n",
            *transitions(table),
        ]
    return "\n".join(lines) + "\n"


def diagram(table: Lifecycle) -> list[str]:
    lines = [f"    [*] --> {table.initial}"]
    lines += [
        f"    {source} --> {item.target}: {item.name}"
        for item in table.transitions
        for source in item.sources
    ]
    return lines


def transitions(table: Lifecycle) -> list[str]:
    rows = ["| transition | from | to | permission | held at |", "|---|---|---|---|---|"]
    rows += [
        f"| {item.name} | {', '.join(item.sources)} | {item.target} | {item.permission or '—'} | "
        f"{item.holder if item.permission else '—'} |"
        for item in table.transitions
    ]
    return rows


def access(app: Flask) -> str:
    lines = [MADE, "# Who may do what\n"]
    lines += [
        "A role is held at one unit. A permission that reads reaches the unit's subtree; one that acts holds there alone.",
        "The system, security and audit administrators are three people, and none of them holds another role.",
        "The same in the product, in Chinese and English: `/roles`. As a table of endpoint × role: `flask access matrix`;",
        "its reviewed copy is `tests/data/access_matrix.csv`.\n",
    ]
    lines += ["## Roles\n", "| role | held at | sees | does |", "|---|---|---|---|"]
    for role in ROLES.values():
        told = [item for item in WORDS if item in role.permissions]
        seen = "; ".join(WORDS[item] for item in told if reads(item)) or "—"
        done = "; ".join(WORDS[item] for item in told if not reads(item)) or "—"
        lines.append(f"| {role.label} (`{role.name}`) | {role.held_at} | {seen} | {done} |")
    lines += ["\n## Who prepares, reviews and approves\n", "Three people on one record.\n"]
    lines += ["| act | prepares | reviews | approves |", "|---|---|---|---|"]
    for step in STEPS:
        people = [
            "; ".join(role.label for role in holders(part)) or "—"
            for part in (step.prepare, step.review, step.approve)
        ]
        lines.append(f"| {step.act} | {' | '.join(people)} |")
    lines += ["\n## Permissions\n", "| permission | in words |", "|---|---|"]
    lines += [f"| {name} | {words} |" for name, words in WORDS.items()]
    lines += ["\n## Pages\n", "| endpoint | URL | methods | who |", "|---|---|---|---|"]
    for door in doors(app):
        who = "everybody" if door.permissions is None else ", ".join(door.permissions) or "anybody signed in"
        lines.append(f"| {door.endpoint} | `{door.rule}` | {', '.join(door.methods)} | {who} |")
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"INSTANCE": folder, "SQLALCHEMY_DATABASE_URI": "sqlite://"})
        return {
            DOCS / "house.md": house(),
            DOCS / "lifecycles.md": lifecycles(),
            DOCS / "access.md": access(app),
        }


def main(verb: str) -> int:
    stale = []
    for path, text in documents().items():
        if verb == "write":
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print(f"docs no longer true: {', '.join(stale)}; run python -m tools.docs write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "check"))
