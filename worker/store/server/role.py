"""Is a server a primary? What to ask it, how to read its reply, and how often to ask again.

A primary that was demoted keeps its connections and answers reads from data that no longer
changes. Only its role tells, so every connection asks for it when it opens and again while
it is used.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: The command that tells the role. No access control list can forbid it, unlike ROLE and
#: INFO; without an argument it changes nothing.
#:
#: Source: HELLO is flagged ``no_auth`` by Redis 7.2 and later and by Valkey, and such commands
#: are left out of the check; tests/integration/lookups/test_lookup_logins.py asks real servers.
ROLE_QUESTION: Final = "HELLO"

#: Seconds for which a role that was seen is relied on. A demotion shows within this time
#: and one time-out; asking costs one more command in a pipeline, four times a second.
ROLE_COUNTS_S: Final = 0.25

#: Error codes of a server that is not, or no longer, the one to talk to. The connection is
#: dropped, so that the next one goes to wherever the name leads by then.
TURNED_AWAY: Final = frozenset({"LOADING", "MASTERDOWN", "READONLY", "UNBLOCKED"})

_NO_ROOM: Final = "max number of clients reached"


def role_in(reply: Any) -> str:  # noqa: ANN401 - a reply
    """The role that a reply to the question names: ``master``, ``replica`` or ``unknown``.

    Args:
        reply: in either version of the protocol, a mapping or the same as a flat list.
    """
    return _field(reply, "role")


def mode_in(reply: Any) -> str:  # noqa: ANN401 - a reply
    """What the same reply says of the server's mode: ``cluster``, another, or ``unknown``."""
    return _field(reply, "mode")


def _field(reply: Any, name: str) -> str:  # noqa: ANN401 - a reply
    if isinstance(reply, Sequence) and not isinstance(reply, str | bytes):
        reply = dict(zip(reply[::2], reply[1::2], strict=False))
    if not isinstance(reply, Mapping):
        return "unknown"
    value = reply.get(name.encode(), reply.get(name, "unknown"))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def code_of(error: object) -> str:
    """The first word of an error reply."""
    return str(error).split(" ", 1)[0]


def reason_of(error: object) -> str:
    """What an operator needs to know of an error reply: its code, or that there is no room."""
    return _NO_ROOM if _NO_ROOM in str(error) else code_of(error)
