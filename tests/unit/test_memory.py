"""The heaps of a process: threads share a few, where the C library has many."""

import platform
import subprocess
import sys

import pytest

from server.cli.memory import keep_together

#: Counts the heaps that glibc tells of, after threads have taken memory at the same time.
COUNT = """
import ctypes, sys, threading
from server.cli.memory import keep_together
if sys.argv[1] == "together":
    assert keep_together()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
gate = threading.Barrier(16)
def take():
    gate.wait()
    libc.malloc(1000)
    gate.wait()
threads = [threading.Thread(target=take) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_stats()
"""


@pytest.mark.parametrize("how", ["apart", "together"])
def test_threads_share_two_heaps(how: str) -> None:
    if platform.libc_ver()[0] != "glibc":
        assert not keep_together(), "there is nothing to bound"
        return
    run = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, timeout=30, check=True)
    heaps = run.stderr.count("Arena ")
    assert heaps <= 2 if how == "together" else heaps > 2
