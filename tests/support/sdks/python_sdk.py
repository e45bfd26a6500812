"""LaunchDarkly's SDK for Python, in the process of the tests."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ldclient
from ldclient.config import BigSegmentsConfig, Config
from ldclient.integrations import Redis

from tests.support.sdks.connecting import Connection, Context, Evaluated

_START_S = 30


class _Kept(logging.Handler):
    """Keeps warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@dataclass(frozen=True, slots=True)
class PythonSdk:
    """The SDK; see ``Sdk``."""

    name: str
    client: ldclient.LDClient
    kept: _Kept = field(repr=False)

    def evaluate(self, flag: str, contexts: Sequence[Context]) -> list[Evaluated]:
        return [self._evaluate(flag, context) for context in contexts]

    def _evaluate(self, flag: str, context: Context) -> Evaluated:
        read = ldclient.Context.from_dict({**context})
        found = self.client.variation_detail(flag, read, None)
        reason, value = found.reason, found.value
        assert value is None or isinstance(value, bool)
        return Evaluated(value, reason.get("bigSegmentsStatus"), reason.get("errorKind"))

    def logged(self) -> list[str]:
        lines, self.kept.lines = self.kept.lines, []
        return lines


@contextmanager
def python_sdk(
    connection: Connection, *, name: str = "Python, streaming", **options: Any
) -> Iterator[PythonSdk]:
    """Connect the SDK, and wait until it has what it evaluates with.

    Args:
        connection: Where it finds everything.
        name: For messages.
        options: Others of its configuration.
    """
    store = Redis.new_big_segment_store(connection.redis_url, connection.prefix)
    kept = _Kept()
    logger = logging.getLogger("ldclient")
    logger.addHandler(kept)
    config = Config(
        connection.sdk_key,
        base_uri=connection.url,
        stream_uri=connection.url,
        events_uri=connection.url,
        big_segments=BigSegmentsConfig(store, context_cache_time=connection.cache_s),
        **options,
    )
    client = ldclient.LDClient(config, start_wait=_START_S)
    try:
        assert client.is_initialized(), kept.lines
        yield PythonSdk(name, client, kept)
    finally:
        client.close()  # type: ignore[no-untyped-call]  # LaunchDarkly's
        logger.removeHandler(kept)
