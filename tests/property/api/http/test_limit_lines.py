"""The headers of rate limits as lines are those that are sent one by one."""

from hypothesis import given
from hypothesis import strategies as st

from api.http.connections.refusals import render_headers
from api.http.limits.headers import limit_headers, limit_lines
from api.http.limits.limits import Count, Standing

_NUMBERS = st.integers(0, 2**40)
_COUNTS = st.none() | st.builds(Count, _NUMBERS, _NUMBERS)


@given(st.builds(Standing, _COUNTS, _COUNTS, _COUNTS, _NUMBERS))
def test_lines__of_any_standing__are_its_headers(standing: Standing) -> None:
    assert limit_lines(standing) == render_headers(limit_headers(standing))


@given(st.builds(Standing, _COUNTS, _COUNTS, _COUNTS, _NUMBERS))
def test_standing__is_exceeded_if_a_count_is(standing: Standing) -> None:
    counts = (standing.token, standing.route, standing.account)

    assert standing.exceeded is any(count is not None and count.exceeded for count in counts)
