"""A sink that can be shut, for writers that write more when they are closed or thrown away."""

import pyarrow as pa

from worker.lists.byte_streams import Sink


class SinkGate:
    """The sink until it is shut, as the file object that pyarrow's writers want.

    They add a footer even when they are thrown away after an error.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._shut = False
        self.closed = False
        """What pyarrow asks for; closing is left to whoever owns the sink."""

    def write(self, data: bytes | pa.Buffer) -> int:
        """Pass bytes on, or drop them."""
        if not self._shut:
            self._sink.write(data if isinstance(data, bytes) else data.to_pybytes())
        return len(data)

    def shut(self) -> None:
        """Drop what is written from now on."""
        self._shut = True

    def flush(self) -> None:
        """Leave flushing to whoever owns the sink."""

    def close(self) -> None:
        """Leave closing to whoever owns the sink."""
