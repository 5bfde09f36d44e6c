"""Projects that are edited: they get another version, and what waits goes on only after a person has said so."""

from pathlib import Path

import pytest

from server.runnable import Suspended
from tests.support.crews import CREWAI_WARNINGS
from tests.support.journal import Execution, FakeJournal
from tests.support.loaded import described, load_from, runnable
from tests.support.openai_server import OpenAIServer
from tests.support.samples import replace, sample

pytestmark = [pytest.mark.filterwarnings(warning) for warning in CREWAI_WARNINGS]


def test_the_version_is_of_the_code_and_the_texts(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    versions = [described(load_from(root)["postcards"]).version]
    replace(root / "pyproject.toml", 'title = "Postcards"', 'title = "Cards"')
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "tools" / "shout.py", "upper", "lower")
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "agents" / "writer.jsonc", "You travel a lot.", "You stay at home.")
    versions.append(described(load_from(root)["postcards"]).version)
    replace(root / "pyproject.toml", '"shout"', '"whisper"')
    versions.append(described(load_from(root)["postcards"]).version)
    assert versions[0] == versions[1], "a title is no part of what runs"
    assert len(set(versions)) == 4
    assert None not in versions


@pytest.mark.parametrize("again", [True, False], ids=["a worker that starts", "a worker that lives"])
async def test_a_crew_that_was_edited_asks_before_it_goes_on(project: Path, server: OpenAIServer, again: bool) -> None:
    root = sample("json_crew", project)
    found = runnable(load_from(root))
    execution, inputs = Execution(), {"friend": "Ada"}
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    replace(root / "crew.jsonc", "Write it", "Write it soon")
    replace(root / "tools" / "shout.py", "upper", "lower")
    found = runnable(load_from(root)) if again else found
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    (asked,) = [question for question in execution.open if question.name == "new-version"]
    assert asked.draft.text == "crew.jsonc changed; tools/shout.py changed; task 'writing' changed"
    execution.decide("new-version", "retry")
    execution.decide("plan", "approve")
    outcome = await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution))
    assert [done.task for done in outcome.tasks] == ["planning", "writing"]
    assert len(server.prompts("Write it soon to Ada.")) == 1


async def test_an_edited_crew_is_the_version_of_what_begins_then(project: Path, server: OpenAIServer) -> None:
    root = sample("json_crew", project)
    found = runnable(load_from(root))
    replace(root / "crew.jsonc", '"name": "writing"', '"name": "posting"')
    execution, inputs = Execution(), {"friend": "Ada"}
    with pytest.raises(Suspended):
        await found.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution, parked=True))
    again = runnable(load_from(root))
    execution.decide("plan", "approve")
    outcome = await again.run(FakeJournal(inputs=inputs, checkpoints=["plan"], of=execution))
    assert [done.task for done in outcome.tasks] == ["planning", "posting"]
