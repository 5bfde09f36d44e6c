"""What tasks write: once, on the accepted text, each execution for itself; and what anybody may download of it."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from pydantic import BaseModel

from protocol.events import TaskCompleted
from protocol.ids import ExecutionId
from server.app.sweep import Sweep
from server.files import Files
from server.runnable import CrewFailed, Suspended
from server.store import Store
from server.store.client import connect
from tests.support.client import Client
from tests.support.crews import Crew, adapted, agent, keep_in, task
from tests.support.http import Answer, ask
from tests.support.journal import Execution, FakeJournal, Say
from tests.support.openai_server import OpenAIServer
from tests.support.stack import Stack
from tests.support.story import Storyteller, told


class Title(BaseModel):
    title: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of the test's execution come to be; the working directory is none of it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    keep_in(tmp_path / "data")
    return tmp_path / "data" / "files" / "x_test"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*")]


def link_out(folder: Path, outside: Path) -> None:
    """Let a link in the execution's folder lead out of it, as a crew's tool might make one."""
    outside.mkdir()
    folder.mkdir(parents=True)
    (folder / "plans").symlink_to(outside)


def writing(server: OpenAIServer, file: str, **settings: Any) -> Callable[[], Crew]:
    def build() -> Crew:
        writer = agent(server)
        return Crew(agents=[writer], tasks=[task("it", writer, output_file=file, **settings)])

    return build


async def run(build: Callable[[], Crew], *said: Say, **more: Any) -> FakeJournal:
    journal = FakeJournal(checkpoints=["after:it"] if said else [], answers={"after:it": list(said)}, **more)
    await adapted(build).run(journal)
    return journal


async def test_a_file_belongs_to_its_execution(server: OpenAIServer, folder: Path) -> None:
    server.reply("do it", "The plan.")
    journal = await run(writing(server, "plans/{topic}.md"), inputs={"topic": "kopi"})
    assert (folder / "plans" / "kopi.md").read_text() == "The plan."
    assert journal.events(TaskCompleted)[0].file == "plans/kopi.md"
    assert names(Path()) == []


async def test_a_file_holds_what_was_accepted(server: OpenAIServer, folder: Path) -> None:
    server.reply("do it", "One.", "Two.")
    execution, build = Execution(), writing(server, "plan.md")
    journal = FakeJournal(checkpoints=["after:it"], of=execution, parked=True)
    with pytest.raises(Suspended):
        await adapted(build).run(journal)
    execution.decide("after:it", ("revise", "More"))
    with pytest.raises(Suspended):
        await adapted(build).run(FakeJournal(checkpoints=["after:it"], of=execution, parked=True))
    assert names(folder) == []
    execution.decide("after:it", ("edit", "Mine."))
    last = FakeJournal(checkpoints=["after:it"], of=execution, parked=True)
    await adapted(build).run(last)
    assert (folder / "plan.md").read_text() == "Mine."
    assert last.events(TaskCompleted)[0].file == "plan.md"


@pytest.mark.parametrize("output", [{}, {"output_json": Title}, {"output_pydantic": Title}])
async def test_a_fork_has_the_files_of_the_work_that_it_shares(
    server: OpenAIServer, folder: Path, output: dict[str, Any]
) -> None:
    """It runs its original's journal in a folder of its own, which is empty."""
    server.reply("do it", '{"title": "Teh tarik"}')
    execution, runnable = Execution(), adapted(writing(server, "plan.md", **output))
    await runnable.run(FakeJournal(of=execution))
    first = (folder / "plan.md").read_text()
    assert "Teh tarik" in first
    shutil.rmtree(folder)
    for kept in (first, "Made better by hand."):
        await runnable.run(FakeJournal(of=execution))
        assert (folder / "plan.md").read_text() == kept
        (folder / "plan.md").write_text("Made better by hand.")
    assert len(server.requests) == 1


async def test_a_skipped_output_is_not_written(server: OpenAIServer, folder: Path) -> None:
    await run(writing(server, "plan.md"), "skip")
    assert names(folder) == []


async def test_an_absolute_path_is_the_authors_wish(server: OpenAIServer, folder: Path, tmp_path: Path) -> None:
    server.reply("do it", "The plan.")
    journal = await run(writing(server, f"{tmp_path}/{{topic}}.md"), inputs={"topic": "kopi"})
    assert (tmp_path / "kopi.md").read_text() == "The plan."
    assert journal.events(TaskCompleted)[0].file is None
    assert names(folder) == []


async def test_a_file_that_cannot_be_written_fails_the_task(server: OpenAIServer, folder: Path, tmp_path: Path) -> None:
    link_out(folder, tmp_path / "outside")
    with pytest.raises(CrewFailed, match="leads out of the execution's folder by a link"):
        await run(writing(server, "plans/kopi.md"))
    assert names(tmp_path / "outside") == []


async def test_a_missing_folder_is_made_only_where_the_author_wants_it(
    server: OpenAIServer, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(CrewFailed, match="could not be written: No such file or directory"):
        await run(writing(server, f"{tmp_path}/new/{{topic}}.md", create_directory=False), inputs={"topic": "kopi"})


async def get(stack: Stack, path: str) -> Answer:
    return await anyio.to_thread.run_sync(ask, stack.port, "GET", f"/api/v1{path}")


@pytest.fixture
async def finished(stack: Stack, client: Client, topic: str) -> ExecutionId:
    """An execution that has written its story."""
    started = await client.command("start", crew="story", inputs={"topic": topic})
    await client.end(started["execution"])
    return ExecutionId(started["execution"])


async def test_a_file_is_downloaded(
    stack: Stack, client: Client, tales: Storyteller, finished: ExecutionId, topic: str
) -> None:
    read = (await get(stack, f"/executions/{finished}")).json
    assert [done.get("file") for done in read["execution"]["tasks"]] == [None, None, "stories/story.md"]
    answer = await get(stack, f"/executions/{finished}/files/stories/story.md")
    assert (answer.status, answer.text) == (200, told("publish", topic))
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="story.md"'
    assert (answer.headers["x-content-type-options"], answer.headers["content-security-policy"]) == (
        "nosniff", "sandbox",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["", "stories", "none.md", "../../valkey.sock", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "a%00b", "%5c.."],
)
async def test_what_is_no_file_of_it_is_not_found(stack: Stack, finished: ExecutionId, name: str) -> None:
    answer = await get(stack, f"/executions/{finished}/files/{name}")
    assert answer.status == 404
    if name:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "not_found"


async def test_files_of_an_execution_that_is_not_there(stack: Stack) -> None:
    answer = await get(stack, "/executions/x_none/files/plan.md")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_files_end_with_their_execution(stack: Stack, finished: ExecutionId) -> None:
    files = Files(stack.folder / ".quarterdeck")
    files.write("x_forgotten", "plan.md", "text")
    files.write("x_fresh", "plan.md", "text")
    for name in (finished, "x_forgotten"):
        os.utime(files.root / name, (0, 0))
    redis = connect(stack.valkey.url)
    assert await Sweep(files, Store(redis), timedelta(days=1)).sweep() == 1
    await redis.aclose()
    assert {"x_fresh", finished} <= set(names(files.root))
    assert "x_forgotten" not in names(files.root)
