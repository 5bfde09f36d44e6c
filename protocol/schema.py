"""Generate the contract for other languages: `python -m protocol.schema`.

Writes `protocol/schema.json` (JSON Schema 2020-12) and `static/client/protocol.d.ts`. Both are committed, never
edited; a test fails when they are stale.
"""

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from protocol.commands import AnyCommand
from protocol.errors import ERRORS, CloseCode
from protocol.events import AnyEvent
from protocol.frames import CONTROL, ServerFrame
from protocol.objects import Checkpoint, Crew, Execution
from protocol.replies import ANSWERS
from protocol.typescript import declarations

ROOT = Path(__file__).parent.parent
ROOTS: dict[str, Any] = {"Command": AnyCommand, "Event": AnyEvent, "ServerFrame": ServerFrame}
REPLIES = tuple(dict.fromkeys(reply for answers in ANSWERS.values() for reply in answers))
OBJECTS = (Execution, Crew, Checkpoint, *CONTROL, *REPLIES)


def contract() -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the schemas of the unions, and of all structs that they are made of."""
    schemas, components = msgspec.json.schema_components((*ROOTS.values(), *OBJECTS), ref_template="#/$defs/{name}")
    for schema in components.values():
        if "description" in schema:  # a docstring, which Python 3.13 dedents and older ones do not
            schema["description"] = cleandoc(schema["description"])
    return dict(zip(ROOTS, schemas[: len(ROOTS)], strict=True)), components


def json_schema() -> str:
    """Write the contract as one JSON Schema document, with the error and close codes beside it."""
    roots, components = contract()
    errors = {code.value: rule._asdict() for code, rule in ERRORS.items()}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Quarterdeck wire contract, version 1",
        "$defs": {**components, **roots},
        "x-errors": errors,
        "x-close-codes": {code.slug: int(code) for code in CloseCode},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def typescript() -> str:
    """Write the contract as TypeScript declarations."""
    roots, components = contract()
    codes = {"ErrorCode": {"enum": [code.value for code in ERRORS]}}
    return declarations(roots, {**components, **codes})


FILES = {ROOT / "protocol" / "schema.json": json_schema, ROOT / "static" / "client" / "protocol.d.ts": typescript}


def main() -> None:
    """Write both files."""
    for path, generate in FILES.items():
        path.write_text(generate())


if __name__ == "__main__":
    main()
