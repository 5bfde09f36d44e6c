"""One run of a tool: approved where that is asked for, marked before it starts, recorded when it has ended."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from crewai.tools.tool_failure import ToolFailure
from pydantic import BaseModel

from protocol.events import Data, ToolCompleted, ToolFailed, ToolStarted
from server.crews.calls.approval import Denied, approve
from server.crews.calls.codec import Encoded, Ran, Unwritable, decode, encode, read_ran, to_bytes
from server.crews.calls.models import take_within
from server.crews.calls.recovery import recover
from server.crews.calls.told import arguments_of, cut
from server.crews.calls.toolname import ToolName
from server.crews.calls.ways import Way
from server.crews.faults import masked, readable
from server.crews.run import INSIDE_TOOL, TASK, Run
from server.crews.scopes import scope
from server.runnable import Suspended

log = structlog.get_logger()

#: Runs the tool with these arguments.
Body = Callable[[Mapping[str, Any]], Awaitable[Any]]


class ToolError(Exception):
    """Raised again on a later attempt for what a tool raised; its text is in the prompts that follow."""


@dataclass(eq=False)
class ToolCall:
    """One run of a tool. `step` names it, the same on every attempt; it is what watchers know the call by, too.

    `claim` counts a run that an earlier attempt made against the tool's limit (`max_usage_count`), as running it does.
    """

    run: Run
    through: Way
    step: str
    name: ToolName
    arguments: Mapping[str, Any]
    model: type[BaseModel] | None
    agent: str | None
    claim: Callable[[], object]
    began: float = field(default_factory=time.monotonic)

    @property
    def tool(self) -> str:
        """The tool's name as people are shown it."""
        return self.name.shown

    async def once(self, body: Body) -> Any:
        """Give what an earlier attempt recorded, or run the tool and record what it gives."""
        if (stored := self.run.journal.recall(self.step)) is not None:
            return self._again(read_ran(stored))
        unfinished = self._unfinished()
        if unfinished and not self.run.registration.is_idempotent(*self.name.all):
            answer = await recover(self.through, self.step, self.tool, self.arguments, unfinished)
            if answer.action == "edit":
                return await self._take(answer.output or "")
        elif self.run.registration.needs_approval(*self.name.all) and not unfinished:
            permission = await approve(self.run, self.through, self.step, self.tool, self.arguments, self.model)
            if isinstance(permission, Denied):
                return await self._take(permission.reason)
            self.arguments = permission.arguments
        return await self._run(body)

    def _again(self, ran: Ran) -> Any:
        take_within(self.run, self.step)
        if not ran.said:
            self.claim()
        if ran.error is not None:
            raise ToolError(ran.error)
        return decode(ran.result) if ran.result is not None else None

    def _unfinished(self) -> int:
        """Give the attempt that started the tool and did not come to its end; 0 when there is none."""
        started = int(self.run.journal.recall(f"{self.step}/started") or 0)
        left = int(self.run.journal.recall(f"{self.step}/left") or 0)
        return 0 if started == left else started

    async def _take(self, text: str) -> str:
        """Record a person's word in the place of a result."""
        await self._mark()
        await self._end(Ran(result=Encoded("plain", text), said=True), text, failed=False)
        return text

    async def _run(self, body: Body) -> Any:
        self.run.check(safe=not INSIDE_TOOL.get())
        await self._mark()
        inside = INSIDE_TOOL.set(True)
        try:
            with self.run.calling(safe=False), scope(self.step):
                result = await body(self.arguments)
        except Suspended:
            await self._leave()
            raise
        except Exception as error:
            await self._end(Ran(error=str(error) or type(error).__name__), masked(readable(error)), failed=True)
            raise
        finally:
            INSIDE_TOOL.reset(inside)
        await self._end(Ran(result=self._encoded(result)), str(result), failed=isinstance(result, ToolFailure))
        return result

    def _encoded(self, result: Any) -> Encoded:
        try:
            return encode(result)
        except Unwritable:  # an agent is told nothing but the text of it anyway
            return Encoded("plain", str(result))

    async def _mark(self) -> None:
        """Tell that the tool starts; this is durable before it does. Told once, however often it is started."""
        mine = TASK.get()
        if mine:
            mine.count_tool(self.tool)
        step, attempt = f"{self.step}/started", str(self.run.journal.attempt).encode()
        event: Data | None = None
        if self.run.journal.recall(step) is None:
            event = ToolStarted(
                call=self.step, tool=self.tool, arguments=arguments_of(dict(self.arguments)),
                task=mine.name if mine else None, agent=self.agent,
            )  # fmt: skip
        await self.through.record(step, attempt, event=event)

    async def _leave(self) -> None:
        """Mark that the tool was unwound, because somebody is asked inside it: that is no crash."""
        try:
            await self.through.record(f"{self.step}/left", str(self.run.journal.attempt).encode())
        except Suspended:
            log.info("tool left unmarked", execution=self.run.journal.execution, tool=self.tool)

    async def _end(self, ran: Ran, text: str, *, failed: bool) -> None:
        result, truncated = cut(text)
        kind = ToolFailed if failed else ToolCompleted
        event = kind(
            call=self.step, tool=self.tool, result=result, truncated=truncated,
            seconds=round(time.monotonic() - self.began, 3),
        )  # fmt: skip
        await self.through.record(self.step, to_bytes(ran), event=event)
