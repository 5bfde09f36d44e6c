"""The document that every address of the page answers with, and the policy that goes with it."""

import html
import json
import re
from collections.abc import Mapping

from server.assets.files import PAGE, File, digest, joined
from server.assets.views import BARE, EXECUTION, HOME, WIDE, View, needed

IMPORT_MAP = re.compile(r'<script type="importmap">.*?</script>', re.DOTALL)
#: The style sheets of the page; those of a run are needed at home only later.
SHEETS = re.compile(r'(?:<link rel="stylesheet" href="static/[^"]+"(?: data-later)?>\n)+')
SHEET = re.compile(r'href="static/([^"]+)"( data-later)?')


class Page:
    """Make the document from the shell, static/index.html, for a view and the path that everything lies under."""

    def __init__(self, shell: str, files: Mapping[str, File]) -> None:
        self._shell = shell
        found = SHEET.findall(SHEETS.findall(shell)[0])
        self._sheets = {
            HOME.sheet: [name for name, later in found if not later],
            EXECUTION.sheet: [name for name, _ in found],
        }
        self.files = {**files, **{name: joined(files, names) for name, names in self._sheets.items()}}

    def render(self, prefix: str, view: View) -> tuple[File, str]:
        """Give the document and its policy."""
        import_map = self._import_map(prefix)
        head = f'<script type="importmap">{import_map}</script>\n{self._preloads(prefix, view)}'
        page = SHEETS.sub(lambda _: self._sheet(prefix, view), self._shell, count=1)
        page = IMPORT_MAP.sub(lambda _: head, page, count=1)
        page = re.sub(r'(href|src)="static/([^"]+)"', lambda found: self._link(prefix, found[1], found[2]), page)
        return File.of(page.encode(), PAGE), _policy(import_map)

    def _sheet(self, prefix: str, view: View) -> str:
        holds = " ".join(name.removeprefix("ui/").removesuffix(".css") for name in self._sheets[view.sheet])
        return f'<link rel="stylesheet" {self._link(prefix, "href", view.sheet)} data-holds="{holds}">\n'

    def _url(self, prefix: str, name: str) -> str:
        return f"{prefix}/static/{name}?v={self.files[name].version}"

    def _import_map(self, prefix: str) -> str:
        modules = [name for name in self.files if name.endswith(".js")]
        urls = {name: self._url(prefix, name) for name in modules}
        imports = {f"{prefix}/static/{name}": url for name, url in urls.items()}
        bare = {name: urls[target] for name, target in BARE.items()}
        integrity = {urls[name]: self.files[name].integrity for name in modules}
        text = json.dumps({"imports": imports | bare, "integrity": integrity}, separators=(",", ":"))
        return text.replace("<", "\\u003c")

    def _preloads(self, prefix: str, view: View) -> str:
        first = needed(self.files, view.modules)
        beside = [name for name in needed(self.files, view.beside) if name not in first]
        links = [self._preload(prefix, name) for name in first]
        return "\n".join(links + [self._preload(prefix, name, f' media="{WIDE}"') for name in beside])

    def _preload(self, prefix: str, name: str, media: str = "") -> str:
        # Without `integrity` here, Chromium fetches each module a second time for the import that demands it.
        return f'<link rel="modulepreload" {self._link(prefix, "href", name)}{media}>'

    def _link(self, prefix: str, attribute: str, name: str) -> str:
        url = html.escape(self._url(prefix, name))
        integrity = self.files[name].integrity
        return f'{attribute}="{url}"' + (f' integrity="{integrity}"' if name.endswith((".js", ".css")) else "")


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
