"""The pages in a real browser: that they are not blank, and do what they say."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.browser.browser import Browser
from tests.support.servers.api import Api

_LEAST_COLOURS: Final = 50
_LEAST_DRAWN: Final = 0.03
_LOOKS: Final = ("look", "operationsLook")


def _complaints(seen: Any, step: str | None = None) -> list[str]:
    return [text for at, text in seen["complaints"] if step in {None, at}]


def test_pages__in_a_browser__are_not_blank(visited: Any) -> None:
    root = visited["root"]
    looks = [root["landing"]["look"], *(root["documentation"][one] for one in _LOOKS)]
    for look in looks:
        assert look["colours"] > _LEAST_COLOURS
        assert look["drawn"] > _LEAST_DRAWN
    assert root["documentation"]["operationsLook"] != root["documentation"]["look"]


def test_documentation__wrong_token__is_told_in_a_sentence(visited: Any) -> None:
    documentation = visited["root"]["documentation"]

    assert documentation["wrong"].startswith("The token was refused")
    assert documentation["right"] == ""


def test_documentation__right_token__lists_operations_and_calls_one(
    visited: Any, api: Api, client: httpx.Client
) -> None:
    document = client.get("/openapi.json").json()
    operations = sum(len(path) for path in document["paths"].values())
    bases = ((api.url, visited["root"]), (visited["prefixed"]["base"], visited["prefixed"]))
    for base, visit in bases:
        documentation = visit["documentation"]
        assert documentation["operations"] == operations
        assert documentation["called"] == f"{base}/api/v2/caller-identity"
        assert documentation["status"] == "200"


def test_documentation__token_in_use__is_kept_nowhere(visited: Any, api: Api) -> None:
    documentation = visited["root"]["documentation"]

    token = documentation["authorization"]
    assert token
    kept = documentation["kept"]
    assert (kept["stored"], kept["cookies"], kept["field"]) == ({}, [], "")
    assert token not in kept["address"]
    assert not [url for url in visited["root"]["seen"]["requests"] if token in url]
    assert token not in api.log


def test_browser__at_the_pages__has_nothing_to_complain_of(visited: Any) -> None:
    seen = visited["root"]["seen"]

    refused = _complaints(seen, "wrong token")
    forbidden = _complaints(seen, "inline style")
    assert "401" in refused[0]
    assert "style-src 'self'" in forbidden[0]
    assert _complaints(seen) == [refused[0], forbidden[0]]
    assert _complaints(visited["prefixed"]["seen"]) == []


def test_browser__at_the_pages__asks_nobody_else(visited: Any, api: Api) -> None:
    bases = ((api.url, visited["root"]), (visited["prefixed"]["base"], visited["prefixed"]))
    for base, visit in bases:
        assert [url for url in visit["seen"]["requests"] if not url.startswith(f"{base}/")] == []


def test_browser__without_a_library__is_told_by_its_name(browser: Browser, tmp_path: Path) -> None:
    program = tmp_path / "chromium"
    said = "chromium: error while loading shared libraries: libgcc_s.so.1: cannot open"
    program.write_text(f"#!/bin/sh\necho '{said} shared object file' >&2\nexit 127\n")
    program.chmod(0o700)

    with pytest.raises(AssertionError, match=r"cannot start: this machine has no libgcc_s\.so\.1"):
        replace(browser, executable=program).visit("http://127.0.0.1:9", "token", tmp_path)
