"""Health, metrics and the OpenAPI document."""

import httpx

from tests.support.servers.api import SEGMENTS, Api, create_segment
from tests.support.servers.redis import wait_until

_OPERATIONS = {
    "getExpiringTargetsForSegment",
    "deleteEnvironmentSdkKey",
    "getEnvironmentSdkKeys",
    "getFlagData",
    "postEnvironmentSdkKey",
    "putFlagData",
    "resetEnvironmentSDKKey",
    "patchExpiringTargetsForSegment",
    "getExpiringUserTargetsForSegment",
    "patchExpiringUserTargetsForSegment",
    "patchSegment",
    "getCallerIdentity",
    "getLinkedViews",
    "getProjects",
    "postProject",
    "getProject",
    "patchProject",
    "deleteProject",
    "getEnvironmentsByProject",
    "postEnvironment",
    "eraseContext",
    "createErasure",
    "getErasures",
    "getErasure",
    "getEnvironment",
    "patchEnvironment",
    "deleteEnvironment",
    "getSegments",
    "postSegment",
    "getSegment",
    "deleteSegment",
    "updateBigSegmentContextTargets",
    "updateBigSegmentTargets",
    "getSegmentMembershipForContext",
    "getSegmentMembershipForUser",
    "lookUpSegmentMembershipForContext",
    "lookUpSegmentMembershipForUser",
    "lookUpSegmentMemberships",
    *("getBigSegmentMembers", "getBigSegmentSample"),
    "createBigSegmentImport",
    "createBigSegmentImportFromSource",
    "createBigSegmentImportFromUploads",
    "composeBigSegment",
    *("createBigSegmentUpload", "getBigSegmentUploads", "getBigSegmentUpload"),
    *("getBigSegmentUploadParts", "completeBigSegmentUpload", "deleteBigSegmentUpload"),
    "getBigSegmentImport",
    "getBigSegmentImportPreview",
    "getBigSegmentImports",
    "postInboxEvents",
    "getBigSegmentImportsForEnvironment",
    *("cancelBigSegmentImport", "streamBigSegmentImport"),
    "getBigSegmentImportFiles",
    "createBigSegmentExport",
    "getBigSegmentExport",
    *("getBigSegmentExports", "getBigSegmentExportsForEnvironment"),
    *("cancelBigSegmentExport", "getBigSegmentExportFiles"),
    "downloadBigSegmentExport",
    "downloadBigSegmentImportRejectedRows",
    "getAuditLogEntries",
    "getAuditLogEntry",
    "postAuditLogEntries",
    "postAuditLogEntryCounts",
    "getContextInstanceSegmentsMembershipByEnv",
    "getTokens",
    "postToken",
    "getToken",
    "patchToken",
    "deleteToken",
    "resetToken",
    *("createFlagSegment", "listFlagSegments", "getFlagSegment", "updateFlagSegment"),
    *("deleteFlagSegment", "evaluateFlagSegments"),
    *("listFlagSegmentLists", "deleteFlagSegmentList"),
    *("createFlagSegmentListImport", "listFlagSegmentListImports", "getFlagSegmentListImport"),
    *("cancelFlagSegmentListImport", "streamFlagSegmentListImport"),
    "listFlagSegmentListImportFiles",
    *("listFlagSegmentListExports", "listFlagSegmentListExportFiles"),
    "cancelFlagSegmentListExport",
    "getFlagSegmentListImportPreview",
    *("approveFlagSegmentListImport", "createFlagSegmentListExport", "getFlagSegmentListExport"),
    *("downloadFlagSegmentListExport", "downloadFlagSegmentListImportRejectedRows"),
    *("createFlagSegmentListUpload", "listFlagSegmentListUploads", "getFlagSegmentListUpload"),
    *("getFlagSegmentListUploadParts", "completeFlagSegmentListUpload"),
    "deleteFlagSegmentListUpload",
    *("listFlagSegmentListRevisions", "publishFlagSegmentListRevision"),
    *("createBigSegmentExportSchedule", "getBigSegmentExportSchedules"),
    *("getBigSegmentExportSchedule", "patchBigSegmentExportSchedule"),
    *("deleteBigSegmentExportSchedule", "runBigSegmentExportSchedule"),
    *("getBigSegmentRevisions", "publishBigSegmentRevision"),
    *("createWebhook", "getWebhooks", "getWebhook", "patchWebhook", "deleteWebhook"),
    "testWebhook",
    *("getSdkStore", "patchSdkStore"),
    *("rotateWebhookSecret", "getWebhookDeliveries"),
    *("getFlagSettings", "updateFlagSettings", "getSdkKeys", "createSdkKey", "deleteSdkKey"),
    *("putFlagDefinitions", "getFlagDefinitions", "deleteFlagDefinitions"),
    *("getDatafile", "streamDatafile", "postFlagMetrics"),
    *("getSdkData", "streamSdkData", "pollSdkData", "streamSdkTransfers"),
    *("postSdkEvents", "postSdkDiagnostics", "pollRelayPatches", "streamRelayPatches"),
    *("getVercelUser", "getVercelTeam", "getVercelTeamUnversioned", "getVercelProject"),
    "getLiveness",
    "getReadiness",
    "getMetrics",
}


def test_health__without_a_token__is_answered(api: Api) -> None:
    live, ready = (httpx.get(f"{api.url}/{name}") for name in ("healthz", "readyz"))

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200, ready.text
    told = ready.json()
    # Environments of other tests may have their sets for SDKs on, which are told of only then.
    told["parts"].pop("sdkStore", None)
    assert told == {
        "status": "ok",
        "parts": {"redis": {"ok": True}, "s3": {"ok": True}, "broker": {"ok": True}},
    }


def test_metrics__after_requests__count_them_by_route(client: httpx.Client) -> None:
    key = create_segment(client)
    client.get(f"{SEGMENTS}/{key}/contexts/a")
    client.get(f"{SEGMENTS}/{key}")

    text = client.get("/metrics").text

    assert 'bigseg_lookups_total{status="200"}' in text
    route = "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}"
    assert f'bigseg_request_seconds_count{{method="GET",route="{route}",status="200"}}' in text
    assert 'bigseg_lookup_seconds_count{answer="not_in"}' in text
    assert "bigseg_store_up 1.0" in text
    assert 'bigseg_jobs_ended_total{kind="import",outcome="complete"}' in text
    assert 'bigseg_clock_skew_seconds{process="api"}' in text
    assert key not in text


def test_metrics__while_a_worker_writes__tell_its_pace(api: Api, client: httpx.Client) -> None:
    with api.store() as store:
        store.writing.show("token", "answers late", 3e6)

        def shown() -> bool:  # what was read is kept for a second
            return 'answers late"} 1.0' in client.get("/metrics").text

        wait_until(shown, "the pace is shown")
        text = client.get("/metrics").text
        store.writing.remove("token")

    assert 'bigseg_shard_writers{pace="answers late"} 1.0' in text
    assert 'bigseg_shard_bytes_per_second{pace="answers late"} 3e+06' in text
    assert 'bigseg_shard_writers{pace="nobody asks"}' in text


def test_document__names_every_operation_and_422_only_for_keys(
    client: httpx.Client,
) -> None:
    document = client.get("/openapi.json").json()

    operations = [one for path in document["paths"].values() for one in path.values()]
    assert {one["operationId"] for one in operations} == _OPERATIONS
    # FastAPI's own 422 is not ours; a key that is another request's is.
    assert {one["operationId"] for one in operations if "422" in one["responses"]} == {
        "createBigSegmentImport",
        "createBigSegmentImportFromSource",
        "createBigSegmentImportFromUploads",
        "composeBigSegment",
        "createBigSegmentExport",
        "runBigSegmentExportSchedule",
        "createFlagSegmentListImport",
        "createFlagSegmentListExport",
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]
    lookup = document["paths"][
        "/api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}/contexts/{contextKey}"
    ]["get"]
    assert [one["name"] for one in lookup["parameters"]][-1] == "contextKey"
