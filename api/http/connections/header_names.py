"""Names of headers as they go out: uvicorn writes ``name.lower()``, clients may want capitals."""

from functools import lru_cache
from typing import Self

from api.http.asgi import spell


class _Spelled(bytes):
    """A name that stays as it is when uvicorn, which writes ``name.lower()``, asks."""

    __slots__ = ()

    def lower(self) -> Self:
        return self


@lru_cache(128)
def keep_spelling(name: bytes) -> bytes:
    """Give a header's name, in any case, such that uvicorn writes it as :func:`spell` does."""
    spelled = spell(name)
    # Uvicorn looks for names in lower case itself: those that frame the body.
    return name if spelled is name else _Spelled(spelled)
