"""Names of a module that change after it ran, which those who took their values would not see."""

from collections.abc import Iterable, Iterator

from tree_sitter import Node, Query, QueryCursor

from server.assets.modules.language import JAVASCRIPT

FUNCTIONS = {
    "arrow_function", "function_declaration", "function_expression", "generator_function",
    "generator_function_declaration", "method_definition",
}  # fmt: skip
#: What runs later than what it stands in.
CALLED = {*FUNCTIONS, "field_definition"}
#: What gives names of its own to the block that it stands in.
DECLARATIONS = {"class_declaration", "function_declaration", "generator_function_declaration", "lexical_declaration"}
ASSIGNED = Query(
    JAVASCRIPT,
    """
    (assignment_expression left: (_) @target)
    (augmented_assignment_expression left: (_) @target)
    (update_expression argument: (_) @target)
    (for_in_statement left: (_) @target)
    """,
)
#: Where the names in a pattern are.
PATTERNS = {
    "assignment_pattern": ("left",), "object_assignment_pattern": ("left",), "pair_pattern": ("value",),
    "array_pattern": (), "object_pattern": (), "rest_pattern": (), "formal_parameters": (),
    "parenthesized_expression": (),
}  # fmt: skip


def changing(root: Node, names: Iterable[str]) -> frozenset[str]:
    """Name those of a module's own names that one of its functions gives another value."""
    sought = {name.encode() for name in names}
    targets = QueryCursor(ASSIGNED).captures(root).get("target", [])
    found = {(name.text or b"", name.start_byte): name for target in targets for name in _bound(target)}
    return frozenset(text.decode() for (text, _), node in found.items() if text in sought and _is_outer(node))


def in_function(node: Node) -> bool:
    """Tell whether something runs only when a function is called; what computes a method's name does not."""
    inner, around = node, node.parent
    while around:
        if around.type in CALLED and inner not in map(around.child_by_field_name, ("name", "property")):
            return True
        inner, around = around, around.parent
    return False


def _is_outer(node: Node) -> bool:
    """Tell whether a function means the module's name, and none of its own that is the same."""
    around = node.parent
    while around and around.parent:
        if any(name.text == node.text for name in _declared(around)):
            return False
        around = around.parent
    return in_function(node)


def _bound(pattern: Node) -> Iterator[Node]:
    """Find the names that a pattern gives values to."""
    if pattern.type in {"identifier", "shorthand_property_identifier_pattern"}:
        yield pattern
    elif fields := PATTERNS.get(pattern.type):
        yield from (name for field in fields for name in _bound(_field(pattern, field)))
    elif fields is not None:
        yield from (name for child in pattern.named_children for name in _bound(child))


def _declared(scope: Node) -> Iterator[Node]:
    """Find the names that are a scope's own."""
    blocks = scope.named_children if scope.type == "switch_body" else [scope]
    for child in (child for block in blocks for child in block.named_children if child.type in DECLARATIONS):
        yield from _names(child)
    if scope.type == "catch_clause":
        yield from _fields(scope, "parameter")
    if scope.type == "for_in_statement" and scope.child_by_field_name("kind"):
        yield from _fields(scope, "left")
    if scope.type in FUNCTIONS:
        yield from _fields(scope, "parameters", "parameter")
        yield from _hoisted(_field(scope, "body"))
    if scope.type in {"function_expression", "generator_function", "class"}:
        yield from _fields(scope, "name")


def _hoisted(node: Node) -> Iterator[Node]:
    """Find what `var` declares in a function, wherever there."""
    for child in node.named_children:
        if child.type == "variable_declaration":
            yield from _names(child)
        if child.type == "for_in_statement" and (kind := child.child_by_field_name("kind")) and kind.text == b"var":
            yield from _fields(child, "left")
        if child.type not in FUNCTIONS:
            yield from _hoisted(child)


def _names(declaration: Node) -> Iterator[Node]:
    yield from _fields(declaration, "name")
    for child in declaration.named_children:
        yield from _fields(child, "name")


def _fields(node: Node, *fields: str) -> Iterator[Node]:
    found = (node.child_by_field_name(field) for field in fields)
    yield from (name for each in found if each for name in _bound(each))


def _field(node: Node, field: str) -> Node:
    found = node.child_by_field_name(field)
    assert found, f"{node.type} has no {field}"
    return found
