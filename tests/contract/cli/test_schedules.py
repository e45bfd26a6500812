"""``bigseg schedules``, against a real API."""

import httpx

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import create_segment


def test_schedules__from_create_to_delete__do_what_they_say(client: httpx.Client, run: Run) -> None:
    segment = ("--segment", create_segment(client))
    options = ("--cron", "30 2 * * *", "--time-zone", "Europe/Berlin", "--keep-last", "7")
    made = json_of(run("schedules", "create", "nightly", *segment, *options, "--json"))
    assert (made["cron"], made["timeZone"], made["keepLast"]) == ("30 2 * * *", "Europe/Berlin", 7)

    paused = run("schedules", "pause", "nightly", *segment, "--output", "tsv")
    assert "paused\ttrue" in paused.stdout
    started = json_of(run("schedules", "run", "nightly", *segment, "--json"))
    listed = run("schedules", "list", *segment, "--output", "tsv")
    assert listed.stdout.startswith("nightly\t30 2 * * *\tEurope/Berlin\ttrue\t\t")
    assert "\trunning\t" in listed.stdout
    resumed = json_of(run("schedules", "resume", "nightly", *segment, "--json"))
    assert resumed["paused"] is False

    changed = ("--format", "parquet", "--keep-all", "--cron", "0 3 * * *")
    updated = json_of(run("schedules", "update", "nightly", *segment, *changed, "--json"))
    assert updated["keepLast"] is None
    assert (updated["export"]["format"], updated["cron"]) == ("parquet", "0 3 * * *")
    shown = json_of(run("schedules", "show", "nightly", *segment, "--json"))
    assert [one["exportId"] for one in shown["runs"]] == [started["exportId"]]

    nothing = run("schedules", "update", "nightly", *segment)
    assert nothing.exit_code != 0
    assert "at least one" in nothing.stderr
    assert run("schedules", "delete", "nightly", *segment, "--yes").exit_code == 0
    assert run("schedules", "show", "nightly", *segment).exit_code == 5
