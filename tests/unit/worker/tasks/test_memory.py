"""What a worker process frees, it uses again."""

import subprocess
import sys

_PROGRAM = """
import resource
import numpy as np
import pyarrow as pa
from worker.tasks.memory import keep_freed_memory

def work():
    # Under the size from which numpy asks for huge pages.
    arrays = [np.ones(3 << 20, np.uint8) for _ in range(8)]
    columns = [pa.concat_arrays([pa.array(array) for array in arrays[:4]]) for _ in range(2)]
    return arrays, columns

keep_freed_memory()
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults, pa.default_memory_pool().backend_name)
"""


def test_keep_freed_memory__same_work_again__maps_few_new_pages() -> None:
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    faults, pool = result.stdout.split()
    # 120,000 without it, and 15,000 with it, by what Arrow allocates.
    assert int(faults) < 40_000
    assert pool == "system"
