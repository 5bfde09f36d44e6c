"""What a row of the table is made of, and what rows share."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Refusal = Literal["Problem", "Detail", "CallError", "PlatformError"]
JSON, SSE, TEXT, BYTES = "application/json", "text/event-stream", "text/plain", "application/octet-stream"


class Parameter(NamedTuple):
    """A parameter of a request, in its `query` unless it is a `header`."""

    name: str
    text: str
    schema: Mapping[str, Any]
    where: Literal["query", "header"] = "query"


class Answer(NamedTuple):
    """An answer: what it says, and its body by media type; a struct, a union of them, or a schema."""

    text: str
    content: Mapping[str, Any]


class Operation(NamedTuple):
    """One operation. `less`: fields of the body's struct that the path says, and the body may not.

    `open`: everybody may ask, without saying who they are.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    name: str
    tag: str
    text: str
    answers: Mapping[int, Answer]
    body: Any = None
    less: Sequence[str] = ()
    optional: bool = False
    parameters: Sequence[Parameter] = ()
    refusal: Refusal | None = "Problem"
    open: bool = False


TEXT_SCHEMA = {"type": "string"}
LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
CURSOR = Parameter("cursor", "The `next` of the page before.", TEXT_SCHEMA)
KEY = Parameter(
    "Idempotency-Key", "The same key gives the first answer again.",
    {**TEXT_SCHEMA, "minLength": 1, "maxLength": 200}, "header",
)  # fmt: skip
ONE = "/api/v1/executions/{execution}"
COMMAND = ("type", "id")
NAMED = (*COMMAND, "execution")
CHECKPOINT = f"{ONE}/checkpoints/{{checkpoint}}"


def ok(content: Any, text: str = "Done.") -> dict[int, Answer]:
    """Make the one answer that there is when all goes well."""
    return {200: Answer(text, {JSON: content})}
