"""``bigseg members list|sample``: every key as it is, also over several pages and flips."""

import json

import httpx
import pytest

from api.cli.commands import browsing
from tests.support.clients.command_line import Run
from tests.support.servers.api import create_segment, include
from tests.support.store.building import replace
from worker.store import EnvironmentRef, Store

_ODD = ['say "hi", bob', "a\\b", " padded ", "é 👩‍👩‍👧", "line\u2028separator"]


def test_members_list__several_pages__gives_each_key_once_as_it_is(
    run: Run, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "_PAGE", 40)
    segment = create_segment(client)
    keys = [*_ODD, *(f"k{number}" for number in range(150))]
    include(client, segment, *keys)

    listed = run("members", "list", "-s", segment)
    as_json = run("members", "list", "-s", segment, "--json")
    some = run("members", "list", "-s", segment, "--limit", "50")

    assert listed.exit_code == 0, listed.output
    lines = listed.stdout.split("\n")[:-1]
    assert sorted(lines) == sorted(keys)
    assert json.loads(as_json.stdout) == lines
    assert some.stdout.split("\n")[:-1] == lines[:50]
    assert json.loads(run("members", "list", "-s", segment, "--excluded", "--json").stdout) == []


def test_members_list__another_list_published_meanwhile__is_said_and_fails(
    run: Run, client: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = create_segment(client)
    ref = store.segments.get(EnvironmentRef("default", "production"), segment).ref
    replace(store, ref, "i1", {f"old-{number}" for number in range(200)}, bits=4)
    monkeypatch.setattr(browsing, "_PAGE", 20)
    written = browsing._write
    flips = iter([{f"new-{number}" for number in range(200)}])

    def flip(*args: object) -> str:
        for keys in flips:
            replace(store, ref, "i2", keys, bits=4)
        return written(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(browsing, "_write", flip)

    listed = run("members", "list", "-s", segment)

    assert listed.exit_code == 1
    assert listed.stderr.count("another list was published meanwhile") == 1
    assert {line[:3] for line in listed.stdout.splitlines()} == {"old", "new"}


def test_members_sample__some_or_more_than_there_are__are_distinct_members(
    run: Run, client: httpx.Client
) -> None:
    segment = create_segment(client)
    include(client, segment, "a", "b", "c")

    two = run("members", "sample", "-s", segment, "-n", "2").stdout.split()
    more = run("members", "sample", "-s", segment, "--json").stdout

    assert len(set(two)) == len(two) == 2
    assert set(two) < {"a", "b", "c"}
    assert sorted(json.loads(more)) == ["a", "b", "c"]
    assert run("members", "sample", "-s", segment, "-n", "1001").exit_code == 2
