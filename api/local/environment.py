"""The environment variables the processes of a local system run with."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: Rate limits are there for strangers and neighbours; a local system has neither.
_LIMITS: Final = (
    "BIGSEG_LIMIT_ACCOUNT",
    "BIGSEG_LIMIT_TOKEN",
    "BIGSEG_LIMIT_ROUTE",
    "BIGSEG_LIMIT_LOOKUP_TOKEN",
    "BIGSEG_LIMIT_LOOKUP_ROUTE",
)


def environment_of_children(given: Mapping[str, str], spills: Path) -> dict[str, str]:
    """Give what every process of a local system inherits.

    Args:
        given: the environment of the user.
        spills: where spill files go unless the user says otherwise.
    """
    environment = dict(given)
    # The children run in another directory than the user.
    chosen = Path(environment.get("BIGSEG_SPILL_DIR") or spills)
    environment["BIGSEG_SPILL_DIR"] = str(chosen.expanduser().absolute())
    for name in _LIMITS:
        environment.setdefault(name, "0")
    # A proxy that is set for the outside must not be asked for 127.0.0.1.
    given_hosts = environment.get("no_proxy") or environment.get("NO_PROXY")
    direct = ",".join(filter(None, (given_hosts, "127.0.0.1,localhost")))
    environment["no_proxy"] = environment["NO_PROXY"] = direct
    if os.geteuid() == 0:
        # Celery warns of root because of pickle, which is off; one user is all there is here.
        ignored = "ignore::UserWarning:celery.platforms"
        warnings = filter(None, (environment.get("PYTHONWARNINGS"), ignored))
        environment["PYTHONWARNINGS"] = ",".join(warnings)
    return environment
