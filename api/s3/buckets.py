"""Operations on the service and on buckets, but for listings of what is in them."""

from typing import Final

from api.s3.documents import Fields, format_time, xml_answer
from api.s3.requests import Answer, Request
from api.s3.stand_in import StandIn

_OWNER: Final = {"ID": "bigseg", "DisplayName": "bigseg"}


def list_buckets(stand_in: StandIn, _: Request) -> Answer:
    """ListBuckets."""
    buckets = [
        {"Name": name, "CreationDate": format_time(made_s)}
        for name, made_s in stand_in.catalogue.buckets()
    ]
    fields: Fields = {"Owner": _OWNER, "Buckets": {"Bucket": buckets}}
    return xml_answer("ListAllMyBucketsResult", fields)


def make_bucket(stand_in: StandIn, request: Request) -> Answer:
    """CreateBucket; one that is there is kept, and the answer is the same."""
    stand_in.catalogue.make_bucket(request.bucket, request.now_s)
    return Answer(headers={"Location": f"/{request.bucket}"})


def head_bucket(stand_in: StandIn, request: Request) -> Answer:
    """HeadBucket."""
    stand_in.catalogue.require_bucket(request.bucket)
    return Answer(headers={"x-amz-bucket-region": "us-east-1"})


def delete_bucket(stand_in: StandIn, request: Request) -> Answer:
    """DeleteBucket."""
    stand_in.blobs.remove(stand_in.catalogue.delete_bucket(request.bucket))
    return Answer(204)


def get_location(stand_in: StandIn, request: Request) -> Answer:
    """GetBucketLocation: empty, which means us-east-1."""
    stand_in.catalogue.require_bucket(request.bucket)
    return xml_answer("LocationConstraint", {})


def get_versioning(stand_in: StandIn, request: Request) -> Answer:
    """GetBucketVersioning: empty, which means that it never had any."""
    stand_in.catalogue.require_bucket(request.bucket)
    return xml_answer("VersioningConfiguration", {})
