"""Is a server a primary? What to ask it, how to read its reply, and how often to ask again.

A primary that was demoted keeps its connections and answers reads from data that no longer
changes. Only its role tells, so every connection asks for it when it opens and again while
it is used.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Commands that tell the role, in the order in which they are tried: ROLE is the shorter
#: one, HELLO needs no right to administrative commands.
ROLE_QUESTIONS: Final = ("ROLE", "HELLO")

#: Seconds for which a role that was seen is relied on. A demotion shows within this time
#: and one time-out; asking costs one more command in a pipeline, four times a second.
ROLE_COUNTS_S: Final = 0.25

#: Error codes of a server that is not, or no longer, the one to talk to. The connection is
#: dropped, so that the next one goes to wherever the name leads by then.
TURNED_AWAY: Final = frozenset({"LOADING", "MASTERDOWN", "READONLY", "UNBLOCKED"})


def role_in(reply: Any) -> str:  # noqa: ANN401 - a reply
    """The role that the reply to one of the questions names: ``master``, or another.

    Args:
        reply: to ROLE, or to HELLO in either version of the protocol.
    """
    if isinstance(reply, Mapping):
        found = {_text(name): value for name, value in reply.items()}.get("role")
        return _text(found)
    if isinstance(reply, Sequence) and not isinstance(reply, str | bytes) and reply:
        parts = [_text(part) for part in reply]
        return parts[parts.index("role") + 1] if "role" in parts[:-1] else parts[0]
    return "server of unknown role"


def code_of(error: object) -> str:
    """The first word of an error reply."""
    return str(error).split(" ", 1)[0]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
