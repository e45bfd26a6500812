"""Imports and exports, at work and at their end."""

from collections.abc import Mapping
from typing import Any, Final

from api.launchdarkly.openapi.examples import names
from api.launchdarkly.openapi.examples.example import Examples
from api.launchdarkly.openapi.references import FORM, JSON

_SEGMENT: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}/{names.BIG_SEGMENT}"
_IMPORT: Final = f"{_SEGMENT}/imports/{names.IMPORT}"
_EXPORT: Final = f"{_SEGMENT}/exports/{names.EXPORT}"
_PARENT: Final = {"href": _SEGMENT, "type": "application/json"}


def _import(status: str, stage: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "id": names.IMPORT,
        "segmentKey": names.BIG_SEGMENT,
        "creationTime": names.CREATED,
        "mode": "merge",
        "status": status,
        "files": [{"filename": "customers.csv", "status": status}],
        "_links": {"self": {"href": _IMPORT, "type": "application/json"}, "parent": _PARENT},
        "stage": stage,
        "reason": None,
        "report": None,
        "previousImport": None,
        **fields,
    }


def _export(status: str, stage: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    links = {"self": {"href": _EXPORT, "type": "application/json"}, "parent": _PARENT}
    return {
        "id": names.EXPORT,
        "segmentKey": names.BIG_SEGMENT,
        "creationTime": names.CREATED,
        "status": status,
        "sizeBytes": 0,
        "size": "0 B",
        "initiator": {"name": "nightly job"},
        "format": "csv",
        "rows": None,
        "stage": stage,
        "reason": None,
        "_links": links,
        **fields,
    }


def _progress(stage: str, done: int, rate: float | None, eta: float | None) -> dict[str, Any]:
    return {
        "stage": stage,
        "bytesDone": done * 18,
        "bytesTotal": 18_000_000,
        "rowsDone": done,
        "rate": rate,
        "etaSeconds": eta,
    }


_REPORT: Final = {
    "rowsRead": 1_000_000,
    "accepted": 999_990,
    "duplicates": 8,
    "rejected": 2,
    "rejectedByReason": {"blank": 2},
    "membersBefore": 250_000,
    "added": 749_995,
    "removed": 0,
    "unchanged": 249_995,
    "rejectedSample": [{"row": 17, "reason": "blank"}, {"row": 4_711, "reason": "blank"}],
    "warnings": [
        {
            "kind": "header",
            "count": 1,
            "rows": [1],
            "message": "the first row looks like a header and was imported as a key",
        }
    ],
    "membersAfter": 999_996,
    "editedWhileImporting": 1,
    "seconds": {"plan": 0.1, "scatter": 1.5, "gather": 1.2, "publish": 0.1, "total": 2.9},
}
_ACCEPTED: Final = _import("preparing", "claim", progress=_progress("claim", 0, None, None))
_WRITTEN: Final = _export(
    "complete",
    "ended",
    sizeBytes=18_000_000,
    size="18.0 MB",
    rows=1_000_000,
    progress=_progress("ended", 1_000_000, 850_000.0, 0.0),
    _links={
        "self": {"href": _EXPORT, "type": "application/json"},
        "parent": _PARENT,
        "download": {"href": f"{_EXPORT}/download", "type": "text/csv"},
    },
)

EXAMPLES: Final[Mapping[str, Examples]] = {
    "createBigSegmentImport": Examples(
        bodies={
            FORM: {
                "upload": {"file": "customer-1234\ncustomer-5678\n", "mode": "merge"},
                "upload that replaces the list": {
                    "file": "customer-1234\n",
                    "mode": "replace",
                    "waitOnApprovals": False,
                },
                "upload that waits for its approval": {
                    "file": "customer-1234\n",
                    "waitOnApprovals": True,
                },
            },
        },
        headers={"Location": _IMPORT},
    ),
    "createBigSegmentImportFromSource": Examples(
        bodies={
            JSON: {
                "list in S3": {"source": "s3://bigseg/lists/customers.csv", "mode": "replace"},
            },
        },
        answers={202: {"accepted": _ACCEPTED}},
        headers={"Location": _IMPORT},
    ),
    "getBigSegmentImport": Examples(
        answers={
            200: {
                "at work": _import(
                    "in_progress",
                    "scatter",
                    progress=_progress("scatter", 400_000, 410_000.5, 1.5),
                ),
                "complete": _import(
                    "complete",
                    "ended",
                    progress=_progress("ended", 1_000_000, 344_827.6, 0.0),
                    report=_REPORT,
                ),
                "waits for its approval": _import(
                    "pending_approval",
                    "approval",
                    progress=_progress("approval", 1_000_000, 344_827.6, None),
                    report=_REPORT,
                ),
                "stopped": _import(
                    "stopped",
                    "ended",
                    reason="would empty the list of 250,000 members: no row was accepted; "
                    "if that is intended, send allowEmpty=true (bigseg import --allow-empty)",
                    progress=_progress("ended", 0, None, 0.0),
                ),
            }
        }
    ),
    "createBigSegmentExport": Examples(
        bodies={JSON: {"csv": {"format": "csv"}, "parquet": {"format": "parquet"}}},
        answers={
            200: {
                "accepted": _export(
                    "preparing", "claim", progress=_progress("claim", 0, None, None)
                )
            }
        },
        headers={"Location": _EXPORT},
    ),
    "getBigSegmentExport": Examples(answers={200: {"complete": _WRITTEN}}),
    "downloadBigSegmentExport": Examples(
        answers={
            200: {"csv": "customer-1234\ncustomer-5678\n"},
            206: {"csv": "customer-1234\n"},
        },
        headers={
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'attachment; filename="{names.BIG_SEGMENT}.csv"',
            "Content-Range": "bytes 0-13/28",
            "ETag": names.ETAG,
        },
    ),
}
