"""GetObjectTagging and PutObjectTagging: tags are no part of an object's state."""

from typing import Final
from urllib.parse import parse_qsl, urlencode

from api.s3.bodies import read_all
from api.s3.documents import parse_items, xml_answer
from api.s3.errors import S3Refusal
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn

#: The header of S3 that names them, under which they are kept with the object.
TAGGING: Final = "x-amz-tagging"
_MAX_DOCUMENT_BYTES: Final = 64 * 1024
#: Source: S3 user guide, "Categorizing your objects using tags".
_MAX_TAGS: Final = 10


def get_tagging(stand_in: StandIn, request: Request) -> Answer:
    """GetObjectTagging."""
    stored = stand_in.catalogue.find(request.bucket, request.key)
    tags = parse_qsl(stored.headers.get(TAGGING, ""), keep_blank_values=True)
    items = [{"Key": name, "Value": value} for name, value in tags]
    return xml_answer("Tagging", {"TagSet": {"Tag": items}})


def put_tagging(stand_in: StandIn, request: Request) -> Answer:
    """PutObjectTagging."""
    document = read_all(request.body, _MAX_DOCUMENT_BYTES)
    tags = {item.get("Key", ""): item.get("Value", "") for item in parse_items(document, "Tag")}
    if len(tags) > _MAX_TAGS:
        raise S3Refusal(400, "BadRequest", f"an object can have {_MAX_TAGS} tags")
    headers = {TAGGING: urlencode(tags)}
    stand_in.catalogue.put_headers(request.bucket, request.key, headers)
    return Answer()
