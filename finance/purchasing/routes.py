"""The import of purchased services; the figure over them has its pages in the room above."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user

from core.web.gate import allow
from finance.purchasing.forms import ImportForm
from finance.purchasing.imports import read_purchases
from finance.purchasing.queries import visible_divisions
from finance.purchasing.services import import_purchases

bp = Blueprint("purchasing", __name__, url_prefix="/purchasing")


@bp.route("/import", methods=["GET", "POST"], endpoint="import")
@allow("purchase.import")
def import_() -> Any:
    """Import a purchase table: all rows or none, every mistake with row, column and what is wrong."""
    form = ImportForm()
    errors: list[Any] = []
    if form.validate_on_submit():
        data = form.file.data.read()
        name = form.file.data.filename or "file"
        result = read_purchases(io.BytesIO(data), name)
        errors = result.errors
        if not errors:
            batch = import_purchases(
                result.rows,
                file_name=name,
                sha256=hashlib.sha256(data).hexdigest(),
                by=current_user,
                within=visible_divisions(current_user),
            )
            flash(
                _(
                    "%(rows)s rows imported, %(replaced)s of them corrections.",
                    rows=batch.rows,
                    replaced=batch.replaced,
                ),
                "ok",
            )
            return redirect(url_for("ratios.show"), code=303)
    status = 422 if form.errors or errors else 200
    return render_template("purchasing/import.html", form=form, errors=errors), status
