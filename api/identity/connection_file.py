"""``connection.json`` of a data directory: how commands reach the `bigseg up` that holds it.

Where no system runs any more the file stays and says so: a command then ends with that message,
and does not turn to another server that it also knows.
"""

import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

DIRECTORY: Final = ".bigseg"
FILE: Final = "connection.json"

_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_MOST_BYTES: Final = 64 * 1024


class ConnectionFileError(Exception):
    """The file cannot be used; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class ConnectionFile:
    """What the file says.

    Attributes:
        url: where the API is, or was.
        token: the admin token; empty when nothing runs.
        key: what the API proves itself with; empty when nothing runs.
    """

    url: str
    token: str = field(default="", repr=False)
    key: str = field(default="", repr=False)

    @property
    def is_running(self) -> bool:
        """Whether a system is running, unless it was killed."""
        return bool(self.token and self.key)

    def write(self, directory: Path) -> None:
        """Write it whole, readable by its owner alone.

        Raises:
            OSError: it cannot be written.
        """
        aside = directory / f"{FILE}.new"
        aside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(aside, flags, _OWNER_ONLY), "w") as file:
            json.dump(asdict(self), file)
        aside.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> "ConnectionFile | None":
        """Read the file of a directory; ``None`` if there is none.

        Raises:
            ConnectionFileError: it cannot be read, is damaged, or others could have written it.
        """
        path = directory / FILE
        try:
            # Not blocking: a named pipe in its place would be waited for. It is read as empty.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                _require_own(path, os.fstat(file.fileno()))
                found = json.loads(file.read(_MOST_BYTES))
            return cls(str(found["url"]), str(found["token"]), str(found["key"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise ConnectionFileError(f"{path} cannot be read: {exc.strerror}") from exc
        except (ValueError, KeyError, TypeError) as exc:
            message = f"{path} is damaged: start `bigseg up` there again, which writes it anew"
            raise ConnectionFileError(message) from exc


def find_directory(start: Path) -> Path | None:
    """Find the nearest data directory with a connection file, from a folder upwards."""
    for folder in (start, *start.parents):
        if (folder / DIRECTORY / FILE).exists():
            return folder / DIRECTORY
    return None


def _require_own(path: Path, found: os.stat_result) -> None:
    # Whoever writes this file decides where lists are sent to.
    if found.st_uid not in {os.geteuid(), 0} or stat.S_IMODE(found.st_mode) & _OTHERS:
        message = (
            f"{path} is not used: it must belong to you and be closed to others "
            f"(chmod 600), for it says where lists and tokens go"
        )
        raise ConnectionFileError(message)
