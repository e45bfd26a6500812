"""Which objects an export has written, outside bigseg's own prefix."""

from collections.abc import Mapping
from typing import Any

from worker.objects import INTERNAL_PREFIX
from worker.store.schedules import KeptObject


def files_of(report: Mapping[str, Any]) -> tuple[KeptObject, ...]:
    """The objects of a complete export's report; none if they are in bigseg's own place."""
    bucket, key = report["bucket"], report["key"]
    if key.startswith(INTERNAL_PREFIX):
        return ()
    return (KeptObject(bucket, key, report["sizeBytes"], report["etag"]),)
