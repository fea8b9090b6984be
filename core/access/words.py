"""The permissions in words, and the three steps of each significant act (DOMAIN 2.5).

Shown on the page of roles and written into the documentation; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.access.policy import ROLES, Role
from core.text import N_

# After “sees”: a thing; after “does”: an act.
WORDS: dict[str, str] = {
    "agency.read": N_("the tree of units and who holds which role"),
    "account.read": N_("accounts and their roles"),
    "account.manage": N_("open, close and reopen accounts; add units"),
    "account.grant": N_("grant and take back roles, set passwords, lock and unlock accounts"),
    "audit.read": N_("the audit trail"),
    "organization.read": N_("the register of organizations"),
    "organization.edit": N_("record organizations, grades, inspections and interests"),
    "organization.verify": N_("verify entries of the register"),
    "outcome.decide": N_("decide that a body is reactivated, deregistered or revoked"),
    "credit.read": N_("credit files"),
    "credit.edit": N_("record credit entries, propose entries and examine applications to be taken off"),
    "credit.review": N_("review proposed credit entries and verify corrections"),
    "credit.approve": N_("decide who goes on a credit list and who is taken off"),
    "party.read": N_("party building of organizations"),
    "party.edit": N_("keep the party-building file of organizations"),
    "incubation.read": N_("incubation bases, hosted organizations and services"),
    "incubation.edit": N_("keep incubation bases, hosted organizations and services"),
    "expert.read": N_("the pool of experts"),
    "expert.edit": N_("keep the pool of experts"),
    "expert.verify": N_("verify experts"),
    "expert.declare": N_("declare their own interests"),
    "person.read": N_("persons, their offices and kinship"),
    "person.edit": N_("record persons, kinship and working life; hand out and take out a person's data"),
    "person.merge": N_("merge two entries of one human being"),
    "identity.reveal": N_("read identity numbers, each time with a reason"),
    "workforce.read": N_("social workers, volunteers and trainings"),
    "workforce.edit": N_("keep social workers, volunteers and trainings"),
    "liaison.read": N_("liaison officers, their notices, and who is responsible for whom"),
    "liaison.keep": N_("appoint liaison officers and publish notices to them"),
    "fund.read": N_("fund sources, budgets and the ledger"),
    "fund.manage": N_("enter fund sources and budgets, set money aside"),
    "fund.review": N_("approve budgets and confirm receiving accounts"),
    "lottery.draft": N_("plan and report lottery money"),
    "lottery.review": N_("review plans and notices of lottery money"),
    "lottery.approve": N_("approve plans of lottery money, approve and publish its notices"),
    "lottery.disclose": N_("write what the public is told of projects with lottery money"),
    "alert.read": N_("fund alerts and their case files"),
    "alert.open": N_("open fund alerts"),
    "alert.assign": N_("assign fund alerts to a unit"),
    "alert.answer": N_("answer fund alerts assigned to their unit"),
    "alert.close": N_("close answered fund alerts"),
    "account.payee": N_("record receiving accounts"),
    "limit.set": N_("set and confirm up to how much a leader approves alone"),
    "purchase.read": N_("contracts and the 30-percent figure"),
    "purchase.record": N_("record contracts and catalogue entries"),
    "purchase.import": N_("import tables of contracts"),
    "ratio.prepare": N_("freeze the 30-percent figure of a year, propose exceptions"),
    "ratio.review": N_("review the frozen 30-percent figure, confirm exceptions"),
    "ratio.publish": N_("publish the 30-percent figure"),
    "rule.read": N_("rule sets and their changes under way"),
    "rule.draft": N_("draft changes of rule sets"),
    "rule.review": N_("review changes of rule sets"),
    "rule.approve": N_("put rule sets in force"),
    "commitment.read": N_("commitments"),
    "disbursement.read": N_("payments"),
    "disbursement.request": N_("request payments"),
    "disbursement.review": N_("review payments"),
    "disbursement.approve": N_("approve payments"),
    "disbursement.pay": N_("release payments and record their end"),
    "call.read": N_("calls"),
    "call.draft": N_("draft calls and rubrics"),
    "call.review": N_("review calls"),
    "call.approve": N_("approve, cancel and fail calls"),
    "call.publish": N_("publish calls"),
    "application.read": N_("applications"),
    "application.confirm_eligibility": N_("decide on eligibility, ask for supplements"),
    "application.prescreen": N_("look through applications first"),
    "application.write": N_("write applications for the own organization"),
    "application.submit": N_("submit applications for the own organization"),
    "notice.read": N_("public notices and objections"),
    "notice.publish": N_("publish and conclude notices"),
    "objection.answer": N_("answer objections"),
    "objection.review": N_("decide on objections"),
    "panel.read": N_("panels"),
    "panel.plan": N_("plan panels"),
    "panel.draw": N_("draw experts"),
    "panel.witness": N_("witness draws"),
    "review.read": N_("results of reviews"),
    "review.score": N_("score applications anonymously"),
    "decision.propose": N_("propose grants"),
    "decision.review": N_("review proposed grants"),
    "decision.review_budget": N_("review the money of proposed grants"),
    "decision.approve": N_("approve grants"),
    "agreement.read": N_("agreements"),
    "agreement.draft": N_("draft agreements and contracts"),
    "agreement.review": N_("review agreements (legal)"),
    "agreement.review_money": N_("review agreements (finance)"),
    "agreement.sign": N_("sign agreements"),
    "agreement.accept": N_("accept agreements for the own organization"),
    "project.read": N_("projects, their records and spending"),
    "project.follow": N_("suspend, resume and close projects, appoint people"),
    "project.supervise": N_("supervise delivery"),
    "project.accept": N_("accept services"),
    "delivery.record": N_("record services and expenses"),
    "claim.write": N_("prepare claims"),
    "claim.submit": N_("submit claims"),
    "claim.handle": N_("check claims"),
    "rectification.open": N_("order and judge rectifications"),
    "checkpoint.read": N_("evaluations"),
    "checkpoint.plan": N_("plan evaluations"),
    "checkpoint.evaluate": N_("evaluate projects assigned to them"),
    "checkpoint.report": N_("report for evaluations and answer rectifications"),
    "closure.handle": N_("check final reports and settle"),
    "closure.review": N_("review closures"),
    "closure.approve": N_("approve closures"),
    "closure.report": N_("report the end of a project"),
    "recovery.read": N_("recovery cases"),
    "recovery.propose": N_("propose to take money back"),
    "recovery.review": N_("review recovery cases (legal)"),
    "recovery.review_money": N_("review recovery cases (finance)"),
    "recovery.order": N_("order recoveries"),
    "recovery.book": N_("book what comes back"),
    "project.terminate": N_("propose to end projects early"),
    "termination.review": N_("review early ends (legal)"),
    "termination.review_money": N_("review early ends (finance)"),
    "termination.decide": N_("decide on early ends"),
    "hosting.read": N_("hosting agreements and hosted money"),
    "hosting.draft": N_("draft hosting agreements and add projects"),
    "hosting.sign": N_("sign hosting agreements for the unit"),
    "hosting.confirm": N_("confirm money that hosts gave back"),
    "hosting.sign_own": N_("sign hosting agreements and outflows for the own organization"),
    "hosting.request": N_("ask for payments out of hosted money"),
    "hosting.keep": N_("keep hosted money and report on it"),
    "own.read": N_("everything of the own organization"),
    "own.edit": N_("the own organization's contact data"),
    "own.submit": N_("send changes of the own entry to the department"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """An act with the permissions that prepare (经办), review (复核) and approve (审批) it."""

    act: str
    prepare: tuple[str, ...]
    review: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()


STEPS: tuple[Step, ...] = (
    Step(N_("publish a call"), ("call.draft",), ("call.review",), ("call.approve",)),
    Step(
        N_("result of the eligibility check"),
        ("application.prescreen",),
        ("application.confirm_eligibility",),
    ),
    Step(
        N_("an entry on a credit list, and off it"), ("credit.edit",), ("credit.review",), ("credit.approve",)
    ),
    Step(
        N_("outcome of doubtful standing"),
        ("organization.edit",),
        ("organization.verify",),
        ("outcome.decide",),
    ),
    Step(N_("double entry joined"), ("organization.edit",), ("organization.verify",)),
    Step(N_("change reported by an organization"), ("own.submit",), ("organization.verify",)),
    Step(N_("draw of experts"), ("panel.draw",), ("panel.witness",)),
    Step(
        N_("proposed grants"),
        ("decision.propose",),
        ("decision.review", "decision.review_budget"),
        ("decision.approve",),
    ),
    Step(
        N_("agreement"),
        ("agreement.draft",),
        ("agreement.review", "agreement.review_money"),
        ("agreement.sign",),
    ),
    Step(N_("payment"), ("disbursement.request",), ("disbursement.review",), ("disbursement.approve",)),
    Step(
        N_("recovery of money"),
        ("recovery.propose",),
        ("recovery.review", "recovery.review_money"),
        ("recovery.order",),
    ),
    Step(
        N_("early end of a project"),
        ("project.terminate",),
        ("termination.review", "termination.review_money"),
        ("termination.decide",),
    ),
    Step(N_("hosting agreement"), ("hosting.draft",), ("hosting.sign_own",), ("hosting.sign",)),
    Step(N_("payment out of hosted money"), ("hosting.sign_own",), ("hosting.keep",)),
    Step(N_("budget"), ("fund.manage",), ("fund.review",)),
    Step(N_("30-percent figure of a year"), ("ratio.prepare",), ("ratio.review",), ("ratio.publish",)),
    Step(N_("exception of a contractor"), ("ratio.prepare",), ("ratio.review",)),
    Step(N_("change of rules"), ("rule.draft",), ("rule.review",), ("rule.approve",)),
    Step(
        N_("plan and notice of lottery money"), ("lottery.draft",), ("lottery.review",), ("lottery.approve",)
    ),
    Step(N_("answer to a fund alert"), ("alert.answer",), ("alert.close",)),
    Step(N_("objection"), ("objection.answer",), ("objection.review",)),
    Step(N_("closure of a project"), ("closure.report",), ("closure.handle",)),
    Step(N_("an account and what it may do"), ("account.manage",), ("account.grant",), ("audit.read",)),
)


def holders(permissions: tuple[str, ...]) -> list[Role]:
    """The roles that carry one of ``permissions``, in the order of the roles."""
    return [role for role in ROLES.values() if role.permissions & set(permissions)]
