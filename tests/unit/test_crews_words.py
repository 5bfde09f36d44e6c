"""The small readings that crews need: names, inputs, usage, results, failures."""

from typing import Any

import httpx
import pytest

from protocol.objects import Usage

from tests.support.crews import Task, TaskOutput  # isort: skip  # the first import of crewai, without its warnings
from server.crews import outputs
from server.crews.calls.told import arguments_of, cut
from server.crews.calls.usage import tokens_of, usage_of
from server.crews.faults import crew_failed, masked, readable
from server.crews.inputs import PLACEHOLDER
from server.crews.names import slug, task_names, title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Research the {topic}.", "research_the_topic"),
        ("  Über-Plan, bitte!  ", "über_plan_bitte"),
        ("one two three four five six seven eight nine ten", "one_two_three_four_five_six_seven_eight"),
        ("a" * 60, "a" * 40),
        ("…", ""),
    ],
)
def test_a_description_makes_a_slug(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_names_are_unique_and_never_empty() -> None:
    texts = [("plan", "x"), (None, "plan"), (None, "…"), ("plan_2", "x")]
    tasks = [Task(name=name, description=text, expected_output="x") for name, text in texts]
    assert task_names(tasks) == ["plan", "plan_2", "task_3", "plan_2_2"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("write_captions", "Write captions"), ("ContentPlan", "Content plan"), ("x", "X"), ("_", "_")],
)
def test_names_are_written_for_people(name: str, expected: str) -> None:
    assert title(name) == expected


def test_only_what_a_kickoff_replaces_is_an_input() -> None:
    text = 'Use {topic} and {a-b} but not {"a": 1}, {1x}, {a b} or {}.'
    assert PLACEHOLDER.findall(text) == ["topic", "a-b"]


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}, (5, 3, 8)),
        ({"input_tokens": 5, "output_tokens": 3}, (5, 3, 8)),
        ({"prompt_token_count": 5, "candidates_token_count": 2, "completion_tokens": 3, "total_tokens": 8}, (5, 3, 8)),
        ({"inputTokens": 5, "outputTokens": 3, "totalTokens": 8}, (5, 3, 8)),
        ({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 2}, (7, 3, 10)),
        ({"total_tokens": 0}, (0, 0, 0)),
        ({"prompt_tokens": None}, (0, 0, 0)),
        ({"prompt_tokens": 5, "completion_tokens": float("inf"), "total_tokens": 10**30}, (5, 0, 5)),
        ({"prompt_tokens": -5, "completion_tokens": 3, "total_tokens": -2}, (0, 3, 3)),
        (None, (0, 0, 0)),
    ],
)
def test_usage_is_read_in_every_providers_words(reported: dict[str, int] | None, expected: tuple[int, ...]) -> None:
    prompt, completion, total = expected
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, calls=1)
    assert usage_of(reported) == usage


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3, "cached_prompt_tokens": 4}, (9, 3, 4, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}, (9, 3, 4, 0)),
        ({"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}}, (9, 3, 4, 0)),
        # as crewai's client of Anthropic tells them, in which the prompt is all of it
        ({"input_tokens": 9, "output_tokens": 3, "cached_prompt_tokens": 4, "cache_creation_tokens": 2}, (9, 3, 4, 2)),
        # as Anthropic itself does, and LiteLLM with its own sums beside that
        ({"input_tokens": 3, "output_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2},
         (9, 3, 4, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "cache_read_input_tokens": 4}, (9, 3, 4, 0)),
        ({"inputTokens": 3, "outputTokens": 3, "cacheReadInputTokens": 4, "cacheWriteInputTokens": 2}, (9, 3, 4, 2)),
        ({"inputTokens": 3, "outputTokens": 3, "cacheReadInputTokenCount": 4, "cacheWriteInputTokenCount": 2},
         (9, 3, 4, 2)),
        ({"prompt_token_count": 9, "completion_tokens": 3, "cached_prompt_tokens": 4}, (9, 3, 4, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": None}, (9, 3, 0, 0)),
        # nobody knows what such a call used, and nobody gives it a price
        ({"prompt_tokens": float("nan"), "completion_tokens": 3}, (-1, 3, 0, 0)),
        ({"prompt_tokens": 9, "completion_tokens": "many"}, (9, -1, 0, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "cached_prompt_tokens": -4}, (9, 3, 0, 0)),
        (None, (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_what_was_cached_is_read_in_every_providers_words(reported: dict[str, Any] | None, expected: Any) -> None:
    assert tokens_of(reported) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"input": [1]}),
        ("plain", {"input": "plain"}),
        ({"a": {1}}, {"a": "{1}"}),
        (None, {"input": None}),
    ],
)
def test_arguments_become_an_object(given: object, expected: dict[str, object]) -> None:
    assert arguments_of(given) == expected


def test_results_are_cut_between_characters() -> None:
    assert cut("x" * 8192) == ("x" * 8192, False)
    assert cut("x" * 8193) == ("x" * 8192, True)
    assert cut("x" + "é" * 4096) == ("x" + "é" * 4095, True)
    assert cut("\ud800") == ("\ud800", False)


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "correct horse battery")
    text = (
        "sk-proj-abcdefgh12 and Bearer abc.def, https://me:pass@host/x?api_key=123, correct horse battery; task-first"
    )
    assert masked(text) == "*** and Bearer *** https://***@host/x?api_key=***, ***; task-first"


def test_a_failure_is_one_short_line() -> None:
    assert readable(ValueError("one\n  two")) == "one two"
    assert readable(KeyError()) == "KeyError"
    assert len(readable(ValueError("x" * 1000))) == 500


def test_a_failure_is_named_by_where_it_came_from() -> None:
    error = RuntimeError("outer")
    error.__cause__ = httpx.ConnectError("no route")
    codes = [crew_failed(error, "t").code, crew_failed(ValueError(), "t").code, crew_failed(ValueError(), None).code]
    assert codes == ["model_error", "task_failed", "crew_failed"]


def test_text_that_is_not_json_is_shown_as_the_json_it_was_read_as() -> None:
    output = TaskOutput(description="d", agent="a", raw="Here: {}", json_dict={"a": "é"})
    task = Task(description="d", expected_output="x")
    draft = outputs.draft(task, output)
    assert (draft.text, draft.content_type, draft.json) == ('{\n  "a": "é"\n}', "application/json", {"a": "é"})
    assert outputs.draft(task, TaskOutput(description="d", agent="a", raw="# Plan")).content_type == "text/markdown"
