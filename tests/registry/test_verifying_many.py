"""Many entries verified at once: only by who may, only what another entered, each with its own trail."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy import func, select

from core import clock
from core.audit.models import AuditEntry
from core.db import db, transaction
from core.jobs.services import run_next
from registry.directory.services import verify_entries
from registry.keys.jobs import follow_up
from registry.organizations.models import Organization
from tests import world
from tests.registry.test_intake import HEADER, as_csv, code, opened
from tests.registry.test_list_follow_up import read_import_and_take

WORD = quote("核验")
NAMES = [f"示例核验第{n}中心" for n in range(4)]


def entered(unit="示例市民政局", by="clerk", names=NAMES, first=4000):
    rows = [[name, code(first + n), "", "150602", "2019-06-12"] for n, name in enumerate(names)]
    number = opened(as_csv(rows, HEADER[:5]), unit=unit, by=world.user(by))
    read_import_and_take(number)
    with transaction():
        db.session.execute(
            Organization.__table__.update()
            .where(Organization.name.in_(names))
            .values(recorded_by=world.user(by).id)
        )
    follow_up()
    return dict(
        db.session.execute(
            select(Organization.name, Organization.id).where(Organization.name.in_(names))
        ).all()
    )


def verified():
    return set(
        db.session.scalars(
            select(Organization.name).where(
                Organization.name.like("示例%核验%"), Organization.verified_on == clock.today()
            )
        )
    )


def test_chosen_entries_are_verified_in_one_act_each_with_its_trail(bare_app, browser_as):
    with bare_app.app_context():
        ids = entered()
        db.session.remove()
    reviewer = browser_as("reviewer")
    path = f"/organizations/verify?q={WORD}"
    listed = reviewer.get(f"/organizations/?q={WORD}")
    assert "/organizations/verify?q=" in listed.text
    form = reviewer.get(path).forms["verify"]
    assert len(form.fields["row"]) == len(NAMES)
    # Nothing chosen, then no comparison: nothing is done, and nothing typed is lost.
    form["evidence"] = "全国社会组织信用信息公示平台"
    for place in (0, 1):
        form.fields["row"][place].checked = True
    refused = form.submit(expect_errors=True)
    assert refused.status_int == 422
    form = refused.forms["verify"]
    assert form["evidence"].value == "全国社会组织信用信息公示平台"
    assert [field.checked for field in form.fields["row"]] == [True, True, False, False]
    form["compared"] = True
    shown = form.submit().follow()
    assert "核验" in shown.text
    with bare_app.app_context():
        assert not verified()
        assert run_next()
        assert len(verified()) == 2
        done = {ids[name] for name in verified()}
        entries = db.session.scalars(
            select(AuditEntry.object_id).where(
                AuditEntry.object_type == "organization", AuditEntry.event == "verified", AuditEntry.object_id.in_(ids.values())
            )
        ).all()  # fmt: skip
        assert sorted(entries) == sorted(done)
        db.session.remove()
    assert "全国社会组织信用信息公示平台" in reviewer.get(f"/organizations/{done.pop()}").text
    # The rest by the filter; what is of today is left alone.
    form = reviewer.get(path).forms["verify"]
    assert len(form.fields["row"]) == 2
    form["which"], form["evidence"], form["compared"] = "all", "证书", True
    form.submit()
    with bare_app.app_context():
        assert run_next()
        assert verified() == set(NAMES)
        assert db.session.scalar(
            select(func.count()).where(AuditEntry.event == "verified", AuditEntry.object_id.in_(ids.values()))
        ) == len(NAMES)


def test_nobody_verifies_own_entries_nor_those_of_a_stranger_s_unit(bare_app, browser_as):
    with bare_app.app_context():
        own = entered(by="reviewer")
        db.session.remove()
    reviewer = browser_as("reviewer")
    form = reviewer.get(f"/organizations/verify?q={WORD}").forms["verify"]
    assert "row" not in form.fields or not any(
        field.attrs["value"] in map(str, own.values()) for field in form.fields["row"]
    )
    form["which"], form["evidence"], form["compared"] = "all", "证书", True
    form.submit(expect_errors=True)
    with bare_app.app_context():
        run_next()
        assert not verified() & set(own)
        # Whatever numbers somebody names: where one may not verify, nothing happens.
        with transaction():
            assert verify_entries(list(own.values()), evidence="证书", by=world.user("banner_clerk")) == 0
        db.session.remove()
    browser_as("so_leader").get("/organizations/verify", status=403)
