"""What a worker process frees, it uses again."""

import subprocess
import sys

_PROGRAM = """
import resource
import numpy as np
from worker.tasks.memory import keep_freed_memory

def work():
    # Under the size from which numpy asks for huge pages.
    return [np.ones(3 << 20, np.uint8) for _ in range(8)]

keep_freed_memory()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_keep_freed_memory__same_work_again__maps_no_new_pages() -> None:
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    # Without it, 20 times 24 MiB are mapped again: 120,000 pages.
    assert int(result.stdout) < 2_000
