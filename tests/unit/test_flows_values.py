"""What flows give and keep, written down and read again: exactly as it was, or not at all."""

import enum
import threading
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

import tests.support.crews  # noqa: F401  # isort: skip  # the first import of crewai, without its warnings
from server.crews.calls.codec import Unwritable
from server.crews.flows.values import from_bytes, to_bytes
from tests.support.crews import CREWAI_WARNINGS, agent, task
from tests.support.openai_server import OpenAIServer

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Note(BaseModel):
    model_config = ConfigDict(extra="allow")
    text: str
    hidden: str = Field(default="", exclude=True)
    anything: Any = None
    _private: int = PrivateAttr(default=1)


@dataclass
class Point:
    x: int
    tags: list[str] = field(default_factory=list)


def unfolded(at: datetime) -> datetime:
    """Give the first of two equal hours."""
    return at.replace(fold=0)


KEYS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=3), st.integers(-9, 9), st.just("~"))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=5), st.binary(max_size=5), st.uuids(), st.dates(),
    st.datetimes().map(unfolded), st.timedeltas(), st.decimals(allow_nan=False),
    st.just(Colour.RED), st.just(Level.HIGH),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.frozensets(LEAVES, max_size=3),
        inner.map(lambda value: Note(text="n", anything=value)),
    ),
    max_leaves=8,
)


def alike(one: Any, other: Any) -> bool:
    """Compare types, too: 1, 1.0 and True are not the same."""
    return repr(one) == repr(other) and one == other and type(one) is type(other)


@given(VALUES)
def test_any_data_comes_back_as_it_was(value: Any) -> None:
    back = from_bytes(to_bytes(value))
    assert back == value
    assert type(back) is type(value)
    assert to_bytes(back) == to_bytes(value)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC), date(2026, 1, 2), time(3, 4, 5, 6), timedelta(days=-1, microseconds=3),
        UUID(int=7), Decimal("1.10"), b"\x00\xff", (1, 1.0, True), {1: "a", "~": 2}, Colour.RED, Level.HIGH,
        Point(1, ["a"]), [Note.model_validate({"text": "a", "extra": (1, 2)})],
    ],
)  # fmt: skip
def test_types_come_back(value: Any) -> None:
    assert alike(from_bytes(to_bytes(value)), value)


def test_a_model_comes_back_with_all_its_parts() -> None:
    note = Note.model_validate({"text": "a", "hidden": "b", "anything": Note(text="inner"), "more": 1})
    note._private = 5
    back = from_bytes(to_bytes(note))
    assert (back, back.hidden, back.model_extra, back._private) == (note, "b", {"more": 1}, 5)
    assert back.model_fields_set == note.model_fields_set
    assert isinstance(back.anything, Note)


class Local:
    pass


def made_here() -> object:
    class Here(BaseModel):
        x: int = 1

    return Here()


@pytest.mark.parametrize(
    "value",
    [
        Local(), made_here(), float("nan"), float("inf"), 2**63, threading.Lock(), SecretStr("s"), "\ud800", len,
        datetime(2026, 10, 25, 2, 30, fold=1), datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
    ],
)  # fmt: skip
def test_what_would_not_come_back_is_not_written(value: Any) -> None:
    with pytest.raises(Unwritable):
        to_bytes({"deep": [value]})


def test_what_is_endless_is_not_written() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Unwritable):
        to_bytes(ring)


def test_what_acts_is_not_written() -> None:
    with OpenAIServer() as server:
        writer = agent(server)
        for actor in (writer, task("it", writer), writer.llm):
            with pytest.raises(Unwritable):
                to_bytes(actor)


def test_only_classes_of_data_are_read() -> None:
    for written in (
        b'{"~":"model","class":"subprocess:Popen","parts":[{},[],null,null]}',
        b'{"~":"dataclass","class":"subprocess:Popen","fields":{}}',
        b'{"~":"enum","class":"os:gone","name":"A"}',
    ):
        with pytest.raises(Unwritable):
            from_bytes(written)
