"""An import is started, its answer is lost, an edit is made, and the form is sent again."""

import httpx

from tests.support.systems.driving import BigSegment, csv_of, new_segment
from tests.support.systems.system import System

_TWO = ["k-one", "k-two"]


def _start(segment: BigSegment, headers: dict[str, str]) -> httpx.Response:
    reply = segment.system.http.post(
        f"{segment.path}/imports",
        data={"mode": "replace"},
        files={"file": ("two.csv", csv_of(_TWO))},
        headers=headers,
    )
    assert reply.status_code == 204, reply.text
    segment.imports.append(reply.headers["location"].rpartition("/")[2])
    return reply


def test_import__sent_again_with_its_key__is_the_first_one_and_keeps_the_edit(
    system: System,
) -> None:
    segment, key = new_segment(system), {"Idempotency-Key": "nightly-1"}
    first = _start(segment, key)
    segment.completed(segment.imports[0])
    assert segment.edit(add=["k-3"]).status_code == 204

    again = _start(segment, key)

    assert again.headers["location"] == first.headers["location"]
    assert segment.members() == {*_TWO, "k-3"}


def test_import__sent_again_without_a_key__says_what_it_replaced(system: System) -> None:
    segment = new_segment(system)
    first = _start(segment, {}).headers["location"].rpartition("/")[2]
    assert segment.ended(first)["previousImport"] is None
    assert segment.edit(add=["k-3"]).status_code == 204

    second = segment.ended(_start(segment, {}).headers["location"].rpartition("/")[2])

    previous = second["previousImport"]
    assert (previous["id"], previous["editsSince"]) == (first, 1)
    assert second["report"]["removed"] == 1
    assert segment.members() == set(_TWO)
