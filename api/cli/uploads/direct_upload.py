"""One direct upload, from its start or from where an earlier command was cut off."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UnreachableError
from api.cli.uploads.bucket import Bucket
from api.cli.uploads.contents import Content
from api.cli.uploads.meter import Meter
from api.cli.uploads.sending import PartSender
from api.cli.uploads.urls import PartUrls

_MB: Final = 1_000_000


class BucketUnreachable(UnreachableError):
    """Nothing answers at the address of the bucket that the API gave."""


@dataclass(frozen=True, slots=True)
class DirectUploads:
    """Uploads for one list.

    Attributes:
        connection: to the API.
        path: of the list's uploads.
        meter: counts what is sent.
        note: tells of what an earlier command has done.
    """

    connection: Connection
    path: str
    meter: Meter
    note: Callable[[str], None]

    def upload(self, content: Content) -> str:
        """Upload one list, or what is missing of it; gives the id of the complete upload.

        What has arrived of a file stays for the next command if this one fails; of a pipe nothing
        stays.

        Raises:
            BucketUnreachable: this command has sent nothing of this list.
            CommandError: the API or the bucket refused, or the file has changed.
        """
        found = self._find(content)
        upload = found or self._start(content)
        upload_id = str(upload["id"])
        path = f"{self.path}/{upload_id}"
        if upload["status"] == "complete":
            self.meter.skip(int(upload["sizeBytes"]))
            return upload_id
        try:
            self._send(content, upload, path)
            content.require_unchanged()
        except BaseException as exc:
            unsent = found is None and isinstance(exc, BucketUnreachable)
            if not content.fingerprint or unsent:
                self._delete(path)
            raise
        self.connection.post(f"{path}/complete", {})
        return upload_id

    def _find(self, content: Content) -> dict[str, Any] | None:
        """The upload of this content that an earlier command was cut off from."""
        if not content.fingerprint:
            return None
        found = self.connection.get(self.path, fingerprint=content.fingerprint)
        for item in found["items"]:
            if item["sizeBytes"] == content.size_bytes:
                upload: dict[str, Any] = self.connection.get(f"{self.path}/{item['id']}")
                size = upload["receivedBytes"] / _MB
                self.note(f"{content.name}: {size:,.1f} MB are in the bucket already")
                return upload
        return None

    def _start(self, content: Content) -> dict[str, Any]:
        body: dict[str, Any] = {"filename": content.name, "fingerprint": content.fingerprint}
        if content.size_bytes is not None:
            body["sizeBytes"] = content.size_bytes
        started: dict[str, Any] = self.connection.create(self.path, body)
        return started

    def _send(self, content: Content, upload: dict[str, Any], path: str) -> None:
        urls = PartUrls(self.connection, path, upload.get("urls"))
        received = {
            number
            for part_range in upload.get("received", ())
            for number in range(part_range["first"], part_range["last"] + 1)
        }
        self.meter.skip(int(upload.get("receivedBytes", 0)))
        wanted = [n for n in range(1, (upload["partCount"] or 0) + 1) if n not in received]
        if upload["partCount"] is not None and not wanted:
            return
        # Its host is all that is needed of it yet.
        bucket = Bucket(urls.any())
        try:
            if not bucket.is_reachable():
                raise BucketUnreachable(f"nothing answers at {bucket.origin}, where the bucket is")
            parts = content.parts(int(upload["partBytes"]), wanted)
            PartSender(bucket, urls, self.meter).send_all(parts)
        finally:
            bucket.close()

    def _delete(self, path: str) -> None:
        with suppress(CommandError):  # it is deleted when it is old
            self.connection.delete(path)
