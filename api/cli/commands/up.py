"""``bigseg up``: a whole local system in one terminal."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.session.options import with_options
from api.cli.session.session import Session
from api.default_ports import DEFAULT_PORT, DEFAULT_REDIS_PORT, DEFAULT_S3_PORT
from api.identity.connection_file import DATA_DIRECTORY
from api.serving.options import MOST_PROCESSES


def _port_option(server: str, default: int) -> Any:  # noqa: ANN401  # typer's options are Any
    shown = f"{default}, or the next free one"
    return typer.Option(help=f"Port of {server}.", min=1, max=65_535, show_default=shown)


def register(app: typer.Typer) -> None:
    """Add the command ``up``."""
    app.command("up")(with_options(_up))


def _up(
    session: Session,
    *,
    host: Annotated[str, typer.Option(help="Address the API listens on.")] = "127.0.0.1",
    port: Annotated[int | None, _port_option("the API", DEFAULT_PORT)] = None,
    data_dir: Annotated[
        Path,
        typer.Option(
            help="Directory of the append-only file, the logs and the admin token; commands that "
            "are run below its parent find a `.bigseg` by themselves."
        ),
    ] = Path(DATA_DIRECTORY),
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
) -> None:
    """Run a whole system on this machine until Ctrl-C: store, S3 stand-in, workers, beat, API.

    Members and the objects in the S3 stand-in survive a restart, in the data directory.
    BIGSEG_REDIS_URL and BIGSEG_S3_ENDPOINT name servers to use instead of starting new ones,
    BIGSEG_SERVER_BINARY the store server to start. With `--json` it prints one object per event.
    """
    # Slow to import, and no other command needs it.
    from api.cli.local_system import run  # noqa: PLC0415
    from api.local import LocalOptions  # noqa: PLC0415

    options = LocalOptions(
        data_dir=data_dir,
        host=host,
        port=port,
        redis_port=redis_port,
        s3_port=s3_port,
        concurrency=concurrency,
        api_processes=api_processes,
    )
    run(options, as_json=session.as_json)
