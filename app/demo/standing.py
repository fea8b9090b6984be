"""Credit files of the demonstration world: lists with ways on and off, penalties, dormant bodies, people."""

from __future__ import annotations

from datetime import date, timedelta

from app.demo.stage import PREFIXES, TEXTS, Stage, credit_code
from app.demo.story import on, paper
from core import clock
from core.files.services import store
from core.money import Money
from registry.credit.models import CreditEntry
from registry.credit.queries import due_of, entries_of
from registry.credit.services import (
    apply_for_removal,
    confirm_proposal,
    examine_removal,
    grant_removal,
    propose_entry,
    record_adverse,
    record_entry,
    refuse_proposal,
    refuse_removal,
    remove_adverse,
    review_proposal,
    verify_removal,
)
from registry.organizations.models import Organization
from registry.organizations.services import record_inspection, register_organization
from registry.party.services import record_survey
from registry.persons.services import record_person

WORDS = TEXTS["standing"]


def tell_standing(stage: Stage) -> None:
    """The last organization was on the abnormal list before and is again; two bodies have long been silent."""
    today = clock.today()
    clerk, reviewer, last = stage.people["clerk"], stage.people["reviewer"], stage.organizations[-1]
    leader = stage.people["leader"]
    with on(today - timedelta(days=680)):
        record_entry(
            last, "abnormal_list", entered_on=clock.today(), grounds=WORDS["first"], source=WORDS["law"], by=clerk
        )  # fmt: skip
    with on(today - timedelta(days=640)):
        removal = apply_for_removal(_standing_entry(last), reason=WORDS["mended"], by=stage.leaders[last.id])
        examine_removal(removal, opinion=WORDS["seen"], by=clerk)
    with on(today - timedelta(days=638)):
        verify_removal(removal, by=reviewer)
        grant_removal(removal, by=leader)
    silent = _silent_bodies(stage)
    with on(today - timedelta(days=30)):
        _penalties(stage)
        for organization, words in zip(silent[:2], WORDS["dormant"], strict=True):
            proposal = propose_entry(
                organization,
                "zombie_list",
                finding=due_of(organization, "zombie_list"),
                grounds=words,
                source=WORDS["law"],
                by=clerk,
            )
            if organization is silent[0]:
                review_proposal(proposal, by=reviewer)
                confirm_proposal(proposal, by=leader)
        _people(stage, silent[0])
    with on(today - timedelta(days=28)):
        proposal = propose_entry(
            stage.organizations[15], "dishonesty_list", finding=None, grounds=WORDS["mistaken"], by=clerk
        )
        refuse_proposal(proposal, note=WORDS["not_entered"], by=reviewer)


def tell_removals(stage: Stage) -> None:
    """Two of the listed ask to be taken off: one was refused and asks again, one waits for the leader."""
    today = clock.today()
    clerk, reviewer = stage.people["clerk"], stage.people["reviewer"]
    listed, last = stage.organizations[20], stage.organizations[-1]
    with on(today - timedelta(days=15)):
        removal = apply_for_removal(
            _standing_entry(listed), reason=WORDS["promise"], by=stage.leaders[listed.id]
        )
    with on(today - timedelta(days=12)):
        examine_removal(removal, opinion=WORDS["unseen"], by=clerk)
    with on(today - timedelta(days=11)):
        refuse_removal(removal, note=WORDS["stays"], by=reviewer)
    with on(today - timedelta(days=3)):
        stream, name = paper("proof", listed.id)
        leader = stage.leaders[listed.id]
        apply_for_removal(
            _standing_entry(listed), reason=WORDS["mended"], file=store(stream, name, by=leader), by=leader
        )
    with on(today - timedelta(days=2)):
        removal = apply_for_removal(_standing_entry(last), reason=WORDS["mended"], by=stage.leaders[last.id])
    with on(today - timedelta(days=1)):
        examine_removal(removal, opinion=WORDS["seen"], by=clerk)
        verify_removal(removal, by=reviewer)


def _standing_entry(organization: Organization) -> CreditEntry:
    return next(
        item for item in entries_of(organization) if item.kind == "abnormal_list" and item.removed_on is None
    )


def _silent_bodies(stage: Stage) -> list[Organization]:
    """Registered long ago, not seen at an inspection since."""
    clerk, made = stage.people["clerk"], []
    with on(clock.today() - timedelta(days=690)):
        for serial, (name, kind, division, registered) in enumerate(WORDS["silent"], 801):
            organization = register_organization(
                agency=stage.agencies["city"],
                kind=kind,
                name=name,
                credit_code=credit_code(PREFIXES[kind], division, serial),
                division_code=division,
                registered_on=date.fromisoformat(registered),
                legal_representative=record_person(
                    f"{WORDS['head']}{serial}", phone=f"13700000{serial}", by=clerk
                ),
                by=clerk,
            )
            made.append(organization)
    with on(clock.today() - timedelta(days=60)):
        # Four members and no party organization: one has to be formed.
        record_survey(
            made[2], surveyed_on=clock.today(), employees=6, full_members=4, by=stage.people["party"]
        )
        for organization in made:
            for year in (clock.today().year - 2, clock.today().year - 1):
                record_inspection(organization, year, "missing", by=clerk)
    return made


def _penalties(stage: Stage) -> None:
    """A fine that leads to the list of serious dishonesty, and two small ones that lead there together."""
    clerk, today = stage.people["clerk"], clock.today()
    heavy, light = stage.organizations[22], stage.organizations[23]
    for organization, days, penalty, fine in (
        (heavy, 20, "fine", Money.yuan("60000")),
        (light, 400, "warning", None),
        (light, 10, "fine", Money.yuan("8000")),
    ):
        record_entry(
            organization,
            "penalty",
            entered_on=today - timedelta(days=days),
            grounds=WORDS["penalty"],
            source=WORDS["decision"],
            penalty=penalty,
            fine=fine,
            by=clerk,
        )


def _people(stage: Stage, organization: Organization) -> None:
    clerk, today = stage.people["clerk"], clock.today()
    city = stage.agencies["city"]
    head = organization.legal_representative
    if head is None:
        raise RuntimeError("a registered body has a legal representative")
    record_adverse(
        city,
        head,
        "diverted_money",
        entered_on=today,
        grounds=WORDS["adverse"],
        source=WORDS["decision"],
        organization=organization,
        by=clerk,
    )
    record_adverse(
        city,
        record_person(f"{WORDS['head']}898", phone="13700000898", by=clerk),
        "illegal_body",
        entered_on=today,
        grounds=WORDS["adverse_illegal"],
        source=WORDS["decision"],
        by=clerk,
    )
    mistaken = record_adverse(
        city,
        record_person(f"{WORDS['head']}899", phone="13700000899", by=clerk),
        "other",
        entered_on=today,
        grounds=WORDS["adverse_mistaken"],
        by=clerk,
    )
    remove_adverse(mistaken, reason=WORDS["not_entered"], by=stage.people["reviewer"])
