"""Where the files of executions are: `files/EXECUTION/…` in the data folder, for each execution its own.

Web and worker processes on several machines need one data folder that they share.
"""

import mimetypes
import os
import random
import re
import shutil
import time
from pathlib import Path, PurePosixPath
from uuid import uuid4

#: What an execution's id is made of, so that it cannot lead out of the folder.
IDENT = re.compile(r"[A-Za-z0-9_-]{1,100}")
#: The longest name that is looked at; file systems allow no longer parts anyway.
LONGEST_NAME = 1000
#: Types that Python does not know on every system.
TYPES = {".md": "text/markdown", ".jsonl": "application/jsonl", ".yaml": "application/yaml", ".yml": "application/yaml"}


class Escape(ValueError):
    """Raised for a name that leads out of its execution's folder; the message is for people."""


class Files:
    """The files of all executions, below the data folder. Its methods block: call them on a thread."""

    def __init__(self, data: Path) -> None:
        self.root = data.absolute() / "files"

    def folder(self, execution: str) -> Path:
        """Name an execution's folder, whether or not there is one."""
        if not IDENT.fullmatch(execution):
            raise Escape(f"{execution[:100]!r} is not the id of an execution.")
        return self.root / execution

    def write(self, execution: str, name: str, content: str) -> str:
        """Write a file as a whole or not at all, and give its name within the execution's folder."""
        relative, folder = inside(name), self.folder(execution)
        target = folder / relative
        folder.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            raise Escape(f"{name!r} leads out of the execution's folder by a link.")
        write_whole(target, content)
        return str(relative)

    def find(self, execution: str, name: str) -> Path | None:
        """Give the path of an execution's file; None when there is none, or a link leads out of the folder."""
        try:
            folder = self.folder(execution).resolve(strict=True)
            path = (folder / inside(name)).resolve(strict=True)
        except (Escape, OSError, RuntimeError):  # RuntimeError: links in a circle
            return None
        return path if path.is_relative_to(folder) and path.is_file() else None

    def untouched(self, seconds: float, limit: int) -> list[str]:
        """List executions whose folders nobody has written to for so long; at most `limit`, and not always the same."""
        if not self.root.is_dir():
            return []
        before = time.time() - seconds
        with os.scandir(self.root) as entries:
            found = [entry.name for entry in entries if IDENT.fullmatch(entry.name) and _older(entry, before)]
        return random.sample(found, min(limit, len(found)))

    def drop(self, execution: str) -> None:
        """Remove an execution's files."""
        shutil.rmtree(self.folder(execution), ignore_errors=True)


def _older(entry: "os.DirEntry[str]", before: float) -> bool:
    return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < before


def inside(name: str) -> PurePosixPath:
    """Read a name as a path within a folder, or raise `Escape`."""
    path = PurePosixPath(name)
    if not name or len(name) > LONGEST_NAME or "\0" in name or "\\" in name:
        raise Escape(f"{name[:100]!r} is not the name of a file.")
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise Escape(f"{name[:100]!r} leads out of the execution's folder.")
    return path


def write_whole(target: Path, content: str) -> None:
    """Put the content in the file's place at once, so that nobody ever reads half of it."""
    draft = target.with_name(f".{uuid4().hex}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def content_type(name: str) -> str:
    """Tell a file's type by its name."""
    suffix = PurePosixPath(name).suffix.lower()
    return TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
