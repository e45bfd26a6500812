"""What ``scripts/containers`` does with a deployment, done with a system of processes."""

import os

from tests.support.servers.objects import CREDENTIALS
from tests.support.systems.published import Published
from tests.support.systems.system import TOKEN, System


def test_published_ports__a_list_put_into_the_bucket__is_imported_and_looked_up(
    system: System,
) -> None:
    environment = {**os.environ, **CREDENTIALS, "BIGSEG_TOKEN": TOKEN}
    published = Published(system.url, system.s3_endpoint, system.bucket, environment)

    published.wait_ready()
    published.take_a_list("published")

    assert system.http.get("/api/v2/segments/default/production/published").is_success
