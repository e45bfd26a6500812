"""Small parts of the API: keys, sizes, links, tables of errors, pauses."""

import inspect
from collections.abc import Callable

import pytest

from api import errors
from api.errors import ApiError, Broken, translate_error
from api.http.refusals import error_body
from api.launchdarkly.jobs.models import format_size
from api.launchdarkly.memberships.lookup import parse_question
from api.launchdarkly.wire.pages import page_links
from api.services.opening import LazyStore
from api.settings import ApiSettings
from worker.store import StoreError, StoreUnavailable
from worker.store import errors as store_errors

_STORE_ERRORS = [
    one
    for _, one in inspect.getmembers(store_errors, inspect.isclass)
    if issubclass(one, StoreError) and one is not StoreError
]
_API_ERRORS = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, ApiError) and one is not ApiError
]


@pytest.mark.parametrize("error", _STORE_ERRORS)
def test_translate_error__every_error_of_the_store__has_a_status(error: type[StoreError]) -> None:
    ours = translate_error(error("what happened"))

    assert str(ours) == "what happened"
    known_fault = {"StoreRefused", "MemberCorrupt", "ShardInvalid", "BrokerRefused"}
    known_fault |= {"Unsealed", "Unapproved", "RightsMissing"}
    assert isinstance(ours, Broken) == (error.__name__ in known_fault)


@pytest.mark.parametrize("error", _API_ERRORS)
def test_error_body__every_error_of_the_api__has_a_code(error: type[ApiError]) -> None:
    raised = error.__new__(error)
    raised.args = ("half a \ud800 surrogate",)

    body = error_body(raised, "an-id")

    assert body.startswith(b'{"code": "')


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5 * 10**16, "50000.0 TB"),
    ],
)
def test_human_size__any__has_a_unit(size_bytes: int, shown: str) -> None:
    assert format_size(size_bytes) == shown


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        (b"/api/v2/segments/p/e/s/contexts/k", True),
        (b"/api/v2/segments/p/e/s/users/%2F", True),
        (b"/api/v2/segments/p/e/s/contexts/", True),
        (b"/api/v2/segments/p/e/s/contexts", False),
        (b"/api/v2/segments/p/e/s/contexts/k/", False),
        (b"/api/v2/segments/p/e/s/imports/k", False),
        (b"/api/v2/segments/p/s/expiring-targets/e", False),
        (b"/api/v2/other/p/e/s/contexts/k", False),
    ],
)
def test_question__of_a_path__is_told_by_its_parts(path: bytes, *, asks: bool) -> None:
    assert (parse_question(path) is not None) == asks


def test_page_links__sorted_pages__keep_the_sort() -> None:
    links = page_links("/s", "sort=-name&", limit=2, offset=2, total=5)

    assert links["next"]["href"] == "/s?sort=-name&limit=2&offset=4"
    assert links["last"]["href"] == "/s?sort=-name&limit=2&offset=4"
    assert links["prev"]["href"] == "/s?sort=-name&limit=2"


@pytest.mark.parametrize("seconds", [0.1, 0.49])
def test_store__not_there__is_not_tried_again_at_once(seconds: float) -> None:
    now = 0.0

    def monotonic() -> float:
        return now

    settings = ApiSettings.model_validate({"redis_url": "redis://127.0.0.1:9/0"})
    opener: Callable[[], object] = LazyStore(settings, monotonic=monotonic)
    with pytest.raises(StoreUnavailable) as first:
        opener()
    now = seconds
    with pytest.raises(StoreUnavailable) as second:
        opener()

    assert str(second.value) == str(first.value)
    assert second.value.__cause__ is None
    assert first.value.__cause__ is not None
