"""The Python client against a real installation: everything once and in order, whatever happens to its connection."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from protocol.client import AsyncClient, Client, CommandError, Disconnected
from protocol.client import watch as watching
from protocol.client.watch import Watch
from protocol.errors import ErrorCode
from protocol.events import CheckpointOpened, Event, ExecutionCompleted
from protocol.frames import Delta, Presence
from protocol.objects import Checkpoint, State
from tests.support.stack import Stack, installed
from tests.support.story import Storyteller, told
from tests.support.waiting import wait_until


def address(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.port}"


async def question(watch: Watch) -> Checkpoint:
    """Read until a checkpoint opens."""
    async for frame in watch:
        if isinstance(frame, Event) and isinstance(frame.data, CheckpointOpened):
            return frame.data.checkpoint
    raise AssertionError("nothing was asked")


async def rest(watch: Watch) -> list[Event]:
    return [frame async for frame in watch if isinstance(frame, Event)]


async def test_a_run_from_start_to_end(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        assert "story" in [crew.name for crew in await client.crews()]
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"], title="A tale")
        async with client.watch(started.execution) as watch:
            draft = await question(watch)
            assert [c.id for c in (await client.checkpoints()).items if c.execution == started.execution] == [draft.id]
            changed = await client.decide(draft, "edit", output="Mine.")
            assert changed.state is State.RUNNING
            events = await rest(watch)
        end = events[-1].data
        assert isinstance(end, ExecutionCompleted)
        assert end.output == told("publish", topic)
        read = await client.get(started.execution)
        assert (read.execution.state, read.execution.tasks[0].output) == (State.COMPLETED, "Mine.")
        assert [c.history[-1].action for c in read.checkpoints] == ["edit"]
        assert started.execution in [one.id for one in (await client.executions(crew="story")).items]


async def test_conversations_are_listed_and_lead_to_their_executions(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        made = [
            (await client.start("story", {"topic": topic}, title=title, conversation=topic)).execution
            for title in ("First", "Second")
        ]
        page = await client.conversations(limit=1)
        (talk,) = page.items
        assert (talk.id, talk.title, talk.executions, talk.latest) == (topic, "First", 2, made[-1])
        found = (await client.executions(conversation=topic)).items
        assert [execution.id for execution in found] == made[::-1]
    with Client(address(stack)) as plain:
        assert plain.conversations(limit=1).items[0].id == topic


async def test_the_same_key_starts_and_decides_once(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        first = await client.start("story", {"topic": topic}, checkpoints=["agree"], key=topic)
        again = await client.start("story", {"topic": topic}, checkpoints=["agree"], key=topic)
        assert (again.execution, again.duplicate) == (first.execution, True)
        async with client.watch(first.execution) as watch:
            draft = await question(watch)
        one = await client.decide(draft, "approve", key="k")
        other = await client.decide(draft, "approve", key="k")
        assert (other.offset, other.duplicate) == (one.offset, True)
        with pytest.raises(CommandError) as refused:
            await client.decide(draft, "stop")
        assert refused.value.code is ErrorCode.ALREADY_DECIDED
        assert refused.value.detail["action"] == "approve"


async def test_the_socket_is_cut_at_every_event(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])
        seen: list[Event] = []
        async with client.watch(started.execution) as watch:
            async for frame in watch:
                cut(client)
                if isinstance(frame, Event):
                    seen.append(frame)
                    if isinstance(frame.data, CheckpointOpened):
                        await client.decide(frame.data.checkpoint, "approve")
        assert [event.offset for event in seen] == list(range(1, len(seen) + 1))
        async with client.watch(started.execution) as watch:
            assert await rest(watch) == seen


def cut(client: AsyncClient) -> None:
    """Lose the connection without a word."""
    if client._link._socket is not None:
        client._link._socket.transport.abort()


async def test_a_reader_that_cannot_keep_up_loses_nothing(
    stack: Stack, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    async with AsyncClient(address(stack)) as client:
        started = await client.start("story", {"topic": topic})
        async with client.watch(started.execution) as slow, client.watch(started.execution) as other:
            await anyio.lowlevel.checkpoint()
            async for _ in other:
                pass
            offsets = [frame.offset async for frame in slow if isinstance(frame, Event)]
        assert offsets == list(range(1, (await client.get(started.execution)).execution.offset + 1))


async def test_who_watches_from_now_hears_what_comes(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])
        async with client.watch(started.execution) as watch:
            draft = await question(watch)
        async with client.watch(started.execution, after="now") as late:
            await client.decide(draft, "approve")
            events = await rest(late)
        assert "checkpoint.decided" in [event.data.type for event in events]
        assert events[0].offset > 1


async def test_who_watches_from_now_misses_nothing_while_the_connection_is_lost(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client, AsyncClient(address(stack)) as other:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])
        async with other.watch(started.execution) as watch:
            draft = await question(watch)
        last = (await other.get(started.execution)).execution.offset
        async with client.watch(started.execution, after="now") as late:
            await wait_until(lambda: late.after != "now", description="it has its place")
            cut(client)
            await other.decide(draft, "approve")
            offsets = [event.offset for event in await rest(late)]
        assert offsets == list(range(last + 1, last + 1 + len(offsets)))


async def test_what_cannot_be_watched_is_told(stack: Stack) -> None:
    async with AsyncClient(address(stack)) as client, client.watch("x_00000000000000000000000000") as watch:
        with pytest.raises(CommandError) as refused:
            await anext(watch)
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_the_inbox_is_told_after_each_change(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client, client.inbox() as inbox:

        async def until(*executions: str) -> list[Checkpoint]:
            async for waiting in inbox:
                mine = [one for one in waiting if one.execution in ours]
                if {one.execution for one in mine} == set(executions):
                    return mine
            raise AssertionError

        begun = [await client.start("story", {"topic": f"{topic}{n}"}, checkpoints=["agree"]) for n in range(2)]
        ours = [one.execution for one in begun]
        with anyio.fail_after(20):
            first, second = await until(*ours)
            assert first.opened_at <= second.opened_at
            await client.decide(first, "approve")
            await until(second.execution)
            await client.cancel(second.execution, "enough")
            await until()


async def test_people_see_who_else_looks(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as hers, AsyncClient(address(stack)) as his:
        started = await hers.start("story", {"topic": topic}, checkpoints=["agree"])
        async with hers.watch(started.execution) as watch:
            draft = await question(watch)
            await his.view(draft, "viewing")
            before = await there(watch, "viewing")
            cut(his)
            while await there(watch, "viewing") == before:
                continue
            await his.view(draft, "editing")
            assert await there(watch, "editing") != before
            await his.view(draft, None)
            assert await there(watch) == []


async def there(watch: Watch, *doing: str) -> list[str]:
    """Read until just these are there, by what they do; give their connections."""
    async for frame in watch:
        if isinstance(frame, Presence) and [viewer.state for viewer in frame.viewers] == list(doing):
            return [viewer.id for viewer in frame.viewers]
    raise AssertionError(f"it is over, and {doing} were not there")


async def test_a_conversation_goes_on(stack: Stack, topic: str) -> None:
    async with AsyncClient(address(stack)) as client:
        first = await client.start("story", {"topic": f"{topic} first"}, conversation=f"cv_{topic}")
        said = await client.say(f"cv_{topic}", topic)
        async with client.watch(said.execution) as watch:
            await rest(watch)
        read = await client.get(said.execution)
        assert (read.execution.conversation, read.execution.inputs) == (f"cv_{topic}", {"topic": topic})
        assert first.execution != said.execution


async def test_one_who_is_sent_away_is_told_so(stack: Stack) -> None:
    async with AsyncClient(f"{address(stack)}/nowhere") as client:
        with pytest.raises(Disconnected, match="answers the handshake with"):
            await client.crews()
        with pytest.raises(Disconnected):
            await client.start("story")


async def test_a_server_that_is_not_there_is_waited_for_and_not_for_ever(short_path: Path) -> None:
    async with AsyncClient("http://127.0.0.1:9", timeout=0.3) as client:
        with pytest.raises(TimeoutError):
            await client.crews()


async def test_what_the_block_raises_comes_out_as_it_is(stack: Stack) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with AsyncClient(address(stack)):
            raise LookupError("mine")


@pytest.fixture
def lonely(tales: Storyteller) -> Iterator[Stack]:
    with installed(tales.server.url) as stack:
        yield stack


async def test_the_server_dies_while_commands_are_on_their_way(lonely: Stack, topic: str) -> None:
    """Each is given once, by whichever connection; and what is watched goes on."""
    await lonely.mend()
    async with AsyncClient(address(lonely), timeout=60) as client:
        started = await client.start("story", {"topic": topic}, checkpoints=["agree"])
        async with client.watch(started.execution) as watch:
            draft = await question(watch)
            lonely.webs[0].stop(signal.SIGKILL)
            results: list[Any] = []

            async def decide() -> None:
                results.append(await client.decide(draft, "approve"))

            async def begin(number: int) -> None:
                results.append(await client.start("story", {"topic": f"{topic}{number}"}))

            async with anyio.create_task_group() as group:
                group.start_soon(decide)
                for number in range(5):
                    group.start_soon(begin, number)
                await lonely.mend()
            assert len(results) == 6
            end = (await rest(watch))[-1]
        assert isinstance(end.data, ExecutionCompleted)
        assert len((await client.executions(crew="story")).items) == 6


def test_without_a_loop(stack: Stack, topic: str) -> None:
    with Client(address(stack)) as client:
        started = client.start("story", {"topic": topic}, checkpoints=["agree"])
        text, ended = "", ""
        with client.watch(started.execution) as frames:
            for frame in frames:
                match frame:
                    case Delta():
                        text += frame.text
                    case Event(data=CheckpointOpened(checkpoint=checkpoint)):
                        client.decide(checkpoint, "approve")
                    case Event(data=ExecutionCompleted(output=output)):
                        ended = output
        assert ended == told("publish", topic)
        with client.inbox() as inbox:
            assert started.execution not in [one.execution for one in next(inbox)]
        with pytest.raises(CommandError):
            client.cancel(started.execution)
        assert client.get(started.execution).execution.state is State.COMPLETED
