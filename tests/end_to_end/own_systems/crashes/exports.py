"""The export that each kill meets: its files hold each key once, and no others are left of it."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.servers.objects import list_objects
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import LIMIT_S, PRODUCTION, BigSegment, random_keys
from worker.jobs.export_place import ExportPlace
from worker.store import JobRef
from worker.store.jobs import ExportRequest

_PART_ROWS: Final = 1_000
_PARTS: Final = 2
#: More than one part of them.
KEYS: Final = random_keys(1_200, 23)
_MANIFEST: Final = "-manifest.json"
_MOST_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class Export:
    """One export of a list, and the moment at which a process is killed."""

    segment: BigSegment
    in_parts: bool
    """Whether it is in parts at a destination, and not one file in bigseg's own prefix."""
    moment: str
    _path: str = field(default="", init=False)

    @property
    def ref(self) -> JobRef:
        return JobRef("export", PRODUCTION, self._path.rpartition("/")[2])

    def start(self) -> None:
        body: dict[str, Any] = {"format": "csv"}
        if self.in_parts:
            destination = f"s3://{self.segment.system.bucket}/lists/exports/"
            body |= {"partRows": _PART_ROWS, "destination": destination}
        reply = self.segment.system.http.post(f"{self.segment.path}/exports", json=body)
        assert reply.is_success, reply.text
        self._path = reply.headers["location"]

    def wait_complete(self) -> None:
        """Wait until it is complete; all that it says must be so."""
        wait_until(lambda: self._shown()["status"] in ("complete", "stopped"), "its end", LIMIT_S)
        shown = self._shown()
        assert shown["status"] == "complete", f"{shown}\n{self.segment.system.logs()}"

    def files(self) -> set[str]:
        """All objects of this export, which must be what it has to be."""
        found = self._listed()
        lists = found - {key for key in found if key.endswith(_MANIFEST)}
        assert (len(lists), len(found)) == ((_PARTS, _PARTS + 1) if self.in_parts else (1, 1))
        rows = [row for key in lists for row in self._read(key).decode().splitlines()]
        assert sorted(rows) == sorted(KEYS)
        return found

    def delete(self) -> None:
        """Delete its files, if it was started, so that the bucket is as it was."""
        for key in self._listed() if self._path else ():
            self.segment.system.objects.delete(key)

    def _shown(self) -> dict[str, Any]:
        reply = self.segment.system.http.get(self._path)
        assert reply.is_success, reply.text
        shown: dict[str, Any] = reply.json()
        return shown

    def _listed(self) -> set[str]:
        system = self.segment.system
        request = system.store.jobs.get(self.ref).request
        assert isinstance(request, ExportRequest)
        prefix = ExportPlace.of(system.bucket, request).prefix
        return {one.key for one in list_objects(system.objects, prefix)}

    def _read(self, key: str) -> bytes:
        objects = self.segment.system.objects
        content = objects.read_small(key, bucket=objects.bucket, limit=_MOST_BYTES)
        assert content is not None
        return content
