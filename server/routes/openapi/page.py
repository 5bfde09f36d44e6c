"""The OpenAPI document as a page that people read: plain HTML, no script. Pure."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from server.routes.reference.html import PAGES, Json, kind, objects, prose, section, shell, table


def page(document: Json) -> str:
    """Write the page."""
    operations = list(_operations(document))
    calls = document["webhooks"].items()
    tags = {tag: list(found) for tag, found in groupby(operations, key=lambda each: each[2]["tags"][0])}
    body = "".join((
        *(section(tag, (_operation(*each) for each in found)) for tag, found in tags.items()),
        section("calls to webhooks", (_operation("call", name, each["post"]) for name, each in calls)),
        _errors(document["x-errors"]),
        objects(document["components"]["schemas"]),
    ))  # fmt: skip
    return shell(PAGES[0], document["info"]["summary"], [*tags, "calls to webhooks", "errors", "objects"], body)


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, found in document["paths"].items():
        for method, operation in found.items():
            yield method.upper(), path, operation


def _operation(method: str, path: str, operation: Json) -> str:
    rows = [
        (f"<code>{escape(parameter['name'])}</code>", kind(parameter["schema"]), parameter.get("description", ""))
        for parameter in operation["parameters"]
        if parameter["in"] != "path"
    ]
    answers = [_answer(status, answer) for status, answer in operation["responses"].items()]
    return (
        f'<article id="{operation["operationId"]}"><h3><b>{method}</b> <code>{escape(path)}</code></h3>'
        f"<p>{prose(operation['summary'])}</p>"
        f"{table(('parameter', 'type', 'meaning'), rows)}{_body(operation)}"
        f"{table(('answer', 'body', 'meaning'), answers)}</article>\n"
    )


def _body(operation: Json) -> str:
    if "requestBody" not in operation:
        return ""
    (content,) = operation["requestBody"]["content"].values()
    inner = content["schema"].get("properties", {})
    parts = "".join(f"; <code>{name}</code>: {kind(schema)}" for name, schema in inner.items())
    optional = "" if operation["requestBody"]["required"] else ", or none"
    return f"<p>Body: {kind(content['schema'])}{parts}{optional}.</p>"


def _answer(status: str, answer: Json) -> tuple[str, str, str]:
    if "$ref" in answer:
        return "otherwise", kind({"$ref": answer["$ref"].replace("responses", "schemas")}), "It was refused."
    bodies = [_told(media, content["schema"]) for media, content in answer.get("content", {}).items()]
    return status, " or ".join(bodies) or "nothing", answer["description"]


def _told(media: str, schema: Json) -> str:
    return kind(schema) + ("" if media == "application/json" else f" (<code>{media}</code>)")


def _errors(errors: Json) -> str:
    rows = [
        (f"<code>{code}</code>", str(rule["status"]), f"{rule['meaning']}{' Try again.' if rule['retry'] else ''}")
        for code, rule in errors.items()
    ]
    return section("errors", [table(("code", "status", "meaning"), rows)])
