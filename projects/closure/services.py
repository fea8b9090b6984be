"""Closing a project: the last account, the surplus back, the sealed archive."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import IO, Any

from core import clock
from core.access.policy import Refusal
from core.audit.services import record
from core.db import db
from core.documents.services import pdf_available, render_pdf
from core.files.models import StoredFile
from core.files.services import file_path, store
from core.lifecycle import fire
from core.money import Money
from core.rules.queries import parameters
from core.rules.rules import Finding
from core.text import N_, Message
from finance.commitments.queries import open_holds, paid_total
from finance.commitments.services import (
    end,
    lift_hold,
    place_hold,
    reduce_tranche,
    release_remainder,
    return_surplus,
)
from finance.recoveries.models import Recovery
from finance.recoveries.queries import asked_for, open_cases
from finance.recoveries.services import order_decided, tell_when_closed
from projects.agreements.models import Project
from projects.agreements.policy import require_no_interest, require_permission
from projects.agreements.reports import document_facts
from projects.claims import rules
from projects.claims.queries import open_claims, tranche_rows
from projects.closure import rules as consequences
from projects.closure.models import Closure, Termination
from projects.closure.queries import Entry, as_json, closure_of, contents, project_of, termination_of
from projects.spending.queries import spent_total
from projects.supervision.queries import unfinished
from registry.agencies.models import Agency

# 政府采购法 Art. 42: at least fifteen years; grants keep the same term by default (DOMAIN 3.13).
RETENTION_YEARS = 15
# The final report comes within this many days of the project's end (广州市扶持社会组织发展专项资金管理办法).
REPORT_DAYS = 30
RETENTION_SOURCE = "政府采购法 第四十二条；档案法实施条例 第三十九条"
MANIFESTS = ("manifest.json", "manifest.txt")

Source = Callable[[Project], Iterable[Entry]]
_sources: dict[str, Source] = {}


def add_archive_source(name: str, source: Source) -> None:
    """Let an upper room put files into the archive: ``source(project)`` gives (path, bytes).

    Registering a name again replaces it. The same project must give the same bytes.
    """
    _sources[name] = source


def report_closure(
    project: Project,
    *,
    summary: str,
    eligible_cost: Money,
    audit_file: tuple[IO[bytes], str] | None = None,
    by: Any,
) -> Closure:
    """The organization closes its account: what was done, and the cost that the audit accepts.

    A returned report may be sent again. For an accepted service contract the cost is its price.
    """
    require_permission(by, "closure.report", organization_id=project.organization_id)
    if not summary.strip():
        raise Refusal(Message(N_("Write in a few sentences what was done and reached.")))
    if eligible_cost < Money(0):
        raise Refusal(Message(N_("The eligible cost cannot be below zero.")))
    if not project.final_grade:
        raise Refusal(
            Message(N_("The final evaluation comes first: it has no result yet.")),
            rule="RDT-a",
            whose_turn=Message(N_("the evaluator")),
            status=409,
        )
    if project.agreement.track == "service_purchase" and project.final_grade in rules.PASSING:
        eligible_cost = project.agreement.amount
    closure = closure_of(project)
    if closure is None:
        fire(project, "begin_closing", by=by)
        closure = Closure(
            project_id=project.id,
            agency_id=project.agency_id,
            organization_id=project.organization_id,
            reported_by=by.id,
            summary="",
            eligible_cost=eligible_cost,
        )
        closure.project = project
        db.session.add(closure)
        db.session.flush()
        record(closure, "reported", by=by, details={"eligible_cost": eligible_cost.plain()})
    else:
        fire(closure, "report_again", by=by, details={"eligible_cost": eligible_cost.plain()})
        closure.reported_by = by.id
    closure.summary = summary.strip()
    closure.eligible_cost = eligible_cost
    if audit_file is not None:
        closure.audit_file_id = store(audit_file[0], audit_file[1], by=by).id
    db.session.flush()
    return closure


def return_closure(closure: Closure, *, reason: str, by: Any) -> None:
    """Back to the organization with the reason."""
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: the other side has to know what to do.")))
    fire(closure, "return", by=by, note=reason.strip())
    closure.return_reason = reason.strip()
    db.session.flush()


def check_closure(closure: Closure, *, by: Any) -> None:
    """Confirm the account. Cost and payments give the surplus, and what of the last tranche is due.

    surplus = max(0, paid − eligible cost); due = min(planned, eligible cost − paid).
    """
    project = closure.project
    _refuse_in_hand(project)
    fire(closure, "check", by=by)
    commitment = project.agreement.commitment
    assert commitment is not None
    paid = paid_total(commitment)
    closure.surplus = rules.surplus(eligible=closure.eligible_cost, paid=paid)
    project.audited_cost = closure.eligible_cost
    unpaid = [row.tranche for row in tranche_rows(project) if not row.paid]
    originals = [tranche.original_amount for tranche in unpaid]
    for tranche, due in zip(
        unpaid, rules.dues(originals, eligible=closure.eligible_cost, paid=paid), strict=True
    ):
        if due < tranche.amount:
            reduce_tranche(tranche, due, reason="audited cost", by=by)
    db.session.flush()


def surplus_due(closure: Closure) -> Money:
    """The surplus that has still to come back: by a recovery or from a host a part may be back already."""
    commitment = closure.project.agreement.commitment
    assert commitment is not None
    if closure.state != "checked":
        return closure.surplus
    return rules.surplus(eligible=closure.eligible_cost, paid=paid_total(commitment))


def settle(closure: Closure, *, returned_on: date | None = None, voucher: str = "", by: Any) -> None:
    """Approve the settlement: surplus back with its voucher, remainder released, agreement ended."""
    project = closure.project
    commitment = project.agreement.commitment
    assert commitment is not None
    if closure.state == "checked":
        _refuse_in_hand(project)
        _refuse_due(project)
        if unfinished(project):
            raise Refusal(
                Message(N_("A rectification is not closed: it comes before the settlement.")),
                rule="RDT-d",
                status=409,
            )
        if open_cases(commitment.id):
            raise Refusal(
                Message(N_("A recovery case of this project is open: it comes before the settlement.")),
                rule="RDT-surplus",
                status=409,
            )
        closure.surplus = surplus_due(closure)
        if closure.surplus and (returned_on is None or not voucher.strip()):
            raise Refusal(
                Message(
                    N_("A surplus of %(amount)s yuan has to come back first: give the day and the voucher."),
                    {"amount": closure.surplus},
                ),
                rule="RDT-surplus",
                source=rules.SOURCE,
            )
        if returned_on is not None and returned_on > clock.today():
            raise Refusal(Message(N_("The day of the return lies in the future.")))
    fire(closure, "settle", by=by, details={"surplus": closure.surplus.plain()})
    if closure.surplus:
        closure.surplus_returned_on, closure.surplus_voucher = returned_on, voucher.strip()
        return_surplus(commitment, closure.surplus, key=f"closure/{closure.id}", by=by)
    release_remainder(commitment, by=by)
    end(commitment, on=clock.today(), by=by)
    fire(project.agreement, "end", by=by)
    fire(project, "settle", by=by)


def propose_termination(
    project: Project, *, reason: str, accepted_cost: Money, due_on: date, by: Any
) -> Termination:
    """经办: the project cannot go on. Payments are stopped from now on; four people decide.

    ``accepted_cost`` is what was properly spent until now: the rest of what was paid comes back.
    """
    require_permission(by, "project.terminate", agency_id=project.agency_id)
    require_no_interest(by, project.organization_id)
    if project.state not in ("running", "suspended"):
        raise Refusal(Message(N_("Only a running or suspended project can be ended early.")), status=409)
    if termination_of(project) is not None:
        raise Refusal(Message(N_("An early end of this project is already proposed.")), status=409)
    if not reason.strip():
        raise Refusal(Message(N_("Write the reason: the other side has to know what to do.")))
    if accepted_cost < Money(0):
        raise Refusal(Message(N_("The amount must not be below zero.")))
    if due_on < clock.today():
        raise Refusal(Message(N_("The day until which the money has to be back lies in the past.")))
    commitment = project.agreement.commitment
    assert commitment is not None
    termination = Termination(
        project=project,
        project_id=project.id,
        agency_id=project.agency_id,
        organization_id=project.organization_id,
        reason=reason.strip(),
        accepted_cost=accepted_cost,
        due_on=due_on,
        proposed_by=by.id,
        proposed_at=clock.now(),
    )
    db.session.add(termination)
    db.session.flush()
    place_hold(commitment, reason="termination", text=reason.strip(), by=by)
    record(termination, "proposed", by=by, details={"accepted_cost": accepted_cost})
    record(project, "early end proposed", by=by, details={"note": reason.strip()})
    return termination


def to_come_back(termination: Termination) -> Money:
    """What of the paid money is unspent and not asked back by another case."""
    commitment = termination.project.agreement.commitment
    assert commitment is not None
    paid, asked = asked_for(commitment)
    return consequences.unspent(paid=paid, accepted=termination.accepted_cost, asked=asked)


def review_termination(termination: Termination, *, by: Any) -> None:
    """复核 (法务): the reason holds."""
    fire(termination, "review_legal", by=by)


def review_termination_money(termination: Termination, *, by: Any) -> None:
    """复核 (财务): what was properly spent is right."""
    fire(termination, "review_money", by=by)


def decide_termination(termination: Termination, *, basis: str, by: Any) -> Recovery | None:
    """审批: the meeting has decided. The agreement ends, what is unpaid is free again, the unspent part
    becomes an ordered recovery case; without one the project is ended at once.
    """
    project = termination.project
    commitment = project.agreement.commitment
    assert commitment is not None
    _refuse_in_hand(project)
    if any(item.state in ("open", "answered") for item in unfinished(project)):
        raise Refusal(
            Message(N_("A rectification is still open: record first whether it was put right.")),
            rule="RDT-d",
            whose_turn=Message(N_("the programme officer")),
            status=409,
        )
    fire(termination, "decide", by=by, details={"basis": basis.strip()}, basis=basis)
    amount = to_come_back(termination)
    for row in tranche_rows(project):
        if not row.paid and row.tranche.amount:
            reduce_tranche(row.tranche, Money(0), reason="ended early", by=by)
    release_remainder(commitment, by=by)
    end(commitment, on=clock.today(), by=by)
    fire(project.agreement, "terminate", by=by)
    if not amount:
        fire(project, "terminate" if not open_cases(commitment.id) else "recover", by=by)
        return None
    assert termination.legal_reviewed_by is not None and termination.money_reviewed_by is not None
    case = order_decided(
        commitment,
        ground="terminated",
        amount=amount,
        due_on=max(termination.due_on, clock.today()),
        reason=termination.reason,
        basis=termination.basis,
        proposed_by=termination.proposed_by,
        reviewed_by=termination.legal_reviewed_by,
        money_reviewed_by=termination.money_reviewed_by,
        by=by,
    )
    termination.recovery_id = case.id
    fire(project, "recover", by=by)
    return case


def drop_termination(termination: Termination, *, reason: str, by: Any) -> None:
    """The project goes on: the hold of the proposal is lifted."""
    fire(termination, "drop", by=by, note=reason.strip(), reason=reason)
    commitment = termination.project.agreement.commitment
    assert commitment is not None
    for hold in open_holds(commitment):
        if hold.reason == "termination":
            lift_hold(hold, by=by)


def _after_recovery(case: Recovery, by: Any) -> None:
    """A project whose last case is closed has ended."""
    project = project_of(case.commitment_id)
    if project is not None and project.state == "recovering" and not open_cases(case.commitment_id):
        fire(project, "terminate", by=by)


tell_when_closed("closure", _after_recovery)


def fail_finding(project: Project) -> Finding | None:
    """What follows from a failed final evaluation (RGC-1); ``None`` when nothing does."""
    commitment = project.agreement.commitment
    if project.final_grade != "fail" or commitment is None or project.state not in ("running", "closing"):
        return None
    agency = db.session.get_one(Agency, project.agency_id)
    values = parameters(
        "RGC",
        consequences.DEFAULTS,
        on=clock.today(),
        jurisdiction=agency.division_code,
        programme=project.agreement.track,
    )
    paid, asked = asked_for(commitment)
    accepted = project.audited_cost if project.audited_cost is not None else spent_total(project)
    return consequences.fail_consequence(
        project.final_grade, paid=paid, accepted=accepted, asked=asked, values=values, rule_set=values.label
    )


def _refuse_in_hand(project: Project) -> None:
    moving = [row for row in tranche_rows(project) if row.disbursement is not None and not row.paid]
    if moving or open_claims(project):
        raise Refusal(
            Message(N_("A claim or a payment is still on its way: finish it first.")),
            rule="RDT-surplus",
            status=409,
        )


def _refuse_due(project: Project) -> None:
    if project.final_grade == "fail":
        return
    for row in tranche_rows(project):
        if not row.paid and row.tranche.amount > Money(0):
            raise Refusal(
                Message(
                    N_(
                        "%(amount)s yuan of “%(tranche)s” are still due: they are claimed and paid before the settlement."
                    ),
                    {"amount": row.tranche.amount, "tranche": row.tranche.title},
                ),
                rule="RDT-final",
                source=rules.SOURCE,
                whose_turn=Message(N_("the organization's leader")),
                status=409,
            )


def archive(project: Project, *, by: Any) -> StoredFile:
    """Seal the project into one zip with a manifest of SHA-256, read it back, and archive it."""
    require_permission(by, "closure.handle", agency_id=project.agency_id)
    of_state = {"settled": closure_of, "terminated": termination_of}.get(project.state)
    ended = of_state(project) if of_state is not None else None
    if ended is None:
        raise Refusal(
            Message(N_("Only a project that is settled, or has ended early, can be archived.")), status=409
        )
    with tempfile.TemporaryFile() as package:
        write_package(project, package)
        package.seek(0)
        stored = store(package, f"{project.number}.zip", by=by, max_bytes=None)
    with file_path(stored.sha256).open("rb") as sealed:
        problems = verify_archive(sealed)
    if problems:
        raise RuntimeError(f"the archive of {project.number} does not verify: {problems[0]}")
    ended.archive_file_id, ended.archived_at = stored.id, clock.now()
    fire(project, "archive", by=by, details={"sha256": stored.sha256, "bytes": stored.size})
    return stored


def write_package(project: Project, target: IO[bytes]) -> None:
    """Write the zip file by file, no clock in it, nothing compressed, the manifests last.

    The same project gives the same bytes, and the digests are those of the files as they lie there.
    """
    listing: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as package:
        for path, data in _everything(project):
            if path in listing or path in MANIFESTS:
                raise ValueError(f"two files of the archive are called {path}")
            digest = hashlib.sha256(data).hexdigest()
            listing[path] = {"path": path, "sha256": digest, "bytes": len(data)}
            _add(package, path, data)
        files = [listing[path] for path in sorted(listing)]
        manifest = {
            "project": project.number,
            "title": project.title,
            "organization": project.organization.name,
            "retention": {"years": RETENTION_YEARS, "source": RETENTION_SOURCE},
            "files": files,
        }
        _add(package, "manifest.json", as_json(manifest))
        _add(package, "manifest.txt", _check_lines(files).encode())


def _everything(project: Project) -> Iterator[Entry]:
    yield from contents(project)
    for name in sorted(_sources):
        yield from _sources[name](project)
    if pdf_available():
        # Printed where this server can print; the agreement's data are there in any case.
        facts = document_facts(project.agreement)
        yield "06-agreement/agreement.pdf", render_pdf("agreements/document.html", facts)


def _add(package: zipfile.ZipFile, path: str, data: bytes) -> None:
    info = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    package.writestr(info, data)


def _check_lines(files: list[dict[str, Any]]) -> str:
    """The form that ``sha256sum -c manifest.txt`` reads: no product is needed in fifteen years."""
    return "".join(f"{item['sha256']}  {item['path']}\n" for item in files)


def verify_archive(source: IO[bytes] | Path) -> list[str]:
    """What is wrong with a package: changed, missing or unlisted files. Empty when it is whole."""
    try:
        with zipfile.ZipFile(source) as package:
            return _compare(package)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        return [f"unreadable: {error}"]


def _compare(package: zipfile.ZipFile) -> list[str]:
    manifest = json.loads(package.read("manifest.json"))
    listed = {item["path"]: item["sha256"] for item in manifest["files"]}
    present = set(package.namelist()) - set(MANIFESTS)
    problems = [f"missing: {path}" for path in sorted(set(listed) - present)]
    problems += [f"not listed: {path}" for path in sorted(present - set(listed))]
    for path in sorted(present & set(listed)):
        try:
            digest = hashlib.sha256(package.read(path)).hexdigest()
        except zipfile.BadZipFile:
            digest = ""
        if digest != listed[path]:
            problems.append(f"changed: {path}")
    if package.read("manifest.txt").decode() != _check_lines(manifest["files"]):
        problems.append("the two manifests disagree")
    return problems
