"""``Idempotency-Key``: a repeated start gets the first answer, and starts nothing.

What is certain after a crash between the steps of a request with a key:

- while its body is received: nothing was started. Its record expires after a minute; until
  then a repeat is 409, then it starts again.
- after its job was given an id, before the job's record was written: nothing was started. A
  repeat is 409 for a minute, then it starts again.
- after the job's record was written: the import or export runs, at the latest when a sweep
  finds it. A repeat gets its ``Location``.

A refusal is not kept: after it, the same key starts again. After a start that was answered
503, its job decides: if that was stopped or never written, the same key starts again;
otherwise the job is the answer.

Source: draft-ietf-httpapi-idempotency-key-header-07. Chosen here: 422 for another request
under the same key, 409 while the first is under way, bare keys as well as quoted ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Final

import structlog
from fastapi import Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict, InvalidRequest, KeyReused
from worker.store import (
    RECEIVING_MS,
    JobKind,
    JobNotFound,
    JobRef,
    ListRef,
    RequestRecord,
    Store,
    StoreError,
    TransientError,
    digest_of,
)

#: Visible ASCII, with or without the quotes of a structured field.
KEY_PATTERN: Final = r'^("[\x21\x23-\x5b\x5d-\x7e]{1,255}"|[\x21\x23-\x5b\x5d-\x7e]{1,255})$'
_TRIES: Final = 3

_log = structlog.get_logger(__name__)


async def key_of(
    request: Request,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=KEY_PATTERN,
            description="A name for this request that no other request has. Sent again within 24 "
            "hours with the same key, the request gets its first answer and starts nothing.",
        ),
    ] = None,
) -> str | None:
    """The key of a request, without quotes.

    Raises:
        InvalidRequest: there are two, and either could be meant.
    """
    if len(request.headers.getlist("idempotency-key")) > 1:
        raise InvalidRequest("the request has two Idempotency-Key headers; send one")
    return None if key is None else key.strip('"')


IdempotencyKeyOf = Annotated[str | None, Depends(key_of)]


class EarlierRequest:
    """A request with the same key that has started its job, or was answered."""

    def __init__(self, record: RequestRecord) -> None:
        self._record = record

    def repeat(self, fingerprint: str, rebuild: Callable[[str], Response]) -> Response:
        """Give the answer that the first request got.

        Args:
            fingerprint: of the repeated request.
            rebuild: makes the answer from the job's id, if a crash kept it from being stored.

        Raises:
            KeyReused: the request asks for something else.
        """
        record = self._record
        if record.fingerprint != fingerprint:
            raise KeyReused(
                "this Idempotency-Key belongs to another request; use a new key for each start"
            )
        if record.state != "done":
            return rebuild(record.job_id)
        headers = {"Location": record.location}
        if not record.body:
            return Response(status_code=record.status, headers=headers)
        return Response(record.body, record.status, headers, media_type="application/json")


class PendingRequest:
    """The first request with a key; until it ends, a repeat is answered 409."""

    def __init__(self, store: Store, name: str, record: RequestRecord) -> None:
        self._store = store
        self._name = name
        self._receiving = self._record = record

    def renew(self) -> None:
        """Keep it pending for another minute while the body is received."""
        self._store.requests.replace(self._name, self._receiving, self._receiving)

    def release(self) -> None:
        """Free the key unless the job was begun; if the store is down, it expires by itself."""
        if self._record.state == "receiving":
            self._remove()

    def start(self, fingerprint: str, job_id: str, start: Callable[[], Response]) -> Response:
        """Start the job and keep the answer.

        Args:
            fingerprint: of all that the request asks for.
            job_id: the job's id.
            start: starts it. What it raises is passed on: after a transient error the job's
                record says whether it was started, after any other nothing was.

        Raises:
            Conflict: the key was lost, because this process stood still for a minute.
            StoreUnavailable: no answer; nothing was started. Safe to retry.
        """
        self._move(RequestRecord("starting", self._record.owner, fingerprint, job_id))
        try:
            answer = start()
        except TransientError:
            raise
        except BaseException:
            self._remove()
            raise
        self._finish(answer)
        return answer

    def _move(self, record: RequestRecord) -> None:
        if not self._store.requests.replace(self._name, self._record, record):
            raise _in_progress()
        self._record = record

    def _finish(self, answer: Response) -> None:
        begun = self._record
        done = RequestRecord(
            "done",
            begun.owner,
            begun.fingerprint,
            begun.job_id,
            answer.status_code,
            answer.headers["Location"],
            bytes(answer.body).decode(),
        )
        try:
            self._store.requests.replace(self._name, begun, done)
        except StoreError as exc:  # a repeat finds the job by its id
            _log.warning("idempotent_answer.lost", job=begun.job_id, reason=str(exc))

    def _remove(self) -> None:
        try:
            self._store.requests.replace(self._name, self._record, None)
        except StoreError as exc:  # it expires by itself, or its job decides
            _log.warning("idempotency_claim.unreleased", reason=str(exc))


def begin_request(
    store: Store, ref: ListRef, kind: JobKind, caller: str, key: str | None
) -> PendingRequest | EarlierRequest | None:
    """Begin a request, or find the one that it repeats; ``None`` for one without a key.

    Args:
        store: where requests are kept.
        ref: the list that it is about; each generation has requests of its own.
        kind: what it starts.
        caller: the id of its access token.
        key: its idempotency key, if it has one.

    Raises:
        Conflict: the first request is still under way. Safe to retry.
        StoreUnavailable: no answer; nothing was started. Safe to retry.
    """
    if key is None:
        return None
    name = _name_of(ref, kind, caller, key)
    for _ in range(_TRIES):
        found = store.requests.read(name)
        if found is not None and found.record.state != "receiving":
            earlier, age_ms = found.record, found.age_ms
            if earlier.state == "done" or _was_started(store, ref, kind, earlier, age_ms):
                return EarlierRequest(earlier)
        elif found is not None:
            raise _in_progress()
        record = RequestRecord("receiving", store.database.random_name())
        if store.requests.replace(name, None if found is None else found.record, record):
            return PendingRequest(store, name, record)
    raise _in_progress()


def find_started(store: Store, ref: ListRef, kind: JobKind, caller: str, key: str) -> JobRef | None:
    """Find the job that a request with this key has started; ``None`` if it started none.

    Raises:
        Conflict: the request is still under way, and may start one. Safe to retry.
    """
    found = store.requests.read(_name_of(ref, kind, caller, key))
    if found is None:
        return None
    earlier = found.record
    if earlier.state == "receiving":
        raise _in_progress()
    if earlier.state == "done" or _was_started(store, ref, kind, earlier, found.age_ms):
        return JobRef(kind, ref.env, earlier.job_id)
    return None


@asynccontextmanager
async def keep_pending(request: PendingRequest | None) -> AsyncIterator[None]:
    """Keep a request pending while its body is received; free its key if nothing was started."""
    if request is None:
        yield
        return
    renewing = asyncio.create_task(_renew(request))
    try:
        yield
    except BaseException:
        # Shielded: a client that goes away must be able to send the request again at once.
        await asyncio.shield(run_in_threadpool(request.release))
        raise
    finally:
        renewing.cancel()


def start_once(
    request: PendingRequest | None, fingerprint: str, job_id: str, start: Callable[[], Response]
) -> Response:
    """Start a job, once if the request has a key; see :meth:`PendingRequest.start`."""
    return start() if request is None else request.start(fingerprint, job_id, start)


async def _renew(request: PendingRequest) -> None:
    while True:
        await asyncio.sleep(RECEIVING_MS / 4_000)
        with suppress(StoreError):  # there are three more tries before it ends
            await run_in_threadpool(request.renew)


def _was_started(
    store: Store, ref: ListRef, kind: JobKind, record: RequestRecord, age_ms: int
) -> bool:
    """Whether a request that was never answered has started its job."""
    try:
        state = store.jobs.get(JobRef(kind, ref.env, record.job_id))
    except JobNotFound:
        if age_ms < RECEIVING_MS:
            raise _in_progress() from None
        return False
    return state.status != "stopped"


def _name_of(ref: ListRef, kind: JobKind, caller: str, key: str) -> str:
    return digest_of(kind, ref.project, ref.environment, ref.name, caller, key)


def _in_progress() -> Conflict:
    return Conflict(
        "a request with this Idempotency-Key is in progress; send it again later for its answer"
    )
