"""What LaunchDarkly's SDKs and Relay Proxies connect to, as one of the dialects."""

import json
from typing import Final

from api.errors import ApiError
from api.http.dialects import Dialect


def error_body(error: ApiError, error_id: str) -> bytes:
    """The body of a refusal; SDKs and relays read the status alone, and people the rest."""
    return json.dumps({"message": error.message, "id": error_id}).encode()


_PREFIXES: Final = (b"/sdk/", b"/big-segments", b"/all", b"/bulk", b"/diagnostic")
#: SDKs block on ``Retry-After``.
SDK: Final = Dialect("sdk", _PREFIXES, error_body)
