"""The part of a download that has arrived, from which a cut one goes on."""

from dataclasses import dataclass

import httpx

from api.cli.errors import CommandError


@dataclass(slots=True)
class DownloadedPart:
    """How much of which state of a file is there."""

    done_bytes: int = 0
    etag: str | None = None
    """Of the state that is downloaded; unset before the first answer, and if it has none."""

    @property
    def headers(self) -> dict[str, str]:
        """What asks for the rest."""
        if not self.done_bytes or self.etag is None:
            return {}
        return {"Range": f"bytes={self.done_bytes}-", "If-Range": self.etag}

    def begin(self, reply: httpx.Response) -> int:
        """Note which state an answer is of; gives the size of the whole file.

        Raises:
            CommandError: the answer is not the rest of what has arrived.
        """
        if self.done_bytes and reply.status_code != httpx.codes.PARTIAL_CONTENT:
            raise CommandError("the file has changed since the download began; begin again")
        self.etag = reply.headers.get("ETag")
        return self.done_bytes + int(reply.headers.get("Content-Length", 0))
