"""Which model the demo crew runs on, and how fast the offline one speaks."""

import pytest

from server.demo.pace import DEFAULT_SPEED, speed_from, timed_pieces
from server.demo.provider import demo_model_in_use, model_in_words


@pytest.mark.parametrize(
    ("environ", "demo"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "k"}, False),
        ({"OPENAI_API_KEY": "  "}, True),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1"}, True),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:1/v1", "MODEL": "openai/local"}, False),
        ({"MODEL": "anthropic/claude-opus-5"}, True),
        ({"MODEL": "anthropic/claude-opus-5", "OPENAI_API_KEY": "k"}, True),
        ({"MODEL": "anthropic/claude-opus-5", "ANTHROPIC_API_KEY": "k"}, False),
        ({"MODEL_NAME": "claude-opus-5", "ANTHROPIC_API_KEY": "k"}, False),
        ({"OPENAI_MODEL_NAME": "gemini-3-pro", "GOOGLE_API_KEY": "k"}, False),
        ({"ANTHROPIC_API_KEY": "k"}, True),
        ({"MODEL": "ollama/llama3"}, False),
        ({"MODEL": "groq/some-model", "GROQ_API_KEY": "k"}, False),
        ({"MODEL": "groq/some-model"}, True),
        ({"MODEL": "anthropic.claude-v2", "AWS_PROFILE": "work"}, False),
    ],
)
def test_the_offline_model_is_used_when_the_model_has_no_key(environ: dict[str, str], demo: bool) -> None:
    assert demo_model_in_use(environ) is demo


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "The demo crew runs on its offline demo model: set OPENAI_API_KEY to use a real one."),
        (
            {"MODEL": "anthropic/x"},
            "The demo crew runs on its offline demo model: set ANTHROPIC_API_KEY for anthropic/x to use a real one.",
        ),
        ({"OPENAI_API_KEY": "secret"}, "The demo crew runs on the default model of CrewAI."),
        ({"MODEL": "ollama/llama3"}, "The demo crew runs on ollama/llama3."),
    ],
)
def test_the_model_is_told_in_words_without_its_key(environ: dict[str, str], words: str) -> None:
    assert model_in_words(environ) == words


@pytest.mark.parametrize(("text", "speed"), [("", DEFAULT_SPEED), ("0", 0), (" 12.5 ", 12.5)])
def test_the_speed_comes_from_the_environment(text: str, speed: float) -> None:
    assert speed_from({"QUARTERDECK_DEMO_SPEED": text}) == speed


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf"])
def test_a_speed_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="QUARTERDECK_DEMO_SPEED"):
        speed_from({"QUARTERDECK_DEMO_SPEED": text})


@pytest.mark.parametrize("text", ["", "one", "\n\n # A  title\n\n| a | b |\n\nend \n", "  spaces  only  ahead", " \n "])
def test_the_pieces_of_a_text_make_the_text(text: str) -> None:
    assert "".join(piece for _, piece in timed_pieces(text, 10)) == text


def test_a_piece_is_due_when_its_words_would_have_been_spoken() -> None:
    assert [due for due, _ in timed_pieces("one two three four", 2)] == [1.5, 2.0]
    assert [due for due, _ in timed_pieces("one two three four", 0)] == [0.0, 0.0]
