"""Direct uploads as they are answered."""

from itertools import groupby

from api.jobs.uploads.models import PartRange, UploadRepresentation, UploadSummary
from api.jobs.uploads.sizes import count_parts
from worker.objects import UploadedPart
from worker.store import Upload


def summarise(upload: Upload) -> UploadSummary:
    """An upload as callers see it."""
    return UploadSummary(
        id=upload.id,
        status="open" if upload.state == "open" else "complete",
        filename=upload.filename,
        size_bytes=upload.size_bytes,
        part_bytes=upload.part_bytes,
        part_count=count_parts(upload),
        max_bytes=upload.max_bytes,
        fingerprint=upload.fingerprint,
        initiator=upload.initiator,
        creation_time=upload.created_ms,
        expiry_time=upload.expires_ms,
    )


def represent_upload(upload: Upload, received: list[UploadedPart]) -> UploadRepresentation:
    """The same with the parts that have arrived."""
    size = sum(part.size_bytes for part in received)
    if upload.state == "complete":
        size = upload.size_bytes or 0
    return UploadRepresentation(
        **summarise(upload).model_dump(by_alias=False),
        received=_ranges([part.number for part in received]),
        received_bytes=size,
    )


def _ranges(numbers: list[int]) -> list[PartRange]:
    """Numbers in order, as ranges."""
    runs = groupby(enumerate(numbers), key=lambda found: found[1] - found[0])
    grouped = [[number for _, number in run] for _, run in runs]
    return [PartRange(first=run[0], last=run[-1]) for run in grouped]
