"""The asynchronous client: one socket, many executions, commands that survive a reconnect."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import anyio
import msgspec

from protocol.client.address import socket_url
from protocol.client.beside import beside
from protocol.client.errors import Disconnected
from protocol.client.inbox import Inbox
from protocol.client.link import Link, Token
from protocol.client.pending import Unanswered
from protocol.client.watch import Watch
from protocol.client.watches import Watches
from protocol.commands import (
    Cancel,
    Command,
    Comment,
    Decide,
    Deliveries,
    Extend,
    Filter,
    Fork,
    Get,
    List,
    Pause,
    Resend,
    Resume,
    Say,
    Start,
    View,
)
from protocol.frames import Error, Reply, Synced
from protocol.ids import CheckpointId, ConversationId, ExecutionId, Position
from protocol.objects import Checkpoint, Conversation, Crew, Execution
from protocol.replies import Changed, Extended, Noted, Page, Read, Resent, Started
from protocol.webhooks import Delivery, Webhook

ReplyT = TypeVar("ReplyT")
#: A command that is not answered within this fails with `TimeoutError`, in seconds; reconnects are within it.
TIMEOUT = 30.0
#: A checkpoint as it was shown, or its execution's id and its own.
Shown = Checkpoint | tuple[str, str]


class AsyncClient:
    """Talk to the server at `url`, such as `http://127.0.0.1:8000`; `token` is asked at each connection that needs one.

    An async context manager; one task enters and leaves it. Commands raise `CommandError` when they are refused,
    `TimeoutError` when they are not answered in time, and `Disconnected` when the server has sent the client away.
    """

    def __init__(self, url: str, *, token: Token | None = None, timeout: float = TIMEOUT) -> None:
        self.url = socket_url(url)
        self.timeout = timeout
        self._token = token
        self._ids = count(1)
        self._unanswered = Unanswered()
        self._gone: Exception | None = None
        self._link = Link(self.url, token, self._heard, self._opened)
        self._watches = Watches(self._link.send)
        #: What this client looks at: each connection must say it anew.
        self._views: dict[CheckpointId, View] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._watches.group = await self._stack.enter_async_context(beside(self._run))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._fail(Disconnected("The client is closed."))
        return await self._stack.__aexit__(kind, error, traceback)

    async def _run(self) -> None:
        try:
            await self._link.run()
        except Disconnected as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._gone = error
        self._unanswered.fail_all(error)
        self._watches.fail_all(error)

    async def _opened(self) -> None:
        for command in self._unanswered.commands():
            await self._link.send(command)
        for view in self._views.values():
            await self._link.send(view)
        await self._watches.opened()

    def _heard(self, frame: Any) -> None:
        if isinstance(frame, Reply | Error):
            if not self._watches.answered(frame):
                self._unanswered.take(frame)
        elif isinstance(frame, Synced):
            self._watches.synced(frame)
        else:
            self._watches.heard(frame)

    # Executions

    async def start(
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
        """Start an execution of a crew. The same `key` starts it once, whoever sends it again within a day."""
        command = Start(
            id=next(self._ids), crew=crew, inputs=dict(inputs or {}), checkpoints=list(checkpoints), title=title,
            conversation=None if conversation is None else ConversationId(conversation), watch=False,
            webhooks=list(webhooks), key=key or new_key(),
        )  # fmt: skip
        return await self._command(command, Started)

    async def say(
        self, conversation: str, text: str, *, crew: str | None = None, key: str | None = None
    ) -> Started:  # fmt: skip
        """Go on with a conversation: its crew, or the one named, is started with the text as its input."""
        command = Say(
            id=next(self._ids), conversation=ConversationId(conversation), text=text, crew=crew, key=key or new_key()
        )
        return await self._command(command, Started)

    async def get(self, execution: str) -> Read:
        """Read one execution with its checkpoints."""
        return await self._command(Get(id=next(self._ids), execution=ExecutionId(execution)), Read)

    async def executions(
        self, *, state: str | None = None, crew: str | None = None, conversation: str | None = None,
        cursor: str | None = None, limit: int = 50,
    ) -> Page[Execution]:  # fmt: skip
        """List executions without their outputs, newest first."""
        talk = None if conversation is None else ConversationId(conversation)
        narrowed = Filter(state=state, crew=crew, conversation=talk)
        command = List(id=next(self._ids), what="executions", cursor=cursor, limit=limit, filter=narrowed)
        return await self._command(command, Page[Execution])

    async def conversations(self, *, cursor: str | None = None, limit: int = 50) -> Page[Conversation]:
        """List conversations, the one that was last spoken in first."""
        command = List(id=next(self._ids), what="conversations", cursor=cursor, limit=limit)
        return await self._command(command, Page[Conversation])

    async def checkpoints(self, *, cursor: str | None = None, limit: int = 50) -> Page[Checkpoint]:
        """List the checkpoints that wait for a person."""
        command = List(id=next(self._ids), what="checkpoints", cursor=cursor, limit=limit)
        return await self._command(command, Page[Checkpoint])

    async def crews(self) -> list[Crew]:
        """List the crews of the server."""
        return list((await self._command(List(id=next(self._ids), what="crews", limit=200), Page[Crew])).items)

    async def cancel(self, execution: str, reason: str | None = None) -> Changed:
        """End an execution, wherever it is."""
        return await self._command(Cancel(id=next(self._ids), execution=ExecutionId(execution), reason=reason), Changed)

    async def pause(self, execution: str, reason: str | None = None) -> Changed:
        """Have an execution rest from its next safe point on."""
        return await self._command(Pause(id=next(self._ids), execution=ExecutionId(execution), reason=reason), Changed)

    async def resume(self, execution: str, reason: str | None = None) -> Changed:
        """Have a paused execution go on."""
        return await self._command(Resume(id=next(self._ids), execution=ExecutionId(execution), reason=reason), Changed)

    async def deliveries(self, execution: str, *, cursor: str | None = None, limit: int = 50) -> Page[Delivery]:
        """List what webhooks were told of an execution, or are to be, oldest first."""
        command = Deliveries(id=next(self._ids), execution=ExecutionId(execution), cursor=cursor, limit=limit)
        return await self._command(command, Page[Delivery])

    async def resend(self, execution: str, delivery: str) -> Delivery:
        """Make a delivery again, now."""
        command = Resend(id=next(self._ids), execution=ExecutionId(execution), delivery=delivery)
        return (await self._command(command, Resent)).delivery

    # Checkpoints

    async def decide(self, checkpoint: Shown, action: str, *, key: str | None = None, **answer: Any) -> Changed:
        """Answer a checkpoint: `feedback`, `output`, `arguments`, `response`, as its action needs; see `Decide`.

        A checkpoint as it was shown is answered in the version that was judged: a newer draft refuses the answer.
        """
        execution, ident, shown = _named(checkpoint)
        command = Decide(
            id=next(self._ids), execution=execution, checkpoint=ident, action=action, key=key or new_key(),
            **(shown | answer),
        )  # fmt: skip
        return await self._command(command, Changed)

    async def comment(self, checkpoint: Shown, text: str, *, key: str | None = None) -> Noted:
        """Say something about an open checkpoint, without deciding it."""
        execution, ident, _ = _named(checkpoint)
        command = Comment(id=next(self._ids), execution=execution, checkpoint=ident, text=text, key=key or new_key())
        return await self._command(command, Noted)

    async def extend(self, checkpoint: Shown, seconds: float) -> Extended:
        """Move the deadline of an open checkpoint by so many seconds."""
        execution, ident, _ = _named(checkpoint)
        command = Extend(id=next(self._ids), execution=execution, checkpoint=ident, seconds=seconds)
        return await self._command(command, Extended)

    async def view(self, checkpoint: Shown, state: Literal["viewing", "editing"] | None) -> None:
        """Tell the others at an open checkpoint that one looks or writes there; None, that one does no longer.

        They see it until then, or until the client is closed. Who else is there comes as `Presence` to a `watch`.
        """
        execution, ident, _ = _named(checkpoint)
        await self._command(
            View(id=next(self._ids), execution=execution, checkpoint=ident, state=state), dict[str, object]
        )
        if state is None:
            self._views.pop(ident, None)
        else:
            self._views[ident] = View(execution=execution, checkpoint=ident, state=state)

    async def fork(self, checkpoint: Shown, action: str, *, key: str | None = None, **answer: Any) -> Started:
        """Start an execution that shares all work up to a checkpoint, and answers it like this."""
        execution, ident, shown = _named(checkpoint)
        command = Fork(
            id=next(self._ids), execution=execution, checkpoint=ident, action=action, key=key or new_key(),
            **(shown | answer),
        )  # fmt: skip
        return await self._command(command, Started)

    # Following

    @asynccontextmanager
    async def watch(
        self, execution: str, *, after: Position | Literal["start", "now"] = "start"
    ) -> AsyncIterator[Watch]:
        """Follow an execution from a position; iterate over what the context gives. It ends with the execution."""
        self._check()
        watch = await self._watches.begin(ExecutionId(execution), after)
        try:
            yield watch
        finally:
            with anyio.CancelScope(shield=True):
                await self._watches.end(watch)

    @asynccontextmanager
    async def inbox(self) -> AsyncIterator[Inbox]:
        """Follow what waits for people: iterate over the list of open checkpoints, as it is after each change."""
        inbox = Inbox(self.url, self._token)
        async with beside(inbox.run):
            yield inbox

    async def _command(self, command: Command, kind: type[ReplyT]) -> ReplyT:
        self._check()
        pending = self._unanswered.add(command)
        try:
            with anyio.fail_after(self.timeout):
                if self._link.stands:
                    await self._link.send(command)
                return msgspec.convert(await pending.result(), kind)
        finally:
            self._unanswered.drop(command)

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone


def new_key() -> str:
    """Make an idempotency key."""
    return secrets.token_urlsafe(16)


def _named(checkpoint: Shown) -> tuple[ExecutionId, CheckpointId, dict[str, Any]]:
    if isinstance(checkpoint, Checkpoint):
        return checkpoint.execution, checkpoint.id, {"version": checkpoint.version}
    execution, ident = checkpoint
    return ExecutionId(execution), CheckpointId(ident), {}
