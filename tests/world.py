"""A small fictional world for tests: units, people with their roles, organizations, experts.

Written straight to the tables, so that a test of one room needs only the rooms below it. Every
name is invented (示例…). Sign in with the persona's login and :data:`PASSWORD`.
"""

from __future__ import annotations

from datetime import date, timedelta

from argon2 import PasswordHasher
from sqlalchemy import select

from core import clock
from core.db import db, transaction
from core.rules.models import RuleSet
from registry.accounts.models import RoleAssignment, User
from registry.agencies.models import Agency
from registry.experts.models import Expert
from registry.interests.models import Interest
from registry.organizations.models import Grade, Inspection, Organization, PartyFacts
from registry.persons.models import Person

PASSWORD = "correct horse battery 善治"

# login: (name, role, unit). One person for each step of DOMAIN 2.5.
PERSONAS = {
    "clerk": ("示例陈静", "funder_clerk", "示例市民政局"),
    "reviewer": ("示例李建国", "funder_reviewer", "示例市民政局"),
    "leader": ("示例周正", "funder_leader", "示例市民政局"),
    "finance": ("示例赵敏", "finance_clerk", "示例市民政局"),
    "finreview": ("示例钱琳", "finance_reviewer", "示例市民政局"),
    "supervisor": ("示例孙严", "supervisor", "示例市民政局"),
    "organizer": ("示例吴桐", "organizer", "示例市民政局"),
    "party": ("示例白露", "party_dept", "示例市民政局"),
    "admin": ("示例何平", "system_admin", "示例市民政局"),
    "security": ("示例冯安", "security_admin", "示例市民政局"),
    "auditor": ("示例沈明察", "audit_admin", "示例市民政局"),
    "banner_clerk": ("示例其木格", "funder_clerk", "示例东旗民政局"),
    "township_clerk": ("示例巴图", "funder_clerk", "示例街道办事处"),
    "operator": ("示例刘洋", "so_operator", "示例暖邻社区服务中心"),
    "so_leader": ("示例孙悦", "so_leader", "示例暖邻社区服务中心"),
    "operator2": ("示例马兰", "so_operator", "示例夕阳红为老服务中心"),
    "so_leader2": ("示例高远", "so_leader", "示例夕阳红为老服务中心"),
    "operator3": ("示例田野", "so_operator", "示例童伴儿童关爱协会"),
    "so_leader3": ("示例林青", "so_leader", "示例童伴儿童关爱协会"),
    "evaluator": ("示例郑明", "evaluator", "示例公正评估事务所"),
    **{f"expert{n}": (f"示例专家{c}", "expert", "示例市民政局") for n, c in enumerate("甲乙丙丁戊己庚辛", 1)},
}

AGENCIES = [
    ("示例市民政局", "civil_affairs_bureau", "150600", None, "示民发"),
    ("示例东旗民政局", "civil_affairs_bureau", "150602", "示例市民政局", "示东民发"),
    ("示例街道办事处", "subdistrict", "150602001", "示例东旗民政局", "示街发"),
    ("示例西旗民政局", "civil_affairs_bureau", "150603", "示例市民政局", "示西民发"),
]

# name, kind, credit code (valid check characters, invented bodies), registered
ORGANIZATIONS = [
    ("示例暖邻社区服务中心", "social_service_agency", "52", date(2019, 6, 12), 3),
    ("示例夕阳红为老服务中心", "social_service_agency", "52", date(2017, 3, 1), 4),
    ("示例童伴儿童关爱协会", "social_association", "51", date(2018, 9, 20), None),
    ("示例公正评估事务所", "evaluator", "52", date(2015, 5, 5), None),
    ("示例企业甲", "enterprise", "91", date(2012, 1, 9), None),
]

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(prefix: str, division: str, serial: int) -> str:
    """A code of an invented body that passes both checks (GB 11714 and GB 32100)."""
    body = f"MJ{serial:06d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(w * (int(c) if c.isdigit() else ord(c) - 55) for w, c in zip(weights, body, strict=True))
    check = 11 - total % 11
    body += {10: "X", 11: "0"}.get(check, str(check))
    seventeen = prefix + division + body
    rest = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(seventeen)) % 31
    return seventeen + _ALPHABET[(31 - rest) % 31]


def build() -> None:
    """Fill an empty database; opens its own transaction."""
    # Cheap parameters: the tests sign in hundreds of times.
    password = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        agencies: dict[str, Agency] = {}
        for name, kind, division, parent, prefix in AGENCIES:
            agency = Agency(name=name, kind=kind, division_code=division, document_prefix=prefix)
            agency.parent_id = agencies[parent].id if parent else None
            session.add(agency)
            session.flush()
            agency.path = f"{agencies[parent].path if parent else '/'}{agency.id}/"
            agencies[name] = agency
        # Most tests need no plan of lottery money and no photo of its sign; those that do ask for them.
        session.add(
            RuleSet(
                family="RLF",
                valid_from=date(2000, 1, 1),
                version=1,
                parameters={"plan_required": False, "sign_required": False},
                source="tests only",
            )
        )
        organizations: dict[str, Organization] = {}
        today = clock.today()
        for serial, (name, kind, prefix, registered, grade) in enumerate(ORGANIZATIONS, 1):
            person = Person(name=f"示例法人{serial}", phone="13800000000")
            session.add(person)
            session.flush()
            organization = Organization(
                agency_id=agencies["示例市民政局"].id,
                kind=kind,
                name=name,
                sort_key=name,
                credit_code=credit_code(prefix, "150602", serial),
                division_code="150602",
                registered_on=registered,
                legal_representative_id=person.id,
                business_scope="社区居家养老服务、儿童关爱、邻里互助、志愿服务组织",
                fields=["elderly", "community"],
            )
            session.add(organization)
            session.flush()
            for year in range(today.year - 3, today.year):
                session.add(Inspection(organization_id=organization.id, year=year, result="qualified"))
            if grade:
                session.add(
                    Grade(
                        organization_id=organization.id,
                        grade=grade,
                        valid_from=today - timedelta(days=400),
                        valid_to=today + timedelta(days=1400),
                    )
                )
            session.add(
                PartyFacts(
                    organization_id=organization.id,
                    full_members=3,
                    party_org_kind="sole",
                    party_in_charter=True,
                    commitment_on=today - timedelta(days=300),
                )
            )
            organizations[name] = organization
        for login, (name, role, unit) in PERSONAS.items():
            person = Person(name=name, phone="13900000000")
            session.add(person)
            session.flush()
            user = User(
                person_id=person.id, login=login, password_hash=password, password_changed_at=clock.now()
            )
            session.add(user)
            session.flush()
            session.add(
                RoleAssignment(
                    user_id=user.id,
                    role=role,
                    agency_id=agencies[unit].id if unit in agencies else None,
                    organization_id=organizations[unit].id if unit in organizations else None,
                    valid_from=today - timedelta(days=365),
                )
            )
            if role == "expert":
                number = int(login.removeprefix("expert"))
                session.add(
                    Expert(
                        agency_id=agencies["示例市民政局"].id,
                        person_id=person.id,
                        fields=["finance"] if number % 4 == 0 else ["elderly", "community"],
                        employer=f"示例大学{number}",
                        state="admitted",
                    )
                )
            if login == "expert1":
                # Worked for an applicant last year: must be recused from it.
                session.add(
                    Interest(
                        person_id=person.id,
                        organization_id=organizations["示例暖邻社区服务中心"].id,
                        kind="employment",
                        since=today - timedelta(days=700),
                        until=today - timedelta(days=200),
                    )
                )


def user(login: str) -> User:
    return db.session.scalars(select(User).where(User.login == login)).one()


def agency(name: str = "示例市民政局") -> Agency:
    return db.session.scalars(select(Agency).where(Agency.name == name)).one()


def organization(name: str = "示例暖邻社区服务中心") -> Organization:
    return db.session.scalars(select(Organization).where(Organization.name == name)).one()
