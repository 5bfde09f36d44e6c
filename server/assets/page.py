"""The document that every address of the page answers with, and the policy that goes with it."""

import html
import json
import re
from pathlib import Path

from server.assets import sheets
from server.assets.files import MODULE, PAGE, SHEET, File, digest, find
from server.assets.modules import Scripts
from server.assets.views import EXECUTION, HOME, WIDE, View

IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
#: The style sheets of the page; those of a run are needed at home only later.
SHEETS = re.compile(r'(?:<link rel="stylesheet" href="static/[^"]+"(?: data-later)?>\n)+')
#: What is made of several files.
JOINED = (MODULE, SHEET)
LINK = re.compile(r'href="static/([^"]+)"( data-later)?')


class Page:
    """Make the document from the shell, static/index.html, for a view and the path that everything lies under."""

    def __init__(self, root: Path) -> None:
        self._shell = (root / "index.html").read_text(encoding="utf-8")
        found = find(root)
        files = {n: File.of(path.read_bytes(), path.suffix) for n, path in found.items() if path.suffix not in JOINED}
        files |= {name: sheets.read(name, path, files) for name, path in found.items() if path.suffix == SHEET}
        modules = {name: path.read_bytes() for name, path in found.items() if path.suffix == MODULE}
        self._scripts = Scripts(modules, _bare(self._shell))
        parts = {name: File.of(text, MODULE) for name, text in self._scripts.texts.items()}
        self._sheets = _sheets(self._shell)
        joined = {name: sheets.join(files[each] for each in held) for name, held in self._sheets.items()}
        #: Everything that the page may ask for, by its name under static/.
        self.files = {**files, **parts, **joined}

    def render(self, prefix: str, view: View) -> tuple[File, str]:
        """Give the document and its policy."""
        import_map = self._import_map(prefix)
        head = f'<script type="importmap">{import_map}</script>\n{self._preloads(prefix, view)}'
        page = SHEETS.sub(lambda _: self._sheet(prefix, view), self._shell, count=1)
        page = IMPORT_MAP.sub(lambda _: head, page, count=1)
        page = re.sub(r'(href|src)="static/([^"]+)"', lambda found: self._link(prefix, found[1], found[2]), page)
        return File.of(page.encode(), PAGE), _policy(import_map)

    def _sheet(self, prefix: str, view: View) -> str:
        holds = " ".join(name.removeprefix("ui/").removesuffix(SHEET) for name in self._sheets[view.sheet])
        return f'<link rel="stylesheet" {self._link(prefix, "href", view.sheet)} data-holds="{holds}">\n'

    def _url(self, prefix: str, name: str) -> str:
        return f"{prefix}/static/{name}?v={self.files[name].version}"

    def _import_map(self, prefix: str) -> str:
        urls = {name: self._url(prefix, name) for name in self._scripts.texts}
        imports = {f"{prefix}/static/{name}": url for name, url in urls.items()}
        integrity = {url: self.files[name].integrity for name, url in urls.items()}
        text = json.dumps({"imports": imports, "integrity": integrity}, separators=(",", ":"))
        return text.replace("<", "\\u003c")

    def _preloads(self, prefix: str, view: View) -> str:
        first = self._scripts.holding(view.modules)
        beside = [name for name in self._scripts.holding(view.beside) if name not in first]
        links = [self._preload(prefix, name) for name in first]
        return "\n".join(links + [self._preload(prefix, name, f' media="{WIDE}"') for name in beside])

    def _preload(self, prefix: str, name: str, media: str = "") -> str:
        # Without `integrity` here, Chromium fetches each module a second time for the import that demands it.
        return f'<link rel="modulepreload" {self._link(prefix, "href", name)}{media}>'

    def _link(self, prefix: str, attribute: str, name: str) -> str:
        url = html.escape(self._url(prefix, name))
        integrity = self.files[name].integrity
        return f'{attribute}="{url}"' + (f' integrity="{integrity}"' if name.endswith(JOINED) else "")


def _bare(shell: str) -> dict[str, str]:
    """Give the modules that are imported by a name alone, as the shell has them for servers that only serve files."""
    imports = json.loads(IMPORT_MAP.findall(shell)[0])["imports"]
    return {name: address.removeprefix("./static/") for name, address in imports.items()}


def _sheets(shell: str) -> dict[str, list[str]]:
    """Name the style sheets that are joined, and which of the shell's each holds."""
    found = LINK.findall(SHEETS.findall(shell)[0])
    return {HOME.sheet: [name for name, later in found if not later], EXECUTION.sheet: [name for name, _ in found]}


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
