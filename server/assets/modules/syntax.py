"""What a module of JavaScript imports and exports, as a parser of the language reads it."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tree_sitter import Node, Parser, Query, QueryCursor

from server.assets.modules.bindings import changing, in_function
from server.assets.modules.language import JAVASCRIPT
from server.assets.modules.statements import Edit, Export, Import, read, unquoted

SOUGHT = Query(
    JAVASCRIPT,
    """
    (comment) @comment
    (hash_bang_line) @comment
    (call_expression function: (import) arguments: (arguments)) @call
    (meta_property) @meta
    ((identifier) @word (#any-of? @word "export" "import"))
    (await_expression) @await
    (for_in_statement "await" @await)
    """,
)
STATEMENTS = {"import_statement", "export_statement"}
#: What does nothing that others see; the values of constants are taken to be so, too.
DECLARATIVE = {
    *STATEMENTS, "class_declaration", "comment", "empty_statement", "function_declaration",
    "generator_function_declaration", "hash_bang_line", "lexical_declaration", "variable_declaration",
}  # fmt: skip
#: Comments that go wherever the code goes.
KEPT = (b"Copyright", b"@license", b"/*!")


@dataclass(frozen=True)
class Module:
    """A module: its text, what it takes and gives, and the places in its text that are about modules."""

    name: str
    text: bytes
    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    #: Each `import(…)`, and the module that it is of.
    calls: tuple[tuple[Node, str], ...]
    #: Each `import.meta.url`.
    addresses: tuple[Node, ...]
    #: What stands for its statements of modules and its comments inside a function.
    edits: tuple[Edit, ...]
    #: Whether it awaits something before it is ready.
    waits: bool
    #: Which of its own names, given to others, get another value after it ran.
    changing: frozenset[str]
    #: Whether it does something by running, which is then a matter of when.
    acts: bool

    @property
    def sources(self) -> tuple[str, ...]:
        """Name the modules that must run before it, in their order."""
        return tuple(dict.fromkeys(item.source for item in self.imports))

    @property
    def later(self) -> tuple[str, ...]:
        """Name the modules that it asks for by `import(…)`, in their order."""
        return tuple(dict.fromkeys(source for _, source in self.calls))


def parse(name: str, text: bytes, bare: Mapping[str, str]) -> Module:
    """Read a module, named by its path; `bare` has those that are imported by a name alone.

    Raises `SyntaxError` for what is not JavaScript, and for what cannot be joined with other modules.
    """
    root = Parser(JAVASCRIPT).parse(text).root_node
    if root.has_error:
        raise SyntaxError(f"{name} is not JavaScript that can be read, in line {_broken(root).start_point.row + 1}")

    def resolve(address: str) -> str:
        return bare.get(address) or posixpath.normpath(posixpath.join(posixpath.dirname(name), address))

    captured = QueryCursor(SOUGHT).captures(root)
    found = {kind: sorted(nodes, key=lambda node: node.start_byte) for kind, nodes in captured.items()}
    try:
        _refuse(found.get("word", []), "a word of modules that the parser reads as a name")
        statements = [read(node).resolved(resolve) for node in root.children if node.type in STATEMENTS]
        calls = tuple((node, resolve(_asked(node))) for node in found.get("call", []))
        addresses = tuple(_address(node) for node in found.get("meta", []) if (node.text or b"").startswith(b"import"))
    except ValueError as error:
        raise SyntaxError(f"{name}: {error}") from error
    exports = tuple(export for statement in statements for export in statement.exports)
    return Module(
        name,
        text,
        tuple(item for statement in statements for item in statement.imports),
        exports,
        calls,
        addresses,
        (*(statement.edit for statement in statements), *_uncommented(text, found.get("comment", []))),
        waits=any(not in_function(node) for node in found.get("await", [])),
        changing=changing(root, (export.of for export in exports if not export.source)),
        acts=any(node.type not in DECLARATIVE and not _is_directive(node) for node in root.named_children),
    )


def _broken(root: Node) -> Node:
    """Find the first place that cannot be read."""
    return next((_broken(child) for child in root.children if child.has_error), root)


def _refuse(nodes: list[Node], what: str) -> None:
    for node in nodes:
        raise ValueError(f"{what}, in line {node.start_point.row + 1}")


def _asked(call: Node) -> str:
    """Give the address that an `import(…)` asks for."""
    arguments = [node for node in call.named_children[-1].named_children if node.type != "comment"]
    _refuse([call] if len(arguments) != 1 else [], "an `import(…)` of more than an address")
    return unquoted(arguments[0])


def _address(meta: Node) -> Node:
    """Give the whole of `import.meta.url`, which is all that is known of a module there."""
    around = meta.parent
    asked = around.child_by_field_name("property") if around and around.type == "member_expression" else None
    _refuse([] if asked and asked.text == b"url" else [meta], "an `import.meta` for more than its `url`")
    assert around
    return around


def _is_directive(node: Node) -> bool:
    return node.type == "expression_statement" and all(child.type in {"string", ";"} for child in node.children)


def _uncommented(text: bytes, comments: list[Node]) -> Iterator[Edit]:
    """Leave out comments, and the lines that hold nothing else; one that ends a line in its midst ends it still."""
    for node in comments:
        if any(mark in (node.text or b"") for mark in KEPT):
            continue
        indent = len(text[: node.start_byte].rstrip(b" "))
        opens, closes = text[indent - 1 : indent] in b"\n", text[node.end_byte : node.end_byte + 1] in b"\n"
        if closes:
            yield Edit(indent, node.end_byte + opens)
        else:
            lines = (node.text or b"").decode().splitlines()
            yield Edit(node.start_byte, node.end_byte, b"\n" if len(lines) > 1 else b" ")
