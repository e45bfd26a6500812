"""Which operation answers which request."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from api.s3 import buckets, listing, reading, tagging, uploads, writing
from api.s3.documents import refusal_answer
from api.s3.errors import S3Refusal, not_implemented
from api.s3.presigned import require_unexpired
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn

Operation: TypeAlias = Callable[[StandIn, Request], Answer]

#: By level, method and sub-resource.
_OPERATIONS: Final[Mapping[tuple[str, str, str], Operation]] = {
    ("service", "GET", ""): buckets.list_buckets,
    ("bucket", "PUT", ""): buckets.make_bucket,
    ("bucket", "HEAD", ""): buckets.head_bucket,
    ("bucket", "DELETE", ""): buckets.delete_bucket,
    ("bucket", "GET", "location"): buckets.get_location,
    ("bucket", "GET", "versioning"): buckets.get_versioning,
    ("bucket", "GET", "uploads"): uploads.list_uploads,
    ("bucket", "POST", "delete"): writing.delete_objects,
    ("object", "GET", ""): reading.get_object,
    ("object", "HEAD", ""): reading.get_object,
    ("object", "GET", "tagging"): tagging.get_tagging,
    ("object", "PUT", "tagging"): tagging.put_tagging,
    ("object", "PUT", ""): writing.put_object,
    ("object", "DELETE", ""): writing.delete_object,
    ("object", "POST", "uploads"): uploads.start_upload,
    ("object", "PUT", "partNumber"): uploads.put_part,
    ("object", "POST", "uploadId"): uploads.complete_upload,
    ("object", "GET", "uploadId"): uploads.list_parts,
    ("object", "DELETE", "uploadId"): uploads.abort_upload,
}


def answer(stand_in: StandIn, request: Request) -> Answer:
    """Carry out a request; what is refused is answered, too.

    Raises:
        BodyCutError: the client went away; nothing has changed.
    """
    try:
        require_unexpired(request)
        return _choose(request)(stand_in, request)
    except S3Refusal as refusal:
        return refusal_answer(refusal)


def _choose(request: Request) -> Operation:
    level, method, sub_resource = request.operation
    if (level, method, sub_resource) == ("bucket", "GET", ""):
        is_second = request.query.get("list-type") == "2"
        return listing.list_objects_v2 if is_second else listing.list_objects
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise not_implemented(f"{method} of a {level}'s {sub_resource or 'content'}")
    return operation
