"""One uploaded list: from the request's body straight into the bucket.

No temporary file and bounded memory: what arrives is parsed as it comes and written in
parts by a thread. An upload that ends early leaves nothing behind.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from api.bodies.forms.fields import (
    FieldEvent,
    FileData,
    FileStart,
    FormError,
    FormEvent,
)
from api.bodies.forms.multipart import UploadForm
from api.errors import InvalidRequest, TooLarge
from api.http.asgi import Disconnected, declared_length
from api.jobs.options import FORM_FIELDS, ImportOptions, name_fault
from api.jobs.sources import require_list
from api.services.object_threads import ObjectThreads
from worker.foreign_files import SNIFF_BYTES
from worker.objects import ObjectInfo, ObjectStore, ObjectWriter, cleaning_up

#: What a form may hold beside the list: headers, short fields, boundaries.
_FORM_BYTES: Final = 128 * 1024

CheckFields = Callable[[dict[str, str]], ImportOptions]


@dataclass(frozen=True, slots=True)
class UploadedList:
    """A list that is whole in the bucket."""

    info: ObjectInfo
    file_name: str
    fields: dict[str, str]
    digest: str = ""
    """SHA-256 of the list, if it was asked for."""


def require_size(request: Request, limit_bytes: int) -> None:
    """Refuse a body whose declared length is too large, before it is read.

    Raises:
        TooLarge: it is.
    """
    declared = declared_length(request.scope)
    if declared is not None and declared > limit_bytes + _FORM_BYTES:
        raise _too_large(limit_bytes)


async def receive_upload(
    request: Request,
    objects: ObjectStore | None,
    threads: ObjectThreads,
    key: str,
    *,
    limit_bytes: int,
    check_fields: CheckFields,
    digest: bool = False,
) -> UploadedList:
    """Stream the form's list into an object.

    Args:
        request: its body must not have been read.
        objects: where the list goes; ``None`` only counts and digests it.
        threads: where the bucket is waited for.
        key: the object's.
        limit_bytes: longest list taken.
        check_fields: raises when the other fields are wrong; called before the object
            appears.
        digest: whether a digest of the list is wanted.

    Raises:
        InvalidRequest: the form is malformed, has no list or two, a file that is none, or a bad
            field.
        TooLarge: the list is longer than the limit.
        Disconnected: the client went away.
        ObjectError: the bucket did not take it. Safe to send the request again if transient.
    """
    receiver = _Receiver(objects, threads, key, declared_length(request.scope), limit_bytes)
    receiver.digest = hashlib.sha256() if digest else None
    try:
        return await _receive(request, receiver, check_fields)
    except FormError as exc:
        await _abort(receiver, exc)
        raise InvalidRequest(f"the upload: {exc.reason}") from exc
    except ClientDisconnect as exc:
        await _abort(receiver, exc)
        raise Disconnected from exc
    except BaseException as exc:
        await _abort(receiver, exc)
        raise


async def _receive(
    request: Request, receiver: "_Receiver", check_fields: CheckFields
) -> UploadedList:
    form = UploadForm(
        request.headers.get("content-type", ""),
        check_name=name_fault,
        # One more than there are, so that a second one of a name is what is told.
        max_parts=len(FORM_FIELDS) + 1,
    )
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > receiver.limit_bytes + _FORM_BYTES:
            raise _too_large(receiver.limit_bytes)
        for event in form.feed(piece):
            await receiver.take(event)
    for event in form.finish():
        await receiver.take(event)
    options = check_fields(receiver.fields)
    require_list(bytes(receiver.head), options.format)
    return await receiver.close()


async def _abort(receiver: "_Receiver", exc: BaseException) -> None:
    """Free the parts because of an error that is being raised, and never in place of it."""
    if receiver.writer is None:
        return
    with cleaning_up(exc):
        # Shielded: a server that is going down must still give the parts back.
        await asyncio.shield(receiver.threads.run(receiver.writer.abort))


@dataclass(slots=True)
class _Receiver:
    objects: ObjectStore | None
    threads: ObjectThreads
    key: str
    size_hint: int | None
    limit_bytes: int
    writer: "ObjectWriter | _Discard | None" = None
    digest: "hashlib._Hash | None" = None
    head: bytearray = field(default_factory=bytearray)
    """The list's first bytes, up to ``SNIFF_BYTES``."""
    file_name: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    async def take(self, event: FormEvent) -> None:
        match event:
            case FieldEvent(name, value):
                self.fields[name] = value
            case FileStart(file_name):
                self.file_name = file_name or ""
                self.writer = self._open()
            case FileData(data) if self.writer is not None:
                if self.writer.size_bytes + len(data) > self.limit_bytes:
                    raise _too_large(self.limit_bytes)
                self.head += data[: SNIFF_BYTES - len(self.head)]
                await self.threads.run(self._write, self.writer, data)
            case _:
                pass  # the list's end says nothing new

    async def close(self) -> UploadedList:
        if self.writer is None:
            raise FormError("the form has no list")
        info = await self.threads.run(self.writer.close)
        digest = "" if self.digest is None else self.digest.hexdigest()
        return UploadedList(info, self.file_name, self.fields, digest)

    def _open(self) -> "ObjectWriter | _Discard":
        if self.objects is None:
            return _Discard()
        return self.objects.open_writer(self.key, size_hint=self.size_hint)

    def _write(self, writer: "ObjectWriter | _Discard", data: bytearray) -> None:
        if self.digest is not None:
            self.digest.update(data)
        writer.write(data)


@dataclass(slots=True)
class _Discard:
    """Writes as an object's writer does, and keeps nothing."""

    size_bytes: int = 0

    def write(self, data: bytearray) -> None:
        self.size_bytes += len(data)

    def close(self) -> ObjectInfo:
        return ObjectInfo("", "", self.size_bytes, "")

    def abort(self) -> None:
        """There is nothing to free."""


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the list is over {limit_bytes:,} bytes; split it and import with mode merge")
