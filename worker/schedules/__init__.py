"""Exports that start by themselves, each once for each time at which it is due."""

from worker.schedules.chore import delete_outdated_exports, run_schedules

__all__ = ["delete_outdated_exports", "run_schedules"]
