"""A request that starts an import or export, whatever the dialect that it is made in."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Response

from api.access.auth import Caller
from api.jobs.idempotency import EarlierRequest, PendingRequest, begin_request, start_once
from api.services.services import Services
from worker.store import JobKind, ListRef, Summary

Record = Callable[[str, str, Summary], None]
"""Records in the audit log what was done, as an action and a verb, and what was asked for."""


@dataclass(frozen=True, slots=True)
class Start:
    """Who starts a job, on which list, and how the dialect answers."""

    services: Services
    caller: Caller
    ref: ListRef
    key: str | None
    """The request's ``Idempotency-Key``."""
    respond: Callable[[str], Response]
    """Makes the answer from the id of the job, which has been admitted."""
    record: Record
    owner: str
    """What the caller calls the list, such as ``segment vip``."""
    has_excluded: bool = True
    """Whether there is a list of excluded keys beside it."""
    is_new: bool = False
    """Whether the list was made for this request."""

    def begin(self, kind: JobKind) -> PendingRequest | EarlierRequest | None:
        """Begin the request; see :func:`begin_request`."""
        store, token_id = self.services.store(), self.caller.token_id
        return begin_request(store, self.ref, kind, token_id, self.key)

    def admit_once(self, kind: JobKind, fingerprint: str, admit: Callable[[str], None]) -> Response:
        """Admit a job and answer, or repeat the answer of an earlier request. Blocks.

        Args:
            kind: of the job.
            fingerprint: of all that the request asks for.
            admit: admits the job of the id that it is given. What it raises is passed on: after a
                transient error the job's record says whether it was admitted, after any other it
                was not.

        Raises:
            Conflict: a request with this key is under way. Safe to retry.
            StoreUnavailable: no answer; see `admit`.
        """
        begun = self.begin(kind)
        if isinstance(begun, EarlierRequest):
            return begun.repeat(fingerprint, self.respond)
        job_id = self.services.ids()

        def start() -> Response:
            admit(job_id)
            return self.respond(job_id)

        return start_once(begun, fingerprint, job_id, start)
