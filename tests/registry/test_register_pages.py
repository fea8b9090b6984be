"""The pages around an entry: what is typed arrives, what is wrong is said, who may not does not see."""

from __future__ import annotations

import io

import openpyxl
import pytest

from core import clock
from core.db import db
from registry.governance.models import Post
from registry.interests.queries import conflict
from registry.organizations.models import Organization
from registry.particulars.models import FundraisingFiling, Qualification, StaffCount
from registry.updates.models import UpdateRequest
from tests import world

NAME = "示例暖邻社区服务中心"


@pytest.fixture
def number(bare_app):
    with bare_app.app_context():
        return world.organization().id


def send(browser, path, form="record", status=303, **values):
    page = browser.get(path)
    for name, value in values.items():
        page.forms[form][name] = value
    answer = page.forms[form].submit(expect_errors=True)
    assert answer.status_int == status, answer.text[:3000]
    return answer


def test_the_particulars_are_written_and_shown(bare_app, browser_as, number):
    clerk, root = browser_as("clerk"), f"/organizations/{number}/particulars"
    send(clerk, f"{root}/profile", capital="30,000", certificate_from="2024-01-01", certificate_to="2028-12-31",
         supervising_unit="示例市教育局", detachment="done", detached_on="2019-06-30", former_unit="示例局")  # fmt: skip
    send(clerk, f"{root}/tag", tag="hub", since="2024-03-01", document="示民发〔2024〕3号")
    send(
        clerk,
        f"{root}/qualification",
        kind="public_fundraising",
        valid_from="2025-01-01",
        valid_to="2027-12-31",
    )
    with bare_app.app_context():
        code = world.organization().credit_code
    wrong = send(clerk, f"{root}/filing", status=422, number=f"{code}26001", title="方案", starts_on="2026-01-01", ends_on="2026-06-30")  # fmt: skip
    assert "A" in wrong.text
    assert wrong.forms["record"]["title"].value == "方案"
    send(
        clerk,
        f"{root}/filing",
        number=f"{code}A26001",
        title="方案",
        starts_on="2026-01-01",
        ends_on="2026-06-30",
    )
    send(clerk, f"{root}/fund", name="示例东风社区慈善基金", division_code="150602001001", purpose="互助")
    send(clerk, f"{root}/honour", kind="brand", title="示例品牌", level="city", given_by="示例市民政局", given_on="2025-05-01")  # fmt: skip
    send(
        clerk,
        f"{root}/staff",
        full_time="6",
        part_time="2",
        social_workers="3",
        volunteers="40",
        new_jobs="1",
    )
    send(clerk, f"{root}/department", role="party", unit_name="示例市委社会工作部")
    page = clerk.get(f"{root}/")
    for text in ("30,000.00", "枢纽型社会组织", "公开募捐资格", f"{code}A26001", "示例东风社区慈善基金", "示例品牌", "示例市委社会工作部", "已脱钩"):  # fmt: skip
        assert text in page.text, text
    with bare_app.app_context():
        assert db.session.query(StaffCount).one().social_workers == 3
        assert db.session.query(Qualification).one().kind == "public_fundraising"
        assert db.session.query(FundraisingFiling).count() == 1
    changes = clerk.get(f"{root}/changes").text
    assert "注册资金" in changes
    assert "示例陈静" in changes
    # Who belongs to the organization reads it and changes nothing.
    own = browser_as("so_leader").get(f"{root}/")
    assert "变更" in own.text
    assert "/profile" not in own.text
    browser_as("so_leader2").get(f"{root}/", status=404)
    browser_as("township_clerk").get(f"{root}/", status=404)


def test_a_leader_noted_is_an_interest_and_an_official_needs_an_approval(bare_app, browser_as, number):
    clerk, root = browser_as("clerk"), f"/organizations/{number}/leaders"
    send(clerk, f"{root}/term", body="council", number="1", starts_on="2024-01-01", ends_on="2028-12-31")
    refused = send(clerk, f"{root}/post", status=422, name="示例会长", phone="13600000009", post="chair",
                   since="2024-01-01", official="retired")  # fmt: skip
    assert "审批文号" in refused.text
    assert refused.forms["record"]["name"].value == "示例会长"
    send(clerk, f"{root}/post", name="示例会长", phone="13600000009", post="chair", since="2024-01-01",
         official="retired", approval_document="示组〔2023〕9号", approved_on="2023-12-01", birth_year="1950")  # fmt: skip
    page = clerk.get(f"{root}/")
    assert "超过 70 周岁：示例会长" in page.text
    assert "未经候选人审核即当选：示例会长" in page.text
    with bare_app.app_context():
        post = db.session.query(Post).one()
        assert conflict(post.person_id, number, on=clock.today()) is not None
    send(clerk, f"{root}/check", name="示例会长", phone="13600000009", post="chair", answers=[
        "age_in_limit", "terms_in_limit", "no_criminal_record", "no_dishonesty", "no_other_body", "political_review",
        "official_approved",
    ])  # fmt: skip
    assert "未经候选人审核即当选" not in clerk.get(f"{root}/").text
    with bare_app.app_context():
        post_id = db.session.query(Post).one().id
    send(clerk, f"{root}/post/{post_id}/end")
    assert browser_as("so_leader").get(f"{root}/").status_int == 200


def test_an_organization_reports_its_leader_sends_and_the_department_accepts(bare_app, browser_as, number):
    operator, leader, reviewer = browser_as("operator"), browser_as("so_leader"), browser_as("reviewer")
    page = operator.get(f"/organizations/{number}/report")
    page.forms["update"]["business_scope"] = "社区服务、养老服务"
    page.forms["update"]["full_time"] = "9"
    shown = page.forms["update"].submit("step", value="keep").follow()
    assert "报送主管部门" not in shown.text
    with bare_app.app_context():
        request = db.session.query(UpdateRequest).one()
        assert (request.state, set(request.proposed)) == (
            "draft",
            {"business_scope", "full_time", "staff_year"},
        )
        path = f"/updates/{request.id}"
    # Before the leader sent it the department sees nothing of it.
    reviewer.get(path, status=404)
    leader.get(path).forms["submit"].submit().follow()
    back = reviewer.get(path).forms["decide"]
    assert back.submit("step", value="return", expect_errors=True).status_int == 422
    back["answer"] = "请附章程"
    back.submit("step", value="return").follow()
    again = operator.get(f"/organizations/{number}/report")
    assert "请附章程" in again.text
    assert again.forms["update"]["business_scope"].value == "社区服务、养老服务"
    again.forms["update"]["evidence"] = "章程核准表"
    again.forms["update"]["file"] = ("核准表.pdf", b"%PDF-1.7 1")
    kept = again.forms["update"].submit("step", value="keep").follow()
    assert operator.get(f"{path}/evidence").body == b"%PDF-1.7 1"
    assert "核准表.pdf" in kept.text
    browser_as("so_leader2").get(f"{path}/evidence", status=404)
    # Saving without a new file keeps the one that is there; what is no paper is refused and nothing typed is lost.
    form = operator.get(f"/organizations/{number}/report").forms["update"]
    form["file"] = ("程序.exe", b"MZ\x90")
    refused = form.submit("step", value="keep", expect_errors=True)
    assert refused.status_int == 422
    assert refused.forms["update"]["evidence"].value == "章程核准表"
    form["file"] = None
    form.submit("step", value="keep")
    leader.get(path).forms["submit"].submit()
    with bare_app.app_context():
        assert db.session.get(Organization, number).business_scope != "社区服务、养老服务"
    reviewer.get(path).forms["decide"].submit("step", value="accept").follow()
    with bare_app.app_context():
        after = db.session.get(Organization, number)
        assert after.business_scope == "社区服务、养老服务"
        assert after.verified_on == clock.today()
        assert after.verified_by == world.user("reviewer").id
        assert after.recorded_by == world.user("so_leader").id
        assert db.session.query(StaffCount).one().full_time == 9
    assert "章程核准表 · 核准表.pdf" in reviewer.get(f"/organizations/{number}/particulars/changes").text
    assert reviewer.get(f"{path}/evidence").body == b"%PDF-1.7 1"


def test_a_filed_organization_registers_from_its_page(bare_app, browser_as):
    clerk = browser_as("clerk")
    page = clerk.get("/organizations/new").forms["organization"]
    for name, value in {"name": "示例邻里队", "kind": "filed_community_so", "register_class": "filed",
                        "division_code": "150602001", "community_type": "mediation"}.items():  # fmt: skip
        page[name] = value
    page.submit().follow()
    with bare_app.app_context():
        number = db.session.query(Organization).filter_by(name="示例邻里队").one().id
    assert "矛盾调处" in clerk.get(f"/organizations/{number}").text
    send(clerk, f"/organizations/{number}/upgrade", kind="social_service_agency", evidence="证书",
         credit_code=world.credit_code("52", "150602", 91), registered_on="2025-01-02", name="示例邻里中心")  # fmt: skip
    assert "示例邻里队" in clerk.get(f"/organizations/{number}").text
    clerk.get(f"/organizations/{number}/upgrade", status=404)


def test_the_dossier_shows_no_more_than_its_reader_may_read(browser_as, number):
    page = browser_as("clerk").get(f"/dossiers/{number}")
    assert NAME in page.text
    assert "获得资金" in page.text
    organizer = browser_as("organizer").get(f"/dossiers/{number}")
    assert "获得资金" not in organizer.text
    own = browser_as("so_leader")
    assert "获得资金" in own.get(f"/dossiers/{number}").text
    assert own.get(f"/dossiers/projects?organization={number}").status_int == 200
    browser_as("so_leader2").get(f"/dossiers/{number}", status=404)
    browser_as("so_leader2").get(f"/dossiers/payments?organization={number}", status=404)
    browser_as("township_clerk").get(f"/dossiers/{number}", status=404)
    own.get("/dossiers/payments", status=404)


def test_the_workbook_of_the_coverage_has_the_figures_of_the_page(bare_app, browser_as):
    browser = browser_as("clerk")
    page = browser.get("/organizations/coverage")
    answer = page.click("导出 Excel")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.body)).active
    shown = [
        [cell.get_text(strip=True) for cell in row.find_all(["th", "td"])]
        for row in page.html.find("table").find_all("tr")
    ]
    kept = [[str(cell.value) for cell in row][: len(shown[0])] for row in sheet.iter_rows()]
    assert kept[0] == shown[0] and kept[1:-1] == shown[1:-1]
    # The last line is called after the division on the page, and “total” in the workbook.
    assert kept[-1][1:] == shown[-1][1:]
    # A township without an organization of its own is told no figure of others.
    answer = browser_as("township_clerk").get("/organizations/coverage.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.body)).active
    assert [cell.value for cell in sheet[sheet.max_row]][1] == 0
