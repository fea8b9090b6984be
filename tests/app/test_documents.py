"""Printed documents: what stands in them, who may have them, and what is said where none can be made."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from webtest import TestApp

from core import clock
from core.db import db, transaction
from core.documents import services
from core.files.models import StoredFile
from core.files.services import file_path
from evaluation.checkpoints.models import Checkpoint
from evaluation.checkpoints.services import save_scores
from evaluation.decisions.models import Decision
from evaluation.decisions.queries import handlers
from grants.notices.models import Notice
from projects.closure.models import Closure
from registry.accounts.models import User
from tests.app.told import copy_on, demo
from tests.conftest import _put_session, dispose

needs_pango = pytest.mark.skipif(not services.pdf_available(), reason="Pango is not installed")


@pytest.fixture
def told_app(engine: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Flask]:
    app = copy_on(engine, demo(tmp_path_factory), tmp_path / "instance")
    yield app
    dispose(app)


class Pages(list[str]):
    """Takes the pages that would be laid out."""

    def render(self, page: str, rules: str) -> bytes:
        self.append(page)
        return b"%PDF-"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    taken = Pages()
    monkeypatch.setattr(services, "pdf_available", lambda: True)
    monkeypatch.setattr(services, "_printers", lambda instance: taken)
    monkeypatch.setattr(services, "_rules", lambda instance, static: "")
    return taken


def browser_of(app: Flask, login: str = "") -> TestApp:
    browser = TestApp(app)
    if login:
        with app.app_context():
            _put_session(app, browser, db.session.scalar(select(User).where(User.login == login)).get_id())
    return browser


def first(kind, *where):
    return db.session.scalars(select(kind).where(*where).order_by(kind.id.desc())).first()


def printed(browser: TestApp, page: str, pages: Pages) -> str:
    """The document that a page links to, as it goes to the printer."""
    links = browser.get(page).html.select("li.doc a[href$='.pdf']")
    assert len(links) == 1, page
    answer = browser.get(links[0]["href"])
    assert answer.content_type == "application/pdf" and answer.body == b"%PDF-"
    assert "inline" in answer.headers["Content-Disposition"]
    return pages[-1]


def test_the_notice_is_printed_for_anybody_and_names_no_objector(told_app, pages):
    with told_app.app_context():
        notices = db.session.scalars(select(Notice).order_by(Notice.id)).all()
        notice = next(item for item in notices if item.objections)
        names = [
            (item.application.title, item.application.organization.name, item.amount.format())
            for item in notice.items
        ]
        total, objectors = (
            sum(item.amount.fen for item in notice.items),
            [item.name for item in notice.objections],
        )
        facts, first_day, last_day = notice.contact, notice.published_on, notice.ends_on
        number, agency, upheld = (
            notice.id,
            notice.call.agency.name,
            [item.state for item in notice.objections].count("upheld"),
        )
    services._kept.cache_clear()
    page = printed(browser_of(told_app), f"/public/notices/{number}", pages)
    assert [all(value in page for value in row) for row in names] == [True] * len(names)
    assert facts in page and agency in page and f"{total // 100:,}.{total % 100:02d}" in page
    assert not any(name in page for name in objectors)
    assert f"{first_day.year}年{first_day.month}月{first_day.day}日至" in page
    assert f"收到异议{len(objectors)}件，其中成立{upheld}件" in page
    # The clerk's page leads to the same, and the same page is laid out once however often it is asked for.
    assert printed(browser_of(told_app, "clerk"), f"/notices/{number}", pages) == page
    assert len(pages) == 1
    with clock.at(clock.instant_of(last_day) if hasattr(clock, "instant_of") else clock.now()):
        browser_of(told_app).get(f"/public/notices/{number + 1000}/document.pdf", status=404)


def test_the_approval_form_tells_who_did_what_when(told_app, pages):
    with told_app.app_context():
        decision = max(db.session.scalars(select(Decision)), key=lambda item: len(item.items))
        number, items = (
            decision.id,
            [
                (item.application.number, item.amount.format(), f"{item.score / 100:.2f}")
                for item in decision.items
            ],
        )
        people = {step: user.name for step, user in handlers(decision).items()}
        approved = clock.local(decision.approved_at)
    page = printed(browser_of(told_app, "clerk"), f"/decisions/{number}", pages)
    assert len(items) > 20 and all(value in page for row in items for value in row)
    assert len(set(people.values())) == 4 and all(name in page for name in people.values())
    assert f"{approved.year}年{approved.month}月{approved.day}日 {approved:%H:%M}" in page
    assert "DEC-POT" in page and "尚未批准" not in page
    browser_of(told_app, "op01").get(f"/decisions/{number}/document.pdf", status=403)


def test_the_evaluation_report_tells_the_verdict_that_stands(told_app, pages):
    with told_app.app_context():
        done, low, waiting = (
            first(Checkpoint, Checkpoint.state == state) for state in ("final", "rectifying", "planned")
        )
        lines = [row.criterion.l2 for row in done.scores]
        score, opinion = f"{done.total / 100:.2f}", done.opinion.splitlines()[0]
        numbers = done.id, low.id, waiting.id
        first_score, first_opinion = f"{low.total / 100:.2f}", low.opinion.splitlines()[0]
        evaluator, login = (
            db.session.get(User, done.evaluator_id).name,
            db.session.get(User, low.evaluator_id).login,
        )
    clerk = browser_of(told_app, "clerk")
    page = printed(clerk, f"/checkpoints/{numbers[0]}", pages)
    assert len(lines) > 5 and all(line in page for line in (*lines, score, opinion, evaluator))
    # A re-check in draft is the evaluator's own; the report keeps to the verdict that was given.
    with told_app.app_context(), transaction():
        low = db.session.get(Checkpoint, numbers[1])
        most = {row.criterion_id: row.criterion.points * 100 for row in low.scores}
        save_scores(
            low,
            points=most,
            reasons={},
            opinion="复核草稿",
            by=db.session.scalar(select(User).where(User.login == login)),
        )
    page = printed(clerk, f"/checkpoints/{numbers[1]}", pages)
    assert first_score in page and first_opinion in page and "复核草稿" not in page
    assert "尚无评估报告" in clerk.get(f"/checkpoints/{numbers[2]}/document.pdf", status=409)
    assert "document.pdf" not in clerk.get(f"/checkpoints/{numbers[2]}")


def test_the_archive_index_lists_every_file_with_its_digest(told_app, pages):
    with told_app.app_context():
        closure = first(Closure, Closure.archive_file_id.is_not(None))
        project, archive = closure.project_id, db.session.get(StoredFile, closure.archive_file_id).sha256
        path = file_path(archive)
    listed = (
        subprocess.run(["unzip", "-p", path, "manifest.txt"], capture_output=True, text=True)
        if shutil.which("unzip")
        else None
    )
    clerk = browser_of(told_app, "clerk")
    answer = clerk.get(f"/projects/{project}/archive-index.pdf")
    assert answer.content_type == "application/pdf"
    page = pages[-1]
    assert archive in page and "06-agreement" in page
    if listed is not None:
        files = [line.split("  ", 1) for line in listed.stdout.splitlines()]
        assert len(files) > 10
        for digest, name in files:
            assert digest[:32] in page and digest[32:] in page and name.partition("/")[2] in page
    browser_of(told_app, "op01").get(f"/projects/{project}/archive-index.pdf", status=403)
    path.chmod(0o600)
    path.write_bytes(b"PK damaged")
    assert "无法读取" in clerk.get(f"/projects/{project}/archive-index.pdf", status=409)


def test_where_nothing_can_be_printed_the_pages_say_why(told_app, monkeypatch):
    monkeypatch.setattr(services, "pdf_available", lambda: False)
    for room in ("app.portal", "grants.notices", "evaluation.decisions"):
        monkeypatch.setattr(f"{room}.routes.pdf_available", lambda: False)
    clerk = browser_of(told_app, "clerk")
    for page, document in (
        ("/public/notices/1", "/public/notices/1/document.pdf"),
        ("/decisions/1", "/decisions/1/document.pdf"),
    ):
        shown = clerk.get(page)
        assert "Pango" in shown and "document.pdf" not in shown
        assert "Pango" in clerk.get(document, status=503)


@needs_pango
@pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="pdftotext is not installed (apt install poppler-utils)"
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_long_notice_repeats_its_head_numbers_its_pages_and_can_be_read_as_text(told_app, tmp_path):
    with told_app.app_context():
        notice = max(db.session.scalars(select(Notice)), key=lambda item: len(item.items))
        number, names = notice.id, [item.application.organization.name for item in notice.items]
    made = browser_of(told_app).get(f"/public/notices/{number}/document.pdf").body
    (tmp_path / "notice.pdf").write_bytes(made)
    text = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "notice.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    sheets = [sheet for sheet in text.split("\f") if sheet.strip()]
    assert len(names) > 15 and len(sheets) == 2
    assert all("申报单位" in sheet and f"— {place} —" in sheet for place, sheet in enumerate(sheets, 1))
    for name in names:
        assert name in "".join(text.split())
