"""Named contexts: servers with their tokens, in a file of the user's configuration."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from api.cli.errors import CommandError, UsageError
from api.private_files import is_private, write_private


@dataclass(frozen=True, slots=True)
class NamedServer:
    """Where an API is, and the token for it."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contexts:
    """All contexts of a user, and the name of the one in use."""

    path: Path
    servers: Mapping[str, NamedServer]
    in_use: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Contexts":
        """Read the user's file; without it there are no contexts.

        Raises:
            CommandError: it cannot be read, is damaged, or others can read it.
        """
        path = _find_file(environment)
        try:
            with path.open("rb") as file:
                if not is_private(os.fstat(file.fileno())):
                    raise CommandError(
                        f"{path} holds tokens and can be read by others: run `chmod 600 {path}`"
                    )
                content = json.load(file)
            servers = {
                str(name): NamedServer(str(server["url"]), str(server["token"]))
                for name, server in content["contexts"].items()
            }
            in_use = content["inUse"]
        except (FileNotFoundError, NotADirectoryError):
            return cls(path, {})
        except OSError as exc:
            raise CommandError(f"{path} cannot be read: {exc.strerror}") from exc
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            message = f"{path} is damaged: correct it, or remove it and add the contexts again"
            raise CommandError(message) from exc
        return cls(path, servers, in_use if in_use in servers else None)

    def get(self, name: str) -> NamedServer:
        """Return the server of a context.

        Raises:
            UsageError: there is no such context.
        """
        try:
            return self.servers[name]
        except KeyError:
            known = ", ".join(sorted(self.servers)) or "none; see `bigseg contexts add`"
            raise UsageError(f"there is no context {name}; known: {known}") from None

    def add(self, name: str, server: NamedServer) -> "Contexts":
        """Add or replace a context; the first one added is in use from then on."""
        return _write(
            replace(self, servers={**self.servers, name: server}, in_use=self.in_use or name)
        )

    def use(self, name: str) -> "Contexts":
        """Use a context where nothing else names a server."""
        self.get(name)
        return _write(replace(self, in_use=name))

    def remove(self, name: str) -> "Contexts":
        """Remove a context; if it was in use, none is."""
        self.get(name)
        left = {known: server for known, server in self.servers.items() if known != name}
        return _write(
            replace(self, servers=left, in_use=None if self.in_use == name else self.in_use)
        )


def _write(contexts: Contexts) -> Contexts:
    servers = {
        name: {"url": server.url, "token": server.token}
        for name, server in contexts.servers.items()
    }
    path = contexts.path
    text = json.dumps({"inUse": contexts.in_use, "contexts": servers}, indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, text)
    except OSError as exc:
        raise CommandError(f"{path} cannot be written: {exc.strerror}") from exc
    return contexts


def _find_file(environment: Mapping[str, str]) -> Path:
    folder = environment.get("XDG_CONFIG_HOME", "")
    # The standard says that a relative path there is to be ignored.
    base = Path(folder) if folder.startswith("/") else Path(environment.get("HOME", "~"), ".config")
    return base.expanduser() / "bigseg" / "contexts.json"
