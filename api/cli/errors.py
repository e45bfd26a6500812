"""Why a command fails, and the exit status that tells a script.

CommandError            the command failed
├── UsageError          it was written wrongly                    (terminal)
└── UnreachableError    no bigseg answers, or it cannot now       (transient)
"""

from enum import IntEnum

from worker.errors import BigsegError, TerminalError, TransientError


class ExitStatus(IntEnum):
    """How a command ended; `README.md` documents each."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    NOT_FOUND = 5
    #: A guard has an import wait for an approval.
    GUARDED = 6
    INTERRUPTED = 130
    #: What a shell sees of a tool whose reader wanted no more: 128 and the number of SIGPIPE.
    PIPE_CLOSED = 141


_CODES = {
    ExitStatus.FAILED: "failed",
    ExitStatus.USAGE: "usage",
    ExitStatus.UNREACHABLE: "unreachable",
    ExitStatus.REFUSED: "refused",
    ExitStatus.NOT_FOUND: "not_found",
    ExitStatus.GUARDED: "guarded",
    ExitStatus.INTERRUPTED: "interrupted",
}


class CommandError(BigsegError):
    """A command failed; the message says why and what to do.

    Attributes:
        exit_status: what the process ends with.
        status: the HTTP status, if the API refused.
        code: the API's code of the refusal, or one for the exit status.
        error_id: the id under which the API has logged its refusal.
    """

    def __init__(
        self,
        message: str,
        exit_status: ExitStatus = ExitStatus.FAILED,
        *,
        status: int | None = None,
        code: str | None = None,
        error_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.status = status
        self.code = code or _CODES[exit_status]
        self.error_id = error_id


class UsageError(CommandError, TerminalError):
    """The command was written wrongly, or an option has a value that cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitStatus.USAGE)


class UnreachableError(CommandError, TransientError):
    """No bigseg answers, or it cannot answer now."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message, ExitStatus.UNREACHABLE, status=status)
