"""The data directory of a local system: one holder, one admin token, one server's data.

```
admin-token      the token, readable by its owner only
sdk-key          a key for LaunchDarkly's SDKs, readable by its owner only
connection.json  address, token and key for commands, readable by its owner only
lock             who holds the directory; locked with flock while the holder lives
children.json    processes started for it, for the next start to find leftovers
server-version   the newest server that has written store/
store/  logs/  spills/  objects/  beat-schedule
```
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.identity.connection_file import ConnectionFile
from api.local.errors import DataDirectoryError, DataDirectoryHeldError, NewerDataError
from api.local.servers.store import ServerVersion
from api.private_files import OWNER_ONLY, write_private

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Paths and rules of one data directory; make it with `open`."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> "DataDirectory":
        """Make the directory and its folders if they are missing.

        Raises:
            DataDirectoryError: a file is in the way or the rights do not suffice.
        """
        directory = cls(path.expanduser().absolute())
        try:
            directory.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (directory.store, directory.logs, directory.spills, directory.objects):
                folder.mkdir(exist_ok=True)
        except OSError as exc:
            message = f"data directory {directory.path} cannot be used: {exc.strerror}"
            raise DataDirectoryError(f"{message}; name another with --data-dir") from exc
        return directory

    @property
    def store(self) -> Path:
        """Where the store server keeps its append-only file."""
        return self.path / "store"

    @property
    def logs(self) -> Path:
        """Where each process's log is."""
        return self.path / "logs"

    @property
    def spills(self) -> Path:
        """Where workers keep spill files."""
        return self.path / "spills"

    @property
    def objects(self) -> Path:
        """Where the S3 stand-in keeps its objects."""
        return self.path / "objects"

    @property
    def children(self) -> Path:
        """The record of processes started."""
        return self.path / "children.json"

    @property
    def beat_schedule(self) -> Path:
        """The file in which beat remembers when it last sent what."""
        return self.path / "beat-schedule"

    @property
    def token_file(self) -> Path:
        """The file of the admin token."""
        return self.path / "admin-token"

    @property
    def sdk_key_file(self) -> Path:
        """The file of the SDK key."""
        return self.path / "sdk-key"

    def read_or_make_token(self) -> str:
        """Read the admin token, or make it on first use and keep it for later starts.

        Raises:
            DataDirectoryError: the file cannot be read or written.
        """
        try:
            if self.token_file.exists():
                self.token_file.chmod(OWNER_ONLY)
                if token := self.token_file.read_text().strip():
                    return token
            token = secrets.token_hex(_TOKEN_BYTES)  # Vercel's command line takes no "-"
            write_private(self.token_file, token + "\n")
        except OSError as exc:
            raise DataDirectoryError(f"{self.token_file}: {exc.strerror}") from exc
        return token

    def write_connection(self, connection: ConnectionFile) -> None:
        """Tell commands how to reach the system, or that none runs.

        Raises:
            DataDirectoryError: the file cannot be written.
        """
        try:
            connection.write(self.path)
        except OSError as exc:
            raise DataDirectoryError(f"{self.path}: {exc.strerror}") from exc

    @contextmanager
    def hold(self) -> Iterator["Holder"]:
        """Hold the directory until the block ends; the end of the process releases it, too.

        Raises:
            DataDirectoryHeldError: another process holds it; the message says which.
        """
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise DataDirectoryHeldError(self._describe_holder(lock)) from exc
            holder = Holder(lock)
            holder.announce(url=None)
            yield holder
        finally:
            os.close(lock)

    def accepts_server(self, version: ServerVersion) -> bool:
        """Whether a server of this version can read what is in the store folder."""
        written_by = self.read_server_version()
        return written_by is None or version.reads_data_of(written_by)

    def check_server(self, version: ServerVersion) -> None:
        """Refuse a server that cannot read what is in the store folder.

        Args:
            version: the server that is about to be started.

        Raises:
            NewerDataError: a newer server or one of the other kind has written the data.
        """
        written_by = self.read_server_version()
        if written_by is None or self.accepts_server(version):
            return
        raise NewerDataError(
            f"data in {self.store} was written by {written_by} and {version} cannot read it; "
            f"start {written_by} or newer (BIGSEG_SERVER_BINARY) or name another --data-dir"
        )

    def read_server_version(self) -> ServerVersion | None:
        """Read which newest server has written the data; None for a new directory."""
        path = self.path / "server-version"
        try:
            return ServerVersion.parse(path.read_text())
        except FileNotFoundError:
            return None
        except ValueError as exc:
            raise DataDirectoryError(f"{path} is damaged: {exc}") from exc

    def record_server(self, version: ServerVersion) -> None:
        """Remember which server has opened the data."""
        write_private(self.path / "server-version", f"{version}\n")

    def _describe_holder(self, lock: int) -> str:
        text = os.pread(lock, 4096, 0)
        try:
            found = json.loads(text)
        except ValueError:  # the holder has locked it and not yet written who it is
            return f"data directory {self.path} is held by another process that is starting"
        url = found["url"] or "not ready yet"
        remedy = "stop it first or name another --data-dir"
        return f"data directory {self.path} is held by process {found['pid']} ({url}); {remedy}"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a data directory."""

    lock: int

    def announce(self, *, url: str | None) -> None:
        """Record who holds the directory, and under which URL once known, for others."""
        text = json.dumps({"pid": os.getpid(), "url": url}).encode()
        os.pwrite(self.lock, text, 0)
        os.ftruncate(self.lock, len(text))
