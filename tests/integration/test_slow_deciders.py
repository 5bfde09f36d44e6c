"""Who is slower is told who was faster, also when the execution ends between two reads of one command."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from protocol.commands import AnyCommand, Comment, Decide, Extend
from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint, State
from server.store import Store
from tests.support.scripted import DIMAS, RARA, World


def decide(at: Checkpoint) -> AnyCommand:
    return Decide(execution=at.execution, checkpoint=at.id, action="approve")


def comment(at: Checkpoint) -> AnyCommand:
    return Comment(execution=at.execution, checkpoint=at.id, text="Hm.")


def extend(at: Checkpoint) -> AnyCommand:
    return Extend(execution=at.execution, checkpoint=at.id, seconds=60)


def after_its_first_read(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[Any]]) -> None:
    """Let something happen once, when the next command has read one thing and not yet the next."""
    waiting = [happens]

    def slowed(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def slow(*args: Any) -> Any:
            found = await read(*args)
            if waiting:
                await waiting.pop()()
            return found

        return slow

    for name in ("holder", "checkpoint"):
        monkeypatch.setattr(Store, name, slowed(getattr(Store, name)))


@pytest.mark.parametrize("command", [decide, comment, extend])
async def test_the_end_comes_between_two_reads(
    world: World, monkeypatch: pytest.MonkeyPatch, command: Callable[[Checkpoint], AnyCommand]
) -> None:
    async with world.worker() as worker:
        execution = await world.start()
        await worker.advance(world.store.member(execution))
        asked = await world.opened(execution)

        async def stop() -> None:
            await world.decide(asked, "stop", by=RARA)
            await world.state(execution, State.STOPPED)

        after_its_first_read(monkeypatch, stop)
        with pytest.raises(Refused) as refused:
            await world.dispatch.handle(command(asked), DIMAS)
    assert refused.value.code is ErrorCode.ALREADY_DECIDED
    assert refused.value.detail["by"] == RARA.actor
    assert refused.value.detail["action"] == "stop"
