"""Erasing context keys from environments, step by step, until nothing that we keep has them."""

from worker.upkeep.erasing.forgetting import forget_erased_keys
from worker.upkeep.erasing.run import erase_keys

__all__ = ["erase_keys", "forget_erased_keys"]
