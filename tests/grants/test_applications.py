"""Applications: the server's clock, one number each, a receipt that proves the content, scope."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from webtest import TestApp, Upload

from core import clock
from core.access.policy import Refusal
from core.audit.queries import entries_of, verify
from core.db import db, transaction
from core.lifecycle import Conflict
from core.money import Money
from core.rules.rules import Verdict
from finance.funds.queries import earmark_available
from finance.lines.rules import LINES
from grants.applications import services
from grants.applications.models import Application, ApplicationVersion
from grants.applications.queries import application_in_scope, eligible_applications, visible_applications
from registry.accounts.models import User
from registry.credit.services import record_entry
from registry.interests.services import declare_interest
from tests import world
from tests.grants import stage


def all_applications() -> list[Application]:
    return list(db.session.scalars(db.select(Application).order_by(Application.id)))


def test_submission_gives_number_version_and_digest(app: Flask) -> None:
    with transaction():
        row = stage.submitted(stage.published())
        year = clock.today().year
        assert row.number == f"150600-GYCT-{year}-06-001"
        assert row.state == "submitted"
        version = row.versions[0]
        assert hashlib.sha256(version.content.encode()).hexdigest() == version.sha256
        content = json.loads(version.content)
        assert content["requested"] == "80000.00"
        assert content["own_funds"] == "20000.00"
        assert [line["code"] for line in content["lines"]] == [line["code"] for line in stage.LINES]
        assert content["submitted_at"] == version.submitted_at.isoformat(timespec="microseconds")
    assert verify() == []


def test_numbers_follow_one_another(app: Flask) -> None:
    with transaction():
        call = stage.published()
        first = stage.submitted(call)
        second = stage.submitted(call, who="operator2", organization="示例夕阳红为老服务中心")
        assert [first.number[-3:], second.number[-3:]] == ["001", "002"]


def test_savings_of_one_hour_are_one_entry_for_each_field(app: Flask) -> None:
    def saved() -> list[list[str]]:
        entries = entries_of(row, newest_first=False)
        return [json.loads(entry.details)["fields"] for entry in entries if entry.event == "saved"]

    with transaction():
        row = stage.application(stage.published())
        writer, colleague, start = world.user("operator"), world.user("so_leader"), clock.now()
        first = len(saved())

        def save(minutes: int, by: User = writer, lines: list | None = None, **fields: str) -> None:
            with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
                services.save_application(row, fields=fields, lines=lines, by=by)

        for minute in range(1, 20):
            save(minute, plan=f"第 {minute} 稿")
        assert saved()[first:] == [], "the plan was named when the draft was first saved"
        save(70, plan="一小时后")
        save(71, plan="又一稿", lines=stage.LINES)
        save(72, plan="又一稿")
        save(73, plan="同事改", by=colleague)
        save(74, plan="再改")
        save(75, lines=stage.LINES[:-1])
        assert saved()[first:] == [["plan"], ["plan"], ["plan"], ["budget"]]
    assert verify() == []


def test_after_the_deadline_the_server_refuses_with_both_times(app: Flask) -> None:
    with transaction():
        call = stage.published()
        row = stage.application(call)
        deadline = call.deadline_at
        with time_machine.travel(deadline - timedelta(seconds=1), tick=False):
            services.save_application(row, fields={"place": "最后一刻"}, by=world.user("operator"))
        with time_machine.travel(deadline, tick=False):
            for act in (
                lambda: services.submit_application(row, by=world.user("so_leader")),
                lambda: services.save_application(row, fields={"place": "迟到"}, by=world.user("operator")),
            ):
                with pytest.raises(Refusal) as refused:
                    act()
                text = refused.value.sentence.english()
                local = clock.local(deadline).strftime("%Y-%m-%d %H:%M:%S")
                assert text.count(local) == 2
                assert refused.value.rule == "TIME"
        with time_machine.travel(deadline - timedelta(seconds=1), tick=False):
            services.submit_application(row, by=world.user("so_leader"))
            assert row.state == "submitted"


def test_before_it_opens_nothing_starts(app: Flask) -> None:
    with transaction():
        now = clock.now()
        call = stage.published(opens_at=now + timedelta(days=1), deadline_at=now + timedelta(days=9))
        with pytest.raises(Refusal):
            services.start_application(call, world.organization(), title="早到", by=world.user("operator"))


def test_only_the_leader_submits(app: Flask) -> None:
    with transaction():
        row = stage.application(stage.published())
        with pytest.raises(Refusal) as refused:
            services.submit_application(row, by=world.user("operator"))
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"party_building": " "}, "party_building"),
        ({"party_committed": False}, "party_committed"),
        ({"integrity_committed": False}, "integrity_committed"),
        ({"need": ""}, "need"),
        ({"beneficiaries": 0}, "beneficiaries"),
        ({"category": "relief"}, "category"),
        ({"starts_on": None}, "starts_on"),
        ({"requested": Money.yuan("80000.01")}, "requested"),
        ({"requested": Money.yuan("100000.01")}, "requested"),
    ],
)
def test_an_incomplete_application_is_saved_but_not_submitted(app: Flask, change: dict, field: str) -> None:
    with transaction():
        row = stage.application(stage.published(), **change)
        assert field in {name for name, _sentence in services.missing(row)}
        with pytest.raises(Refusal):
            services.submit_application(row, by=world.user("so_leader"))
        assert row.state == "draft"


def test_one_organization_submits_at_most_what_the_call_allows(app: Flask) -> None:
    with transaction():
        call = stage.published(max_applications=2)
        for _ in range(2):
            stage.submitted(call)
        third = stage.application(call)
        with pytest.raises(Refusal) as refused:
            services.submit_application(third, by=world.user("so_leader"))
        assert refused.value.rule == "E13"
        services.withdraw(all_applications()[0], by=world.user("so_leader"))
        services.submit_application(third, by=world.user("so_leader"))


def test_withdrawal_ends_with_the_deadline(app: Flask) -> None:
    with transaction():
        call = stage.published()
        row = stage.submitted(call)
        with pytest.raises(Refusal):
            services.withdraw(row, by=world.user("operator"))
        with time_machine.travel(call.deadline_at, tick=False), pytest.raises(Refusal):
            services.withdraw(row, by=world.user("so_leader"))
        services.withdraw(row, by=world.user("so_leader"))
        assert row.state == "withdrawn"


def test_a_supplement_is_asked_for_once_and_becomes_version_two(app: Flask) -> None:
    with transaction():
        call = stage.published()
        row = stage.submitted(call)
        clerk, due = world.user("clerk"), clock.today() + timedelta(days=5)
        with pytest.raises(Refusal):
            services.return_for_supplement(row, items="缺承诺书", due_on=clock.today(), by=clerk)
        services.return_for_supplement(row, items="缺承诺书", due_on=due, by=clerk)
        with pytest.raises(Refusal):
            services.confirm_eligibility(row, eligible=False, note="未补", answers={}, by=clerk)
        with time_machine.travel(clock.at_local(due + timedelta(days=1)), tick=False), pytest.raises(Refusal):
            services.submit_application(row, by=world.user("so_leader"))
        first = row.submitted_at
        # The deadline of the call is no matter for a supplement that was asked for.
        stage.close(call)
        services.save_application(row, fields={"risks": "补充风险"}, by=world.user("operator"))
        version = services.submit_application(row, by=world.user("so_leader"))
        assert (version.version, row.state, row.submitted_at) == (2, "submitted", first)
        assert version.sha256 != row.versions[0].sha256
        with pytest.raises(Refusal):
            services.return_for_supplement(row, items="再补", due_on=due, by=clerk)


def test_eligibility_stores_its_findings_and_asks_a_person(app: Flask) -> None:
    with transaction():
        row = stage.submitted(stage.published())
        clerk = world.user("clerk")
        with pytest.raises(Refusal) as refused:
            services.confirm_eligibility(row, eligible=True, answers={}, by=clerk)
        assert refused.value.rule == "E10"
        with pytest.raises(Refusal):
            services.confirm_eligibility(row, eligible=True, answers={"E10": False}, by=clerk)
        services.confirm_eligibility(row, eligible=True, answers={"E10": True}, by=clerk)
        stored = {item["rule"]: item for item in row.findings}
        assert stored["E10"]["verdict"] == "pass"
        assert stored["E10"]["facts"]["by"] == clerk.id
        assert {item["verdict"] for item in row.findings} <= {"pass", "na"}
        assert row.eligibility_by == clerk.id
        assert eligible_applications(row.call) == [row]


def test_nobody_is_eligible_against_a_failed_rule(app: Flask) -> None:
    with transaction():
        row = stage.submitted(stage.published())
        record_entry(
            row.organization,
            "dishonesty_list",
            entered_on=clock.today(),
            grounds="示例",
            by=world.user("clerk"),
        )
        found = services.findings_for(row, on=clock.today())
        assert {item.rule for item in found if item.verdict is Verdict.FAIL} == {"E6"}
        with pytest.raises(Refusal) as refused:
            services.confirm_eligibility(row, eligible=True, answers={"E10": True}, by=world.user("clerk"))
        assert refused.value.rule == "E6"
        with pytest.raises(Refusal):
            services.confirm_eligibility(row, eligible=False, answers={}, by=world.user("clerk"))
        services.confirm_eligibility(row, eligible=False, note="失信名单", answers={}, by=world.user("clerk"))
        assert row.state == "ineligible"


def test_nobody_of_the_applicant_judges_it(app: Flask) -> None:
    with transaction():
        row = stage.submitted(stage.published())
        clerk = world.user("clerk")
        declare_interest(
            clerk.person,
            row.organization,
            "kinship",
            clock.today() - timedelta(days=30),
            by=world.user("clerk"),
        )
        with pytest.raises(Refusal) as refused:
            services.confirm_eligibility(row, eligible=True, answers={"E10": True}, by=clerk)
        assert refused.value.rule == "RAP-2"


def test_a_proposal_reserves_and_a_rejection_frees_the_money(app: Flask) -> None:
    with transaction():
        call = stage.published()
        row = stage.proposed(call)
        assert earmark_available(call.earmark) == Money.yuan("920000")
        services.reject(row, by=world.user("leader"), note="放弃")
        assert earmark_available(call.earmark) == Money.yuan("1000000")


def test_whoever_scored_does_not_propose_and_the_cap_holds(app: Flask) -> None:
    with transaction():
        row = stage.eligible(stage.published())
        leader = world.user("leader")
        services.record_outcome(
            row, "shortlisted", score=9000, rank=1, scored_by=[leader.person_id], by=world.user("clerk")
        )
        with pytest.raises(Refusal) as refused:
            services.propose(row, amount=Money.yuan("1000"), by=leader)
        assert refused.value.rule == "RAP-2"
        for amount in ("0", "80000.01"):
            with pytest.raises(Refusal):
                services.propose(row, amount=Money.yuan(amount), by=world.user("reviewer"))
        assert (row.score, row.rank, row.state) == (9000, 1, "shortlisted")


def test_optimizing_keeps_goal_and_beneficiaries(app: Flask) -> None:
    with transaction():
        row = stage.eligible(stage.published())
        services.record_outcome(row, "shortlisted", score=9000, rank=1, scored_by=[], by=world.user("clerk"))
        services.ask_to_optimize(row, note="细化计划", by=world.user("clerk"))
        for change in ({"goals": "另一个目标"}, {"beneficiaries": 10}, {"requested": Money.yuan("90000")}):
            with pytest.raises(Refusal):
                services.save_application(row, fields=change, by=world.user("operator"))
        services.save_application(row, fields={"plan": "更细的计划"}, by=world.user("operator"))
        services.submit_application(row, by=world.user("so_leader"))
        assert (row.state, len(row.versions)) == ("shortlisted", 2)


# Two at once -------------------------------------------------------------------------------------


def both(bare_app: Flask, *acts) -> list[str]:
    """Run the acts in threads, each in its own transaction; what became of each."""
    start, results = threading.Barrier(len(acts)), []

    def run(act) -> None:
        with bare_app.app_context():
            try:
                start.wait()
                with transaction():
                    act()
                results.append("done")
            except Conflict as conflict:
                results.append(f"told {conflict.status}")
            except Refusal as refusal:
                results.append(f"refused {refusal.rule}")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_of_two_conflicting_steps_one_wins_and_the_other_is_told(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        number = stage.submitted(stage.published()).id

    def load() -> Application:
        return db.session.get_one(Application, number)

    def confirm() -> None:
        services.confirm_eligibility(load(), eligible=True, answers={"E10": True}, by=world.user("clerk"))

    def refuse() -> None:
        services.confirm_eligibility(
            load(), eligible=False, note="不合格", answers={}, by=world.user("clerk")
        )

    assert both(bare_app, confirm, refuse) == ["done", "told 409"]
    with bare_app.app_context():
        row = load()
        assert row.state in ("eligible", "ineligible")
        assert entries_of(row)[0].event in ("confirmed_eligible", "declared_ineligible")


def test_two_submissions_at_once_take_two_numbers_or_one_slot(bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call = stage.published()
        mine = stage.application(call).id, stage.application(call).id
        other = stage.application(call, who="operator2", organization="示例夕阳红为老服务中心").id

    def submit(number: int, who: str):
        return lambda: services.submit_application(
            db.session.get_one(Application, number), by=world.user(who)
        )

    results = both(
        bare_app, submit(mine[0], "so_leader"), submit(mine[1], "so_leader"), submit(other, "so_leader2")
    )
    assert results == ["done", "done", "refused E13"]
    with bare_app.app_context():
        numbers = sorted(row.number for row in all_applications() if row.number)
        assert [number[-3:] for number in numbers] == ["001", "002"]


# On the pages -------------------------------------------------------------------------------------


def fill(form, **changes: str) -> None:
    values = {
        "category": "elderly", "place": "示例城关街道", "beneficiaries": "180", "person_times": "3,600",
        "starts_on": str(clock.today() + timedelta(days=60)), "ends_on": str(clock.today() + timedelta(days=300)),
        "leader_name": "示例刘洋", "leader_phone": "139 1234 5678", "requested": "20,000.00", "need": "需求", "goals": "目标",
        "plan": "计划", "risks": "风险", "party_building": "五嵌入", "line_supplies_basis": "物资",
        "line_supplies_grant": "20000",
    }  # fmt: skip
    for name, value in {**values, **changes}.items():
        form[name] = value
    form["integrity_committed"].checked = True
    form["party_committed"].checked = True


def test_an_application_travels_over_its_pages(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call_id = stage.published().id
    operator, leader, clerk = browser_as("operator"), browser_as("so_leader"), browser_as("clerk")
    assert stage.TITLE in operator.get("/applications/calls").text
    form = operator.get(f"/applications/start/{call_id}").forms["start"]
    form["title"] = "“暖邻敲门”"
    page = form.submit(status=303).follow()
    path = page.request.path
    form = page.forms["application"]
    form["place"] = "只填了地点"
    form["attachments"] = [Upload("证书.pdf", b"%PDF-1.4\n%%EOF\n")]
    form.submit("do", value="save", status=303).follow()
    # The leader submits: everything that is missing is named at once, and nothing typed is lost.
    form = leader.get(path).forms["application"]
    assert form["place"].value == "只填了地点"
    form["need"] = "已经写下的需求"
    wrong = form.submit("do", value="submit", status=422)
    assert "error-summary" in wrong.text and "已经写下的需求" in wrong.text
    assert leader.get(path).forms["application"]["need"].value == "已经写下的需求"
    form = wrong.forms["application"]
    fill(form)
    receipt = form.submit("do", value="submit", status=303).follow()
    with bare_app.app_context():
        version = db.session.scalars(db.select(ApplicationVersion)).one()
        digest, number = version.sha256, version.application_id
        assert json.loads(version.content)["attachments"][0]["name"] == "证书.pdf"
    assert digest in receipt.text
    locked = leader.get(f"/applications/{number}/receipt.json")
    assert hashlib.sha256(locked.body).hexdigest() == digest
    leader.get(path, status=409)
    # The officer sees it, asks for a supplement, then confirms.
    assert "暖邻敲门" in clerk.get("/applications/").text
    form = clerk.get(f"/applications/{number}").forms["return"]
    form["items"], form["due_on"] = "补充年检材料", "2020-01-01"
    again = form.submit(status=422)
    assert "error-summary" in again.text
    form = again.forms["return"]
    assert form["items"].value == "补充年检材料"
    form["due_on"] = str(clock.today() + timedelta(days=7))
    form.submit(status=303)
    page = leader.get(path)
    assert "补充年检材料" in page.text
    page.forms["application"].submit("do", value="submit", status=303)
    form = clerk.get(f"/applications/{number}").forms["eligibility"]
    again = form.submit("result", value="eligible", status=422)
    assert "error-summary" in again.text
    form = again.forms["eligibility"]
    form["answer_E10"] = "yes"
    form.submit("result", value="eligible", status=303)
    page = clerk.get(f"/applications/{number}")
    assert "eligibility" not in page.forms
    with bare_app.app_context():
        assert db.session.get_one(Application, number).state == "eligible"


def test_the_same_form_sent_twice_makes_one_application(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call_id = stage.published().id
    form = browser_as("operator").get(f"/applications/start/{call_id}").forms["start"]
    form["title"] = "一个项目"
    first, second = form.submit(status=303), form.submit(status=303)
    assert first.location == second.location
    with bare_app.app_context():
        assert len(all_applications()) == 1


def test_strangers_find_nothing(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call = stage.published()
        draft, row = stage.application(call).id, stage.submitted(call).id
        assert application_in_scope(world.user("banner_clerk"), row) is None
        assert [item.id for item in db.session.scalars(visible_applications(world.user("clerk")))] == [row]
    for stranger in ("operator2", "banner_clerk"):
        browser = browser_as(stranger)
        for path in (
            f"/applications/{row}",
            f"/applications/{row}/receipt",
            f"/applications/{row}/receipt.json",
        ):
            browser.get(path, status=404)
    browser_as("operator2").get(f"/applications/{draft}/edit", status=404)
    browser_as("clerk").get(f"/applications/{draft}", status=404)
    for nobody in ("admin", "expert1"):
        browser_as(nobody).get(f"/applications/{row}", status=403)
    assert all_seen_by(bare_app, "operator2") == []


def all_seen_by(bare_app: Flask, login: str) -> list[Application]:
    with bare_app.app_context():
        return list(db.session.scalars(visible_applications(world.user(login))))


def keys_of(page) -> dict[str, str]:
    """The hidden fields of a form this person may send, for a form this person may not."""
    form = next(form for form in page.forms.values() if "_key" in form.fields)
    return {"csrf_token": form["csrf_token"].value, "_key": form["_key"].value}


@pytest.mark.parametrize(
    ("login", "path", "status"),
    [
        ("reviewer", "eligibility", 403),
        ("organizer", "return", 403),
        ("so_leader", "eligibility", 403),
        ("operator", "withdraw", 403),
        ("operator2", "withdraw", 404),
        ("banner_clerk", "eligibility", 404),
    ],
)
def test_posting_a_step_that_is_not_offered_changes_nothing(
    browser_as, bare_app: Flask, login: str, path: str, status: int
) -> None:
    with bare_app.app_context(), transaction():
        row = stage.submitted(stage.published()).id
    browser = browser_as(login)
    sent = {
        **keys_of(browser.get("/home")),
        "result": "ineligible",
        "note": "越权",
        "items": "越权",
        "due_on": "2099-01-01",
    }
    browser.post(f"/applications/{row}/{path}", sent, status=status)
    with bare_app.app_context():
        assert db.session.get_one(Application, row).state == "submitted"


def test_the_list_filters_and_sums(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call = stage.published()
        stage.submitted(call)
        stage.submitted(call, who="operator2", organization="示例夕阳红为老服务中心", category="community")
    clerk = browser_as("clerk")
    assert "160,000.00" in clerk.get("/applications/").text
    page = clerk.get("/applications/?category=community")
    assert "160,000.00" not in page.text and "示例夕阳红为老服务中心" in page.text
    assert "示例暖邻社区服务中心" not in clerk.get("/applications/", {"q": "夕阳红"}).html.find("table").text
    assert clerk.get("/applications/?state=eligible").html.find("table") is None


def test_tasks_name_what_each_person_can_do(browser_as, bare_app: Flask) -> None:
    with bare_app.app_context(), transaction():
        call = stage.published()
        stage.application(call)
        stage.submitted(call, who="operator2", organization="示例夕阳红为老服务中心")
    assert "“暖邻敲门”独居老人关爱" in browser_as("so_leader").get("/home").text
    assert stage.TITLE in tasks(browser_as("clerk"))
    assert stage.TITLE not in tasks(browser_as("supervisor"))


def tasks(browser: TestApp) -> str:
    """What the front page asks of the person, without the calls it lists for looking."""
    return " ".join(item.text for item in browser.get("/home").html.select("li.task"))


def test_each_page_stands_at_one_place_of_the_menu(browser_as, bare_app: Flask) -> None:
    operator = browser_as("operator")
    for path in ("/applications/calls", "/applications/mine"):
        page = operator.get(path)
        assert [link["href"] for link in page.html.select("nav.rail a[aria-current=page]")] == [path]


def test_the_lines_are_a_fixed_set() -> None:
    assert len(LINES) == 14
