"""``bigseg api``, ``worker`` and ``beat``: the processes singly, as a deployment runs them."""

import os
import ssl
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli.errors import UsageError
from api.cli.session.options import with_options
from api.cli.session.session import Session
from api.default_ports import DEFAULT_PORT
from api.identity.connection_file import DATA_DIRECTORY
from api.serving.options import MOST_PROCESSES


def register(app: typer.Typer) -> None:
    """Add the commands ``api``, ``worker`` and ``beat``."""
    app.command("api")(with_options(_api))
    app.command("worker")(with_options(_worker))
    app.command("beat")(with_options(_beat))


def _api(
    session: Session,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = DEFAULT_PORT,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            help="PEM file of the certificate and its chain; serves HTTPS only.",
            envvar="BIGSEG_TLS_CERT",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(help="PEM file of the certificate's key.", envvar="BIGSEG_TLS_KEY"),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            help="Processes that serve the port; one that ends is replaced. At most one per core "
            "is of use. Settings that say so, such as BIGSEG_CONNECTIONS, apply to each of them.",
            min=1,
            max=MOST_PROCESSES,
        ),
    ] = 1,
) -> None:
    """Serve the HTTP API on one port."""
    from api.local.commands import api_command  # noqa: PLC0415 - slow, and no client needs it

    del session
    tls = _check_tls_files(tls_cert, tls_key)
    _become(api_command(host, port, tls, processes=processes))


def _worker(
    session: Session,
    concurrency: Annotated[int, typer.Option(help="Number of processes.", min=1, max=256)] = 2,
    queues: Annotated[
        str,
        typer.Option(
            help="Queues to take work from, separated by commas. Give bigseg.upkeep a worker of "
            "its own with one process, so that upkeep never waits behind imports."
        ),
    ] = "bigseg.work",
) -> None:
    """Run a Celery worker."""
    from api.local.commands import worker_command  # noqa: PLC0415 - slow, and no client needs it
    from worker.store import QUEUE_UPKEEP, QUEUE_WORK  # noqa: PLC0415 - same

    del session
    selected = tuple(queue.strip() for queue in queues.split(",") if queue.strip())
    unknown = set(selected) - {QUEUE_WORK, QUEUE_UPKEEP}
    if unknown or not selected:
        names = f"{QUEUE_WORK} and {QUEUE_UPKEEP}"
        raise UsageError(f"--queues: the queues are {names}")
    _become(worker_command(selected, concurrency, selected[0].rpartition(".")[2]))


def _beat(
    session: Session,
    schedule: Annotated[
        Path, typer.Option(help="File that records when each message was last sent; may be lost.")
    ] = Path(DATA_DIRECTORY, "beat-schedule"),
) -> None:
    """Run Celery's beat, which sends workers their periodic work; running several is harmless."""
    from api.local.commands import beat_command  # noqa: PLC0415 - slow, and no client needs it

    del session
    path = schedule.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        message = f"{path.parent} cannot be created: {exc.strerror}"
        raise typer.BadParameter(message, param_hint="--schedule") from exc
    _become(beat_command(path))


def _become(command: tuple[str, ...]) -> NoReturn:
    """Replace this process, so that signals reach the server itself."""
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  # our own command, no shell


def _check_tls_files(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Try the files before the server starts: they must belong together.

    Returns:
        Both, or ``None`` when neither is given.

    Raises:
        UsageError: one is missing, cannot be read, or does not fit the other.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise _tls_error("give both the certificate and its key")
    for file in (certificate, key):
        _require_readable(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_passphrase)
    except ssl.SSLError as exc:
        reason = exc.reason or "not in PEM format"
        message = f"{certificate} and {key} are not a certificate and its key ({reason})"
        raise _tls_error(message) from exc
    return certificate.absolute(), key.absolute()


def _tls_error(reason: str) -> UsageError:
    return UsageError(f"--tls-cert, --tls-key: {reason}")


def _require_readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as exc:
        raise _tls_error(f"{file} cannot be read: {exc.strerror}") from exc


def _no_passphrase() -> str:
    # Else OpenSSL would ask the terminal, and a server in the background would wait for ever.
    raise _tls_error("the key is encrypted: decrypt it first, for example with `openssl pkey`")
