"""The AsyncAPI document says what travels on the socket: it is current, whole, and its examples are what it says."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from protocol.asyncapi import FILE, document, golden, written
from protocol.errors import CloseCode, ErrorCode
from protocol.events import EventType
from protocol.frames import COMMAND_TYPES, CONTROL, JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL
from protocol.replies import ANSWERS
from tests.support.contract import references

Json = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Json:
    return document(golden())


def test_the_committed_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == written(golden()), "stale: run `make schema`"


def test_it_describes_every_frame(described: Json) -> None:
    control = {str(struct.__struct_config__.tag) for struct in CONTROL} - {"reply"}
    assert set(described["channels"]["socket"]["messages"]) == {
        *(f"command.{name}" for name in COMMAND_TYPES),
        *(f"reply.{name}" for name in COMMAND_TYPES - {"pong"}),
        *(f"control.{name}" for name in control),
        *(f"event.{event.value}" for event in EventType),
    }
    headers = described["channels"]["socket"]["bindings"]["ws"]["headers"]["properties"]
    assert headers["Sec-WebSocket-Protocol"]["enum"] == [JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL]


def test_every_command_is_bound_to_its_reply_and_to_the_refusal(described: Json) -> None:
    assert set(ANSWERS) == COMMAND_TYPES
    for name in COMMAND_TYPES:
        operation = described["operations"][name]
        assert operation["action"] == "receive"
        assert [ref["$ref"] for ref in operation["messages"]] == [f"#/channels/socket/messages/command.{name}"]
        answers = [ref["$ref"].rpartition("/")[2] for ref in operation.get("reply", {}).get("messages", [])]
        assert answers == ([f"reply.{name}", "control.error"] if ANSWERS[name] else [])


def test_every_reference_leads_somewhere(described: Json) -> None:
    for reference in set(references(described)):
        place: Any = described
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place


def test_no_schema_is_there_for_nothing(described: Json) -> None:
    used = {reference.rpartition("/")[2] for reference in references(described)}
    assert set(described["components"]["schemas"]) - used == {"Reply"}, "each command has a reply of its own"


def test_every_message_has_examples_that_fit_its_schema(described: Json) -> None:
    for name, message in described["components"]["messages"].items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        assert message["summary"], name
        assert message["examples"], name
        validator = Draft202012Validator({**message["payload"], "components": described["components"]})
        for example in message["examples"]:
            validator.validate(example["payload"])


def test_a_reply_has_an_example_of_each_form(described: Json) -> None:
    for name, answers in ANSWERS.items():
        if answers:
            assert len(described["components"]["messages"][f"reply.{name}"]["examples"]) == len(answers), name


def test_every_error_and_close_code_is_told_with_an_example(described: Json) -> None:
    assert list(described["x-errors"]) == [code.value for code in ErrorCode]
    assert list(described["x-close-codes"]) == [str(int(code)) for code in CloseCode]
    schemas = described["components"]["schemas"]
    for code, rule in described["x-errors"].items():
        frame = rule["example"]
        Draft202012Validator({**schemas["Error"], "components": described["components"]}).validate(frame)
        assert (frame["code"], frame["retry"]) == (code, rule["retry"])
    for number, rule in described["x-close-codes"].items():
        frame = rule["example"]
        if "type" in frame:
            Draft202012Validator(schemas["Bye"]).validate(frame)
            assert frame["resume"] is (rule["back"] in ("later", "at once"))
        assert (frame["code"], frame["reason"]) == (int(number), rule["name"])


def test_it_is_the_json_schema_in_another_place(described: Json) -> None:
    schema = json.loads((FILE.parent / "schema.json").read_text(encoding="utf-8"))
    placed = json.loads(json.dumps(schema["$defs"]).replace("#/$defs/", "#/components/schemas/"))
    assert described["components"]["schemas"].items() <= placed.items()
