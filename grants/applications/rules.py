"""Eligibility (REL) rules: pure functions from facts to findings (DOMAIN 3.3).

Each finding carries its numbers, its evidence and its source. Parameters come from the call
(:func:`grants.calls.queries.rules_of`): months are calendar months, shares percent as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.clock import add_months
from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from grants.calls.rules import BONUS_LEVELS, SOURCES, award_asked
from registry.credit.rules import AdverseFact, CreditFact, last_inspected_year, standing
from registry.particulars.models import LEVELS
from registry.particulars.rules import HonourFact, counting, obstacle

SOCIAL_ORGANIZATIONS = ("social_association", "social_service_agency", "foundation")


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What the register says about an applicant on the day of the check."""

    kind: str
    register_class: str
    credit_code: str | None
    status: str
    registered_on: date | None
    has_host: bool = False
    under_investigation: bool = False
    inspections: Mapping[int, str] = field(default_factory=dict)  # year -> result
    grades: Sequence[tuple[int, date, date]] = ()  # grade, valid from, valid to
    full_members: int = 0
    party_org: str = "none"
    party_in_charter: bool = False
    has_instructor: bool = False
    five_steps: int = 0  # of the five steps of party building, how many are done
    credit: Sequence[CreditFact] = ()
    adverse: Sequence[AdverseFact] = ()
    applications_in_call: int = 1
    running: Sequence[str] = ()  # titles of projects paid by public money that still run
    business_scope: str = ""
    honours: Sequence[HonourFact] = ()  # brands and awards, whatever became of them


def eligibility(
    facts: ApplicantFacts,
    values: Mapping[str, Any],
    *,
    applied_on: date,
    on: date,
    max_applications: int,
    party_committed: bool,
    rule_set: str = "",
) -> list[Finding]:
    """Every REL rule about one applicant. ``applied_on`` decides about age and grade, ``on`` (the day of
    the check) about what stands on the lists."""

    def say(
        rule: str, verdict: Verdict, title: str, sentence: Message, numbers: Message | None = None
    ) -> Finding:
        return Finding(rule, verdict, Message(title), sentence, numbers, SOURCES[rule], rule_set)

    found = [
        _legal_person(facts, say),
        _credit_code(facts, say),
        _age(facts, int(values["registered_months"]), applied_on, say),
        _inspected(facts, int(values["inspection_years"]), applied_on, say),
    ]
    stand = standing(facts, values, on=on, applied_on=applied_on, rule_set=rule_set)
    found += [stand[rule] for rule in ("E5", "E6", "E7", "E8")]
    found.append(_grade(facts, int(values["min_grade"]), applied_on, say))
    found.append(
        say(
            "E10", Verdict.MANUAL, N_("Within the chartered scope"),
            Message(
                N_("Chartered scope: “%(scope)s”. Compare it with the content and the place of the project."),
                {"scope": facts.business_scope or "—"},
            ),
        )
    )  # fmt: skip
    found.append(_count(facts, max_applications, say))
    found.append(_double_funding(facts, say))
    found.append(stand["E16"])
    found.append(_party(facts, party_committed, values, say))
    found += [stand["E20"], stand["E22"]]
    if values["award_level"] != "none":
        found.append(_award(facts, values, applied_on, rule_set))
    return found


Say = Callable[..., Finding]


def _legal_person(facts: ApplicantFacts, say: Say) -> Finding:
    title = N_("Legal personality")
    if facts.register_class != "filed":
        return say("E1", Verdict.PASS, title, Message(N_("Registered as a legal person.")))
    if facts.has_host:
        return say(
            "E1", Verdict.MANUAL, title,
            Message(N_("Filed, without legal personality, with a registered host: check the hosting agreement.")),
        )  # fmt: skip
    return say("E1", Verdict.FAIL, title, Message(N_("Filed, without legal personality and without a host.")))


def _credit_code(facts: ApplicantFacts, say: Say) -> Finding:
    title = N_("Social organization in normal status")
    code = facts.credit_code or "—"
    numbers = Message(
        N_("%(code)s, status: %(status)s"),
        {"code": code, "status": Message(_STATUS.get(facts.status, facts.status))},
    )
    if facts.register_class == "filed":
        return say(
            "E2",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("Filed bodies have no credit code; the host's counts.")),
        )
    if facts.kind not in SOCIAL_ORGANIZATIONS or code[:2] not in ("51", "52", "53"):
        return say(
            "E2",
            Verdict.FAIL,
            title,
            Message(N_("Not a social organization: the credit code starts with none of 51, 52, 53.")),
            numbers,
        )
    if facts.status != "normal":
        return say(
            "E2", Verdict.FAIL, title, Message(N_("The registration is not in normal status.")), numbers
        )
    return say("E2", Verdict.PASS, title, Message(N_("Credit code and status are in order.")), numbers)


_STATUS = {
    "normal": N_("normal"),
    "abnormal": N_("abnormal"),
    "deregistered": N_("deregistered"),
    "revoked": N_("revoked"),
}


def _age(facts: ApplicantFacts, months: int, applied_on: date, say: Say) -> Finding:
    title = N_("Time since registration")
    if facts.registered_on is None:
        return say(
            "E3", Verdict.MANUAL, title, Message(N_("The register does not give the day of registration."))
        )
    enough = add_months(facts.registered_on, months)
    numbers = Message(
        N_("registered %(registered)s, %(months)s months complete on %(enough)s, applied %(applied)s"),
        {"registered": facts.registered_on, "months": months, "enough": enough, "applied": applied_on},
    )
    if enough <= applied_on:
        return say(
            "E3",
            Verdict.PASS,
            title,
            Message(N_("Registered for at least %(months)s months."), {"months": months}),
            numbers,
        )
    return say(
        "E3",
        Verdict.FAIL,
        title,
        Message(N_("Registered for less than %(months)s months."), {"months": months}),
        numbers,
    )


_RESULTS = {
    "qualified": N_("passed"),
    "basic": N_("basically passed"),
    "failed": N_("not passed"),
    "missing": N_("not inspected"),
}


def _inspected(facts: ApplicantFacts, years: int, applied_on: date, say: Say) -> Finding:
    title = N_("Annual inspections")
    last = last_inspected_year(applied_on)
    first_due = facts.registered_on.year + 1 if facts.registered_on else 0
    due = [year for year in range(last, last - years, -1) if year >= first_due]
    if not due:
        return say(
            "E4",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("A new organization: no inspection has been due yet.")),
        )
    for year in due:
        result = facts.inspections.get(year)
        if result is None:
            return say(
                "E4",
                Verdict.MANUAL,
                title,
                Message(
                    N_("The register has no result for %(year)s. Ask the registration authority."),
                    {"year": str(year)},
                ),
            )
        if result not in ("qualified", "basic"):
            return say(
                "E4", Verdict.FAIL, title,
                Message(N_("The inspection of %(year)s: %(result)s."), {"year": str(year), "result": Message(_RESULTS.get(result, result))}),
            )  # fmt: skip
    numbers = Message(N_("years looked at: %(years)s"), {"years": ", ".join(map(str, sorted(due)))})
    return say("E4", Verdict.PASS, title, Message(N_("Inspections passed.")), numbers)


def _grade(facts: ApplicantFacts, minimum: int, applied_on: date, say: Say) -> Finding:
    title = N_("Assessment grade")
    held = max((grade for grade, since, until in facts.grades if since <= applied_on <= until), default=0)
    shown = Message(N_("grade in force: %(grade)s"), {"grade": f"{held}A" if held else Message(N_("none"))})
    if not minimum:
        return say(
            "E9",
            Verdict.NOT_APPLICABLE,
            title,
            Message(N_("No minimum grade; 3A and above go first when scores are equal.")),
            shown,
        )
    if held >= minimum:
        return say(
            "E9", Verdict.PASS, title, Message(N_("Assessed at least %(grade)sA."), {"grade": minimum}), shown
        )
    return say(
        "E9",
        Verdict.FAIL,
        title,
        Message(N_("No valid grade of %(grade)sA or above."), {"grade": minimum}),
        shown,
    )


def _count(facts: ApplicantFacts, maximum: int, say: Say) -> Finding:
    title = N_("Number of applications")
    numbers = Message(
        N_("%(count)s submitted, %(max)s allowed"), {"count": facts.applications_in_call, "max": maximum}
    )
    if facts.applications_in_call > maximum:
        return say(
            "E13",
            Verdict.FAIL,
            title,
            Message(N_("More applications in this call than one organization may submit.")),
            numbers,
        )
    return say(
        "E13", Verdict.PASS, title, Message(N_("Within the number one organization may submit.")), numbers
    )


def _double_funding(facts: ApplicantFacts, say: Say) -> Finding:
    title = N_("No double funding")
    if not facts.running:
        return say(
            "E14",
            Verdict.PASS,
            title,
            Message(N_("No other project of the organization is being paid by public money.")),
        )
    return say(
        "E14", Verdict.MANUAL, title,
        Message(N_("Other projects are being paid: %(titles)s. Judge whether this is the same project."), {"titles": "; ".join(facts.running)}),
    )  # fmt: skip


_PARTY = {
    "none": N_("none"),
    "sole": N_("of its own"),
    "joint": N_("joint"),
    "functional": N_("functional"),
}


def _party(facts: ApplicantFacts, committed: bool, values: Mapping[str, Any], say: Say) -> Finding:
    title = N_("Party building")
    numbers = Message(
        N_(
            "full members %(members)s, Party organization: %(kind)s, in the charter: %(charter)s, five steps: %(steps)s of 5"
        ),
        {
            "members": facts.full_members,
            "kind": Message(_PARTY.get(facts.party_org, facts.party_org)),
            "charter": Message(N_("yes")) if facts.party_in_charter else Message(N_("no")),
            "steps": facts.five_steps,
        },
    )
    if not committed:
        return say(
            "E17", Verdict.FAIL, title, Message(N_("The party-building commitment is not signed.")), numbers
        )
    if facts.full_members >= 3 and facts.party_org == "none":
        verdict = Verdict.FAIL if values.get("party_org_blocks") else Verdict.MANUAL
        return say(
            "E17",
            verdict,
            title,
            Message(N_("Three or more full members but no Party organization.")),
            numbers,
        )
    return say(
        "E17", Verdict.PASS, title, Message(N_("The commitment is signed; the rest is scored.")), numbers
    )


# Why the nearest award does not count, the most hopeful reason first.
_OBSTACLES = {
    "age": N_("“%(title)s” (%(level)s, %(day)s) was given too long ago."),
    "ended": N_("“%(title)s” (%(level)s, %(day)s) is in force no more."),
    "later": N_("“%(title)s” (%(level)s, %(day)s) was given after the application."),
    "level": N_("“%(title)s” (%(level)s, %(day)s) is of too low a level."),
    "kind": N_("“%(title)s” (%(level)s, %(day)s) is of another kind."),
    "revoked": N_("“%(title)s” (%(level)s, %(day)s) was taken back."),
}


def _award(facts: ApplicantFacts, values: Mapping[str, Any], on: date, rule_set: str) -> Finding:
    """E23: a brand or an award of the kind, level and age asked for, on the day of the application."""
    asked: dict[str, Any] = {
        "kind": values["award_kind"],
        "least": values["award_level"],
        "years": int(values["award_years"]),
    }
    held = counting(facts.honours, on, **asked)
    title = Message(N_("Award held"))
    numbers = Message(
        N_("asked for: %(asked)s; on %(day)s %(count)s of %(all)s in the register count"),
        {"asked": award_asked(values), "day": on, "count": len(held), "all": len(facts.honours)},
    )
    if held:
        sentence = Message(
            N_("Holds “%(title)s” (%(level)s), given by %(giver)s on %(day)s."),
            {**_told(held[0]), "giver": held[0].given_by},
        )
        known = {"honours": [item.id for item in held]}
        return Finding("E23", Verdict.PASS, title, sentence, numbers, SOURCES["E23"], rule_set, known)
    near = {obstacle(item, on, **asked): item for item in facts.honours}
    reason = next((name for name in _OBSTACLES if name in near), "")
    sentence = Message(
        N_(
            "%(missing)s What was given and is not in the register is noted there by the registration authority; then this is checked anew."
        ),
        {
            "missing": Message(_OBSTACLES[reason], _told(near[reason]))
            if reason
            else Message(N_("The register knows no brand and no award of the organization."))
        },
    )
    return Finding("E23", Verdict.FAIL, title, sentence, numbers, SOURCES["E23"], rule_set)


def _told(item: HonourFact) -> dict[str, Any]:
    return {"title": item.title, "level": Message(LEVELS[item.level]), "day": item.given_on}


@dataclass(frozen=True, slots=True)
class Bonus:
    """Points for awards in hundredths, after the cap; ``full`` before it. ``awards`` are what gives points,
    as plain values that a decision keeps: id, title, level, given_by, given_on (ISO), points (hundredths)."""

    points: int = 0
    full: int = 0
    awards: tuple[dict[str, Any], ...] = ()


def award_bonus(honours: Sequence[HonourFact], values: Mapping[str, Any], *, on: date) -> Bonus:
    """RAW: the points of each brand or award that counts on ``on``, by its level, up to the cap of the call."""
    worth = {level: int(values[f"bonus_{level}"]) * 100 for level in BONUS_LEVELS}
    years = int(values["bonus_years"])
    held = [
        item for item in counting(honours, on, kind=values["bonus_kind"], years=years) if worth[item.level]
    ]
    full = sum(worth[item.level] for item in held)
    points = min(full, int(values["bonus_cap"]) * 100)
    if not points:
        return Bonus()
    awards = tuple(
        {
            "id": item.id,
            "title": item.title,
            "level": item.level,
            "given_by": item.given_by,
            "given_on": item.given_on.isoformat(),
            "points": worth[item.level],
        }
        for item in held
    )
    return Bonus(points, full, awards)
