"""A store that is away is opened later, and not at every request."""

from collections.abc import Callable

import pytest

from api.services.opening import LazyStore
from api.settings import ApiSettings
from worker.store import StoreUnavailable


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
