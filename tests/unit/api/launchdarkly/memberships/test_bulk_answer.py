"""Which form of answer an ``Accept`` header asks for."""

import pytest

from api.launchdarkly.memberships.bulk_answer import ARROW_STREAM, wants_arrow


@pytest.mark.parametrize(
    ("accept", "is_arrow"),
    [
        ((), False),
        (("*/*",), False),
        (("",), False),
        ((ARROW_STREAM,), True),
        ((ARROW_STREAM.upper(),), True),
        (("application/json", ARROW_STREAM), True),
        ((f"{ARROW_STREAM}, */*;q=0.1",), True),
        ((f"{ARROW_STREAM}; v=1; q=0.3, application/json;q=0.2",), True),
        ((f"{ARROW_STREAM};q=0",), False),
        ((f"{ARROW_STREAM};q=0.000, application/json;q=0",), False),
        ((f"{ARROW_STREAM};q=0.5, application/json",), False),
        ((f"application/json, {ARROW_STREAM}; Q=0.5",), False),
        ((f"{ARROW_STREAM};q=0.5, */*",), False),
        ((f"{ARROW_STREAM};q=0.5, */*, application/json;q=0.1",), True),
        ((f"x{ARROW_STREAM}",), False),
    ],
)
def test_accept__of_each_kind__chooses_the_form_that_is_preferred(
    accept: tuple[str, ...], *, is_arrow: bool
) -> None:
    assert wants_arrow(accept) == is_arrow
