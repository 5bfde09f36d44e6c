"""What a body of the existing contract starts: the crew's inputs, and where it stops for a person. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from protocol.objects import Crew

#: The fields that carry what the user wrote.
TEXTS = ("user_input", "message")
#: Inputs that say in which language to answer; all are filled from the field `language`.
LANGUAGES = ("output_language", "language")
CONTEXT = "campaign_context"
#: Inputs that are about what the user wrote, and are not it.
ASIDE = frozenset({CONTEXT, *LANGUAGES})
#: What a crew is told that needs a language, when nobody chose one.
SAME_LANGUAGE = "the same language as the user's message"
#: An empty text counts as an input that lacks, so this is what a crew is told that needs one which nobody gave.
BLANK = " "
#: Where an execution stops unless its request says otherwise.
CHECKPOINTS = ("after_planning", "after_analysis")


def checkpoints(crew: Crew, asked: Sequence[str] | None) -> list[str]:
    """Choose where to stop: where the request asks, else at those of the usual places that the crew has."""
    if asked is not None:
        return list(asked)
    offered = {checkpoint.name for checkpoint in crew.checkpoints}
    return [name for name in CHECKPOINTS if name in offered]


def text_of(body: Mapping[str, Any]) -> str | None:
    """Find what the user wrote; nothing but blanks is nothing."""
    found = [body.get(name) for name in TEXTS]
    return next((text for text in found if isinstance(text, str) and text.strip()), None)


def inputs(crew: Crew, body: Mapping[str, Any]) -> dict[str, Any]:
    """Fill the crew's inputs from a body: by name, the user's words where they belong, and the rest as well as can be.

    What is missing then is left out, and refused by the start: the user's words, when there are none, and everything
    that nobody can guess when it is not clear where those belong.
    """
    found, text = _named(_properties(crew), body), text_of(body)
    home = _home(crew, found)
    if home is not None and text is not None:
        found = {home: text, **found}
    return {**found, **_supplied(crew, found, text)}


def _properties(crew: Crew) -> Mapping[str, Mapping[str, Any]]:
    properties: Mapping[str, Mapping[str, Any]] = crew.inputs.get("properties", {})
    return properties


def _named(properties: Iterable[str], body: Mapping[str, Any]) -> dict[str, Any]:
    """Take what the body calls as the crew does, itself or in `inputs`; `language` fills whatever asks for one."""
    inner = body.get("inputs")
    given = {**dict.fromkeys(LANGUAGES, body.get("language")), **body, **(inner if isinstance(inner, dict) else {})}
    return {name: given[name] for name in properties if given.get(name) not in (None, "")}


def _home(crew: Crew, found: Mapping[str, Any]) -> str | None:
    """Find the input that the user's words belong into: one of that name, else the only text still asked for."""
    properties, required = _properties(crew), crew.inputs.get("required", [])
    free = [name for name, schema in properties.items() if name not in found and _is_text(schema)]
    named = [name for name in TEXTS if name in properties]
    if named:
        return named[0] if named[0] in free else None
    free = [name for name in free if name not in ASIDE]
    for names in ([name for name in free if name in required], free):
        if len(names) == 1:
            return names[0]
    return None


def _supplied(crew: Crew, found: Mapping[str, Any], text: str | None) -> dict[str, str]:
    """Fill what the crew needs and the body lacks: other texts only when what the user said has its place."""
    properties = _properties(crew)
    lacking = [name for name in crew.inputs.get("required", []) if name not in found]
    lacking = [name for name in lacking if _is_text(properties.get(name, {}))]
    placed = any(name not in ASIDE for name in found) and (text is None or text in found.values())
    values = {**dict.fromkeys(lacking, BLANK), **dict.fromkeys(LANGUAGES, SAME_LANGUAGE)}
    return {name: values[name] for name in lacking if placed or name in ASIDE}


def _is_text(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("type", "string") == "string")
