"""Social workers, volunteers and trainings: levels, consent, insurance, hours, and what is taken out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.persons.services import erase_person, record_person
from registry.proof.queries import checks
from registry.workforce import queries, rules, services
from registry.workforce.models import SocialWorker, TrainingAttendance, Volunteer, VolunteerHours
from tests import world

TODAY = clock.today


def somebody(name="示例志愿者", phone="13700000001"):
    return record_person(name, phone=phone, by=SYSTEM)


def volunteer(**more):
    told = {"consented_on": TODAY(), "consent_form": "纸质同意书 1 号", **more}
    return services.add_volunteer(world.agency(), somebody(), skills=["care"], by=SYSTEM, **told)


@given(st.dates(date(1950, 1, 1), date(2026, 1, 1)), st.integers(0, 200))
def test_age_turns_on_the_birthday(born, years):
    try:
        birthday = born.replace(year=born.year + years)
    except ValueError:
        return
    assert rules.age_on(born, birthday) == years
    assert rules.age_on(born, birthday - timedelta(days=1)) == years - 1


def test_the_level_is_that_of_the_highest_certificate(app):
    with transaction():
        worker = services.add_worker(world.agency(), somebody(), since=TODAY(), by=SYSTEM)
        day, end = TODAY() - timedelta(days=100), TODAY() + timedelta(days=900)
        services.add_certificate(worker, "intermediate", "s-1", day, end, by=SYSTEM)
        services.add_certificate(worker, "assistant", "s-2", day, end, by=SYSTEM)
        assert worker.level == "intermediate"
        with pytest.raises(Refusal, match="noted already"):
            services.add_certificate(worker, "senior", "S-1 ", day, end, by=SYSTEM)
        with pytest.raises(Refusal, match="this list of the unit already"):
            services.add_worker(world.agency(), worker.person, since=TODAY(), by=SYSTEM)


def test_hours_of_learning_count_within_the_registration_and_for_who_came(app):
    end = TODAY() + timedelta(days=30)
    with transaction():
        worker = services.add_worker(world.agency(), somebody(), since=TODAY(), by=SYSTEM)
        services.add_certificate(worker, "assistant", "s-1", end - timedelta(days=1000), end, by=SYSTEM)
        for days, hours, state in ((10, 70, "attended"), (20, 30, "absent"), (1200, 60, "attended")):
            held = services.plan_training(
                world.agency(), "示例培训", "social_work", TODAY() - timedelta(days=days), hours, by=SYSTEM
            )
            assert services.invite(held, [worker.person, worker.person], by=SYSTEM) >= 1
            row = db.session.scalars(
                select(TrainingAttendance).where(TrainingAttendance.training_id == held.id)
            ).one()
            services.note_attendance(held, {row.id: state}, by=SYSTEM)
        found = queries.learning_of(worker)
        assert (found.verdict, found.sentence.params["hours"]) == ("manual", 70)
        extra = services.plan_training(world.agency(), "示例补训", "social_work", TODAY(), 2, by=SYSTEM)
        services.invite(extra, [worker.person], by=SYSTEM)
        services.note_attendance(
            extra,
            dict.fromkeys(
                db.session.scalars(
                    select(TrainingAttendance.id).where(TrainingAttendance.training_id == extra.id)
                ),
                "attended",
            ),
            by=SYSTEM,
        )
        assert queries.learning_of(worker).verdict == "pass"
        coming = services.plan_training(
            world.agency(), "示例将来", "safety", TODAY() + timedelta(days=3), 2, by=SYSTEM
        )
        with pytest.raises(Refusal, match="not been held"):
            services.note_attendance(coming, {}, by=SYSTEM)


def test_no_hours_without_consent_nor_for_a_minor_without_a_guardian(app):
    clerk = world.user("clerk")
    with transaction():
        row = volunteer(consented_on=None)
        with pytest.raises(Refusal, match="has not given consent"):
            services.note_hours(row, TODAY(), 60, "陪伴", by=clerk)
        services.note_consent(row, TODAY(), form="同意书", by=SYSTEM)
        row.person.born_on = TODAY() - timedelta(days=15 * 366)
        with pytest.raises(Refusal, match="minor"):
            services.note_hours(row, TODAY(), 60, "陪伴", by=clerk)
        guardian = somebody("示例监护人", "13700000002")
        services.note_guardian(row, guardian, TODAY(), by=SYSTEM)
        services.note_hours(row, TODAY(), 60, "陪伴", by=clerk)
        with pytest.raises(Refusal, match="24 hours"):
            services.note_hours(row, TODAY(), 1381, "陪伴", by=clerk)


def test_danger_needs_an_insurance_of_that_day(app):
    clerk = world.user("clerk")
    with transaction():
        row = volunteer()
        with pytest.raises(Refusal, match="accident insurance") as refused:
            services.note_hours(row, TODAY(), 60, "防汛巡查", dangerous=True, by=clerk)
        assert refused.value.source == "志愿服务条例 第十七条"
        services.note_cover(row, "示例保险", "P1", TODAY(), TODAY(), by=SYSTEM)
        services.note_hours(row, TODAY(), 60, "防汛巡查", dangerous=True, by=clerk)


def broken(name):
    return [str(item) for check in checks() if check.name == name for item in check.broken()]


def test_broken_rows_are_named(app):
    with transaction() as session:
        row = volunteer()
        services.note_cover(row, "示例保险", "P1", TODAY(), TODAY(), by=SYSTEM)
        services.note_hours(row, TODAY(), 60, "防汛巡查", dangerous=True, by=world.user("clerk"))
        worker = services.add_worker(world.agency(), row.person, since=TODAY(), by=SYSTEM)
        names = ("hours-without-consent", "danger-without-insurance", "level-without-certificate")
        assert [broken(name) for name in names] == [[], [], []]
        row.consented_on, worker.level = None, "senior"
        queries.covers_of(row)[0].valid_to = TODAY() + timedelta(days=5)
        queries.covers_of(row)[0].valid_from = TODAY() + timedelta(days=5)
        session.flush()
        assert [len(broken(name)) for name in names] == [1, 1, 1]
        assert f"no. {row.id}" in broken(names[0])[0]


def test_taken_out_the_hours_stay_as_numbers(app):
    with transaction():
        row = volunteer()
        services.note_hours(row, TODAY(), 90, "在张三家陪伴", by=world.user("clerk"))
        held = services.plan_training(world.agency(), "示例培训", "volunteering", TODAY(), 2, by=SYSTEM)
        person = row.person
        services.invite(held, [person], by=SYSTEM)
        erase_person(person, reason="本人意愿", user=None, by=SYSTEM)
        assert person.name == "***" and row.person_id != person.id and row.consented_on is None
        assert db.session.scalar(select(func.sum(VolunteerHours.minutes))) == 90
        assert db.session.scalars(select(VolunteerHours.activity)).all() == [""]
        assert db.session.scalars(select(TrainingAttendance.person_id)).all() == [None]
        assert queries.totals(world.user("clerk"))["minutes"] == 90


def test_a_certificate_in_force_is_kept_with_its_source(app):
    with transaction():
        worker = services.add_worker(world.agency(), somebody(), since=TODAY(), by=SYSTEM)
        services.add_certificate(worker, "senior", "s-1", TODAY(), TODAY() + timedelta(days=9), by=SYSTEM)
        assert erase_person(worker.person, reason="本人意愿", user=None, by=SYSTEM) == (0, 1)
        assert worker.person.name == "示例志愿者" and worker.level == "senior"


def test_a_clerk_keeps_the_lists(bare_app, browser_as):
    browser = browser_as("clerk")
    form = browser.get("/workforce/new").forms["form"]
    form["name"], form["phone"], form["organization"] = "示例社工", "13600000001", "示例别处"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and "没有与此名称或代码完全一致的组织" in page.text
    form = page.forms["form"]
    form["organization"] = "示例暖邻社区服务中心"
    page = form.submit().follow()
    form = page.click("登记证书").forms["form"]
    form["level"], form["number"] = "intermediate", "SG2026001"
    form["issued_on"] = (TODAY() - timedelta(days=1000)).isoformat()
    form["valid_to"] = (TODAY() + timedelta(days=20)).isoformat()
    page = form.submit().follow()
    assert "SG2026001" in page.text and "即将到期" in page.text and "90" in page.text
    assert "示例社工的证书将到期" in browser.get("/home").text
    assert "示例社工" in browser.get("/workforce/", {"state": "ending"}).text
    assert "示例社工" not in browser.get("/workforce/", {"level": "senior"}).text
    figures = browser.get("/workforce/figures")
    assert "示例暖邻社区服务中心" in figures.text
    form = browser.get("/workforce/volunteers/new").forms["form"]
    form["name"], form["phone"] = "示例志愿者", "13600000002"
    form.set("skills", "care", index=0)
    page = form.submit().follow()
    form = page.click("登记本人同意").forms["form"]
    form["paper"] = "同意书 2 号"
    form = form.submit().follow().click("登记服务时长").forms["form"]
    form["minutes"], form["activity"], form["dangerous"] = "90", "防汛", True
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and "志愿服务条例 第十七条" in page.text and "防汛" in page.text
    page.forms["form"]["dangerous"] = False
    assert "1.5" in page.forms["form"].submit().follow().text


def test_a_training_with_attendance(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        volunteer()
    browser = browser_as("clerk")
    form = browser.get("/workforce/trainings/new").forms["form"]
    form["title"], form["hours"] = "示例急救培训", "4"
    page = form.submit().follow()
    page.forms["invite"]["names"] = "示例志愿者\n查无此人"
    page = page.forms["invite"].submit(expect_errors=True)
    assert page.status_int == 422 and "查无此人" in page.text
    page.forms["invite"]["names"] = "示例志愿者"
    page = page.forms["invite"].submit().follow()
    form = page.forms["attendance"]
    form[next(name for name in form.fields if name and name.startswith("state-"))] = "attended"
    assert "已参加" in form.submit().follow().text


@pytest.mark.parametrize("path", ["/workforce/", "/workforce/volunteers", "/workforce/figures"])
def test_a_stranger_township_sees_nothing(bare_app, browser_as, path):
    with bare_app.app_context(), transaction():
        row = volunteer()
        number = services.add_worker(
            world.agency(), row.person, since=TODAY(), organization=world.organization(), by=SYSTEM
        ).id
        assert db.session.query(SocialWorker).count() == db.session.query(Volunteer).count() == 1
    page = browser_as("township_clerk").get(path)
    assert "示例志愿者" not in page.text and "示例暖邻" not in page.text
    browser_as("township_clerk").get(f"/workforce/{number}", status=404)
    browser_as("finance").get(path, status=403)


@given(
    st.integers(0, 120_000), st.lists(st.integers(1, 2000), min_size=5, max_size=5, unique=True).map(sorted)
)
def test_stars_are_counted_by_the_hours_that_each_takes(minutes, hours):
    found = rules.stars(minutes, hours)
    # One by one: a star is reached when its hours are.
    expected = 0
    for needed in hours:
        if minutes // 60 < needed:
            break
        expected += 1
    assert found == expected
    finding = rules.star_finding(minutes, hours)
    assert finding.rule == "RWF-5" and finding.source
    assert finding.sentence.params["stars"] == expected


def test_volunteers_are_found_by_their_stars(app):
    with transaction():
        row, other = (
            volunteer(),
            services.add_volunteer(world.agency(), somebody("示例新人", "13700000002"), by=SYSTEM),
        )
        row.registered_on = TODAY() - timedelta(days=60)
        row.consented_on = row.registered_on
        for days in range(4):
            services.note_hours(row, TODAY() - timedelta(days=days), 1440, "示例", by=world.user("clerk"))
        clerk = world.user("clerk")

        def found(stars):
            return set(db.session.scalars(select(Volunteer.id).where(queries.with_stars(clerk, stars))))

        assert (found(0), found(1)) == ({row.id, other.id}, set())
        services.note_hours(row, TODAY() - timedelta(days=5), 240, "示例", by=clerk)
        assert (found(0), found(1)) == ({other.id}, {row.id})
        assert queries.star_counts(clerk) == {5: 0, 4: 0, 3: 0, 2: 0, 1: 1, 0: 1}
        assert queries.stars_of(row, 6000).verdict == "pass"
        assert queries.star_counts(world.user("township_clerk"))[0] == 0


def test_a_training_plan_stands_beside_what_was_held(app):
    today = TODAY()
    with transaction():
        clerk = world.user("clerk")

        def note(**more):
            told = {"trainings": 2, "hours": 48, "persons": 10, "document": "示例计划", **more}
            return services.record_plan(world.agency(), today.year, "safety", by=clerk, **told)

        for wrong in ({"trainings": 0}, {"persons": 0}, {"document": " "}):
            with pytest.raises(Refusal):
                note(**wrong)
        plan = note()
        assert queries.held([plan])[plan.id] == queries.Held(0, 0, 0)
        for kind, day in (
            ("safety", today),
            ("safety", today),
            ("finance", today),
            ("safety", date(today.year - 1, 12, 31)),
        ):
            row = services.plan_training(world.agency(), "示例", kind, day, 8, by=clerk)
            services.invite(row, [somebody()], by=clerk)
            services.note_attendance(
                row,
                dict.fromkeys(
                    db.session.scalars(
                        select(TrainingAttendance.id).where(TrainingAttendance.training_id == row.id)
                    ),
                    "attended",
                ),
                by=clerk,
            )
        # Who came twice is one person.
        assert queries.held([plan])[plan.id] == queries.Held(2, 16, 1)
        assert note(trainings=3).id == plan.id and plan.trainings == 3


def test_a_social_worker_takes_the_consent_back_and_stays(app):
    with transaction():
        row = services.add_worker(world.agency(), somebody(), since=TODAY(), by=SYSTEM)
        services.note_consent(row, TODAY(), form="示例", by=SYSTEM)
        services.withdraw_consent(row, by=SYSTEM)
        assert (row.consented_on, row.consent_form, row.until) == (None, "", None)


def test_the_pages_of_plan_and_stars(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        identity = services.add_worker(world.agency(), somebody(), since=TODAY(), by=SYSTEM).id
    browser = browser_as("clerk")
    page = browser.get("/workforce/trainings").click(href="/trainings/plan").click(href="/plan/new")
    form = page.forms["form"]
    form["kind"], form["trainings"], form["hours"], form["document"] = "safety", "2", "16", "示例培训计划"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and page.forms["form"]["document"].value == "示例培训计划"
    page.forms["form"]["persons"] = "30"
    page = page.forms["form"].submit().follow()
    assert "0 / 2" in page.text and "示例培训计划" in page.text
    browser.get("/workforce/trainings?year=0000&kind=nothing")
    assert "示例培训计划" not in browser_as("township_clerk").get("/workforce/trainings/plan").text
    assert "志愿者星级" in browser.get("/workforce/figures").text
    page = browser.get(f"/workforce/{identity}").click(href="/consent")
    page.forms["form"]["paper"] = "示例同意书"
    page = page.forms["form"].submit().follow()
    assert "示例同意书" in page.text
    assert "未同意" in page.forms["withdraw"].submit().follow().text
