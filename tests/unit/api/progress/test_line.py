"""One line that fits, whatever there is to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.progress.line import Progress, format_line, format_seconds, format_sentence

_BUSY = Progress(
    phase="building",
    percent=46.2,
    rows=5_000_000,
    rate=412_345.6,
    done_bytes=185_000_000,
    total_bytes=185_000_000,
    remaining_s=12.2,
)
_NUMBERS = st.integers(0, 2**53)


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (12, []),
        (40, ["13 s left"]),
        (60, ["13 s left", "5,000,000 rows"]),
        (100, ["13 s left", "5,000,000 rows", "412,346 rows/s", "185.0 of 185.0 MB"]),
    ],
)
def test_line__at_each_width__says_the_most_important_first(width: int, said: list[str]) -> None:
    head, *parts = format_line(_BUSY, width).split("  ")

    assert head == "building 46%"
    bar = parts.pop(0) if parts else ""
    assert parts == said
    assert abs(bar.count("━") - 0.46 * len(bar)) <= 1


@given(
    progress=st.builds(
        Progress,
        phase=st.sampled_from(["queued", "publishing", "uploading", "pending_approval"]),
        percent=st.none() | st.floats(0, 100),
        rows=_NUMBERS,
        rate=st.floats(0, 1e12),
        done_bytes=_NUMBERS,
        total_bytes=_NUMBERS,
        remaining_s=st.none() | st.floats(0, 1e9),
    ),
    width=st.integers(0, 200),
)
def test_line__of_anything__is_no_longer_than_the_width(progress: Progress, width: int) -> None:
    assert len(format_line(progress, width)) <= width


def test_line__of_an_upload__has_no_percentage_of_the_import() -> None:
    upload = Progress("uploading", done_bytes=1_500_000, total_bytes=3_000_000, remaining_s=70)

    assert format_line(upload, 80) == "uploading  2 min left  1.5 of 3.0 MB"
    assert format_sentence(upload) == "uploading, 2 min left, 1.5 of 3.0 MB"
    assert format_sentence(Progress("uploading", done_bytes=1_500_000)) == "uploading, 1.5 MB"


def test_percentage__of_what_is_nearly_done__is_not_a_hundred() -> None:
    assert format_sentence(Progress("publishing", percent=99.9)) == "publishing 99%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "1 s"), (59, "59 s"), (61, "2 min"), (3_540, "59 min"), (7_500, "2 h 05 min")],
)
def test_duration__of_any_length__has_one_unit_or_two(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_job__as_the_api_represents_it__is_understood() -> None:
    progress = {
        "phase": "ended",
        "percent": 100,
        "rowsDone": 3,
        "rate": None,
        "bytesDone": 6,
        "bytesTotal": 6,
        "etaSeconds": 0,
    }

    assert Progress.of_job({"status": "complete", "progress": progress}) == Progress(
        "complete", 100, rows=3, done_bytes=6, total_bytes=6
    )
