"""No thread and no event loop of its own for each question to a file store that is not there.

About `crewai/utilities/file_store.py`, `_run_sync`: four times for each task it starts a thread that starts a loop,
also where the optional store is not installed and every answer is None.
"""

from collections.abc import Coroutine
from functools import wraps
from typing import TypeVar

from crewai.utilities import file_store

from server.crews.speed.contract import replace

ResultT = TypeVar("ResultT")

RELIES_ON = {
    "crewai.utilities.file_store:_run_sync": "39f874a325a14c03",
    "crewai.utilities.file_store:aget_files": "a19b657654795730",
    "crewai.utilities.file_store:aget_all_files": "bf2faf057499f037",
    "crewai.utilities.file_store:aclear_files": "aff31e0ac82504b9",
    "crewai.utilities.file_store:aclear_task_files": "eb7e670473627b7c",
}
_in_a_thread = file_store._run_sync


def install() -> None:
    """Answer at once where there is no store."""
    replace(file_store, "_run_sync", _run_sync)


@wraps(_in_a_thread)
def _run_sync(coro: Coroutine[None, None, ResultT]) -> ResultT:
    if file_store._file_store is not None:
        return _in_a_thread(coro)
    try:
        coro.send(None)
    except StopIteration as end:
        answer: ResultT = end.value
        return answer
    coro.close()
    raise AssertionError("without a store, nothing is waited for")
