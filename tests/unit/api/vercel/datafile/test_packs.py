"""Packs: what they hold, when they are made again, and how much is kept."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from api.vercel.datafile import packs as module
from api.vercel.datafile.document import make_datafile
from api.vercel.datafile.packs import Packs
from api.vercel.evaluation import pack_segment
from api.vercel.wire.refusals import DatafileIncomplete, DatafileTooLarge
from worker.store import FlagDefinitions, Project, ProjectSegment, ProjectSegments

_PROJECT: Final = Project("default", "Default", 5)
_LISTS: Final = {"include/user/id": "a list"}


def _segment(
    name: str, *references: str, lists: Mapping[str, str] | None = None, data: str = "{}"
) -> ProjectSegment:
    return ProjectSegment(
        id=name,
        slug=f"slug-{name}",
        label="",
        hint="",
        created_ms=1,
        updated_ms=1,
        revision=f"{name}{data}",
        data=data,
        references=references,
        lists=lists or {},
    )


def _found(
    *segments: ProjectSegment, flags: list[str] | None = None, mark: str = "3 900 x"
) -> ProjectSegments:
    """Give segments, and definitions of a flag for each of those that are named."""
    definitions = None
    if flags is not None:
        users = {name: (f"flag-{name}",) for name in flags}
        definitions = FlagDefinitions("r", '{"flag":{}}', users, len(flags))
    return ProjectSegments.of(mark, list(segments), definitions)


def _content(pack: module.Pack) -> Any:
    return json.loads(b"{%b}" % pack.content)


def test_pack__of_segments_and_definitions__holds_both() -> None:
    data = '{"include":{"user":{"id":[{"value":"ü","note":"n"}]}},"rules":[]}'
    pack = Packs(10_000).pack(_PROJECT, _found(_segment("a", data=data), _segment("b"), flags=[]))

    assert _content(pack) == {
        "definitions": {"flag": {}},
        "segments": {"a": {"include": {"user": {"id": ["ü"]}}, "rules": []}, "b": {}},
    }
    assert (pack.change_number, pack.changed_ms) == (3, 900)


def test_pack__before_any_change__is_as_old_as_the_project() -> None:
    pack = Packs(10_000).pack(_PROJECT, _found(mark="none"))
    assert _content(pack) == {"definitions": {}, "segments": {}}
    assert (pack.change_number, pack.changed_ms) == (0, 5)


def test_pack__unchanged__is_the_same_and_a_change_packs_only_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = list[str]()

    def note(data: Mapping[str, Any]) -> dict[str, Any]:
        packed.append(json.dumps(data))
        return pack_segment(data)

    monkeypatch.setattr(module, "pack_segment", note)
    packs, segments = Packs(10_000), [_segment("a"), _segment("b")]
    first = packs.pack(_PROJECT, _found(*segments))
    assert packs.pack(_PROJECT, _found(*segments)) is first
    assert packed == ["{}", "{}"]
    changed = _segment("b", data='{"rules":[]}')
    second = packs.pack(_PROJECT, _found(segments[0], changed, mark="4 901 y"))
    assert packed == ["{}", "{}", '{"rules": []}']
    assert _content(second)["segments"] == {"a": {}, "b": {"rules": []}}
    assert second.digest != first.digest


def test_packs__of_several_projects__keep_the_last_ones_up_to_their_bytes() -> None:
    one = Packs(10_000).pack(_PROJECT, _found(_segment("a")))
    packs = Packs(2 * len(one.content) + 50)
    found, projects = _found(_segment("a")), [Project(f"p{n}", "", n) for n in range(3)]
    made = [packs.pack(project, found) for project in projects]
    assert packs.pack(projects[2], found) is made[2]
    assert packs.pack(projects[1], found) is made[1]
    assert packs.pack(projects[0], found) is not made[0]

    none = Packs(0)
    assert none.pack(_PROJECT, found) is not none.pack(_PROJECT, found)


def test_packs__project_created_again__is_another() -> None:
    packs, found = Packs(10_000), _found(_segment("a"))
    again = dataclasses.replace(_PROJECT, created_ms=6)
    assert packs.pack(again, found) is not packs.pack(_PROJECT, found)


@pytest.mark.parametrize(
    ("flags", "missing", "omitted"),
    [
        (None, ["big", "outer"], []),  # flags that are defined elsewhere may depend on any
        ([], [], ["big", "outer"]),
        (["small"], [], ["big", "outer"]),
        (["outer"], ["big", "outer"], []),
        (["big"], ["big"], ["outer"]),
        (["small", "outer"], ["big", "outer"], []),
    ],
)
def test_pack__segments_with_lists__are_missing_where_a_flag_may_depend_on_them(
    flags: list[str] | None, missing: list[str], omitted: list[str]
) -> None:
    segments = [_segment("small"), _segment("big", lists=_LISTS), _segment("outer", "small", "big")]
    pack = Packs(10_000).pack(_PROJECT, _found(*segments, flags=flags))

    assert [segment.id for segment in pack.missing] == missing
    assert [segment.id for segment in pack.omitted] == omitted
    assert list(_content(pack)["segments"]) == ["small"]
    if missing:
        with pytest.raises(DatafileIncomplete, match=", ".join(f"slug-{name}" for name in missing)):
            make_datafile(pack, _PROJECT, "p", 10_000)
    else:
        body = json.loads(make_datafile(pack, _PROJECT, "p", 10_000).body())
        assert body["omittedSegments"] == [{"id": name, "slug": f"slug-{name}"} for name in omitted]


def test_datafile__of_as_many_bytes_as_allowed__is_made_and_with_one_more_refused() -> None:
    pack = Packs(10_000).pack(_PROJECT, _found(_segment("a")))
    size_bytes = make_datafile(pack, _PROJECT, "p", 10_000).size_bytes

    datafile = make_datafile(pack, _PROJECT, "p", size_bytes)
    assert len(datafile.body()) == size_bytes
    with pytest.raises(DatafileTooLarge, match=f"{size_bytes:,} bytes"):
        make_datafile(pack, _PROJECT, "p", size_bytes - 1)


def test_datafile__of_another_state_or_environment__has_another_tag() -> None:
    packs = Packs(10_000)
    one = packs.pack(_PROJECT, _found(_segment("a")))
    later = packs.pack(_PROJECT, _found(_segment("a"), mark="4 901 y"))
    made = [
        make_datafile(pack, _PROJECT, environment, 10_000)
        for pack in (one, later)
        for environment in ("p", "q")
    ]
    assert len({datafile.tag for datafile in made}) == 4
    assert make_datafile(one, _PROJECT, "p", 10_000).tag == made[0].tag
