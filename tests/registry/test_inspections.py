"""Annual inspections by year: who has none yet, two years in a row, scope, and what the file holds."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from core import clock
from core.audit.services import SYSTEM
from core.db import db, transaction
from registry.credit.queries import due_of
from registry.inspections import queries
from registry.inspections.reports import rows
from registry.organizations.models import Inspection, Organization
from registry.organizations.services import record_inspection
from tests import world


def _names(login: str, **args: str) -> set[str]:
    return {row.name for row in db.session.scalars(rows(world.user(login), args))}


def test_everybody_to_be_inspected_stands_in_one_column_of_the_year(app) -> None:
    year = clock.today().year - 1
    with transaction():
        whole = _names("clerk", year=str(year))
        # Counted by hand: social organizations, registered by the end of the year.
        by_hand = {
            row.name
            for row in db.session.scalars(select(Organization))
            if row.kind in queries.SOCIAL
            and row.register_class == "registered"
            and row.registered_on <= date(year, 12, 31)
        }
        assert whole == by_hand and len(whole) == 3
        gone, failed, *_ = sorted(whole)
        db.session.delete(
            db.session.scalars(
                select(Inspection)
                .join(Organization, Organization.id == Inspection.organization_id)
                .where(Organization.name == gone, Inspection.year == year)
            ).one()
        )
        record_inspection(world.organization(failed), year, "failed", by=SYSTEM)
        assert _names("clerk", year=str(year), result="none") == {gone}
        assert _names("clerk", year=str(year), result="failed") == {failed}
        counts = queries.counts(world.user("clerk"))[year]
        assert sum(item.number for item in counts.values()) == len(whole)
        assert counts["none"].number == counts["failed"].number == 1
        # Nobody is counted who came later, or whose registration ended.
        world.organization(gone).status = "deregistered"
        db.session.flush()
        assert gone not in _names("clerk", year=str(year))
        for login in ("banner_clerk", "township_clerk"):
            assert _names(login, year=str(year)) == set()
        assert _names("supervisor", year=str(year)) == _names("party", year=str(year)) == whole - {gone}


def test_two_years_without_an_inspection_are_what_the_list_of_dormant_bodies_looks_at(app) -> None:
    today = clock.today()
    year = queries.asked_year({})
    with transaction() as session:
        body = world.organization()
        session.execute(
            Inspection.__table__.delete().where(
                Inspection.organization_id == body.id, Inspection.year >= year - 1
            )
        )
        assert _names("clerk", silent="yes") == {body.name}
        assert due_of(body, "zombie_list") is not None
        record_inspection(body, year - 1, "missing", by=SYSTEM)
        assert _names("clerk", silent="yes") == {body.name}
        record_inspection(body, year, "qualified", by=SYSTEM)
        assert _names("clerk", silent="yes") == set() and due_of(body, "zombie_list") is None
    assert queries.asked_year({"year": "abcd"}) == queries.asked_year({"year": "0000"}) == year
    assert year in queries.years(today)


def test_the_page_leads_from_each_figure_to_its_rows(bare_app, browser_as) -> None:
    year = clock.today().year - 1
    with bare_app.app_context(), transaction() as session:
        body = world.organization()
        session.execute(
            Inspection.__table__.delete().where(
                Inspection.organization_id == body.id, Inspection.year == year
            )
        )
        count = session.scalar(
            select(func.count()).select_from(Organization).where(Organization.kind.in_(queries.SOCIAL))
        )
        name = body.name
    browser = browser_as("clerk")
    page = browser.get("/inspections/")
    assert "尚未年检" in page.text
    page = page.click(href=f"year={year}&result=none")
    assert name in page.text and "示例夕阳红为老服务中心" not in page.text.split("<h2")[-1]
    assert count == 3
    page = page.click(href="/inspection$")
    form = next(item for item in page.forms.values() if "result" in item.fields)
    form["year"], form["result"] = str(year), "qualified"
    form.submit().follow()
    assert name not in browser.get(f"/inspections/?year={year}&result=none").text
    assert "登记年检结果" not in browser_as("supervisor").get("/inspections/").text
    browser_as("operator").get("/inspections/", status=403)
