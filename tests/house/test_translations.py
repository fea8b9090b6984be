"""The check of translations finds what a reader would stumble over."""

from pathlib import Path

import pytest

from tools import translations

CODE = "from flask_babel import gettext as _, lazy_gettext, ngettext\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "grants/calls").mkdir(parents=True)
    (tmp_path / "templates/calls").mkdir(parents=True)
    (tmp_path / "translations/zh_Hans_CN/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "grants/calls/services.py").write_text(CODE + "_('Open call')\n")
    (tmp_path / "templates/calls/show.html").write_text("<h1>{{ _('Apply by %(day)s', day=day) }}</h1>")
    write(tmp_path, "grants", {"Open call": "征集公告", "Apply by %(day)s": "%(day)s 前申报"})
    return tmp_path


def write(project: Path, floor: str, texts: dict[str, str], flag: str = "") -> Path:
    path = project / f"translations/zh_Hans_CN/LC_MESSAGES/{floor}.po"
    entries = [
        f'{flag or ("#, python-format" if "%(" in source else "")}\nmsgid "{source}"\nmsgstr "{target}"\n'
        for source, target in texts.items()
    ]
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    path.write_text("\n".join([head, *entries]), encoding="utf-8")
    return path


def test_a_complete_catalogue_passes(project: Path) -> None:
    assert list(translations.problems(project)) == []
    assert list(translations.missing(project)) == []


@pytest.mark.parametrize(
    "line",
    [
        "_('New text')",
        "lazy_gettext('New text')",
        "N_('New text')",
        "Message('New text')",
        "ngettext('New text', 'x', 2)",
    ],
)
def test_a_text_without_translation_is_found(project: Path, line: str) -> None:
    (project / "grants/calls/forms.py").write_text(CODE + line + "\n")
    assert [found for found in translations.problems(project) if "no translation of 'New text'" in found]
    assert "New text" in "".join(translations.missing(project))


def test_a_text_of_a_template_without_translation_is_found(project: Path) -> None:
    (project / "templates/calls/list.html").write_text("{% trans %}Calls{% endtrans %}")
    assert list(translations.problems(project)) == ["templates/calls/list.html:1: no translation of 'Calls'"]


@pytest.mark.parametrize(
    ("texts", "flag", "problem"),
    [
        ({"Spare": ""}, "", "is empty"),
        ({"Spare": "备用"}, "#, fuzzy", "marked fuzzy"),
        ({"Spare %(n)s": "备用 %(m)s"}, "", "placeholder"),
        ({"Open call": "公告"}, "", "translated otherwise in grants.po"),
    ],
)
def test_a_bad_translation_is_found(project: Path, texts: dict[str, str], flag: str, problem: str) -> None:
    write(project, "projects", texts, flag)
    found = list(translations.problems(project))
    assert any(problem in line for line in found), found
