"""Optimistic concurrency: read a resource, decide, write it unless it has changed meanwhile."""

from collections.abc import Callable
from typing import Final, TypeVar

from worker.store.errors import ResourceChanged

Result = TypeVar("Result")

_ATTEMPTS: Final = 20


def retry_on_change(name: str, attempt: Callable[[], Result]) -> Result:
    """Repeat an attempt while others change the resource, up to 20 times.

    Args:
        name: what the error calls the resource, such as ``segment beta``.
        attempt: reads the resource, decides and writes it. It runs again from its start when
            its write raises :class:`ResourceChanged`.

    Raises:
        ResourceChanged: the resource was changed during every attempt.
    """
    for _ in range(_ATTEMPTS):
        try:
            return attempt()
        except ResourceChanged as exc:
            last = exc
    message = f"{name} changes too fast; try again later"
    raise ResourceChanged(message) from last
