"""The story of the demonstration world: rounds of grants told in order of time.

Every step is taken by the person whose step it is, through the services, at the time it would
have happened. Nothing is random: the same day gives the same world.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.demo.photos import photo
from app.demo.stage import TEXTS, WORLD, Stage
from core import clock
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.files.services import store
from core.money import Money
from evaluation.checkpoints.services import begin, grade, plan_checkpoint, report
from evaluation.decisions.services import (
    approve_decision,
    budget_review,
    propose_decision,
    publish_result,
    review_decision,
)
from evaluation.panels.services import draw, plan_panel, witness
from evaluation.reviews.models import Review
from evaluation.reviews.services import save_review, submit_review
from finance.commitments.models import Commitment, Tranche
from finance.disbursements.models import PayeeAccount
from finance.disbursements.services import (
    approve,
    confirm_payee_account,
    mark_paid,
    mark_returned,
    record_payee_account,
    release,
    review,
)
from finance.funds.services import earmark
from grants.applications.models import Application
from grants.applications.services import (
    add_attachment,
    confirm_eligibility,
    findings_for,
    save_application,
    start_application,
    submit_application,
)
from grants.calls.models import Call
from grants.calls.services import approve_call, draft_call, publish_call, review_call
from grants.notices.models import Notice
from grants.notices.services import answer_objection, conclude_notice, decide_objection, file_objection
from grants.rubrics.models import Criterion, Rubric
from projects.agreements.models import Project
from projects.agreements.services import accept, draft_agreement, finance_review, legal_review, offer, sign
from projects.claims.services import accept_claim, submit_claim
from projects.closure.models import Closure
from projects.closure.services import archive, check_closure, report_closure, settle
from projects.delivery.services import add_record
from projects.spending.services import add_expense
from registry.accounts.models import User

# Share of the requested grant by line, in percent; sums to 100 and keeps every cap.
BUDGET = (
    ("venue", 8), ("supplies", 24), ("transport", 5), ("publicity", 5), ("printing", 4), ("expert_fee", 8),
    ("volunteer_allowance", 10), ("staff_cost", 20), ("training", 5), ("insurance", 2), ("audit_evaluation", 3),
    ("management", 5), ("taxes", 1),
)  # fmt: skip


@contextmanager
def on(day: date, hour: int = 10, minute: int = 0) -> Iterator[None]:
    """One working moment of the story: its own time and its own transaction."""
    with clock.at(clock.at_local(day, hour, minute)), transaction():
        yield


def paper(kind: str, number: int) -> tuple[io.BytesIO, str]:
    """A scanned sheet of this kind, as it is handed in."""
    return io.BytesIO(photo(number)), TEXTS["papers"][kind]


@dataclass
class Round:
    """One call with everything that came of it."""

    stage: Stage
    key: str
    year: int
    number: int
    opens: date
    applicants: int
    cap: str
    pot: str
    unit: str = "city"
    source: str = "lottery"
    purpose: str = "elderly"
    skip: int = 0
    rules: dict[str, Any] = field(default_factory=dict)
    call: Call = field(init=False)
    applications: list[Application] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)

    def who(self, login: str) -> User:
        """The person of this round's unit for a step."""
        own = self.stage.people.get(f"{self.unit}_{login}")
        return own or self.stage.people[login]

    def draft(self, rubrics: dict[str, Rubric]) -> None:
        agency = self.stage.agencies[self.unit]
        with on(min(self.opens - timedelta(days=12), clock.today() - timedelta(days=2))):
            money = earmark(
                self.stage.budgets[self.source, self.year],
                agency=agency,
                title=TEXTS["rounds"][self.key],
                purpose=self.purpose,
                amount=Money.yuan(self.pot),
                by=self.who("finance"),
            )
            self.call = draft_call(
                agency,
                title=f"{self.year}年{TEXTS['rounds'][self.key]}征集公告",
                year=self.year,
                round_number=self.number,
                summary=TEXTS["summary"],
                contact=TEXTS["contact"],
                earmark=money,
                project_cap=Money.yuan(self.cap),
                categories=[{"code": code, "name": name} for code, name in WORLD["categories"]],
                max_applications=1,
                tranche_weights=[50, 40, 10],
                notice_days=5,
                count_start_day=True,
                rules=self.rules,
                selection_rubric=rubrics["selection"],
                midterm_rubric=rubrics["midterm"],
                final_rubric=rubrics["final"],
                opens_at=clock.at_local(self.opens, 9),
                deadline_at=clock.at_local(self.opens + timedelta(days=20), 17, 30),
                by=self.who("clerk"),
            )

    def publish(self) -> None:
        with on(self.opens - timedelta(days=8)):
            review_call(self.call, by=self.who("reviewer"))
        with on(self.opens - timedelta(days=6)):
            approve_call(self.call, by=self.who("leader"))
        with on(self.opens, 9):
            publish_call(self.call, by=self.who("leader"))

    def apply(self, *, submitted: int) -> None:
        """``submitted`` of the applicants send their application in; the rest leave a draft."""
        chosen = self.stage.organizations[self.skip :] + self.stage.organizations[: self.skip]
        for place, organization in enumerate(chosen[: self.applicants]):
            operator, leader = self.stage.operators[organization.id], self.stage.leaders[organization.id]
            title, category = WORLD["projects"][(place + self.skip) % len(WORLD["projects"])]
            # A round that is still open has only seen its first days.
            day = min(self.opens + timedelta(days=1 + place % 12), clock.today() - timedelta(days=1))
            with on(day, 9 + place % 4, 30):
                application = start_application(self.call, organization, title=title, by=operator)
                requested = Money.yuan(self.cap).split([100 - place % 5 * 6, place % 5 * 6])[0]
                shares = requested.split([weight for _, weight in BUDGET])
                save_application(
                    application,
                    fields=self._fields(title, category, requested, leader, complete=place < submitted),
                    lines=[
                        {"code": code, "basis": f"{weight}%", "grant": share, "own": Money(0)}
                        for (code, weight), share in zip(BUDGET, shares, strict=True)
                    ],
                    by=operator,
                )
                if not place:
                    add_attachment(
                        application,
                        store(*paper("licence", application.id), by=operator),
                        kind="licence",
                        by=operator,
                    )
                self.applications.append(application)
            if place < submitted:
                with on(day, 14 + place % 4, 30):
                    submit_application(application, by=leader)

    def _fields(
        self, title: str, category: str, requested: Money, leader: User, *, complete: bool
    ) -> dict[str, Any]:
        starts = self.opens + timedelta(days=90)
        fields: dict[str, Any] = {
            "title": title,
            "category": category,
            "requested": requested,
            "place": TEXTS["place"],
        }
        if complete:
            fields |= {
                "need": TEXTS["need"],
                "goals": TEXTS["goals"],
                "plan": TEXTS["plan"],
                "risks": TEXTS["risks"],
                "party_building": TEXTS["party"],
                "beneficiaries": 180,
                "person_times": 3600,
                "starts_on": starts,
                "ends_on": starts + timedelta(days=300),
                "leader_name": leader.name,
                "leader_phone": "13800000000",
                "integrity_committed": True,
                "party_committed": True,
            }
        return fields

    def check(self) -> None:
        """Eligibility is confirmed by a person, finding by finding."""
        with on(self.opens + timedelta(days=22)):
            for application in self.applications:
                if application.state != "submitted":
                    continue
                findings = findings_for(application, on=clock.today())
                answers = {item.rule: True for item in findings if item.verdict == "manual"}
                failed = [item for item in findings if item.verdict == "fail"]
                confirm_eligibility(
                    application,
                    eligible=not failed,
                    note=failed[0].sentence.english() if failed else "",
                    answers=answers,
                    by=self.who("clerk"),
                )

    def judge(self, *, scored: bool = True) -> None:
        """The panel drawn and witnessed, and its blind sheets; not ``scored``: one of them alone is in."""
        people = self.stage.people
        with on(self.opens + timedelta(days=24)):
            panel = plan_panel(self.call, size=5, finance_experts=1, by=self.who("clerk"))
        with on(self.opens + timedelta(days=25)):
            draw(panel, by=people["organizer"])
        with on(self.opens + timedelta(days=25), 11):
            witness(panel, by=people["supervisor"])
        with on(self.opens + timedelta(days=30)):
            criteria = self.call.selection_rubric.criteria
            for sheet in db.session.scalars(
                select(Review).where(Review.panel_id == panel.id).order_by(Review.id)
            ).all():
                save_review(
                    sheet,
                    points=self._points(criteria, sheet.application_id, sheet.person_id),
                    reasons={item.id: TEXTS["score_reason"] for item in criteria},
                    comment=TEXTS["score_reason"],
                    by=self.stage.experts[sheet.person_id],
                )
                submit_review(sheet, by=self.stage.experts[sheet.person_id])
                if not scored:
                    break

    @staticmethod
    def _points(criteria: list[Criterion], application: int, person: int) -> dict[int, int | None]:
        """Points that differ a little by application and expert, in half steps."""
        # Between nine and some twenty-five percent below full points.
        quality = (application * 5) % 17
        points: dict[int, int | None] = {}
        for place, item in enumerate(criteria):
            loss = item.points * (quality + (place * 3 + person * 7) % 11) // 2
            points[item.id] = max(0, item.points * 100 - loss) // 50 * 50
        return points

    def decide(self, *, approved: bool = True) -> None:
        """The proposal, and the three people after it."""
        with on(self.opens + timedelta(days=33)):
            decision = propose_decision(self.call, by=self.who("clerk"))
        if not approved:
            return
        with on(self.opens + timedelta(days=34)):
            review_decision(decision, by=self.who("reviewer"))
        with on(self.opens + timedelta(days=35)):
            budget_review(decision, by=self.who("finreview"))
        with on(self.opens + timedelta(days=36)):
            approve_decision(decision, by=self.who("leader"))
        self._decision = decision

    def notice(self, day: date) -> Notice:
        with on(day):
            return publish_result(
                self._decision,
                contact=TEXTS["contact"],
                supervision_phone=TEXTS["phone"],
                by=self.who("clerk"),
            )

    def object(self, notice: Notice, day: date) -> None:
        with on(day, 15):
            file_objection(
                notice,
                notice.items[0].application,
                name=TEXTS["objector"],
                phone="13700000000",
                text=TEXTS["objection"],
                file=store(*paper("evidence", notice.id), by=SYSTEM),
            )

    def answer(self, notice: Notice, day: date) -> None:
        """The objection is found to be without ground: drafted by one, decided by another."""
        with on(day):
            answer_objection(notice.objections[0], answer=TEXTS["answer"], uphold=False, by=self.who("clerk"))
        with on(day, 16):
            decide_objection(notice.objections[0], by=self.who("reviewer"))

    def award(self, notice: Notice, *, steps: Sequence[int] = ()) -> None:
        """Conclude the notice and sign.

        ``steps`` says for each agreement how far it got (default: all the way; below zero: none is drafted).
        """
        with on(notice.ends_on + timedelta(days=1)):
            conclude_notice(notice, by=self.who("clerk"))
        self.starts = notice.ends_on + timedelta(days=20)
        awarded = [item for item in self.applications if item.state == "awarded"]
        for place, application in enumerate(awarded):
            self._sign(
                application, notice.ends_on + timedelta(days=3), steps[place % len(steps)] if steps else 5
            )

    def _sign(self, application: Application, day: date, steps: int) -> None:
        if steps < 0:
            return
        leader = self.stage.leaders[application.organization_id]
        with on(day):
            agreement = draft_agreement(
                application,
                starts_on=self.starts,
                ends_on=self.starts + timedelta(days=300),
                terms=TEXTS["terms"],
                by=self.who("clerk"),
            )
            if steps > 0:
                legal_review(agreement, by=self.who("reviewer"))
            if steps > 1:
                finance_review(agreement, by=self.who("finreview"))
            if steps > 2:
                offer(agreement, by=self.who("clerk"))
        if steps > 3:
            with on(day + timedelta(days=4)):
                accept(agreement, by=leader)
        if steps > 4:
            with on(day + timedelta(days=6)):
                self.projects.append(sign(agreement, by=self.who("leader")))


class Delivery:
    """What happens in a project after signing."""

    def __init__(self, round_: Round, project: Project) -> None:
        self.round, self.project = round_, project
        self.stage = round_.stage
        self.leader = self.stage.leaders[project.organization_id]
        self.operator = self.stage.operators[project.organization_id]
        self.commitment: Commitment = project.agreement.commitment  # type: ignore[assignment]

    def account(self) -> PayeeAccount:
        """The organization's confirmed account, recorded at the first project."""
        found = db.session.scalar(
            select(PayeeAccount).where(PayeeAccount.organization_id == self.project.organization_id)
        )
        if found is None:
            found = record_payee_account(
                self.project.organization,
                account_name=self.project.organization.name,
                bank=TEXTS["bank"],
                number=f"62280000{self.project.organization_id:08d}",
                by=self.round.who("finance"),
            )
            confirm_payee_account(found, by=self.round.who("finreview"))
        return found

    def tranche(self, number: int) -> Tranche:
        return next(item for item in self.commitment.tranches if item.number == number)

    def pay(self, number: int, day: date, *, stop: str = "paid") -> None:
        """Claim, three people, release and payment of a tranche; ``stop`` leaves it earlier on the way."""
        receipt = f"SJ-{self.project.id:04d}-{number}"
        with on(day):
            claim = submit_claim(
                self.project,
                self.tranche(number),
                payee_account=self.account(),
                receipt_number=receipt,
                receipt_file=paper("receipt", self.project.id) if number == 1 else None,
                by=self.leader,
            )
        if stop == "claimed":
            return
        with on(day + timedelta(days=1)):
            paid = accept_claim(claim, by=self.round.who("clerk"))
        if stop == "requested":
            return
        with on(day + timedelta(days=2)):
            review(paid, by=self.round.who("finreview"))
        if stop == "reviewed":
            return
        with on(day + timedelta(days=3)):
            approve(paid, by=self.round.who("leader"))
        if stop == "approved":
            return
        with on(day + timedelta(days=4)):
            release(paid, by=self.round.who("finance"))
        if stop == "released":
            return
        if stop == "returned":
            with on(day + timedelta(days=5)):
                mark_returned(paid, reason=TEXTS["returned"], by=self.round.who("finance"))
            return
        with on(day + timedelta(days=6)):
            mark_paid(
                paid, paid_on=clock.today(), voucher_number=f"ZF-{paid.id:05d}", by=self.round.who("finance")
            )

    def serve(self, first: date, records: int, *, until: date, sign: bool = True) -> None:
        """Service records with a photo, spread over the time; ``sign``: it shows the lottery's."""
        step = max(1, (until - first).days // max(records, 1))
        for place in range(records):
            day = first + timedelta(days=place * step)
            if day > until:
                break
            with on(day, 16):
                add_record(
                    self.project,
                    held_on=day,
                    title=TEXTS["record_titles"][place % len(TEXTS["record_titles"])],
                    place=TEXTS["place"],
                    persons=20 + place % 7,
                    person_times=24 + place % 11,
                    volunteers=4 + place % 3,
                    account=TEXTS["record"],
                    photo=(io.BytesIO(photo(self.project.id * 100 + place)), f"{day.isoformat()}.png"),
                    shows_sign=sign and self.round.source == "lottery",
                    by=self.operator,
                )

    def spend(self, share: int, day: date, batch: int) -> None:
        """Spend ``share`` percent of each of the larger lines of the grant."""
        with on(day, 14):
            for place, line in enumerate(self.project.agreement.application.lines):  # type: ignore[union-attr]
                amount = line.grant.split([share, 100 - share])[0] if share < 100 else line.grant
                if not amount:
                    continue
                add_expense(
                    self.project,
                    line_code=line.code,
                    spent_on=day,
                    amount=amount,
                    payee=TEXTS["expense_payees"][place % len(TEXTS["expense_payees"])],
                    voucher_number=f"FP-{self.project.id:04d}-{batch}-{place:02d}",
                    purpose=line.basis or line.code,
                    file=None if place else paper("voucher", self.project.id),
                    by=self.operator,
                )

    def evaluate(
        self,
        kind: str,
        day: date,
        *,
        share: int,
        reported: bool = True,
        begun: bool = True,
        graded: bool = True,
        sign: bool = False,
    ) -> None:
        """A checkpoint scored at ``share`` percent of each criterion."""
        evaluator = self.stage.people["evaluator"]
        with on(day):
            checkpoint = plan_checkpoint(
                self.project,
                kind,
                due_on=day + timedelta(days=20),
                evaluator=evaluator,
                by=self.round.who("clerk"),
            )
        if not reported:
            return
        with on(day + timedelta(days=4)):
            shown = paper("sign", self.project.id) if sign else None
            report(checkpoint, TEXTS["report"], sign=shown, by=self.leader)
        if begun:
            with on(day + timedelta(days=6)):
                begin(checkpoint, by=evaluator)
        if not graded:
            return
        with on(day + timedelta(days=8)):
            criteria = checkpoint.rubric.criteria
            grade(
                checkpoint,
                points={item.id: item.points * share // 50 * 50 for item in criteria},
                reasons={item.id: TEXTS["score_reason"] for item in criteria},
                opinion=TEXTS["opinion"],
                by=evaluator,
            )

    def report_closing(self, day: date, *, eligible: Money) -> Closure:
        """The closing account with its audit."""
        with on(day):
            return report_closure(
                self.project,
                summary=TEXTS["closure"],
                eligible_cost=eligible,
                audit_file=paper("audit", self.project.id),
                by=self.leader,
            )

    def close(self, day: date, *, eligible: Money) -> None:
        """The closing account, what is still due of the last tranche, the surplus back, the archive."""
        closing = self.report_closing(day, eligible=eligible)
        with on(day + timedelta(days=3)):
            check_closure(closing, by=self.round.who("clerk"))
        if self.tranche(3).amount:
            self.pay(3, day + timedelta(days=4))
        with on(day + timedelta(days=12)):
            settle(
                closing,
                returned_on=clock.today() if closing.surplus else None,
                voucher=f"TH-{self.project.id:04d}" if closing.surplus else "",
                by=self.round.who("leader"),
            )
        with on(day + timedelta(days=14)):
            archive(self.project, by=self.round.who("clerk"))
