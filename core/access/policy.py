"""Who may do what: permissions, roles, and the refusal that says why not (DOMAIN 5 and 2.5).

A role is held at a unit (an agency or an organization). A permission that reads reaches the
unit's subtree; one that acts holds at that unit alone, or at that unit and below for the three
administrators. These are three people: one opens and closes accounts, one says what an account may
do, one reads the trail of both. None of them holds a business role.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.text import N_, Message


class Refusal(Exception):
    """No, with the rule, its source and whose turn it is; shown as a page, nothing is written."""

    status = 422

    def __init__(
        self,
        sentence: Message,
        *,
        rule: str = "",
        source: str = "",
        whose_turn: Message | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(sentence.english())
        self.sentence = sentence
        self.rule = rule
        self.source = source
        self.whose_turn = whose_turn
        if status is not None:
            self.status = status


@dataclass(frozen=True, slots=True)
class Role:
    """A role with the permissions it carries. ``held_at`` is ``agency`` or ``organization``."""

    name: str
    label: str
    held_at: str
    permissions: frozenset[str]


def reads(permission: str) -> bool:
    """Whether a permission only reads and so reaches the subtree of its unit."""
    return permission.endswith(".read")


_AGENCY_READS = frozenset(
    {
        "agency.read", "organization.read", "credit.read", "expert.read", "fund.read", "purchase.read",
        "commitment.read", "disbursement.read", "call.read", "application.read", "notice.read",
        "agreement.read", "project.read", "panel.read", "review.read", "checkpoint.read", "rule.read",
        "recovery.read", "hosting.read",
        "alert.read", "party.read", "incubation.read",
    }
)  # fmt: skip

ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role(
            "system_admin",
            N_("system administrator"),
            "agency",
            # The register alone of all business, and to read only (DOMAIN 5).
            frozenset({"agency.read", "account.read", "account.manage", "organization.read"}),
        ),
        Role(
            "security_admin",
            N_("security administrator"),
            "agency",
            frozenset({"agency.read", "account.read", "account.grant"}),
        ),
        Role("audit_admin", N_("audit administrator"), "agency", frozenset({"audit.read"})),
        Role(
            "funder_clerk",
            N_("programme officer"),
            "agency",
            _AGENCY_READS
            | {
                "organization.edit", "credit.edit", "party.edit", "incubation.edit", "expert.edit", "call.draft", "call.publish", "application.confirm_eligibility",
                "panel.plan", "decision.propose", "notice.publish", "objection.answer", "agreement.draft",
                "disbursement.request", "project.follow", "project.accept", "checkpoint.plan", "purchase.record", "claim.handle",
                "closure.handle", "rectification.open", "rule.draft",
                "recovery.propose", "project.terminate", "hosting.draft",
                "lottery.disclose", "alert.open", "alert.answer",
                "person.read", "person.edit", "identity.reveal", "workforce.read", "workforce.edit",
                "liaison.read", "liaison.keep",
            },
        ),
        Role(
            "funder_reviewer",
            N_("reviewing officer"),
            "agency",
            _AGENCY_READS | {"call.review", "decision.review", "agreement.review", "organization.verify", "credit.review",
                             "project.accept", "expert.verify", "objection.review", "closure.review", "rule.review",
                             "recovery.review", "termination.review",
                             "lottery.review", "alert.assign",
                             "person.read", "person.merge", "identity.reveal", "workforce.read", "liaison.read"},
        ),
        Role(
            "funder_leader",
            N_("approving leader"),
            "agency",
            _AGENCY_READS | {"call.approve", "call.publish", "decision.approve", "agreement.sign", "disbursement.approve",
                             "closure.approve", "outcome.decide", "credit.approve", "ratio.publish", "rule.approve",
                             "recovery.order", "termination.decide", "hosting.sign",
                             "lottery.approve", "alert.close",
                             "person.read", "workforce.read", "liaison.read"},
        ),
        Role(
            "finance_clerk",
            N_("finance clerk"),
            "agency",
            _AGENCY_READS | {"fund.manage", "disbursement.pay", "purchase.import", "purchase.record", "account.payee",
                             "ratio.prepare", "rule.draft",
                             "recovery.book", "hosting.confirm", "limit.set",
                             "lottery.draft", "alert.open", "alert.answer"},
        ),
        Role(
            "finance_reviewer",
            N_("finance reviewer"),
            "agency",
            _AGENCY_READS | {"fund.review", "disbursement.review", "decision.review_budget", "agreement.review_money",
                             "ratio.review", "rule.review",
                             "recovery.review_money", "termination.review_money", "limit.set",
                             "lottery.review", "alert.assign"},
        ),
        Role(
            "party_dept",
            N_("party department of social work"),
            "agency",
            frozenset({"agency.read", "organization.read", "credit.read", "party.read", "party.edit", "incubation.read",
                       "call.read", "notice.read", "rule.read"}),
        ),
        Role(
            "organizer",
            N_("organizer and supervisor of delivery"),
            "agency",
            frozenset({"agency.read", "organization.read", "call.read", "application.read", "expert.read",
                       "panel.read", "panel.draw", "review.read", "application.prescreen", "project.read", "project.supervise",
                       "checkpoint.read", "notice.read", "agreement.read", "incubation.read", "incubation.edit"}),
        ),
        Role(
            "supervisor",
            N_("discipline inspection and audit"),
            "agency",
            _AGENCY_READS | {"panel.witness", "audit.read", "alert.open", "alert.assign", "alert.close",
                             "person.read", "workforce.read", "liaison.read"},
        ),
        Role("expert", N_("review expert"), "agency", frozenset({"review.score", "expert.declare"})),
        Role("evaluator", N_("third-party evaluator"), "organization", frozenset({"checkpoint.evaluate"})),
        Role(
            "so_operator",
            N_("organization operator"),
            "organization",
            frozenset({"own.read", "application.write", "delivery.record", "claim.write", "checkpoint.report",
                       "closure.report", "own.edit", "hosting.request"}),
        ),
        Role(
            "so_leader",
            N_("organization leader"),
            "organization",
            frozenset({"own.read", "application.write", "application.submit", "agreement.accept", "delivery.record",
                       "claim.write", "claim.submit", "checkpoint.report", "closure.report", "own.edit", "own.submit",
                       "hosting.request", "hosting.sign_own"}),
        ),
        Role(
            "host_finance",
            N_("finance officer of a host"),
            "organization",
            frozenset({"own.read", "hosting.keep"}),
        ),
    )
}  # fmt: skip

# What somebody who is away may hand on to a colleague: steps of payments, and what is read for them.
DELEGABLE = frozenset(
    {
        "agency.read", "organization.read", "fund.read", "commitment.read", "disbursement.read",
        "disbursement.request", "disbursement.review", "disbursement.approve", "disbursement.pay",
    }
)  # fmt: skip
STEPS_OF_PAYMENTS = frozenset(item for item in DELEGABLE if not reads(item))

# Three administrators, three people: nobody holds two of these, nor one of them and a business role.
ADMINISTRATORS = frozenset({"system_admin", "security_admin", "audit_admin"})

PERMISSIONS: frozenset[str] = frozenset().union(*(role.permissions for role in ROLES.values()))


def require_distinct(people: dict[str, int | None], *, rule: str, source: str) -> None:
    """Refuse when one person fills two of the named places on one record (经办 ≠ 复核 ≠ 审批)."""
    filled = [who for who in people.values() if who is not None]
    if len(filled) != len(set(filled)):
        raise Refusal(
            Message(
                N_(
                    "One person cannot take two steps on the same record: prepare, review and approve need three people."
                )
            ),
            rule=rule,
            source=source,
            status=403,
        )
