"""What tasks write by `output_file`: once, when the output is accepted, and each execution into its own folder.

An absolute path is the author's own wish, and stays; crewai takes only those with an input in them as absolute.
"""

import asyncio
import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from crewai import Task
from crewai.tasks.task_output import TaskOutput

from server.crews.calls.wrapping import is_wrapped, replace
from server.crews.run import RUN, Run
from server.crews.tasks import TaskRun
from server.files import Files, write_whole
from server.settings import Settings

_files = Files(Settings.data)


def keep_in(data: Path) -> None:
    """Write the files of this process's executions below this data folder."""
    global _files
    _files = Files(data)


def install() -> None:
    """Wrap where crewai writes: in an execution, a task's output is written when everything else about it is done."""
    if not is_wrapped(Task._save_file):
        replace(Task, "_save_file", _save_file(Task._save_file))


def _save_file(original: Callable[[Task, Any], None]) -> Callable[[Task, Any], None]:
    @wraps(original)
    def save_file(self: Task, result: Any) -> None:
        run = RUN.get()
        if run is None or self.output_file is None:
            original(self, result)
        elif (mine := run.find(self)) is not None:
            mine.unwritten = _text(result)
        else:
            _write(run.journal.execution, self, _text(result))

    return save_file


async def write(run: Run, mine: TaskRun) -> None:
    """Write what the task is to write, on a thread. `mine.file` is then its name in the execution's folder."""
    content, mine.unwritten = mine.unwritten, None
    if content is not None and not mine.skipped:
        mine.file = await asyncio.to_thread(_write, run.journal.execution, mine.task, content)


async def restore(run: Run, mine: TaskRun, output: TaskOutput) -> None:
    """Write a finished task's file anew where the execution has none: it is a fork, or its folder was lost."""
    name, execution = mine.task.output_file, run.journal.execution
    if not name or mine.skipped or Path(name).is_absolute():
        return
    if await asyncio.to_thread(_files.find, execution, name) is None:
        await asyncio.to_thread(_write, execution, mine.task, _text(content_of(output)))


def content_of(output: TaskOutput) -> Any:
    """Give what crewai would write into a task's file (`Task._aexecute_core`)."""
    return output.json_dict or (output.pydantic.model_dump_json() if output.pydantic else output.raw)


def _text(result: Any) -> str:
    return json.dumps(result, ensure_ascii=False, indent=2) if isinstance(result, dict) else str(result)


def _write(execution: str, task: Task, content: str) -> str | None:
    assert task.output_file is not None, "checked by the caller"
    path = Path(task.output_file)
    try:
        if not path.is_absolute():
            return _files.write(execution, task.output_file, content)
        _write_outside(path.resolve(), content, make=bool(task.create_directory))
    except OSError as error:
        raise RuntimeError(f"The file {task.output_file!r} could not be written: {error.strerror or error}") from error
    return None


def _write_outside(path: Path, content: str, *, make: bool) -> None:
    if make:
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():  # a device or a pipe is written to, and not replaced
        path.write_text(content, encoding="utf-8")
    else:
        write_whole(path, content)
