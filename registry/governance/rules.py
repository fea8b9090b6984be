"""Whether an organization's leaders are elected, approved and limited as they must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.governance.models import LEADERS, SUPERVISORS

COUNCIL = "基金会管理条例第二十条、第二十一条；社会团体登记管理条例；民办非企业单位章程示范文本规定"
SUPERVISION = "基金会管理条例第二十二条"
OFFICIAL = "基金会管理条例第二十三条；党政机关领导干部不兼任社会团体领导职务规定（中办发〔1998〕17号）"
LIMITS = "社会团体章程示范文本规定：任期不超过两届，年龄不超过70周岁"
CANDIDATES = "社会组织负责人候选人审核制度"
ONE_BODY = "社会团体登记管理条例第十二条；基金会管理条例第二十三条"


@dataclass(frozen=True, slots=True)
class Seat:
    """One post as the rules look at it; ``term`` is the number of the term, ``None`` outside terms."""

    person: int
    name: str
    post: str
    term: int | None
    since: date
    until: date | None
    birth_year: int | None
    official: str
    approved: bool
    checked: bool

    def held_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or self.until >= day)


def consecutive_terms(seats: Iterable[Seat], person: int) -> int:
    """How many terms in a row, up to the latest, a person was among the leaders."""
    terms = {seat.term for seat in seats if seat.person == person and seat.post in LEADERS and seat.term}
    if not terms:
        return 0
    count, number = 0, max(terms)
    while number in terms:
        count, number = count + 1, number - 1
    return count


def governance_findings(
    seats: Sequence[Seat],
    terms: Sequence[tuple[str, int, date, date]],
    *,
    kind: str,
    heads_elsewhere: Sequence[str],
    parameters: Mapping[str, Any],
    on: date,
) -> list[Finding]:
    """The answers about everybody who holds a post on ``on``.

    ``terms`` are (body, number, first day, last day); ``heads_elsewhere`` names the other social
    organizations whose legal representative is the same person.
    """
    now = [seat for seat in seats if seat.held_on(on)]
    leaders = [seat for seat in now if seat.post in LEADERS]
    found = [_term(terms, "council", on), _supervised(now)]
    limit = int(parameters["leader_terms"])
    long = sorted({seat.name for seat in leaders if consecutive_terms(seats, seat.person) > limit})
    found.append(
        _listed("RGV-3", N_("Terms of the leaders"), long, LIMITS,
                N_("More than %(limit)s terms in a row: %(names)s. Elect somebody else, or name the approval."),
                N_("No leader serves more than %(limit)s terms in a row."), limit=limit)
    )  # fmt: skip
    age = int(parameters["leader_age"])
    old = [seat.name for seat in leaders if seat.birth_year and on.year - seat.birth_year > age]
    found.append(
        _listed("RGV-4", N_("Age of the leaders"), old, LIMITS,
                N_("Older than %(limit)s years: %(names)s."), N_("No leader is older than %(limit)s years."), limit=age)
    )  # fmt: skip
    unapproved = [seat.name for seat in now if seat.official != "none" and not seat.approved]
    found.append(
        _listed("RGV-5", N_("Posts of officials"), unapproved, OFFICIAL,
                N_("Officials whose post nobody approved: %(names)s."),
                N_("Every post of an official is approved, or no official holds one."))
    )  # fmt: skip
    if kind == "foundation":
        found.append(_council_size(now))
        serving = [seat.name for seat in leaders if seat.official == "serving"]
        found.append(
            _listed("RGV-10", N_("Serving officials in a foundation"), serving, OFFICIAL,
                    N_("Serving officials may not lead a foundation: %(names)s."),
                    N_("No serving official leads the foundation."))
        )  # fmt: skip
    unchecked = [seat.name for seat in leaders if seat.post == "chair" and not seat.checked]
    found.append(
        _listed("RGV-7", N_("Candidates checked"), unchecked, CANDIDATES,
                N_("Elected without a check of the candidate: %(names)s."),
                N_("The head was checked before the election."))
    )  # fmt: skip
    both = sorted(
        {seat.name for seat in now if seat.post in SUPERVISORS}
        & {seat.name for seat in now if seat.post not in SUPERVISORS}
    )
    found.append(
        _listed("RGV-9", N_("Supervisors apart"), both, SUPERVISION,
                N_("Supervisor and member of the council or of the accounts at once: %(names)s."),
                N_("No supervisor sits on the council or keeps the accounts."))
    )  # fmt: skip
    found.append(
        _listed("RGV-8", N_("Legal representative of one body"), list(heads_elsewhere), ONE_BODY,
                N_("The legal representative also represents: %(names)s."),
                N_("The legal representative represents no other social organization that you see."))
    )  # fmt: skip
    return found


def _term(terms: Sequence[tuple[str, int, date, date]], body: str, on: date) -> Finding:
    title = Message(N_("Term of the council"))
    mine = sorted((first, last, number) for what, number, first, last in terms if what == body)
    if not mine:
        return Finding(
            "RGV-1", Verdict.FAIL, title, Message(N_("No term of the council is noted.")), source=COUNCIL
        )
    _first, last, number = mine[-1]
    if last < on:
        return Finding(
            "RGV-1", Verdict.FAIL, title,
            Message(N_("Term %(number)s ended on %(day)s: an election is overdue."), {"number": number, "day": last}),
            source=COUNCIL,
        )  # fmt: skip
    return Finding(
        "RGV-1", Verdict.PASS, title,
        Message(N_("Term %(number)s runs until %(day)s."), {"number": number, "day": last}), source=COUNCIL,
    )  # fmt: skip


def _supervised(now: Sequence[Seat]) -> Finding:
    names = [seat.name for seat in now if seat.post in SUPERVISORS]
    return Finding(
        "RGV-2",
        Verdict.PASS if names else Verdict.FAIL,
        Message(N_("Supervisors")),
        Message(N_("Supervisors in office: %(count)s."), {"count": len(names)})
        if names
        else Message(N_("Nobody supervises the council: elect a supervisor or a board.")),
        source=SUPERVISION,
    )


def _council_size(now: Sequence[Seat]) -> Finding:
    size = len({seat.person for seat in now if seat.post not in (*SUPERVISORS, "finance_head")})
    fits = 5 <= size <= 25
    return Finding(
        "RGV-6",
        Verdict.PASS if fits else Verdict.FAIL,
        Message(N_("Size of the council")),
        Message(N_("The council has %(count)s members; a foundation's has 5 to 25."), {"count": size}),
        source=COUNCIL,
    )


def _listed(
    rule: str, title: str, names: Sequence[str], source: str, wrong: str, right: str, limit: int | None = None
) -> Finding:
    params: dict[str, Any] = {} if limit is None else {"limit": limit}
    return Finding(
        rule,
        Verdict.FAIL if names else Verdict.PASS,
        Message(title),
        Message(wrong, {**params, "names": ", ".join(names)}) if names else Message(right, params),
        source=source,
    )
