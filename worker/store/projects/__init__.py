"""Projects and their environments."""

from worker.store.projects.environments import EnvironmentStore
from worker.store.projects.projects import ProjectStore
from worker.store.projects.records import Environment, Project

__all__ = ["Environment", "EnvironmentStore", "Project", "ProjectStore"]
