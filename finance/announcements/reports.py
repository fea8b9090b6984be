"""The notice as PDF, Word and XLSX, and the table of disclosed projects.

All are made from one content (``services.content_of``, or what was frozen at publication), so that
they cannot tell different things.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import xlsxwriter
from flask_babel import force_locale

from core.text import N_
from core.web.words import CHINESE, day, say
from finance.announcements import rules
from finance.announcements.models import LotteryNotice
from finance.announcements.queries import Disclosed
from finance.announcements.services import content_of, disclosure_content

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

# The practised field set of project disclosures, in its order: key of the content, English label.
FIELDS = (
    ("title", N_("Project name")),
    ("organization", N_("Organization")),
    ("content", N_("Main content")),
    ("period", N_("Period")),
    ("total", N_("Total")),
    ("allotted", N_("Allotted")),
    ("paid", N_("Paid")),
    ("rest", N_("Left over")),
    ("leader", N_("Person in charge")),
    ("phone", N_("Telephone of the person in charge")),
    ("progress", N_("How far it is")),
    ("effect", N_("Actual effect")),
    ("targets", N_("Performance indicators")),
    ("problems", N_("Problems and how they are mended")),
)

AMOUNTS = ("total", "allotted", "paid", "rest")

_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def told(notice: LotteryNotice) -> dict[str, Any]:
    """The content: frozen once published, else as it stands now."""
    return json.loads(notice.frozen) if notice.frozen and notice.state == "published" else content_of(notice)


def document_facts(notice: LotteryNotice) -> dict[str, Any]:
    """The context of templates/lottery/document.html and of the public page."""
    content = told(notice)
    return {
        "notice": content,
        "tiers": tiers_of(content),
        "digest": notice.digest if notice.state == "published" else "",
        "agency": content["agency"],
        "published_on": date.fromisoformat(content["published_on"]) if content["published_on"] else None,
        "fields": FIELDS,
        "amounts": AMOUNTS,
        "period": period,
    }


def tiers_of(content: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The lines by tier, in the order of the notice; the tier of all is nameless."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in content["rows"]:
        found.setdefault("" if row["tier"] == rules.ALL_TIERS else row["tier"], []).append(row)
    return list(found.items())


def heading_of(row: dict[str, Any]) -> str:
    """What stands in the first column: the class of a line, nothing beside the total."""
    return "" if row["category"] == rules.TOTAL else row["category"]


def period(project: dict[str, Any]) -> str:
    """``2026年5月1日 — 2027年2月28日``"""
    return " — ".join(day(date.fromisoformat(project[name])) for name in ("starts_on", "ends_on"))


def text_of(project: dict[str, Any], name: str) -> str:
    return period(project) if name == "period" else str(project[name])


def notice_workbook(notice: LotteryNotice) -> io.BytesIO:
    """The notice as XLSX: its lines in the columns of the import, so that it can be imported again, and its projects."""
    with force_locale(CHINESE):
        return _notice_workbook(told(notice))


def _notice_workbook(content: dict[str, Any]) -> io.BytesIO:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _TEXT)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    sheet = book.add_worksheet(say(N_("Notice lines")))
    sheet.freeze_panes(1, 0)
    for place, names in enumerate(rules.COLUMNS.values()):
        sheet.set_column(place, place, 40 if place in (2, 6) else 14)
        sheet.write_string(0, place, names[0], bold)
    wan = book.add_format({"num_format": "#,##0.00####"})
    for line, row in enumerate(content["rows"], 1):
        values = (
            row["row"], content["jurisdiction"], content["title"], content["fiscal_year"], row["tier"], row["category"],
            row["item"], row["amount"], row["projects"], row["percent"], rules.YES if row["subtotal"] else rules.NO,
            "partial" if row["partial"] else "full", "", "", row["remark"],
        )  # fmt: skip
        for place, value in enumerate(values):
            if place == 7:
                # Whole fen below 2^53 are exact in a cell's double at six decimals.
                sheet.write_number(line, place, float(Fraction(value)), wan)
            elif isinstance(value, int):
                sheet.write_number(line, place, value)
            elif value:
                sheet.write_string(line, place, value)
    if content["projects"]:
        _projects_sheet(book, content["projects"], bold, wan)
    book.close()
    stream.seek(0)
    return stream


def disclosure_workbook(rows: Iterable[Disclosed]) -> io.BytesIO:
    """The disclosed projects of a year as XLSX, one row each."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _TEXT)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
    wan = book.add_format({"num_format": "#,##0.00####"})
    _projects_sheet(book, [disclosure_content(row) for row in rows], bold, wan)
    book.close()
    stream.seek(0)
    return stream


def _projects_sheet(book: Any, projects: Sequence[dict[str, Any]], bold: Any, wan: Any) -> None:
    sheet = book.add_worksheet(say(N_("Projects")))
    sheet.freeze_panes(1, 1)
    for place, (name, label) in enumerate(FIELDS):
        unit = f" ({say(N_('ten thousand yuan'))})" if name in AMOUNTS else ""
        sheet.set_column(place, place, 16 if name in AMOUNTS else 28)
        sheet.write_string(0, place, f"{say(label)}{unit}", bold)
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for line, project in enumerate(projects, 1):
        for place, (name, _label) in enumerate(FIELDS):
            if name in AMOUNTS:
                sheet.write_number(line, place, float(Fraction(project[name])), wan)
            else:
                sheet.write_string(line, place, text_of(project, name), wrap)


SONG, HEI, FANG = "SimSun", "SimHei", "FangSong"


def notice_word(notice: LotteryNotice) -> io.BytesIO:
    """The notice as a Word file in the layout of official documents (GB/T 9704-2012), in Chinese."""
    with force_locale(CHINESE):
        return _notice_word(notice)


def _notice_word(notice: LotteryNotice) -> io.BytesIO:
    import docx
    from docx.shared import Mm, Pt

    content = told(notice)
    paper = docx.Document()
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    normal = paper.styles["Normal"]
    normal.font.size = Pt(16)
    normal.paragraph_format.line_spacing = Pt(29)
    normal.paragraph_format.space_after = Pt(0)
    _font(normal, FANG)
    paper.core_properties.title = content["title"]
    paper.core_properties.author = content["agency"]
    _paragraph(paper, content["title"], font=HEI, size=22, centre=True)
    if content["number"]:
        _paragraph(paper, content["number"], centre=True)
    for text in content["opening"].splitlines():
        if text.strip():
            _paragraph(paper, text.strip(), indent=True)
    for tier, rows in tiers_of(content):
        if tier:
            _paragraph(paper, say(N_("Tier: %(tier)s")) % {"tier": tier}, font=HEI, indent=True)
        _lines_table(paper, rows)
    if content["plan"]:
        _paragraph(paper, say(N_("Plan and spending")), font=HEI, indent=True)
        _table(
            paper,
            [say(N_("Tier")), say(N_("Class")), _wan(say(N_("Planned"))), _wan(say(N_("Spent")))],
            [[item["tier"], item["category"], item["planned"], item["spent"]] for item in content["plan"]],
            (40, 46, 35, 35),
        )
    if content["effect"]:
        _paragraph(paper, say(N_("Execution and effect")), font=HEI, indent=True)
        for text in content["effect"].splitlines():
            if text.strip():
                _paragraph(paper, text.strip(), indent=True)
    if content["explanation"]:
        _paragraph(paper, say(N_("Why figures differ")), font=HEI, indent=True)
        _paragraph(paper, content["explanation"], indent=True)
    if content["projects"]:
        _paragraph(paper, say(N_("Projects")), font=HEI, indent=True)
        for project in content["projects"]:
            _table(
                paper,
                None,
                [
                    [_wan(say(label)) if name in AMOUNTS else say(label), text_of(project, name)]
                    for name, label in FIELDS
                ],
                (46, 110),
            )
            _paragraph(paper, "")
    _paragraph(paper, content["agency"], right=True)
    if content["published_on"]:
        _paragraph(paper, day(date.fromisoformat(content["published_on"])), right=True)
    if notice.digest and notice.state == "published":
        _paragraph(paper, f"SHA-256 {notice.digest}", size=9)
    stream = io.BytesIO()
    paper.save(stream)
    stream.seek(0)
    return stream


def _wan(label: str) -> str:
    return f"{label} ({say(N_('ten thousand yuan'))})"


def _lines_table(paper: Any, rows: Sequence[dict[str, Any]]) -> None:
    _table(
        paper,
        [say(N_("Class")), say(N_("Item")), _wan(say(N_("Amount"))), say(N_("Number of projects"))],
        [
            [
                heading_of(row),
                row["item"],
                row["amount"],
                "" if row["projects"] is None else str(row["projects"]),
            ]
            for row in rows
        ],
        (36, 66, 32, 22),
        strong=[index for index, row in enumerate(rows) if row["subtotal"]],
    )


def _font(thing: Any, name: str) -> None:
    """A font for Latin and Chinese signs alike: Word looks the Chinese one up as ``w:eastAsia``."""
    from docx.oxml.ns import qn

    thing.font.name = name
    thing.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _paragraph(
    paper: Any, text: str, *, font: str = FANG, size: int = 16, centre: bool = False, right: bool = False, indent: bool = False
) -> Any:  # fmt: skip
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = paper.add_paragraph()
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    _font(run, font)
    if centre:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if indent:
        paragraph.paragraph_format.first_line_indent = Pt(32)
    return paragraph


def _table(
    paper: Any,
    head: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    strong: Sequence[int] = (),
) -> None:
    """A grid with the widths of its columns in millimetres; figures stand at the right."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    lines = [*([head] if head else []), *rows]
    table = paper.add_table(rows=len(lines), cols=len(widths))
    table.style = "Table Grid"
    table.autofit = False
    for number, (line, cells) in enumerate(zip(lines, table.rows, strict=True)):
        heading = head is not None and number == 0
        bold = heading or number - bool(head) in strong
        for width, text, cell in zip(widths, line, cells.cells, strict=True):
            cell.width = Mm(width)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.line_spacing = Pt(18)
            run = paragraph.add_run(text)
            run.font.size = Pt(12)
            _font(run, HEI if bold else SONG)
            if heading:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            elif head is not None and text.replace(".", "").replace("-", "").isdecimal():
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
