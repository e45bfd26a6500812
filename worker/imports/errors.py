"""What an import raises.

ImportFailure
├── SpillUnwritable (transient)  the spill directory did not take a file
└── ImportStopped (terminal)     the import cannot be completed; the message is its reason
"""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.errors import TerminalError, TransientError
from worker.lists.errors import UnusableList


class ImportFailure(Exception):
    """The root; each error below is also transient or terminal."""


class SpillUnwritable(ImportFailure, TransientError):
    """The spill directory did not take a file. Make room; the chunk is tried again."""


class ImportStopped(ImportFailure, TerminalError):
    """The import cannot be completed; the live list is as it was."""


def lost_files(import_id: str) -> ImportStopped:
    """Why an import is stopped whose list of files is not whole any more."""
    return ImportStopped(f"import {import_id} has lost its files; import the list again")


def row_too_long(name: str, offset: int) -> ImportStopped:
    """Why an import is stopped by a row that is too long to be one."""
    return ImportStopped(
        f"the row that begins at byte {offset} of {name} is over 1 MiB: is a quote left open?"
    )


@contextmanager
def naming(file: str | None) -> Iterator[None]:
    """Name the file that cannot be used, where there are several.

    Args:
        file: Its name; ``None`` if there is only one.

    Raises:
        ImportStopped: the block found that the list cannot be used.
    """
    try:
        yield
    except UnusableList as exc:
        if file is None:
            raise
        named = f"{file}: {exc}"
        raise ImportStopped(named) from exc
