"""Exports that start by themselves, each once for each time at which it is due."""

from worker.schedules.chore import run_schedules

__all__ = ["run_schedules"]
