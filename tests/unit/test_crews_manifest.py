"""What a crew's version is made of, and how a difference is told."""

from pathlib import Path

import pytest

from tests.support.crews import CREWAI_WARNINGS, Agent, Crew, Task  # isort: skip  # the first import of crewai, without its warnings
from server.crews.loading.imports import own_modules
from server.crews.loading.manifest import difference, manifest, texts, version
from server.crews.registration import Registration

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({}, {}, ""),
        ({"agents.yaml": "1"}, {"agents.yaml": "1"}, ""),
        ({"agents.yaml": "1", "task 'plan'": "1"}, {"agents.yaml": "2", "task 'plan'": "2"},
         "agents.yaml changed; task 'plan' changed"),
        ({"a": "1"}, {"b": "1"}, "b is new; a is gone"),
        ({"a": "1", "b": "1"}, {"b": "2", "c": "1"}, "b changed; c is new; a is gone"),
    ],
)  # fmt: skip
def test_a_difference_is_told(before: dict[str, str], now: dict[str, str], told: str) -> None:
    assert difference(before, now) == told
    assert (version(before) == version(now)) is (not told)


def test_the_order_makes_no_version() -> None:
    assert version({"a": "1", "b": "2"}) == version({"b": "2", "a": "1"})


def crew(goal: str = "g", description: str = "d") -> Crew:
    writer = Agent(role="Writer", goal=goal, backstory="b", llm="openai/gpt-4o-mini")
    twin = Agent(role="Writer", goal="other", backstory="b", llm="openai/gpt-4o-mini")
    tasks = [Task(name=name, description=description, expected_output="x", agent=writer) for name in ("plan", "write")]
    return Crew(agents=[writer, twin], tasks=tasks)


def test_texts_are_told_apart_by_agent_and_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    assert difference(texts(crew()), texts(crew())) == ""
    assert difference(texts(crew()), texts(crew(goal="h"))) == "agent 'Writer' changed"
    assert difference(texts(crew()), texts(crew(description="e"))) == "task 'plan' changed; task 'write' changed"


def test_files_are_named_as_in_their_project(tmp_path: Path) -> None:
    inside, outside = tmp_path / "src" / "crew.py", tmp_path / "other.py"
    inside.parent.mkdir()
    inside.write_bytes(b"x = 1\n")
    outside.write_bytes(b"x = 1\n")
    parts = manifest([inside, outside], inside.parent, Registration(), None)
    assert list(parts) == ["other.py", "crew.py", "its settings for Quarterdeck"]
    inside.write_bytes(b"x = 1\r\n")
    assert manifest([inside, outside], inside.parent, Registration(), None) == parts
    shown = Registration(title="x", description="y", concurrency=3, timeout=1)
    assert manifest([inside, outside], inside.parent, shown, None) == parts
    assert difference(parts, manifest([inside, outside], inside.parent, Registration(approve=("pay",)), None)) == (
        "its settings for Quarterdeck changed"
    )


def test_a_projects_own_modules_are_found_without_running_them(tmp_path: Path) -> None:
    for path, code in {
        "src/shop/__init__.py": "",
        "src/shop/crew.py": "import os, json\nfrom . import tools\nfrom .words import *\ndef f():\n    import late",
        "src/shop/tools/__init__.py": "from ..words import hello\nfrom shop.tools.pay import Pay",
        "src/shop/tools/pay.py": "raise RuntimeError",
        "src/shop/words.py": "def (",
        "src/shop/unused.py": "",
        "late.py": "import shop.crew",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(code)
    found = own_modules(["shop.crew"], [tmp_path / "src", tmp_path])
    assert list(found) == ["late", "shop", "shop.crew", "shop.tools", "shop.tools.pay", "shop.words"]
    assert found["shop"] == tmp_path / "src" / "shop" / "__init__.py"
    assert own_modules(["nothing", ""], [tmp_path]) == {}
