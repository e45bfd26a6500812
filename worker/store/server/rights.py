"""The commands that each kind of process runs at the store and at the broker.

``deploy/store.acl`` grants what is listed here; tests compare the two, and run every kind of
process under those users. ``worker.store.server.checks`` looks for what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: Placeholder for one of bigseg's keys in the commands below.
KEY: Final = object()

#: Commands by name, each with arguments of a valid number.
Commands = Mapping[str, tuple[object, ...]]
_SCRIPT: Final = ("return 1", 1, KEY)

#: The store, for the API and the workers.
_STORE: Final[Commands] = MappingProxyType(
    {
        "PING": (),
        "EVAL": _SCRIPT,
        "EVALSHA": ("0" * 40, 1, KEY),
        "COPY": (KEY, KEY),
        "DEL": (KEY,),
        "EXEC": (),
        "EXISTS": (KEY,),
        "EXPIRE": (KEY, 1),
        "GET": (KEY,),
        "HDEL": (KEY, "f"),
        "HEXISTS": (KEY, "f"),
        "HGET": (KEY, "f"),
        "HGETALL": (KEY,),
        "HINCRBY": (KEY, "f", 1),
        "HKEYS": (KEY,),
        "HLEN": (KEY,),
        "HMGET": (KEY, "f"),
        "HRANDFIELD": (KEY,),
        "HSCAN": (KEY, 0),
        "HSET": (KEY, "f", "v"),
        "HSETNX": (KEY, "f", "v"),
        "MGET": (KEY,),
        "PERSIST": (KEY,),
        "PEXPIRE": (KEY, 1),
        "PTTL": (KEY,),
        "SADD": (KEY, "m"),
        "SCARD": (KEY,),
        "SET": (KEY, "v"),
        "SISMEMBER": (KEY, "m"),
        "SMEMBERS": (KEY,),
        "SMISMEMBER": (KEY, "m"),
        "SREM": (KEY, "m"),
        "TIME": (),
        "UNLINK": (KEY,),
        "XADD": (KEY, "*", "f", "v"),
        "XRANGE": (KEY, "-", "+"),
        "XREVRANGE": (KEY, "+", "-"),
        "XTRIM": (KEY, "MAXLEN", 1),
        "ZADD": (KEY, 1, "m"),
        "ZCARD": (KEY,),
        "ZRANGE": (KEY, 0, 1),
        "ZRANGEBYSCORE": (KEY, 0, 1),
        "ZREM": (KEY, "m"),
        "ZSCAN": (KEY, 0),
        "ZSCORE": (KEY, "m"),
    }
)
#: The broker, for processes that only send: beat and the API.
_SEND: Final[Commands] = MappingProxyType(
    {
        "PING": (),
        "EXEC": (),
        "LLEN": (KEY,),
        "LPUSH": (KEY, "v"),
        "SADD": (KEY, "m"),
        "SMEMBERS": (KEY,),
    }
)
#: The broker, for the API, which counts requests there.
_COUNT: Final[Commands] = MappingProxyType(
    {
        "INCR": (KEY,),
        "SET": (KEY, "v"),
    }
)
#: The broker, for workers.
_TAKE: Final[Commands] = MappingProxyType(
    {
        "BRPOP": (KEY, 1),
        "DEL": (KEY,),
        "EVALSHA": ("0" * 40, 1, KEY),
        "GET": (KEY,),
        "HDEL": (KEY, "f"),
        "HGET": (KEY, "f"),
        "HSET": (KEY, "f", "v"),
        "RPUSH": (KEY, "v"),
        "SET": (KEY, "v"),
        "UNWATCH": (),
        "WATCH": (KEY,),
        "ZADD": (KEY, 1, "m"),
        "ZRANGE": (KEY, 0, 1),
        "ZREM": (KEY, "m"),
    }
)


@dataclass(frozen=True, slots=True)
class OptionalCommand:
    """A command that a process can do without."""

    arguments: tuple[object, ...]
    fallback: str
    """What is done instead."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What one kind of process does at one server."""

    needed: Commands
    optional: Mapping[str, OptionalCommand]


_INFO: Final = OptionalCommand(
    ("memory",), "neither the memory limit nor the eviction policy is known"
)
_INFO_OF_WORKER: Final = OptionalCommand(
    ("memory",),
    "neither the memory limit nor the eviction policy is known, and shards are written as if "
    "somebody always looked something up",
)
STORE_OF_API: Final = Rights(_STORE, {"INFO": _INFO})
STORE_OF_WORKER: Final = Rights(
    _STORE,
    {
        "RESTORE": OptionalCommand((KEY, 0, "v"), "shards are written member by member"),
        "WATCH": OptionalCommand((KEY,), "shards are written member by member"),
        "SCRIPT LOAD": OptionalCommand(
            ("return 1",), "each call that writes shards brings its script along"
        ),
        "INFO": _INFO_OF_WORKER,
    },
)
BROKER_OF_API: Final = Rights({**_SEND, **_COUNT}, {})
BROKER_OF_WORKER: Final = Rights(
    {**_SEND, **_TAKE},
    {
        "SCRIPT LOAD": OptionalCommand(
            ("return 1",), "what a killed worker had taken comes back some minutes later"
        )
    },
)
BROKER_OF_BEAT: Final = Rights(_SEND, {})
