"""Storing uploads and handing them out again."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

import filetype
from flask import Response, current_app, send_file

from core import clock
from core.access.policy import Refusal
from core.audit.services import Actor
from core.db import db
from core.files.models import StoredFile
from core.text import N_, Message

MAX_BYTES = 20 * 1024 * 1024
_OOXML = {
    "word/document.xml": ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xl/workbook.xml": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
_ALLOWED = {"application/pdf", "image/jpeg", "image/png", "image/webp"}


def store(
    stream: IO[bytes],
    name: str,
    *,
    by: Actor,
    allowed: set[str] | None = None,
    max_bytes: int | None = MAX_BYTES,
) -> StoredFile:
    """Keep the bytes of ``stream`` under their digest and note the upload.

    The type is what the content says, not the name. ``allowed`` narrows the media types (photos:
    ``{"image/jpeg", "image/png", "image/webp"}``). ``max_bytes=None`` is for files that the product
    makes itself. Raises :class:`Refusal` for an empty, too large or unknown file.
    """
    root = file_root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=root, delete=False) as draft:
        path = Path(draft.name)
        try:
            while block := stream.read(1 << 16):
                size += len(block)
                if max_bytes is not None and size > max_bytes:
                    raise Refusal(
                        Message(N_("A file may have at most 20 MB. Make it smaller and send it again.")),
                        status=413,
                    )
                digest.update(block)
                draft.write(block)
            draft.flush()
            if not size:
                raise Refusal(Message(N_("The file is empty. Choose it again.")))
            media_type = detect(path)
            if media_type is None or (allowed is not None and media_type not in allowed):
                raise Refusal(
                    Message(
                        N_(
                            "“%(name)s” is not a file of a kind that is taken here (PDF, Word, Excel or a photo)."
                        ),
                        {"name": name[:80]},
                    )
                )
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    target = file_path(digest.hexdigest())
    target.parent.mkdir(mode=0o700, exist_ok=True)
    path.replace(target)
    row = StoredFile(
        sha256=digest.hexdigest(),
        name=clean_name(name),
        media_type=media_type,
        size=size,
        stored_by=by.actor_id,
        stored_at=clock.now(),
        # What the product makes itself needs no check; an upload waits for the scanner, where there is one.
        state="uploaded" if max_bytes is not None and scanner() else "checked",
    )
    db.session.add(row)
    db.session.flush()
    return row


def detect(path: Path) -> str | None:
    """The media type that the content shows, or ``None`` when it is none we take."""
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                kinds = _content_types(archive)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
            return None
        names = {entry.filename for entry in entries}
        # Nobody can look into what is locked, and macros run.
        if any(entry.flag_bits & 0x1 for entry in entries):
            return None
        if any(name.lower().endswith("vbaproject.bin") for name in names) or b"macroenabled" in kinds:
            return None
        for marker, (_ending, media_type) in _OOXML.items():
            if marker in names:
                return media_type
        return "application/zip"
    kind = filetype.guess(str(path))
    return kind.mime if kind is not None and kind.mime in _ALLOWED else None


def _content_types(archive: zipfile.ZipFile) -> bytes:
    """The list of parts of an Office document, in small letters; empty for any other archive."""
    try:
        with archive.open("[Content_Types].xml") as part:
            return part.read(1 << 20).lower()
    except (KeyError, RuntimeError, zlib.error):
        return b""


def scanner() -> list[str]:
    """The command that checks an upload, from the setting ``FILE_SCANNER``; empty: there is none."""
    return shlex.split(current_app.config.get("FILE_SCANNER") or "")


def clean_name(name: str) -> str:
    """The last part of a name without control characters, at most 200 characters."""
    base = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f]", "", base).strip()[-200:] or "file"


def file_root() -> Path:
    return Path(current_app.config.get("FILES") or Path(current_app.instance_path) / "files")


def file_path(sha256: str) -> Path:
    return file_root() / sha256[:2] / sha256


def read(row: StoredFile) -> bytes:
    return file_path(row.sha256).read_bytes()


def serve(row: StoredFile, *, inline_image: bool = False) -> Response:
    """The file as an attachment; call it after asking the owner's access.

    ``inline_image`` shows a photo in the page it belongs to. Raises :class:`Refusal` for a file that is
    in quarantine.
    """
    if row.state == "blocked":
        raise Refusal(
            Message(N_("This file is blocked: the scanner found something in it. Upload a clean one.")),
            status=403,
        )
    if row.state == "uploaded":
        raise Refusal(
            Message(N_("This file is still being checked. Try again in a minute.")),
            status=409,
        )
    inline = inline_image and row.media_type.startswith("image/")
    response = send_file(
        os.fspath(file_path(row.sha256)),
        mimetype=row.media_type,
        as_attachment=not inline,
        download_name=row.name,
        etag=row.sha256,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
