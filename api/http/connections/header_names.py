"""Names of headers as they are written: ``Location``, not ``location``.

HTTP says that case means nothing, but LaunchDarkly's Python client gives the headers of an
answer as a plain dict, and the id of an import is only in ``headers["Location"]``.
"""

from functools import lru_cache
from typing import Final, Self

#: Uvicorn looks for these itself, in lower case.
_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})


class _Written(bytes):
    """A name that stays as it is when uvicorn, which writes ``name.lower()``, asks."""

    __slots__ = ()

    def lower(self) -> Self:
        return self


@lru_cache(128)
def as_written(name: bytes) -> bytes:
    """The name that a server is to write for a name in lower case.

    Words begin with a capital, as in ``X-Ratelimit-Reset``; names that frame the body stay.
    """
    return name if name in _FRAMING else _Written(name.title())
