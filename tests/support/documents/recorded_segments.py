"""Records segments, their members, expiring targets and evaluations."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from api.launchdarkly.operations import SEMANTIC_PATCH
from tests.support.documents import names
from tests.support.documents.patches import INSTRUCTIONS, JSON_PATCHES, RULES, STORY
from tests.support.documents.recording import Keep, Recorder

ENVIRONMENT: Final = {"projectKey": names.PROJECT, "environmentKey": names.ENVIRONMENT}
STANDARD: Final = {**ENVIRONMENT, "segmentKey": names.SEGMENT}
BIG: Final = {**ENVIRONMENT, "segmentKey": names.BIG_SEGMENT}
#: Made to be deleted.
NEW: Final = {**ENVIRONMENT, "segmentKey": "new-segment"}

Body = dict[str, Any]
_LATER: Final = names.EXPIRES + 86_400_000


def record_segments(recorder: Recorder, writer: httpx.Client) -> None:
    """Leaves a standard segment and a big one."""
    ask = recorder.ask
    standard = {
        "name": "Beta testers",
        "key": names.SEGMENT,
        "description": "People who try things first",
        "tags": ["beta"],
    }
    big = {
        "name": "VIP customers",
        "key": names.BIG_SEGMENT,
        "unbounded": True,
        "unboundedContextKind": "customer",
    }
    ask(
        "postSegment",
        "standard segment",
        path=ENVIRONMENT,
        body=standard,
        status=201,
        client=writer,
    )
    ask("postSegment", "big segment", path=ENVIRONMENT, body=big, status=201, client=writer)
    ask("postSegment", path=ENVIRONMENT, body=standard, status=409)
    ask("postSegment", path=ENVIRONMENT, body={"key": names.SEGMENT}, status=400)
    for label, patch in JSON_PATCHES.items():
        keep: Keep = "all" if label == "merge patch with a comment" else "body"
        ask("patchSegment", label, path=STANDARD, body=patch, keep=keep, client=writer)
    wrong = [{"op": "test", "path": "/version", "value": 1}]
    ask("patchSegment", path=STANDARD, body=wrong, status=409)
    ask("patchSegment", path=STANDARD, body={"included": "user-1"}, status=400)
    ask("getSegment", "standard segment", path=STANDARD, client=writer)
    page = {"limit": 1, "offset": 0, "sort": "-lastModified,name"}
    ask("getSegments", "a page", path=ENVIRONMENT, query=page)
    term = 'tags anyOf ["beta"],(unbounded equals false|query equals "test")'
    ask("getSegments", "filtered", path=ENVIRONMENT, query={"filter": term})
    ask("getSegments", path=ENVIRONMENT, query={"filter": "name equals beta"}, status=400)
    _delete_referred(recorder)


def _delete_referred(recorder: Recorder) -> None:
    """A segment that a rule refers to, which is in the way at first."""
    ask = recorder.ask
    new = {"key": NEW["segmentKey"], "name": "New"}
    ask("postSegment", path=ENVIRONMENT, body=new, status=201, keep="nothing")
    clause = {"attribute": "segmentMatch", "op": "segmentMatch", "values": [new["key"]]}
    for rules, status in (([{"clauses": [clause]}], 409), (RULES, 204)):
        patch = {"merge": {"rules": rules}}
        ask("patchSegment", path=STANDARD, body=patch, keep="nothing")
        force = {"force": True} if status == 204 else None
        ask("deleteSegment", path=NEW, query=force, status=status)


def record_memberships(recorder: Recorder, writer: httpx.Client) -> None:
    """Of the big segment."""
    ask = recorder.ask
    both = {
        "included": {"add": [names.MEMBER, "customer-5678"], "remove": ["customer-9012"]},
        "excluded": {"add": ["customer-3456"], "remove": []},
    }
    one = {"included": {"add": ["customer-7890", "org/1234"]}}
    for operation in ("updateBigSegmentContextTargets", "updateBigSegmentTargets"):
        ask(operation, "both lists", path=BIG, body=both, status=204, client=writer)
        ask(operation, "one list", path=BIG, body=one, status=204, client=writer)
        ask(operation, path=BIG, body={"included": {"add": [""]}}, status=400)
    for operation, name in (
        ("getSegmentMembershipForContext", "contextKey"),
        ("getSegmentMembershipForUser", "userKey"),
    ):
        ask(operation, "member", path={**BIG, name: names.MEMBER}, client=writer)
        ask(operation, "neither included nor excluded", path={**BIG, name: "customer-0000"})
        ask(operation, path={**STANDARD, name: names.MEMBER}, status=400)
    for operation in ("lookUpSegmentMembershipForContext", "lookUpSegmentMembershipForUser"):
        ask(operation, "any key", path=BIG, body={"key": names.MEMBER}, client=writer)
        ask(operation, "a key with a slash", path=BIG, body={"key": "org/1234"})
        ask(operation, path=BIG, body={"keys": [names.MEMBER]}, status=400)
    _record_bulk(recorder, writer)
    _record_browsing(recorder, writer)


def _record_bulk(recorder: Recorder, writer: httpx.Client) -> None:
    ask, operation = recorder.ask, "lookUpSegmentMemberships"
    contexts = [names.MEMBER, "customer-3456", "customer-0000"]
    body = {"segments": [BIG["segmentKey"]], "contexts": contexts}
    ask(operation, "three contexts", path=ENVIRONMENT, body=body, client=writer)
    ask(operation, "one context", path=ENVIRONMENT, body=body | {"contexts": contexts[:1]})
    ask(operation, path=ENVIRONMENT, body=body | {"contexts": [""]}, status=400)
    ask(operation, path=ENVIRONMENT, body=body | {"segments": [STANDARD["segmentKey"]]}, status=400)
    ask(operation, path=ENVIRONMENT, body=body | {"segments": ["no-such-segment"]}, status=404)


def _record_browsing(recorder: Recorder, writer: httpx.Client) -> None:
    ask = recorder.ask
    first = ask("getBigSegmentMembers", "a page", path=BIG, query={"limit": 1}).json()
    following = {"limit": 1, "cursor": first["cursor"], "list": "included"}
    ask("getBigSegmentMembers", "the next one", path=BIG, query=following, client=writer)
    ask("getBigSegmentMembers", path=BIG, query={"cursor": "5"}, status=400)
    excluded = {"n": 5, "list": "excluded"}
    ask("getBigSegmentSample", "the excluded list", path=BIG, query=excluded, client=writer)
    ask("getBigSegmentSample", path=BIG, query={"n": 1_001}, status=400)


def record_expiring(recorder: Recorder, writer: httpx.Client) -> None:
    """Contexts of the big segment and users of the standard one."""
    for family, path, kinds, targets in (
        (
            "ExpiringTargetsForSegment",
            BIG,
            ("addExpiringTarget", "updateExpiringTarget", "removeExpiringTarget"),
            [
                {"contextKind": "customer", "contextKey": names.MEMBER},
                {"contextKind": "customer", "contextKey": "customer-5678"},
            ],
        ),
        (
            "ExpiringUserTargetsForSegment",
            STANDARD,
            ("addExpireUserTargetDate", "updateExpireUserTargetDate", "removeExpireUserTargetDate"),
            [{"userKey": "user-1"}, {"userKey": "user-2"}],
        ),
    ):
        add, update, remove = kinds
        included = [{"targetType": "included", **target} for target in targets]
        added = [{"kind": add, **target, "value": names.EXPIRES} for target in included]
        comment = {"comment": "a trial until 2099"}
        ask, patch = recorder.ask, f"patch{family}"
        ask(patch, "add", path=path, body={**comment, "instructions": added}, client=writer)
        ask(f"get{family}", "two targets", path=path)
        steps: tuple[tuple[str, Keep], ...] = (
            ("update and remove", "body"),
            ("one that fails", "answer"),
        )
        for label, keep in steps:
            later = {"kind": update, **included[0], "value": _LATER}
            if path is STANDARD:
                segment = ask("getSegment", path=path, keep="nothing").json()
                later["version"] = segment["version"]
            both = {"instructions": [later, {"kind": remove, **included[1]}]}
            reply = ask(patch, label, path=path, body=both, keep=keep, client=writer).json()
            assert reply["failedInstructions"] == (keep == "answer"), reply
        ask(patch, path=path, body={"instructions": [{"kind": "add"}]}, status=400)


def record_instructions(recorder: Recorder) -> None:
    """One instruction of each kind, and several at once."""
    recorder.ask("getSegment", "big segment", path=BIG)
    recorder.ask(
        "patchSegment",
        "several instructions",
        path=STANDARD,
        media_type=SEMANTIC_PATCH,
        query={"dryRun": True},
        body=STORY,
    )
    for instruction in INSTRUCTIONS:
        big = "BigSegment" in str(instruction["kind"])
        record_instruction(recorder, instruction, BIG if big else STANDARD, dryRun=True)


def record_instruction(
    recorder: Recorder, instruction: Body, path: Mapping[str, str], **query: bool
) -> None:
    """A semantic patch of one instruction."""
    recorder.ask(
        "patchSegment",
        instruction["kind"],
        path=path,
        query=query,
        media_type=SEMANTIC_PATCH,
        body={"environmentKey": names.ENVIRONMENT, "instructions": [instruction]},
        keep="body",
    )


def record_evaluations(recorder: Recorder) -> None:
    """Contexts of each form."""
    ask, operation = recorder.ask, "getContextInstanceSegmentsMembershipByEnv"
    contexts: dict[str, Body] = {
        "one kind": {"kind": "customer", "key": names.MEMBER, "name": "A shop", "plan": "gold"},
        "several kinds": {
            "kind": "multi",
            "user": {"key": "user-9", "email": "nine@example.com"},
            "device": {"key": "device-2", "version": "2.2.0", "anonymous": True},
        },
        "user without a kind": {"key": "user-1", "custom": {"groups": ["beta"]}},
    }
    for label, context in contexts.items():
        ask(operation, label, path=ENVIRONMENT, body=context)
    ask(operation, path=ENVIRONMENT, body={"kind": "customer"}, status=400)
