"""The manifest of an export of parts: what an import of them reads, and what they are."""

import json
from collections.abc import Sequence
from typing import Any

from worker.exports.parts import WrittenFile
from worker.store.jobs import ExportRequest


def manifest_of(
    request: ExportRequest, files: Sequence[WrittenFile], facts: dict[str, Any]
) -> bytes:
    """Write a manifest in Redshift's form, with what the export knows beside it.

    Args:
        request: The export.
        files: Its files, in order.
        facts: What holds for all of them, in wire names.
    """
    entries = [
        {
            "url": f"s3://{file.info.bucket}/{file.info.key}",
            "mandatory": True,
            "meta": {"content_length": file.info.size_bytes, "record_count": file.rows},
            "etag": file.info.etag,
            "sha256": file.sha256,
        }
        for file in files
    ]
    options = request.options
    about = {
        "id": request.export_id,
        "segment": request.list_ref.segment,
        "format": options.format,
        "compression": options.compression,
        "side": options.side,
        "header": options.header,
        "profile": options.profile,
        **facts,
    }
    return json.dumps({"entries": entries, "export": about}, indent=1).encode()
