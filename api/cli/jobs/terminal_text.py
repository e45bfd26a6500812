"""What strangers wrote, on a terminal, which would obey the control characters in it."""

import codecs

from api.cli.jobs.outputs import Write
from api.cli.session.tables import CONTROLS


def escape_controls(write: Write) -> Write:
    """Write UTF-8 text piece by piece with its control characters spelled out, as tables do.

    Args:
        write: writes to the terminal.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def escaped(piece: bytes) -> None:
        write(decoder.decode(piece).translate(CONTROLS).encode())

    return escaped
