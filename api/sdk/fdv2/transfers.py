"""Transfers of data, in the form of SDKs' second protocol.

A transfer is a ``server-intent``, then ``put-object`` and ``delete-object`` for each object, then
``payload-transferred`` with the state in which the SDK is then. It names that state as its
``basis`` when it asks again. A state names content, so every process knows it that has had the same
content; to whoever comes with another one all is sent.

Source: python-server-sdk 9.18.2 and js-core's server SDK 9.13.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from api.http.streamed_answer import Pieces
from api.sdk.data.environment_data import FLAGS, SEGMENTS, Change, EnvironmentData
from worker.sized_cache import SizedCache

Intent = Literal["xfer-full", "xfer-changes", "none"]

#: The last message of a stream that does not end because its client has gone.
GOODBYE: Final = b'event: goodbye\ndata: {"reason":"the stream ends; connect again"}\n\n'

#: There is one for each environment. SDKs take this and the number below, and look at neither.
_PAYLOAD: Final = "bigseg"
_NUMBER: Final = 1
_KINDS: Final = {FLAGS: b"flag", SEGMENTS: b"segment"}
_REASONS: Final[dict[Intent, str]] = {
    "xfer-full": "payload-missing",
    "xfer-changes": "stale",
    "none": "up-to-date",
}
_PIECE_BYTES: Final = 256 * 1024

#: Name and JSON.
Event = tuple[bytes, bytes]


class Transfers:
    """Makes transfers; what is sent to many streams is made once. Safe from any thread."""

    def __init__(self, cache_bytes: int) -> None:
        """Keep nothing yet.

        Args:
            cache_bytes: Of whole transfers that were made before.
        """
        self._whole = SizedCache[str, bytes](cache_bytes)

    def messages(self, data: EnvironmentData, before: EnvironmentData | None) -> Pieces:
        """Make what a stream sends.

        Args:
            data: What the SDK is to have.
            before: What it has, if that is known.
        """
        content = memoryview(self._content(data, before))
        starts = range(0, len(content), _PIECE_BYTES)
        return [content[start : start + _PIECE_BYTES] for start in starts]

    def _content(self, data: EnvironmentData, before: EnvironmentData | None) -> bytes:
        events = _changes(data, before)
        if events is not None:
            return _streamed(events)
        content = self._whole.get(data.tag)
        if content is None:
            content = _streamed(_everything(data))
            self._whole.keep(data.tag, content, len(content))
        return content


def polled(data: EnvironmentData, before: EnvironmentData | None) -> bytes:
    """Make the same as the answer to one request: the events in a list, as JSON."""
    events = _changes(data, before) or _everything(data)
    return b'{"events":[%b]}' % b",".join(
        b'{"event":"%b","data":%b}' % (name, content) for name, content in events
    )


def _streamed(events: Iterable[Event]) -> bytes:
    return b"".join(b"event: %b\ndata: %b\n\n" % event for event in events)


def _changes(data: EnvironmentData, before: EnvironmentData | None) -> list[Event] | None:
    """What leads from one state to another; ``None`` if everything has to be sent."""
    if before is None:
        return None
    if before.tag == data.tag:
        return [_intent("none")]
    changes = data.changes_from(before)
    if changes is None:
        return None
    return [_intent("xfer-changes"), *map(_changed, changes), _transferred(data)]


def _everything(data: EnvironmentData) -> Iterator[Event]:
    yield _intent("xfer-full")
    for kind, items in data.items.items():
        for key, item in items.items():
            yield _changed(Change(kind, key, item.version, item.body))
    yield _transferred(data)


def _changed(change: Change) -> Event:
    """One object; keys of flags and segments need no escapes."""
    names = change.version, _KINDS[change.kind], change.key.encode()
    if change.body is None:
        return b"delete-object", b'{"version":%d,"kind":"%b","key":"%b"}' % names
    put = b'{"version":%d,"kind":"%b","key":"%b","object":%b}' % (*names, change.body)
    return b"put-object", put


def _intent(code: Intent) -> Event:
    payload = {"id": _PAYLOAD, "target": _NUMBER, "intentCode": code, "reason": _REASONS[code]}
    return b"server-intent", json.dumps({"payloads": [payload]}).encode()


def _transferred(data: EnvironmentData) -> Event:
    state = {"id": _PAYLOAD, "state": data.tag, "version": _NUMBER}
    return b"payload-transferred", json.dumps(state).encode()
