"""The register of the demonstration world: three registers, particulars, leaders, hubs, doubles, outcomes."""

from __future__ import annotations

import io
from datetime import date, timedelta

from sqlalchemy import select

from app.demo.photos import photo
from app.demo.stage import TEXTS, WORLD, Stage, credit_code
from app.demo.story import on
from core import clock
from core.clock import add_months
from core.db import db
from core.files.services import store
from core.money import Money
from registry.credit.models import CreditEntry
from registry.duplicates.models import SimilarPair
from registry.duplicates.services import confirm_merge, dismiss, propose_merge
from registry.governance.services import QUESTIONS, appoint, check_candidate, record_term
from registry.hubs.services import join, serve
from registry.organizations.models import Organization
from registry.organizations.services import (
    confirm_unchanged,
    register_organization,
    set_status,
    upgrade_filed,
)
from registry.outcomes import services as outcomes
from registry.particulars.services import (
    assign_department,
    file_fundraising,
    give_tag,
    record_honour,
    record_qualification,
    record_staff,
    set_profile,
    set_up_fund,
)
from registry.persons.services import record_person
from registry.updates import services as updates
from registry.updates.queries import entry_values

WORDS = TEXTS["register"]
HUB, FOUNDATION, SUPPORT = 7, 16, 3


def tell_register(stage: Stage) -> None:
    """What is beside the entries, told in the order of time."""
    today = clock.today()
    with on(today - timedelta(days=420)):
        _particulars(stage)
        _leaders(stage)
        _registers(stage)
        _township(stage)
    with on(today - timedelta(days=120)):
        # Most were compared with their certificates this year; the rest is stale.
        for organization in stage.organizations[:19]:
            confirm_unchanged(organization, evidence=WORDS["fine"], by=stage.people["reviewer"])
        _upgrade(stage)
        _hub(stage)
    with on(today - timedelta(days=20)):
        _doubles(stage)
    with on(today - timedelta(days=9)):
        _outcomes(stage)
    with on(today - timedelta(days=4)):
        _updates(stage)


def _particulars(stage: Stage) -> None:
    clerk, today = stage.people["clerk"], clock.today()
    for place, organization in enumerate(stage.organizations[:8]):
        set_profile(
            organization,
            capital=Money.yuan(30_000 + 10_000 * place),
            certificate_from=date(today.year - 2, 1, 1),
            certificate_to=date(today.year + (2 if place != 5 else 0), 12, 31),
            charter_on=date(today.year - 2, 1, 1),
            supervising_unit=WORDS["unit"],
            by=clerk,
        )
    set_profile(
        stage.organizations[1], detachment="done", former_unit=WORDS["former_unit"], detachment_began_on=date(2018, 9, 1),
        detached_on=date(2019, 6, 30), detachment_document=WORDS["detached"], by=clerk,
    )  # fmt: skip
    set_profile(stage.organizations[2], detachment="pending", former_unit=WORDS["former_unit"], by=clerk)
    for tag, place in (
        ("hub", HUB),
        ("federation", HUB),
        ("hub", 11),
        ("hub", 21),
        ("support", SUPPORT),
        ("charity", FOUNDATION),
    ):
        organization = stage.organizations[place]
        if all(row.tag != tag for row in organization.tags):
            give_tag(organization, tag, since=today, document=WORDS["letter"], by=clerk)
    foundation = stage.organizations[FOUNDATION]
    for kind in ("tax_exemption", "donation_deduction", "public_fundraising"):
        record_qualification(
            foundation, kind, valid_from=date(today.year, 1, 1), valid_to=date(today.year + 2, 12, 31),
            document=WORDS["fundraising" if kind == "public_fundraising" else "tax"], by=clerk,
        )  # fmt: skip
    record_qualification(
        stage.organizations[0], "tax_exemption", valid_from=date(today.year - 5, 1, 1), valid_to=date(today.year - 1, 12, 31),
        document=WORDS["tax"], by=clerk,
    )  # fmt: skip
    file_fundraising(
        foundation, number=f"{foundation.credit_code}A{today.year % 100:02d}001", title=WORDS["plan"],
        starts_on=today, ends_on=add_months(today, 9), target=Money.yuan(500_000), by=clerk,
    )  # fmt: skip
    set_up_fund(
        foundation, name=WORDS["fund"], division_code="150602001001", purpose=WORDS["fund_purpose"], set_up_on=today,
        by=clerk,
    )  # fmt: skip
    for place in (0, SUPPORT, HUB):
        organization = stage.organizations[place]
        record_honour(
            organization, kind="brand" if place == 0 else "award", title=WORDS["brand" if place == 0 else "award"],
            level="city", given_by=WORDS["giver"], given_on=today, by=clerk,
        )  # fmt: skip
        record_staff(
            organization, today.year - 1, full_time=6 + place, part_time=3, social_workers=4, volunteers=40 + place,
            new_jobs=2, by=clerk,
        )  # fmt: skip
    for role, agency, unit in (
        ("registration", stage.agencies["city"], ""),
        ("industry", None, WORDS["industry"]),
        ("party", None, WORDS["party"]),
        ("township", stage.agencies["urban"], ""),
    ):
        assign_department(stage.organizations[0], role, agency=agency, unit_name=unit, since=today, by=clerk)


def _leaders(stage: Stage) -> None:
    clerk, today = stage.people["clerk"], clock.today()
    for place in (0, HUB, FOUNDATION):
        organization = stage.organizations[place]
        begin = date(today.year, 1, 1)
        term = record_term(organization, "council", 2, begin, date(today.year + 4, 12, 31), by=clerk)
        for number, (name, post, born) in enumerate(WORDS["people"]):
            person = record_person(name, phone=f"137{place:04d}{number:04d}", by=clerk)
            if post == "chair":
                check_candidate(
                    organization,
                    person,
                    post,
                    answers=dict.fromkeys(QUESTIONS, True),
                    checked_on=begin,
                    by=clerk,
                )
            appoint(organization, person, post, since=begin, term=term, birth_year=born, by=clerk)
    hub = stage.organizations[HUB]
    retired = record_person(WORDS["retired"], phone="13700079999", by=clerk)
    appoint(
        hub, retired, "vice_chair", since=today, birth_year=1951, official="retired", approved_by=WORDS["by"],
        approval_document=WORDS["approval"], approved_on=today, by=clerk,
    )  # fmt: skip
    refused = record_person(WORDS["refused"], phone="13700079998", by=clerk)
    check_candidate(
        hub, refused, "chair", answers={**dict.fromkeys(QUESTIONS, True), "no_other_body": False},
        checked_on=today, note=WORDS["refused_note"], by=clerk,
    )  # fmt: skip


def _registers(stage: Stage) -> None:
    """Filed bodies with what their register asks for, one from outside, and one that registered later."""
    clerk, today = stage.people["clerk"], clock.today()
    east_clerk = stage.people["east_clerk"]
    filed = db.session.scalars(
        select(Organization).where(Organization.register_class == "filed").order_by(Organization.id)
    ).all()
    for place, organization in enumerate(filed):
        set_profile(
            organization, filed_on=date(today.year - 1, 3, 1 + place), filing_number=f"{today.year - 1}-{place + 1:03d}",
            activity_area=WORDS["area"], member_count=24 + place, founding=("residents", "community", "organization")[place % 3], by=east_clerk,
        )  # fmt: skip
    outside = register_organization(
        agency=stage.agencies["city"], kind="social_service_agency", name=WORDS["outside"], register_class="outside",
        credit_code=credit_code("52", "320500", 871), division_code="320500", registered_on=date(2016, 4, 1),
        address=TEXTS["place"], phone="0477-0000000", by=clerk,
    )  # fmt: skip
    set_profile(
        outside, home_authority=WORDS["home"], active_since=today, local_contact=WORDS["contact"],
        local_phone="13800000871", by=clerk,
    )  # fmt: skip
    register_organization(
        agency=stage.agencies["east"], kind="filed_community_so", name=WORDS["filed"][0], credit_code=None,
        division_code="150602001", registered_on=None, register_class="filed", host=stage.organizations[HUB],
        community_type="mediation", address=TEXTS["place"], phone="0477-0000000", by=east_clerk,
    )  # fmt: skip


def _township(stage: Stage) -> None:
    """Filed bodies kept by a township itself; one of them lacks what its register asks for."""
    clerk, unit, today = stage.people["urban_clerk"], stage.agencies["urban"], clock.today()
    for place, (name, kind) in enumerate(
        zip(WORDS["township"], ("culture", "mediation", "charity"), strict=True)
    ):
        body = register_organization(
            agency=unit, kind="filed_community_so", name=name, credit_code=None, division_code="150602001001",
            registered_on=None, register_class="filed", host=stage.organizations[HUB], community_type=kind,
            address=TEXTS["place"], phone=f"0477-000010{place}", by=clerk,
        )  # fmt: skip
        if place < 2:
            set_profile(
                body, filed_on=date(today.year - 1, 5, 4 + place), filing_number=f"{today.year - 1}-1{place + 1:02d}",
                activity_area=WORDS["area"], member_count=16 + 9 * place, founding=("residents", "community")[place], by=clerk,
            )  # fmt: skip


def _upgrade(stage: Stage) -> None:
    """The filed team has registered: the same entry, with its history."""
    before, after = WORDS["filed"]
    team = db.session.scalars(select(Organization).where(Organization.name == before)).one()
    upgrade_filed(
        team, kind="social_service_agency", name=after, credit_code=credit_code("52", "150602", 872),
        registered_on=clock.today(), division_code="150602", evidence=WORDS["certificate"],
        by=stage.people["east_clerk"],
    )  # fmt: skip


def _hub(stage: Stage) -> None:
    clerk, hub, today = stage.people["clerk"], stage.organizations[HUB], clock.today()
    own = stage.leaders[hub.id]
    names = (WORDS["outside"], WORDS["filed"][1], *(name for name, _division, _host in WORLD["filed"]))
    members = [stage.organizations[0], stage.organizations[8]]
    members += [
        db.session.scalars(select(Organization).where(Organization.name == name)).one() for name in names
    ]
    for place, member in enumerate(members):
        join(hub, member, "served" if place == 1 else "member", since=today, by=clerk)
    for member, kind in zip(members, ("guidance", "training", "matching"), strict=False):
        serve(hub, member, kind, done_on=today, text=WORDS[kind], by=own)


def _doubles(stage: Stage) -> None:
    """Four filed doubles of registered bodies: one is open, one was two bodies, one is proposed, one joined."""
    clerk, reviewer = stage.people["clerk"], stage.people["reviewer"]
    made = [
        register_organization(
            agency=stage.agencies["city"], kind="filed_community_so", name=name, credit_code=None,
            division_code="150602001", registered_on=None, register_class="filed", community_type="service",
            phone="0477-8588228", by=clerk,
        )
        for name in WORDS["doubles"]
    ]  # fmt: skip
    pairs = {
        pair.second_id: pair
        for pair in db.session.scalars(
            select(SimilarPair).where(SimilarPair.second_id.in_([item.id for item in made]))
        )
    }
    dismiss(pairs[made[1].id], note=WORDS["two"], by=clerk)
    propose_merge(pairs[made[2].id].first, made[2], reason=WORDS["one"], by=clerk)
    merge = propose_merge(pairs[made[3].id].first, made[3], reason=WORDS["one"], by=clerk)
    confirm_merge(merge, by=reviewer)


def _outcomes(stage: Stage) -> None:
    """A body with a running project is wound up; one long silent waits for the leader; one is active again."""
    clerk, reviewer, leader = (stage.people[name] for name in ("clerk", "reviewer", "leader"))
    today = clock.today()
    ending = outcomes.propose(
        stage.organizations[17], "deregistered", ground="own_wish", facts=WORDS["wish"], document=WORDS["letter_wish"],
        liquidator=WORDS["liquidators"], liquidator_phone="13800000017", liquidation_until=today + timedelta(days=120),
        by=clerk,
    )  # fmt: skip
    outcomes.review(ending, by=reviewer)
    outcomes.decide(ending, by=leader)
    silent = db.session.scalars(
        select(Organization)
        .join(CreditEntry, CreditEntry.organization_id == Organization.id)
        .where(CreditEntry.kind == "zombie_list")
        .order_by(Organization.id)
    ).first()
    assert silent is not None
    revoked = outcomes.propose(
        silent, "revoked", ground="zombie", facts=WORDS["silent"], document=WORDS["letter_silent"],
        liquidator=WORDS["liquidators"], liquidator_phone="13800000018", liquidation_until=today + timedelta(days=90),
        by=clerk,
    )  # fmt: skip
    outcomes.review(revoked, by=reviewer)
    again = stage.organizations[23]
    set_status(again, "abnormal", under_investigation=False, reason=WORDS["abnormal"], by=clerk)
    mended = outcomes.propose(again, "reactivated", ground="abnormal", facts=WORDS["mended"], by=clerk)
    outcomes.review(mended, by=reviewer)
    outcomes.decide(mended, by=leader)


def _updates(stage: Stage) -> None:
    """One reported change waits, one came back, one is in the entry, one is a draft for the leader."""
    reviewer = stage.people["reviewer"]
    made = []
    for organization in (stage.organizations[place] for place in (0, 1, 2, 4)):
        typed = entry_values(organization, clock.today().year - 1)
        typed |= {"business_scope": WORDS["scope"], "full_time": 8, "part_time": 2, "social_workers": 4}
        made.append(
            updates.keep_draft(
                organization,
                typed=typed,
                evidence=WORDS["charter"],
                by=stage.operators[organization.id],
                file=store(
                    io.BytesIO(photo(organization.id)), "charter.png", by=stage.operators[organization.id]
                ),
            )
        )
    for request in made[:3]:
        updates.submit(request, by=stage.leaders[request.organization_id])
    updates.give_back(made[1], WORDS["back"], by=reviewer)
    updates.accept(made[2], answer=WORDS["fine"], by=reviewer)
