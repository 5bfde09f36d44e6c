"""What a module of JavaScript imports and exports, as a parser of the language reads it."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from server.assets.modules.statements import Edit, Export, Import, read, unquoted

LANGUAGE = Language(tree_sitter_javascript.language())
SOUGHT = Query(
    LANGUAGE,
    """
    (comment) @comment
    (call_expression function: (import) arguments: (arguments . (_) @address)) @call
    (member_expression object: (meta_property)) @meta
    (await_expression) @await
    (for_in_statement "await" @await)
    """,
)
STATEMENTS = {"import_statement", "export_statement"}
#: What an `await` may stand in without being the module's own.
FUNCTIONS = {"arrow_function", "function_declaration", "function_expression", "method_definition"}
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
    root = Parser(LANGUAGE).parse(text).root_node
    if root.has_error:
        raise SyntaxError(f"{name} is not JavaScript that can be read")

    def resolve(address: str) -> str:
        return bare.get(address) or posixpath.normpath(posixpath.join(posixpath.dirname(name), address))

    try:
        statements = [read(node).resolved(resolve) for node in root.children if node.type in STATEMENTS]
        found = [captured for _, captured in QueryCursor(SOUGHT).matches(root)]
        calls = [(each["call"][0], resolve(unquoted(each["address"][0]))) for each in found if "call" in each]
    except ValueError as error:
        raise SyntaxError(f"{name}: {error}") from error
    named = {kind: [each[kind][0] for each in found if kind in each] for kind in ("comment", "meta", "await")}
    return Module(
        name,
        text,
        tuple(item for statement in statements for item in statement.imports),
        tuple(export for statement in statements for export in statement.exports),
        tuple(calls),
        tuple(named["meta"]),
        (*(statement.edit for statement in statements), *_uncommented(text, named["comment"])),
        any(not _in_function(node) for node in named["await"]),
    )


def _uncommented(text: bytes, comments: list[Node]) -> Iterator[Edit]:
    """Leave out comments, and the lines that hold nothing else."""
    for node in comments:
        if any(mark in (node.text or b"") for mark in KEPT):
            continue
        indent = len(text[: node.start_byte].rstrip(b" "))
        opens, closes = text[indent - 1 : indent] in b"\n", text[node.end_byte : node.end_byte + 1] in b"\n"
        if closes:
            yield Edit(indent, node.end_byte + opens)
        else:
            yield Edit(node.start_byte, node.end_byte, b" ")


def _in_function(node: Node) -> bool:
    around = node.parent
    while around and around.type not in FUNCTIONS:
        around = around.parent
    return around is not None
