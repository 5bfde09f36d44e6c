"""Which inputs of a crew a body of the existing contract fills, and where it stops."""

from typing import Any

import pytest

from protocol.objects import Crew, CrewCheckpoint
from server.demo.writer.language import language_for
from server.routes.compat.filling import BLANK, SAME_LANGUAGE, checkpoints, inputs, text_of


def crew(*required: str, optional: tuple[str, ...] = (), offers: tuple[str, ...] = (), **types: str) -> Crew:
    """Make a crew that needs these inputs; texts, unless another type is said."""
    names = (*required, *optional)
    return Crew(
        name="c", title="C", description="", kind="crew", tasks=[],
        inputs={
            "type": "object", "required": list(required),
            "properties": {name: {"type": types.get(name, "string")} for name in names},
        },
        checkpoints=[CrewCheckpoint(name=name, title=name, task="t", place="after") for name in offers],
    )  # fmt: skip


CONTENT = crew("user_input", "campaign_context", "output_language")
#: What is filled when nobody says it.
UNSAID = {"campaign_context": BLANK, "output_language": SAME_LANGUAGE}
CASES: list[tuple[Crew, dict[str, Any], dict[str, Any]]] = [
    # by name, and the rest as well as can be
    (CONTENT, {"user_input": "tea"}, {"user_input": "tea", **UNSAID}),
    (CONTENT, {"message": "tea"}, {"user_input": "tea", **UNSAID}),
    (
        CONTENT,
        {"message": "tea", "user_input": "coffee", "campaign_context": "May", "language": "id"},
        {"user_input": "coffee", "campaign_context": "May", "output_language": "id"},
    ),
    (
        crew("message", "language"),
        {"user_input": "tea", "language": "English"},
        {"message": "tea", "language": "English"},
    ),
    (CONTENT, {"message": "tea", "output_language": "fr"}, {"user_input": "tea", **UNSAID, "output_language": "fr"}),
    (crew("topic", "language"), {"message": "tea", "language": "id"}, {"topic": "tea", "language": "id"}),
    # the only text
    (crew("topic"), {"message": "tea"}, {"topic": "tea"}),
    (crew("topic"), {"message": "tea", "user_input": " ", "noise": 1, "language": "id"}, {"topic": "tea"}),
    (crew(optional=("topic",)), {"message": "tea"}, {"topic": "tea"}),
    (crew("topic", "weeks", weeks="integer"), {"message": "tea", "weeks": 4}, {"topic": "tea", "weeks": 4}),
    # by the crew's own names
    (crew("topic"), {"topic": "tea"}, {"topic": "tea"}),
    (crew("topic"), {"inputs": {"topic": "tea"}, "topic": "coffee"}, {"topic": "tea"}),
    (crew("topic", "tone"), {"message": "tea", "tone": "calm"}, {"topic": "tea", "tone": "calm"}),
    (crew("user_input", "tone"), {"message": "tea"}, {"user_input": "tea", "tone": BLANK}),
    # nobody wrote anything, or it is not clear where it belongs: the start refuses what is missing
    (CONTENT, {}, UNSAID),
    (CONTENT, {"message": "  "}, UNSAID),
    (crew("topic", "tone"), {"message": "tea"}, {}),
    (crew("topic", "tone", "who"), {"message": "tea", "tone": "calm"}, {"tone": "calm"}),
    (crew("topic", "weeks", weeks="integer"), {"message": "tea"}, {"topic": "tea"}),
    # nothing is needed
    (crew(), {"message": "tea", "language": "id"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "body", "filled"), CASES)
def test_inputs(wanted: Crew, body: dict[str, Any], filled: dict[str, Any]) -> None:
    assert inputs(wanted, body) == filled


def test_the_users_words_come_first_for_they_make_the_title() -> None:
    assert next(iter(inputs(CONTENT, {"campaign_context": "May", "language": "id", "message": "tea"}))) == "user_input"


@pytest.mark.parametrize(
    ("offers", "asked", "chosen"),
    [
        (("after_planning", "after_analysis", "other"), None, ["after_planning", "after_analysis"]),
        (("after_analysis",), None, ["after_analysis"]),
        (("agree",), None, []),
        (("agree",), ["agree"], ["agree"]),
        (("after_planning",), [], []),
        (("agree",), ["unheard"], ["unheard"]),  # the start refuses it
    ],
)
def test_checkpoints(offers: tuple[str, ...], asked: list[str] | None, chosen: list[str]) -> None:
    assert checkpoints(crew(offers=offers), asked) == chosen


def test_the_demo_writes_english_where_nobody_chose_a_language() -> None:
    assert (language_for(SAME_LANGUAGE).code, language_for(SAME_LANGUAGE).asked) == ("en", "")


def test_what_the_user_wrote() -> None:
    assert text_of({"user_input": "a", "message": "b"}) == "a"
    assert text_of({"user_input": " ", "message": "b"}) == "b"
    assert text_of({"message": 7}) is None
