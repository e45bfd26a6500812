"""Headers that go with a refusal, whatever its dialect."""

from api.errors import RETRY_AFTER_S, ApiError, RangeNotSatisfiable, Unavailable


def error_headers(error: ApiError) -> tuple[tuple[bytes, bytes], ...]:
    """Headers that go with a refusal."""
    if isinstance(error, Unavailable):
        return ((b"retry-after", b"%d" % RETRY_AFTER_S),)
    if isinstance(error, RangeNotSatisfiable):
        return ((b"content-range", b"bytes */%d" % error.size_bytes),)
    return ()
