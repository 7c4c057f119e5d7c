"""Alarms over a series of verdicts open and close as incidents do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.stats.alarms import Alarm, Judged, alarms
from monitoring.stats.verdict import Verdict, is_alerting

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OK, WARNING, BREACH, NOTHING = (
    Verdict.OK,
    Verdict.WARNING,
    Verdict.BREACH,
    Verdict.INSUFFICIENT_DATA,
)


def series(*verdicts):
    return [
        Judged(START + DAY * at, START + DAY * (at + 1), one) for at, one in enumerate(verdicts)
    ]


def test_an_alarm_opens_with_the_window_that_makes_enough_and_closes_when_it_was_calm():
    found = alarms(
        series(OK, BREACH, OK, BREACH, WARNING, OK, OK), open_after=(2, 3), close_after=2
    )
    assert found == [Alarm(START + DAY, START + 4 * DAY, START + 6 * DAY, 2)]


def test_windows_without_enough_data_neither_open_nor_calm():
    found = alarms(series(BREACH, NOTHING, OK, NOTHING, OK), open_after=(1, 1), close_after=2)
    assert [(one.opened, one.closed) for one in found] == [(START + DAY, START + 5 * DAY)]


def test_breaches_from_before_a_calm_end_do_not_open_the_next_alarm():
    found = alarms(series(BREACH, BREACH, OK, BREACH, OK), open_after=(2, 3), close_after=1)
    assert len(found) == 1
    assert found[0].closed == START + 3 * DAY


def test_the_last_alarm_may_still_be_open():
    assert alarms(series(OK, BREACH), open_after=(1, 1), close_after=2)[-1].closed is None


def test_an_alarm_meets_what_lasts_at_the_same_time():
    alarm = Alarm(START + DAY, START + 2 * DAY, START + 3 * DAY, 1)
    assert alarm.meets(START, START + 2 * DAY)
    assert not alarm.meets(START, START + DAY)
    assert not alarm.meets(START + 3 * DAY, START + 4 * DAY)
    assert Alarm(START, START + DAY, None, 1).meets(START + 90 * DAY, START + 91 * DAY)


@given(
    st.lists(st.sampled_from(list(Verdict)), max_size=40),
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    st.integers(1, 4),
)
def test_whether_an_alarm_is_open_in_the_end_is_as_the_verdicts_say(history, opening, closing):
    found = alarms(series(*history), open_after=opening, close_after=closing)
    still = bool(found) and found[-1].closed is None
    assert still == is_alerting(history, open_after=opening, close_after=closing)
    ends = [one.closed for one in found[:-1]]
    assert None not in ends
    assert all(end < later.opened for end, later in zip(ends, found[1:], strict=True))


def test_more_than_all_windows_are_refused():
    with pytest.raises(ValueError, match="k of n"):
        alarms(series(OK), open_after=(3, 2), close_after=1)
