"""Which server a command talks to: what the user named, the nearest local system, a context."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.cli.access.addresses import check_token, parse_url
from api.cli.access.contexts import Contexts
from api.cli.errors import UnreachableError, UsageError
from api.identity.connection_file import ConnectionFile, ConnectionFileError, find_directory

_ALL_WAYS: Final = (
    "no server is named: run this below the directory in which `bigseg up` runs, set BIGSEG_URL "
    "and BIGSEG_TOKEN, or add a context with `bigseg contexts add`"
)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and the token for it.

    Attributes:
        url: its address.
        token: what requests carry; empty for those that need none.
        named_by: what named the server, for messages.
        key: what the server must prove that it knows before it gets the token, if the user has
            not named the server.
        directory: the data directory whose key that is.
    """

    url: str
    token: str = field(repr=False)
    named_by: str
    key: str | None = field(default=None, repr=False)
    directory: Path | None = None


def find_access(
    environment: Mapping[str, str],
    *,
    context: str | None = None,
    folder: Path,
    needs_token: bool = True,
) -> Access:
    """Find the server of a command, and the token for it.

    A context of ``--context`` or ``BIGSEG_CONTEXT`` comes first, then ``BIGSEG_URL`` and
    ``BIGSEG_TOKEN``, then the nearest data directory, then the context in use.

    Args:
        environment: the user's variables.
        context: name of the context to use.
        folder: where the search for a data directory begins.
        needs_token: whether a server without a token is of no use.

    Raises:
        UsageError: none is named, or what names it cannot be used.
        UnreachableError: the nearest data directory's system is not running.
        CommandError: the contexts cannot be read.
    """
    if name := context or environment.get("BIGSEG_CONTEXT", "").strip():
        return _of_context(Contexts.read(environment), name)
    url, token = (environment.get(f"BIGSEG_{name}", "").strip() for name in ("URL", "TOKEN"))
    url = parse_url(url, "BIGSEG_URL") if url else ""
    token = check_token(token) if token else ""
    if url and token:
        return Access(url, token, "BIGSEG_URL")
    nearest = _of_directory(folder)
    if nearest is not None:
        named_by = "BIGSEG_URL" if url else nearest.named_by
        token = token or nearest.token
        return Access(url or nearest.url, token, named_by, nearest.key, nearest.directory)
    if url and not needs_token:
        return Access(url, "", "BIGSEG_URL")
    if url or token:
        missing, given = ("BIGSEG_TOKEN", "BIGSEG_URL") if url else ("BIGSEG_URL", "BIGSEG_TOKEN")
        raise UsageError(
            f"{given} is set without {missing}: set both, or run this below the directory in "
            f"which `bigseg up` runs"
        )
    contexts = Contexts.read(environment)
    if contexts.in_use is None:
        raise UsageError(_ALL_WAYS)
    return _of_context(contexts, contexts.in_use)


def _of_context(contexts: Contexts, name: str) -> Access:
    server = contexts.get(name)
    named_by = f"context {name}"
    return Access(parse_url(server.url, named_by), check_token(server.token), named_by)


def _of_directory(folder: Path) -> Access | None:
    directory = find_directory(folder)
    if directory is None:
        return None
    try:
        connection = ConnectionFile.read(directory)
    except ConnectionFileError as exc:
        raise UsageError(str(exc)) from exc
    if connection is None or not connection.is_running:
        raise UnreachableError(
            f"the bigseg of {directory} is not running: start `bigseg up` in {directory.parent}, "
            f"or name another server with --context or BIGSEG_URL and BIGSEG_TOKEN"
        )
    url, token = parse_url(connection.url, str(directory)), check_token(connection.token)
    return Access(url, token, str(directory), connection.key, directory)
