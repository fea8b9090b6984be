"""Inside a room the files have fixed names and one direction, and nothing is imported by a trick."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "registry", "finance", "grants", "projects", "evaluation", "app")
ORDER = (
    "routes",
    "commands",
    "jobs",
    "forms",
    "imports",
    "reports",
    "services",
    "lifecycle",
    "policy",
    "queries",
    "rules",
    "models",
)
BELOW_THE_PAGE = ORDER[ORDER.index("services") :]
HEAVY = {"pandas", "weasyprint", "docxtpl", "authlib", "ortools", "docx"}
NAMELESS = {"helpers", "helper", "utils", "util", "common", "misc", "manager"}


def problems(root: Path) -> list[str]:
    return sorted(
        problem
        for floor in FLOORS
        for path in sorted((root / floor).rglob("*.py"))
        for problem in of_file(root, path)
    )


def of_file(root: Path, path: Path) -> Iterator[str]:
    shown = path.relative_to(root)
    source = path.read_text(encoding="utf-8")
    if path.name == "__init__.py":
        if source.strip():
            yield f"{shown}: an __init__.py is empty"
        return
    for name in (*shown.parts[1:-1], path.stem):
        if name in NAMELESS:
            yield f"{shown}: nothing is called {name}"
    tree = ast.parse(source, str(path))
    room, file = shown.parts[:-1], path.stem
    if shown.parts[0] not in ("core", "app") and file not in ORDER:
        yield f"{shown}: a room holds only {', '.join(ORDER)}"
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    }
    for node in ast.walk(tree):
        where = f"{shown}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name | ast.Attribute) and name_of(node) == "TYPE_CHECKING":
            yield f"{where}: no TYPE_CHECKING"
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module in modules(node, room):
                if node in late and module[0] not in HEAVY:
                    yield f"{where}: import of {'.'.join(module)} inside a function"
                if file in ORDER and module[: len(room)] == room and len(module) > len(room):
                    other = module[len(room)]
                    if other in ORDER and ORDER.index(other) <= ORDER.index(file):
                        yield f"{where}: {file} may not import {other}"
            if file in BELOW_THE_PAGE and isinstance(node, ast.ImportFrom) and node.module == "flask":
                for alias in node.names:
                    if alias.name in ("request", "session"):
                        yield f"{where}: {file} knows no {alias.name}"
        if file in BELOW_THE_PAGE and isinstance(node, ast.Call) and ends_transaction(node.func):
            yield f"{where}: {file} commits nothing"


def ends_transaction(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute)
        and called.attr in ("commit", "rollback")
        and name_of(called.value) in ("session", "connection")
    )


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def modules(node: ast.Import | ast.ImportFrom, room: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Everything the statement may load: `from a.b import c` may load a.b.c."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
        return
    base = room[: len(room) - node.level + 1] if node.level else ()
    base += tuple((node.module or "").split(".")) if node.module else ()
    if node.module and not node.level and node.module.split(".")[0] not in FLOORS:
        yield base
        return
    for alias in node.names:
        yield (*base, alias.name)


def test_every_file_of_the_house_keeps_the_order() -> None:
    assert problems(ROOT) == []


@pytest.mark.parametrize(
    ("file", "source", "problem"),
    [
        ("grants/calls/models.py", "from grants.calls import services", "models may not import services"),
        ("grants/calls/models.py", "from grants.calls.queries import x", "models may not import queries"),
        ("grants/calls/policy.py", "from . import routes", "policy may not import routes"),
        ("grants/calls/services.py", "import grants.calls.forms", "services may not import forms"),
        ("grants/calls/services.py", "def f():\n    import json", "import of json inside a function"),
        (
            "grants/calls/services.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING: pass",
            "no TYPE_CHECKING",
        ),
        ("grants/calls/services.py", "from flask import request", "services knows no request"),
        (
            "grants/calls/services.py",
            "from core.db import db\ndb.session.commit()",
            "services commits nothing",
        ),
        ("grants/calls/tools.py", "", "a room holds only"),
        ("grants/common/models.py", "", "nothing is called common"),
        ("core/utils.py", "", "nothing is called utils"),
        ("grants/calls/__init__.py", "import core", "an __init__.py is empty"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, file: str, source: str, problem: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert any(problem in found for found in problems(tmp_path)), problems(tmp_path)


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    path = tmp_path / "grants/calls/services.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from core.db import db\nfrom grants.calls import policy\nfrom grants.calls.models import Call\n"
        "from registry.persons.services import x\ndef table():\n    import pandas\n    db.session.flush()\n"
    )
    assert problems(tmp_path) == []
