"""What an import raises.

ImportFailure
├── SpillUnwritable (transient)  the spill directory did not take a file
└── ImportStopped (terminal)     the import cannot be completed; the message is its reason
"""

from worker.errors import TerminalError, TransientError


class ImportFailure(Exception):
    """The root; each error below is also transient or terminal."""


class SpillUnwritable(ImportFailure, TransientError):
    """The spill directory did not take a file. Make room; the chunk is tried again."""


class ImportStopped(ImportFailure, TerminalError):
    """The import cannot be completed; the live list is as it was."""
