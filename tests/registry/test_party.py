"""Party building: the rules, the facts that eligibility reads, the gaps, the checklists and who may do what."""

from __future__ import annotations

import io
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError
from webtest import Upload

from core import clock
from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from core.rules.rules import Verdict
from registry.organizations.models import PartyFacts
from registry.party import queries, services
from registry.party.models import ROUTES, STEPS, PartyMember, PartyPost, PartyWorker
from registry.party.reports import ACTIVITIES, ORGANIZATIONS
from registry.party.rules import PartyState, party_findings
from registry.party_orgs import queries as orgs
from registry.party_orgs.models import CHECKS, PartyCover, PartyOrg
from registry.party_orgs.rules import check_met, good_share
from registry.party_orgs.services import cover, end_org, found_org, record_check, uncover
from registry.persons.services import record_person
from tests import world

SECOND = "示例夕阳红为老服务中心"


def verdicts(**facts):
    return {item.rule: item.verdict for item in party_findings(PartyState(**facts))}


@settings(max_examples=60)
@given(
    st.integers(0, 9),
    st.sampled_from(("none", "sole", "joint", "functional")),
    st.booleans(),
)
def test_three_full_members_form_a_party_organization(members, kind, instructor):
    """S2-04 and S0-17, told case by case."""
    found = verdicts(full_members=members, org_kind=kind, has_instructor=instructor)["P1"]
    if members >= 3:
        told = {"sole": Verdict.PASS, "none": Verdict.FAIL}.get(kind, Verdict.MANUAL)
    else:
        told = Verdict.PASS if kind != "none" or instructor else Verdict.FAIL
    assert found is told


@pytest.mark.parametrize(
    ("facts", "rule", "verdict"),
    [
        ({"charter": (True, True, True)}, "P2", Verdict.PASS),
        ({"charter": (True, True, False)}, "P2", Verdict.FAIL),
        ({"steps": frozenset(STEPS["five"])}, "P3", Verdict.PASS),
        ({"steps": frozenset(list(STEPS["five"])[:4])}, "P3", Verdict.FAIL),
        ({"route": "comprehensive", "responsible": True}, "P4", Verdict.PASS),
        ({"route": "comprehensive"}, "P4", Verdict.FAIL),
        ({"occasions": {"registration": 1}}, "P5", Verdict.PASS),
        ({"occasions": {"registration": 1}, "inspected_year": 2025}, "P5", Verdict.FAIL),
        ({"occasions": {"registration": 1, "annual_report": 2024}, "inspected_year": 2025}, "P5", Verdict.FAIL),
        ({"occasions": {"registration": 1, "annual_report": 2025}, "inspected_year": 2025}, "P5", Verdict.PASS),
        ({"occasions": {"registration": 1}, "assessed": True}, "P5", Verdict.FAIL),
    ],
)  # fmt: skip
def test_each_rule_names_its_source(facts, rule, verdict):
    found = {item.rule: item for item in party_findings(PartyState(**facts))}
    assert found[rule].verdict is verdict
    assert all(item.source for item in found.values())


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_share_is_strictly_more_than_eighty_percent(good, more):
    finding = good_share(good, good + more, on=clock.today())
    if good + more == 0:
        assert finding.verdict is Verdict.NOT_APPLICABLE
    else:
        assert (finding.verdict is Verdict.PASS) == (Fraction(good, good + more) * 5 > 4)
        # Not rounded up to the threshold.
        assert finding.verdict is Verdict.PASS or "80.01" not in finding.numbers.english()


def test_a_checklist_is_met_only_with_every_item():
    for scheme, full in (("eight", 1), ("six", 2)):
        marks = dict.fromkeys(CHECKS[scheme], full)
        assert check_met(scheme, marks)
        for item in CHECKS[scheme]:
            assert not check_met(scheme, {**marks, item: full - 1})
            assert not check_met(scheme, {key: value for key, value in marks.items() if key != item})


def _facts(name="示例暖邻社区服务中心"):
    db.session.expire_all()
    return db.session.scalar(
        select(PartyFacts).where(PartyFacts.organization_id == world.organization(name).id)
    )


def _branch(kind="joint", days=50):
    return found_org(
        world.agency(), name=f"示例{kind}支部", kind=kind, form="branch", superior="示例综合党委",
        founded_on=clock.today() - timedelta(days=days), by=world.user("party"),
    )  # fmt: skip


def test_what_eligibility_reads_follows_the_rows(app):
    today, party = clock.today(), world.user("party")
    with transaction():
        organization = world.organization()
        services.record_survey(organization, surveyed_on=today, employees=9, full_members=5, by=party)
        # An older survey that comes in late does not count.
        services.record_survey(
            organization, surveyed_on=today - timedelta(days=9), employees=9, full_members=1, by=party
        )
        services.set_charter(
            organization, leadership=True, values=True, community=False, charter_on=today, by=party
        )
        services.record_step(organization, "five", "commitment", done_on=today, officer="示例", by=party)
        worker = services.add_worker(
            world.agency(), record_person("示例指导员", phone="13500000000", by=party), source="veteran_cadre",
            since=today, by=party,
        )  # fmt: skip
        post = services.give_post(organization, worker, "instructor", since=today, by=party)
        second = services.give_post(world.organization(SECOND), worker, "liaison", since=today, by=party)
        row = _branch()
        cover(row, organization, since=today, by=party)
        posts, covered = (post.id, second.id), row.id
    facts = _facts()
    assert (facts.full_members, facts.party_in_charter, facts.commitment_on) == (5, False, today)
    assert facts.party_org_kind == "joint" and facts.instructor_id is not None
    assert _facts(SECOND).instructor_id == facts.instructor_id
    assert queries.five_steps_done(world.organization().id) == 1
    with transaction():
        services.end_post(db.session.get_one(PartyPost, posts[0]), by=party)
        end_org(db.session.get_one(PartyOrg, covered), reason="合并", by=party)
        services.set_charter(
            world.organization(), leadership=True, values=True, community=True, charter_on=today, by=party
        )
    facts = _facts()
    assert (facts.party_org_kind, facts.instructor_id, facts.party_in_charter) == ("none", None, True)
    with transaction():
        services.end_worker(db.session.scalars(select(PartyWorker)).one(), by=party)
    assert _facts(SECOND).instructor_id is None
    assert app.test_cli_runner().invoke(args=["registry", "check"]).exit_code == 0


def test_the_proof_names_facts_that_differ_from_their_rows(bare_app):
    with bare_app.app_context():
        with transaction():
            organization = world.organization()
            services.record_survey(
                organization, surveyed_on=clock.today(), employees=9, full_members=5, by=world.user("party")
            )
            cover(_branch("sole"), organization, since=clock.today(), by=SYSTEM)
        with transaction() as session:
            facts = session.scalars(
                select(PartyFacts).where(PartyFacts.organization_id == world.organization().id)
            ).one()
            facts.full_members, facts.party_org_kind = 2, "none"
            session.scalars(select(PartyOrg)).one().until = clock.today()
    told = bare_app.test_cli_runner().invoke(args=["registry", "check"]).output
    for name in ("party-members", "party-kind", "party-ended"):
        assert f"{name}: " in told


@pytest.mark.parametrize(
    "act",
    [
        lambda it, by: services.set_route(it, "territory", since=clock.today(), by=by),
        lambda it, by: services.set_route(
            it,
            "territory",
            responsible=world.agency(),
            responsible_name="另一单位",
            since=clock.today(),
            by=by,
        ),
        lambda it, by: services.set_charter(
            it, leadership=True, values=False, community=False, charter_on=None, by=by
        ),
        lambda it, by: services.record_step(
            it, "five", "plan", done_on=clock.today() + timedelta(days=1), officer="示例", by=by
        ),
        lambda it, by: services.record_step(
            it, "three", "annual_report", done_on=clock.today(), officer="示例", by=by
        ),
        lambda it, by: services.record_survey(
            it, surveyed_on=clock.today(), employees=3, full_members=1, relation_elsewhere=2, by=by
        ),
        lambda it, by: services.record_activity(
            it, kind="study", title="学习", held_on=clock.today(), attended=0, by=by
        ),
        lambda it, by: cover(_branch(days=3), it, since=clock.today() - timedelta(days=9), by=by),
        lambda it, by: record_check(_branch(), "six", assessed_on=clock.today(), marks={"self": 2}, by=by),
    ],
)
def test_impossible_facts_are_refused(app, act):
    with pytest.raises(Refusal), transaction():
        act(world.organization(), world.user("party"))


def test_one_party_organization_at_a_time_and_a_sole_one_covers_one(app):
    today, party = clock.today(), world.user("party")
    with transaction():
        sole = _branch("sole")
        made = cover(sole, world.organization(), since=today, by=party)
        identity, row = made.id, sole.id
    with pytest.raises(Refusal, match="sole"), transaction():
        cover(db.session.get_one(PartyOrg, row), world.organization(SECOND), since=today, by=party)
    with pytest.raises(Refusal, match="already"), transaction():
        cover(_branch(), world.organization(), since=today, by=party)
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(PartyCover(party_org_id=row, organization_id=world.organization().id, since=today))
    with transaction():
        uncover(db.session.get_one(PartyCover, identity), by=party)
        cover(db.session.get_one(PartyOrg, row), world.organization(SECOND), since=today, by=party)


def test_the_latest_checklists_up_to_a_day_decide(app):
    today, party = clock.today(), world.user("party")
    full = {scheme: dict.fromkeys(CHECKS[scheme], mark) for scheme, mark in (("eight", 1), ("six", 2))}
    with transaction():
        row = _branch(days=50)
        record_check(row, "eight", assessed_on=today - timedelta(days=40), marks=full["eight"], by=party)
        record_check(row, "six", assessed_on=today - timedelta(days=30), marks=full["six"], by=party)
        record_check(
            row, "six", assessed_on=today - timedelta(days=10), marks={**full["six"], "culture": 1}, by=party
        )

    def told(days):
        found = orgs.org_figures(world.user("party"), today - timedelta(days=days))
        return found["alive"], found["good"], found["not_good"]

    assert told(60) == (0, 0, 0)
    assert told(45) == (1, 0, 1)
    assert told(35) == (1, 0, 1)
    assert told(20) == (1, 1, 0)
    assert told(0) == (1, 0, 1)
    assert orgs.org_figures(world.user("banner_clerk"), today)["alive"] == 0


def test_a_figure_and_its_list_are_one(bare_app, browser_as):
    """Each figure of the page opens to as many rows as it says, and the gap comes to the worklist."""
    with bare_app.app_context(), transaction() as session:
        first = world.organization()
        services.record_survey(
            first, surveyed_on=clock.today(), employees=9, full_members=4, by=world.user("party")
        )
        facts = session.scalars(select(PartyFacts).where(PartyFacts.organization_id == first.id)).one()
        facts.party_org_kind = "none"
        session.scalars(
            select(PartyFacts).where(PartyFacts.organization_id == world.organization(SECOND).id)
        ).one().full_members = 0
    browser = browser_as("party")
    page = browser.get("/party/")
    with bare_app.app_context():
        counts = queries.figures(world.user("party")).total
    assert counts["should_form"] == 1
    for name, (word, _condition) in queries.VIEWS.items():
        rows = browser.get(f"/party/organizations?view={name}").html.select("tbody th a")
        assert len(rows) == counts[name], word
    assert "应建未建" in browser.get("/home").text
    book = browser.get("/party/table.xlsx")
    assert book.body[:2] == b"PK"
    assert "示例市民政局" in page.text
    assert "示例暖邻社区服务中心" not in browser_as("township_clerk").get("/party/organizations").text
    browser_as("operator").get("/party/", status=403)


def test_the_figures_of_a_large_register_are_counted_when_asked_for(bare_app, browser_as, monkeypatch):
    with bare_app.app_context(), transaction():
        row = world.organization()
        _branch(days=50)
        services.set_route(
            row, next(iter(ROUTES)), responsible=world.agency("示例东旗民政局"), since=clock.today(),
            by=world.user("party"),
        )  # fmt: skip
    with bare_app.app_context():
        # Counted in few or in all: the same, also for the unit whose duty another unit's organization is.
        for login, number in (("party", 3), ("banner_clerk", 1), ("township_clerk", 0)):
            user = world.user(login)
            few, whole = queries.figures(user), queries.figures(user, whole=True)
            assert few == whole
            assert few.total["all"] == sum(few.routes.values()) == number
    monkeypatch.setattr(queries, "COUNTED", 1)
    monkeypatch.setattr(orgs, "COUNTED", 0)
    with bare_app.app_context():
        assert queries.figures(world.user("party")) is None
        assert queries.figures(world.user("banner_clerk")).total["all"] == 1
    browser = browser_as("party")
    assert browser.get("/party-organizations/").status_int == 200
    page = browser.get("/party/")
    headline = [link.text for link in page.html.select(".headline a")]
    assert headline == ["1+", "未统计", "1+", "未统计"]
    # A figure that is not counted opens to its rows all the same.
    links = page.html.select("#gaps a")
    assert len(links) == len(queries.GAPS)
    for link in links:
        assert browser.get(link["href"]).status_int == 200
    asked = page.click("现在统计")
    assert asked.html.select(".headline a")[0].text == "3"
    assert asked.html.select("#units tbody tr")
    # The figures of another day are counted then too.
    assert asked.forms["as-of"].submit().html.select(".headline a")[0].text == "3"
    assert browser.get("/party/table.xlsx").body[:2] == b"PK"


def test_the_file_is_kept_on_the_pages(bare_app, browser_as):
    with bare_app.app_context():
        identity, other = world.organization().id, world.organization(SECOND).id
    browser, base = browser_as("party"), f"/party/of/{identity}"
    form = browser.get(f"{base}/route").forms["record"]
    form["route"], form["responsible_name"] = "comprehensive", ""
    page = form.submit(expect_errors=True)
    assert page.status_int == 422 and "责任单位" in page.text
    page.forms["record"]["responsible_name"] = "示例综合党委"
    assert "示例综合党委" in page.forms["record"].submit().follow().text
    for step in STEPS["five"]:
        form = browser.get(f"{base}/steps/five/{step}").forms["record"]
        form["officer"] = "示例白露"
        form.submit().follow()
    browser.get(f"{base}/steps/five/nonsense", status=404)
    form = browser.get(f"{base}/charter").forms["record"]
    form["leadership"] = form["values"] = form["community"] = True
    assert form.submit(expect_errors=True).status_int == 422
    form["charter_on"] = clock.today().isoformat()
    assert "三项内容均已写入章程" in form.submit().follow().text
    form = browser.get(f"{base}/members/new").forms["record"]
    form["name"], form["phone"], form["home_unit"] = "示例党员", "13600000000", "示例社区支部"
    page = form.submit().follow()
    assert "示例社区支部" in page.text
    leave = next(item for name, item in page.forms.items() if str(name).startswith("member-"))
    assert "今日离开" not in leave.submit().follow().html.select_one("#members").text
    form = browser.get("/party/workers/new").forms["worker"]
    form["name"], form["phone"], form["source"] = "示例指导员", "13500000000", "grid"
    form.submit().follow()
    form = browser.get(f"{base}/instructors/new").forms["record"]
    assert "示例指导员" in form.submit().follow().text
    form = browser.get(base).click(href="/party-organizations/new").forms["found"]
    form["name"], form["superior"], form["founded_on"] = "示例支部", "示例综合党委", clock.today().isoformat()
    page = form.submit().follow()
    address = page.request.path
    form = browser.get(f"{address}/checks/eight/new").forms["check"]
    page = form.submit(expect_errors=True)
    assert page.status_int == 422
    form = page.forms["check"]
    for item in CHECKS["eight"]:
        form[f"mark_{item}"] = "1"
    assert "全部达标" in form.submit().follow().text
    # The organization itself reports members and activities, with a photo, and nothing else.
    own = browser_as("operator")
    form = own.get(f"{base}/activities/new").forms["record"]
    form["title"], form["attended"] = "主题党日", "7"
    form["files"] = [Upload("photo.png", _png(), "image/png")]
    page = form.submit().follow()
    assert own.get(page.html.select_one("li.doc a")["href"]).content_type == "image/png"
    form = own.get(f"{base}/surveys/new").forms["record"]
    form["employees"], form["full_members"] = "9", "3"
    assert "党员情况" in form.submit().follow().text
    own.get(f"{base}/route", status=403)
    own.get(f"/party/of/{other}", status=404)
    own.get(f"/party/of/{other}/activities/new", status=404)
    browser_as("banner_clerk").get(f"{base}/route", status=404)


def _png():
    stream = io.BytesIO()
    stream.write(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
            "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
        )
    )
    return stream.getvalue()


def plans(statements: list[tuple[str, object]]) -> str:
    """How the database would run these statements, with tables so large that reading one whole never pays."""
    postgresql = db.engine.dialect.name == "postgresql"
    connection = db.session.connection()
    if postgresql:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    found = []
    for statement, values in statements:
        explain = f"{'EXPLAIN' if postgresql else 'EXPLAIN QUERY PLAN'} {statement}"
        found += [" ".join(map(str, row)) for row in connection.exec_driver_sql(explain, values)]
    return "\n".join(found)


@pytest.mark.parametrize("what", ["gaps", "list", "figures", "activities"])
def test_a_small_unit_is_served_by_indexes(app, what):
    """The entries a unit keeps and those it is charged with are each led by an index, never read whole."""
    with app.app_context():
        user = world.user("township_clerk")
        seen: list[tuple[str, object]] = []

        def note(_connection, _cursor, statement, values, *_rest) -> None:
            if "FROM organization" in statement or "FROM party_" in statement:
                seen.append((statement, values))

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            if what == "gaps":
                queries.gap_counts(user, queries.GAPS)
            elif what == "figures":
                assert queries.figures(user) is not None
            else:
                query = ORGANIZATIONS.rows(user, {}) if what == "list" else ACTIVITIES.rows(user, {})
                db.session.scalars(query.limit(50)).all()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        assert seen
        told = plans(seen)
        assert "ix_organization_agency_id_" in told and "ix_party_file_responsible_agency_id" in told
        if db.engine.dialect.name == "postgresql":
            assert "Seq Scan" not in told
        else:
            # Subqueries are read whole, tables are not.
            whole = [
                line for line in told.splitlines() if " SCAN organization" in line or " SCAN party_" in line
            ]
            assert not [line for line in whole if "USING" not in line], told


def test_the_list_and_the_gaps_hold_what_is_kept_and_what_is_a_duty(app, monkeypatch):
    """Small and large scopes give the same rows: the one by the indexes, the other by one condition."""
    with app.app_context():
        user = world.user("clerk")

        def answer() -> tuple[set[int], set[int]]:
            return tuple(
                {row.id for row in db.session.scalars(listing.rows(user, {}))}
                for listing in (ORGANIZATIONS, ACTIVITIES)
            )  # type: ignore[return-value]

        few = answer()
        assert few[0] == {row.id for row in db.session.scalars(queries.visible_organizations(user))}
        gaps = queries.gap_counts(user, queries.GAPS)
        assert gaps == {
            name: len(
                db.session.scalars(queries.visible_organizations(user).where(queries.VIEWS[name][1])).all()
            )
            for name in queries.GAPS
        }
        monkeypatch.setattr(queries, "COUNTED", 0)
        assert answer() == few


def test_what_ended_some_days_ago_is_ended_on_that_day(bare_app, browser_as):
    """Nobody types a member's leaving on the day itself; a day before the beginning or to come is refused."""
    today = clock.today()
    with bare_app.app_context(), transaction():
        organization, party = world.organization(), world.user("party")
        member = services.add_member(
            organization, record_person("示例离开党员", phone="13500000001", by=party), kind="full",
            since=today - timedelta(days=30), by=party,
        )  # fmt: skip
        number, of = member.id, organization.id
    form = browser_as("party").get(f"/party/of/{of}").forms[f"member-{number}"]
    for wrong in (today - timedelta(days=31), today + timedelta(days=1)):
        form["on"] = wrong.isoformat()
        assert form.submit(expect_errors=True).status_int in (409, 422)
    form["on"] = "2026年"
    assert form.submit(expect_errors=True).status_int in (400, 409, 422)
    form = browser_as("party").get(f"/party/of/{of}").forms[f"member-{number}"]
    form["on"] = (today - timedelta(days=3)).isoformat()
    form.submit()
    with bare_app.app_context():
        assert db.session.get_one(PartyMember, number).until == today - timedelta(days=3)


def test_what_happened_names_the_step(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        today, party, organization = clock.today(), world.user("party"), world.organization()
        number = organization.id
        services.record_step(organization, "five", "commitment", done_on=today, officer="示例", by=party)
    for path, login in ((f"/organizations/{number}", "clerk"), (f"/trail/organization/{number}", "auditor")):
        page = browser_as(login).get(path).text
        assert "签订党建工作承诺书" in page, path
        assert "commitment</" not in page
