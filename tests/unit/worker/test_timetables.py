"""When schedules are due, also where clocks change and where somebody means no good."""

import time
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.timetables import LONGEST_EXPRESSION, Timetable, TimetableRefused, ZoneRefused

BERLIN: Final = "Europe/Berlin"
#: In 2026 clocks go forward on 29 March at 2:00, and back on 25 October at 3:00.
SPRING, AUTUMN = "2026-03-28T12:00:00+00:00", "2026-10-24T12:00:00+00:00"


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000


def _due(expression: str, begin: str, count: int, zone: str = BERLIN) -> list[str]:
    found = Timetable.parse(expression, zone).after(_ms(begin))
    times = [next(found) for _ in range(count)]
    return [datetime.fromtimestamp(t / 1_000, ZoneInfo(zone)).strftime("%d %H:%M%z") for t in times]


@pytest.mark.parametrize(
    ("expression", "begin", "due"),
    [
        ("30 2 * * *", SPRING, ["29 03:00+0200", "30 02:30+0200"]),
        ("0,30 2 * * *", SPRING, ["29 03:00+0200", "30 02:00+0200"]),
        ("0 3 * * *", SPRING, ["29 03:00+0200", "30 03:00+0200"]),
        ("30 * * * *", "2026-03-29T00:00:00+00:00", ["29 01:30+0100", "29 03:30+0200"]),
        ("30 2 * * *", AUTUMN, ["25 02:30+0200", "26 02:30+0100"]),
        ("0 3 * * *", AUTUMN, ["25 03:00+0100", "26 03:00+0100"]),
        (
            "*/30 * * * *",
            "2026-10-25T00:01:00+00:00",
            ["25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"],
        ),
    ],
    ids=["skipped", "two skipped", "after the gap", "hourly gap", "twice", "after it", "intervals"],
)
def test_after__where_clocks_change__is_as_promised(
    expression: str, begin: str, due: list[str]
) -> None:
    assert _due(expression, begin, len(due)) == due


_EXPRESSIONS: Final = (
    *("30 2 * * *", "*/15 * * * *", "30 * * * *", "0 */3 * * *", "15 1,2,3 * * *"),
    *("10,40 2 * 3,10 *", "0 2 * * 0", "*/20 2 * * *"),
)
_ZONES: Final = (BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


@given(
    st.sampled_from(_EXPRESSIONS),
    st.sampled_from(_ZONES),
    st.sampled_from(["2026-03-27", "2026-10-23", "2026-04-03", "2026-03-06", "2026-10-30"]),
    st.integers(0, 3 * 86_400),
)
def test_latest_and_next__of_any_moment__agree_with_all_due_times(
    expression: str, zone: str, day: str, second: int
) -> None:
    table, begin_ms = Timetable.parse(expression, zone), _ms(f"{day}T00:00:00+00:00")
    moment_ms = begin_ms + 1_000 * second
    due_ms = []
    for due in table.after(begin_ms - 86_400_000):
        due_ms.append(due)
        if due > moment_ms:
            break
    assert due_ms == sorted(set(due_ms))
    assert table.next_after(moment_ms) == due_ms[-1]
    if len(due_ms) > 1:
        assert table.latest_by(moment_ms) == due_ms[-2]
        assert table.latest_by(due_ms[-2]) == due_ms[-2]


@given(st.text("0123456789*,/-#LWAMONJan ", max_size=LONGEST_EXPRESSION + 1))
def test_parse__any_text__is_refused_or_has_due_times_within_a_second(text: str) -> None:
    began = time.process_time()
    try:
        table = Timetable.parse(text, BERLIN)
    except TimetableRefused:
        table = None
    if table is not None:
        assert table.least_gap_s() >= 60
        following = table.next_after(0)
        assert following is not None
        assert table.latest_by(following) == following
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("expression", "zone", "why"),
    [
        ("* * * *", BERLIN, "five fields"),
        ("* * * * * *", BERLIN, "five fields"),
        ("@daily", BERLIN, "five fields"),
        ("61 * * * *", BERLIN, "the minute"),
        ("0 0 31 2 *", BERLIN, "the day-of-month"),
        ("* * */20 * 1L", BERLIN, "no time that ever comes"),
        ("0 0 * * " + "1," * 60 + "1", BERLIN, "five fields"),
        ("\N{ARABIC-INDIC DIGIT ZERO} 0 * * *", BERLIN, "five fields"),
        ("0 2 * * *", "Berlin", "not a time zone"),
        ("0 2 * * *", "../etc/passwd", "not a time zone"),
        ("0 2 * * *", "x" * 1_000, "not a time zone"),
        ("0 2 * * *", "localtime", "not a time zone"),
    ],
    ids=str,
)
def test_parse__what_cannot_be__is_refused_with_its_reason(
    expression: str, zone: str, why: str
) -> None:
    with pytest.raises(TimetableRefused, match=why):
        Timetable.parse(expression, zone)


def test_after__zone_that_this_host_does_not_know__says_so() -> None:
    with pytest.raises(ZoneRefused, match="no time zone 'Mars/Base'"):
        Timetable("0 2 * * *", "Mars/Base").next_after(0)


@pytest.mark.parametrize(
    ("expression", "gap_s"),
    [
        ("* * * * *", 60),
        ("0,7 * * * *", 7 * 60),
        ("0 */6 * * *", 6 * 3_600),
        ("0 2 * * 1", 86_400),
        ("0 0,23 * * *", 3_600),
    ],
)
def test_least_gap__between_two_due_times__is_found(expression: str, gap_s: int) -> None:
    assert Timetable.parse(expression, "UTC").least_gap_s() == gap_s


def test_count__of_very_many__is_bounded() -> None:
    table = Timetable.parse("* * * * *", "UTC")
    now_ms = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000
    assert table.count_between(now_ms, now_ms + 3 * 60_000) == 2
    assert table.count_between(0, now_ms) == 1_000
