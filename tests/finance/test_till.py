"""Limits, second leaders, lent steps, cooling-off, steps on many at once, and answers that do not come."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.trail import routes as trail
from core import clock
from core.access.policy import Refusal
from core.audit.models import AuditEntry
from core.audit.queries import verify as audit_verify
from core.db import db, transaction
from core.jobs.services import queue, run_next
from core.mail import services as mail
from core.money import Money
from core.rules.models import RuleSet
from core.rules.rules import Verdict
from core.web import tables
from finance.commitments.models import Commitment, Tranche
from finance.commitments.queries import sums_of
from finance.commitments.services import exclude
from finance.disbursements import services
from finance.disbursements.jobs import sweep
from finance.disbursements.lifecycle import findings_now
from finance.disbursements.models import Disbursement, PayeeAccount, PaymentLimit
from finance.disbursements.queries import limit_of
from finance.ledger.queries import verify
from registry.accounts.models import RoleAssignment, User
from registry.accounts.services import grant_role, revoke_role
from registry.delegations.services import delegate, take_back
from registry.persons.models import Person
from tests import world
from tests.finance.money import make_account, make_commitment, make_request

TODAY = clock.today()


def colleague(login: str, role: str = "funder_leader") -> User:
    """Somebody else with a role at the city bureau."""
    person = Person(name=f"示例{login}", phone="13900000001")
    db.session.add(person)
    db.session.flush()
    user = User(
        person_id=person.id,
        login=login,
        password_hash=world.user("leader").password_hash,
        password_changed_at=clock.now(),
    )
    db.session.add(user)
    db.session.flush()
    db.session.add(RoleAssignment(user_id=user.id, role=role, agency_id=world.agency().id, valid_from=TODAY))
    db.session.flush()
    return user


def rule(**parameters: object) -> None:
    db.session.add(
        RuleSet(
            family="RDT",
            version=1,
            jurisdiction="",
            programme=str(parameters.pop("programme", "")),
            valid_from=TODAY - timedelta(days=1),
            parameters=parameters,
            source="示例市项目资金管理办法",
        )
    )
    db.session.flush()


def reviewed() -> Disbursement:
    payment = make_request()
    services.review(payment, by=world.user("finreview"))
    return payment


def set_limit(login: str, amount: str) -> PaymentLimit:
    limit = services.set_limit(
        world.user(login), world.agency().id, Money.yuan(amount), by=world.user("finance")
    )
    services.confirm_limit(limit, by=world.user("finreview"))
    return limit


# Limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["person", "programme"])
def test_above_a_limit_a_second_leader_approves(app: Flask, who: str) -> None:
    with transaction():
        second = colleague("leader2")
        if who == "person":
            set_limit("leader", "48999.99")
        else:
            rule(second_leader_above="48999.99", programme="venture_grant")
            rule(second_leader_above="1.00", programme="service_purchase")
        payment = reviewed()
    with transaction():
        services.approve(payment, by=world.user("leader"))
    assert (payment.state, payment.approved_by) == ("first_approved", world.user("leader").id)
    sums = sums_of([payment.commitment])[payment.commitment_id]
    assert (sums["payable"], sums["committed"].plain()) == (Money(0), "98000.01")
    with pytest.raises(Refusal, match="two steps"), transaction():
        services.approve(payment, by=world.user("leader"))
    with pytest.raises(Refusal), transaction():
        services.release(payment, by=world.user("finance"))
    with transaction():
        services.approve(payment, by=second)
    assert (payment.state, payment.second_approved_by) == ("approved", second.id)
    sums = sums_of([payment.commitment])[payment.commitment_id]
    assert sums["payable"] == payment.amount
    verdicts = {item.rule: item.verdict for item in findings_now(payment, None)}
    assert verdicts["RAP-3"] is Verdict.PASS
    with transaction():
        services.cancel(payment, reason="票据有误", by=world.user("clerk"))
    assert sums_of([payment.commitment])[payment.commitment_id]["committed"].plain() == "98000.01"
    assert verify() == []


def test_the_limit_itself_is_still_approved_alone(app: Flask) -> None:
    with transaction():
        set_limit("leader", "49000.00")
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
    assert payment.state == "approved"


def test_a_payment_between_two_leaders_is_cancelled_without_moving_money(app: Flask) -> None:
    with transaction():
        set_limit("leader", "0")
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
        services.cancel(payment, reason="重复", by=world.user("clerk"))
    assert payment.state == "cancelled"
    assert sums_of([payment.commitment])[payment.commitment_id]["committed"].plain() == "98000.01"


def test_a_limit_is_set_by_one_and_confirmed_by_another_never_ones_own(app: Flask) -> None:
    agency = world.agency().id
    with transaction():
        limit = services.set_limit(world.user("leader"), agency, Money.yuan(100), by=world.user("finance"))
    assert limit_of(world.user("leader").id, agency) is None, "not before the second person"
    with pytest.raises(Refusal, match="confirmed by another"), transaction():
        services.confirm_limit(limit, by=world.user("finance"))
    with pytest.raises(Refusal, match="permission"), transaction():
        services.confirm_limit(limit, by=world.user("leader"))
    with pytest.raises(Refusal, match="permission"), transaction():
        services.set_limit(world.user("leader"), agency, Money.yuan(1), by=world.user("clerk"))
    with pytest.raises(Refusal, match="does not approve"), transaction():
        services.set_limit(world.user("clerk"), agency, Money.yuan(1), by=world.user("finance"))
    with transaction():
        services.confirm_limit(limit, by=world.user("finreview"))
    assert limit_of(world.user("leader").id, agency) == Money.yuan(100)
    with transaction():
        newer = services.set_limit(world.user("leader"), agency, Money.yuan(7), by=world.user("finreview"))
    assert limit_of(world.user("leader").id, agency) == Money.yuan(100), "the old one holds until then"
    with transaction():
        services.confirm_limit(newer, by=world.user("finance"))
    assert limit_of(world.user("leader").id, agency) == Money.yuan(7)
    assert limit.ended_on == TODAY
    with pytest.raises(IntegrityError), transaction():
        db.session.add(
            PaymentLimit(
                agency_id=agency,
                user_id=world.user("finance").id,
                amount=Money(1),
                set_by=world.user("finance").id,
                set_at=clock.now(),
            )
        )


def test_the_page_of_limits(browser_as, bare_app: Flask) -> None:
    page = browser_as("finance").get("/disbursements/limits")
    form = page.forms["limit"]
    form["amount"] = "30000"
    page = form.submit().follow()
    assert "30,000.00" in page.text
    assert not [name for name in page.forms if str(name).startswith("confirm")]
    page = browser_as("finreview").get("/disbursements/limits")
    name = next(name for name in page.forms if str(name).startswith("confirm"))
    page.forms[name].submit().follow()
    with bare_app.app_context():
        assert limit_of(world.user("leader").id, world.agency().id) == Money.yuan(30000)
    assert "limit" not in browser_as("leader").get("/disbursements/limits").forms


# Lent steps --------------------------------------------------------------------------------------------


def lend(login: str, to: User, days: int = 5) -> RoleAssignment:
    owner = world.user(login)
    return delegate(
        owner.roles[0], to, valid_from=clock.today(), valid_to=clock.today() + timedelta(days=days), by=owner
    )


def test_a_colleague_acts_in_place_of_the_leader_and_it_is_written_down(app: Flask) -> None:
    with transaction():
        lend("leader", world.user("reviewer"))
        payment = reviewed()
    with transaction():
        services.approve(payment, by=world.user("reviewer"))
    assert payment.in_place_of == {"approved": world.user("leader").id}
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.object_type == "disbursement", AuditEntry.event == "approved")
    ).one()
    assert f'"in_place_of":{world.user("leader").id}' in entry.details.replace(" ", "")
    # Nothing else of the role is lent.
    assert not world.user("reviewer").may("call.approve", agency_id=world.agency().id)
    assert not world.user("reviewer").may("agreement.sign", agency_id=world.agency().id)


def test_a_lent_step_counts_for_both(app: Flask) -> None:
    with transaction():
        set_limit("leader", "0")
        lend("leader", world.user("reviewer"))
        payment = reviewed()
        services.approve(payment, by=world.user("reviewer"))
        assert payment.state == "first_approved", "the lower limit of both counts"
    for login in ("leader", "reviewer"):
        with pytest.raises(Refusal) as caught, transaction():
            services.approve(payment, by=world.user(login))
        assert caught.value.rule == "RAP-2"
    # Who prepared or reviewed gets no second step by a loan either.
    with transaction():
        lend("leader", world.user("finreview"))
    with pytest.raises(Refusal, match="two steps"), transaction():
        services.approve(payment, by=world.user("finreview"))


def test_who_is_excluded_does_not_act_through_a_colleague(app: Flask) -> None:
    with transaction():
        lend("leader", world.user("reviewer"))
        payment = reviewed()
        exclude(payment.commitment, [world.user("leader").person_id], reason="scored", by=world.user("clerk"))
    with pytest.raises(Refusal) as caught, transaction():
        services.approve(payment, by=world.user("reviewer"))
    assert caught.value.rule == "REX-1"


def test_what_is_lent_cannot_be_lent_on_and_has_its_limits(app: Flask) -> None:
    with transaction():
        lent = lend("leader", world.user("reviewer"))
    with pytest.raises(Refusal, match="lent on"), transaction():
        delegate(lent, world.user("clerk"), valid_from=TODAY, valid_to=TODAY, by=world.user("reviewer"))
    leader = world.user("leader")
    for to, first, last, match in (
        ("auditor", 0, 1, "administrators"),
        ("operator", 0, 1, "same unit"),
        ("clerk", -1, 1, "today"),
        ("clerk", 2, 1, "today"),
        ("clerk", 0, 200, "three months"),
    ):
        with pytest.raises(Refusal, match=match), transaction():
            delegate(
                leader.roles[0],
                world.user(to),
                valid_from=TODAY + timedelta(days=first),
                valid_to=TODAY + timedelta(days=last),
                by=leader,
            )
    with pytest.raises(Refusal, match="own role"), transaction():
        delegate(
            leader.roles[0], world.user("clerk"), valid_from=TODAY, valid_to=TODAY, by=world.user("clerk")
        )
    with pytest.raises(Refusal, match="no step"), transaction():
        delegate(
            world.user("reviewer").roles[0],
            world.user("clerk"),
            valid_from=TODAY,
            valid_to=TODAY,
            by=world.user("reviewer"),
        )


def test_a_loan_ends_by_itself_when_taken_back_and_with_its_role(app: Flask) -> None:
    reviewer, agency = world.user("reviewer"), world.agency().id
    with transaction():
        lent = lend("leader", reviewer, days=2)
    assert reviewer.may("disbursement.approve", agency_id=agency)
    with clock.at(clock.now() + timedelta(days=3)):
        assert not reviewer.may("disbursement.approve", agency_id=agency)
    with pytest.raises(Refusal, match="Only who lent"), transaction():
        take_back(lent, by=world.user("clerk"))
    with transaction():
        take_back(lent, by=world.user("leader"))
    assert not reviewer.may("disbursement.approve", agency_id=agency)
    with transaction():
        lend("leader", reviewer)
        revoke_role(world.user("leader").roles[0], by=world.user("security"))
        db.session.expire_all()
    assert not world.user("reviewer").may("disbursement.approve", agency_id=agency)


def test_a_lent_role_does_not_stand_against_a_granted_one(app: Flask) -> None:
    with transaction():
        lend("leader", world.user("reviewer"))
        grant_role(world.user("reviewer"), "funder_leader", agency=world.agency(), by=world.user("security"))
        db.session.expire_all()
    assert world.user("reviewer").in_place_of("disbursement.approve", world.agency().id) is None


def test_the_page_where_steps_are_lent(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context():
        reviewer = world.user("reviewer").id
    page = browser_as("leader").get("/account").click(href="/account/delegations/")
    form = page.forms["delegation"]
    form["colleague"] = str(reviewer)
    form["valid_to"] = (TODAY + timedelta(days=300)).isoformat()
    told = form.submit(expect_errors=True)
    assert told.status_int == 422 and told.forms["delegation"]["colleague"].value == str(reviewer)
    told.forms["delegation"]["valid_to"] = TODAY.isoformat()
    page = told.forms["delegation"].submit().follow()
    assert "示例李建国" in page.text
    assert "示例周正" in browser_as("reviewer").get("/account/delegations/").text
    name = next(name for name in page.forms if str(name).startswith("revoke"))
    page.forms[name].submit().follow()
    assert browser_as("clerk").post(
        f"/account/delegations/{str(name).removeprefix('revoke-')}/revoke", expect_errors=True
    ).status_int in (400, 404)
    assert "delegation" not in browser_as("operator").get("/account/delegations/").forms


# Accounts ----------------------------------------------------------------------------------------------


def test_a_changed_account_cools_off_before_money_leaves(app: Flask) -> None:
    with transaction():
        make_account()
        changed = make_account("622848009999888877")
        commitment = make_commitment()
        payment = services.request_disbursement(
            commitment.tranches[0], payee_account=changed, receipt_number="SJ-1", by=world.user("clerk")
        )
        services.review(payment, by=world.user("finreview"))
        services.approve(payment, by=world.user("leader"))
        found = {item.rule: item.verdict for item in findings_now(payment, None)}
    assert found["RDT-g"] is Verdict.MANUAL
    with pytest.raises(Refusal) as caught, transaction():
        services.release(payment, by=world.user("finance"))
    assert caught.value.rule == "RDT-g"
    with clock.at(clock.now() + timedelta(days=3)), transaction():
        services.release(payment, by=world.user("finance"))
    assert payment.state == "released"


def test_the_cooling_off_is_policy(app: Flask) -> None:
    with transaction():
        rule(cooling_off_days=0, cooling_off_first_days=10)
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
    with pytest.raises(Refusal, match="changed"), transaction():
        services.release(payment, by=world.user("finance"))
    with clock.at(clock.now() + timedelta(days=10)), transaction():
        services.release(payment, by=world.user("finance"))


def test_each_look_at_a_number_is_written_down(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        account = make_account().id
    browser = browser_as("finance")
    page = browser.get(f"/disbursements/accounts/{account}")
    assert "622848001234567890" not in page.text
    assert browser.get(f"/disbursements/accounts/{account}/number", expect_errors=True).status_int == 405
    for _look in range(2):
        assert "622848001234567890" in page.forms["reveal"].submit().text
    with bare_app.app_context():
        looks = db.session.scalar(select(func.count()).where(AuditEntry.event == "number_revealed"))
        assert looks == 2


# Many at once --------------------------------------------------------------------------------------------


def several(count: int = 3) -> list[Disbursement]:
    commitment = make_commitment("1000", tranches=[(1, f"第{n}款", "signed") for n in range(1, count + 1)])
    account = make_account()
    return [
        services.request_disbursement(
            item, payee_account=account, receipt_number=f"SJ-{item.number}", by=world.user("clerk")
        )
        for item in commitment.tranches
    ]


def test_each_of_several_has_its_own_result(app: Flask) -> None:
    with transaction():
        rows = several()
        services.review(rows[1], by=world.user("finreview"))
        rows[2].requested_by = world.user("finreview").id
    with transaction():
        outcomes = services.each(services.review, rows, by=world.user("finreview"))
    assert [item.refusal.status if item.refusal else "done" for item in outcomes] == ["done", 409, 403]
    assert [row.state for row in rows] == ["reviewed", "reviewed", "requested"]
    assert audit_verify() == []


def test_review_and_approve_on_the_page_of_several(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        ids = [row.id for row in several()]
    for login, states in (("finreview", "reviewed"), ("leader", "approved")):
        page = browser_as(login).get("/disbursements/")
        form = page.forms["bulk"]
        for box in form.fields["disbursement"]:
            box.checked = True
        preview = form.submit(name="step")
        assert "1,000.00" in preview.text
        with bare_app.app_context():
            assert {row.state for row in db.session.scalars(select(Disbursement))} != {states}, (
                "a look moves nothing"
            )
        preview.forms["bulk"].submit()
        with bare_app.app_context():
            assert {row.state for row in db.session.scalars(select(Disbursement))} == {states}
    assert "bulk" not in browser_as("clerk").get("/disbursements/?view=all").forms
    stranger = browser_as("finreview").get(
        "/disbursements/bulk", params=[("step", "review"), *(("disbursement", str(item)) for item in ids)]
    )
    assert "bulk" not in stranger.forms, "approved ones are reviewed no more"


# Answers that do not come ------------------------------------------------------------------------------


def test_a_payment_without_an_answer_is_found_once(app: Flask, browser_as) -> None:
    with transaction():
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
        services.release(payment, by=world.user("finance"))
    assert sweep() == 0
    with clock.at(clock.now() + timedelta(days=20)):
        assert sweep() == 1
        assert sweep() == 0
    assert payment.state == "released" and payment.stuck_noted_on is not None
    with transaction():
        services.mark_paid(payment, paid_on=clock.today(), voucher_number="PZ", by=world.user("finance"))
    assert payment.state == "paid"


def test_stuck_payments_stand_on_their_page_and_the_worklist(bare_app: Flask, browser_as) -> None:
    with bare_app.app_context(), clock.at(clock.now() - timedelta(days=20)), transaction():
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
        services.release(payment, by=world.user("finance"))
        number = payment.number
    with bare_app.app_context():
        assert sweep() == 1
    browser = browser_as("finance")
    assert number in browser.get("/disbursements/stuck").text
    assert number in browser.get("/home").text
    assert number not in browser_as("banner_clerk").get("/disbursements/stuck").text


# Nothing beside the money moves it -----------------------------------------------------------------------


def test_a_failing_mail_or_export_leaves_the_payment_as_it_is(
    bare_app: Flask, browser_as, monkeypatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise OSError("on fire")

    with bare_app.app_context():
        with transaction():
            for login in ("operator", "so_leader"):
                world.user(login).person.email = f"{login}@example.org"
            payment = reviewed()
            services.approve(payment, by=world.user("leader"))
            services.release(payment, by=world.user("finance"))
            services.mark_paid(payment, paid_on=TODAY, voucher_number="PZ", by=world.user("finance"))
        bare_app.config["MAIL_SERVER"] = "mail.invalid"
        monkeypatch.setattr(mail.smtplib, "SMTP", broken)
        mail.deliver_due()
        with transaction():
            queue("export:disbursements.list", {"args": {}, "locale": "zh"}, by=world.user("supervisor"))
        monkeypatch.setattr(tables.xlsxwriter, "Workbook", broken)
        while run_next():
            pass
    monkeypatch.setattr(trail, "as_csv", broken)
    page = browser_as("auditor").get("/trail/")
    with pytest.raises(OSError, match="fire"):
        page.forms["export"].submit()
    with bare_app.app_context():
        payment = db.session.scalars(select(Disbursement)).one()
        assert payment.state == "paid"
        assert sums_of([payment.commitment])[payment.commitment_id]["paid"] == payment.amount
        assert verify() == [] and audit_verify() == []


# Races -----------------------------------------------------------------------------------------------------


def test_64_actors_lose_or_double_nothing(bare_app: Flask) -> None:
    """Everybody takes any step on any payment: each payment takes each step once, no fen is lost."""
    with bare_app.app_context(), transaction():
        second = colleague("leader2").login
        colleague("finance2", "finance_clerk")
        set_limit("leader", "300")
        rows = several(6)
        ids, commitment_id = [row.id for row in rows], rows[0].commitment_id
    people = ["finreview", "leader", second, "finance", "finance2", "clerk"]
    start = threading.Barrier(64)
    faults: list[BaseException] = []

    def act(seed: int) -> None:
        chance = random.Random(seed)
        with bare_app.app_context():
            start.wait()
            for _turn in range(4):
                try:
                    with transaction():
                        step(db.session.get_one(Disbursement, chance.choice(ids)), chance, people)
                except Refusal:
                    pass
                except BaseException as fault:
                    faults.append(fault)
                finally:
                    db.session.remove()

    threads = [threading.Thread(target=act, args=(seed,)) for seed in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with bare_app.app_context():
        assert verify() == [] and audit_verify() == []
        payments = [db.session.get_one(Disbursement, item) for item in ids]
        sums = sums_of([db.session.get_one(Commitment, commitment_id)])[commitment_id]
        held = {"committed": Money(0), "payable": Money(0), "paid": Money(0)}
        for item in payments:
            held[PLACE[item.state]] += item.amount
        assert {kind: sums[kind] for kind in held} == held
        for item in payments:
            events = db.session.execute(
                select(AuditEntry.event, func.count())
                .where(AuditEntry.object_type == "disbursement", AuditEntry.object_id == item.id)
                .group_by(AuditEntry.event)
            )
            assert all(count == 1 for _event, count in events)
            filled = [
                item.requested_by, item.reviewed_by, item.approved_by, item.second_approved_by, item.released_by
            ]  # fmt: skip
            known = [who for who in filled if who is not None]
            assert len(known) == len(set(known))


PLACE = {
    "requested": "committed", "reviewed": "committed", "first_approved": "committed", "approved": "payable",
    "released": "payable", "paid": "paid", "returned": "committed", "cancelled": "committed",
}  # fmt: skip


def step(payment: Disbursement, chance: random.Random, people: list[str]) -> None:
    by = world.user(chance.choice(people))
    match chance.randrange(8):
        case 0 | 1:
            services.review(payment, by=by)
        case 2 | 3 | 4:
            services.approve(payment, by=by)
        case 5:
            services.release(payment, by=by)
        case 6:
            services.mark_paid(payment, paid_on=clock.today(), voucher_number="PZ", by=by)
        case _:
            if chance.random() < 0.3:
                services.cancel(payment, reason="重复", by=by)


def test_of_many_who_issue_a_returned_payment_again_one_does(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        payment = reviewed()
        services.approve(payment, by=world.user("leader"))
        services.release(payment, by=world.user("finance"))
        services.mark_returned(payment, reason="户名不符", by=world.user("finance"))
        ids = payment.id, payment.tranche_id, payment.payee_account_id
    start = threading.Barrier(12)
    outcomes: list[str] = []

    def again(place: int) -> None:
        with bare_app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    arguments = {
                        "payee_account": session.get_one(PayeeAccount, ids[2]),
                        "receipt_number": f"SJ-{place}",
                        "by": world.user("clerk"),
                    }
                    if place % 2:
                        services.reissue(session.get_one(Disbursement, ids[0]), **arguments)
                    else:
                        services.request_disbursement(session.get_one(Tranche, ids[1]), **arguments)
                outcomes.append("made")
            except (Refusal, IntegrityError):
                outcomes.append("told")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=again, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["told"] * 11
    with bare_app.app_context():
        assert db.session.scalars(select(Disbursement.reissues_id)).all().count(ids[0]) == 1
