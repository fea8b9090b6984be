"""Commands of grants."""

from __future__ import annotations

from flask import Flask

from core.db import db
from grants.rubrics.models import Rubric


def test_standard_rubrics_by_command(bare_app: Flask) -> None:
    runner = bare_app.test_cli_runner()
    for _again in range(2):
        result = runner.invoke(args=["rubrics", "standard", "--agency", "示例市民政局"])
        assert result.exit_code == 0, result.output
    with bare_app.app_context():
        assert sorted(db.session.scalars(db.select(Rubric.family))) == ["final", "midterm", "selection"]
    result = runner.invoke(args=["rubrics", "standard", "--agency", "没有这个单位"])
    assert result.exit_code == 1
