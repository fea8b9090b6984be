"""A project's team: picked from the register with consent, hours of the register, ended with the project."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from projects.agreements.models import Project
from projects.agreements.services import suspend_project
from projects.team import queries, services
from projects.team.models import TeamHours, TeamMember
from projects.team.routes import _panel
from registry.persons.queries import holdings
from registry.persons.services import erase_person, record_person
from registry.proof.queries import checks
from registry.workforce import queries as register
from registry.workforce import services as workforce
from registry.workforce.models import SocialWorker, Volunteer, VolunteerHours
from tests import world
from tests.projects import road


def volunteer(serial: int = 1, *, unit: str = "示例市民政局", consent: bool = True, **more) -> Volunteer:
    return workforce.add_volunteer(
        world.agency(unit),
        record_person(f"示例志愿者{serial}", phone=f"1370000{serial:04d}", by=SYSTEM),
        skills=["care"],
        consented_on=clock.today() if consent else None,
        consent_form="纸质同意书" if consent else "",
        by=SYSTEM,
        **more,
    )


def worker(serial: int = 1, *, own: bool = False, **more) -> SocialWorker:
    return workforce.add_worker(
        world.agency(),
        record_person(f"示例社工{serial}", phone=f"1380000{serial:04d}", by=SYSTEM),
        since=clock.today() - timedelta(days=9),
        organization=world.organization() if own else world.organization("示例童伴儿童关爱协会"),
        by=SYSTEM,
        **more,
    )


def pick(project: Project, entry, login: str = "operator", **more) -> TeamMember:
    told = {"task": "入户探访", "since": clock.today(), **more}
    return services.pick(project, entry, by=world.user(login), **told)


def given(project: Project) -> dict[int, int]:
    return {item.row.id: item.minutes for item in queries.members(project) if item.minutes}


def offered(project: Project) -> set[str]:
    rows = [
        *db.session.scalars(queries.free_volunteers(project)),
        *db.session.scalars(queries.free_workers(project)),
    ]
    return {row.person.name for row in rows}


def test_picked_is_who_consented_and_stands_in_a_register_of_the_line(app) -> None:
    today = clock.today()
    with transaction():
        project = road.running()
        good, silent = volunteer(1), volunteer(2, consent=False)
        minor = volunteer(3, born_on=date(today.year - 10, 1, 1))
        under = volunteer(4, unit="示例街道办事处")
        gone = volunteer(5)
        workforce.leave(gone, today, by=SYSTEM)
        own, other = worker(6, own=True), worker(7)
        assert offered(project) == {"示例志愿者1", "示例志愿者4", "示例社工6"}
        for refused in (silent, minor, gone, other):
            with pytest.raises(Refusal) as told:
                pick(project, refused)
            assert (told.value.rule, told.value.status) == ("RWF-1", 409) and told.value.source
        # With the guardian's and the own consent they may be picked.
        workforce.note_guardian(
            minor, record_person("示例监护人", phone="13900000001", by=SYSTEM), today, by=SYSTEM
        )
        workforce.note_consent(other, today, form="纸质同意书", by=SYSTEM)
        for entry in (good, minor, under, own, other):
            pick(project, entry)
        assert offered(project) == set()
        with pytest.raises(Refusal):
            pick(project, good)
    with pytest.raises(IntegrityError), transaction() as session:
        first = session.scalars(select(TeamMember).order_by(TeamMember.id)).first()
        session.add(
            TeamMember(
                project_id=first.project_id,
                volunteer_id=first.volunteer_id,
                since=today,
                picked_by=first.picked_by,
            )
        )


def test_only_the_organization_of_the_project_picks_and_within_its_term(app) -> None:
    with transaction():
        project, entry = road.running(), volunteer()
        for login in ("operator2", "clerk", "supervisor", "leader"):
            with pytest.raises(Refusal, match="permission"):
                pick(project, entry, login)
        term = project.agreement
        for day in (term.starts_on - timedelta(days=1), term.ends_on + timedelta(days=1)):
            with pytest.raises(Refusal, match="term of the project"):
                pick(project, entry, since=day)


def test_hours_of_the_project_are_rows_of_the_register(app) -> None:
    today = clock.today()
    with transaction():
        project = road.running()
        first, second = pick(project, volunteer(1)), pick(project, volunteer(2))
        social = pick(project, worker(3, own=True))
        by = world.user("operator")
        done = services.give_hours(project, [first, second], today, 90, "探访", by=by)
        assert given(project) == {first.id: 90, second.id: 90}
        for row in done:
            hours = db.session.get_one(VolunteerHours, row.hours_id)
            assert (hours.minutes, project.number in hours.activity) == (90, True)
        with pytest.raises(Refusal, match="insurance"):
            services.give_hours(project, [first], today, 30, "抢险", dangerous=True, by=by)
        services.give_hours(project, [social], today, 30, "探访", by=by)
        assert given(project) == {first.id: 90, second.id: 90, social.id: 30}
        with pytest.raises(Refusal, match="24 hours"):
            services.give_hours(project, [first], today, 1400, "探访", by=by)
        with pytest.raises(Refusal, match="Choose"):
            services.give_hours(project, [], today, 30, "探访", by=by)
        with pytest.raises(Refusal):
            services.give_hours(project, [first], today + timedelta(days=1), 30, "探访", by=by)
    # All of them or none.
    with pytest.raises(Refusal), transaction():
        workforce.withdraw_consent(db.session.get_one(Volunteer, second.volunteer_id), by=SYSTEM)
        services.give_hours(project, [first, second], today, 30, "探访", by=world.user("operator"))
    assert db.session.scalar(select(func.count()).select_from(TeamHours)) == 2
    assert not [item for item in checks() if item.name.startswith("team") for _ in item.broken()]
    with transaction() as session:
        session.get_one(TeamMember, first.id).since = today + timedelta(days=1)
    (broken,) = [item for item in checks() if item.name == "team-hours-outside-membership"]
    assert len(list(broken.broken())) == 1


def test_time_of_social_workers_is_counted_with_the_same_care(app) -> None:
    today = clock.today()
    with transaction():
        project, by = road.running(), world.user("operator")
        own, other = worker(1, own=True), worker(2)
        workforce.note_consent(other, today, form="纸质同意书", by=SYSTEM)
        mine, theirs = pick(project, own), pick(project, other)
        helper = pick(project, volunteer(3))
        # One list of members, each in the table of its kind; danger asks the volunteers alone for an insurance.
        services.give_hours(project, [mine, theirs, helper], today, 120, "走访", by=by)
        services.give_hours(project, [mine], today, 60, "抢险", dangerous=True, by=by)
        assert given(project) == {mine.id: 180, theirs.id: 120, helper.id: 120}
        assert register.minutes_worked_of([own.id, other.id]) == {own.id: 180, other.id: 120}
        assert register.minutes_of([helper.volunteer_id]) == {helper.volunteer_id: 120}
        assert all(project.number in row.activity for row in register.work_of(own))
        panel = _panel(project, by)
        assert (panel["minutes"], panel["worked"]) == (120, 300)
        with pytest.raises(Refusal, match="24 hours"):
            services.give_hours(project, [mine], today, 1300, "走访", by=by)
        with pytest.raises(Refusal, match="when they were given"):
            services.give_hours(project, [mine], today + timedelta(days=1), 30, "走访", by=by)
        with pytest.raises(Refusal, match="outside"):
            services.give_hours(project, [mine], today - timedelta(days=1), 30, "走访", by=by)
        workforce.withdraw_consent(other, by=SYSTEM)
        with pytest.raises(Refusal) as told:
            services.give_hours(project, [theirs], today, 30, "走访", by=by)
        assert (told.value.rule, bool(told.value.source)) == ("RWF-1", True)
        services.release(mine, today, by=by)
        kept = {part.name: entries for part, entries in holdings(own.person, None)}
        assert kept["team_member"][0].facts["Hours in the project"] == "3.0"
        assert kept["social_worker"][0].facts["Hours in projects"] == "3.0"
        erase_person(own.person, reason="本人申请", user=None, by=SYSTEM)
        # The hours stay as numbers, without what was done.
        assert {row.activity for row in register.work_of(own)} == {""}
        assert given(project)[mine.id] == 180
    assert not [item for item in checks() if item.name.startswith("team") for _ in item.broken()]
    with transaction() as session:
        session.get_one(TeamMember, theirs.id).since = today + timedelta(days=1)
    (broken,) = [item for item in checks() if item.name == "team-work-outside-membership"]
    assert len(list(broken.broken())) == 1


def test_who_leaves_the_team_or_the_register_is_not_in_the_team_and_it_ends_with_the_project(app) -> None:
    today = clock.today()
    with transaction():
        project = road.running()
        stays, leaves, gone = (pick(project, volunteer(serial)) for serial in (1, 2, 3))
        by = world.user("operator")
        services.give_hours(project, [leaves], today, 60, "探访", by=by)
        with pytest.raises(Refusal, match="last on record"):
            services.release(leaves, today - timedelta(days=1), by=by)
        services.release(leaves, today, by=by)
        with pytest.raises(Refusal, match="left the team already"):
            services.release(leaves, today, by=by)
        workforce.withdraw_consent(gone.volunteer, by=SYSTEM)

        def standings() -> list[str]:
            return [item.standing for item in queries.members(project)]

        assert standings() == ["active", "released", "gone"]
        # Picked again, it is a second membership; the first keeps its hours.
        again = pick(project, leaves.volunteer)
        assert given(project) == {leaves.id: 60}
        services.release(again, today, by=by)
        suspend_project(project, by=world.user("clerk"), reason="示例暂停")
        assert standings()[0] == "active"
        for state in ("suspended", "closing", "settled", "archived", "terminated"):
            project.state = state
            with pytest.raises(Refusal):
                pick(project, leaves.volunteer)
            with pytest.raises(Refusal):
                services.give_hours(project, [stays], today, 30, "探访", by=by)
        assert standings()[0] == "ended"
        project.state = "running"


def test_the_person_sees_the_team_in_what_is_kept_and_erasure_takes_the_name(app) -> None:
    with transaction():
        project = road.running()
        member = pick(project, volunteer(1))
        person = member.volunteer.person
        services.give_hours(project, [member], clock.today(), 60, "探访", by=world.user("operator"))
        kept = {part.name: entries for part, entries in holdings(person, None)}
        assert kept["team_member"][0].facts["Task"] == "入户探访"
        assert "team_member" in {part.name for part, _ in holdings(person, world.user("clerk"))}
        assert "team_member" not in {part.name for part, _ in holdings(person, world.user("township_clerk"))}
        erase_person(person, reason="本人申请", user=None, by=SYSTEM)
        assert "team_member" not in {part.name for part, _ in holdings(person, None)}
        assert [item.row.entry.person.name for item in queries.members(project)] == ["***"]
        # The hours stay as numbers.
        assert given(project) == {member.id: 60}


def test_the_pages_pick_note_hours_and_release(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        project = road.running()
        volunteer(1), volunteer(2, consent=False), worker(3, own=True)
        identity = project.id
    browser = browser_as("operator")
    page = browser.get(f"/projects/{identity}")
    assert "从信息库选用" in page.text
    page = page.click(href="/team/candidates", index=0)
    assert "示例志愿者1" in page.text and "示例志愿者2" not in page.text
    assert "1370000" not in page.text
    assert "示例志愿者1" not in browser.get(f"/projects/{identity}/team/candidates?skill=legal").text
    page = page.click(href="/team/volunteers/")
    assert page.forms["form"].submit(expect_errors=True).status_int == 422
    page.forms["form"]["task"] = "入户探访"
    assert "示例志愿者1" in page.forms["form"].submit().follow().text
    page = browser.get(f"/projects/{identity}/team/candidates?kind=workers").click(href="/team/workers/")
    page.forms["form"]["task"] = "个案"
    page = page.forms["form"].submit().follow()
    page = page.click(href="/team/hours")
    form = page.forms["form"]
    form["minutes"], form["activity"] = "75", "探访"
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and page.forms["form"]["minutes"].value == "75"
    page.forms["form"].set("members", True, index=0)
    page = page.forms["form"].submit().follow()
    assert "1.2" in page.text and "探访" in page.text
    page = page.click(href="/release", index=0)
    page = page.forms["form"].submit().follow()
    assert "已退出团队" in page.text
    for login in ("clerk", "supervisor"):
        seen = browser_as(login).get(f"/projects/{identity}/team")
        assert "示例志愿者1" in seen.text and "从信息库选用" not in seen.text
        browser_as(login).get(f"/projects/{identity}/team/candidates", status=403)
    for login in ("operator2", "township_clerk"):
        browser_as(login).get(f"/projects/{identity}/team", status=(403, 404))
    browser_as("operator2").get(f"/projects/{identity}/team/candidates", status=404)
