"""How the C library keeps memory: in few heaps, so that what ran and is gone leaves little behind."""

import ctypes

#: `M_ARENA_MAX` of glibc's `malloc.h`.
ARENA_MAX = -8
#: By default there are eight heaps per core, each as large as the busiest moment of its threads left it.
ARENAS = 2


def keep_together() -> bool:
    """Have all threads share two heaps; false where the C library is not glibc, which needs no such thing.

    A worker's crews run on hundreds of threads, one interpreter at a time: more heaps make nothing faster. Measured:
    5,000 executions that were run and parked leave a worker 3 MB larger instead of 20 (`python -m tests.benchmarks
    parked`). See mallopt(3).
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(ARENA_MAX, ARENAS))
    except (AttributeError, OSError):
        return False
