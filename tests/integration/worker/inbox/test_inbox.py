"""Objects of the inbox are imported once and in order, and are then moved or tagged."""

import re
from typing import Final

import pytest

from tests.support.store.stores import PRODUCTION
from tests.support.systems.inbox import InboxWorld
from worker.inbox import looking
from worker.objects.reading import pages
from worker.store import JobNotFound

HERE: Final = "default/production"
KEPT: Final = re.compile(r"default/production/moved/merge/\d{8}T\d{6}Z-[0-9a-f-]{36}-a\.csv")


def _sources(world: InboxWorld) -> list[str]:
    """The files of the imports that are done when nothing is left to do, in their order."""
    return [one.request.sources[0].filename for one in world.work()]  # type: ignore[union-attr]  # all are imports


def test_object__put_into_the_inbox__is_imported_and_moved(world: InboxWorld) -> None:
    ref = world.new_list("moved")
    obj = world.put(f"{HERE}/moved/merge/a.csv", b"ann\nben\n")

    assert world.look() == 1
    (ended,) = world.work()

    assert ended.status == "complete", ended
    assert world.imports.members(ref) == {"ann", "ben"}
    assert (ended.request.initiator, world.state(obj).request) == ("inbox", ended.request)
    assert world.keys("inbox/") == []
    (kept,) = world.keys("inbox-done/")
    assert KEPT.fullmatch(kept)
    assert obj.import_id in kept
    assert world.look() == 0


def test_import__of_the_inbox__is_on_record_once_at_its_start_and_its_end(
    world: InboxWorld,
) -> None:
    world.new_list("recorded")
    obj = world.put(f"{HERE}/recorded/merge/a.csv", b"ann\n")
    world.work()

    entries = [one.change for one in world.services.store.audit.newest([PRODUCTION])]
    mine = [one for one in entries if (one.after or {}).get("importId") == obj.import_id]
    actions = [one.actions[0] for one in mine]
    assert actions == ["completeBigSegmentImport", "createBigSegmentImport"]
    assert (mine[1].actor, (mine[1].after or {})["inbox"]) == ("inbox", obj.address)


def test_objects__of_one_segment__are_imported_in_the_order_of_their_times(
    world: InboxWorld,
) -> None:
    ref = world.new_list("ordered")
    world.put(f"{HERE}/ordered/replace/a.csv", b"new\n", age_s=100)
    world.put(f"{HERE}/ordered/replace/b.csv", b"old\n", age_s=300)
    world.put(f"{HERE}/ordered/merge/c.csv", b"added\n", age_s=200)
    last = world.put(f"{HERE}/ordered/merge/e.csv", b"last\n")
    world.put_at_the_time_of(last, f"{HERE}/ordered/merge/d.csv", b"last but one\n")
    world.put(f"{HERE}/ordered/misplaced.csv", b"between the modes\n")

    assert _sources(world) == ["b.csv", "c.csv", "a.csv", "d.csv", "e.csv"]
    assert world.imports.members(ref) == {"new", "last", "last but one"}


def test_object__older_than_one_that_was_taken__changes_nothing(world: InboxWorld) -> None:
    ref = world.new_list("late")
    world.put(f"{HERE}/late/replace/b.csv", b"new\n")
    world.work()
    world.put(f"{HERE}/late/replace/a.csv", b"old\n", age_s=900)

    assert world.work() == []
    assert world.imports.members(ref) == {"new"}
    assert "a newer object (mode replace) was imported" in world.reason()
    assert world.keys("inbox/") == []


def test_merges__in_any_order__are_all_imported(world: InboxWorld) -> None:
    ref = world.new_list("merges")
    for number in range(3):
        world.put(f"{HERE}/merges/merge/{number}.csv", f"k{number}\n".encode(), age_s=number)
        world.work()
    assert world.imports.members(ref) == {"k0", "k1", "k2"}


def test_segment__whose_list_is_held__has_its_objects_wait(world: InboxWorld) -> None:
    ref = world.new_list("held")
    held = world.imports.start(ref, b"upload\n")
    obj = world.put(f"{HERE}/held/merge/a.csv", b"ann\n")

    assert world.look() == 0
    assert world.services.store.inbox.scan().waiting == 1
    with pytest.raises(JobNotFound):
        world.state(obj)
    world.imports.finish(held)
    assert _sources(world) == ["a.csv"]
    assert world.imports.members(ref) == {"upload", "ann"}
    assert world.services.store.inbox.scan().waiting == 0


@pytest.mark.parametrize(
    ("rest", "content", "reason"),
    [
        ("a.csv", b"a\n", "not of the form PROJECT/ENVIRONMENT/SEGMENT/MODE/FILE"),
        (f"{HERE}/vip/a.csv", b"a\n", "not of the form"),
        (f"{HERE}/vip//a.csv", b"a\n", "'' is not a mode: use merge or "),
        (f"{HERE}/vip/upsert/a.csv", b"a\n", "'upsert' is not a mode"),
        (f"{HERE}/vip/reshard/a.csv", b"a\n", "'reshard' is not a mode"),
        (f"{HERE}/v*p/merge/a.csv", b"a\n", "'v*p' cannot be the key of a resource"),
        (f"{HERE}/nobody/merge/a.csv", b"a\n", "segment nobody does not exist in production"),
        ("default/moon/vip/merge/a.csv", b"a\n", "moon"),
        ("mars/moon/vip/merge/a.csv", b"a\n", "mars"),
        (f"{HERE}/vip/merge/colour=red/a.csv", b"a\n", "'colour' is not an option"),
        (f"{HERE}/vip/merge/header=maybe/a.csv", b"a\n", "option header: "),
        (f"{HERE}/vip/merge/format=tsv,delimiter=comma/a.csv", b"a\n", "separated by tabs"),
        (f"{HERE}/vip/merge/column=email,column=id/a.csv", b"a\n", "there twice"),
        (f"{HERE}/vip/merge/column=/a.csv", b"a\n", "option column: it is empty"),
    ],
)
def test_object__that_can_never_be_imported__is_moved_with_its_reason(
    world: InboxWorld, rest: str, content: bytes, reason: str
) -> None:
    obj = world.put(rest, content)

    assert world.work() == []

    assert world.keys("inbox/") == []
    kept = sorted(world.keys("inbox-failed/"))
    assert kept[1] == f"{kept[0]}.error.json"
    assert obj.import_id in kept[0]
    assert reason in world.reason()


def test_import__that_is_stopped__has_its_object_moved_with_its_reason(world: InboxWorld) -> None:
    ref = world.new_list("stopped")
    world.imports.finish(world.imports.start(ref, b"ann\n"))
    world.put(f"{HERE}/stopped/replace/a.csv", b"\n\n")

    (ended,) = world.work()

    assert ended.status == "stopped"
    assert world.reason() == ended.reason
    assert world.imports.members(ref) == {"ann"}
    assert len(world.keys("inbox-failed/")) == 2


def test_options__in_the_key__say_how_the_list_is_read(world: InboxWorld) -> None:
    ref = world.new_list("options")
    content = b"id;e-mail\n1;ANN\n2;BEN\n"
    rest = f"{HERE}/options/merge/column=e-mail,delimiter=semicolon,lowercase=true/2026/a.csv"
    world.put(rest, content)
    world.work()
    assert world.imports.members(ref) == {"ann", "ben"}


def test_object__that_nobody_means__is_left_alone(world: InboxWorld) -> None:
    world.new_list("spark")
    for rest in ("merge/_SUCCESS", "merge/_temporary/0/part.csv", "merge/.part.csv.crc", "merge/"):
        world.put(f"{HERE}/spark/{rest}", b"a\n")
    world.put(f"{HERE}/spark/merge/empty.csv", b"")
    assert world.work() == []
    assert len(world.keys("inbox/")) == 5

    world.objects.ages_ms[f"inbox/{HERE}/spark/merge/empty.csv"] = 61_000
    assert world.work() == []
    assert world.reason() == "the object is empty"


def test_object__put_there_again_with_the_same_content__is_imported_again(
    world: InboxWorld,
) -> None:
    ref = world.new_list("again")
    for age_s, content in ((3, b"a\n"), (2, b"b\n"), (1, b"a\n")):
        world.put(f"{HERE}/again/replace/list.csv", content, age_s=age_s)
        assert len(world.work()) == 1
    assert world.imports.members(ref) == {"a"}
    assert len(world.keys("inbox-done/")) == 3


def test_object__overwritten_before_it_is_moved__is_imported_as_it_is_then(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = world.new_list("overwritten")
    world.put(f"{HERE}/overwritten/merge/a.csv", b"first\n", age_s=5)
    copy = world.objects.copy
    overwritten: list[object] = []

    def overwrite(*arguments: object) -> None:
        if not overwritten:
            overwritten.append(world.put(f"{HERE}/overwritten/merge/a.csv", b"second\n"))
        copy(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.objects, "copy", overwrite)
    states = world.work()

    assert [state.status for state in states] == ["complete", "complete"]
    assert world.imports.members(ref) == {"first", "second"}
    assert len(world.keys("inbox-done/")) == 1
    assert world.keys("inbox/") == []


def test_object__overwritten_between_the_look_and_the_deletion__is_not_lost(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = world.new_list("raced")
    world.put(f"{HERE}/raced/merge/a.csv", b"first\n", age_s=5)
    delete = world.objects.delete_state
    overwritten: list[object] = []

    def overwrite(*arguments: object) -> None:
        if not overwritten:
            overwritten.append(world.put(f"{HERE}/raced/merge/a.csv", b"second\n"))
        delete(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(world.objects, "delete_state", overwrite)
    world.work()

    assert world.imports.members(ref) == {"first", "second"}
    assert len(world.keys("inbox-done/")) == 2


def test_object__with_tags__stays_and_is_imported_once_however_long(world: InboxWorld) -> None:
    ref, world = world.new_list("tagged"), world.changed(inbox_after="tag")
    obj = world.put(f"{HERE}/tagged/merge/a.csv", b"ann\n")
    wrong = world.put(f"{HERE}/tagged/upsert/b.csv", b"ben\n")
    world.objects.write_tags(obj.info, {"team": "growth"})

    assert _sources(world) == ["a.csv"]
    assert world.work() == []

    tags = {"bigseg-status": "done", "bigseg-import": obj.import_id}
    assert world.objects.read_tags(obj.info) == {"team": "growth", **tags}
    of_wrong = world.objects.read_tags(wrong.info)
    assert of_wrong["bigseg-status"] == "failed"
    assert of_wrong["bigseg-reason"].startswith(" upsert is not a mode: use merge or ")
    store = world.services.store
    store.client.unlink(store.keyspace.inbox_settled())
    store.client.unlink(store.keyspace.job(PRODUCTION, "import", obj.import_id))
    assert world.work() == [], "its tags tell"
    assert len(world.keys("inbox/")) == 2
    assert world.imports.members(ref) == {"ann"}


def test_inbox__of_many_pages__is_looked_through_in_turns(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 3)
    monkeypatch.setattr(looking, "PAGES_OF_TURN", 2)
    refs = [world.new_list(f"paged-{number}") for number in range(4)]
    for number in range(4):
        for age_s in range(4):
            rest = f"{HERE}/paged-{number}/replace/{9 - age_s}.csv"
            world.put(rest, f"k{age_s}\n".encode(), age_s=100 * age_s)

    looks = [world.look() for _ in range(3)]

    assert sum(looks) == 4, "the oldest one of each"
    assert looks[0] < 4, "not all in the first turn"
    for _ in range(20):
        world.work()
    assert [world.imports.members(ref) for ref in refs] == [{"k0"}] * 4
    assert world.keys("inbox/") == []


def test_segment__with_more_objects_than_are_listed__is_imported_all_the_same(
    world: InboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    monkeypatch.setattr(looking, "PAGES_OF_SEGMENT", 1)
    ref = world.new_list("many")
    for number in range(6):
        world.put(f"{HERE}/many/merge/{number}.csv", f"k{number}\n".encode())
    for _ in range(6):
        world.work()
    assert world.imports.members(ref) == {f"k{number}" for number in range(6)}
    assert world.keys("inbox/") == []
