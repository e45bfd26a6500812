"""Deletes spills that late tries left behind.

A try that has lost its unit deletes what it has written. If it is killed before that, and the
import has ended and was freed, no record leads to the file: only a look at all spills finds it.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Final

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.objects import SPILLS_PREFIX, spill_owner
from worker.store import EnvironmentRef, ImportRequest, JobNotFound, JobRef, UnreadableRecord

logger = logging.getLogger("bigseg.upkeep")

#: Deletes the files that an import has read or written, which it needs no more.
Discard = Callable[[Services, ImportRequest], None]

#: Pages of 1,000 spills in one turn; later ones are found once those before them are gone.
_MOST_PAGES: Final = 100


def sweep_spills(services: Services, discard: Discard) -> int:
    """Delete the spills of imports that have ended. Safe to repeat and to interrupt.

    Those of which there is no record are left alone: they may be another system's that has the
    same bucket.

    Cost: one request for each 1,000 spills, and one round trip for each import that has some.

    Returns:
        Imports whose spills were deleted.
    """
    swept = 0
    for ref in {*_in_bucket(services), *_in_directory(services)}:
        try:
            state = services.store.jobs.get(ref)
        except (JobNotFound, UnreadableRecord):
            continue
        if state.ended_ms is None or not isinstance(state.request, ImportRequest):
            continue
        try:
            discard(services, state.request)
        except (TransientError, TerminalError) as exc:
            logger.warning("spills.postponed", extra={"job": str(ref), "reason": str(exc)})
            continue
        logger.info("spills.deleted", extra={"job": str(ref)})
        swept += 1
    return swept


def _in_bucket(services: Services) -> Iterator[JobRef]:
    after: str | None = ""
    for _ in range(_MOST_PAGES):
        if after is None:
            return
        page, after = services.objects.list_page(SPILLS_PREFIX, after)
        for owner, import_id in {*filter(None, (spill_owner(info.key) for info in page))}:
            project, environment, *_ = owner
            yield JobRef("import", EnvironmentRef(project, environment), import_id)


def _in_directory(services: Services) -> Iterator[JobRef]:
    """Of each folder: its name does not say of which environment the import is."""
    root = services.settings.spill_dir
    if root is None or not root.is_dir():
        return
    names = [path.name for path in root.iterdir()]
    for env in services.store.environments.list_refs() if names else ():
        yield from (JobRef("import", env, name) for name in names)
