"""What every command shares: options, exit statuses, errors, and a quick start."""

import json
import os
import pty
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import Result

from api.cli.connection.refusals import name_options
from api.cli.errors import CommandError, ExitStatus
from api.cli.local_system import EventPrinter
from api.local import Event
from tests.support.clients.program import run_program

_ROOT = Path(__file__).parents[4]

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run one command in this process, as a user who has nothing but a home."""
    for name in [name for name in os.environ if name.startswith("BIGSEG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run_command(*words: str, typed: str | None = None) -> Result:
        return run_program(*words, typed=typed)

    return run_command


def test_version__printed__is_the_package_s(run: Run) -> None:
    assert run("--version").stdout == f"bigseg {version('bigseg')}\n"


@pytest.mark.parametrize(
    "words",
    [
        *((), ("segments",), ("segments", "list"), ("up",), ("worker",)),
        *(("import",), ("imports",), ("approve",), ("lookup",), ("export",)),
    ],
)
def test_help__short_option__is_the_long_one(run: Run, words: tuple[str, ...]) -> None:
    short, long = run(*words, "-h"), run(*words, "--help")

    assert (short.exit_code, short.stdout) == (0, long.stdout)
    assert "Usage: bigseg" in short.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("segments", "list", "--no-such-option"),
        ("segments", "list", "--output", "xml"),
        ("import", "list.csv"),
        ("import", "list.csv", "-s", "x", "--mode", "other"),
        ("segments", "create", "spaces are no key"),
        ("segments", "list", "--quiet", "--verbose"),
        ("segments", "list"),
        ("segments", "list", "--context", "no-such-context"),
        ("segments", "delete", "key"),
        ("projects", "delete", "key"),
        ("environments", "delete", "key"),
        ("tokens", "revoke", "id"),
        ("tokens", "create", "--name", "n", "--expires-in", "soon"),
        ("segments", "update", "key"),
        ("lookup", "-s", "x"),
        ("members", "add", "-s", "x", "key", "--from", "file"),
        ("audit", "--since", "yesterday"),
        ("audit", "--all", "-s", "x"),
        ("evaluate", "{not json"),
        ("api", "--tls-cert", "only-one.pem"),
        ("worker", "--queues", "other"),
        ("contexts", "use", "no-such-context"),
    ],
    ids=" ".join,
)
def test_usage_error__is_status_2_in_one_line_or_one_object(
    run: Run, words: tuple[str, ...]
) -> None:
    plain, as_json = run(*words), run(words[0], *words[1:], "--json")
    before = run("--output", "json", *words)

    assert plain.exit_code == 2, plain.output
    assert plain.stderr.startswith("bigseg: ")
    assert plain.stderr.count("\n") == 1
    for result in (as_json, before):
        assert result.exit_code == 2
        error = json.loads(result.stderr)
        assert set(error) == {"error", "code", "status", "id"}
        assert (error["code"], result.stdout) == ("usage", "")


def test_output__two_formats__are_refused(run: Run) -> None:
    result = run("contexts", "list", "--json", "--output", "tsv")

    assert result.exit_code == 2
    assert "leave one of them out" in json.loads(result.stderr)["error"]


def test_command__interrupted__says_so_with_status_130(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("api.cli.commands.contexts.Contexts.read", interrupt)

    result = run("contexts", "list")

    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_contexts__added_used_listed_removed__keep_the_token_to_themselves(
    run: Run, tmp_path: Path
) -> None:
    secret = "context-secret"
    (tmp_path / "token").write_text(f"{secret}\n")
    added = run("contexts", "add", "prod", "--url", "https://p.example", typed=f"{secret}\n")
    other = run(
        *("contexts", "add", "test", "--url", "t.example:1"),
        *("--token-file", str(tmp_path / "token")),
    )
    used = run("contexts", "use", "test")
    listed = run("contexts", "list")
    as_json = json.loads(run("contexts", "list", "--json").stdout)
    removed = run("contexts", "remove", "test")

    results = (added, other, used, listed, removed)
    assert [result.exit_code for result in results] == [0] * 5
    assert listed.stdout == "prod\thttps://p.example\tfalse\ntest\thttp://t.example:1\ttrue\n"
    assert [item["inUse"] for item in as_json] == [False, True]
    assert secret not in "".join(result.output for result in results)
    assert "none is in use" in removed.stdout
    file = tmp_path / "bigseg" / "contexts.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret in file.read_text()
    assert run("contexts", "add", "a/b", "--url", "u").exit_code == 2
    assert run("contexts", "add", "empty", "--url", "u", typed="\n").exit_code == 2


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "a replace: send allowEmpty=true (bigseg import --allow-empty)",
            "a replace: use `bigseg import --allow-empty`",
        ),
        ("allowShrink=true is missing", "--allow-shrink is missing"),
        ("instructions[0]: import x does not wait", "import x does not wait"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_message__of_the_api__speaks_of_options(said: str, meant: str) -> None:
    assert name_options(said) == meant


def test_errors__each_exit_status__has_a_code_of_its_own() -> None:
    statuses = set(ExitStatus) - {ExitStatus.DONE, ExitStatus.PIPE_CLOSED}

    assert len({CommandError("m", status).code for status in statuses}) == len(statuses)


def test_up__setting_that_cannot_be_used__is_named_before_anything_is_made(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BIGSEG_CONNECTIONS", "many")
    monkeypatch.setenv("BIGSEG_JOB_RETENTION_S", "long")

    result = run("up")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert "BIGSEG_CONNECTIONS: Input should be" in result.stderr
    assert "BIGSEG_JOB_RETENTION_S: Input should be" in result.stderr
    assert not list(tmp_path.iterdir())


def test_up__port_that_is_taken__is_said_once_before_anything_is_made(
    run: Run, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run("up", "--port", str(port))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (f"bigseg: port {port} is taken: stop what uses it or change --port\n")
    assert not list(tmp_path.iterdir())


def test_up__ready__prints_lines_to_paste_and_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printer = EventPrinter(as_json=False)
    printer(Event("token", "token: in /a b/admin-token", {"path": "/a b/admin-token"}))
    printer(Event("ready", "ready http://h:1", {"url": "http://h:1"}))

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["token: in /a b/admin-token", "ready http://h:1"]
    assert [line.strip() for line in lines if "export" in line] == [
        "export BIGSEG_URL=http://h:1",
        """export BIGSEG_TOKEN="$(cat '/a b/admin-token')\"""",
    ]


def test_start__of_a_client_command__loads_nothing_of_the_server() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; "
        "from api.cli.application import build_app; "
        "CliRunner().invoke(build_app(), ['segments', 'list']); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True
    )

    heavy = {"boto3", "botocore", "pyarrow", "celery", "kombu", "fastapi", "redis", "numpy"}
    assert not heavy & set(done.stdout.split())


def test_help__no_color__has_no_colour_on_a_terminal() -> None:
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "40"}
    environment.pop("FORCE_COLOR", None)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "contexts", "list", "--output", "table"],
        cwd=_ROOT,
        env=environment | {"XDG_CONFIG_HOME": "/nonexistent"},
        stdout=theirs,
        check=False,
        timeout=60,
    )
    os.close(theirs)
    printed = os.read(ours, 65_536).decode()
    os.close(ours)

    assert done.returncode == 0
    assert "in use" in printed
    assert "\x1b[3" not in printed


@pytest.mark.parametrize(
    "words",
    [
        ("--context", "no-such", "evaluate", "ada"),
        ("evaluate", "ada", "--context", "no-such"),
        ("--context", "no-such", "status"),
    ],
)
def test_context__before_or_after_the_command__is_looked_up(
    run: Run, words: tuple[str, ...]
) -> None:
    result = run(*words)

    assert result.exit_code == ExitStatus.USAGE
    assert "there is no context no-such" in result.stderr


@pytest.mark.parametrize(
    ("closed", "status", "said"),
    [
        (">&-", 1, "bigseg: cannot write: Bad file descriptor"),
        ("2>&-", 0, ""),
        ("<&-", 0, ""),
        ("<&- >&- 2>&-", 1, ""),
    ],
)
def test_streams__closed_by_the_shell__are_no_traceback(
    closed: str, status: int, said: str
) -> None:
    command = f"{shlex.quote(sys.executable)} -m api.cli contexts list --json {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=_ROOT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr.strip()) == (status, said)
