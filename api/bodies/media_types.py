"""Media types of request bodies."""

from fastapi import Request

from api.errors import UnsupportedMediaType


def parse_media_type(content_type: str) -> str:
    """A ``Content-Type`` header's type in lower case without parameters, '' without a header."""
    return content_type.partition(";")[0].strip().lower()


def read_media_type(request: Request) -> str:
    """The type of the body, as :func:`parse_media_type` gives it."""
    return parse_media_type(request.headers.get("content-type", ""))


def is_json(kind: str) -> bool:
    """Whether a media type is JSON, or built on it."""
    return kind == "application/json" or kind.endswith("+json")


def require_json_type(kind: str) -> None:
    """Make sure that a media type, if one is given, is JSON.

    Raises:
        UnsupportedMediaType: it is something else.
    """
    if kind and not is_json(kind):
        raise UnsupportedMediaType(f"send application/json, not {kind[:80]}")


def require_plain_json(request: Request) -> None:
    """Make sure that a body is JSON, as far as its headers say, and not compressed.

    Raises:
        UnsupportedMediaType: it is something else.
    """
    require_json_type(read_media_type(request))
    refusal = compressed_refusal(request)
    if refusal is not None:
        raise refusal


def compressed_refusal(request: Request) -> UnsupportedMediaType | None:
    """The refusal of a body that is compressed, as far as its headers say; else ``None``."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding in {"", "identity"}:
        return None
    return UnsupportedMediaType(
        f"send the body without a Content-Encoding: {coding[:80]} is not decompressed"
    )
