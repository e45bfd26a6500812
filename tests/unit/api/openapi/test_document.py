"""The OpenAPI document is complete, and its examples are true; says what is missing where."""

import copy
from typing import Any

import pytest
import schemathesis

from api.openapi.contribution import read_examples
from api.openapi.tidying import find_reachable, find_references
from api.rest.operations import JSON
from api.sdk.application import SDK_KEY_PATHS
from tests.support.documents.openapi import (
    FIRST_REFUSAL,
    Document,
    faults,
    media_of,
    operations,
)
from tests.support.documents.recording import REFUSALS

_HOW = "tests/support/documents/recording.py"
#: The schema of a refusal by the package that has the examples of its dialect.
_ERRORS = {
    "api.launchdarkly.openapi": "Error",
    "api.vercel.openapi": "VercelError",
    "api.sdk.openapi": "SdkError",
}
_ERROR_OF = {
    name: error
    for package, error in _ERRORS.items()
    for name in read_examples(package)
    if name != REFUSALS
}
#: No example can be written down.
_BINARY = {
    f"{status} application/{kind}"
    for status in (200, 206)
    for kind in ("vnd.apache.parquet", "octet-stream")
} | {"200 application/vnd.apache.arrow.stream"}
#: One example of a file of text is enough.
_OTHER_TEXT = {f"{status} application/x-ndjson" for status in (200, 206)}
#: Answers without an end.
_ENDLESS = {
    ("streamDatafile", "200 text/plain"),
    ("streamRelayPatches", "200 text/event-stream"),
    ("streamSdkData", "200 text/event-stream"),
    ("streamSdkTransfers", "200 text/event-stream"),
}
#: Refusals that need others to be faster at the same moment: they cannot be recorded.
_RACES = {
    (name, f"409 {JSON}")
    for name in (
        "createBigSegmentExport",
        "createFlagSegmentListExport",
        "deleteBigSegmentExportSchedule",
        "patchBigSegmentExportSchedule",
        "runBigSegmentExportSchedule",
        "deleteBigSegmentUpload",
        "deleteFlagSegmentListUpload",
        "getBigSegmentImports",
        "getBigSegmentUpload",
        "getFlagSegmentListUpload",
        "listFlagSegmentListImports",
        "patchExpiringTargetsForSegment",
        "patchExpiringUserTargetsForSegment",
        "patchWebhook",
        "resetToken",
        "rotateWebhookSecret",
    )
}
#: What any token may ask; of projects it sees those in its scope.
_FOR_EVERY_TOKEN = {
    "getCallerIdentity",
    "getMetrics",
    "getProjects",
    "getVercelTeam",
    "getVercelTeamUnversioned",
    "getVercelUser",
}
#: What no access token may ask: for it, one is no token at all.
_FOR_SDK_KEYS = {
    *("getDatafile", "postFlagMetrics", "streamDatafile"),
    *("getSdkData", "pollSdkData", "streamSdkData", "streamSdkTransfers"),
    *("postSdkEvents", "postSdkDiagnostics"),
}
#: Every operation has examples; the document itself is not made while tests are collected.
_NAMES = sorted(_ERROR_OF)
OPERATIONS = pytest.mark.parametrize("name", _NAMES)

Operations = dict[str, dict[str, Any]]


def test_document__as_a_whole__is_valid_openapi(served: Document) -> None:
    schemathesis.openapi.from_dict(copy.deepcopy(served)).validate()

    assert served["openapi"].startswith("3.1")
    schemes = served["components"]["securitySchemes"]
    assert schemes["ApiKey"]["name"] == "Authorization"
    assert schemes["BearerToken"]["scheme"] == schemes["SdkKey"]["scheme"] == "bearer"
    assert {tag for operation in operations(served) for tag in operation["tags"]} <= {
        tag["name"] for tag in served["tags"]
    }, "a tag without a description: openapi/contribution.py"


def test_document__every_reference__leads_to_a_schema_and_every_schema_is_used(
    served: Document,
) -> None:
    used = {reference.rpartition("/")[2] for reference in find_references(served)}

    assert used == set(served["components"]["schemas"])


def test_document__every_operation__has_an_id_of_its_own_and_examples(
    served: Document, by_name: Operations
) -> None:
    assert len(by_name) == len(list(operations(served)))
    assert sorted(by_name) == _NAMES


@OPERATIONS
def test_operation__says_what_it_is_and_who_may_call(
    name: str, served: Document, by_name: Operations
) -> None:
    operation = by_name[name]

    assert operation["summary"], f"{name}: its handler has no docstring"
    assert operation["description"], f"{name}: its handler has no docstring"
    if operation.get("security", served["security"]):
        assert operation["responses"].keys() >= {"401", "429", "500", "503"}
        assert ("403" in operation["responses"]) is (name not in _FOR_EVERY_TOKEN | _FOR_SDK_KEYS)
    assert any(status < "300" for status in operation["responses"])


@OPERATIONS
def test_operation__every_parameter__has_a_meaning_and_a_true_example(
    name: str, strict: Document, strict_by_name: Operations
) -> None:
    for parameter in strict_by_name[name].get("parameters", ()):
        what = f"{name}: {parameter['name']}"
        assert parameter.get("description"), f"{what}: describe it at the handler"
        assert "example" in parameter, f"{what}: send it in {_HOW}"
        assert faults(parameter["example"], parameter["schema"], strict) == [], what


@OPERATIONS
def test_operation__every_body_and_answer__has_true_examples(
    name: str, strict: Document, strict_by_name: Operations
) -> None:
    for where, media in media_of(strict_by_name[name]):
        if where in _BINARY | _OTHER_TEXT or (name, where) in _RACES | _ENDLESS:
            continue
        examples = media.get("examples")
        assert examples, f"{name}: {where} has no example: record one in {_HOW}"
        for example, value in examples.items():
            found = faults(value["value"], media["schema"], strict)
            assert found == [], f"{name}: {where}: {example}: {found}"


@OPERATIONS
def test_operation__every_refusal__is_in_the_documented_shape(
    name: str, by_name: Operations
) -> None:
    operation = by_name[name]
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    for status, answer in operation["responses"].items():
        if int(status) >= FIRST_REFUSAL and name != "getReadiness":
            schema = answer["content"]["application/json"]["schema"]
            assert schema == {"$ref": f"#/components/schemas/{_ERROR_OF[name]}"}
        assert status != "422" or "Idempotency-Key" in parameters


def test_operation__of_each_dialect__takes_the_token_as_its_clients_send_it(
    by_name: Operations,
) -> None:
    assert "security" not in by_name["getSegment"]
    assert by_name["getFlagSegment"]["security"] == [{"BearerToken": []}]
    assert by_name["getDatafile"]["security"] == [{"SdkKey": []}]
    assert by_name["getSdkData"]["security"] == [{"EnvironmentSdkKey": []}]
    assert by_name["getLiveness"]["security"] == []


def test_schemas__of_dialects__have_names_apart(served: Document) -> None:
    schemas = served["components"]["schemas"]
    items = served["paths"].items()
    of_sdks = [item for path, item in items if path in SDK_KEY_PATHS]
    of_vercel = [item for path, item in items if path.startswith(("/v1/", "/v2/", "/v9/"))]
    of_launchdarkly = [item for path, item in items if path.startswith("/api/v2/")]
    own = find_reachable(of_launchdarkly, schemas)
    vercels, sdks = (find_reachable(found, schemas) for found in (of_vercel, of_sdks))

    assert len(sdks) > 5
    assert len(vercels) > 20
    assert {name for name in sdks if not name.startswith("Sdk")} == set()
    assert {name for name in vercels if not name.startswith("Vercel")} == set()
    assert own.isdisjoint(sdks | vercels)
