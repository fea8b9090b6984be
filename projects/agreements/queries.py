"""Reading agreements and projects, within each reader's scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import joinedload

from core.db import db
from core.money import Money
from core.rules.queries import Parameters, parameters
from core.text import N_, Message
from finance.announcements.queries import suggest_texts
from finance.disbursements.models import Disbursement
from finance.funds.models import Budget, Earmark
from finance.funds.rules import COFUNDING_DEFAULTS
from grants.applications.models import Application
from grants.notices.models import Notice, NoticeItem
from projects.agreements.models import Agreement, AgreementSource, Project
from projects.agreements.rules import Part, budget_by_line
from registry.accounts.models import User
from registry.agencies.models import Agency
from registry.organizations.models import Organization
from registry.outcomes.queries import add_matters, add_touched

# The organization sees its agreement from the offer on.
SHOWN_TO_ORGANIZATION = ("offered", "accepted", "signed", "ended", "terminated")


def visible_agreements(user: Any) -> Select[Agreement]:
    agencies, organizations = user.agency_ids("agreement.read"), user.organization_ids("own.read")
    scopes: list[Any] = []
    if agencies:
        scopes.append(Agreement.agency_id.in_(agencies))
    if organizations:
        scopes.append(
            Agreement.organization_id.in_(organizations) & Agreement.state.in_(SHOWN_TO_ORGANIZATION)
        )
    return select(Agreement).where(or_(*scopes) if scopes else false())


def visible_projects(user: Any) -> Select[Project]:
    agencies, organizations = user.agency_ids("project.read"), user.organization_ids("own.read")
    scopes = []
    if agencies:
        scopes.append(Project.agency_id.in_(agencies))
    if organizations:
        scopes.append(Project.organization_id.in_(organizations))
    return select(Project).where(or_(*scopes) if scopes else false())


def shared_agreements(user: Any) -> Select[Agreement]:
    """Agreements of other units to which the user's units give a part."""
    agencies = user.agency_ids("agreement.read")
    given = select(AgreementSource.agreement_id).where(AgreementSource.agency_id.in_(agencies))
    return select(Agreement).where(Agreement.id.in_(given), Agreement.agency_id.not_in(agencies))


def agreement_in_scope(user: Any, agreement_id: int) -> Agreement | None:
    own, shared = visible_agreements(user), shared_agreements(user)
    return db.session.scalar(
        select(Agreement)
        .where(
            Agreement.id == agreement_id,
            or_(
                Agreement.id.in_(own.with_only_columns(Agreement.id)),
                Agreement.id.in_(shared.with_only_columns(Agreement.id)),
            ),
        )
        .options(joinedload(Agreement.organization), joinedload(Agreement.commitment))
    )


def project_in_scope(user: Any, project_id: int) -> Project | None:
    return db.session.scalar(
        visible_projects(user)
        .where(Project.id == project_id)
        .options(
            joinedload(Project.organization),
            joinedload(Project.agreement).joinedload(Agreement.commitment),
        )
    )


def own_projects(user: Any) -> list[Project]:
    """Projects of the organizations this person works for, newest first."""
    return list(
        db.session.scalars(
            select(Project)
            .where(Project.organization_id.in_(user.organization_ids("own.read")))
            .options(joinedload(Project.agreement))
            .order_by(Project.id.desc())
        )
    )


# A project that is not finished yet, and the standing in which its organization cannot finish it.
UNFINISHED = ("preparing", "running", "suspended", "closing", "recovering")
ENDING = ("liquidating", "deregistered", "revoked")


def projects_to_end(user: Any, permission: str) -> list[Project]:
    """Projects of the person's units that can be ended early and whose organization is being wound up."""
    return list(
        db.session.scalars(
            select(Project)
            .join(Project.organization)
            .where(
                Project.agency_id.in_(user.agency_ids(permission)),
                Project.state.in_(("running", "suspended")),
                Organization.status.in_(ENDING),
            )
            .options(joinedload(Project.organization))
            .order_by(Project.id)
            .limit(20)
        )
    )


def _matters(organization: Organization) -> list[tuple[Message, int]]:
    count = db.session.scalar(
        select(func.count())
        .select_from(Project)
        .where(Project.organization_id == organization.id, Project.state.in_(UNFINISHED))
    )
    return [(Message(N_("Projects that are not finished: %(count)s"), {"count": count or 0}), count or 0)]


add_matters("projects", _matters)


def _touched(user: Any, ids: list[int]) -> list[tuple[str, str, dict[str, int]]]:
    rows = db.session.scalars(visible_projects(user).where(Project.id.in_(ids)).order_by(Project.id)).unique()
    return [(f"{row.number} {row.title}", "agreements.project", {"project_id": row.id}) for row in rows]


add_touched("projects", _touched)


def agreement_of(application_id: int) -> Agreement | None:
    return db.session.scalar(select(Agreement).where(Agreement.application_id == application_id))


def awaiting_agreement(user: Any) -> Sequence[Application]:
    """Awarded applications of the clerk's agency that have no agreement yet."""
    return db.session.scalars(
        select(Application)
        .outerjoin(Agreement, Agreement.application_id == Application.id)
        .where(
            Application.agency_id.in_(user.agency_ids("agreement.draft")),
            Application.state == "awarded",
            Agreement.id.is_(None),
        )
        .options(joinedload(Application.organization))
        .order_by(Application.id)
    ).all()


def awarded_application(user: Any, application_id: int) -> Application | None:
    """An awarded application for which this person may draft the agreement."""
    return db.session.scalar(
        select(Application).where(
            Application.id == application_id,
            Application.agency_id.in_(user.agency_ids("agreement.draft")),
            Application.state == "awarded",
        )
    )


def notice_of(application_id: int) -> Notice | None:
    return db.session.scalar(
        select(Notice).join(NoticeItem).where(NoticeItem.application_id == application_id)
    )


def earmarks_of(agency_ids: set[int]) -> list[Earmark]:
    return list(
        db.session.scalars(
            select(Earmark)
            .where(Earmark.agency_id.in_(agency_ids))
            .options(joinedload(Earmark.budget).joinedload(Budget.fund_source))
            .order_by(Earmark.id.desc())
        )
    )


def parts_of(agreement: Agreement) -> list[Part]:
    """The money of an agreement as it stands."""
    if not agreement.sources:
        return [Part(agreement.earmark.budget.agency, agreement.earmark, agreement.amount)]
    return [Part(item.agency, item.earmark, item.amount) for item in agreement.sources]


def cofunding_parameters(agency: Agency, programme: str, on: date) -> Parameters:
    """The co-funding ratios in force for a unit and programme (RBL rule sets)."""
    return parameters(
        "RBL", COFUNDING_DEFAULTS, on=on, jurisdiction=agency.division_code, programme=programme
    )


def parts_to_confirm(user: Any) -> list[AgreementSource]:
    """Parts of other units' agreements that wait for one of the user's units."""
    return list(
        db.session.scalars(
            select(AgreementSource)
            .join(Agreement, Agreement.id == AgreementSource.agreement_id)
            .where(
                AgreementSource.agency_id.in_(user.agency_ids("agreement.review_money")),
                AgreementSource.agency_id != Agreement.agency_id,
                AgreementSource.confirmed_by.is_(None),
                Agreement.state.in_(("draft", "legal_reviewed", "finance_reviewed")),
            )
            .options(joinedload(AgreementSource.agreement).joinedload(Agreement.organization))
            .order_by(AgreementSource.id)
            .limit(100)
        )
    )


def part_in_scope(user: Any, source_id: int) -> AgreementSource | None:
    """The part of an agreement that one of the user's own units gives and may confirm."""
    return db.session.scalar(
        select(AgreementSource).where(
            AgreementSource.id == source_id,
            AgreementSource.agency_id.in_(user.agency_ids("agreement.review_money")),
        )
    )


def units(agency: Agency) -> list[Agency]:
    """Every unit that may share a cost with this one, in the order of their common tree."""
    root = agency.path.split("/")[1]
    return list(
        db.session.scalars(
            select(Agency).where(Agency.path.startswith(f"/{root}/")).order_by(Agency.path).limit(1000)
        )
    )


def budget_lines(project: Project) -> dict[str, Money]:
    """Granted money by budget line; empty for a bought service, whose price is not itemized."""
    agreement = project.agreement
    if agreement.application is None:
        return {}
    return budget_by_line(agreement.amount, [(line.code, line.grant) for line in agreement.application.lines])


def living_disbursements(tranche_ids: list[int]) -> dict[int, Disbursement]:
    """The disbursement alive of each tranche, where there is one."""
    rows = db.session.scalars(
        select(Disbursement).where(
            Disbursement.tranche_id.in_(tranche_ids), Disbursement.state.not_in(("returned", "cancelled"))
        )
    )
    return {row.tranche_id: row for row in rows}


def names_of(*user_ids: int | None) -> dict[int, str]:
    """The names of several accounts in one query."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    rows = db.session.scalars(select(User).where(User.id.in_(wanted))).unique() if wanted else ()
    return {user.id: user.name for user in rows}


def last_number(prefix: str) -> str | None:
    """The highest agreement number that starts with ``prefix``."""
    return db.session.scalar(select(func.max(Agreement.number)).where(Agreement.number.startswith(prefix)))


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the project's page that a higher room offers.

    ``facts(project, user)`` gives the template's variables, or ``None`` to show nothing.
    """

    name: str
    order: int
    template: str
    facts: Callable[[Project, Any], dict[str, Any] | None]


_panels: dict[str, Panel] = {}


def add_panel(
    name: str,
    template: str,
    facts: Callable[[Project, Any], dict[str, Any] | None],
    *,
    order: int,
) -> None:
    """Offer a part of the project's page; registering it again replaces it."""
    _panels[name] = Panel(name, order, template, facts)


def panels() -> list[Panel]:
    return sorted(_panels.values(), key=lambda panel: panel.order)


def _texts_for_the_public(commitment_id: int) -> dict[str, str]:
    """What an application said of its project, offered to who writes what the public is told."""
    agreement = db.session.scalar(
        select(Agreement)
        .where(Agreement.commitment_id == commitment_id)
        .options(joinedload(Agreement.application))
    )
    application = agreement.application if agreement is not None else None
    if application is None:
        return {}
    return {
        "content": application.plan,
        "leader": application.leader_name,
        "targets": application.goals,
    }


suggest_texts(_texts_for_the_public)
