"""How many values a JSON body may hold: reading it keeps every other thread from running."""

from typing import Final

from api.errors import InvalidRequest

#: A body of the largest size holds one value in so many bytes; keys of ordinary length are
#: longer. Reading 260,000 values takes some 20 ms, in which no look-up is answered; 5 MiB of
#: empty arrays would take 300 ms.
BYTES_A_VALUE: Final = 20

#: What begins a value, or separates it from the one before.
_SIGNS: Final = (b",", b"[", b"{")


def most_values(max_body_bytes: int) -> int:
    """Values that a body may hold where bodies may be of this size."""
    return max_body_bytes // BYTES_A_VALUE


def require_few_values(body: bytes, most: int) -> None:
    """Make sure that a body is not made of very many small values.

    Signs inside strings count as well, which makes a difference only to texts made of them.
    Cost: about 1 µs a KiB.

    Raises:
        InvalidRequest: it is.
    """
    if len(body) > most and sum(map(body.count, _SIGNS)) > most:
        raise InvalidRequest(f"the body holds over {most:,} values; send several requests")
