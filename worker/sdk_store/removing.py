"""Removes the sets of an environment that is switched off."""

from worker.sdk_store.filling import Steps
from worker.sdk_store.followed_lists import FollowedLists
from worker.sdk_store.list_source import ListSource
from worker.sdk_store.sdk_sets import SdkSets
from worker.store.sdk_store import SdkStoreClaim


def remove_sets(sets: SdkSets, source: ListSource, claim: SdkStoreClaim, name: str) -> Steps:
    """Let go of all lists, and take their references out of the sets.

    Whoever switches the environment on meanwhile finds sets of another name, and compares them.
    Raises as the sets do.

    Args:
        sets: Not opened.
        source: The lists.
        claim: The records.
        name: A new name for the sets.
    """
    lists = FollowedLists(claim.env, claim.lists)
    for followed in lists:
        source.unfollow(lists.ref(followed), lists[followed].holder)
    if claim.canary is None:
        return
    sets.begin(name)
    sets.forget_time()
    yield
    ours = set(lists)
    for found in sets.scan():
        if found is not None:
            removals = [
                (key, ref)
                for key, refs in zip(found.keys(), found.refs, strict=True)
                for ref in refs & ours
            ]
            sets.sweep(found.side, removals)
        yield
    sets.forget_name()
