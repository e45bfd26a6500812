"""``bigseg up``: a whole local system in one terminal."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from api.local import (
    DEFAULT_PORT,
    DEFAULT_REDIS_PORT,
    DEFAULT_S3_PORT,
    Event,
    LocalOptions,
    LocalSystem,
    LocalSystemError,
    StopRequestedError,
)
from api.serving.options import MOST_PROCESSES


def _port_option(whose: str, default: int) -> Any:  # noqa: ANN401  # typer's options are Any
    found = f"{default}, or the next free one"
    return typer.Option(help=f"Port of {whose}.", min=1, max=65_535, show_default=found)


def register(app: typer.Typer) -> None:
    """Add the command ``up``."""
    app.command("up")(_up)


def _up(
    *,
    host: Annotated[str, typer.Option(help="Address the API listens on.")] = "127.0.0.1",
    port: Annotated[int | None, _port_option("the API", DEFAULT_PORT)] = None,
    data_dir: Annotated[
        Path, typer.Option(help="Directory of the append-only file, the logs and the admin token.")
    ] = Path(".bigseg"),
    redis_port: Annotated[int | None, _port_option("the store server", DEFAULT_REDIS_PORT)] = None,
    s3_port: Annotated[int | None, _port_option("the S3 stand-in", DEFAULT_S3_PORT)] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(help="Worker processes.", min=1, max=64, show_default="one per core, 2 to 4"),
    ] = None,
    api_processes: Annotated[
        int | None,
        typer.Option(
            help="Processes that serve the API on its port.",
            min=1,
            max=MOST_PROCESSES,
            show_default="one per core, at most 4",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per event, each on a line.")
    ] = False,
) -> None:
    """Run a whole system on this machine until Ctrl-C: store, S3 stand-in, workers, beat, API.

    Members and the objects in the S3 stand-in survive a restart, in the data directory.
    BIGSEG_REDIS_URL and BIGSEG_S3_ENDPOINT name servers to use instead of starting new ones,
    BIGSEG_SERVER_BINARY the store server to start.
    """
    options = LocalOptions(
        data_dir=data_dir,
        host=host,
        port=port,
        redis_port=redis_port,
        s3_port=s3_port,
        concurrency=concurrency,
        api_processes=api_processes,
    )
    run(options, as_json=as_json)


def run(options: LocalOptions, *, as_json: bool) -> None:
    """Run a local system until a signal or a failure, and print what happens.

    Raises:
        typer.Exit: it failed; the reason has been printed.
    """
    try:
        with LocalSystem.start(options, _EventPrinter(as_json=as_json)) as system:
            system.wait()
    except StopRequestedError:
        return  # stopped as requested
    except LocalSystemError as exc:
        message = json.dumps({"name": "error", "text": str(exc)}) if as_json else f"bigseg: {exc}"
        typer.echo(message, err=True)
        raise typer.Exit(1) from exc


class _EventPrinter:
    """Prints each event as a line, until the terminal has gone."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._is_read = True

    def __call__(self, event: Event) -> None:
        if not self._is_read:
            return
        try:
            typer.echo(json.dumps(asdict(event)) if self._as_json else event.text)
        except OSError:  # the terminal has gone, which must not keep the system from stopping
            self._is_read = False
