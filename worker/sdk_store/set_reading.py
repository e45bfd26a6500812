"""Reads very many small sets at once, past redis-py, which takes some 20 µs for each."""

from collections.abc import Sequence

from redis import Redis

from worker.store.server import ReplyReader, driver_errors, first_error

_WHAT = "read the sets for SDKs"


def read_sets(client: Redis, names: Sequence[bytes]) -> list[frozenset[str]]:
    """Give what is in each of these sets; cost: 3 µs each, and one round trip.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
        StoreError: one is no set.
    """
    pool = client.connection_pool
    with driver_errors(_WHAT):
        connection = pool.get_connection()
    done = False
    try:
        with driver_errors(_WHAT):
            request = b"".join(
                b"*2\r\n$8\r\nSMEMBERS\r\n$%d\r\n%b\r\n" % (len(name), name) for name in names
            )
            connection.send_packed_command([request])
            replies = ReplyReader(connection).take(len(names))
            done = True
            error = first_error(list(filter(_is_error, replies)))
            if error is not None:
                raise error
    finally:
        if not done:
            connection.disconnect()
        pool.release(connection)
    return [frozenset(ref.decode(errors="replace") for ref in refs) for refs in replies]


def _is_error(reply: object) -> bool:
    return isinstance(reply, Exception)
