"""``bigseg flag-data``: the flags that SDKs evaluate with."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli.arguments.context_keys import STANDARD_INPUT, name_of
from api.cli.arguments.resource_keys import encode_key
from api.cli.errors import CommandError
from api.cli.session.options import EnvironmentOptions, with_options
from api.cli.session.session import Session

#: More than any API takes.
_MOST_BYTES: Final = 256 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the command group ``flag-data``."""
    flag_data = typer.Typer(
        help="Read and replace the flags that LaunchDarkly's SDKs evaluate with.",
        no_args_is_help=True,
    )
    flag_data.command("get")(with_options(_get))
    flag_data.command("put")(with_options(_put))
    app.add_typer(flag_data, name="flag-data")


def _get(target: EnvironmentOptions, session: Session) -> None:
    """Print the flags of an environment as JSON, in the form that `put` takes."""
    with session.open_connection() as connection:
        found = connection.get(_path(target))
    typer.echo(json.dumps(found, ensure_ascii=False))


def _put(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help='JSON, {"flags": {…}}; - is standard input.'),
    ],
    target: EnvironmentOptions,
    session: Session,
) -> None:
    """Replace all flags of an environment; SDKs that are connected have them within a second."""
    content = _read(file)
    with session.open_connection() as connection:
        put: dict[str, Any] = connection.put_content(_path(target), content)
    unknown = put["unknownSegments"]
    if unknown:
        session.note(f"rules name segments that do not exist: {', '.join(unknown)}")
    count, changed = put["flagCount"], put["changedCount"]
    text = f"flags in {target.environment}: {count:,}; new, changed or gone: {changed:,}"
    session.say(text, put)


def _read(file: Path) -> bytes:
    try:
        if str(file) != STANDARD_INPUT:
            with file.open("rb") as opened:
                content = opened.read(_MOST_BYTES + 1)
        elif sys.stdin is None:
            raise CommandError("cannot read standard input: it is closed")
        else:
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
    except OSError as exc:
        raise CommandError(f"cannot read {name_of(file)}: {exc.strerror or exc}") from exc
    if len(content) > _MOST_BYTES:
        raise CommandError(f"{name_of(file)} has over {_MOST_BYTES:,} bytes")
    return content


def _path(target: EnvironmentOptions) -> str:
    project, environment = encode_key(target.project), encode_key(target.environment)
    return f"/api/v2/flag-data/{project}/{environment}"
