"""Whether a value fits a JSON Schema, told by field. Pure.

The library is imported when it is first needed: most servers never ask for a typed answer.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

#: More misfits than anybody will mend at once.
MOST = 20
#: A misfit is told in one line of at most so many characters.
LONGEST = 300
#: A larger schema, in bytes, would hold up everybody else while it is checked.
LARGEST = 65_536


def misfits(schema: Mapping[str, Any], value: Any, where: str) -> dict[str, str]:
    """Map each field that does not fit to the reason, as `address.street` or `items.0`; `where` names the whole.

    A schema that is itself wrong, which crews may bring, checks nothing here; nor does one that is too large, or that
    refers to another document, for nothing is fetched. The crew checks its own answers again.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing.jsonschema import EMPTY_REGISTRY

    try:
        if len(msgspec.json.encode(schema)) > LARGEST:
            return {}
        Draft202012Validator.check_schema(schema)
        errors = list(islice(Draft202012Validator(schema, registry=EMPTY_REGISTRY).iter_errors(value), MOST))
    except Exception:  # whatever the schema of a crew's author may make the library raise: see above
        return {}
    found: dict[str, str] = {}
    for error in errors:
        deepest = best_match([error]) or error
        path = ".".join(str(part) for part in deepest.absolute_path) or where
        found.setdefault(path, deepest.message[:LONGEST])
    return found
