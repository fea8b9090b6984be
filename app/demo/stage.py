"""The stage of the demonstration world: who exists, before anything happens.

Everybody and everything is fictional and says so (示例…). Written through the services, like
any other day's work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from core import clock
from core.audit.services import SYSTEM
from core.db import db
from core.money import Money
from finance.funds.models import Budget, FundSource
from finance.funds.services import approve_budget, create_source, enter_budget
from registry.accounts.models import User
from registry.accounts.services import create_user, grant_role
from registry.agencies.models import Agency
from registry.agencies.services import create_agency
from registry.credit.services import record_entry
from registry.experts.services import add_expert, admit_expert
from registry.interests.services import declare_interest
from registry.organizations.models import Organization
from registry.organizations.rules import organization_check_character
from registry.organizations.services import (
    record_grade,
    record_inspection,
    record_party_facts,
    register_organization,
    verify_organization,
)
from registry.persons.services import record_person

WORLD: dict[str, Any] = json.loads((Path(__file__).parent / "world.json").read_text(encoding="utf-8"))
TEXTS: dict[str, Any] = WORLD["texts"]
PREFIXES = {"social_association": "51", "social_service_agency": "52", "foundation": "53"}
OPERATORS = 6
PURPOSES = ("elderly", "children", "disability", "relief", "community")


@dataclass
class Stage:
    """Handles on what was put on stage, by key."""

    agencies: dict[str, Agency] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    organizations: list[Organization] = field(default_factory=list)
    operators: dict[int, User] = field(default_factory=dict)
    leaders: dict[int, User] = field(default_factory=dict)
    experts: dict[int, User] = field(default_factory=dict)
    sources: dict[str, FundSource] = field(default_factory=dict)
    budgets: dict[tuple[str, int], Budget] = field(default_factory=dict)


def credit_code(prefix: str, division: str, serial: int) -> str:
    """A code of an invented body that passes both checks."""
    body = f"MJ{serial:06d}"
    body += organization_check_character(body)
    seventeen = prefix + division + body
    return seventeen + uscc.calc_check_digit(seventeen)


def account(login: str, name: str, role: str, *, password: str, title: str = "", **unit: Any) -> User:
    """A person with an account and one role."""
    person = record_person(name, phone="13900000000", title=title, by=SYSTEM)
    user = create_user(person, login, password, by=SYSTEM)
    grant_role(user, role, valid_from=clock.today(), by=SYSTEM, **unit)
    return user


def set_agencies(stage: Stage, password: str) -> None:
    for key, name, kind, division, parent, prefix in WORLD["agencies"]:
        stage.agencies[key] = create_agency(
            name, kind, division, stage.agencies[parent] if parent else None, prefix, by=SYSTEM
        )
    for login, name, role, unit in WORLD["people"]:
        stage.people[login] = account(login, name, role, password=password, agency=stage.agencies[unit])


def set_organizations(stage: Stage, password: str) -> None:
    clerk, reviewer = stage.people["clerk"], stage.people["reviewer"]
    city, today = stage.agencies["city"], clock.today()
    for serial, (name, kind, division, registered, grade, members, fields) in enumerate(
        WORLD["organizations"], 1
    ):
        leader_person = record_person(f"示例负责人{serial}", phone="13800000000", by=SYSTEM)
        organization = register_organization(
            agency=city,
            kind=kind,
            name=name,
            credit_code=credit_code(PREFIXES[kind], division, serial),
            division_code=division,
            registered_on=date.fromisoformat(registered),
            legal_representative=leader_person,
            business_scope="、".join(_category_name(code) for code in fields),
            fields=fields,
            address=TEXTS["place"],
            phone="0477-0000000",
            by=clerk,
        )
        verify_organization(organization, by=reviewer)
        for year in range(max(today.year - 3, int(registered[:4])), today.year):
            record_inspection(organization, year, "qualified", by=clerk)
        if grade:
            record_grade(
                organization, grade, today - timedelta(days=300), today + timedelta(days=1500), by=clerk
            )
        record_party_facts(
            organization,
            full_members=members,
            party_org_kind="sole" if members >= 3 else "joint" if members else "none",
            party_in_charter=bool(members),
            commitment_on=today - timedelta(days=100),
            by=clerk,
        )
        stage.organizations.append(organization)
        stage.leaders[organization.id] = _with_account(
            leader_person, f"so{serial:02d}", "so_leader", password, organization
        )
        # Small bodies have one person for everything.
        stage.operators[organization.id] = (
            account(
                f"op{serial:02d}",
                f"示例经办{serial}",
                "so_operator",
                password=password,
                organization=organization,
            )
            if serial <= OPERATORS
            else stage.leaders[organization.id]
        )


def _with_account(person: Any, login: str, role: str, password: str, organization: Organization) -> User:
    user = create_user(person, login, password, by=SYSTEM)
    grant_role(user, role, organization=organization, valid_from=clock.today(), by=SYSTEM)
    return user


def _category_name(code: str) -> str:
    return dict(WORLD["categories"]).get(code, "社会工作服务")


def set_others(stage: Stage, password: str) -> None:
    """Evaluators, an audit firm, enterprises, filed community bodies, one on a list."""
    clerk = stage.people["clerk"]
    for serial, (name, kind, prefix, division, registered) in enumerate(WORLD["others"], 901):
        organization = register_organization(
            agency=stage.agencies["city"],
            kind=kind,
            name=name,
            credit_code=credit_code(prefix, division, serial),
            division_code=division,
            registered_on=date.fromisoformat(registered),
            by=clerk,
        )
        if kind == "evaluator":
            stage.people["evaluator"] = account(
                "evaluator", "示例郑明", "evaluator", password=password, organization=organization
            )
    by_name = {organization.name: organization for organization in stage.organizations}
    for name, division, host in WORLD["filed"]:
        register_organization(
            agency=stage.agencies["east"],
            kind="filed_community_so",
            name=name,
            credit_code=None,
            division_code=division,
            registered_on=None,
            register_class="filed",
            host=by_name[host],
            by=clerk,
        )


def set_experts(stage: Stage, password: str) -> None:
    clerk = stage.people["clerk"]
    for serial, (name, fields, employer) in enumerate(WORLD["experts"], 1):
        user = account(
            f"expert{serial:02d}", name, "expert", password=password, agency=stage.agencies["city"]
        )
        expert = add_expert(stage.agencies["city"], user.person, fields=fields, employer=employer, by=clerk)
        admit_expert(expert, by=stage.people["reviewer"])
        stage.experts[user.person_id] = user
    first = next(iter(stage.experts.values()))
    declare_interest(
        first.person,
        stage.organizations[0],
        "employment",
        clock.today() - timedelta(days=400),
        by=clerk,
    )


def set_funds(stage: Stage) -> None:
    """Sources and approved budgets of each year that the story touches."""
    finance, city, funds = stage.people["finance"], stage.agencies["city"], TEXTS["funds"]
    stage.sources["lottery"] = create_source(
        city,
        kind="welfare_lottery_fund",
        name=funds["lottery"],
        tier="city",
        purposes=PURPOSES,
        basis=funds["lottery_basis"],
        by=finance,
    )
    stage.sources["general"] = create_source(
        city, kind="general_public_budget", name=funds["general"], basis=funds["general_basis"], by=finance
    )
    stage.sources["development"] = create_source(
        city, kind="development_fund", name=funds["development"], basis=funds["development_basis"], by=finance
    )
    stage.sources["township"] = create_source(
        stage.agencies["urban"],
        kind="community_subsidy",
        name=funds["township"],
        basis=funds["township_basis"],
        by=stage.people["urban_finance"],
    )


AMOUNTS = {"lottery": "3600000", "general": "2400000", "development": "600000", "township": "300000"}
CODES = {"lottery": "2296002", "general": "2080299", "development": "2080206", "township": "2080208"}


def set_budgets(stage: Stage, year: int) -> None:
    """This year's quotas, entered by one person and approved by another."""
    for key, amount in AMOUNTS.items():
        township = key == "township"
        budget = enter_budget(
            stage.sources[key],
            fiscal_year=year,
            amount=Money.yuan(amount),
            function_code=CODES[key],
            economic_code="50205",
            document_number=f"示财预〔{year}〕{list(AMOUNTS).index(key) + 1}号",
            by=stage.people["urban_finance" if township else "finance"],
        )
        approve_budget(budget, by=stage.people["urban_finreview" if township else "finreview"])
        stage.budgets[key, year] = budget


def inspect(stage: Stage, year: int) -> None:
    """The annual inspection of a year, closed after its end; the last organization did not report."""
    for organization in stage.organizations[:-1]:
        record_inspection(organization, year, "qualified", by=stage.people["clerk"])


def set_troubles(stage: Stage) -> None:
    """One organization on the abnormal list, so that a check has something to find; one that broke its word."""
    record_entry(
        stage.organizations[-1],
        "abnormal_list",
        entered_on=clock.today() - timedelta(days=20),
        grounds=TEXTS["grounds"],
        source=TEXTS["grounds_source"],
        by=stage.people["clerk"],
    )
    # The first of the register.
    record_entry(
        min(stage.organizations, key=lambda item: item.sort_key),
        "commitment_breach",
        entered_on=clock.today() - timedelta(days=20),
        grounds=TEXTS["breach"],
        source=TEXTS["breach_source"],
        by=stage.people["clerk"],
    )
    db.session.flush()
