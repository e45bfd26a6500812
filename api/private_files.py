"""Files that only their owner may read, because they hold secrets."""

import os
import stat
from pathlib import Path
from typing import Final

OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077


def write_private(path: Path, text: str) -> None:
    """Write a file whole: a crash leaves the old content or the new, never a part.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(aside, flags, OWNER_ONLY), "w") as file:
        file.write(text)
    aside.replace(path)


def is_private(status: os.stat_result) -> bool:
    """Whether nobody but the owner can read or write a file."""
    return not stat.S_IMODE(status.st_mode) & _OTHERS
