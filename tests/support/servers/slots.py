"""Moving the slots of a cluster from node to node, as an operator does."""

from redis.crc import key_slot

from tests.support.servers.redis import Cluster, Server


def node_of(cluster: Cluster, key: str) -> Server:
    """The node that a new cluster has given the slot of a key to."""
    return cluster.nodes[key_slot(key.encode()) * len(cluster.nodes) // 16_384]


def other_node(cluster: Cluster, node: Server) -> Server:
    """Another node than this one."""
    return next(one for one in cluster.nodes if one is not node)


def move_slot(cluster: Cluster, key: str, source: Server, target: Server) -> None:
    """Move the slot of a key with all that is in it, and tell every node."""
    begin_move(key, source, target)
    slot = key_slot(key.encode())
    while keys := source.command_reply("CLUSTER", "GETKEYSINSLOT", slot, 100):
        source.command_reply("MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
    for node in (target, source, *cluster.nodes):
        node.command_reply("CLUSTER", "SETSLOT", slot, "NODE", _id(target))


def begin_move(key: str, source: Server, target: Server) -> None:
    """Mark the slot of a key as moving; nothing has been moved yet."""
    slot = key_slot(key.encode())
    target.command_reply("CLUSTER", "SETSLOT", slot, "IMPORTING", _id(source))
    source.command_reply("CLUSTER", "SETSLOT", slot, "MIGRATING", _id(target))


def _id(node: Server) -> str:
    return str(node.command_reply("CLUSTER", "MYID").decode())
