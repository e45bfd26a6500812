"""``python -m api.cli``: the `bigseg` command where the script is not on PATH."""

from api.cli import main

main()
