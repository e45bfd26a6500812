"""How large the new revision will be, and what follows from it."""

from collections.abc import Sequence
from typing import Any, Final

from worker.imports.guards import check_emptying, check_shrinking, check_usable
from worker.imports.memory import needed_bytes, reserve_memory
from worker.jobs.services import Context
from worker.store.jobs.records import ImportRequest
from worker.store.lists import FIRST_BITS, Claim, Revision, bits_for

#: Packed bytes of a base member, as long as nobody has measured it.
_BASE_MEMBER_BYTES: Final = 24


def fix_size(
    context: Context,
    request: ImportRequest,
    claim: Claim,
    chunks: Sequence[dict[str, Any]],
    distinct_share: float,
) -> Revision:
    """Fix the shard counts and reserve the memory. Nothing has been written before.

    Args:
        context: The outside world.
        request: The import.
        claim: Its place in history.
        chunks: Results of all chunks.
        distinct_share: Estimated share of the valid rows that are no repetition.

    Raises:
        ImportStopped: the list would become empty or lose too much, the file is hardly a
            list, or the revision would not fit.
        Fenced: the import no longer holds the list.
        StoreUnavailable: no answer. Safe to retry.
    """
    valid = sum(chunk["valid"] for chunk in chunks)
    replace = request.mode == "replace"
    _check_contents(context, request, claim, chunks, valid)
    kept = 0 if replace else claim.included_count
    if request.mode == "reshard":
        # The list grows by edits; without room to grow it would be rebuilt at once again.
        kept = kept * 3 // 2
    packed = sum(chunk["packed"] for chunk in chunks) * distinct_share
    members = round(valid * distinct_share) + kept
    bits = bits_for(members)
    if claim.base.included_bits and not replace:
        # Edits may still fill the base: a list that keeps it cannot be taken for empty.
        bits = max(bits, FIRST_BITS)
    needed = needed_bytes(
        members, round(packed) + kept * _BASE_MEMBER_BYTES, (1 << bits) if bits else 1
    )
    reserve_memory(context.store, request.ref, request.list_ref, needed)
    return context.store.builds.prepare(
        request.list_ref, request.import_id, bits, bits_for(claim.excluded_count)
    )


def _check_contents(
    context: Context,
    request: ImportRequest,
    claim: Claim,
    chunks: Sequence[dict[str, Any]],
    valid: int,
) -> None:
    """Stop what can hardly be intended; a replace is looked at once more when it is built."""
    check_usable(context.settings, request, chunks)
    before = claim.included_count
    check_emptying(request, before=before, accepted=valid)
    if valid:
        check_shrinking(context.settings, request, before=before, removed=max(0, before - valid))
