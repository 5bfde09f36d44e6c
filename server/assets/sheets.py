"""The page's style sheets: without what no browser reads, and joined."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from server.assets.files import SHEET, File

#: Comments and indentation; no text in our style sheets has either in it.
UNREAD = re.compile(r"/\*.*?\*/\n?|(?m:^\s+)", re.DOTALL)
URL = re.compile(r'url\("(\.[^"]+)"\)')


def read(name: str, path: Path, files: Mapping[str, File]) -> File:
    """Read a style sheet, and give the URLs of files in it their versions, for import maps do not reach there."""
    root = path.parents[name.count("/")].resolve()

    def version(found: re.Match[str]) -> str:
        target = (path.parent / found[1]).resolve().relative_to(root).as_posix()
        return f'url("{found[1]}?v={files[target].version}")'

    return File.of(UNREAD.sub("", URL.sub(version, path.read_text(encoding="utf-8"))).encode(), SHEET)


def join(sheets: Iterable[File]) -> File:
    """Make one style sheet of several of the same folder, in their order: one request instead of many."""
    return File.of(b"\n".join(sheet.data for sheet in sheets), SHEET)
