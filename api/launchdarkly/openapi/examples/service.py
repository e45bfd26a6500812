"""The service itself: health and figures."""

from collections.abc import Mapping
from typing import Final

from api.launchdarkly.openapi.examples.example import Examples

_PARTS: Final = {"redis": {"ok": True}, "s3": {"ok": True}, "broker": {"ok": True}}
_DOWN: Final = {**_PARTS, "s3": {"ok": False, "error": "no answer within 10 s"}}

EXAMPLES: Final[Mapping[str, Examples]] = {
    "getLiveness": Examples(answers={200: {"alive": {"status": "ok"}}}),
    "getReadiness": Examples(
        answers={
            200: {"all parts answer": {"status": "ok", "parts": _PARTS}},
            503: {"a part does not": {"status": "down", "parts": _DOWN}},
        }
    ),
    "getMetrics": Examples(
        answers={200: {"a counter": 'bigseg_lookups_total{status="200"} 1234.0\n'}}
    ),
}
