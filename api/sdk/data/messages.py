"""Server-sent events of data, in the form of SDKs' first protocol.

Source: python-server-sdk 9.18.2. Events are ``put`` with everything, ``patch`` with one object
and ``delete`` with the path of one; names of others are ignored, and so are comments.
"""

import json
from collections.abc import Sequence
from typing import Final

from api.http.streamed_answer import Pieces
from api.sdk.data.environment_data import Change, EnvironmentData

EVENTS: Final = "text/event-stream"
#: Nothing for an SDK, which connects again after five minutes without any byte.
PING: Final = b":\n\n"
#: Bytes written at once; of a slow reader's data no more than about this is copied.
_PIECE_BYTES: Final = 256 * 1024


def messages_of(data: EnvironmentData, before: EnvironmentData | None) -> Pieces:
    """Make what a stream sends.

    Args:
        data: What the SDK is to have.
        before: What it has, if that is known.
    """
    changes = None if before is None else data.changes_from(before)
    return put_all(data) if changes is None else apply_changes(changes)


def put_all(data: EnvironmentData) -> Pieces:
    """Everything; its content is in the memory once, for all streams."""
    content = memoryview(data.content)
    starts = range(0, len(content), _PIECE_BYTES)
    cut = (content[start : start + _PIECE_BYTES] for start in starts)
    return [b'event: put\ndata: {"path":"/","data":', *cut, b"}\n\n"]


def apply_changes(changes: Sequence[Change]) -> Pieces:
    """One event for each change."""
    return [_event(change) for change in changes]


def _event(change: Change) -> bytes:
    path = json.dumps(f"/{change.kind}/{change.key}").encode()
    if change.body is None:
        return b'event: delete\ndata: {"path":%b,"version":%d}\n\n' % (path, change.version)
    return b'event: patch\ndata: {"path":%b,"data":%b}\n\n' % (path, change.body)
