"""What LaunchDarkly's SDKs and Relay Proxies connect to, as one of the dialects."""

import json
from typing import Final

from api.errors import ApiError
from api.http.dialects import Dialect


def error_body(error: ApiError, error_id: str) -> bytes:
    """The body of a refusal; SDKs and relays read the status alone, and people the rest."""
    return json.dumps({"message": error.message, "id": error_id}).encode()


#: SDKs block on ``Retry-After``.
SDK: Final = Dialect("sdk", (b"/sdk/", b"/big-segments"), error_body)
