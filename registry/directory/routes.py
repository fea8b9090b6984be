"""The register as a list: one box, filters, saved views, and the coverage of divisions."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, render_template, request, send_file, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from core.access.policy import Refusal
from core.text import N_, Message
from core.web import navigation, paging, tables
from core.web.gate import allow
from core.web.reporting import workbook
from core.web.words import say
from registry.agencies.queries import division_names
from registry.agencies.rules import is_under, tree_prefix
from registry.directory import queries
from registry.directory.forms import CoverageForm, FilterForm, VerifyForm
from registry.directory.jobs import ask_to_verify
from registry.directory.reports import ORGANIZATIONS, asked_search, coverage_report
from registry.directory.rules import FACETS, HEADS, OFFERED, offers_of
from registry.directory.services import MOST, check_choice
from registry.keys.queries import Found, first_found, found_page, search_of, waiting
from registry.organizations.models import KINDS, STATUSES
from registry.organizations.routes import TONES

Answer = str | tuple[str, int] | Response
bp = Blueprint("directory", __name__, url_prefix="/organizations")

navigation.add_entry(
    "directory.list", N_("Organizations"), icon="org", group="register", order=10,
    permissions=("organization.read",),
)  # fmt: skip


@bp.get("/", endpoint="list")
@allow("organization.read")
def list_organizations() -> str:
    """The register by pinyin, narrowed by the box and the filters; counts stop at a thousand."""
    form = FilterForm(request.args)
    args = tables.arguments()
    asked = queries.asked_division(current_user, args.get("division", ""))
    if asked.problem is not None:
        form.division.errors = [say(asked.problem)]
    found = found_page(asked_search(current_user, args), size=paging.PAGE_SIZE, whole=tables.totals_wanted())
    table = tables.Table(
        listing=ORGANIZATIONS,
        page=found.page,
        query=ORGANIZATIONS.rows(current_user, args),
        args=ORGANIZATIONS.kept(args),
        order="name",
        views=tables.views_of(current_user.id, ORGANIZATIONS.name),
    )
    at = queries.asked_division(current_user, args.get("at", "")).code
    return render_template(
        "directory/list.html",
        form=form,
        table=table,
        page=found.page,
        count=found.count,
        lines=_lines(found),
        waiting=waiting(current_user) if found.behind else None,
        at=at,
        may_verify=current_user.may_somewhere("organization.verify"),
        names=division_names([at]) if at else {},
        suggested=queries.suggested_divisions(current_user),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """An organization as the list shows it, every word already in the reader's language."""

    url: str
    name: str
    code: str
    kind: str
    grade: str
    tone: str
    standing: str
    lists: list[str]
    unit: str


def _lines(found: Found) -> list[Line]:
    # A word is translated once, however many rows have it.
    kinds, standings = ({name: say(label) for name, label in words.items()} for words in (KINDS, STATUSES))
    lists = {f"list={name}": say(label) for name, label in FACETS["list"].items() if name != "none"}
    grades = {f"grade={name}": label for name, label in FACETS["grade"].items() if name != "0"}
    return [
        Line(
            url_for("organizations.show", organization_id=row.id),
            row.name,
            row.credit_code or "—",
            kinds[row.kind],
            next((grades[mark] for mark in marks if mark in grades), "—"),
            TONES[row.status],
            standings[row.status],
            [lists[mark] for mark in sorted(marks) if mark in lists],
            row.agency.name,
        )
        for row, marks in ((row, found.marks[row.id]) for row in found.page.rows)
    ]


@bp.route("/verify", methods=["GET", "POST"])
@allow("organization.verify")
def verify() -> Answer:
    """Verify entries as of today: the chosen ones of the filter's page, or all that the filter means."""
    g.menu_entry = "directory.list"
    args = tables.arguments()
    kept = ORGANIZATIONS.kept(args)
    search = asked_search(current_user, args)
    found = found_page(search, size=paging.PAGE_SIZE)
    form = VerifyForm()
    open_ids = queries.verifiable(current_user, [row.id for row in found.page.rows])
    chosen = {int(text) for text in request.form.getlist("row") if text.isdigit()} & open_ids
    whole = request.form.get("which") == "all"
    if form.validate_on_submit():
        try:
            ids = queries.all_verifiable(current_user, search, limit=MOST + 1) if whole else sorted(chosen)
            evidence = form.evidence.data or ""
            check_choice(len(ids), evidence, compared=bool(form.compared.data))
            job = ask_to_verify(ids, evidence=evidence, by=current_user)
            return redirect(url_for("work.show", job_id=job.id), code=303)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.form_errors.append(say(refusal.sentence))
    return render_template(
        "directory/verify.html",
        form=form,
        page=found.page,
        count=found.count,
        open_ids=open_ids,
        chosen=chosen,
        whole=whole,
        most=MOST,
        kept=kept,
    ), 422 if form.is_submitted() else 200


@bp.get("/suggest")
@allow("organization.read")
def suggest() -> str:
    """What a form offers while an organization is typed: the first of the list that the words find."""
    box, written = (request.args.get(name, "") for name in ("box", "written"))
    words = request.args.get("q", request.args.get(box, "")).strip()
    found = first_found(search_of(current_user, marks={}, words=words), size=OFFERED) if words else []
    return render_template("directory/suggest.html", offers=offers_of(found, written=written))


@bp.get("/coverage")
@allow("organization.read")
def coverage() -> str:
    """How many organizations each division has, by class, field, kind or grade; each figure opens to its rows."""
    g.menu_entry = "directory.list"
    found = _coverage()
    form = CoverageForm(request.args)
    if found.problem is not None:
        form.division.errors = [say(found.problem)]
    return render_template(
        "directory/coverage.html",
        form=form,
        table=found.table,
        division=found.division,
        names=found.names,
        values=found.values,
        words=FACETS[found.by],
        by=found.by,
        kept=found.kept,
        heads=HEADS,
        open_at=found.open_at,
        above=_above(found.division, found.top),
        top=found.top,
        suggested=queries.suggested_divisions(current_user),
    )


@bp.get("/coverage.xlsx")
@allow("organization.read")
def coverage_file() -> Response:
    """The same figures as a workbook."""
    found = _coverage()
    report = coverage_report(found.table, found.names, found.by, found.values)
    return send_file(
        workbook(report),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"{report.title}.xlsx",
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """The coverage that an address asks for; ``values`` are the columns with at least one organization."""

    table: queries.Coverage
    division: str
    top: str
    by: str
    values: list[str]
    kept: dict[str, str]
    names: dict[str, str]
    problem: Message | None

    def open_at(self, code: str, value: str = "", *, exactly: bool = False) -> str:
        query = {"at" if exactly else "division": code} | self.kept | ({self.by: value} if value else {})
        return f"{url_for('directory.list')}?{urlencode(query)}"


def _coverage() -> _Asked:
    args = tables.arguments()
    top = queries.top_division(current_user)
    asked = queries.asked_division(current_user, args.get("division", ""))
    division = asked.code or top
    by = args.get("by", "class")
    if by not in FACETS:
        abort(404)
    kept = {name: args[name] for name, words in FACETS.items() if name != by and args.get(name) in words}
    values = list(FACETS[by])
    table = queries.coverage(asked_search(current_user, kept), division, by, values)
    # A column without a single organization says nothing.
    values = [value for value in values if table.cells[(division, value)]]
    names = division_names([division, *table.parts])
    return _Asked(table, division, top, by, values, kept, names, asked.problem)


def _above(division: str, top: str) -> list[str]:
    """The divisions from the reader's own down to the one above this one."""
    prefix = tree_prefix(division)
    codes = [queries.full_code(prefix[:length]) for length in (2, 4, 6, 9) if length < len(prefix)]
    return [code for code in codes if is_under(code, top)]
