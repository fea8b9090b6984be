"""Closing: the surplus goes back to the fen, the archive proves itself."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from core import clock
from core.access.policy import Refusal
from core.db import db, transaction
from core.files.services import file_path
from core.money import Money
from finance.commitments.queries import committed_balance, paid_total
from finance.disbursements.models import PayeeAccount
from finance.ledger.queries import balance, verify
from projects.agreements.models import Project
from projects.closure import services
from projects.closure.models import Closure
from projects.delivery.services import add_record
from tests import world
from tests.finance.money import make_account
from tests.projects import road


def _reported(eligible: str, *, grade: str = "pass") -> Closure:
    """Two tranches paid (88,200.00 of 98,000.01), finally graded, the account reported."""
    project = road.running()
    account = make_account()
    road.claim_and_pay(project, 1, account)
    add_record(
        project,
        held_on=clock.today(),
        title="手机课堂",
        place="示例社区",
        persons=20,
        person_times=23,
        photo=(io.BytesIO(road.picture()), "现场.png"),
        by=world.user("operator"),
    )
    road.spend(project, "40000.00", line="staff_cost")
    road.evaluated(project, midterm="pass")
    road.claim_and_pay(project, 2, account)
    road.spend(project, "30000.00", "FP-2", "supplies")
    road.evaluated(project, final=grade)
    return services.report_closure(
        project,
        summary="服务180人，目标完成。",
        eligible_cost=Money.yuan(eligible),
        audit_file=road.pdf(),
        by=world.user("operator"),
    )


def _settled(eligible: str = "80000.00") -> Project:
    closure = _reported(eligible)
    services.check_closure(closure, by=world.user("clerk"))
    services.settle(closure, returned_on=clock.today(), voucher="TK-1", by=world.user("leader"))
    return closure.project


def test_the_surplus_comes_back_and_the_rest_is_released(app) -> None:
    with transaction():
        closure = _reported("80000.00")
        project = closure.project
        commitment = project.agreement.commitment
        before = balance("earmark", commitment.earmark_id, "earmark")
        budget_before = balance("budget", commitment.earmark.budget_id, "budget")
        services.check_closure(closure, by=world.user("clerk"))
        assert closure.surplus == Money.yuan("8200.00")
        assert commitment.tranches[2].amount == Money(0)
        assert commitment.tranches[2].original_amount == Money.yuan("9800.01")
        with pytest.raises(Refusal, match="voucher"):
            services.settle(closure, by=world.user("leader"))
        services.settle(closure, returned_on=clock.today(), voucher="TK-1", by=world.user("leader"))
        assert paid_total(commitment) == Money.yuan("80000.00")
        assert committed_balance(commitment) == Money(0)
        assert balance("earmark", commitment.earmark_id, "earmark") - before == Money.yuan("9800.01")
        assert balance("budget", commitment.earmark.budget_id, "budget") - budget_before == closure.surplus
        assert (project.state, project.agreement.state) == ("settled", "ended")
        assert commitment.ended_on == clock.today()
    assert verify() == []


def test_the_last_tranche_is_the_smaller_of_plan_and_cost_less_paid(app) -> None:
    with transaction():
        closure = _reported("90000.00")
        project = closure.project
        with pytest.raises(Refusal, match="closing account first"):
            road.claimed(project, 3)
        services.check_closure(closure, by=world.user("clerk"))
        assert closure.surplus == Money(0)
        assert project.agreement.commitment.tranches[2].amount == Money.yuan("1800.00")
        with pytest.raises(Refusal, match="still due"):
            services.settle(closure, by=world.user("leader"))
        # 70% of 88,200.00 is 61,740.00; 70,000.00 are spent.
        account = db.session.scalars(select(PayeeAccount).order_by(PayeeAccount.id)).first()
        assert road.claim_and_pay(project, 3, account).amount == Money.yuan("1800.00")
        services.settle(closure, by=world.user("leader"))
        assert paid_total(project.agreement.commitment) == Money.yuan("90000.00")
    assert verify() == []


def test_a_failed_project_gets_no_last_tranche(app) -> None:
    with transaction():
        closure = _reported("95000.00", grade="fail")
        services.check_closure(closure, by=world.user("clerk"))
        with pytest.raises(Refusal, match="withheld"):
            road.claimed(closure.project, 3)
        services.settle(closure, by=world.user("leader"))
        assert committed_balance(closure.project.agreement.commitment) == Money(0)


def test_who_checked_does_not_approve_and_a_payment_in_hand_comes_first(app) -> None:
    with transaction():
        project = road.running()
        road.claimed(project, 1)
        road.evaluated(project, final="pass")
        closure = services.report_closure(
            project, summary="提前结项", eligible_cost=Money(0), by=world.user("operator")
        )
        with pytest.raises(Refusal, match="on its way"):
            services.check_closure(closure, by=world.user("clerk"))
    with transaction(), pytest.raises(Refusal):
        services.settle(closure, by=world.user("leader"))


def test_the_checker_may_not_settle(app) -> None:
    with transaction():
        closure = _reported("88200.00")
        clerk = world.user("clerk")
        services.check_closure(closure, by=clerk)
        with pytest.raises(Refusal, match="permission"):
            services.settle(closure, by=clerk)
        with pytest.raises(Refusal, match="permission"):
            services.settle(closure, by=world.user("finance"))


def test_a_returned_account_is_reported_again(app) -> None:
    with transaction():
        closure = _reported("88200.00")
        services.return_closure(closure, reason="缺审计报告", by=world.user("clerk"))
        services.report_closure(
            closure.project, summary="已补", eligible_cost=Money.yuan(88_000), by=world.user("operator")
        )
        assert (closure.state, closure.eligible_cost) == ("reported", Money.yuan(88_000))


def test_the_final_evaluation_comes_before_the_account(app) -> None:
    with transaction():
        project = road.running()
        with pytest.raises(Refusal, match="final evaluation comes first"):
            services.report_closure(
                project, summary="结项", eligible_cost=Money(0), by=world.user("operator")
            )


def test_the_archive_holds_everything_and_verifies(app, tmp_path: Path) -> None:
    with transaction():
        project = _settled()
        services.add_archive_source("test", lambda item: [("09-evaluation/sheet.json", b"{}\n")])
        try:
            stored = services.archive(project, by=world.user("clerk"))
        finally:
            services._sources.pop("test")
        assert project.state == "archived"
    path = file_path(stored.sha256)
    assert services.verify_archive(path) == []
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        manifest = json.loads(package.read("manifest.json"))
        package.extractall(tmp_path)
        assert manifest["retention"]["years"] == 15
        for item in manifest["files"]:
            data = package.read(item["path"])
            assert hashlib.sha256(data).hexdigest() == item["sha256"]
            assert b"number_sealed" not in data
    for path_in_zip in (
        "01-call/call.json",
        "02-application/version-1.json",
        "03-eligibility/findings.json",
        "04-review/outcome.json",
        "05-notice/notice.json",
        "06-agreement/agreement.json",
        "07-payments/disbursements.json",
        "07-payments/postings.json",
        "08-process/service-records.json",
        "08-process/spending.json",
        "08-process/rectifications.json",
        "09-evaluation/verdicts.json",
        "09-evaluation/sheet.json",
        "10-closing/closing.json",
    ):
        assert path_in_zip in names
    assert any(name.startswith("08-process/photos/") for name in names)
    assert any(name.startswith("11-audit/project-") for name in names)
    # No product is needed to check it.
    assert shutil.which("sha256sum")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "manifest.txt"], cwd=tmp_path, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_same_project_gives_the_same_bytes(app) -> None:
    with transaction():
        project = _settled()
        first, second = io.BytesIO(), io.BytesIO()
        services.write_package(project, first)
        services.write_package(project, second)
    assert first.getvalue() == second.getvalue()


def test_a_flipped_byte_a_missing_and_a_slipped_in_file_are_found(app) -> None:
    with transaction():
        project = _settled()
        whole = io.BytesIO()
        services.write_package(project, whole)
    data = bytearray(whole.getvalue())
    place = data.index("服务180人".encode())
    data[place] ^= 1
    assert services.verify_archive(io.BytesIO(bytes(data))) == ["changed: 10-closing/closing.json"]
    assert services.verify_archive(_without(whole, "10-closing/closing.json")) == [
        "missing: 10-closing/closing.json"
    ]
    assert services.verify_archive(_with(whole, "10-closing/more.json", b"{}")) == [
        "not listed: 10-closing/more.json"
    ]
    assert services.verify_archive(io.BytesIO(b"no zip"))[0].startswith("unreadable")


def _without(package: io.BytesIO, name: str) -> io.BytesIO:
    result = io.BytesIO()
    with zipfile.ZipFile(package) as source, zipfile.ZipFile(result, "w") as target:
        for item in source.namelist():
            if item != name:
                target.writestr(item, source.read(item))
    return result


def _with(package: io.BytesIO, name: str, data: bytes) -> io.BytesIO:
    result = io.BytesIO(package.getvalue())
    with zipfile.ZipFile(result, "a") as target:
        target.writestr(name, data)
    return result


def test_only_a_settled_project_is_archived_by_its_office(app) -> None:
    with transaction():
        closure = _reported("88200.00")
        with pytest.raises(Refusal, match="settled"):
            services.archive(closure.project, by=world.user("clerk"))
        with pytest.raises(Refusal, match="permission"):
            services.archive(closure.project, by=world.user("so_leader"))
