"""Public files of static/: their bytes as served, compressed where that helps, and their hashes."""

import base64
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

#: Folders under static/ that browsers may read, and the kinds of files in them.
FOLDERS = ("client", "ui", "vendor")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
PAGE = ".html"
MODULE = ".js"
SHEET = ".css"


def digest(data: bytes, algorithm: str = "sha384") -> str:
    """Hash data the way Subresource Integrity and Content-Security-Policy write it: `sha384-…`."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def find_root() -> Path:
    """Find static/: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    found = (package / "static", package.parent / "static")
    return next((root for root in found if (root / "index.html").is_file()), found[0])


@dataclass(frozen=True)
class File:
    """One public file: its bytes as served, also compressed where that helps, and its hashes."""

    data: bytes
    media_type: str
    packed: bytes | None
    version: str
    integrity: str

    @classmethod
    def of(cls, data: bytes, suffix: str) -> "File":
        """Hash and compress the bytes once."""
        packed = None if suffix in {".woff2", ".png"} else gzip.compress(data, mtime=0)
        media_type = TYPES.get(suffix, "text/html; charset=utf-8")
        return cls(data, media_type, packed, hashlib.sha256(data).hexdigest()[:12], digest(data))


def find(root: Path) -> dict[str, Path]:
    """Find all public files, by their names under static/."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if path.suffix in TYPES]
    return {path.relative_to(root).as_posix(): path for path in paths if path.is_file()}
