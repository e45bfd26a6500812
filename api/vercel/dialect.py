"""Vercel's REST API as one of the dialects."""

from typing import Final

from api.http.dialects import Dialect
from api.vercel.wire.refusals import error_body

#: Each operation has a version of its own; ``/teams`` has none.
VERCEL: Final = Dialect("vercel", (b"/v1/", b"/v2/", b"/v9/", b"/teams/"), error_body)
