"""The inbox tells every watcher what waits for a person, and what waits no more."""

import msgspec
from redis.asyncio import Redis

from protocol.ids import CheckpointId, ExecutionId
from protocol.objects import Checkpoint, CheckpointState, Draft
from server import keys
from server.hub import InboxWatch
from server.hub.inbox import Inbox
from tests.support.edge import Edge, Memory, running_edge
from tests.support.edge_log import event_template
from tests.support.waiting import wait_until

X, Y = ExecutionId("x_1"), ExecutionId("x_2")


def checkpoint(execution: ExecutionId, name: str, version: int = 1) -> Checkpoint:
    return Checkpoint(
        id=CheckpointId(f"cp_{name}"), execution=execution, name=name, kind="task.after", state=CheckpointState.OPEN,
        version=version, title="t", description="d", draft=Draft(text="d"), facts={}, actions=[], digest="",
        opened_at="2026-11-23T08:00:00.000Z", history=[],
    )  # fmt: skip


def inbox_of(edge: Edge) -> Inbox:
    """The inbox of the one tenant."""
    return edge.hub._inboxes[keys.inbox(keys.OPEN_TENANT)]


async def opened(edge: Edge, item: Checkpoint) -> int:
    edge.log.open = [*(c for c in edge.log.open if c.id != item.id), item]
    data = msgspec.json.encode({"checkpoint": item}).decode()
    return await edge.log.append(item.execution, event_template(item.execution, "checkpoint.opened", data), inbox=True)


async def decided(edge: Edge, item: Checkpoint) -> None:
    edge.log.open = [c for c in edge.log.open if c.id != item.id]
    data = f'{{"checkpoint":"{item.id}","name":"n","version":{item.version},"action":"approve","via":"socket"}}'
    await edge.log.append(item.execution, event_template(item.execution, "checkpoint.decided", data), inbox=True)


async def cancelled(edge: Edge, execution: ExecutionId) -> None:
    edge.log.open = [c for c in edge.log.open if c.execution != execution]
    await edge.log.append(execution, event_template(execution, "execution.cancelled", "{}"), inbox=True)


async def watch(edge: Edge) -> tuple[InboxWatch, Memory]:
    outlet = Memory()
    watching = await edge.hub.watch_inbox(keys.OPEN_TENANT, outlet)
    watching.begin()
    return watching, outlet


async def cut(edge: Edge) -> None:
    """Lose the subscription; what is published until it is back is lost."""
    await edge.redis.client_kill_filter(_type="pubsub")


def told(outlet: Memory) -> list[tuple[str, str]]:
    """Kinds of events, each with the checkpoint that it is about."""
    return [(f["type"], _subject(f)) for f in outlet.frames]


def _subject(frame: dict[str, dict[str, object]]) -> str:
    subject = frame["data"].get("checkpoint")
    return str(subject["id"] if isinstance(subject, dict) else subject)


async def test_gives_what_is_open_and_then_events_of_every_execution(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        a, b = checkpoint(X, "a"), checkpoint(Y, "b")
        await opened(edge, a)
        watching, outlet = await watch(edge)
        assert watching.checkpoints == [a]
        await opened(edge, b)
        await decided(edge, a)
        await wait_until(lambda: len(outlet.wires) == 2, description="both events")
        assert told(outlet) == [("checkpoint.opened", "cp_b"), ("checkpoint.decided", "cp_a")]


async def test_what_happens_while_the_list_is_read_is_sent_after_it(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        a = checkpoint(X, "a")
        plain = edge.log.inbox

        async def slow() -> list[Checkpoint]:
            found = await plain()
            assert await opened(edge, a) == 0, "only the inbox hears of it"
            await wait_until(lambda: bool(inbox_of(edge).joining[0]._waiting), description="the event")
            return found

        edge.log.inbox = slow  # type: ignore[method-assign]
        watching, outlet = await watch(edge)
        assert watching.checkpoints == []
        assert told(outlet) == [("checkpoint.opened", "cp_a")]


async def test_what_was_lost_is_found_after_an_outage(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        gone, ended, revised, kept, new = (
            checkpoint(X, "gone"), checkpoint(Y, "ended"), checkpoint(X, "revised"), checkpoint(X, "kept"),
            checkpoint(ExecutionId("x_3"), "new"),
        )  # fmt: skip
        for item in (gone, ended, revised, kept):
            await opened(edge, item)
        _, outlet = await watch(edge)
        await cut(edge)
        await decided(edge, gone)
        await cancelled(edge, Y)
        await opened(edge, checkpoint(X, "revised", version=2))
        await opened(edge, new)
        last = {"cp_gone": "checkpoint.decided", "cp_revised": "checkpoint.opened", "cp_new": "checkpoint.opened"}
        await wait_until(lambda: last.items() <= dict(_last(outlet)).items(), description="all differences")
        await wait_until(lambda: ("execution.cancelled", "None") in told(outlet), description="the end of an execution")
        assert "cp_kept" not in {subject for _, subject in told(outlet)}
        versions = [f["data"]["checkpoint"]["version"] for f in outlet.frames if _subject(f) == "cp_revised"]
        assert versions[-1] == 2
        assert inbox_of(edge).known.keys() == {"cp_revised", "cp_kept", "cp_new"}


def _last(outlet: Memory) -> list[tuple[str, str]]:
    return [(subject, kind) for kind, subject in told(outlet)]


async def test_an_outage_without_differences_sends_nothing(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await opened(edge, checkpoint(X, "a"))
        _, outlet = await watch(edge)
        await cut(edge)
        await wait_until(lambda: edge.hub.repairs == 1, description="the comparison")
        assert outlet.wires == []


async def test_an_execution_without_a_log_is_reported_gone(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        await opened(edge, checkpoint(X, "a"))
        _, outlet = await watch(edge)
        edge.log.open = []
        await edge.log.forget(X)
        await cut(edge)
        await wait_until(lambda: bool(outlet.wires), description="the report")
        assert outlet.frames[0]["code"] == "not_found"
        assert outlet.frames[0]["detail"] == {"execution": X}
        assert not inbox_of(edge).known


async def test_a_closed_watch_hears_nothing(redis: Redis) -> None:
    async with running_edge(redis) as edge:
        watching, outlet = await watch(edge)
        watching.close()
        watching.close()
        await wait_until(lambda: _nobody(edge), description="the subscription ended")
        assert outlet.wires == []


async def _nobody(edge: Edge) -> bool:
    heard: int = await edge.redis.publish(keys.inbox(keys.OPEN_TENANT), b"1 e1\n{}")
    return heard == 0
