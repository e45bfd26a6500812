"""``Idempotency-Key``: a repeated start gets the first answer, and starts nothing.

What is certain after a crash between the steps of a request with a key:

- while its body is received: nothing was started. Its record expires after a minute; until
  then a repeat is 409, then it starts anew.
- after its job was given an id, before the job's record was written: nothing was started. A
  repeat is 409 for a minute, then it starts anew.
- after the job's record was written: the import or export runs, if need be because a sweep
  finds it. A repeat gets its ``Location``.

A refusal is not kept: after it, the same key starts anew. After a start
that was answered 503, its job decides: if that was stopped or never written, the same key
starts anew; any other is the answer.

Source: draft-ietf-httpapi-idempotency-key-header-07. Chosen here: 422 for another request
under the same key, 409 while the first is under way, bare keys as well as quoted ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Final

import structlog
from fastapi import Depends, Header, Response
from starlette.concurrency import run_in_threadpool

from api.errors import Conflict, KeyReused
from worker.store import JobNotFound, JobRef, Store, StoreError, TransientError
from worker.store.jobs.requests import RECEIVING_MS, RequestRecord, digest_of
from worker.store.keyspace import JobKind, ListRef

#: Visible ASCII, with or without the quotes of a structured field.
_PATTERN: Final = r'^("[\x21\x23-\x5b\x5d-\x7e]{1,255}"|[\x21\x23-\x5b\x5d-\x7e]{1,255})$'
_TRIES: Final = 3

_log = structlog.get_logger(__name__)


def key_of(
    key: Annotated[str | None, Header(alias="Idempotency-Key", pattern=_PATTERN)] = None,
) -> str | None:
    """The key of a request, without quotes."""
    return None if key is None else key.strip('"')


IdempotencyKeyOf = Annotated[str | None, Depends(key_of)]


class Earlier:
    """A request of the same key that has started its job, or was answered."""

    def __init__(self, record: RequestRecord) -> None:
        self._record = record

    def answer(self, fingerprint: str, made_again: Callable[[str], Response]) -> Response:
        """The answer that the first request got.

        Args:
            fingerprint: of the request that has come now.
            made_again: makes the answer from the job's id, if a crash kept it from being
                stored.

        Raises:
            KeyReused: it asks for something else.
        """
        record = self._record
        if record.fingerprint != fingerprint:
            raise KeyReused(
                "this Idempotency-Key belongs to another request; use a new key for each start"
            )
        if record.state != "done":
            return made_again(record.job_id)
        headers = {"Location": record.location}
        if not record.body:
            return Response(status_code=record.status, headers=headers)
        return Response(record.body, record.status, headers, media_type="application/json")


class Turn:
    """A request's turn at its key; until it ends, a repeat is answered 409."""

    def __init__(self, store: Store, name: str, record: RequestRecord) -> None:
        self._store = store
        self._name = name
        self._receiving = self._record = record

    def renew(self) -> None:
        """Keep the turn for another minute while the body is received.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        self._store.requests.replace(self._name, self._receiving, self._receiving)

    def give_back(self) -> None:
        """End the turn, unless the job was begun; if the store is down, it expires by itself."""
        if self._record.state == "receiving":
            self._remove()

    def start(self, fingerprint: str, job_id: str, start: Callable[[], Response]) -> Response:
        """Start the job and keep the answer.

        Args:
            fingerprint: of all that the request asks for.
            job_id: the job's id.
            start: starts it. What it raises is passed on: after a transient error the job's
                record tells what it did, after any other nothing was started.

        Raises:
            Conflict: the turn was lost, because this process stood still for a minute.
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
            raise _busy()
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
        except StoreError as exc:  # it goes by itself, or is told by its job
            _log.warning("idempotency_claim.unreleased", reason=str(exc))


def take_turn(
    store: Store, ref: ListRef, kind: JobKind, caller: str, key: str | None
) -> Turn | Earlier | None:
    """Begin a request, or find the one that it repeats; ``None`` for one without a key.

    Args:
        store: where requests are kept.
        ref: the list that it is about; another generation's requests are others.
        kind: what it starts.
        caller: the id of its access token.
        key: its idempotency key, if it has one.

    Raises:
        Conflict: the first request is still under way. Safe to retry.
        StoreUnavailable: no answer; nothing was started. Safe to retry.
    """
    if key is None:
        return None
    name = digest_of(kind, ref.project, ref.environment, ref.name, caller, key)
    for _ in range(_TRIES):
        found = store.requests.read(name)
        if found is not None and found.record.state != "receiving":
            earlier, age_ms = found.record, found.age_ms
            if earlier.state == "done" or _was_started(store, ref, kind, earlier, age_ms):
                return Earlier(earlier)
        elif found is not None:
            raise _busy()
        record = RequestRecord("receiving", store.tokens())
        if store.requests.replace(name, None if found is None else found.record, record):
            return Turn(store, name, record)
    raise _busy()


@asynccontextmanager
async def holding(turn: Turn | None) -> AsyncIterator[None]:
    """Keep a turn while a body is received, and give it back if nothing was started."""
    if turn is None:
        yield
        return
    renewing = asyncio.create_task(_renew(turn))
    try:
        yield
    except BaseException:
        # Shielded: a client that goes away must be able to send the request again at once.
        await asyncio.shield(run_in_threadpool(turn.give_back))
        raise
    finally:
        renewing.cancel()


def start_once(
    turn: Turn | None, fingerprint: str, job_id: str, start: Callable[[], Response]
) -> Response:
    """Start a job, at its turn if the request has a key; see :meth:`Turn.start`."""
    return start() if turn is None else turn.start(fingerprint, job_id, start)


async def _renew(turn: Turn) -> None:
    while True:
        await asyncio.sleep(RECEIVING_MS / 4_000)
        with suppress(StoreError):  # there are three more tries before it ends
            await run_in_threadpool(turn.renew)


def _was_started(
    store: Store, ref: ListRef, kind: JobKind, record: RequestRecord, age_ms: int
) -> bool:
    """Whether a request that was not seen to end has started its job."""
    try:
        state = store.jobs.get(JobRef(kind, ref.scope, record.job_id))
    except JobNotFound:
        if age_ms < RECEIVING_MS:
            raise _busy() from None
        return False
    return state.status != "stopped"


def _busy() -> Conflict:
    return Conflict(
        "a request with this Idempotency-Key is in progress; send it again later for its answer"
    )
