"""The page's modules, in the parts in which browsers get them.

Over HTTP/1.1 a browser fetches six files at a time, so that a page of many small modules is slow on a slow line. Each
part is a module as well: imports and `import(…)` stay the browser's own, with the hashes of its import map.
"""

from collections.abc import Iterable, Mapping

from server.assets.modules.joining import Joiner
from server.assets.modules.parts import divide, needed
from server.assets.modules.syntax import parse
from server.assets.views import ENTRY

__all__ = ["Scripts"]


class Scripts:
    """Join modules, read from `sources`; `bare` has those that are imported by a name alone."""

    def __init__(self, sources: Mapping[str, bytes], bare: Mapping[str, str]) -> None:
        self._modules = {name: parse(name, text, bare) for name, text in sources.items()}
        parts = divide(self._modules, ENTRY)
        self._homes = {name: part.name for part in parts for name in part.modules}
        joiner = Joiner(self._modules, self._homes)
        #: The parts, by their names.
        self.texts = {part.name: joiner.join(part) for part in parts}

    def holding(self, names: Iterable[str]) -> list[str]:
        """Name the parts that these modules, and what they cannot run without, come in."""
        return list(dict.fromkeys(self._homes[name] for name in needed(self._modules, names)))
