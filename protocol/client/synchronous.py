"""The same client for code that does not run on an event loop: each call waits for its answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Literal, Self

from anyio.from_thread import BlockingPortal, start_blocking_portal

from protocol.client.asynchronous import TIMEOUT, AsyncClient, Shown
from protocol.client.link import Token
from protocol.client.watch import Item
from protocol.ids import Position
from protocol.objects import Checkpoint, Conversation, Crew, Execution
from protocol.replies import Changed, Extended, Noted, Page, Read, Started
from protocol.webhooks import Delivery, Webhook


class Client:
    """Talk to a server; see `AsyncClient`. A context manager, to be used from one thread at a time."""

    def __init__(self, url: str, *, token: Token | None = None, timeout: float = TIMEOUT) -> None:
        self._client = AsyncClient(url, token=token, timeout=timeout)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._portal: BlockingPortal = self._stack.enter_context(start_blocking_portal())
        self._stack.enter_context(self._portal.wrap_async_context_manager(self._client))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, error, traceback)

    def start(
        self,
        crew: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        checkpoints: Sequence[str] = (),
        title: str | None = None,
        conversation: str | None = None,
        webhooks: Sequence[Webhook] = (),
        key: str | None = None,
    ) -> Started:
        """Start an execution of a crew."""
        return self._portal.call(
            lambda: self._client.start(
                crew,
                inputs,
                checkpoints=checkpoints,
                title=title,
                conversation=conversation,
                webhooks=webhooks,
                key=key,
            )
        )

    def say(self, conversation: str, text: str, *, crew: str | None = None, key: str | None = None) -> Started:
        """Go on with a conversation."""
        return self._portal.call(lambda: self._client.say(conversation, text, crew=crew, key=key))

    def view(self, checkpoint: Shown, state: Literal["viewing", "editing"] | None) -> None:
        """Tell the others at an open checkpoint that one looks or writes there, or (None) does no longer."""
        self._portal.call(self._client.view, checkpoint, state)

    def get(self, execution: str) -> Read:
        """Read one execution with its checkpoints."""
        return self._portal.call(self._client.get, execution)

    def executions(
        self, *, state: str | None = None, crew: str | None = None, conversation: str | None = None,
        cursor: str | None = None, limit: int = 50,
    ) -> Page[Execution]:  # fmt: skip
        """List executions without their outputs, newest first."""
        return self._portal.call(
            lambda: self._client.executions(
                state=state, crew=crew, conversation=conversation, cursor=cursor, limit=limit
            )
        )

    def conversations(self, *, cursor: str | None = None, limit: int = 50) -> Page[Conversation]:
        """List conversations, the one that was last spoken in first."""
        return self._portal.call(lambda: self._client.conversations(cursor=cursor, limit=limit))

    def checkpoints(self, *, cursor: str | None = None, limit: int = 50) -> Page[Checkpoint]:
        """List the checkpoints that wait for a person."""
        return self._portal.call(lambda: self._client.checkpoints(cursor=cursor, limit=limit))

    def crews(self) -> list[Crew]:
        """List the crews of the server."""
        return self._portal.call(self._client.crews)

    def cancel(self, execution: str, reason: str | None = None) -> Changed:
        """End an execution, wherever it is."""
        return self._portal.call(self._client.cancel, execution, reason)

    def deliveries(self, execution: str, *, cursor: str | None = None, limit: int = 50) -> Page[Delivery]:
        """List what webhooks were told of an execution, or are to be."""
        return self._portal.call(lambda: self._client.deliveries(execution, cursor=cursor, limit=limit))

    def resend(self, execution: str, delivery: str) -> Delivery:
        """Make a delivery again, now."""
        return self._portal.call(self._client.resend, execution, delivery)

    def pause(self, execution: str, reason: str | None = None) -> Changed:
        """Have an execution rest from its next safe point on."""
        return self._portal.call(self._client.pause, execution, reason)

    def resume(self, execution: str, reason: str | None = None) -> Changed:
        """Have a paused execution go on."""
        return self._portal.call(self._client.resume, execution, reason)

    def decide(self, checkpoint: Shown, action: str, *, key: str | None = None, **answer: Any) -> Changed:
        """Answer a checkpoint; see `AsyncClient.decide`."""
        return self._portal.call(lambda: self._client.decide(checkpoint, action, key=key, **answer))

    def comment(self, checkpoint: Shown, text: str, *, key: str | None = None) -> Noted:
        """Say something about an open checkpoint, without deciding it."""
        return self._portal.call(lambda: self._client.comment(checkpoint, text, key=key))

    def extend(self, checkpoint: Shown, seconds: float) -> Extended:
        """Move the deadline of an open checkpoint by so many seconds."""
        return self._portal.call(self._client.extend, checkpoint, seconds)

    def fork(self, checkpoint: Shown, action: str, *, key: str | None = None, **answer: Any) -> Started:
        """Start an execution that shares all work up to a checkpoint, and answers it like this."""
        return self._portal.call(lambda: self._client.fork(checkpoint, action, key=key, **answer))

    @contextmanager
    def watch(self, execution: str, *, after: Position | Literal["start", "now"] = "start") -> Iterator[Iterator[Item]]:
        """Follow an execution from a position; iterate over what the context gives."""
        with self._portal.wrap_async_context_manager(self._client.watch(execution, after=after)) as watch:
            yield self._each(watch)

    @contextmanager
    def inbox(self) -> Iterator[Iterator[list[Checkpoint]]]:
        """Follow what waits for people; see `AsyncClient.inbox`."""
        following: AbstractContextManager[Any] = self._portal.wrap_async_context_manager(self._client.inbox())
        with following as inbox:
            yield self._each(inbox)

    def _each(self, iterator: Any) -> Iterator[Any]:
        while True:
            try:
                yield self._portal.call(iterator.__anext__)
            except StopAsyncIteration:
                return
