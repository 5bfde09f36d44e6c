"""Write one file of several modules: each in a function of its own, so that no name of one is another's."""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from server.assets.modules.names import check_taken, given, is_changing
from server.assets.modules.parts import Part
from server.assets.modules.statements import UNNAMED, WHOLE, Edit, Export
from server.assets.modules.syntax import Module

#: Names that begin with a dollar, as those of modules do.
DOLLAR = re.compile(rb"(?<![\w$])(\$\w+)(?![\w$])")
#: What needs no quotes to be the name of a property.
PLAIN = re.compile(r"[^\W\d]\w*|\$[\w$]*", re.ASCII)


@dataclass(frozen=True)
class Joiner:
    """Writes parts of `modules`; `homes` has the part that each module is in.

    Raises `ImportError` where a module takes what another does not give, and where names would clash.
    """

    modules: Mapping[str, Module]
    homes: Mapping[str, str]

    def __post_init__(self) -> None:
        for first, second in pairwise(sorted(self.homes, key=_ident)):
            if _ident(first) == _ident(second):
                raise ImportError(f"{first} and {second} would have the same name, {_ident(first)}: rename one of them")

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
        self._check(module)
        opening = "await (async () => {" if module.waits else "(() => {"
        taken = "".join(_taking(item.source, item.names) for item in module.imports if item.names)
        gives = ", ".join(
            ["__proto__: null", *(self._giving(module, each) for each in given(self.modules, module.name).values())]
        )
        body = _edited(module.text, [*module.edits, *self._moved(part, module)]).strip()
        return (
            f"const {_ident(module.name)} = {opening}\n{taken}".encode()
            + body
            + f"\nreturn {{ {gives} }};\n}})();".encode()
        )

    def _check(self, module: Module) -> None:
        check_taken(self.modules, module.name)
        own = {UNNAMED} if any(export.of == UNNAMED for export in module.exports) else set()
        names = {found[1].decode() for found in DOLLAR.finditer(module.text)}
        for name in names & (own | {_ident(each) for each in self.homes}):
            raise ImportError(f"{module.name} uses the name {name}, which modules have when they are joined: rename it")

    def _giving(self, module: Module, export: Export) -> str:
        if is_changing(self.modules, module.name, export.name):
            return f"get {_key(export.name)}() {{ return {_value(export)}; }}"
        return f"{_key(export.name)}: {_value(export)}"

    def _moved(self, part: Part, module: Module) -> Iterator[Edit]:
        """Name other modules, and this one, as the part must."""
        for call, source in module.calls:
            asked = f'import("{_address(self.homes[source], part)}").then((part) => part.{_ident(source)})'
            yield Edit(call.start_byte, call.end_byte, asked.encode())
        for node in module.addresses:
            here = f'new URL("{_address(module.name, part)}", import.meta.url).href'
            yield Edit(node.start_byte, node.end_byte, here.encode())


def _ident(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"), flags=re.ASCII)


def _address(name: str, part: Part) -> str:
    path = posixpath.relpath(name, posixpath.dirname(part.name))
    return path if path.startswith("../") else f"./{path}"


def _taking(source: str, names: Iterable[tuple[str, str]]) -> str:
    wholes = [f"const {local} = {_ident(source)};\n" for name, local in names if name == WHOLE]
    some = ", ".join(local if name == local else f"{_key(name)}: {local}" for name, local in names if name != WHOLE)
    return "".join(wholes) + (f"const {{ {some} }} = {_ident(source)};\n" if some else "")


def _value(export: Export) -> str:
    if not export.source:
        return export.of
    if export.of == WHOLE:
        return _ident(export.source)
    whole, key = _ident(export.source), _key(export.of)
    return f"{whole}.{key}" if key == export.of else f"{whole}[{key}]"


def _key(name: str) -> str:
    return name if PLAIN.fullmatch(name) else json.dumps(name)


def _edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    """Put the edits into a text; what lies inside another is gone with it."""
    done, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start >= at:
            done += [text[at : edit.start], edit.text]
            at = edit.end
    return b"".join([*done, text[at:]])
