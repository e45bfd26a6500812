"""The project and the environments of a new store."""

import dataclasses
import itertools

from tests.support.store.stores import open_client, open_database_of
from worker.store import assemble


def test_initialise__while_time_goes_by__environments_are_of_one_moment() -> None:
    clock = itertools.count(1_000).__next__
    database = dataclasses.replace(open_database_of(open_client(None)), now_ms=clock)
    with assemble(database) as store:
        store.environments.initialise()
        project = store.projects.get("default")
        environments = store.environments.read_all("default")
    assert [environment.key for environment in environments] == ["production", "test"]
    assert {environment.created_ms for environment in environments} == {project.created_ms}
