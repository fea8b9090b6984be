"""Uploads: what they are is asked of their content; what is not checked is not handed out."""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.files.jobs import check_uploads, sweep_orphans
from core.files.models import StoredFile
from core.files.services import file_path, file_root, serve, store

PDF = b"%PDF-1.4 text"
SCANNER = """import sys
data = open(sys.argv[-1], "rb").read()
if b"broken scanner" in data: sys.exit(2)
if b"EICAR" in data: print(sys.argv[-1] + ": Test-Signature FOUND"); sys.exit(1)
"""


def packed(*names: str, types: str = "", locked: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
        if types:
            archive.writestr("[Content_Types].xml", types)
    data = bytearray(stream.getvalue())
    if locked:
        # The bit that says “encrypted”, in the local heads and in the directory.
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.find(mark)
            while at >= 0:
                data[at + place] |= 1
                at = data.find(mark, at + 1)
    return bytes(data)


def keep(data: bytes, name: str = "file.pdf") -> int:
    with transaction():
        return store(io.BytesIO(data), name, by=SYSTEM).id


@pytest.fixture
def scanner(app, tmp_path: Path) -> None:
    script = tmp_path / "scan.py"
    script.write_text(SCANNER)
    app.config["FILE_SCANNER"] = f"{sys.executable} {script}"


@pytest.mark.parametrize(
    "data",
    [
        packed("word/document.xml", "word/vbaProject.bin"),
        packed("word/document.xml", "word/VBAPROJECT.BIN"),
        packed("xl/workbook.xml", types="application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        packed("secret.pdf", locked=True),
        b"MZ not a document",
        b"<html><script>alert(1)</script></html>",
        b"PK\x03\x04 not an archive",
    ],
    ids=["macro", "macro in capitals", "macro by type", "locked", "program", "page", "half an archive"],
)
def test_macros_locked_archives_and_other_kinds_are_refused(app, data):
    with pytest.raises(Refusal), transaction():
        store(io.BytesIO(data), "report.docx", by=SYSTEM)
    assert not [path for path in file_root().rglob("*") if path.is_file()]


def test_plain_documents_are_taken_and_without_a_scanner_at_once(app):
    for data in (PDF, packed("word/document.xml"), packed("a.txt", "b.txt")):
        row = db.session.get_one(StoredFile, keep(data))
        assert row.state == "checked"


def test_an_upload_stays_in_quarantine_until_the_scanner_has_looked(app, scanner):
    clean, found = keep(PDF), keep(PDF + b" EICAR")
    with app.test_request_context(), pytest.raises(Refusal, match="still being checked"):
        serve(db.session.get_one(StoredFile, clean))
    assert check_uploads() == 2
    with app.test_request_context():
        with serve(db.session.get_one(StoredFile, clean)) as answer:
            assert answer.headers["Content-Disposition"].startswith("attachment")
        blocked = db.session.get_one(StoredFile, found)
        assert blocked.state == "blocked" and "Test-Signature" in blocked.verdict
        with pytest.raises(Refusal, match="blocked"):
            serve(blocked)


def test_a_scanner_that_cannot_say_decides_nothing(app, scanner, caplog):
    number = keep(PDF + b" broken scanner")
    assert check_uploads() == 0
    assert db.session.get_one(StoredFile, number).state == "uploaded"
    app.config["FILE_SCANNER"] = "/nowhere/scanner"
    assert check_uploads() == 0


def test_what_the_product_makes_needs_no_scanner(app, scanner):
    with transaction():
        assert store(io.BytesIO(PDF), "made.pdf", by=SYSTEM, max_bytes=None).state == "checked"


def test_the_sweep_removes_bytes_without_a_row_and_nothing_else(app):
    row = db.session.get_one(StoredFile, keep(PDF))
    with pytest.raises(RuntimeError, match="no"), transaction():
        gone = store(io.BytesIO(PDF + b" rolled back"), "b.pdf", by=SYSTEM).sha256
        raise RuntimeError("no")
    draft, other = file_root() / "tmpdraft", file_root() / "README"
    draft.touch()
    other.touch()
    assert sweep_orphans() == 0
    assert sweep_orphans(older_than=timedelta(seconds=-5)) == 2
    assert file_path(row.sha256).exists() and other.exists()
    assert not file_path(gone).exists() and not draft.exists()
