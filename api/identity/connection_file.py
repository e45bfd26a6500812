"""``connection.json`` of a data directory: how commands reach the `bigseg up` that holds it.

Where no system runs any more the file stays and says so: a command then ends with that message,
and does not turn to another server that it also knows.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from api.private_files import is_private, write_private
from worker.errors import TerminalError

DATA_DIRECTORY: Final = ".bigseg"
FILE: Final = "connection.json"

_MOST_BYTES: Final = 64 * 1024


class ConnectionFileError(TerminalError):
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
        write_private(directory / FILE, json.dumps(asdict(self)))

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
                content = json.loads(file.read(_MOST_BYTES))
            return cls(str(content["url"]), str(content["token"]), str(content["key"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise ConnectionFileError(f"{path} cannot be read: {exc.strerror}") from exc
        except (ValueError, KeyError, TypeError) as exc:
            message = f"{path} is damaged: start `bigseg up` there again, which writes it again"
            raise ConnectionFileError(message) from exc


def find_directory(start: Path) -> Path | None:
    """Find the nearest data directory with a connection file, from a folder upwards."""
    for folder in (start, *start.parents):
        if (folder / DATA_DIRECTORY / FILE).exists():
            return folder / DATA_DIRECTORY
    return None


def _require_own(path: Path, status: os.stat_result) -> None:
    # Whoever writes this file decides where lists are sent to.
    if status.st_uid not in {os.geteuid(), 0} or not is_private(status):
        message = (
            f"{path} is not used: it must belong to you and be closed to others "
            f"(chmod 600), because it says where lists and tokens go"
        )
        raise ConnectionFileError(message)
