"""The generated contract is the one that the structs say."""

import json
from pathlib import Path

import pytest

from protocol.schema import FILES, contract


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    assert path.read_text() == FILES[path](), f"stale: run `python -m protocol.schema` ({path.name})"


def test_every_struct_is_described() -> None:
    _, components = contract()
    assert [
        name for name, schema in components.items() if "properties" in schema and not schema.get("description")
    ] == []


def test_the_schema_is_self_contained() -> None:
    text = json.dumps(contract())
    names = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert names <= set(contract()[1])
