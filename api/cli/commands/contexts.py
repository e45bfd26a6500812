"""``bigseg contexts``: servers by name, with their tokens."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli.access.addresses import check_token, parse_url
from api.cli.access.contexts import Contexts, NamedServer
from api.cli.errors import CommandError, UsageError
from api.cli.session.options import with_options
from api.cli.session.session import Session
from api.cli.session.tables import Table

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_TOKEN_CHARACTERS: Final = 4_096

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the context.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``contexts``."""
    contexts = typer.Typer(help="Keep servers and their tokens by name.", no_args_is_help=True)
    contexts.command("add")(with_options(_add))
    contexts.command("use")(with_options(_use))
    contexts.command("list")(with_options(_list))
    contexts.command("remove")(with_options(_remove))
    app.add_typer(contexts, name="contexts")


def _add(
    name: Name,
    url: Annotated[str, typer.Option("--url", help="Address of the API.")],
    session: Session,
    *,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File that holds the access token; asked for, or read from standard "
            "input, if unset."
        ),
    ] = None,
) -> None:
    """Add a context, or replace it; the first is in use from then on.

    The token is no argument, because others can read a process's arguments.
    """
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name: use letters, digits, `.`, `_` and `-`")
    server = NamedServer(parse_url(url, "--url"), check_token(_read_token(token_file)))
    contexts = Contexts.read(os.environ).add(name, server)
    used = "; it is in use" if contexts.in_use == name else f"; use it with --context {name}"
    session.say(f"context {name} is {server.url}{used}", {"name": name, "url": server.url})


def _use(name: Name, session: Session) -> None:
    """Use a context where nothing else names a server."""
    contexts = Contexts.read(os.environ).use(name)
    url = contexts.servers[name].url
    session.say(f"context {name} ({url}) is in use", {"name": name, "url": url})


def _list(session: Session) -> None:
    """List the contexts; the tokens are not displayed."""
    contexts = Contexts.read(os.environ)
    rows = [
        (name, server.url, name == contexts.in_use)
        for name, server in sorted(contexts.servers.items())
    ]
    listed = [{"name": name, "url": url, "inUse": used} for name, url, used in rows]
    session.show(listed, Table("Contexts", ("name", "url", "in use"), rows))


def _remove(name: Name, session: Session) -> None:
    """Remove a context with its token."""
    contexts = Contexts.read(os.environ).remove(name)
    used = "" if contexts.in_use else "; none is in use"
    session.say(f"context {name} is removed{used}", {"removed": name})


def _read_token(file: Path | None) -> str:
    try:
        if file is not None:
            return file.read_text(errors="replace")[:_MOST_TOKEN_CHARACTERS].strip()
        if sys.stdin.isatty():
            return str(typer.prompt("Access token", hide_input=True, err=True)).strip()
        return sys.stdin.readline(_MOST_TOKEN_CHARACTERS).strip()
    except OSError as exc:
        raise CommandError(f"{file or 'standard input'} cannot be read: {exc.strerror}") from exc
