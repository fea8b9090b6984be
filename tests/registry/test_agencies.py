"""The tree of units: the path is a prefix of exactly what lies under a unit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.access.policy import Refusal
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.accounts.services import grant_role
from registry.agencies.models import Agency
from registry.agencies.queries import visible_agencies
from registry.agencies.services import create_agency
from tests import world

# Ids that like to be prefixes of one another, each under an earlier one or none.
trees = st.lists(
    st.tuples(st.integers(1, 1200), st.integers(0, 20)), unique_by=lambda it: it[0], min_size=2, max_size=14
)


def planted(shape):
    nodes = []
    for identity, place in shape:
        parent = [None, *nodes][place % (len(nodes) + 1)]
        path = f"{parent.path if parent else '/'}{identity}/"
        nodes.append(Agency(id=identity, parent=parent, path=path, name=str(identity)))
    return nodes


@settings(deadline=None)
@given(trees)
def test_within_is_being_an_ancestor(shape):
    nodes = planted(shape)
    for first in nodes:
        chain, step = [], first
        while step is not None:
            chain.append(step.id)
            step = step.parent
        assert first.depth == len(chain) - 1
        for second in nodes:
            assert first.is_within(second) == (second.id in chain)


def test_the_subtree_of_1_is_not_that_of_11(app):
    """Ids 1, 10, 11 … share their first digit: reach goes by the whole id."""
    with transaction():
        root = world.agency()
        for number in range(12):
            create_agency(f"示例单位{number}", "other", "150000", by=SYSTEM)
        others = db.session.query(Agency).filter(Agency.name.startswith("示例单位")).all()
        assert any(str(item.id).startswith(str(root.id)) for item in others)
    reach = world.user("clerk").agency_ids("organization.read")
    names = {db.session.get(Agency, identity).name for identity in reach}
    assert names == {"示例市民政局", "示例东旗民政局", "示例街道办事处", "示例西旗民政局"}


def test_an_agency_without_a_path_reaches_nothing_else(app):
    with transaction() as session:
        lost = Agency(name="示例无路径", kind="other", division_code="150600", path="")
        session.add(lost)
        session.flush()
        grant_role(world.user("evaluator"), "funder_clerk", agency=lost, by=SYSTEM)
    assert world.user("evaluator").agency_ids("organization.read") == set()


def test_acting_permissions_stay_at_the_unit(app):
    clerk = world.user("clerk")
    assert clerk.agency_ids("organization.edit") == {world.agency().id}
    assert len(clerk.agency_ids("organization.read")) == 4


def test_a_unit_is_made_under_its_parent(app):
    with transaction():
        made = create_agency(
            "示例新社区", "community", "150602001001", world.agency("示例街道办事处"), "示新社", by=SYSTEM
        )
    assert made.path == f"{world.agency('示例街道办事处').path}{made.id}/"
    seen = db.session.scalars(visible_agencies(world.user("clerk"))).all()
    assert made.id in {item.id for item in seen}
    hidden = db.session.scalars(visible_agencies(world.user("township_clerk"))).all()
    assert world.agency().id not in {item.id for item in hidden}


@pytest.mark.parametrize(
    ("name", "division"),
    [
        ("示例市民政局", "150602"),
        ("", "150602"),
        ("示例越界", "370600"),
        ("示例错码", "150699"),
        ("示例错码", "15060"),
    ],
)
def test_a_unit_with_a_wrong_name_or_division_is_refused(app, name, division):
    with pytest.raises(Refusal), transaction():
        create_agency(name, "other", division, world.agency(), by=SYSTEM)


def test_an_administrator_adds_a_unit_below_only(bare_app, browser_as):
    form = browser_as("admin").get("/agencies/new").forms["agency"]
    form["name"], form["division_code"], form["kind"] = "示例新街道", "150602002", "subdistrict"
    form["parent"].select(text="示例东旗民政局")
    assert "示例新街道" in form.submit().follow().text
    with bare_app.app_context():
        made = world.agency("示例新街道")
        assert made.path == f"{world.agency('示例东旗民政局').path}{made.id}/"
