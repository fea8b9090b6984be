"""What a form offers while an organization is typed: the reader's own register, ten at most, and no more."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from core.db import db, transaction
from registry.directory.rules import OFFERED
from registry.keys.jobs import follow_up
from registry.organizations.models import Organization
from tests import world
from tests.registry.test_keys import fill

WARM = "示例暖邻社区服务中心"


def offered(browser, words, **asked):
    more = "".join(f"&{name}={value}" for name, value in asked.items())
    answer = browser.get(f"/organizations/suggest?q={quote(words)}{more}")
    assert "<html" not in answer.text
    found = re.findall(r'<option value="([^"]*)" label="([^"]*)"></option>', answer.text)
    return {html.unescape(value): html.unescape(label) for value, label in found}


@pytest.mark.parametrize("way", ["name", "initials", "code"])
def test_an_organization_is_offered_by_name_initials_or_part_of_its_code(bare_app, browser_as, way):
    with bare_app.app_context():
        code = world.organization(WARM).credit_code
    clerk = browser_as("clerk")
    words = {"name": "暖邻", "initials": "nlsq", "code": code[2:10].lower()}[way]
    found = offered(clerk, words)
    assert WARM in found
    # Browsers offer only what holds the signs that were typed.
    assert words in found[WARM] or words.upper() in found[WARM]
    assert list(offered(clerk, words, written="code")).count(code) == 1
    assert offered(clerk, "没有这样的") == offered(clerk, " ") == {}


def test_no_more_than_ten_are_offered_and_two_of_one_name_by_their_codes(bare_app, browser_as):
    with bare_app.app_context():
        fill(60)
        with transaction() as session:
            for row in session.scalars(select(Organization).order_by(Organization.id.desc()).limit(2)):
                row.name = "示例同名同名协会"
        follow_up()
        twins = set(
            db.session.scalars(
                select(Organization.credit_code).where(Organization.name == "示例同名同名协会")
            )
        )
    clerk = browser_as("clerk")
    assert len(offered(clerk, "示")) == OFFERED == 10
    assert set(offered(clerk, "同名同名")) == twins - {None}


def test_a_clerk_is_offered_what_lies_under_the_own_unit_and_nothing_else(bare_app, browser_as):
    with bare_app.app_context():
        with transaction():
            world.organization("示例童伴儿童关爱协会").agency_id = world.agency("示例街道办事处").id
        follow_up()
    for login in ("clerk", "township_clerk", "banner_clerk"):
        found = offered(browser_as(login), "示例")
        assert "示例童伴儿童关爱协会" in found
        assert (WARM in found) == (login == "clerk")
    # What the list shows is what is offered, to whoever reads the list.
    listed = browser_as("township_clerk").get(f"/organizations/?q={quote('示例')}").text
    assert "示例童伴儿童关爱协会" in listed
    assert WARM not in listed
    # Who reads no register is offered nothing, and the forms do not ask.
    operator = browser_as("operator")
    operator.get("/organizations/suggest?q=x", status=403)
    assert "hx-get" not in operator.get("/disbursements/accounts/new").text


@pytest.mark.parametrize(
    ("login", "path", "box"),
    [
        ("clerk", "/organizations/new", "host"),
        ("finance", "/disbursements/accounts/new", "organization"),
    ],
)
def test_the_box_asks_for_what_fits_and_names_its_own_list(browser_as, login, path, box):
    page = browser_as(login).get(path)
    field = page.html.find("input", attrs={"name": box})
    offers = page.html.find("datalist", id=field["list"])
    assert offers is not None
    assert not offers.find_all("option")
    assert field["hx-target"] == f"#{offers['id']}"
    asked = browser_as(login).get(f"{field['hx-get']}&{box}={quote('暖邻')}")
    assert WARM in asked.text
