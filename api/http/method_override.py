"""``X-HTTP-Method-Override``: a POST for clients that can send no other method."""

from typing import Final

from api.errors import InvalidRequest
from api.http.asgi import Scope, header

_NAME: Final = b"x-http-method-override"
#: Source: the overview of LaunchDarkly's REST API.
_METHODS: Final = ("PATCH", "DELETE", "PUT")


def method_of(scope: Scope) -> str:
    """The method that a request means; the header counts on a POST only.

    Raises:
        InvalidRequest: the header names another method. It is not obeyed and not ignored
            either: the POST might then do what nobody meant.
    """
    method: str = scope["method"]
    if method != "POST":
        return method
    value = header(scope, _NAME)
    if value is None:
        return method
    meant = value.strip().upper().decode("latin-1")
    if meant not in _METHODS:
        raise InvalidRequest(f"X-HTTP-Method-Override takes {', '.join(_METHODS)}")
    return meant
