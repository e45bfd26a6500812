"""What a server's user must be allowed, and finding out at the start what is missing.

``deploy/store.acl`` grants what is listed here; a test holds the two together, and runs
every kind of process under those users.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

#: Stands for a key of ours in the commands below.
_KEY: Final = object()
#: What the probe's commands would touch if any of them were run; none is.
PROBE: Final = "rights-probe"

_Commands = Mapping[str, tuple[object, ...]]
_SCRIPT: Final = ("return 1", 1, _KEY)

#: Each command with arguments of a valid number: the store, for the API and the workers.
_STORE: Final[_Commands] = MappingProxyType(
    {
        "PING": (),
        "EVAL": _SCRIPT,
        "EVALSHA": ("0" * 40, 1, _KEY),
        "COPY": (_KEY, _KEY),
        "DEL": (_KEY,),
        "EXEC": (),
        "EXISTS": (_KEY,),
        "EXPIRE": (_KEY, 1),
        "GET": (_KEY,),
        "HDEL": (_KEY, "f"),
        "HEXISTS": (_KEY, "f"),
        "HGET": (_KEY, "f"),
        "HGETALL": (_KEY,),
        "HINCRBY": (_KEY, "f", 1),
        "HKEYS": (_KEY,),
        "HLEN": (_KEY,),
        "HMGET": (_KEY, "f"),
        "HSCAN": (_KEY, 0),
        "HSET": (_KEY, "f", "v"),
        "HSETNX": (_KEY, "f", "v"),
        "HVALS": (_KEY,),
        "MGET": (_KEY,),
        "PTTL": (_KEY,),
        "SADD": (_KEY, "m"),
        "SCARD": (_KEY,),
        "SET": (_KEY, "v"),
        "SISMEMBER": (_KEY, "m"),
        "SMEMBERS": (_KEY,),
        "SMISMEMBER": (_KEY, "m"),
        "SREM": (_KEY, "m"),
        "TIME": (),
        "UNLINK": (_KEY,),
        "XADD": (_KEY, "*", "f", "v"),
        "XRANGE": (_KEY, "-", "+"),
        "XREVRANGE": (_KEY, "+", "-"),
        "XTRIM": (_KEY, "MAXLEN", 1),
        "ZADD": (_KEY, 1, "m"),
        "ZCARD": (_KEY,),
        "ZRANGE": (_KEY, 0, 1),
        "ZRANGEBYSCORE": (_KEY, 0, 1),
        "ZREM": (_KEY, "m"),
        "ZSCAN": (_KEY, 0),
        "ZSCORE": (_KEY, "m"),
    }
)
#: The broker, for who only sends: beat and the API.
_SEND: Final[_Commands] = MappingProxyType(
    {
        "PING": (),
        "EXEC": (),
        "LLEN": (_KEY,),
        "LPUSH": (_KEY, "v"),
        "SADD": (_KEY, "m"),
        "SMEMBERS": (_KEY,),
    }
)
#: The broker, for the API, which counts requests there.
_COUNT: Final[_Commands] = MappingProxyType(
    {
        "INCR": (_KEY,),
        "SET": (_KEY, "v"),
    }
)
#: The broker, for workers.
_TAKE: Final[_Commands] = MappingProxyType(
    {
        "BRPOP": (_KEY, 1),
        "DEL": (_KEY,),
        "EVALSHA": ("0" * 40, 1, _KEY),
        "GET": (_KEY,),
        "HDEL": (_KEY, "f"),
        "HGET": (_KEY, "f"),
        "HSET": (_KEY, "f", "v"),
        "RPUSH": (_KEY, "v"),
        "SET": (_KEY, "v"),
        "UNWATCH": (),
        "WATCH": (_KEY,),
        "ZADD": (_KEY, 1, "m"),
        "ZRANGE": (_KEY, 0, 1),
        "ZREM": (_KEY, "m"),
    }
)

#: What the drivers send besides; some of it only to a cluster, or for another database.
_BROKER_DRIVERS: Final = ("MULTI", "DISCARD", "CLIENT SETINFO", "SELECT")
_DRIVERS: Final = (*_BROKER_DRIVERS, "CLUSTER SLOTS", "COMMAND")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one kind of process does at one server.

    Attributes:
        needed: commands it cannot do without.
        useful: commands it can do without, and what it does instead.
    """

    needed: _Commands
    useful: Mapping[str, str]


_BLIND: Final = "neither the memory limit nor the eviction policy is known"
STORE_OF_API: Final = Rights(_STORE, {"INFO": _BLIND})
STORE_OF_WORKER: Final = Rights(
    _STORE,
    {
        "RESTORE": "shards are written member by member",
        "SCRIPT LOAD": "each call that writes shards brings its script along",
        "INFO": _BLIND,
    },
)
BROKER_OF_API: Final = Rights({**_SEND, **_COUNT}, {})
BROKER_OF_WORKER: Final = Rights(
    {**_SEND, **_TAKE},
    {"SCRIPT LOAD": "what a killed worker had taken comes back some minutes later"},
)
BROKER_OF_BEAT: Final = Rights(_SEND, {})
_USEFUL_ARGUMENTS: Final[_Commands] = MappingProxyType(
    {"RESTORE": (_KEY, 0, "v"), "SCRIPT LOAD": ("return 1",), "INFO": ("memory",)}
)


def granted(*rights: Rights) -> frozenset[str]:
    """All that a user of ``deploy/store.acl`` may do, for a process with these rights."""
    drivers = _DRIVERS if any(one.needed is _STORE for one in rights) else _BROKER_DRIVERS
    return frozenset(drivers).union(*((*one.needed, *one.useful) for one in rights))


def missing_rights(client: Redis, key_prefix: str, commands: _Commands) -> tuple[str, ...]:
    """Those of the commands that this user may not run on keys that begin with the prefix.

    Each is queued in a transaction that is then discarded: a server refuses a forbidden
    command at that moment, and runs none of the others. Cost: two round trips.

    Raises:
        redis.RedisError: the driver's own, to be translated.
    """
    pool = client.connection_pool
    connection = pool.get_connection()
    finished = False
    try:
        if not _allowed(connection, ["MULTI"]):
            finished = True
            return ("MULTI", "DISCARD")
        key = f"{key_prefix}:{PROBE}"
        packed = [[*name.split(), *_filled(key, args)] for name, args in commands.items()]
        # Without the check of the role, which would be queued, too.
        connection.send_packed_command(
            connection.pack_commands([*packed, ["DISCARD"]]), check_health=False
        )
        replies = [_is_reply_allowed(connection) for _ in range(len(packed) + 1)]
        finished = replies[-1]
        names = (*commands, "DISCARD")
        return tuple(name for name, allowed in zip(names, replies, strict=True) if not allowed)
    finally:
        if not finished:
            connection.disconnect()
        pool.release(connection)


def rights_message(what: str, name: str, key_prefix: str, missing: Sequence[str]) -> str:
    """One sentence for whoever looks after the server's users."""
    return (
        f"the user of the {what} at {name} may not run {', '.join(missing)} on keys "
        f"{key_prefix}:*; deploy/store.acl has the rights that bigseg needs"
    )


def forbidden_useful(client: Redis, key_prefix: str, rights: Rights) -> dict[str, str]:
    """Useful commands that are forbidden, and what is done instead. Cost: two round trips.

    Raises:
        redis.RedisError: the driver's own, to be translated.
    """
    commands = {name: _USEFUL_ARGUMENTS[name] for name in rights.useful}
    missing = missing_rights(client, key_prefix, commands)
    return {name: rights.useful[name] for name in missing if name in rights.useful}


def _filled(key: str, args: Sequence[object]) -> list[object]:
    return [key if one is _KEY else one for one in args]


def _allowed(connection: Any, command: Sequence[object]) -> bool:  # noqa: ANN401 - the driver's
    connection.send_command(*command)
    return _is_reply_allowed(connection)


def _is_reply_allowed(connection: Any) -> bool:  # noqa: ANN401 - the driver's
    try:
        connection.read_response()
    except NoPermissionError:
        return False
    except ResponseError:  # it has another objection, so it had none to the user
        return True
    return True
