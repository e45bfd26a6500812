"""Members, imports and exports of big segments, driven by LaunchDarkly's Python client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from launchdarkly_api import (
    ApiClient,
    Configuration,
    SegmentBody,
    SegmentsApi,
    SegmentUserList,
    SegmentUserState,
)
from launchdarkly_api.exceptions import UnauthorizedException

from tests.support.clients.python_client import (
    ENVIRONMENT,
    PROJECT,
    SEMANTIC,
    merge_patch,
    python_client,
    semantic_patch,
)
from tests.support.clients.python_operations import (
    SegmentAddress,
    export_started,
    import_started,
    including,
    segment_created,
)
from tests.support.servers.api import PRODUCTION, TOKEN, Api, new_key
from worker.objects import ObjectStore
from worker.store import ImportRequest, JobRef, Store

_REPORT = {"rowsRead": 3, "accepted": 2, "duplicates": 1, "rejected": 0, "seconds": {"plan": 0.5}}


@pytest.fixture(scope="module")
def segments(api: Api) -> Iterator[SegmentsApi]:
    with python_client(api) as client:
        yield SegmentsApi(client)


@pytest.fixture
def address(segments: SegmentsApi) -> SegmentAddress:
    return segment_created(segments, big=True)


def _request(store: Store, import_id: str) -> ImportRequest:
    request = store.jobs.get(JobRef("import", PRODUCTION, import_id)).request
    assert isinstance(request, ImportRequest)
    return request


@pytest.mark.parametrize(
    "context_key",
    ["plain", "org/key é?#", "%", "%2F", "a b+c", "😀", ":;,", "...", "é" * 512],
)
def test_members__of_any_key__are_told_by_both_families(
    segments: SegmentsApi, address: SegmentAddress, context_key: str
) -> None:
    segments.update_big_segment_context_targets(*address, including(context_key))
    segments.update_big_segment_targets(
        *address, SegmentUserState(excluded=SegmentUserList(add=[context_key], remove=["other"]))
    )

    for ask in (
        segments.get_segment_membership_for_context,
        segments.get_segment_membership_for_user,
    ):
        member, stranger = ask(*address, context_key), ask(*address, "nobody")
        assert (member.user_key, member.included, member.excluded) == (context_key, True, True)
        assert (stranger.user_key, stranger.included, stranger.excluded) == ("nobody", False, False)
    shown = segments.get_segment(*address)
    assert shown.unbounded_metadata is not None
    assert shown.unbounded_metadata.included_count == 1
    assert shown.unbounded_metadata.excluded_count == 1


def test_members__edited_with_nothing__stay(segments: SegmentsApi, address: SegmentAddress) -> None:
    segments.update_big_segment_context_targets(*address, including("a"))

    segments.update_big_segment_context_targets(*address, SegmentUserState())

    assert segments.get_segment_membership_for_context(*address, "a").included is True


def test_members__by_instructions__are_members(
    segments: SegmentsApi, address: SegmentAddress
) -> None:
    segments.patch_segment(
        *address,
        semantic_patch({"kind": "addBigSegmentIncludedTargets", "values": ["a", "b/c"]}),
        _content_type=SEMANTIC,
    )

    assert segments.get_segment_membership_for_context(*address, "b/c").included is True


def test_big_segment__of_another_kind__shows_what_only_big_ones_have(
    segments: SegmentsApi,
) -> None:
    key = new_key()
    body = SegmentBody(
        name="n", key=key, description="d", unbounded=True, unbounded_context_kind="device"
    )

    made = segments.post_segment(PROJECT, ENVIRONMENT, body)

    assert (made.unbounded, made.unbounded_context_kind, made.description) == (True, "device", "d")
    assert made.unbounded_metadata is not None
    assert made.unbounded_metadata.segment_id == f"{key}.g1"
    assert made.import_in_progress is False
    assert segments.get_segment(PROJECT, ENVIRONMENT, key).flags == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_segment__merged__is_changed_in_what_was_sent(
    segments: SegmentsApi, address: SegmentAddress, *, wrapped: bool
) -> None:
    changes = {"description": "merged", "tags": ["b", "c"]}
    body = {"merge": changes, "comment": "why"} if wrapped else changes

    merged = segments.patch_segment(*address, merge_patch(body))

    assert (merged.description, merged.tags) == ("merged", ["b", "c"])
    assert (merged.name, merged.version) == ("Made by a client", 2)


@pytest.mark.parametrize("mode", ["", "merge", "replace"])
@pytest.mark.parametrize("given", ["path", "bytes", "tuple"])
def test_import__of_a_file_in_any_form__is_taken_whole(
    segments: SegmentsApi,
    store: Store,
    objects: ObjectStore,
    address: SegmentAddress,
    tmp_path: Path,
    given: str,
    mode: str,
) -> None:
    content = 'a\n"b ""c"", d",more\né\n'.encode()
    path = tmp_path / "my list.csv"
    path.write_bytes(content)
    file: Any = {"path": str(path), "bytes": content, "tuple": ("of a tuple.csv", content)}[given]
    name = {"path": "my list.csv", "bytes": "file", "tuple": "of a tuple.csv"}[given]

    import_id = import_started(segments, address, file, mode)

    shown = segments.get_big_segment_import(*address, import_id)
    assert (shown.id, shown.segment_key, shown.mode) == (import_id, address[2], mode or "merge")
    assert shown.files is not None
    assert [one.filename for one in shown.files] == [name]
    source = _request(store, import_id).sources[0]
    assert source.size_bytes == len(content)
    info = objects.head(source.key)
    assert b"".join(objects.read_range(info, 0, info.size_bytes)) == content
    assert segments.get_segment(*address).import_in_progress is True


@pytest.mark.parametrize(("status", "reason"), [("complete", None), ("stopped", "list changed")])
def test_import__ended__is_shown_with_its_report(
    segments: SegmentsApi, store: Store, address: SegmentAddress, status: str, reason: str | None
) -> None:
    import_id = import_started(segments, address)
    report = _REPORT if status == "complete" else None
    ref = JobRef("import", PRODUCTION, import_id)

    store.jobs.end(ref, status, report=report, reason=reason, keep_s=600)

    shown = segments.get_big_segment_import(*address, import_id)
    assert shown.status == status
    assert shown.links["self"].href is not None
    assert shown.links["self"].href.endswith(f"/imports/{import_id}")


def test_export__pending_and_complete__has_all_its_fields_and_a_file(
    api: Api, segments: SegmentsApi, store: Store, objects: ObjectStore, address: SegmentAddress
) -> None:
    export_id = export_started(segments, address)
    pending = segments.get_big_segment_export(*address, export_id)
    with objects.open_writer(f"exports/{export_id}") as writer:
        writer.write(b"a\nb\n")
    info = writer.close()
    where = {"bucket": info.bucket, "key": info.key, "etag": info.etag}
    report = {"sizeBytes": info.size_bytes, "rows": 2, **where}
    ref = JobRef("export", PRODUCTION, export_id)
    store.jobs.end(ref, "complete", report=report, keep_s=600)
    complete = segments.get_big_segment_export(*address, export_id)

    assert (pending.size_bytes, pending.size, pending.segment_key) == (0, "0 B", address[2])
    assert (complete.status, complete.size_bytes, complete.size) == ("complete", 4, "4 B")
    assert complete.initiator.name
    link = complete.links["download"].href
    assert link is not None
    got = httpx.get(api.url + link, headers={"Authorization": TOKEN})
    assert got.content == b"a\nb\n"


def test_client__token_as_access_token__sends_none_and_is_unauthorized(api: Api) -> None:
    """The mistake that its documentation invites."""
    with (
        ApiClient(Configuration(host=api.url, access_token=TOKEN)) as client,
        pytest.raises(UnauthorizedException),
    ):
        SegmentsApi(client).get_segments(PROJECT, ENVIRONMENT)
