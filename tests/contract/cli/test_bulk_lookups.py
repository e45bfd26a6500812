"""``bigseg lookup --from FILE``: every key of a file, in its order, as CSV that reads back."""

import csv
import gzip
import io
from pathlib import Path

import httpx
import pytest

from api.cli import bulk_lookups
from tests.support.clients.command_line import Run
from tests.support.servers.api import create_segment, include

_ODD = ['say "hi", bob', "a,b", " padded ", "=1+1", "é 👩‍👩‍👧", "'single'", "x" * 1024]


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", ["keys.csv", "keys.CSV.gz", "keys.txt", "-"])
def test_lookup__file_of_odd_keys__gives_each_key_exactly(
    run: Run, client: httpx.Client, tmp_path: Path, name: str
) -> None:
    segment = create_segment(client)
    include(client, segment, *_ODD)
    keys = [*_ODD, "no, one"]
    as_csv = name.lower().startswith("keys.csv")
    text = io.StringIO(newline="")
    csv.writer(text).writerows([key, "other"] for key in keys)
    content = (text.getvalue() if as_csv else "\n".join(keys)).encode()
    file = tmp_path / name
    if name != "-":
        file.write_bytes(gzip.compress(content) if name.endswith("gz") else content)

    asked = ("--from", str(file)) if name != "-" else ("-",)
    result = run("lookup", "-s", segment, *asked, typed=content)

    assert result.exit_code == 0, result.output
    assert _rows(result.stdout) == [
        ["context", segment],
        *([key, "included"] for key in _ODD),
        ["no, one", "unknown"],
    ]


def test_lookup__several_segments_and_calls__have_a_column_each_in_order(
    run: Run, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_lookups, "_MOST_ANSWERS", 64)
    first, second = create_segment(client), create_segment(client)
    keys = [f"k{number}" for number in range(400)]
    include(client, first, *keys[::2])
    include(client, second, *keys[::3])
    file = tmp_path / "keys.csv"
    file.write_text("\ufeffkey,name\n" + "".join(f"{key},n\n" for key in keys))

    result = run("lookup", "-s", first, "--also", second, "--from", str(file), "--header")

    assert result.exit_code == 0, result.output
    words = {True: "included", False: "unknown"}
    assert _rows(result.stdout) == [
        ["context", first, second],
        *([f"k{n}", words[n % 2 == 0], words[n % 3 == 0]] for n in range(400)),
    ]


def test_lookup__many_bad_keys__are_counted_and_the_first_named(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    segment, file = create_segment(client), tmp_path / "keys.csv"
    file.write_text("good\n" + '"line\nbreak"\n' * 50 + "also good\n")

    result = run("lookup", "-s", segment, "--from", str(file))

    assert result.exit_code == 1
    assert [row[0] for row in _rows(result.stdout)] == ["context", "good", "also good"]
    lines = result.stderr.splitlines()
    assert len(lines) == 21
    assert "control characters" in lines[0]
    assert lines[-1] == "bigseg: 30 more keys cannot be one"


def test_lookup__file_that_cannot_be_answered__fails_with_the_reason(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    segment, file = create_segment(client), tmp_path / "keys.csv"
    file.write_text("a\n")
    cut, open_quote = tmp_path / "cut.csv.gz", tmp_path / "open.csv"
    cut.write_bytes(gzip.compress(b"a\n" * 1_000)[:-9])
    open_quote.write_text('"' + "a\n" * 100_000)

    def fails(*words: str) -> tuple[int, str]:
        result = run("lookup", "-s", *words)
        return result.exit_code, result.stderr

    empty = tmp_path / "empty.csv"
    empty.touch()
    assert fails(segment, "--from", str(empty)) == (0, "")
    assert fails("no-such", "--from", str(empty))[0] == 5
    assert fails("no-such", "--from", str(file))[0] == 5
    assert fails(segment, "--also", segment, "--from", str(file))[0] == 2
    assert fails(segment, "--also", "x", "a")[0] == 2
    for path, said in ((cut, "cannot read"), (open_quote, "is not CSV"), (tmp_path, "cannot read")):
        status, error = fails(segment, "--from", str(path))
        assert status == 1
        assert said in error
