"""What party building asks of an organization and of a party organization: findings with their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.party.models import STEPS
from registry.party_orgs.models import ORG_KINDS

SOURCES = {
    "P1": "中国共产党章程 第三十条：凡是有正式党员三人以上的，都应当成立党的基层组织；甬民党〔2018〕14号 工作要点：单独建为主",
    "P2": "鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：党建入章",
    "P3": "鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：五同步",
    "P4": "鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：党建工作责任；甬民党〔2018〕14号 工作要点：兜底管理",
    "P5": "甬民党〔2018〕14号 工作要点：社会组织党建与登记管理工作“三个同步”",
    "P8": "鄂尔多斯市党建引领社会组织高质量发展实施方案（鄂民发〔2023〕73号）：100%组建党组织、100%选派党建指导员",
}
# From so many full members on a party organization is formed.
MEMBERS_TO_FORM = 3


@dataclass(frozen=True, slots=True)
class PartyState:
    """What is known of one organization's party building."""

    full_members: int = 0
    org_kind: str = "none"
    has_instructor: bool = False
    route: str = ""
    responsible: bool = False
    charter: tuple[bool, bool, bool] = (False, False, False)
    steps: frozenset[str] = frozenset()  # of the five
    occasions: Mapping[str, int] = field(default_factory=dict)  # of the three: the latest year (1: once)
    inspected_year: int = 0
    assessed: bool = False


def party_findings(state: PartyState) -> list[Finding]:
    """P1 to P5 about one organization."""
    return [_formed(state), _charter(state), _steps(state), _route(state), _occasions(state)]


def _finding(
    rule: str, title: str, verdict: Verdict, sentence: Message, numbers: Message | None = None
) -> Finding:
    return Finding(rule, verdict, Message(title), sentence, numbers, SOURCES[rule])


def _formed(state: PartyState) -> Finding:
    title = N_("Party organization, or an instructor")
    numbers = Message(
        N_("full members %(members)s, %(kind)s, instructor: %(instructor)s"),
        {
            "members": state.full_members,
            "kind": Message(ORG_KINDS.get(state.org_kind, N_("no party organization"))),
            "instructor": Message(N_("yes")) if state.has_instructor else Message(N_("no")),
        },
    )
    if state.full_members >= MEMBERS_TO_FORM:
        if state.org_kind == "sole":
            return _finding(
                "P1", title, Verdict.PASS, Message(N_("It has a party organization of its own.")), numbers
            )
        if state.org_kind != "none":
            return _finding(
                "P1", title, Verdict.MANUAL,
                Message(N_("Three or more full members form one of their own in the first place: say why it is joint or functional.")), numbers,
            )  # fmt: skip
        return _finding(
            "P1", title, Verdict.FAIL,
            Message(N_("Three or more full members and no party organization: one has to be formed.")), numbers,
        )  # fmt: skip
    if state.org_kind != "none" or state.has_instructor:
        return _finding("P1", title, Verdict.PASS, Message(N_("It is covered by a party organization or looked after by an instructor.")), numbers)  # fmt: skip
    return _finding(
        "P1", title, Verdict.FAIL, Message(N_("Fewer than three full members and no instructor: send one.")), numbers
    )  # fmt: skip


def _charter(state: PartyState) -> Finding:
    done = sum(state.charter)
    numbers = Message(N_("%(done)s of %(all)s clauses"), {"done": done, "all": 3})
    title = N_("Party building in the charter")
    if done == 3:
        return _finding("P2", title, Verdict.PASS, Message(N_("The charter has all three clauses.")), numbers)
    return _finding(
        "P2", title, Verdict.FAIL,
        Message(N_("The charter lacks a clause: leadership of the Party, core values, sense of community.")), numbers,
    )  # fmt: skip


def _steps(state: PartyState) -> Finding:
    done, wanted = len(state.steps), len(STEPS["five"])
    numbers = Message(N_("%(done)s of %(all)s steps"), {"done": done, "all": wanted})
    title = N_("Five steps at once")
    if done == wanted:
        return _finding("P3", title, Verdict.PASS, Message(N_("All five steps are done.")), numbers)
    return _finding("P3", title, Verdict.FAIL, Message(N_("Not all five steps are done.")), numbers)


def _route(state: PartyState) -> Finding:
    title = N_("Who is responsible")
    if state.route and state.responsible:
        return _finding(
            "P4", title, Verdict.PASS, Message(N_("The route and the responsible unit are named."))
        )
    return _finding(
        "P4", title, Verdict.FAIL,
        Message(N_("The route or the responsible unit is missing: where nobody fits, the comprehensive committee takes it.")),
    )  # fmt: skip


def _occasions(state: PartyState) -> Finding:
    title = N_("Three occasions of the register")
    due = {"registration"}
    if state.inspected_year:
        due.add("annual_report")
    if state.assessed:
        due.add("assessment")
    done = {
        item
        for item in due
        if state.occasions.get(item, 0) >= (state.inspected_year if item == "annual_report" else 1)
    }
    numbers = Message(N_("%(done)s of %(all)s occasions"), {"done": len(done), "all": len(due)})
    if done == due:
        return _finding(
            "P5", title, Verdict.PASS, Message(N_("Party building was looked at each time.")), numbers
        )
    return _finding(
        "P5", title, Verdict.FAIL,
        Message(N_("Party building was not looked at with the registration, the last annual report or the assessment.")), numbers,
    )  # fmt: skip
