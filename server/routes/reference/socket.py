"""The AsyncAPI document as a page: every command, frame, event, error and close code, each with an example. Pure."""

from collections.abc import Iterator

from server.routes.reference.html import PAGES, Json, example, fields, kind, objects, prose, section, shell

REF = "#/components/schemas/"
#: What a client does after a close.
BACK = {"never": "do not come back", "later": "come back after a pause", "at once": "come back at once"}
CONTENTS = ("commands", "control frames", "events", "errors", "close codes", "objects")


def page(document: Json) -> str:
    """Write the page."""
    body = "".join((
        section("commands", _commands(document), _index(document, "command")),
        section("control frames", _frames(document, "control"), _index(document, "control")),
        section("events", _frames(document, "event"), _index(document, "event")),
        _errors(document["x-errors"]),
        _closes(document["x-close-codes"]),
        objects(_objects(document)),
    ))  # fmt: skip
    return shell(PAGES[1], document["info"]["description"], CONTENTS, body)


def _index(document: Json, which: str) -> dict[str, str]:
    messages = document["components"]["messages"]
    return {name: message["name"] for name, message in messages.items() if name.startswith(f"{which}.")}


def _frames(document: Json, which: str) -> Iterator[str]:
    for name, message in document["components"]["messages"].items():
        if name.startswith(f"{which}."):
            yield _frame(document, name, message)


def _commands(document: Json) -> Iterator[str]:
    messages = document["components"]["messages"]
    for name, message in messages.items():
        if name.startswith("command."):
            reply = messages.get(name.replace("command.", "reply."))
            yield _frame(document, name, message, _reply(reply))


def _reply(message: Json | None) -> str:
    if message is None:
        return "<p>It is not answered.</p>"
    data = message["payload"]["properties"]["data"]
    shown = [each["payload"] for each in message["examples"]]
    return f"<p>The <code>reply</code> carries {kind(data)}.</p>{example(shown, ' of the reply')}"


def _frame(document: Json, name: str, message: Json, more: str = "") -> str:
    shown = example([each["payload"] for each in message["examples"]])
    return (
        f'<article id="{name}"><h3><code>{message["name"]}</code></h3><p>{prose(message["summary"])}</p>'
        f"{fields(_payload(document, message))}{shown}{more}</article>\n"
    )


def _payload(document: Json, message: Json) -> Json:
    """Read the fields that say something: not the `type`, which is the heading."""
    schema: Json = document["components"]["schemas"][message["payload"]["$ref"].removeprefix(REF)]
    return {**schema, "properties": {name: about for name, about in schema["properties"].items() if name != "type"}}


def _errors(errors: Json) -> str:
    return section("errors", (
        f'<article id="error.{code}"><h3><code>{code}</code></h3><p>{prose(rule["meaning"])} '
        f"Over HTTP its status is {rule['status']}. {'Try again.' if rule['retry'] else 'Trying again does not help.'}"
        f"</p>{example([rule['example']])}</article>\n"
        for code, rule in errors.items()
    ))  # fmt: skip


def _closes(closes: Json) -> str:
    return section("close codes", (
        f'<article id="close.{code}"><h3><b>{code}</b> <code>{rule["name"]}</code></h3><p>{prose(rule["meaning"])}'
        f"{_back(rule)}</p>{example([rule['example']])}</article>\n"
        for code, rule in closes.items()
    ))  # fmt: skip


def _back(rule: Json) -> str:
    return f" A client should {BACK[rule['back']]}." if rule["back"] else ""


def _objects(document: Json) -> Json:
    """Leave out what has an article of its own: the frames."""
    messages = document["components"]["messages"].values()
    frames = {message["payload"].get("$ref", "").removeprefix(REF) for message in messages}
    return {name: schema for name, schema in document["components"]["schemas"].items() if name not in frames}
