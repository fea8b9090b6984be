"""The printed index of a sealed archive (卷内目录)."""

from __future__ import annotations

import json
import zipfile
from itertools import groupby
from typing import Any

from core.access.policy import Refusal
from core.files.models import StoredFile
from core.files.services import file_path
from core.text import N_, Message
from projects.closure.models import Closure, Termination
from projects.closure.services import RETENTION_YEARS

SECTIONS = {
    "01-call": N_("Call for applications"),
    "02-application": N_("Application"),
    "03-eligibility": N_("Check of eligibility"),
    "04-review": N_("Review by experts"),
    "05-notice": N_("Public notice"),
    "06-agreement": N_("Agreement"),
    "07-payments": N_("Payments"),
    "08-process": N_("Delivery and supervision"),
    "09-evaluation": N_("Evaluation"),
    "10-closing": N_("Closing account"),
    "11-audit": N_("Audit trail"),
}


def index_facts(ended: Closure | Termination, archive: StoredFile) -> dict[str, Any]:
    """The context of templates/closure/document.html: every file of the package with its digest."""
    files = _files(archive)
    rows = [
        {"number": number, **file, "name": file["path"].partition("/")[2]}
        for number, file in enumerate(files, 1)
    ]
    return {
        "project": ended.project,
        "sealed_at": ended.archived_at,
        "archive": archive,
        "count": len(rows),
        "sections": [
            {"title": SECTIONS.get(folder, folder), "folder": folder, "files": list(group)}
            for folder, group in groupby(rows, key=lambda row: row["path"].split("/")[0])
        ],
        "years": RETENTION_YEARS,
    }


def _files(archive: StoredFile) -> list[dict[str, Any]]:
    """Path, SHA-256 and bytes of each file, as the manifest inside the package lists them."""
    try:
        with zipfile.ZipFile(file_path(archive.sha256)) as package:
            files: list[dict[str, Any]] = json.loads(package.read("manifest.json"))["files"]
            return files
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Refusal(
            Message(N_("The sealed archive cannot be read: it is missing or damaged in the file store.")),
            whose_turn=Message(N_("the administrator of this server: restore the file from the backup")),
            status=409,
        ) from error
