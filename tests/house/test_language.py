"""No Chinese sentence stands in code or templates: texts are English ids, translated in the catalogues.

What may be Chinese in code is data: the names of laws, official terms of forms and registers, and
the words a parser looks for. The places are listed below with their reason; the list stays short.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import translations

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "registry", "finance", "grants", "projects", "evaluation", "app", "tools")
HAN = re.compile(r"[\u3400-\u9fff]")

# module: what its Chinese words are
DATA = {
    "app/demo": "the fictional world",
    "core/money.py": "the digits and units of amounts in words (大写)",
    "core/cells.py": "the signs of days as people write them",
    "core/web/words.py": "the signs of Chinese dates, and the name of the language in itself",
    "core/web/forms.py": "a date format that people type",
    "registry/persons/rules.py": "surnames that are read otherwise, for sorting",
    "registry/agencies/rules.py": "names of divisions that are no place of their own",
    "registry/accounts/forms.py": "the name of the language in itself",
    "registry/organizations/rules.py": "official names of kinds of organizations, as they stand in registers",
    "registry/rosters/rules.py": "column heads, levels and skills, as offices have them, and the sample list",
    "registry/factsheets/rules.py": "column heads, results and forms, as offices have them, and the sample row",
    "registry/intake/rules.py": "column heads, kinds and ways to write a day, as offices have them",
    "finance/batches/imports.py": "column heads and answers of banks' tables",
    "finance/books/imports.py": "column heads and answers of the opening table",
    "finance/exports/rules.py": "names of government accounts and column heads of official files",
    "finance/announcements/imports.py": "column heads and answers of official spreadsheets",
    "finance/lottery/policy.py": "words of staff cost, looked for in titles",
    "finance/lottery/rules.py": "the sign of the lottery, as facilities carry it",
    "finance/announcements/rules.py": "words that a parser of published figures looks for",
    "finance/funds/policy.py": "words of forbidden uses, looked for in titles",
    "finance/funds/rules.py": "official names of kinds of funds, as public tables carry them",
    "finance/lines/rules.py": "words of forbidden uses, looked for in budgets and vouchers",
    "finance/contracts/imports.py": "column heads and answers of official spreadsheets",
    "finance/snapshots/rules.py": "answers of the official spreadsheet, so that an export can be imported again",
    "finance/contracts/rules.py": "official names of funds and contractors, compared with imported rows",
    "tools/verify_r30.py": "names of funds, contractors and answers in published rows",
    "finance/purchasing/services.py": "official names of contractors, written into rows like imported ones",
    "projects/agreements/rules.py": "official names of methods, written into purchase rows",
    "app/rulebook/families.py": "the signs of days as people write them",
    "grants/calls/rules.py": "official names of the categories (扶老、助残、救孤、济困)",
    "grants/calls/services.py": "the sign of a document number",
    "grants/rubrics/services.py": "names of the standard rubrics, which are data as the rubrics are",
    "grants/notices/rules.py": "names that are no name",
    "evaluation/decisions/rules.py": "groups of the standard rubric, by name",
}  # fmt: skip
# A law is quoted under its own name wherever it is the source of a rule.
LAW = re.compile(
    r"(法|条例|办法|规范|规定|公告|方案|制度|内部控制|细则|准则|章程|要点|编码规则|问答|协议|财综〔|不得同时担任同一项目的督导)"
)
TEMPLATE_LAW = re.compile(r"(政府采购法实施条例|政府采购法|预算法)(第[一二三四五六七八九十百]+条)?")


def chinese_in_code(source: str) -> Iterator[tuple[int, str]]:
    """The literals with Chinese in them that are no sources of law; comments and docstrings are free."""
    tree = ast.parse(source)
    free: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                free.add(id(first.value))
        elif isinstance(node, ast.keyword) and node.arg == "source":
            free.update(id(part) for part in ast.walk(node.value))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if all(isinstance(target, ast.Name) and target.id.isupper() for target in targets):
                # Tables of sources: constants in capitals whose texts name a law.
                free.update(
                    id(part)
                    for part in ast.walk(node.value)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and LAW.search(part.value)
                )
    for node in ast.walk(tree):
        # English ids may name the unit of official figures.
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in free
            and HAN.search(node.value.replace("万元", ""))
        ):
            yield node.lineno, node.value


def chinese_in_template(source: str) -> Iterator[tuple[int, str]]:
    """Lines with Chinese outside comments; the names of laws are free."""
    bare = re.sub(r"\{#.*?#\}", lambda comment: "\n" * comment[0].count("\n"), source, flags=re.DOTALL)
    for number, line in enumerate(bare.splitlines(), 1):
        if HAN.search(TEMPLATE_LAW.sub("", line)):
            yield number, line.strip()


def allowed(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in DATA)


def test_code_has_no_chinese_texts() -> None:
    found = []
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            shown = path.relative_to(ROOT).as_posix()
            if not allowed(shown):
                found += [f"{shown}:{line}: {text}" for line, text in chinese_in_code(path.read_text())]
    assert not found, "write an English id and its translation:\n" + "\n".join(found)


def test_templates_have_no_chinese_texts() -> None:
    found = []
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.is_file():
            shown = path.relative_to(ROOT).as_posix()
            found += [f"{shown}:{line}: {text}" for line, text in chinese_in_template(path.read_text())]
    assert not found, "write an English id and its translation:\n" + "\n".join(found)


def test_every_text_of_the_product_is_translated() -> None:
    assert not list(translations.problems())


def test_the_list_of_places_has_no_place_too_many() -> None:
    for place in DATA:
        paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
        assert any(list(chinese_in_code(path.read_text())) for path in paths), f"{place} needs no exception"


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ('flash("保存成功")', True),
        ('x = {"a": "已提交"}', True),
        ('f"{n} 项"', True),
        ('TITLE = "项目列表"', True),
        ('"""说明"""\nx = 1  # 注释', False),
        ('Refusal(m, source="预算法 第十三条")', False),
        ('ARTICLE = "预算法 第十三条"', False),
        ('N_("sum of tiers, 万元")', False),
    ],
)
def test_a_chinese_text_in_code_is_caught(source: str, caught: bool) -> None:
    assert bool(list(chinese_in_code(source))) is caught


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("<h1>项目</h1>", True),
        ('<p title="说明">x</p>', True),
        ("{# 注释 #}<p>x</p>", False),
        ('{{ _("silence agrees (政府采购法实施条例 Art. 41)") }}', False),
    ],
)
def test_a_chinese_text_in_a_template_is_caught(source: str, caught: bool) -> None:
    assert bool(list(chinese_in_template(source))) is caught
