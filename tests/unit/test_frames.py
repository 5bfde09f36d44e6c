"""Frames: every one comes back as it was sent, and whatever else is sent is refused, never a crash."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.commands import AnyCommand, Command
from protocol.errors import ErrorCode, Refused
from protocol.events import ENVELOPES, Event
from protocol.frames import (
    COMMAND_TYPES,
    CONTROL,
    MAX_FRAME,
    decode_command,
    decode_event,
    decode_server_frame,
    encode,
    encode_msgpack,
    error_frame,
    event_halves,
)
from tests.golden import examples

GOLDEN: dict[str, list[dict[str, Any]]] = msgspec.json.decode(examples.FILE.read_bytes())


def kind(value: Any) -> str:
    return str(value["type"] if isinstance(value, dict) else value.__struct_config__.tag)


def test_the_golden_file_is_current() -> None:
    assert examples.FILE.read_text() == examples.text(), "stale: run `python -m tests.golden.examples`"


def test_there_is_an_example_of_everything() -> None:
    assert {kind(frame) for frame in GOLDEN["commands"]} == COMMAND_TYPES
    assert {kind(frame) for frame in GOLDEN["control"]} == {str(frame.__struct_config__.tag) for frame in CONTROL}
    assert {kind(frame) for frame in GOLDEN["events"]} == {event.value for event in ENVELOPES}


def test_every_field_of_a_frame_has_an_example() -> None:
    for example in (*examples.CONTROL, *examples.enveloped(), *(event.data for event in examples.enveloped())):
        wire = msgspec.to_builtins(example)
        assert [name for name in example.__struct_fields__ if name not in wire] == [], kind(example)


@pytest.mark.parametrize("frame", GOLDEN["commands"], ids=kind)
def test_a_command_comes_back_field_for_field(frame: dict[str, Any]) -> None:
    as_json, as_msgpack = msgspec.json.encode(frame), msgspec.msgpack.encode(frame)
    command = decode_command(as_json)
    assert command == decode_command(as_json.decode()) == decode_command(as_msgpack, binary=True)
    assert msgspec.json.decode(encode(command)) == frame
    assert msgspec.msgpack.decode(encode_msgpack(command)) == frame


@pytest.mark.parametrize("frame", GOLDEN["control"] + GOLDEN["events"], ids=kind)
def test_a_frame_of_the_server_comes_back_field_for_field(frame: dict[str, Any]) -> None:
    read = decode_server_frame(msgspec.json.encode(frame))
    assert kind(read) == frame["type"]
    assert msgspec.json.decode(encode(read)) == frame
    assert msgspec.msgpack.decode(encode_msgpack(read)) == frame


@pytest.mark.parametrize("event", examples.enveloped(), ids=kind)
def test_the_halves_of_an_event_join_to_the_event(event: Event) -> None:
    head, tail = event_halves(event.execution, event.data, at=event.at, by=event.by)
    joined = head + event.epoch.encode() + b'","offset":' + str(event.offset).encode() + tail
    assert decode_event(joined) == event
    assert msgspec.json.decode(joined) == msgspec.json.decode(encode(event))


def read(message: bytes, *, binary: bool) -> Command | None:
    """Read a message as a connection does: it is a command, or it is refused in a way that can be told."""
    try:
        command: AnyCommand = decode_command(message, binary=binary)
    except Refused as error:
        refused = error
    else:
        return command
    assert refused.code in {ErrorCode.BAD_JSON, ErrorCode.BAD_FRAME, ErrorCode.BAD_FIELD}
    assert msgspec.json.decode(encode(error_frame(refused, None)))["code"] == refused.code
    return None


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_a_command_or_a_refusal(message: bytes, binary: bool) -> None:
    read(message, binary=binary)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({name for frame in GOLDEN["commands"] for name in frame} - {"type"})
NEARLY = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(COMMAND_TYPES)) | st.text(max_size=5)},
    optional={name: JSON | st.text(min_size=1, max_size=5) for name in FIELDS},
)


@given(NEARLY | JSON)
def test_objects_that_are_nearly_commands(value: Any) -> None:
    command = read(msgspec.json.encode(value), binary=False)
    if command is not None:
        assert msgspec.json.decode(encode(command)).items() <= value.items()


@given(st.sampled_from(GOLDEN["commands"]), st.data())
def test_a_command_with_a_few_bytes_changed(frame: dict[str, Any], data: st.DataObject) -> None:
    binary = data.draw(st.booleans())
    message = bytearray(msgspec.msgpack.encode(frame) if binary else msgspec.json.encode(frame))
    places = st.integers(0, len(message) - 1)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        message[place] = byte
    read(bytes(message[: data.draw(places | st.just(len(message)))]), binary=binary)


@pytest.mark.parametrize("nested", [b"[" * MAX_FRAME, b'{"a":' * (MAX_FRAME // 5), b"\x91" * MAX_FRAME])
def test_endless_nesting_is_refused(nested: bytes) -> None:
    assert read(nested, binary=nested[0] == 0x91) is None
    inside = b'{"type":"start","crew":"c","inputs":{"a":' + nested
    assert read(inside[:MAX_FRAME], binary=False) is None


@pytest.mark.parametrize(("ident", "told"), [(7, 7), ("a", "a"), (True, None), (None, None), ([1], None)])
def test_a_refusal_names_the_command_if_it_can(ident: Any, told: Any) -> None:
    with pytest.raises(Refused) as refused:
        decode_command(msgspec.json.encode({"type": "ping", "loud": 1, "id": ident}))
    assert refused.value.code is ErrorCode.BAD_FIELD
    assert error_frame(refused.value, None).re == told
