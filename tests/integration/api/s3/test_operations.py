"""The S3 stand-in answers what bigseg and the AWS tools ask, as moto does where that is right."""

import io
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.servers.objects import CREDENTIALS, ObjectServer, running_stand_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MIB = 1024 * 1024
_BUCKET = "operations"
_ODD_KEYS = ("a b", "a+b%2F?&#", "ü/ß", "a<&>")
# moto loses or folds these.
_ODDER_KEYS = ("../up", "./here", "/", "//x", "a/../b", "\x01\n", "k" * 1024)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with running_stand_in(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def own(stand_in: ObjectServer) -> Iterator["S3Client"]:
    """A client of the stand-in, and an empty bucket."""
    with _using_bucket(stand_in) as client:
        yield client


@pytest.fixture(params=["stand-in", "moto"])
def s3(
    request: pytest.FixtureRequest, stand_in: ObjectServer, s3_server: ObjectServer
) -> Iterator["S3Client"]:
    """A client of each server in turn, and an empty bucket."""
    with _using_bucket(stand_in if request.param == "stand-in" else s3_server) as client:
        yield client


@contextmanager
def _using_bucket(server: ObjectServer) -> Iterator["S3Client"]:
    with closing(_client(server)) as client:
        client.create_bucket(Bucket=_BUCKET)
        yield client
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET):
            for entry in page.get("Contents", ()):
                client.delete_object(Bucket=_BUCKET, Key=entry["Key"])
        for upload in client.list_multipart_uploads(Bucket=_BUCKET).get("Uploads", ()):
            client.abort_multipart_upload(
                Bucket=_BUCKET, Key=upload["Key"], UploadId=upload["UploadId"]
            )


def _client(server: ObjectServer, **options: Any) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **options
        ),
    )


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def _status(error: pytest.ExceptionInfo[ClientError]) -> int:
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def _read(s3: "S3Client", key: str, **options: Any) -> bytes:
    return s3.get_object(Bucket=_BUCKET, Key=key, **options)["Body"].read()


def test_object__written__is_read_with_what_its_writer_said(s3: "S3Client") -> None:
    put = s3.put_object(
        Bucket=_BUCKET,
        Key="k",
        Body=b"one",
        ContentType="text/csv",
        ContentEncoding="gzip",
        CacheControl="no-store",
        Metadata={"made-by": "a test"},
    )
    for reply in (s3.head_object(Bucket=_BUCKET, Key="k"), s3.get_object(Bucket=_BUCKET, Key="k")):
        assert reply["ETag"] == put["ETag"]
        assert (reply["ContentLength"], reply["ContentType"]) == (3, "text/csv")
        assert (reply["ContentEncoding"], reply["CacheControl"]) == ("gzip", "no-store")
        assert reply["Metadata"] == {"made-by": "a test"}
    assert _read(s3, "k") == b"one"
    same = s3.put_object(Bucket=_BUCKET, Key="same", Body=b"one")
    other = s3.put_object(Bucket=_BUCKET, Key="k", Body=b"two")
    assert same["ETag"] == put["ETag"] != other["ETag"]
    assert _read(s3, "k") == b"two"


@pytest.mark.parametrize(
    ("wanted", "content"),
    [
        ("bytes=0-0", b"0"),
        ("bytes=2-4", b"234"),
        ("bytes=7-", b"789"),
        ("bytes=-3", b"789"),
        ("bytes=5-99", b"56789"),
        ("bytes=-99", b"0123456789"),
    ],
)
def test_range__inside__is_all_that_is_sent(s3: "S3Client", wanted: str, content: bytes) -> None:
    s3.put_object(Bucket=_BUCKET, Key="k", Body=b"0123456789")
    reply = s3.get_object(Bucket=_BUCKET, Key="k", Range=wanted)
    assert reply["Body"].read() == content
    assert reply["ContentLength"] == len(content)
    start = b"0123456789".index(content)
    assert reply["ContentRange"] == f"bytes {start}-{start + len(content) - 1}/10"
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_range__after_the_end__is_refused(s3: "S3Client") -> None:
    s3.put_object(Bucket=_BUCKET, Key="k", Body=b"0123456789")
    with pytest.raises(ClientError) as error:
        _read(s3, "k", Range="bytes=10-")
    assert (_status(error), _code(error)) == (416, "InvalidRange")


def test_conditions__of_a_reader__are_kept(s3: "S3Client") -> None:
    etag = s3.put_object(Bucket=_BUCKET, Key="k", Body=b"one")["ETag"]
    assert _read(s3, "k", IfMatch=etag) == b"one"
    assert _read(s3, "k", IfNoneMatch='"another"') == b"one"
    with pytest.raises(ClientError) as error:
        _read(s3, "k", IfMatch='"another"', Range="bytes=0-1")
    assert (_status(error), _code(error)) == (412, "PreconditionFailed")
    with pytest.raises(ClientError) as error:
        _read(s3, "k", IfNoneMatch=etag)
    assert _status(error) == 304


def test_conditions__of_a_writer__are_kept(s3: "S3Client") -> None:
    s3.put_object(Bucket=_BUCKET, Key="k", Body=b"one", IfNoneMatch="*")
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=_BUCKET, Key="k", Body=b"two", IfNoneMatch="*")
    assert (_status(error), _code(error)) == (412, "PreconditionFailed")
    assert _read(s3, "k") == b"one"


def test_missing__object_or_bucket__is_told_apart(s3: "S3Client") -> None:
    with pytest.raises(ClientError) as error:
        _read(s3, "k")
    assert (_status(error), _code(error)) == (404, "NoSuchKey")
    for call in (s3.get_object, s3.put_object, s3.delete_object, s3.create_multipart_upload):
        with pytest.raises(ClientError) as error:
            call(Bucket="not-there", Key="k")
        assert (_status(error), _code(error)) == (404, "NoSuchBucket")
    for bucket_call in (s3.list_objects_v2, s3.list_multipart_uploads):
        with pytest.raises(ClientError) as error:
            bucket_call(Bucket="not-there")
        assert _code(error) == "NoSuchBucket"
    with pytest.raises(ClientError) as error:
        s3.head_bucket(Bucket="not-there")
    assert _status(error) == 404
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket=_BUCKET, Key="k")
    assert _status(error) == 404


@pytest.mark.parametrize("key", _ODD_KEYS)
def test_key__with_odd_characters__is_taken_literally(s3: "S3Client", key: str) -> None:
    _check_key(s3, key)


@pytest.mark.parametrize("key", _ODDER_KEYS)
def test_key__that_looks_like_a_path_or_is_long__is_taken_literally(
    own: "S3Client", key: str
) -> None:
    _check_key(own, key)


def _check_key(s3: "S3Client", key: str) -> None:
    s3.put_object(Bucket=_BUCKET, Key=key, Body=key.encode())
    assert _read(s3, key) == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=_BUCKET)["Contents"]] == [key]


def test_listing__pages_and_folders__are_complete(own: "S3Client") -> None:
    keys = ["a", "b/1", "b/2", "b/3/x", "c", "ü"]
    for key in keys:
        own.put_object(Bucket=_BUCKET, Key=key, Body=b"x")
    for name in ("list_objects_v2", "list_objects"):
        pages = list(
            own.get_paginator(name).paginate(Bucket=_BUCKET, PaginationConfig={"PageSize": 2})
        )
        assert [entry["Key"] for page in pages for entry in page.get("Contents", ())] == keys
        folded = list(
            own.get_paginator(name).paginate(
                Bucket=_BUCKET, Delimiter="/", PaginationConfig={"PageSize": 2}
            )
        )
        shown = [entry["Key"] for page in folded for entry in page.get("Contents", ())]
        folders = [entry["Prefix"] for page in folded for entry in page.get("CommonPrefixes", ())]
        assert (shown, folders) == (["a", "c", "ü"], ["b/"])
    inside = own.list_objects_v2(Bucket=_BUCKET, Prefix="b/", Delimiter="/")
    assert [entry["Key"] for entry in inside["Contents"]] == ["b/1", "b/2"]
    assert [entry["Prefix"] for entry in inside["CommonPrefixes"]] == ["b/3/"]
    assert [e["Key"] for e in own.list_objects_v2(Bucket=_BUCKET, StartAfter="c")["Contents"]] == [
        "ü"
    ]


def test_deletion__of_many__deletes_them_and_minds_no_missing_one(
    own: "S3Client",
) -> None:
    for key in ("a", "b", "c&d"):
        own.put_object(Bucket=_BUCKET, Key=key)
    named = [{"Key": key} for key in ("a", "c&d", "missing")]
    reply = own.delete_objects(Bucket=_BUCKET, Delete={"Objects": named})  # type: ignore[typeddict-item]  # a plain dict
    assert {entry["Key"] for entry in reply["Deleted"]} == {"a", "c&d", "missing"}
    assert "Errors" not in reply
    assert [entry["Key"] for entry in own.list_objects_v2(Bucket=_BUCKET)["Contents"]] == ["b"]
    own.delete_object(Bucket=_BUCKET, Key="missing")
    quiet = own.delete_objects(Bucket=_BUCKET, Delete={"Objects": [{"Key": "b"}], "Quiet": True})
    assert "Deleted" not in quiet


def test_upload__by_the_drivers_transfer__is_one_object(s3: "S3Client") -> None:
    content = os.urandom(12 * _MIB)
    parts = TransferConfig(multipart_threshold=5 * _MIB, multipart_chunksize=5 * _MIB)
    s3.upload_fileobj(
        io.BytesIO(content), _BUCKET, "k", ExtraArgs={"ContentType": "text/csv"}, Config=parts
    )
    head = s3.head_object(Bucket=_BUCKET, Key="k")
    assert head["ETag"].endswith('-3"')
    assert (head["ContentLength"], head["ContentType"]) == (len(content), "text/csv")
    downloaded = io.BytesIO()
    s3.download_fileobj(_BUCKET, "k", downloaded, Config=parts)
    assert downloaded.getvalue() == content
    across = _read(s3, "k", Range=f"bytes={5 * _MIB - 10}-{10 * _MIB + 9}")
    assert across == content[5 * _MIB - 10 : 10 * _MIB + 10]


def test_upload__parts_and_its_end__are_checked(own: "S3Client") -> None:
    upload = own.create_multipart_upload(Bucket=_BUCKET, Key="k")["UploadId"]
    where: dict[str, Any] = {"Bucket": _BUCKET, "Key": "k", "UploadId": upload}
    etags = [
        own.upload_part(**where, PartNumber=number, Body=body)["ETag"]
        for number, body in ((1, b"x" * 5 * _MIB), (2, b"small"), (3, b"last"), (2, b"again"))
    ]
    listed = own.list_parts(**where)["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [
        (1, 5 * _MIB),
        (2, 5),
        (3, 4),
    ]
    assert listed[1]["ETag"] == etags[3]

    def complete(*parts: tuple[int, str]) -> Any:
        named: Any = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        return own.complete_multipart_upload(**where, MultipartUpload={"Parts": named})

    for parts, code in (
        (((1, etags[2]),), "InvalidPart"),
        (((4, etags[0]),), "InvalidPart"),
        (((3, etags[2]), (1, etags[0])), "InvalidPartOrder"),
        (((2, etags[3]), (3, etags[2])), "EntityTooSmall"),
    ):
        with pytest.raises(ClientError) as error:
            complete(*parts)
        assert _code(error) == code
    assert [
        found["UploadId"] for found in own.list_multipart_uploads(Bucket=_BUCKET)["Uploads"]
    ] == [upload]
    done = complete((1, etags[0]), (3, etags[2]))
    assert done["ETag"] == own.head_object(Bucket=_BUCKET, Key="k")["ETag"]
    assert _read(own, "k") == b"x" * 5 * _MIB + b"last"
    assert "Uploads" not in own.list_multipart_uploads(Bucket=_BUCKET)
    for call in (own.abort_multipart_upload, own.list_parts):
        with pytest.raises(ClientError) as error:
            call(**where)
        assert _code(error) == "NoSuchUpload"


def test_upload__aborted__leaves_nothing(own: "S3Client") -> None:
    upload = own.create_multipart_upload(Bucket=_BUCKET, Key="a/k")["UploadId"]
    where: dict[str, Any] = {"Bucket": _BUCKET, "Key": "a/k", "UploadId": upload}
    own.upload_part(**where, PartNumber=1, Body=b"x")
    assert "Uploads" not in own.list_multipart_uploads(Bucket=_BUCKET, Prefix="b/")
    assert len(own.list_multipart_uploads(Bucket=_BUCKET, Prefix="a/")["Uploads"]) == 1
    own.abort_multipart_upload(**where)
    with pytest.raises(ClientError) as error:
        own.upload_part(**where, PartNumber=2, Body=b"x")
    assert _code(error) == "NoSuchUpload"
    assert "Contents" not in own.list_objects_v2(Bucket=_BUCKET)


def test_copy__of_an_object_or_a_part_of_it__has_its_content(s3: "S3Client") -> None:
    s3.put_object(Bucket=_BUCKET, Key="k ü", Body=b"0123456789", ContentType="text/csv")
    source: Any = {"Bucket": _BUCKET, "Key": "k ü"}
    s3.copy_object(Bucket=_BUCKET, Key="kept", CopySource=source)
    s3.copy_object(
        Bucket=_BUCKET,
        Key="renewed",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="text/plain",
    )
    types = [s3.head_object(Bucket=_BUCKET, Key=key)["ContentType"] for key in ("kept", "renewed")]
    assert types == ["text/csv", "text/plain"]
    assert _read(s3, "kept") == _read(s3, "renewed") == b"0123456789"
    where: dict[str, Any] = {"Bucket": _BUCKET, "Key": "part"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    copied = s3.upload_part_copy(
        **where, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-5"
    )
    part: Any = {"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [part]})
    assert _read(s3, "part") == b"2345"


def test_presigned_addresses__without_a_driver__write_and_read(s3: "S3Client") -> None:
    where = {"Bucket": _BUCKET, "Key": "k"}
    put = s3.generate_presigned_url("put_object", Params=where)
    assert httpx.put(put, content=b"0123456789").status_code == 200
    saved = {"ResponseContentDisposition": "attachment; filename=list.csv"}
    get = s3.generate_presigned_url("get_object", Params=where | saved)
    reply = httpx.get(get, headers={"Range": "bytes=3-4"})
    assert (reply.status_code, reply.content) == (206, b"34")
    assert reply.headers["Content-Disposition"] == "attachment; filename=list.csv"


def test_presigned_address__expired__is_refused_before_anything_is_written(
    stand_in: ObjectServer, own: "S3Client"
) -> None:
    with closing(_client(stand_in, signature_version="s3v4")) as signer:
        put = signer.generate_presigned_url("put_object", Params={"Bucket": _BUCKET, "Key": "k"})
    for date, status in (("20200101T000000Z", 403), ("99991231T235959Z", 400), ("x", 400)):
        late = str(httpx.URL(put).copy_set_param("X-Amz-Date", date))
        reply = httpx.put(late, content=b"x")
        assert (reply.status_code, "Request has expired" in reply.text) == (status, status == 403)
    assert own.list_objects_v2(Bucket=_BUCKET)["KeyCount"] == 0


def test_bucket__with_objects__is_not_deleted(s3: "S3Client") -> None:
    s3.create_bucket(Bucket="for-a-moment")
    s3.put_object(Bucket="for-a-moment", Key="k")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket="for-a-moment")
    assert (_status(error), _code(error)) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket="for-a-moment", Key="k")
    s3.delete_bucket(Bucket="for-a-moment")
    names = {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
    assert _BUCKET in names
    assert "for-a-moment" not in names


def test_archived_object__is_headed_and_not_read(s3: "S3Client") -> None:
    s3.put_object(Bucket=_BUCKET, Key="k", Body=b"x", StorageClass="GLACIER")
    assert s3.head_object(Bucket=_BUCKET, Key="k")["StorageClass"] == "GLACIER"
    with pytest.raises(ClientError) as error:
        _read(s3, "k")
    assert (_status(error), _code(error)) == (403, "InvalidObjectState")
