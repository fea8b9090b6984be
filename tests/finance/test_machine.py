"""Any order of what finance can do keeps every fen in its place; many hands at once lose and double nothing."""

from __future__ import annotations

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.finance.machine import FinanceMachine
from tests.soak import kills, races


def test_any_sequence_of_operations_keeps_the_books(bare_app: Flask) -> None:
    class Here(FinanceMachine):
        app = bare_app

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=3,
            stateful_step_count=22,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_sixty_four_at_once_lose_and_double_nothing(bare_app: Flask) -> None:
    assert races.run(bare_app, actors=64, seed=7) == []


def test_a_killed_process_leaves_no_payment_half_done(bare_app: Flask) -> None:
    told = kills.run(bare_app, kills=10, seed=7)
    assert told.breaks == []
    assert told.kills == 10 and told.steps > 0
