"""One clock. Instants are aware and in UTC; days are days in Asia/Shanghai.

Working days follow the State Council's yearly holiday arrangement with its make-up days
(chinesecalendar), and above it the product's own editable table: the arrangement for a year is
published at the end of the year before, and a city may hear of a change earlier than a library.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

ZONE = ZoneInfo("Asia/Shanghai")

# What "now" is while a story is told at another time, see at().
_told: ContextVar[datetime | None] = ContextVar("told", default=None)

# Asks the editable table: True / False where it knows the day, None where it does not.
_known_days: Callable[[date], bool | None] | None = None


def use_calendar(lookup: Callable[[date], bool | None] | None) -> None:
    """Let ``lookup`` decide first whether a day is a working day; ``None`` takes it away."""
    global _known_days
    _known_days = lookup


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _told.get() or datetime.now(UTC)


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Let "now" be ``instant`` inside the block: the demonstration world is told in order of time."""
    if instant.tzinfo is None:
        raise TypeError("an instant needs a time zone")
    token = _told.set(instant)
    try:
        yield
    finally:
        _told.reset(token)


def today() -> date:
    """The present day in Asia/Shanghai."""
    return now().astimezone(ZONE).date()


def local(instant: datetime) -> datetime:
    """An instant as Asia/Shanghai wall time."""
    return instant.astimezone(ZONE)


def at_local(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The instant (UTC) of a wall time in Asia/Shanghai."""
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later (negative: earlier); a missing 29th to 31st becomes the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def calendar_known_until() -> date:
    """The last day for which the published arrangement is at hand."""
    return max(chinese_calendar.holidays)


def is_working_day(day: date) -> bool:
    """Whether offices work; beyond the published arrangement Monday to Friday."""
    if _known_days is not None:
        known = _known_days(day)
        if known is not None:
            return known
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def add_working_days(start: date, days: int) -> date:
    """The day ``days`` working days after ``start``; ``start`` itself does not count."""
    if days < 0:
        raise ValueError("days is not negative")
    day = start
    while days:
        day += timedelta(days=1)
        if is_working_day(day):
            days -= 1
    return day


def notice_end(published_on: date, days: int, *, count_start_day: bool = True) -> date:
    """Last day of a public notice of ``days`` working days (RPN, DOMAIN 3.7).

    With ``count_start_day`` the day of publication counts when it is a working day
    (沙坡头 2023: 自本公告发布之日起五个工作日); otherwise counting starts the next day.
    """
    if days < 1:
        raise ValueError("a notice lasts at least one working day")
    if count_start_day and is_working_day(published_on):
        return add_working_days(published_on, days - 1)
    return add_working_days(published_on, days)


def working_days_left(due: date, *, on: date | None = None) -> int:
    """Working days from today (not counted) to ``due``; negative when it is past, 0 for today."""
    start = on or today()
    if due == start:
        return 0
    low, high, sign = (start, due, 1) if due > start else (due, start, -1)
    count = sum(is_working_day(low + timedelta(days=i)) for i in range(1, (high - low).days + 1))
    # An overdue task is overdue from the first day on, a holiday or not.
    return sign * max(count, 1) if sign < 0 else count
