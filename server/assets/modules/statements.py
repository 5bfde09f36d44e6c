"""The forms that `import` and `export` have (ECMA-262, chapter 16.2), from the parser's nodes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

#: The name of what a module gives by `export default`, and of a whole module.
DEFAULT = "default"
WHOLE = "*"
#: What a value has for a name that a module gives without one.
UNNAMED = "$default"
UNNAMED_DECLARATION = re.compile(r"(async\s+)?(function|class)\b")


@dataclass(frozen=True)
class Edit:
    """What is to stand for a stretch of a text, in bytes."""

    start: int
    end: int
    text: bytes = b""


@dataclass(frozen=True)
class Import:
    """A module that another needs, and what it takes from it: by which name there, under which name here."""

    source: str
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Export:
    """A name that a module gives: of what it calls so itself, or of what another module gives, when there is a source.

    `WHOLE` as the name stands for all names of the source but its default.
    """

    name: str
    of: str
    source: str = ""


@dataclass(frozen=True)
class Statement:
    """A statement of modules: what it takes, what it gives, and what stands for it where it is not allowed."""

    edit: Edit
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()

    def resolved(self, resolve: Callable[[str], str]) -> "Statement":
        """Name modules as `resolve` does, instead of by their addresses."""
        imports = tuple(replace(item, source=resolve(item.source)) for item in self.imports)
        exports = tuple(replace(item, source=item.source and resolve(item.source)) for item in self.exports)
        return replace(self, imports=imports, exports=exports)


def read(node: Node) -> Statement:
    """Read an `import_statement` or an `export_statement`; raise `ValueError` for a form that cannot be joined."""
    for extra in _of_type(node, "import_attribute", "decorator"):
        raise ValueError(f"{_text(extra)}, which cannot be joined, in line {extra.start_point.row + 1}")
    gone = Edit(node.start_byte, node.end_byte)
    source = node.child_by_field_name("source")
    if node.type == "import_statement":
        assert source
        return Statement(gone, (Import(unquoted(source), tuple(_taken(node))),))
    if source:
        address = unquoted(source)
        return Statement(gone, (Import(address),), tuple(_passed_on(node, address)))
    if declaration := node.child_by_field_name("declaration"):
        of_default = any(child.type == DEFAULT for child in node.children)
        exports = (Export(DEFAULT if of_default else name, name) for name in _declared(declaration))
        return Statement(Edit(node.start_byte, declaration.start_byte), exports=tuple(exports))
    if value := node.child_by_field_name("value"):
        _check_ends(value)
        edit = Edit(node.start_byte, value.start_byte, f"const {UNNAMED} = ".encode())
        return Statement(edit, exports=(Export(DEFAULT, UNNAMED),))
    return Statement(gone, exports=tuple(Export(given, name) for name, given in _specified(node)))


def unquoted(address: Node) -> str:
    """Give the text of a string, which an address of a module must be."""
    if address.type != "string":
        raise ValueError(f"an address that is not a plain string, in line {address.start_point.row + 1}")
    return _text(address)[1:-1]


def _taken(node: Node) -> Iterator[tuple[str, str]]:
    for clause in _of_type(node, "import_clause"):
        for child in clause.named_children:
            if child.type == "identifier":
                yield DEFAULT, _text(child)
            elif child.type == "namespace_import":
                yield WHOLE, _text(child.named_children[0])
            else:
                yield from _specifiers(child)


def _passed_on(node: Node, address: str) -> Iterator[Export]:
    for name, given in _specified(node):
        yield Export(given, name, address)
    for child in _of_type(node, "namespace_export"):
        yield Export(_name(child.children[-1]), WHOLE, address)
    if any(child.type == WHOLE for child in node.children):
        yield Export(WHOLE, WHOLE, address)


def _specified(node: Node) -> Iterator[tuple[str, str]]:
    for clause in _of_type(node, "export_clause"):
        yield from _specifiers(clause)


def _specifiers(clause: Node) -> Iterator[tuple[str, str]]:
    for specifier in clause.named_children:
        if specifier.type.endswith("_specifier"):
            words = [_name(child) for child in specifier.children if child.type not in {"as", "comment"}]
            yield words[0], words[-1]


def _declared(declaration: Node) -> Iterator[str]:
    """Name what a declaration declares; what could change later would not change where it was taken."""
    if name := declaration.child_by_field_name("name"):
        yield _text(name)
        return
    names = [child.child_by_field_name("name") for child in _of_type(declaration, "variable_declarator")]
    if declaration.children[0].type != "const" or any(name is None or name.type != "identifier" for name in names):
        raise ValueError(f"an export that is no plain constant, in line {declaration.start_point.row + 1}")
    yield from (_text(name) for name in names if name)


def _check_ends(value: Node) -> None:
    """Refuse a function or class without a name that something follows: it ends there, but the parser reads on."""
    if UNNAMED_DECLARATION.match(_text(value)) and value.type not in {
        "function_expression",
        "generator_function",
        "class",
    }:
        raise ValueError(f"a default export without a name and a semicolon, in line {value.start_point.row + 1}")


def _of_type(node: Node, *kinds: str) -> Iterator[Node]:
    return (child for child in node.named_children if child.type in kinds)


def _name(node: Node) -> str:
    return _text(node)[1:-1] if node.type == "string" else _text(node)


def _text(node: Node) -> str:
    return (node.text or b"").decode()
