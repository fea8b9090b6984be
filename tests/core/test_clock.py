"""Working days and public notices, with published windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock

days = st.dates(date(2019, 1, 1), date(2026, 12, 1))


@pytest.fixture(autouse=True)
def published_calendar_only():
    clock.use_calendar(None)


@pytest.mark.parametrize(
    ("start", "count_start_day", "end"),
    [
        (date(2021, 8, 18), True, date(2021, 8, 24)),  # 福田 2021, stated
        (date(2023, 11, 27), True, date(2023, 12, 1)),  # 沙坡头 2023, the day of publication counts
        (date(2023, 11, 27), False, date(2023, 12, 4)),
        (date(2023, 4, 20), True, date(2023, 4, 25)),  # 罗湖 2023, five only with the make-up Sunday
    ],
)
def test_notices_of_five_working_days(start, count_start_day, end):
    assert clock.notice_end(start, 5, count_start_day=count_start_day) == end


def test_a_make_up_sunday_is_a_working_day():
    assert clock.is_working_day(date(2023, 4, 23))
    assert not clock.is_working_day(date(2023, 5, 1))


def test_the_editable_calendar_wins():
    clock.use_calendar(lambda day: False if day == date(2026, 11, 23) else None)
    assert not clock.is_working_day(date(2026, 11, 23))
    assert clock.add_working_days(date(2026, 11, 20), 1) == date(2026, 11, 24)


def test_beyond_the_published_years_monday_to_friday():
    assert clock.is_working_day(date(2099, 6, 1)) == (date(2099, 6, 1).weekday() < 5)


@given(days, st.integers(1, 40), st.booleans())
def test_a_notice_has_exactly_its_working_days(start, length, count_start_day):
    end = clock.notice_end(start, length, count_start_day=count_start_day)
    first = start if count_start_day else start + timedelta(days=1)
    inside = sum(clock.is_working_day(first + timedelta(days=i)) for i in range((end - first).days + 1))
    assert inside == length
    assert clock.is_working_day(end)


@given(days, st.integers(1, 40))
def test_days_left_reverses_adding(start, length):
    assert clock.working_days_left(clock.add_working_days(start, length), on=start) == length


def test_overdue_is_negative_from_the_first_day():
    assert clock.working_days_left(date(2026, 5, 11), on=date(2026, 5, 13)) == -2
    assert clock.working_days_left(date(2026, 5, 15), on=date(2026, 5, 16)) == -1
    assert clock.working_days_left(date(2026, 5, 15), on=date(2026, 5, 15)) == 0


def test_a_story_is_told_at_its_time():
    then = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
    with clock.at(then):
        assert clock.now() == then
        assert clock.today() == date(2024, 3, 1)
    assert clock.now() > then


def test_an_instant_needs_a_zone():
    with pytest.raises(TypeError), clock.at(datetime(2024, 3, 1)):  # noqa: DTZ001
        pass
