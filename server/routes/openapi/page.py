"""The OpenAPI document as a page that people read: plain HTML, no script. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

Json = Mapping[str, Any]
#: Code in prose.
CODE = re.compile("`([^`]+)`")
#: The page's own styles, and what it takes from the rest of the site.
STYLES = ("tokens", "base", "reference")
#: No script, nothing from elsewhere, and nowhere inside another page.
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(document: Json) -> str:
    """Write the page."""
    styles = "\n".join(f'<link rel="stylesheet" href="static/ui/{name}.css">' for name in STYLES)
    operations = list(_operations(document))
    calls = [("call", name, each["post"]) for name, each in document["webhooks"].items()]
    tags = {tag: list(found) for tag, found in groupby(operations, key=lambda each: each[2]["tags"][0])}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Quarterdeck over HTTP</title>
<link rel="icon" type="image/svg+xml" href="favicon.svg">
{styles}
</head>
<body>
<main class="reference">
<h1>Quarterdeck over HTTP</h1>
<p>{escape(document["info"]["summary"])} The same for machines: <a href="openapi.json">openapi.json</a>.</p>
<nav aria-label="Contents"><ul>{"".join(map(_entry, [*tags, "Calls to webhooks", "Errors", "Objects"]))}</ul></nav>
{"".join(_section(tag, found) for tag, found in tags.items())}
{_section("calls to webhooks", calls)}
{_errors(document["x-errors"])}
{_objects(document["components"]["schemas"])}
</main>
</body>
</html>
"""


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield method.upper(), path, operation


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())


def _entry(name: str) -> str:
    return f'<li><a href="#{_slug(name)}">{escape(name[:1].upper() + name[1:])}</a></li>'


def _section(tag: str, operations: Iterable[tuple[str, str, Json]]) -> str:
    title = escape(tag[:1].upper() + tag[1:])
    return f'<section id="{_slug(tag)}"><h2>{title}</h2>{"".join(_operation(*each) for each in operations)}</section>\n'


def _operation(method: str, path: str, operation: Json) -> str:
    rows = [
        (f"<code>{escape(parameter['name'])}</code>", _kind(parameter["schema"]), parameter.get("description", ""))
        for parameter in operation["parameters"]
        if parameter["in"] != "path"
    ]
    answers = [_answer(status, answer) for status, answer in operation["responses"].items()]
    return (
        f'<article id="{operation["operationId"]}"><h3><b>{method}</b> <code>{escape(path)}</code></h3>'
        f"<p>{_prose(operation['summary'])}</p>"
        f"{_table(('parameter', 'type', 'meaning'), rows)}{_body(operation)}"
        f"{_table(('answer', 'body', 'meaning'), answers)}</article>\n"
    )


def _body(operation: Json) -> str:
    if "requestBody" not in operation:
        return ""
    (content,) = operation["requestBody"]["content"].values()
    parts = content["schema"].get("properties", {})
    fields = "".join(f"; <code>{name}</code>: {_kind(schema)}" for name, schema in parts.items())
    return (
        f"<p>Body: {_kind(content['schema'])}{fields}{'' if operation['requestBody']['required'] else ', or none'}.</p>"
    )


def _answer(status: str, answer: Json) -> tuple[str, str, str]:
    if "$ref" in answer:
        return "otherwise", _kind({"$ref": answer["$ref"].replace("responses", "schemas")}), "It was refused."
    bodies = [_told(media, content["schema"]) for media, content in answer.get("content", {}).items()]
    return status, " or ".join(bodies) or "nothing", answer["description"]


def _told(media: str, schema: Json) -> str:
    return _kind(schema) + ("" if media == "application/json" else f" (<code>{media}</code>)")


def _prose(text: str) -> str:
    """Write a sentence; what stands between backticks is code."""
    return CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _errors(errors: Json) -> str:
    rows = [
        (f"<code>{code}</code>", str(rule["status"]), f"{rule['meaning']}{' Try again.' if rule['retry'] else ''}")
        for code, rule in errors.items()
    ]
    return f'<section id="errors"><h2>Errors</h2>{_table(("code", "status", "meaning"), rows)}</section>\n'


def _objects(schemas: Json) -> str:
    return f'<section id="objects"><h2>Objects</h2>{"".join(map(_object, schemas, schemas.values()))}</section>\n'


def _object(name: str, schema: Json) -> str:
    needed = schema.get("required", [])
    rows = [
        (f"<code>{escape(field)}{'' if field in needed else '?'}</code>", _kind(kind), kind.get("description", ""))
        for field, kind in schema.get("properties", {}).items()
    ]
    text = _prose(schema.get("description", ""))
    values = "" if rows else f"<p>{_kind(schema)}</p>"
    table = _table(("field", "type", "meaning") if any(row[2] for row in rows) else ("field", "type"), rows)
    return f'<article id="{name}"><h3><code>{name}</code></h3><p>{text}</p>{values}{table}</article>\n'


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table; the last column of three is text, the others are markup."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(_cells(row[: len(heads)]))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: tuple[str, ...]) -> Iterator[str]:
    for number, cell in enumerate(row):
        yield f"<td>{_prose(cell) if number > 1 else cell}</td>"


def _kind(schema: Json) -> str:
    """Write a type in words, with links to objects."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "allOf" in schema:
        return " and ".join(map(_kind, schema["allOf"]))
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
