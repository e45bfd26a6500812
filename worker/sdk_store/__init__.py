"""Keeps the sets that LaunchDarkly's SDKs read from Redis as the lists are.

``follower`` keeps all environments that are switched on, ``kept_environment`` one of them under a
lease, and ``environment_follower`` follows its lists: ``list_source`` says what has changed them,
``set_writer`` writes it to ``sdk_sets``, and ``filling``, ``comparing`` and ``removing`` are what
takes long.
"""

from worker.sdk_store.follower import Follower
from worker.sdk_store.stored_lists import StoredLists

__all__ = ["Follower", "StoredLists"]
