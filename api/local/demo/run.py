"""The demo: a whole system, one list through it, and a comparison of what came back."""

import json
import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.table import Table

from api.identity.connection_file import DATA_DIRECTORY
from api.local import LocalOptions, LocalSystem, LocalSystemError, StopRequestedError
from api.local.demo.lists import Keys, canonical, expected_keys, make_keys, read_export, write_csv
from api.local.demo.load import LoadResult, ask_all, encode_get
from api.progress.display import ProgressDisplay
from api.progress.line import Progress, format_line
from worker.objects import ObjectSettings, ObjectStore
from worker.store import StoreSettings, open_store

_PLACE: Final = "/api/v2/segments/default/production"
_LOOK_UPS: Final = 20_000
_CONNECTIONS: Final = 32
_POLL_S: Final = 0.1
_UPLOAD_PIECE: Final = 1 << 20


class DemoFailedError(Exception):
    """A step of the demo did not end as it should; the message says which."""


@dataclass(slots=True)
class Demo:
    """One run against one system."""

    system: LocalSystem
    console: Console
    segment: str
    figures: list[tuple[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, path: Path, keys: Keys) -> None:
        """Upload, import, look up, export, compare."""
        with httpx.Client(
            base_url=self.system.url, headers={"Authorization": self.system.token}, timeout=60
        ) as http:
            _checked(
                http.post(_PLACE, json={"key": self.segment, "name": "Demo", "unbounded": True})
            )
            source = self._upload(path)
            before = self._used_memory()
            report = self._import(http, source)
            self._compare_report(report, keys, self._used_memory() - before)
            self._look_up(keys)
            self._export(http, keys)

    def _upload(self, path: Path) -> str:
        settings = ObjectSettings(**_settings_of(self.system))
        key = f"lists/{self.segment}{path.suffix}"
        size, done = path.stat().st_size, 0
        with (
            ObjectStore.open(settings) as objects,
            path.open("rb") as file,
            objects.open_writer(key, size_hint=size) as writer,
            self._display() as display,
        ):
            while piece := file.read(_UPLOAD_PIECE):
                writer.write(piece)
                done += len(piece)
                display.show(Progress("uploading", done_bytes=done, total_bytes=size))
            writer.close()
        self.console.print(f"uploaded {size / 1e6:,.1f} MB to s3://{settings.s3_bucket}/{key}")
        return f"s3://{settings.s3_bucket}/{key}"

    def _used_memory(self) -> int:
        with open_store(StoreSettings(**_settings_of(self.system))) as store:
            return int(store.client.info("memory")["used_memory"])

    def _import(self, http: httpx.Client, source: str) -> dict[str, Any]:
        path = f"{_PLACE}/{self.segment}/imports/from-source"
        answer = _checked(http.post(path, json={"source": source}))
        where = answer.headers["Location"]
        with self._display() as display:
            record = self._follow(http, where, display)
        if record["status"] == "stopped":
            message = f"the import was stopped: {record['reason']}"
            raise DemoFailedError(message)
        # Its line stays, as the last of its progress.
        self.console.print(format_line(Progress.of_job(record), self.console.width))
        return dict(record["report"])

    def _follow(self, http: httpx.Client, where: str, display: ProgressDisplay) -> dict[str, Any]:
        """Poll a job until it has ended; its last state."""
        while True:
            self.system.check()
            record: dict[str, Any] = _checked(http.get(where)).json()
            display.show(Progress.of_job(record))
            if record["status"] in ("complete", "stopped"):
                return record
            time.sleep(_POLL_S)

    def _display(self) -> ProgressDisplay:
        return ProgressDisplay(stream=sys.stdout)

    def _compare_report(self, report: dict[str, Any], keys: Keys, used: int) -> None:
        seconds = report["seconds"]["total"]
        accepted = report["accepted"]
        balanced = report["rowsRead"] == accepted + report["duplicates"] + report["rejected"]
        self._hold("the report balances", holds=balanced)
        self._hold("accepted keys are the list's", holds=accepted == len(keys))
        self._hold("members in the store", holds=report["membersAfter"] == len(keys))
        self.figures += [
            ("rows read", f"{report['rowsRead']:,}"),
            (
                "accepted / duplicates / rejected",
                f"{accepted:,} / {report['duplicates']:,} / {report['rejected']:,}",
            ),
            ("import", f"{seconds:.2f} s, {accepted / max(seconds, 1e-3):,.0f} members/s"),
            ("memory", f"{used / max(accepted, 1):.1f} bytes a member"),
        ]

    def _look_up(self, keys: Keys) -> None:
        wanted = [keys[i].as_py() for i in range(0, len(keys), max(1, len(keys) // 10_000))]
        strangers = [f"stranger-{secrets.token_hex(8)}" for _ in wanted]
        asked = [(key, True) for key in wanted] + [(key, False) for key in strangers]
        asked = (asked * (1 + _LOOK_UPS // max(1, len(asked))))[:_LOOK_UPS]
        requests = [
            encode_get(
                self.system.url,
                f"{_PLACE}/{self.segment}/contexts/{quote(key, safe='')}",
                self.system.token,
            )
            for key, _ in asked
        ]
        result = ask_all(self.system.url, requests, connections=_CONNECTIONS)
        wrong = sum(
            status != httpx.codes.OK or json.loads(body)["included"] is not expected
            for (status, body), (_, expected) in zip(result.answers, asked, strict=True)
        )
        self._hold(f"{len(asked):,} look-ups answered rightly", holds=wrong == 0)
        self.figures.append(("look-ups", _load_text(result, len(asked))))

    def _export(self, http: httpx.Client, keys: Keys) -> None:
        start = time.perf_counter()
        answer = _checked(http.post(f"{_PLACE}/{self.segment}/exports"))
        where = answer.headers["Location"]
        with self._display() as display:
            record = self._follow(http, where, display)
        if record["status"] == "stopped":
            message = f"the export was stopped: {record['reason']}"
            raise DemoFailedError(message)
        seconds = time.perf_counter() - start
        content = _checked(http.get(record["_links"]["download"]["href"])).content
        exported = read_export(content)
        self._hold("the export is the accepted list", holds=exported.equals(keys))
        self.figures.append(("export", f"{len(exported) / seconds:,.0f} rows/s"))

    def _hold(self, what: str, *, holds: bool) -> None:
        self.figures.append((what, "yes" if holds else "NO"))
        if not holds:
            self.failures.append(what)

    def print_summary(self) -> None:
        """Print every figure and comparison."""
        table = Table(title=f"segment {self.segment}", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, value in self.figures:
            table.add_row(name, value)
        self.console.print(table)

    def print_invitation(self) -> None:
        """Print the address, where the token is, and what to try."""
        token = self.system.data.token_file
        path = f"{self.system.url}{_PLACE}/{self.segment}"
        environment = f"BIGSEG_URL={self.system.url} BIGSEG_TOKEN=$(cat {token})"
        self.console.print(f"running at {self.system.url}; the token is in {token}; try:")
        for command in (
            f'curl -H "Authorization: $(cat {token})" {path}',
            f'curl -H "Authorization: $(cat {token})" {path}/contexts/somebody',
            f"{environment} .venv/bin/bigseg lookup --segment {self.segment} somebody",
        ):
            self.console.print(f"  {command}", soft_wrap=True, highlight=False)
        self.console.print("Ctrl-C stops everything.")


def _settings_of(system: LocalSystem) -> dict[str, Any]:
    """The settings that the system's processes run with, for clients in this process."""
    os.environ.update(
        {name: value for name, value in system.environment.items() if name.startswith("AWS_")}
    )
    prefix = "BIGSEG_"
    known = StoreSettings.model_fields | ObjectSettings.model_fields
    return {
        name: system.environment[prefix + name.upper()]
        for name in known
        if prefix + name.upper() in system.environment
    }


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        message = f"{answer.request.method} {answer.request.url.path}: {answer.text}"
        raise DemoFailedError(message)
    return answer


def _load_text(result: LoadResult, count: int) -> str:
    return (
        f"{count / result.seconds:,.0f}/s, p50 {result.percentile_ms(0.5):.1f} ms, "
        f"p99 {result.percentile_ms(0.99):.1f} ms"
    )


def run_demo(
    members: Annotated[int, typer.Option(help="Keys of the made-up list.", min=1)] = 1_000_000,
    file: Annotated[
        Path | None,
        typer.Option(help="A CSV or Parquet list of yours.", exists=True, dir_okay=False),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="Where the system keeps its data.")] = Path(
        DATA_DIRECTORY
    ),
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the summary.")] = False,
) -> None:
    """Start a whole system, move a list through it, compare, and stay up."""
    console = Console()
    try:
        # Sets for SDKs would write each list once more, beside what is measured here.
        environment = {"BIGSEG_SDK_STORE_ENVIRONMENT": "", **os.environ}
        options = LocalOptions(data_dir=data_dir, environment=environment)
        with LocalSystem.start(options, lambda event: console.print(event.text)) as system:
            demo = Demo(system, console, f"demo-{secrets.token_hex(3)}")
            _run_once(demo, members, file)
            demo.print_summary()
            if demo.failures:
                raise typer.Exit(1)
            if leave:
                return
            demo.print_invitation()
            system.wait()
    except StopRequestedError as exc:
        raise typer.Exit(0 if not leave else 130) from exc
    except (LocalSystemError, DemoFailedError, httpx.HTTPError) as exc:
        console.print(f"demo: {exc}")
        raise typer.Exit(1) from exc


def _run_once(demo: Demo, members: int, file: Path | None) -> None:
    if file is not None:
        demo.run(file, expected_keys(file))
        return
    folder = demo.system.data.path / "demo"
    folder.mkdir(exist_ok=True)
    try:
        path = folder / f"{demo.segment}.csv"
        with ProgressDisplay(stream=sys.stdout) as display:
            keys = make_keys(members)
            write_csv(keys, path, lambda done: display.show(_made(done, members)))
        demo.console.print(f"made {members:,} keys")
        demo.run(path, canonical(keys))
    finally:
        shutil.rmtree(folder)


def _made(done: int, members: int) -> Progress:
    return Progress(f"making keys, {done:,} of {members:,}")


def main() -> None:
    """Run the demo's command line."""
    typer.run(run_demo)


if __name__ == "__main__":
    main()
