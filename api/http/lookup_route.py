"""The route of look-ups, which the front serves itself: a framework costs more than the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.access.auth import Caller
from api.http.asgi import Receive, Scope
from api.lookups.lookups import Lookups, SegmentAddress

Question = list[bytes]
"""The parts of a path that asks for a membership."""


@dataclass(frozen=True, slots=True)
class LookupRoute:
    """How the clients of one API ask for a membership, and how they are answered."""

    parse_question: Callable[[bytes], Question | None]
    """Gives the parts of an undecoded path if it asks for a membership, whatever the method."""
    limit_name: Callable[[Question], bytes]
    """The name under which the question counts against the limits."""
    methods_for: Callable[[Question], tuple[str, ...]]
    """The methods that the question's path takes; a POST has the key in its body."""
    require_address: Callable[[Question, Caller], SegmentAddress]
    """Gives the segment that the question is about, if the caller may ask."""
    key_in_path: Callable[[Question], str]
    key_in_body: Callable[[Scope, Receive], Awaitable[str]]
    look_up: Callable[[Lookups, SegmentAddress, str], Awaitable[bytes]]
    """Gives the body of the answer."""
