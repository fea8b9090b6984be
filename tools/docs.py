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
from core.access.policy import ROLES
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
        "A role is held at one unit. A permission that reads reaches the unit's subtree; one that acts holds there alone.\n"
    ]
    lines += ["## Roles\n", "| role | held at | permissions |", "|---|---|---|"]
    lines += [
        f"| {role.name} | {role.held_at} | {', '.join(sorted(role.permissions))} |" for role in ROLES.values()
    ]
    lines += ["\n## Pages\n", "| endpoint | URL | methods | who |", "|---|---|---|---|"]
    for rule in sorted(app.url_map.iter_rules(), key=lambda item: item.endpoint):
        allowed = getattr(app.view_functions[rule.endpoint], "allowed", None)
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        who = "everybody" if allowed is None else ", ".join(allowed) or "anybody signed in"
        lines.append(f"| {rule.endpoint} | `{rule.rule}` | {methods} | {who} |")
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
