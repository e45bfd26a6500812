"""Vercel's REST API as one of the dialects."""

from typing import Final

from api.http.dialects import Dialect
from api.vercel.wire.refusals import error_body

#: Each operation has a version of its own; ``/teams`` has none. Terraform's provider tries again
#: after a 429 only if it says when.
VERCEL: Final = Dialect(
    "vercel", (b"/v1/", b"/v2/", b"/v9/", b"/teams/"), error_body, says_retry_after=True
)
