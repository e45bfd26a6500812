"""What worker/broker/transport.py overrides is in the installed kombu as it was."""

import inspect

import kombu
import pytest
from kombu.transport import redis as redis_transport
from kombu.transport import virtual

from worker.broker import transport

REMEDY = (
    f"kombu {kombu.__version__} differs from what worker/broker/transport.py overrides; "
    "adapt that file before the bound of kombu in pyproject.toml is raised"
)

#: Each method that is overridden or called, with the parameters that kombu gives it.
METHODS = [
    (redis_transport.Channel, "_brpop_start", ["timeout"]),
    (redis_transport.Channel, "_connparams", ["asynchronous"]),
    (redis_transport.Channel, "_get_client", []),
    (redis_transport.QoS, "append", ["message", "delivery_tag"]),
    (redis_transport.QoS, "ack", ["delivery_tag"]),
    (redis_transport.QoS, "restore_visible", ["start", "num", "interval"]),
    (redis_transport.QoS, "restore_by_tag", ["tag", "client", "leftmost"]),
    (redis_transport.QoS, "_remove_from_indices", ["delivery_tag", "pipe"]),
    (virtual.QoS, "append", ["message", "delivery_tag"]),
    (virtual.QoS, "ack", ["delivery_tag"]),
    (
        redis_transport.PrefixedStrictRedis,
        "parse_response",
        ["connection", "command_name", "options"],
    ),
]
ATTRIBUTES = [
    (redis_transport.Channel, ("QoS", "connection_class", "from_transport_options")),
    (redis_transport.Transport, ("Channel",)),
]
#: What Python puts into every class, or into every one with abstract bases.
PYTHONS = {"_abc_impl", "_is_protocol"}


@pytest.mark.parametrize(("owner", "name", "parameters"), METHODS)
def test_kombu__method_that_is_overridden__takes_the_same(
    owner: type, name: str, parameters: list[str]
) -> None:
    method = getattr(owner, name, None)
    assert method is not None, f"{owner.__name__}.{name} is gone: {REMEDY}"
    found = list(inspect.signature(method).parameters)[1:]
    assert found == parameters, f"{owner.__name__}.{name} takes {found}: {REMEDY}"


@pytest.mark.parametrize(("owner", "names"), ATTRIBUTES)
def test_kombu__attribute_that_is_overridden__is_there(owner: type, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not hasattr(owner, name)]
    assert not missing, f"{owner.__name__} has no {missing}: {REMEDY}"


@pytest.mark.parametrize("name", ["_brpop_start", "_connparams", "_get_client", "connection_class"])
def test_kombu__what_is_overridden__is_still_asked_for(name: str) -> None:
    source = inspect.getsource(redis_transport)
    assert source.count(name) > 1, f"nothing asks for {name} any more: {REMEDY}"


def test_transport__every_override__is_compared_above() -> None:
    overridden = {
        name
        for override in vars(transport).values()
        if inspect.isclass(override) and override.__module__ == transport.__name__
        for name in vars(override)
        if any(name in vars(base) and _is_kombu(base) for base in override.__mro__[1:])
    }
    compared = {name for _, name, _ in METHODS}
    compared.update(*(names for _, names in ATTRIBUTES))
    own = {name for name in overridden if not name.startswith("__")} - PYTHONS
    assert own <= compared


def _is_kombu(owner: type) -> bool:
    return owner.__module__.startswith("kombu")
