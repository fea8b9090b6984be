"""Reading hosted money, within each reader's scope; who hosts whom; the figures of a month."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, join, or_, select
from sqlalchemy.orm import aliased, joinedload

from core import clock
from core.db import db
from core.money import Money
from core.rules.queries import Parameters, parameters
from core.rules.rules import Finding
from finance.commitments.models import Commitment
from finance.commitments.queries import open_holds
from finance.disbursements.models import Disbursement, PayeeAccount
from finance.disbursements.queries import tell_hosts
from finance.hosting import rules
from finance.hosting.models import HostedProject, HostedReceipt, Hosting, HostReport, Outflow
from finance.ledger.queries import balances, name_owners
from registry.agencies.models import Agency
from registry.interests.queries import conflict
from registry.organizations.models import Organization

OWNER = "hosted_project"
ALIVE = ("running", "ending")


@dataclass(frozen=True, slots=True)
class Books:
    """What lies where of one hosted project; ``came_in`` is the sum of the others."""

    came_in: Money
    held: Money
    spent: Money
    fee: Money
    back: Money

    def finding(self) -> Finding:
        return rules.adds_up(
            came_in=self.came_in, held=self.held, spent=self.spent, fee=self.fee, back=self.back
        )


def host_of(organization_id: int, commitment_id: int | None, on: date) -> Organization | None:
    """The host that keeps an organization's money on a day: of this commitment, or of any."""
    query = (
        select(Organization)
        .join(Hosting, Hosting.host_id == Organization.id)
        .where(
            Hosting.hosted_id == organization_id,
            Hosting.state == "running",
            Hosting.starts_on <= on,
            Hosting.ends_on >= on,
        )
    )
    if commitment_id is not None:
        query = query.join(HostedProject, HostedProject.hosting_id == Hosting.id).where(
            HostedProject.commitment_id == commitment_id
        )
    return db.session.scalar(query.order_by(Hosting.id.desc()).limit(1))


def tied_to(user: Any, organization_id: int) -> bool:
    """Whether a person works for the organization, or is or was tied to it within three years."""
    works = any(item.organization_id == organization_id and item.alive(clock.today()) for item in user.roles)
    return works or conflict(user.person_id, organization_id, on=clock.today()) is not None


def in_scope(user: Any) -> ColumnElement[bool]:
    """Agreements of the user's units, and those of the user's organizations on either side."""
    own = user.organization_ids("own.read")
    return or_(
        Hosting.agency_id.in_(user.agency_ids("hosting.read")),
        Hosting.host_id.in_(own),
        Hosting.hosted_id.in_(own),
    )


def visible_hostings(user: Any) -> Select[Hosting]:
    return select(Hosting).where(in_scope(user)).options(joinedload(Hosting.host), joinedload(Hosting.hosted))


def hosting_in_scope(user: Any, hosting_id: int) -> Hosting | None:
    return db.session.scalar(visible_hostings(user).where(Hosting.id == hosting_id))


def project_in_scope(user: Any, project_id: int) -> HostedProject | None:
    return db.session.scalar(
        select(HostedProject)
        .join(Hosting, Hosting.id == HostedProject.hosting_id)
        .where(in_scope(user), HostedProject.id == project_id)
        .options(joinedload(HostedProject.hosting), joinedload(HostedProject.commitment))
    )


def outflow_in_scope(user: Any, outflow_id: int) -> Outflow | None:
    return db.session.scalar(
        select(Outflow)
        .join(HostedProject, HostedProject.id == Outflow.project_id)
        .join(Hosting, Hosting.id == HostedProject.hosting_id)
        .where(in_scope(user), Outflow.id == outflow_id)
        .options(joinedload(Outflow.project).joinedload(HostedProject.hosting))
    )


def waiting_outflows(user: Any) -> list[Outflow]:
    """Payments at this person's signature: hosted leader, host's finance, or the funder's confirmation."""
    leads = user.organization_ids("hosting.sign_own")
    keeps = user.organization_ids("hosting.keep")
    confirms = user.agency_ids("hosting.confirm")
    return list(
        db.session.scalars(
            select(Outflow)
            .join(HostedProject, HostedProject.id == Outflow.project_id)
            .join(Hosting, Hosting.id == HostedProject.hosting_id)
            .where(
                or_(
                    and_(Outflow.state == "requested", Hosting.hosted_id.in_(leads)),
                    and_(
                        Outflow.state == "signed_by_hosted",
                        Hosting.host_id.in_(keeps),
                        Outflow.hosted_signed_by != user.id,
                    ),
                    and_(
                        Outflow.state == "signed",
                        Outflow.kind == "returned",
                        Hosting.agency_id.in_(confirms),
                    ),
                )
            )
            .options(joinedload(Outflow.project).joinedload(HostedProject.commitment))
            .order_by(Outflow.id)
            .limit(100)
        )
    )


def waiting_hostings(user: Any) -> list[Hosting]:
    """Agreements at this person's signature."""
    leads = user.organization_ids("hosting.sign_own")
    return list(
        db.session.scalars(
            select(Hosting)
            .where(
                or_(
                    and_(Hosting.state == "drafted", Hosting.hosted_id.in_(leads)),
                    and_(Hosting.state == "signed_by_hosted", Hosting.host_id.in_(leads)),
                    and_(
                        Hosting.state == "signed_by_host",
                        Hosting.agency_id.in_(user.agency_ids("hosting.sign")),
                        Hosting.drafted_by != user.id,
                    ),
                )
            )
            .options(joinedload(Hosting.host), joinedload(Hosting.hosted))
            .order_by(Hosting.id)
            .limit(100)
        )
    )


def books_of(projects: Iterable[HostedProject]) -> dict[int, Books]:
    """The sub-ledgers of several projects in one query."""
    ids = [project.id for project in projects]
    found = balances(OWNER, ids)

    def lies(project_id: int, kind: str) -> Money:
        account = found.get(project_id, {}).get(kind)
        return account.balance if account is not None else Money(0)

    return {
        row_id: Books(
            -lies(row_id, "host_in"),
            lies(row_id, "host_held"),
            lies(row_id, "host_spent"),
            lies(row_id, "host_fee"),
            lies(row_id, "host_back"),
        )
        for row_id in ids
    }


def receivable(project: HostedProject) -> list[Disbursement]:
    """Payments that went to the host's account for this project and are not in its books yet."""
    taken = select(HostedReceipt.disbursement_id)
    return list(
        db.session.scalars(
            select(Disbursement)
            .join(PayeeAccount, PayeeAccount.id == Disbursement.payee_account_id)
            .where(
                Disbursement.commitment_id == project.commitment_id,
                Disbursement.state == "paid",
                PayeeAccount.organization_id == project.hosting.host_id,
                Disbursement.id.not_in(taken),
            )
            .order_by(Disbursement.id)
        )
    )


def receipts_to_take(user: Any) -> list[tuple[HostedProject, Disbursement]]:
    """The same for every project that the person keeps."""
    keeps = user.organization_ids("hosting.keep")
    if not keeps:
        return []
    host_account = aliased(PayeeAccount)
    rows = db.session.execute(
        select(HostedProject, Disbursement)
        .join(Hosting, Hosting.id == HostedProject.hosting_id)
        .join(Disbursement, Disbursement.commitment_id == HostedProject.commitment_id)
        .join(host_account, host_account.id == Disbursement.payee_account_id)
        .where(
            Hosting.host_id.in_(keeps),
            host_account.organization_id == Hosting.host_id,
            Disbursement.state == "paid",
            Disbursement.id.not_in(select(HostedReceipt.disbursement_id)),
        )
        .order_by(Disbursement.id)
        .limit(100)
    )
    return [(row[0], row[1]) for row in rows]


def receipts_of(project: HostedProject) -> list[HostedReceipt]:
    return list(
        db.session.scalars(
            select(HostedReceipt)
            .where(HostedReceipt.project_id == project.id)
            .options(joinedload(HostedReceipt.disbursement))
            .order_by(HostedReceipt.id)
        )
    )


def outflows_of(project: HostedProject) -> list[Outflow]:
    """Newest first."""
    return list(
        db.session.scalars(
            select(Outflow).where(Outflow.project_id == project.id).order_by(Outflow.id.desc())
        )
    )


def outflow_findings(outflow: Outflow) -> list[Finding]:
    """What the rules say about it before it is signed."""
    project = outflow.project
    books = books_of([project])[project.id]
    commitment = project.commitment
    return rules.outflow_findings(
        rules.OutflowFacts(
            kind=outflow.kind,
            amount=outflow.amount,
            held=books.held,
            received=books.came_in,
            fees=books.fee,
            fee_share=project.hosting.fee_share,
            stopped=commitment.ended_on is not None or bool(open_holds(commitment)),
            ending=project.hosting.state != "running",
        )
    )


def rules_of(agency_id: int, on: date) -> Parameters:
    """The RFH parameters of a unit's division."""
    agency = db.session.get_one(Agency, agency_id)
    return parameters("RFH", rules.DEFAULTS, on=on, jurisdiction=agency.division_code)


def body(organization: Organization) -> rules.Body:
    return rules.Body(
        organization.name,
        organization.kind,
        organization.register_class,
        organization.credit_code,
        organization.status,
    )


def hostable(agency_ids: set[int]) -> Select[Any]:
    """Filed bodies known to these units or to a unit above them."""
    return _bodies(_with_above(agency_ids), Organization.register_class == "filed")


def hosts(agency_ids: set[int]) -> Select[Any]:
    """Registered social associations known to these units or to a unit above them."""
    return _bodies(_with_above(agency_ids), Organization.kind == "social_association")


def _with_above(agency_ids: set[int]) -> set[int]:
    return agency_ids | {
        int(step)
        for path in db.session.scalars(select(Agency.path).where(Agency.id.in_(agency_ids)))
        for step in path.strip("/").split("/")
        if step
    }


def _bodies(agency_ids: set[int], condition: ColumnElement[bool]) -> Select[Any]:
    return select(Organization).where(
        Organization.agency_id.in_(agency_ids), condition, Organization.status == "normal"
    )


def any_of(query: Select[Any]) -> bool:
    return db.session.scalar(query.with_only_columns(Organization.id).limit(1)) is not None


def addable(hosting: Hosting) -> list[Commitment]:
    """Commitments of the unit to the hosted body that nobody hosts yet."""
    return list(
        db.session.scalars(
            select(Commitment)
            .where(
                Commitment.agency_id == hosting.agency_id,
                Commitment.organization_id == hosting.hosted_id,
                Commitment.ended_on.is_(None),
                Commitment.id.not_in(select(HostedProject.commitment_id)),
            )
            .order_by(Commitment.id)
        )
    )


def last_serial(prefix: str) -> int:
    """The highest serial of agreement numbers with this prefix."""
    last = db.session.scalar(select(func.max(Hosting.number)).where(Hosting.number.startswith(prefix)))
    return int(last.removeprefix(prefix)) if last else 0


# Reports of the host ----------------------------------------------------------------------------


def month_figures(hosting: Hosting, month: date) -> list[dict[str, Any]]:
    """Every project's month in fen: opening + received − spent − fee − returned = closing."""
    following = clock.add_months(month, 1)
    rows = []
    for project in hosting.projects:
        came = _sum(HostedReceipt, HostedReceipt.project_id == project.id, HostedReceipt.taken_on, following)
        before = _sum(HostedReceipt, HostedReceipt.project_id == project.id, HostedReceipt.taken_on, month)
        gone = {kind: _out(project.id, kind, following) for kind in rules.KINDS}
        gone_before = {kind: _out(project.id, kind, month) for kind in rules.KINDS}
        opening = before - sum(gone_before.values())
        rows.append(
            {
                "project": project.id,
                "number": project.commitment.number,
                "title": project.commitment.title,
                "opening": opening,
                "received": came - before,
                **{kind: gone[kind] - gone_before[kind] for kind in rules.KINDS},
                "closing": came - sum(gone.values()),
            }
        )
    return rows


def _sum(model: Any, condition: ColumnElement[bool], day: Any, before: date) -> int:
    total = db.session.scalar(select(func.sum(model.amount)).where(condition, day < before))
    return total.fen if total is not None else 0


def _out(project_id: int, kind: str, before: date) -> int:
    return _sum(
        Outflow,
        and_(
            Outflow.project_id == project_id,
            Outflow.kind == kind,
            Outflow.state.in_(("signed", "received")),
        ),
        Outflow.happened_on,
        before,
    )


def digest(hosting: Hosting, month: date, figures: list[dict[str, Any]]) -> str:
    """SHA-256 of the figures in one canonical form."""
    text = json.dumps(
        {"agreement": hosting.number, "month": month.isoformat(), "figures": figures},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()


def reports_of(hosting: Hosting) -> list[HostReport]:
    return list(
        db.session.scalars(
            select(HostReport).where(HostReport.hosting_id == hosting.id).order_by(HostReport.month.desc())
        )
    )


def report_in_scope(user: Any, report_id: int) -> HostReport | None:
    return db.session.scalar(
        select(HostReport)
        .join(Hosting, Hosting.id == HostReport.hosting_id)
        .where(in_scope(user), HostReport.id == report_id)
        .options(joinedload(HostReport.hosting))
    )


def months_to_report(hosting: Hosting, today: date) -> list[date]:
    """Complete months since the first money that have no report, oldest first."""
    first = db.session.scalar(
        select(func.min(HostedReceipt.taken_on))
        .join(HostedProject, HostedProject.id == HostedReceipt.project_id)
        .where(HostedProject.hosting_id == hosting.id)
    )
    if first is None:
        return []
    sent = {report.month for report in reports_of(hosting)}
    last = db.session.scalar(
        select(func.max(Outflow.happened_on))
        .join(HostedProject, HostedProject.id == Outflow.project_id)
        .where(HostedProject.hosting_id == hosting.id)
    )
    stop = today.replace(day=1)
    if hosting.state == "ended":
        stop = min(stop, clock.add_months((last or first).replace(day=1), 1))
    month, found = first.replace(day=1), []
    while month < stop:
        if month not in sent:
            found.append(month)
        month = clock.add_months(month, 1)
    return found


def kept_hostings(user: Any) -> list[Hosting]:
    """Agreements whose money the person keeps, for what has to be reported."""
    return list(
        db.session.scalars(
            select(Hosting)
            .where(
                Hosting.host_id.in_(user.organization_ids("hosting.keep")),
                Hosting.state.in_((*ALIVE, "ended")),
            )
            .options(joinedload(Hosting.hosted))
            .order_by(Hosting.id)
        )
    )


name_owners(
    OWNER,
    "hosting.project",
    HostedProject.id,
    [Commitment.title],
    {"project_id": HostedProject.id},
    join(HostedProject, Commitment, Commitment.id == HostedProject.commitment_id),
)
name_owners("hosted_outflow", "hosting.outflow", Outflow.id, [Outflow.purpose], {"outflow_id": Outflow.id})
tell_hosts(host_of)
