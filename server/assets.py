"""Serve the page from static/ as it lies on disk: fingerprinted through an import map, under a strict policy.

No build step: every module keeps its name, and the import map in the page sends that name to a URL with the content's
hash, so that browsers may keep it for ever. The same map carries the hash that each module must have to run. A page
names in advance what its view needs, so that no import waits for another; the rest comes when it is first used.
"""

import base64
import gzip
import hashlib
import html
import json
import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

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
#: Bare module names that the page's modules import.
BARE = {
    "react": "vendor/preact-compat.js",
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/preact-hooks.js",
    "htm": "vendor/htm.js",
    "marked": "vendor/marked.js",
    "diff": "vendor/diff/diff/word.js",
}
#: The modules that the views of the page begin with; what they import comes along.
HOME = ("ui/app.js",)
EXECUTION = (*HOME, "ui/run.js", "ui/desk.js")
#: What a module imports when it is loaded. Imports by `import(…)` come when they are called.
IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|export)\b(?:[^;"'()]*?\bfrom)?\s*["']([^"']+)["']""")
#: Style sheets that only the page of an execution needs at once.
LATER = re.compile(r"<link [^>]*data-later>\n")
ICON = "ui/icons/favicon.svg"
FOREVER = "public, max-age=31536000, immutable"
SAFE = {"x-content-type-options": "nosniff", "vary": "accept-encoding"}


def digest(data: bytes, algorithm: str = "sha384") -> str:
    """Hash data the way Subresource Integrity and Content-Security-Policy write it: `sha384-…`."""
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def find_root() -> Path:
    """Find static/: inside this package in a wheel, beside it in a checkout."""
    here = Path(__file__).parent
    return next(
        (root for root in (here / "static", here.parent / "static") if (root / "index.html").is_file()), here / "static"
    )


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


class Assets:
    """The page and its files, read once when the server starts."""

    def __init__(self, root: Path) -> None:
        self._shell = (root / "index.html").read_text(encoding="utf-8")
        self.files = _read(root)
        self._rendered = lru_cache(maxsize=16)(self._render)

    def routes(self) -> list[BaseRoute]:
        """Make the routes of the page, of its deep links and of its files."""
        return [
            *(Route(path, self.page) for path in ("/", "/x/{execution}", "/x/{execution}/c/{checkpoint}")),
            Route("/static/{path:path}", self.file, name="static"),
            Route("/favicon.svg", self.icon),
        ]

    async def page(self, request: Request) -> Response:
        """Answer every page's path with the same document; its script reads the path."""
        view = EXECUTION if "execution" in request.path_params else HOME
        document, policy = self._rendered(request.scope.get("root_path", "").rstrip("/"), view)
        headers = {
            "content-security-policy": policy,
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
        }
        return _respond(request, document, cache="no-cache", headers=headers)

    async def file(self, request: Request) -> Response:
        """Answer with a public file, to be kept for ever when the URL names the right version."""
        found = self.files.get(request.path_params["path"])
        if found is None:
            return PlainTextResponse("Not found", 404, SAFE)
        current = request.query_params.get("v") == found.version
        return _respond(request, found, cache=FOREVER if current else "no-cache")

    async def icon(self, request: Request) -> Response:
        """Answer with the icon under its well-known name."""
        return _respond(request, self.files[ICON], cache="public, max-age=86400")

    def _url(self, prefix: str, name: str) -> str:
        return f"{prefix}/static/{name}?v={self.files[name].version}"

    def _render(self, prefix: str, view: tuple[str, ...]) -> tuple[File, str]:
        import_map = self._import_map(prefix)
        head = f'<script type="importmap">{import_map}</script>\n{self._preloads(prefix, view)}'
        shell = self._shell if view == EXECUTION else LATER.sub("", self._shell)
        page = re.sub(r'<script type="importmap">.*?</script>', lambda _: head, shell, count=1, flags=re.DOTALL)
        page = re.sub(r'(href|src)="static/([^"]+)"', lambda found: self._link(prefix, found[1], found[2]), page)
        return File.of(page.encode(), PAGE), _policy(import_map)

    def _import_map(self, prefix: str) -> str:
        modules = [name for name in self.files if name.endswith(".js")]
        urls = {name: self._url(prefix, name) for name in modules}
        imports = {f"{prefix}/static/{name}": url for name, url in urls.items()}
        bare = {name: urls[target] for name, target in BARE.items()}
        integrity = {urls[name]: self.files[name].integrity for name in modules}
        text = json.dumps({"imports": imports | bare, "integrity": integrity}, separators=(",", ":"))
        return text.replace("<", "\\u003c")

    def _preloads(self, prefix: str, view: tuple[str, ...]) -> str:
        # Without `integrity` here, Chromium fetches each module a second time for the import that demands it.
        links = (f'<link rel="modulepreload" {self._link(prefix, "href", name)}>' for name in self.needed(view))
        return "\n".join(links)

    def needed(self, view: tuple[str, ...]) -> list[str]:
        """Name the modules that these cannot run without: what they import, what those import, and so on."""
        found = dict.fromkeys(view)
        waiting = list(view)
        while waiting:
            name = waiting.pop()
            new = [target for target in _imports(name, self.files[name]) if target not in found]
            found.update(dict.fromkeys(new))
            waiting += new
        return list(found)

    def _link(self, prefix: str, attribute: str, name: str) -> str:
        url = html.escape(self._url(prefix, name))
        integrity = self.files[name].integrity
        return f'{attribute}="{url}"' + (f' integrity="{integrity}"' if name.endswith((".js", ".css")) else "")


def _imports(name: str, module: File) -> list[str]:
    folder = posixpath.dirname(name)
    targets = IMPORT.findall(module.data.decode())
    return [BARE.get(target) or posixpath.normpath(posixpath.join(folder, target)) for target in targets]


def _read(root: Path) -> dict[str, File]:
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if path.suffix in TYPES]
    names = {path.relative_to(root).as_posix(): path for path in paths if path.is_file()}
    plain = {name: File.of(path.read_bytes(), path.suffix) for name, path in names.items() if path.suffix != ".css"}
    sheets = {name: _versioned(path, root, plain) for name, path in names.items() if path.suffix == ".css"}
    return dict(sorted((plain | sheets).items()))


def _versioned(sheet: Path, root: Path, files: dict[str, File]) -> File:
    """Add versions to the URLs in a style sheet: import maps do not reach there."""

    def version(found: re.Match[str]) -> str:
        name = (sheet.parent / found[1]).resolve().relative_to(root.resolve()).as_posix()
        return f'url("{found[1]}?v={files[name].version}")'

    return File.of(re.sub(r'url\("(\.[^"]+)"\)', version, sheet.read_text(encoding="utf-8")).encode(), ".css")


def _policy(import_map: str) -> str:
    directives = (
        "default-src 'none'",
        f"script-src 'self' '{digest(import_map.encode(), 'sha256')}'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(directives)


def _respond(request: Request, file: File, *, cache: str, headers: dict[str, str] | None = None) -> Response:
    etag = f'"{file.version}"'
    shared = {**SAFE, "cache-control": cache, "etag": etag, **(headers or {})}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=shared)
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.media_type, headers={**shared, "content-encoding": "gzip"})
    return Response(file.data, media_type=file.media_type, headers=shared)
