"""Errors of a local system.

LocalSystemError
├── PortTakenError            an explicit port is in use                        (terminal)
├── DataDirectoryError        the data directory cannot be used                 (terminal)
│   ├── DataDirectoryHeldError    another `bigseg up` uses it
│   └── NewerDataError            its data needs a newer or a different server
├── ServerNotFoundError       no suitable store server on this machine          (terminal)
├── UrlRefusedError           a setting's Redis URL cannot be used              (terminal)
├── ServiceUnreachableError   a service named by a setting does not answer      (transient)
└── ChildError                a process of the system ended or stayed silent    (transient)
"""

from worker.errors import BigsegError, TerminalError, TransientError


class LocalSystemError(BigsegError):
    """A local system could not be started or could not go on."""


class PortTakenError(LocalSystemError, TerminalError):
    """A port that was asked for is in use."""


class DataDirectoryError(LocalSystemError, TerminalError):
    """The data directory cannot be made, read or written."""


class DataDirectoryHeldError(DataDirectoryError):
    """Another process holds the data directory's lock."""


class NewerDataError(DataDirectoryError):
    """The data was written by a newer server, or by one of the other kind."""


class ServerNotFoundError(LocalSystemError, TerminalError):
    """There is no store server that can be started."""


class UrlRefusedError(LocalSystemError, TerminalError):
    """A Redis URL that the user set has no form that every part understands."""


class ServiceUnreachableError(LocalSystemError, TransientError):
    """A server or an S3 service that the user named does not answer. Safe to retry."""


class ChildError(LocalSystemError, TransientError):
    """A process ended by itself or was not ready in time; the message ends with its log's tail.

    Safe to retry: the whole system has stopped when a caller sees it.
    """


class StopRequestedError(KeyboardInterrupt):
    """A signal asked the system to stop; raised once, in the main thread.

    Not a `LocalSystemError`: like `KeyboardInterrupt` it must pass every ``except Exception``.

    Attributes:
        signal_name: ``SIGINT``, ``SIGTERM`` or ``SIGHUP``.
    """

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name
