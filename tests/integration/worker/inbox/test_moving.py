"""Copies, conditional deletions and tags of objects, on the S3 stand-in of `bigseg up`."""

import dataclasses
from typing import Any

import pytest

from tests.support.systems.inbox import InboxWorld
from worker.objects import ObjectChanged, ObjectNotFound, ObjectStore, ObjectStoreRefused, moving
from worker.objects.errors import ObjectError


def _content(objects: ObjectStore, key: str) -> bytes:
    info = objects.head(key)
    return b"".join(objects.read_range(info, 0, info.size_bytes))


def test_copy__of_a_large_object__is_made_of_parts_and_whole(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_PART_BYTES", 5 * 1024 * 1024)
    content = bytes(range(256)) * (11 * 4096) + b"the end"
    obj = world.put("large.bin", content)
    world.objects.copy(obj.info, "inbox-done/large.bin")
    assert _content(world.objects, "inbox-done/large.bin") == content
    assert world.objects.abort_uploads("inbox-done/") == 0


@pytest.mark.parametrize("part_bytes", [4, 1_000], ids=["in parts", "at once"])
def test_copy_and_deletion__of_a_state_that_was_replaced__do_nothing(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    monkeypatch.setattr(moving, "_PART_BYTES", part_bytes)
    old = world.put("a.csv", b"old content\n")
    world.put("a.csv", b"new content\n")
    with pytest.raises(ObjectChanged):
        world.objects.copy(old.info, "inbox-done/a.csv")
    with pytest.raises(ObjectChanged):
        world.objects.delete_state(old.info)
    assert world.keys("inbox-done/") == []
    assert world.objects.abort_uploads("inbox-done/") == 0, "no part is left"
    assert _content(world.objects, "inbox/a.csv") == b"new content\n"


def test_deletion__where_the_service_takes_no_condition__is_made_without(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    obj = world.put("a.csv", b"a\n")
    delete, sent = world.objects._client.delete_object, []

    def refuse(**parameters: Any) -> Any:
        sent.append(parameters)
        if "IfMatch" in parameters:
            raise ObjectStoreRefused("NotImplemented")
        return delete(**parameters)

    monkeypatch.setattr(world.objects._client, "delete_object", refuse)
    world.objects.delete_state(obj.info)
    assert len(sent) == 2
    assert world.keys("inbox/") == []


def test_tags__written__are_added_and_change_no_state(world: InboxWorld) -> None:
    obj = world.put("a.csv", b"a\n")
    world.objects.write_tags(obj.info, {"team": "growth", "why": "it's \x00 <b>" + "x" * 500})
    world.objects.write_tags(obj.info, {"team": "sales"})
    tags = world.objects.read_tags(obj.info)
    assert tags["team"] == "sales"
    assert tags["why"] == ("it s b " + "x" * 500)[:256]
    assert obj.is_state(world.objects.head(obj.info.key))
    with pytest.raises(ObjectError):
        world.objects.write_tags(obj.info, {f"tag-{number}": "" for number in range(10)})
    missing = dataclasses.replace(obj.info, key="inbox/none")
    with pytest.raises(ObjectNotFound):
        world.objects.read_tags(missing)
