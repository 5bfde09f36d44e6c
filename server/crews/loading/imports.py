"""Which modules of its own a project imports, by reading and without running them."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def own_modules(names: Iterable[str], roots: Sequence[Path]) -> dict[str, Path]:
    """Find all modules in `roots` that importing these may import, at once or later: name to file.

    `roots` are the folders where the project's modules are looked for, the first that has one first.
    """
    found: dict[str, Path] = {}
    waiting = [outer for name in names for outer in _with_packages(name)]
    while waiting:
        name = waiting.pop()
        file = None if name in found else file_of(name, roots)
        if file is not None:
            found[name] = file
            waiting += [outer for inner in _imported(file, name) for outer in _with_packages(inner)]
    return dict(sorted(found.items()))


def file_of(name: str, roots: Sequence[Path]) -> Path | None:
    """Find the file of a module; a folder without `__init__.py` has none."""
    for root in roots:
        base = root.joinpath(*name.split("."))
        for file in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if file.is_file():
                return file
    return None


def _with_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _imported(file: Path, name: str) -> Iterator[str]:
    """Name what a file imports; one that is no Python imports nothing, and tells so when it is run."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, package)


def _from(node: ast.ImportFrom, package: str) -> Iterator[str]:
    """Name the module, and each thing out of it, which may be a module, too."""
    outer = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*outer, *(node.module or "").split(".")]).strip(".")
    if base:
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
