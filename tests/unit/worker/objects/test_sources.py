"""Which addresses an import may read, and where bigseg's own objects are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.objects import (
    INTERNAL_PREFIX,
    DestinationNotAllowed,
    SourceNotAllowed,
    export_key,
    export_prefix,
    parse_destination,
    parse_source,
    spill_key,
    spill_prefix,
    upload_key,
)

_ALLOWED = ("s3://bigseg/lists/", "s3://partner-b/drop/eu", "s3://whole")
_SCOPE = ("default", "production", "beta-users.g3")
_NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://bigseg/lists/a.csv", "bigseg", "lists/a.csv"),
        ("s3://bigseg/lists/2026/11/a b?#%2F.csv", "bigseg", "lists/2026/11/a b?#%2F.csv"),
        ("s3://bigseg/lists/a..csv", "bigseg", "lists/a..csv"),
        ("s3://bigseg/lists/ä", "bigseg", "lists/ä"),
        ("s3://partner-b/drop/eu/x", "partner-b", "drop/eu/x"),
        ("s3://whole/anything", "whole", "anything"),
        ("s3://bigseg/lists/" + "k" * 1018, "bigseg", "lists/" + "k" * 1018),
    ],
)
def test_source__below_an_allowed_prefix__taken_apart(uri: str, bucket: str, key: str) -> None:
    assert parse_source(uri, _ALLOWED) == (bucket, key)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://bigseg/other/a.csv", "not below an allowed prefix"),
        ("s3://bigseg/lists", "not below an allowed prefix"),
        ("s3://bigseg/lists-of-others/a.csv", "not below an allowed prefix"),
        ("s3://partner-b/drop/eu", "not below an allowed prefix"),
        ("s3://partner-b/drop/europe/x", "not below an allowed prefix"),
        ("s3://bigseg2/lists/a.csv", "not below an allowed prefix"),
        ("s3://Bigseg/lists/a.csv", "not below an allowed prefix"),
        ("s3://bigseg/Lists/a.csv", "not below an allowed prefix"),
        ("s3://bigseg//lists/a.csv", "not below an allowed prefix"),
        ("s3://bigseg/lists/../other/a.csv", "'..'"),
        ("s3://whole/..", "'..'"),
        ("s3://whole/./a", "'..'"),
        ("s3://bigseg/lists/a\n.csv", "control character"),
        ("s3://bigseg/lists/a\x00.csv", "control character"),
        ("s3://whole/bigseg-internal/uploads/a", "own prefix"),
        ("s3://bigseg/lists/" + "k" * 1019, "over 1024 bytes"),
        ("s3://bigseg/lists/" + "ä" * 600, "over 1024 bytes"),
        ("s3://bigseg/lists/\ud800", "not Unicode text"),
        ("s3://bigseg/", "names no object"),
        ("s3://bigseg", "names no object"),
        ("s3://", "not an S3 address"),
        ("s3:///lists/a", "not an S3 address"),
        ("S3://bigseg/lists/a", "not an S3 address"),
        ("https://bigseg/lists/a", "not an S3 address"),
        ("/etc/passwd", "not an S3 address"),
        ("s3://arn:aws:s3:::x/lists/a", "not an S3 address"),
        ("s3://user@bigseg/lists/a", "not an S3 address"),
        ("", "not an S3 address"),
    ],
)
def test_source__anything_else__refused_with_its_reason(uri: str, reason: str) -> None:
    with pytest.raises(SourceNotAllowed, match=reason):
        parse_source(uri, _ALLOWED)


def test_source__empty_or_malformed_allow_list__refused() -> None:
    with pytest.raises(SourceNotAllowed, match="there is none"):
        parse_source("s3://bigseg/lists/a", ())
    with pytest.raises(SourceNotAllowed, match="'lists/' is not an S3 address"):
        parse_source("s3://bigseg/lists/a", ("lists/",))


@given(st.text(max_size=60))
def test_source__any_text_after_the_prefix__same_key_or_refused(text: str) -> None:
    try:
        bucket, key = parse_source(f"s3://bigseg/lists/{text}", _ALLOWED)
    except SourceNotAllowed:
        return
    assert (bucket, key) == ("bigseg", f"lists/{text}")


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("s3://bigseg/inbox", "inside the inbox"),
        ("s3://bigseg/inbox/default/production/vip/", "inside the inbox"),
        ("s3://bigseg//inbox//default", "inside the inbox"),
        ("s3://bigseg/" + "é" * 400, "no room for the names of files"),
    ],
    ids=["inbox", "below", "slashes", "long"],
)
def test_destination__no_file_of_an_export_can_be_there__refused(uri: str, why: str) -> None:
    with pytest.raises(DestinationNotAllowed, match=why):
        parse_destination(uri, ("s3://bigseg/",), inbox="s3://bigseg/inbox/")


def test_destination__beside_the_inbox__allowed() -> None:
    found = parse_destination("s3://bigseg/inbox-of/x", ("s3://bigseg",), inbox="s3://bigseg/inbox")
    assert found == ("bigseg", "inbox-of/x/")


def test_layout__each_kind__below_the_internal_prefix() -> None:
    inside = "default/production/beta-users.g3"
    assert upload_key(_SCOPE, "i1") == f"{INTERNAL_PREFIX}uploads/{inside}/i1"
    assert (
        spill_key(_SCOPE, "i1", chunk=7, attempt="k3f9")
        == f"{spill_prefix(_SCOPE, 'i1')}000007-k3f9.arrow"
    )
    assert export_key(_SCOPE, "e1", "list.csv") == f"{export_prefix(_SCOPE, 'e1')}list.csv"


@given(st.lists(_NAMES, min_size=3, max_size=3), st.lists(_NAMES, min_size=3, max_size=3))
def test_layout__two_scopes__share_no_key_and_no_dot_segment(
    first: list[str], second: list[str]
) -> None:
    keys = upload_key(first, "i"), upload_key(second, "i")
    assert (keys[0] == keys[1]) == (first == second)
    assert {".", ".."}.isdisjoint(itertools.chain.from_iterable(key.split("/") for key in keys))


@pytest.mark.parametrize("name", ["", "a/b", "a b", "ä", "a\n", "%2E"])
def test_layout__name_that_is_no_resource_key__refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of an object key"):
        upload_key((name,), "i")


def test_layout__key_over_what_s3_takes__refused() -> None:
    with pytest.raises(ValueError, match="S3 takes 1024"):
        upload_key(("a" * 600, "b" * 600), "i")
