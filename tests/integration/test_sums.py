"""What executions add up, in Redis: sums that no number of 64 bits holds."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from protocol.events import ExecutionQueued, ExecutionStarted, LlmCompleted
from protocol.ids import new_execution
from protocol.objects import Cost, Usage
from server.prices import written
from server.store import Store, Write

HALF = 2**62


@pytest.mark.parametrize("amounts", [[HALF, HALF, 5], [2**64, HALF, HALF - 1], [HALF, 10**30]], ids=str)
async def test_a_cost_without_an_end_breaks_no_log(redis: Redis, amounts: list[int]) -> None:
    store = Store(redis, retention=timedelta(minutes=1))
    execution = new_execution()
    queued = ExecutionQueued(crew="c", title="t", inputs={}, checkpoints=[], tasks=[])
    await store.commit(execution, Write(data=queued))
    await store.commit(execution, Write(data=ExecutionStarted(worker="w", attempt=1), fence=1, owner="w"))
    counted, total = 0, 0
    for amount in amounts:
        usage = Usage(total_tokens=3, calls=1, cost=Cost(amount=written(amount), currency="USD"))
        await store.commit(execution, Write(data=LlmCompleted(call="c", stream="c", model="m", usage=usage), fence=1))
        if total + amount < 2**63:
            counted, total = counted + 1, total + amount
    page = await store.page(execution, 0, 10)
    assert page
    assert [offset for offset, _ in page.frames] == [*range(1, len(amounts) + 3)]
    view = await store.view(execution)
    assert view
    shown = view[0].usage
    assert shown.calls == len(amounts)
    assert shown.cost == Cost(amount=written(total), currency="USD", unpriced=len(amounts) - counted)
