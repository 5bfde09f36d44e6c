"""Write one file of several modules: each in a function of its own, so that no name of one is another's."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from server.assets.modules.parts import Part
from server.assets.modules.statements import WHOLE, Edit, Export
from server.assets.modules.syntax import Module


@dataclass(frozen=True)
class Joiner:
    """Writes parts of `modules`; `homes` has the part that each module is in."""

    modules: Mapping[str, Module]
    homes: Mapping[str, str]

    def join(self, part: Part) -> bytes:
        """Write the text of a part: a module that gives each of its modules under its own name."""
        modules = [self.modules[name] for name in part.modules]
        names = ", ".join(_ident(name) for name in part.modules)
        lines = [*self._imports(part, modules), *(self._function(part, each) for each in modules)]
        return b"\n".join([*lines, f"export {{ {names} }};\n".encode()])

    def _imports(self, part: Part, modules: Iterable[Module]) -> Iterator[bytes]:
        sources = dict.fromkeys(source for module in modules for source in module.sources)
        for home in dict.fromkeys(self.homes[source] for source in sources):
            if home != part.name:
                names = ", ".join(_ident(source) for source in sources if self.homes[source] == home)
                yield f'import {{ {names} }} from "{_address(home, part)}";'.encode()

    def _function(self, part: Part, module: Module) -> bytes:
        opening = "await (async () => {" if module.waits else "(() => {"
        taken = "".join(_taking(item.source, item.names) for item in module.imports if item.names)
        given = ", ".join(f"{export.name}: {_value(export)}" for export in self._exports(module))
        body = _edited(module.text, [*module.edits, *self._moved(part, module)]).strip()
        return (
            f"const {_ident(module.name)} = {opening}\n{taken}".encode()
            + body
            + f"\nreturn {{ {given} }};\n}})();".encode()
        )

    def _exports(self, module: Module) -> list[Export]:
        own = [export for export in module.exports if export.name != WHOLE]
        names = {export.name for export in own} | {"default"}
        for export in module.exports:
            if export.name == WHOLE:
                inner = self._exports(self.modules[export.source])
                own += [Export(each.name, each.name, export.source) for each in inner if each.name not in names]
        return own

    def _moved(self, part: Part, module: Module) -> Iterator[Edit]:
        """Name other modules, and this one, as the part must."""
        for call, source in module.calls:
            asked = f'import("{_address(self.homes[source], part)}").then((part) => part.{_ident(source)})'
            yield Edit(call.start_byte, call.end_byte, asked.encode())
        for node in module.addresses:
            here = f'new URL("{_address(module.name, part)}", import.meta.url).href'
            yield Edit(node.start_byte, node.end_byte, here.encode())


def _ident(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _address(name: str, part: Part) -> str:
    path = posixpath.relpath(name, posixpath.dirname(part.name))
    return path if path.startswith("../") else f"./{path}"


def _taking(source: str, names: Iterable[tuple[str, str]]) -> str:
    wholes = [f"const {local} = {_ident(source)};\n" for name, local in names if name == WHOLE]
    some = ", ".join(local if name == local else f"{name}: {local}" for name, local in names if name != WHOLE)
    return "".join(wholes) + (f"const {{ {some} }} = {_ident(source)};\n" if some else "")


def _value(export: Export) -> str:
    if not export.source:
        return export.of
    return _ident(export.source) if export.of == WHOLE else f"{_ident(export.source)}.{export.of}"


def _edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    """Put the edits into a text; what lies inside another is gone with it."""
    done, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start >= at:
            done += [text[at : edit.start], edit.text]
            at = edit.end
    return b"".join([*done, text[at:]])
