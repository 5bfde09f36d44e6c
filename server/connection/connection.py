"""One client: its commands in order, its watches, and how it ends."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

import anyio
import structlog
from starlette.types import Message, Receive
from structlog.contextvars import bind_contextvars

from protocol.commands import AnyCommand, Auth, Ping, Pong, Start, Unwatch, View, Watch
from protocol.errors import CloseCode, ErrorCode, Refused
from protocol.frames import MAX_FRAME, Reply, decode_command, encode, error_frame, timestamp
from protocol.ids import ConnectionId, ExecutionId
from protocol.objects import Checkpoint, State
from protocol.replies import Inbox, ServerTime, Watched
from server.auth import Principal, Session
from server.auth.doorman import Doorman
from server.connection.heartbeat import Heartbeat
from server.connection.identity import Admit, Identity
from server.connection.policy import Policy, Rate
from server.hub import Hub, InboxWatch
from server.hub import Watch as Watching
from server.outlet import Outlet, goodbye

log = structlog.get_logger("server.connection")
#: How long a peer may take to answer a close, in seconds; a peer that is too slow or silent gets less.
GRACE = 5.0
SHORT_GRACE = 1.0


class Watchable(Protocol):
    """What a principal may see of an execution before its events."""

    @property
    def state(self) -> State:
        """Where the execution is."""

    @property
    def checkpoints(self) -> Sequence[Checkpoint]:
        """Its open checkpoints."""


class Dispatch(Protocol):
    """What carries out commands."""

    async def handle(self, command: AnyCommand, principal: Principal) -> Any:
        """Carry out a command and return the reply's data, or raise `Refused`."""

    async def permit(self, command: AnyCommand, principal: Principal) -> None:
        """Count a command, and raise `Refused` for one too many, or one that the principal's roles do not allow."""

    async def watchable(self, execution: ExecutionId, principal: Principal) -> Watchable:
        """Read what a watcher is told at first, or raise `Refused` when there is nothing that it may watch."""

    async def look(self, command: View, principal: Principal, connection: ConnectionId) -> None:
        """Note that a connection looks at a checkpoint, or does no longer, or raise `Refused`."""

    def leave(self, connection: ConnectionId) -> None:
        """Note that a connection has ended."""


class Connection:
    """Serve one client. Commands are carried out one after the other, in the connection's own task."""

    __slots__ = (
        "__weakref__", "_binary", "_dispatch", "_ended", "_heartbeat", "_hub", "_inbox", "_loop", "_policy", "_rate",
        "_unanswered", "_watches", "ident", "identity", "outlet",
    )  # fmt: skip

    def __init__(
        self, ident: ConnectionId, outlet: Outlet, session: Session | None, *, binary: bool, hub: Hub,
        dispatch: Dispatch, policy: Policy, doorman: Doorman, admit: Admit | None = None,
    ) -> None:  # fmt: skip
        self.ident = ident
        self.outlet = outlet
        self._binary = binary
        self._hub = hub
        self._dispatch = dispatch
        self._policy = policy
        self._loop = asyncio.get_running_loop()
        self._rate = Rate(policy.commands_per_10s, self._loop.time())
        self._watches: dict[ExecutionId, Watching] = {}
        self._inbox: InboxWatch | None = None
        self._ended = False
        #: The `id` of the command at work, until it has its one reply or error.
        self._unanswered: int | str | None = None
        self._heartbeat = Heartbeat(outlet, policy, self._silent)
        self.identity = Identity(doorman, session, policy.auth_limit, self._expire, admit)
        outlet.on_slow = self._slow

    async def serve(self, receive: Receive) -> None:
        """Take commands until the client or the server ends the connection."""
        bind_contextvars(connection=self.ident)
        if self.identity.session is not None:
            bind_contextvars(principal=self.identity.principal.id)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                self.outlet.heard = self._loop.time()
                self._heartbeat.busy = True
                await self._take(message)
                self._heartbeat.busy = False
        finally:
            self._leave()

    def end(self, code: CloseCode, *, after: float = 0.0, grace: float = GRACE) -> None:
        """Say `bye`, and close. `after`: how many seconds the client should stay away."""
        if self._ended:
            return
        self._ended = True
        bye = self.outlet.encoding.one(goodbye(code, after=after))
        self.outlet.end(code, code.slug, bye, grace)

    def _slow(self) -> None:
        log.info("connection.slow", connection=self.ident)  # told from another task, with another context
        self.end(CloseCode.SLOW_CONSUMER, after=1.0, grace=SHORT_GRACE)

    def _expire(self, code: CloseCode) -> None:
        self.end(code, grace=SHORT_GRACE)

    def _silent(self) -> None:
        self.end(CloseCode.HEARTBEAT_LOST, grace=SHORT_GRACE)

    def _leave(self) -> None:
        self._heartbeat.stop()
        self.identity.stop()
        self.outlet.on_slow = None
        self._leave_watches()
        self._dispatch.leave(self.ident)

    # Commands

    async def _take(self, message: Message) -> None:
        if self._ended:  # what was sent before the client saw it is nobody's command any more
            return
        text, data = message.get("text"), message.get("bytes")
        if (text is None) is not self._binary:
            self.end(CloseCode.UNSUPPORTED_DATA)
            return
        content = data if text is None else text
        if content is None or len(content) > MAX_FRAME:
            self.end(CloseCode.MESSAGE_TOO_BIG)
            return
        try:
            command = decode_command(content, binary=self._binary)
        except Refused as refused:
            self._refuse(refused)
            return
        if not isinstance(command, Pong):
            await self._answer(command)

    async def _answer(self, command: AnyCommand) -> None:
        self._unanswered = command.id
        try:
            self._throttle()
            with anyio.fail_after(self._policy.command_limit):
                await self._carry_out(command)
        except Refused as refused:
            self._refuse(refused)
        except TimeoutError:
            slow = Refused(ErrorCode.UNAVAILABLE, "The command took too long.", retry_after=1.0)
            self._refuse(slow)
        except Exception:
            log.exception("command.failed", command=command.__struct_config__.tag)
            self._refuse(Refused(ErrorCode.INTERNAL, "The server failed; its log says why."))

    async def _carry_out(self, command: AnyCommand) -> None:
        if isinstance(command, Auth):
            await self._introduce(command)
            return
        principal = self.identity.principal
        match command:
            case Ping():
                self._reply(ServerTime(server_time=timestamp(time.time())))
            case Watch():
                await self._watch(command, principal)
            case Unwatch():
                self._unwatch(command)
            case View():
                await self._dispatch.look(command, principal, self.ident)
                self._reply({})
            case Start() if command.watch:
                await self._start(command, principal)
            case _:
                self._reply(await self._dispatch.handle(command, principal))

    async def _introduce(self, command: Auth) -> None:
        try:
            introduced = await self.identity.introduce(command)
        except Refused as refused:
            if refused.code is not ErrorCode.RATE_LIMITED or self.identity.session is not None:
                raise
            self.end(CloseCode.RATE_LIMITED, after=refused.retry_after or 1.0)
            return
        bind_contextvars(principal=introduced.principal.id)
        if not introduced.roles:  # a newer token may say less than the one before
            self._leave_watches()
            self._dispatch.leave(self.ident)
        self._reply(introduced)

    async def _start(self, command: Start, principal: Principal) -> None:
        self._check_quota()
        data = await self._dispatch.handle(command, principal)
        self._reply(data)
        execution = data["execution"] if isinstance(data, dict) else data.execution
        watch, found = await self._hub.watch(principal.tenant, execution, self.outlet, "start")
        self._add(execution, watch)
        watch.begin(found)

    async def _watch(self, command: Watch, principal: Principal) -> None:
        if (command.execution is None) is not command.inbox:
            raise Refused(ErrorCode.BAD_FIELD, "Name either an `execution` or `inbox: true`.")
        await self._dispatch.permit(command, principal)
        if command.execution is None:
            await self._watch_inbox(principal)
            return
        execution = command.execution
        self._remove(execution)
        self._check_quota()
        watch, found = await self._hub.watch(principal.tenant, execution, self.outlet, command.after)
        self._add(execution, watch)
        try:
            seen = await self._dispatch.watchable(execution, principal)
        except BaseException:
            self._remove(execution)
            raise
        page, start = found
        self._reply(Watched(
            recovered=start.recovered, epoch=page.epoch, first=page.first, last=page.last, state=seen.state,
            checkpoints=seen.checkpoints,
        ))  # fmt: skip
        watch.begin(found)

    async def _watch_inbox(self, principal: Principal) -> None:
        self._leave_inbox()
        self._inbox = await self._hub.watch_inbox(principal.tenant, self.outlet)
        self._reply(Inbox(checkpoints=self._inbox.checkpoints))
        self._inbox.begin()

    def _unwatch(self, command: Unwatch) -> None:
        if command.inbox:
            self._leave_inbox()
        if command.execution is not None:
            self._remove(command.execution)
        self._reply({})

    # Watches

    def _check_quota(self) -> None:
        if len(self._watches) >= self._policy.watches:
            raise Refused(ErrorCode.OVER_QUOTA, "This connection watches too many executions.",
                          limit=self._policy.watches)  # fmt: skip

    def _add(self, execution: ExecutionId, watch: Watching) -> None:
        self._remove(execution)
        self._watches[execution] = watch

    def _remove(self, execution: ExecutionId) -> None:
        watch = self._watches.pop(execution, None)
        if watch is not None:
            watch.close()

    def _leave_watches(self) -> None:
        for watch in self._watches.values():
            watch.close()
        self._watches.clear()
        self._leave_inbox()

    def _leave_inbox(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None

    # Answers

    def _throttle(self) -> None:
        wait = self._rate.take(self._loop.time())
        if wait:
            raise Refused(ErrorCode.RATE_LIMITED, "Too many commands.", retry_after=round(wait, 3))

    def _reply(self, data: Any) -> None:
        if self._unanswered is not None:
            self.outlet.send(encode(Reply(re=self._unanswered, data=data)))
            self._unanswered = None

    def _refuse(self, refused: Refused) -> None:
        self.outlet.send(encode(error_frame(refused, self._unanswered)))
        self._unanswered = None
