"""Storing uploads and handing them out again."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
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
_ALLOWED = {"application/pdf", "image/jpeg", "image/png", "image/webp", "application/zip"}


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
    )
    db.session.add(row)
    db.session.flush()
    return row


def detect(path: Path) -> str | None:
    """The media type that the content shows, or ``None`` when it is none we take."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
        if any(name.endswith("vbaProject.bin") for name in names):
            return None
        for marker, (_ending, media_type) in _OOXML.items():
            if marker in names:
                return media_type
        return "application/zip"
    kind = filetype.guess(str(path))
    return kind.mime if kind is not None and kind.mime in _ALLOWED else None


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

    ``inline_image`` shows a photo in the page it belongs to.
    """
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
