"""The register's public part: credit lists while they hold, one entry, open data, nothing of a person."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from core import clock
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.credit.models import CreditEntry
from registry.credit.services import record_entry, remove_entry
from tests import world

NAMES = ("示例暖邻社区服务中心", "示例夕阳红为老服务中心", "示例企业甲")


def _list(bare_app) -> dict[str, int]:
    """Three bodies on lists: one public, one on the list of dormant bodies alone, one no social organization."""
    with bare_app.app_context(), transaction():
        for name, kind in zip(NAMES, ("abnormal_list", "zombie_list", "dishonesty_list"), strict=True):
            record_entry(
                world.organization(name), kind, entered_on=clock.today() - timedelta(days=9), grounds=f"{name}的事由",
                source="示罚〔示例〕1号", by=SYSTEM,
            )  # fmt: skip
        return {name: world.organization(name).id for name in NAMES}


def test_who_stands_on_a_public_list_is_shown_until_taken_off(bare_app, browser_as) -> None:
    ids = _list(bare_app)
    nobody = browser_as("")
    page = nobody.get("/public/").click(href="/public/credit$")
    for address in ("/public/credit", "/public/credit?kind=abnormal_list", "/public/credit?kind=nothing"):
        text = nobody.get(address).text
        assert "示例暖邻社区服务中心的事由" in text and "示罚〔示例〕1号" in text
        assert "示例夕阳红为老服务中心" not in text and "示例企业甲" not in text
    assert "示例暖邻" not in nobody.get("/public/credit?kind=dishonesty_list").text
    assert "示例暖邻" in nobody.get("/public/credit", {"q": "暖邻"}).text
    assert "示例暖邻" not in nobody.get("/public/credit", {"q": "夕阳"}).text.split('class="empty"')[-1]
    answer = nobody.get("/public/credit.csv")
    table = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert [row[0] for row in table] == ["组织", "示例暖邻社区服务中心"] and len(table[0]) == len(
        table[1]
    ) == 7
    page = page.click("示例暖邻社区服务中心")
    assert "示例暖邻社区服务中心的事由" in page.text and "合格" in page.text
    with bare_app.app_context(), transaction():
        entry = db.session.query(CreditEntry).filter_by(organization_id=ids[NAMES[0]]).one()
        remove_entry(entry, removed_on=clock.today(), by=SYSTEM)
    assert "示例暖邻" not in nobody.get("/public/credit").text
    assert "的事由" not in nobody.get(f"/public/organizations/{ids[NAMES[0]]}").text
    assert nobody.get("/public/credit.csv").body.decode("utf-8-sig").count("\n") == 1


def test_an_entry_is_looked_up_and_names_nobody(bare_app, browser_as) -> None:
    ids = _list(bare_app)
    with bare_app.app_context():
        body = world.organization()
        code, leader = body.credit_code, body.legal_representative.name
    nobody = browser_as("")
    form = nobody.get("/public/").click(href="/public/organizations$").forms["look-up"]
    form["q"] = "示例暖邻"
    page = form.submit()
    assert "未找到" in page.text and page.forms["look-up"]["q"].value == "示例暖邻"
    page.forms["look-up"]["q"] = code.lower()
    page = page.forms["look-up"].submit().follow()
    assert "示例市民政局" in page.text and code in page.text
    assert leader not in page.text and "13800000000" not in page.text
    # No entry of a list that is not public, and no body that is no registered social organization.
    assert "的事由" not in nobody.get(f"/public/organizations/{ids[NAMES[1]]}").text
    nobody.get(f"/public/organizations/{ids[NAMES[2]]}", status=404)
    nobody.get("/public/organizations/999999", status=404)
