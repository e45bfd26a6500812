"""LaunchDarkly's REST API as one of the dialects."""

from typing import Final

from api.http.dialects import Dialect
from api.launchdarkly.wire.links import PREFIX
from api.launchdarkly.wire.refusals import error_body

LAUNCHDARKLY: Final = Dialect("launchdarkly", (PREFIX.encode(),), error_body)
