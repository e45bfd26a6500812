"""What `bigseg import` reads and `bigseg export` writes: files, links, pipes, devices."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import Run, complete_export, working
from tests.support.servers.api import TOKEN, Api, create_segment
from tests.support.servers.objects import list_objects
from tests.support.store.jobs import jobs_of
from worker.objects import ObjectStore
from worker.store import ImportRequest, JobRef, Store

_LIST = b"ada\nbob\n"

Export = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


@pytest.fixture
def export(api: Api, store: Store, objects: ObjectStore, segment: str, tmp_path: Path) -> Export:
    """Export a list of two keys by a process of its own, with an umask that takes little away."""

    def run_export(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "api.cli", "export", "--segment", segment, *words]
        environment = {**os.environ, "BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN}
        environment["PYTHONPATH"] = str(Path(__file__).parents[3])

        def end(ref: JobRef) -> None:
            complete_export(store, objects, ref, _LIST)

        with working(store, segment, end):
            done: subprocess.CompletedProcess[bytes] = subprocess.run(
                command,
                cwd=tmp_path,
                env=environment,
                umask=0o022,
                timeout=60,
                check=False,
                **({"capture_output": True} | options),  # type: ignore[call-overload]
            )
        return done

    return run_export


def _line(stderr: bytes) -> str:
    """The one sentence that a failed command says."""
    text = stderr.decode()
    assert text.startswith("bigseg: "), text
    assert text.count("\n") == 1, text
    return text


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_export__onto_every_kind_of_file__writes_through_and_keeps_its_mode(
    run: Run, store: Store, objects: ObjectStore, segment: str, tmp_path: Path
) -> None:
    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, _LIST)

    def export(name: str) -> None:
        with working(store, segment, end):
            result = run("export", "--segment", segment, "-o", str(tmp_path / name))
        assert result.exit_code == 0, result.output

    new, kept, link, dangling, made, first, second = (
        tmp_path / name for name in ("new", "kept", "link", "dangling", "made", "first", "second")
    )
    kept.write_bytes(b"older and longer than what comes\n")
    kept.chmod(0o640)
    link.symlink_to("kept")
    dangling.symlink_to("made")
    first.write_bytes(b"older and longer than what comes\n")
    second.hardlink_to(first)

    for name in ("new", "kept", "dangling", "first"):
        export(name)
    for path in (new, kept, made, first, second):
        assert path.read_bytes() == _LIST, path
    assert (_mode(new), _mode(kept), _mode(made)) == (0o600, 0o640, 0o600)
    assert first.samefile(second)

    kept.write_bytes(b"old\n")
    export("link")
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert (kept.read_bytes(), _mode(kept)) == (_LIST, 0o640)
    assert len(list(tmp_path.iterdir())) == 7


def test_export__onto_a_pipe__writes_through_and_waits_for_its_reader(
    run: Run, store: Store, objects: ObjectStore, segment: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()

    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, _LIST)

    with working(store, segment, end):
        result = run("export", "--segment", segment, "-o", str(pipe))

    reader.join(20)
    assert result.exit_code == 0, result.output
    assert read == [_LIST]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_export__onto_a_device__is_written_through_also_when_it_is_full(
    run: Run, store: Store, objects: ObjectStore, segment: str, tmp_path: Path
) -> None:
    null, full = tmp_path / "null", tmp_path / "full"
    try:
        for path, minor in ((null, 3), (full, 7)):
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    except PermissionError:
        pytest.skip("this container may make no devices")

    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, _LIST)

    for path in (null, full):
        with working(store, segment, end):
            result = run("export", "--segment", segment, "-o", str(path))
        assert stat.S_ISCHR(path.lstat().st_mode)
        if path == null:
            assert result.exit_code == 0, result.output

    assert result.exit_code == 1
    assert f"cannot write {full}: No space left on device" in _line(result.stderr_bytes)


def test_export__process_substitution__gets_the_list(export: Export) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader:
        done = export("-o", f"/dev/fd/{write}", pass_fds=(write,))
        os.close(write)
        assert done.returncode == 0, done.stderr
        assert reader.read() == _LIST


def test_export__full_disk__is_one_sentence(export: Export) -> None:
    with Path("/dev/full").open("wb") as full:
        done = export(stdout=full, stderr=subprocess.PIPE, capture_output=False)

    assert done.returncode == 1
    assert "cannot write standard output: No space left on device" in _line(done.stderr)


def test_table__full_disk__is_one_sentence(api: Api) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", "segments", "list"],
            env={**os.environ, "BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert "No space left on device" in _line(done.stderr)


@contextmanager
def _closed_pipe() -> Iterator[int]:
    """An output whose reader has gone, as ``head`` has once it has its lines."""
    read, write = os.pipe()
    os.close(read)
    try:
        yield write
    finally:
        os.close(write)


def test_export__reader_gone__ends_quietly_as_by_sigpipe(export: Export) -> None:
    with _closed_pipe() as pipe:
        done = export(stdout=pipe, stderr=subprocess.PIPE, capture_output=False)

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_table__reader_gone__ends_quietly_as_by_sigpipe(api: Api) -> None:
    with _closed_pipe() as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", "segments", "list"],
            env={**os.environ, "BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN},
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("name", ["", "no/such/directory/out.csv", "file/below"])
def test_export__where_no_file_can_be__is_one_sentence_before_anything_starts(
    run: Run, store: Store, segment: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_bytes(b"kept")

    result = run("export", "--segment", segment, "-o", str(tmp_path / name))

    assert result.exit_code == 1
    assert "cannot write" in _line(result.stderr_bytes)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert jobs_of(store, segment) == []


def test_export__stopped__leaves_the_file_as_it_was(
    run: Run, store: Store, segment: str, tmp_path: Path
) -> None:
    output, other = tmp_path / "out", tmp_path / "other-name"
    output.write_bytes(b"kept")

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "stopped", reason="the list is not whole", keep_s=600)

    with working(store, segment, end):
        first = run("export", "--segment", segment, "-o", str(output))
    other.hardlink_to(output)
    with working(store, segment, end):
        second = run("export", "--segment", segment, "-o", str(output))

    assert (first.exit_code, second.exit_code) == (1, 1)
    assert output.read_bytes() == b"kept"
    assert {path.name for path in tmp_path.iterdir()} == {"out", "other-name"}


def _uploaded(store: Store, objects: ObjectStore, found: list[bytes]) -> Callable[[JobRef], None]:
    """End an import, and keep what was uploaded for it."""

    def end(ref: JobRef) -> None:
        request = store.jobs.get(ref).request
        assert isinstance(request, ImportRequest)
        info = objects.head(request.sources[0].key)
        found.append(b"".join(objects.read_range(info, 0, info.size_bytes)))
        store.jobs.end(ref, "complete", keep_s=600)
        store.builds.cancel(request.list_ref, ref.job_id)

    return end


def test_import__standard_input_or_a_pipe__is_read_to_its_end(
    run: Run, store: Store, objects: ObjectStore, segment: str, tmp_path: Path
) -> None:
    long = b"".join(b"key-%d\n" % n for n in range(20_000))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read, write = os.pipe()
    found: list[bytes] = []

    def put(number: int) -> None:
        with os.fdopen(number, "wb") as file:
            file.write(long)

    feeds = (
        (str(pipe), lambda: pipe.write_bytes(long)),
        (f"/dev/fd/{read}", lambda: put(write)),
        ("-", lambda: None),
    )
    for source, feed in feeds:
        threading.Thread(target=feed, daemon=True).start()
        with working(store, segment, _uploaded(store, objects, found)):
            result = run("import", source, "--segment", segment, typed=long)
        assert result.exit_code == 0, result.output
    os.close(read)

    assert found == [long, long, long]


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
def test_import__file_that_changes_while_it_is_read__is_one_sentence(
    run: Run,
    store: Store,
    objects: ObjectStore,
    segment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(_LIST * 20_000)

    def changed(_: object) -> None:
        with file.open("r+b") as opened:
            if change == "grows":
                opened.seek(0, os.SEEK_END)
                opened.write(_LIST)
            elif change == "shrinks":
                opened.truncate(100)
            else:
                opened.write(b"eve")
        os.utime(file, (1, 1))

    # The first that the command tells of its upload comes after the first read.
    monkeypatch.setattr("api.progress.display.ProgressDisplay.show", lambda *_: changed(None))
    result = run("import", str(file), "--segment", segment)

    assert result.exit_code == 1
    assert "changed while it was uploaded" in _line(result.stderr_bytes)
    assert jobs_of(store, segment) == []
    assert not [
        item for item in list_objects(objects, "bigseg-internal/uploads/") if segment in item.key
    ]


def test_import__directory__is_one_sentence(run: Run, segment: str, tmp_path: Path) -> None:
    result = run("import", str(tmp_path), "--segment", segment)

    assert result.exit_code == 1
    assert "Is a directory" in _line(result.stderr_bytes)
