"""Events of buckets, in the forms of each service, and what is made of hostile ones."""

import json
from typing import Any, Final

import httpx
import pytest

from api.launchdarkly.inbox.routes import BODY_BYTES
from tests.support.servers.api import Api, assert_refused, running_api
from worker.store.jobs.inbox import MOST_HINTS

EVENTS: Final = "/api/v2/inbox/events"
KEY: Final = "inbox/default/production/vip/merge/my list (1).csv"
ENCODED: Final = "inbox/default/production/vip/merge/my+list+%281%29.csv"
FOLDER: Final = "inbox/default/production/vip/"


def _s3(bucket: str, key: str = ENCODED, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 12, "eTag": "e"}},
    }
    return {"Records": [record]}


def _sns(message: Any) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:t", "Message": json.dumps(message)}


def _event_bridge(bucket: str, kind: str = "Object Created") -> dict[str, Any]:
    detail = {"bucket": {"name": bucket}, "object": {"key": KEY, "size": 12}}
    return {"source": "aws.s3", "detail-type": kind, "detail": detail}


def _r2(bucket: str, action: str = "PutObject") -> dict[str, Any]:
    return {"account": "a", "action": action, "bucket": bucket, "object": {"key": KEY}}


def _minio(bucket: str) -> dict[str, Any]:
    name = "s3:ObjectCreated:Put"
    return {"EventName": name, "Key": f"{bucket}/{KEY}", **_s3(bucket, name=name)}


def _noted(api: Api) -> list[str]:
    with api.store() as store:
        return store.inbox.take_noted()


@pytest.mark.parametrize(
    "form",
    [
        _s3,
        lambda bucket: _sns(_s3(bucket)),
        _event_bridge,
        _minio,
        _r2,
        lambda bucket: [_r2(bucket)],
        lambda bucket: [{"MessageId": "m", "Body": json.dumps(_s3(bucket))}],
        lambda bucket: {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(_s3(bucket))}]},
        lambda bucket: {"Records": [{"body": json.dumps(_sns(_s3(bucket)))}]},
        lambda bucket: {"Records": [{"body": json.dumps(_event_bridge(bucket))}]},
        lambda bucket: _s3(bucket, name="ObjectCreated:CompleteMultipartUpload"),
    ],
    ids=[
        "S3",
        "SNS",
        "EventBridge",
        "MinIO",
        "R2",
        "a batch",
        "SQS",
        "SQS by Lambda",
        "SNS by SQS",
        "EventBridge by SQS",
        "a multipart upload",
    ],
)
def test_event__of_each_service__has_its_segment_looked_at(
    api: Api, client: httpx.Client, bucket: str, form: Any
) -> None:
    _noted(api)
    reply = client.post(EVENTS, json=form(bucket))

    assert reply.status_code == 202, reply.text
    assert reply.json() == {"accepted": 1, "ignored": 0}
    assert _noted(api) == [FOLDER]


@pytest.mark.parametrize(
    "form",
    [
        lambda _: _s3("another-bucket"),
        lambda bucket: _s3(bucket, "lists/a.csv"),
        lambda bucket: _s3(bucket, "inbox-done/default/production/vip/merge/a.csv"),
        lambda bucket: _s3(bucket, "inbox/%ff.csv"),
        lambda bucket: _s3(bucket, "inbox/" + "a" * 5_000),
        lambda bucket: _s3(bucket, name="ObjectRemoved:Delete"),
        lambda bucket: _event_bridge(bucket, "Object Deleted"),
        lambda bucket: _r2(bucket, "DeleteObject"),
        lambda bucket: {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket},
        lambda bucket: _sns({"Event": "s3:TestEvent", "Bucket": bucket}),
        lambda _: {"Records": [None]},
        lambda _: {"Records": [{"s3": {"bucket": [], "object": {"key": 3}}}]},
        lambda _: {"detail": {"bucket": "b", "object": None}, "detail-type": ["Object Created"]},
        lambda _: {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.[/x"},
    ],
    ids=[
        *("another bucket", "another prefix", "a moved object", "no UTF-8", "a long key"),
        *("a removal", "a removal of EventBridge", "a removal of R2", "a test", "a test by SNS"),
        *("no record", "a record of wrong types", "a detail of wrong types", "a subscription"),
    ],
)
def test_event__about_something_else__is_ignored_and_counted(
    api: Api, client: httpx.Client, bucket: str, form: Any
) -> None:
    _noted(api)
    reply = client.post(EVENTS, json=form(bucket))

    assert reply.status_code == 202, reply.text
    assert reply.json() == {"accepted": 0, "ignored": 1}
    assert _noted(api) == []


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[1]",
        "null",
        "[[[]]]",
        '{"Records":{}}',
        '{"Type":"Notification","Message":"no JSON"}',
        '{"Type":"Notification","Message":"[]"}',
        '{"Type":"Notification","Message":"{\\"Type\\":\\"Notification\\",\\"Message\\":\\"{}\\"}"}',
        "[" * 200 + "]" * 200,
        '{"Records":[{"Records":1,"Records":2}]}',
    ],
    ids=range(10),
)
def test_body__that_is_no_event__is_refused(client: httpx.Client, body: str) -> None:
    reply = client.post(EVENTS, content=body, headers={"Content-Type": "application/json"})
    assert_refused(reply, 400, "invalid_request")


def test_body__of_another_type_or_too_long__is_refused(client: httpx.Client) -> None:
    reply = client.post(EVENTS, content="{}", headers={"Content-Type": "text/plain"})
    assert_refused(reply, 415, "unsupported_media_type")
    reply = client.post(EVENTS, json=[_s3("b", "a" * 3_000)] * (BODY_BYTES // 3_000))
    assert_refused(reply, 413, "request_too_large")


def test_subscription__to_be_confirmed__is_in_the_log_and_nothing_is_fetched(
    api: Api, client: httpx.Client
) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    for address in (url, "https://evil.example/amazonaws.com", "https://sns.x.amazonaws.com@evil/"):
        body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:t", "SubscribeURL": address}
        assert client.post(EVENTS, json=body).json() == {"accepted": 0, "ignored": 1}
    lines = [
        line for line in api.log.splitlines() if '"url"' in line and '"topic": "arn:t"' in line
    ]
    assert [json.loads(line)["url"] for line in lines] == [
        url,
        *["not an address of Amazon SNS"] * 2,
    ]


def test_events__more_segments_than_are_noted__are_left_to_the_next_listing(
    api: Api, client: httpx.Client, bucket: str
) -> None:
    _noted(api)
    keys = [f"inbox/default/production/s{number}/merge/a" for number in range(MOST_HINTS + 5)]
    events = [_r2(bucket) | {"object": {"key": key}} for key in keys]
    assert client.post(EVENTS, json=events).json()["accepted"] == MOST_HINTS + 5
    assert len(_noted(api)) == MOST_HINTS


def test_event__of_a_token__counts_only_in_its_scope(
    api: Api, client: httpx.Client, bucket: str
) -> None:
    resources = ["proj/default:env/production:segment/other"]
    statement = {"effect": "allow", "resources": resources, "actions": ["*"]}
    made = client.post("/api/v2/tokens", json={"name": "n", "inlineRole": [statement]})
    assert made.status_code == 201, made.text
    reader = client.post("/api/v2/tokens", json={"name": "r", "role": "reader"}).json()["token"]
    with api.client(made.json()["token"]) as scoped, api.client(reader) as reading:
        for body in (_s3(bucket), _s3(bucket, "inbox/a.csv")):
            assert scoped.post(EVENTS, json=body).json() == {"accepted": 0, "ignored": 1}
        own = _s3(bucket, "inbox/default/production/other/merge/a.csv")
        assert scoped.post(EVENTS, json=own).json()["accepted"] == 1
        assert_refused(reading.post(EVENTS, json=own), 403, "forbidden")
    with api.client(None) as nobody:
        assert_refused(nobody.post(EVENTS, json=own), 401, "unauthorized")


def test_event__without_an_inbox__is_refused(valkey_server: Any) -> None:
    with running_api(valkey_server.url) as api, api.client() as client:
        message = assert_refused(client.post(EVENTS, json=_s3("b")), 400, "invalid_request")
    assert message == "there is no inbox: set BIGSEG_INBOX"
