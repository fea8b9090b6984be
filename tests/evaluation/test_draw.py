"""The draw can be made again by anybody, is fair, and never seats somebody where there is a tie."""

import hashlib
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core.access.policy import Refusal
from core.db import db, transaction
from evaluation.panels import queries, rules, services
from evaluation.panels.models import Panel, Recusal
from tests import world
from tests.evaluation import rounds


def candidates(
    count: int, *, accountants: int = 2, tied: dict[int, set[int]] | None = None
) -> list[rules.Candidate]:
    return [
        rules.Candidate(
            expert=index,
            person=index + 100,
            name=f"专家{index}",
            fields=("finance",) if index <= accountants else ("elderly",),
            conflicts=dict.fromkeys((tied or {}).get(index, set()), "tie"),
        )
        for index in range(1, count + 1)
    ]


@rounds.CALM
@given(seed=st.text("0123456789abcdef", min_size=64, max_size=64), count=st.integers(7, 20))
def test_pool_and_seed_give_the_seats_whatever_the_order_of_the_pool(seed: str, count: int) -> None:
    pool = candidates(count)
    seats = rules.draw(pool, seed, size=5, finance=1, applications=[1])
    again = rules.draw(rules.thawed(rules.frozen(pool[::-1])), seed, size=5, finance=1, applications=[1])
    assert seats == again
    assert len({seat.candidate.person for seat in seats}) == 5
    assert sum("finance" in seat.candidate.fields for seat in seats) >= 1


def test_the_order_is_the_published_digest_computed_apart() -> None:
    pool = candidates(12)
    expected = sorted(range(1, 13), key=lambda key: hashlib.sha256(f"s:{key}".encode()).hexdigest())
    assert [item.expert for item in rules.order(pool, "s")] == expected


@rounds.CALM
@given(
    seed=st.text("0123456789abcdef", min_size=64, max_size=64),
    tied=st.dictionaries(st.integers(1, 9), st.sets(st.integers(1, 3), min_size=1), max_size=9),
)
def test_a_tied_expert_comes_last_and_leaves_three_sheets_each(seed: str, tied: dict[int, set[int]]) -> None:
    pool = candidates(9, tied=tied)
    try:
        seats = rules.draw(pool, seed, size=5, finance=1, applications=[1, 2, 3])
    except rules.TooFew:
        return
    for application in (1, 2, 3):
        assert sum(application not in seat.candidate.conflicts for seat in seats) >= 3
    seated = {seat.candidate.expert for seat in seats}
    free_subjects = [item for item in pool if not item.conflicts and item.expert not in seated]
    tied_subjects = [seat for seat in seats if seat.candidate.conflicts and seat.seat == "subject"]
    assert not (free_subjects and tied_subjects), "a free expert was passed over for a tied one"


def test_every_expert_is_drawn_about_as_often() -> None:
    pool = candidates(10, accountants=10)
    seen = Counter(
        seat.candidate.expert
        for number in range(2000)
        for seat in rules.draw(pool, f"seed {number}", size=5, finance=1, applications=[1])
    )
    assert set(seen) == set(range(1, 11))
    # 1000 expected; six standard deviations of a binomial are 134.
    assert all(abs(count - 1000) < 134 for count in seen.values()), seen


def test_too_few_experts_are_told_apart() -> None:
    with pytest.raises(rules.TooFew, match="finance"):
        rules.draw(candidates(6, accountants=0), "s", size=5, finance=1, applications=[1])
    with pytest.raises(rules.TooFew, match="size"):
        rules.draw(candidates(4), "s", size=5, finance=1, applications=[1])
    tied = {index: {1} for index in range(1, 7)}
    with pytest.raises(rules.TooFew, match="sheets"):
        rules.draw(candidates(6, tied=tied), "s", size=5, finance=1, applications=[1])


def test_the_draw_is_recomputed_from_the_record(app) -> None:
    with transaction():
        panel_id = rounds.drawn(rounds.make_call()).id
    panel = db.session.get(Panel, panel_id)
    assert panel.pool_sha256 == hashlib.sha256(panel.pool.encode()).hexdigest()
    # Computed apart from the engine: order by digest, one for finance first, those without a tie first.
    pool = json.loads(panel.pool)
    lots = sorted(pool, key=lambda row: hashlib.sha256(f"{panel.seed}:{row['expert']}".encode()).hexdigest())
    able = [row for row in lots if not row["conflicts"] and not row["barred"]]
    first = next(row for row in able if "finance" in row["fields"])
    expected = [first, *[row for row in able if row is not first][:4]]
    assert [member.expert_id for member in panel.members] == [row["expert"] for row in expected]
    assert queries.drawn_again(panel)[0] is True
    panel.members[0].expert_id, panel.members[1].expert_id = (
        panel.members[1].expert_id,
        panel.members[0].expert_id,
    )
    with db.session.no_autoflush:
        assert queries.drawn_again(panel)[0] is False
    db.session.rollback()


def test_an_expert_tied_to_an_applicant_is_left_out(app) -> None:
    with transaction():
        panel = rounds.drawn(rounds.make_call())
        tied = world.user("expert1").person_id
        assert tied not in {member.person_id for member in panel.members}
        row = next(item for item in rules.thawed(panel.pool) if item.person == tied)
        assert list(row.conflicts.values()) == ["employed by the applicant within three years"]


def test_a_tied_expert_that_is_needed_never_scores_that_applicant(app) -> None:
    with transaction():
        call = rounds.make_call()
        # Eight experts, seven seats, two of them gone: expert1 must sit.
        world_experts = queries.expert_pool(call.agency_id)
        for item in world_experts:
            if item.person_id in (world.user("expert2").person_id,):
                item.active = False
        panel = rounds.scoring(call, size=7)
        tied = world.user("expert1").person_id
        assert tied in {member.person_id for member in panel.members}
        recusals = db.session.scalars(select(Recusal).where(Recusal.panel_id == panel.id)).all()
        own = world.organization().id
        assert [(row.person_id, row.reason) for row in recusals] == [
            (tied, "employed by the applicant within three years")
        ]
        scored = [sheet for sheet in rounds.sheets(panel) if sheet.person_id == tied]
        assert len(scored) == 2 and own not in {sheet.application.organization_id for sheet in scored}


@pytest.mark.parametrize(
    "tie", ["employer_name", "employer_row", "role", "head", "funder_row", "funder_role"]
)
def test_each_kind_of_tie_is_found(app, tie: str) -> None:
    with transaction():
        call = rounds.make_call()
        expert = next(
            item
            for item in queries.expert_pool(call.agency_id)
            if item.person_id == world.user("expert3").person_id
        )
        body = world.organization()
        user = world.user("expert3")
        if tie == "employer_name":
            expert.employer = body.name
        elif tie == "employer_row":
            expert.employer_organization_id = body.id
        elif tie == "head":
            body.legal_representative_id = expert.person_id
        elif tie == "funder_row":
            expert.employed_by_agency_id = call.agency_id
        else:
            held = {"organization_id": body.id} if tie == "role" else {"agency_id": call.agency_id}
            role = "so_operator" if tie == "role" else "finance_clerk"
            db.session.add(
                world.RoleAssignment(user_id=user.id, role=role, valid_from=user.roles[0].valid_from, **held)
            )
        db.session.flush()
        db.session.expire_all()
        found = {item.person: item for item in queries.candidates(call, queries.applicants(call.id))}[
            user.person_id
        ]
        if tie.startswith("funder"):
            assert found.barred == "works for the funder"
        else:
            assert len(found.conflicts) == 1 and not found.barred


@pytest.mark.parametrize(("size", "finance"), [(4, 1), (1, 1), (5, 0), (5, 5)])
def test_an_unlawful_panel_is_not_planned(app, size: int, finance: int) -> None:
    with transaction(), pytest.raises(Refusal):
        services.plan_panel(rounds.make_call(), size=size, finance_experts=finance, by=world.user("clerk"))


def test_no_draw_while_eligibility_is_open(app) -> None:
    with transaction():
        call = rounds.make_call()
        queries.applicants(call.id)[0].state = "submitted"
        db.session.flush()
        with pytest.raises(Refusal, match="not confirmed"):
            rounds.drawn(call)


def test_whoever_drew_does_not_witness(app) -> None:
    with transaction():
        panel = rounds.drawn(rounds.make_call())
        organizer = world.user("organizer")
        db.session.add(
            world.RoleAssignment(
                user_id=organizer.id,
                role="supervisor",
                agency_id=panel.agency_id,
                valid_from=organizer.roles[0].valid_from,
            )
        )
        db.session.flush()
        db.session.refresh(organizer)
        with pytest.raises(Refusal, match="cannot witness"):
            services.witness(panel, by=organizer)
        assert panel.state == "drawn" and not rounds.sheets(panel)


def test_who_steps_back_is_replaced_when_fewer_than_three_are_left(app) -> None:
    with transaction():
        call = rounds.make_call()
        panel = rounds.scoring(call, size=3)
        application = queries.applicants(call.id)[1]
        member = panel.members[0]
        services.declare_interest(panel, application, reason="曾任顾问", by=rounds.user_of(member.person_id))
        scorers = [row.person_id for row in rounds.sheets(panel) if row.application_id == application.id]
        assert member.person_id not in scorers and len(scorers) == 3
        heir = panel.members[-1]
        assert heir.seat == "substitute" and heir.person_id in scorers
        assert len([row for row in rounds.sheets(panel) if row.person_id == heir.person_id]) == 1
        assert queries.drawn_again(panel)[0], "the record of the draw holds without the substitute"


def test_the_road_of_a_draw_over_http(bare_app, browser_as) -> None:
    with bare_app.app_context(), transaction():
        call_id = rounds.make_call().id
    clerk = browser_as("clerk")
    page = clerk.get(f"/panels/new?call={call_id}")
    page.forms["panel"]["size"] = "4"
    page = page.forms["panel"].submit(expect_errors=True)
    assert page.status_code == 422 and page.forms["panel"]["size"].value == "4"
    page.forms["panel"]["size"] = "5"
    page = page.forms["panel"].submit().follow()
    address = page.request.path
    assert "draw" not in page.forms, "the clerk does not draw"
    organizer = browser_as("organizer")
    page = organizer.get(address).forms["draw"].submit().follow()
    assert "witness" not in page.forms
    with bare_app.app_context():
        panel = db.session.scalars(select(Panel)).one()
        seed, digest = panel.seed, panel.pool_sha256
    assert seed in page.text and digest in page.text
    supervisor = browser_as("supervisor")
    page = supervisor.get(address)
    page = page.click(href=f"{address}/check")
    assert "notice--ok" in page.text
    page.forms["witness"].submit().follow()
    with bare_app.app_context():
        assert db.session.scalars(select(Panel)).one().state == "scoring"
    assert browser_as("banner_clerk").get(address, expect_errors=True).status_code == 404
    assert browser_as("operator").get(address, expect_errors=True).status_code == 403
    assert browser_as("expert1").get(address, expect_errors=True).status_code == 403
