"""Talk to a Quarterdeck server from Python: start executions, follow them, answer what they ask.

    async with AsyncClient("http://127.0.0.1:8000") as client:
        started = await client.start("content", {"user_input": "Ramadan campaign"})
        async with client.watch(started.execution) as frames:
            async for frame in frames:
                match frame:
                    case Event(data=CheckpointOpened(checkpoint=checkpoint)):
                        await client.decide(checkpoint, "approve")
                    case Event(data=ExecutionCompleted(output=output)):
                        print(output)

`Client` is the same without `async` and `await`. A lost connection comes back by itself: executions go on where they
were seen last, without a gap or a repetition, and a command that was under way is given once.
"""

from protocol.client.asynchronous import AsyncClient
from protocol.client.errors import CommandError, Disconnected, Unauthenticated
from protocol.client.synchronous import Client
from protocol.client.watch import UnknownEvent
from protocol.replies import Changed, Page, Read, Started

__all__ = [
    "AsyncClient", "Changed", "Client", "CommandError", "Disconnected", "Page", "Read", "Started", "Unauthenticated",
    "UnknownEvent",
]  # fmt: skip
