"""``python -m api.serving``: serve with one process, or supervise several."""

import sys

from api.metrics.tally import Tally
from api.serving.options import ServingOptions
from api.serving.supervisor import supervise


def main() -> None:
    """Serve as the arguments say."""
    options = ServingOptions.parse(sys.argv[1:])
    if options.processes == 1:
        from api.serving.server import serve  # noqa: PLC0415 - a supervisor needs none of it

        serve(options.address, options.tls, Tally.alone())
    else:
        sys.exit(supervise(options))


if __name__ == "__main__":
    main()
