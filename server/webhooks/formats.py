"""How a call is written: by Standard Webhooks, or as a message that Slack and those who understand it take. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from protocol.events import (
    CheckpointDecided,
    CheckpointExpired,
    CheckpointOpened,
    CheckpointWithdrawn,
    Event,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionStopped,
)
from protocol.frames import decode_event
from protocol.objects import Cost
from server import prices
from server.webhooks import platform

SLACK, LINE = "slack", "\n"
#: So much of a draft, of an output or of a note is shown in a message.
SHOWN = 400
#: What Slack reads as its own: "You'll need to replace the following characters with HTML entities" (its manual).
ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


class About(Struct, frozen=True, kw_only=True):
    """What a call tells beside the event itself: the crew, the execution's title, and where people find it."""

    crew: str
    title: str
    link: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What there is to tell. `frame`: the event as on the wire; `public`: the address of the page, without a slash.

    `meta` is passed on as the caller gave it; `arguments` are those of the tool call that the event ends; `cost` is
    that of the execution by now, for events that do not tell it.
    """

    frame: bytes
    crew: str
    title: str
    public: str
    meta: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] | None = None
    cost: Cost | UnsetType = UNSET

    @property
    def event(self) -> Event:
        """The event."""
        return decode_event(self.frame)

    @property
    def link(self) -> str:
        """Where people find the checkpoint, or the execution."""
        event = self.event
        asked = getattr(event.data, "checkpoint", None)
        ident = asked if asked is None or isinstance(asked, str) else asked.id
        return f"{self.public}/x/{event.execution}" + (f"/c/{ident}" if ident else "")


def standard(notice: Notice) -> bytes:
    """Write `{type, timestamp, data}`; `data` is the event, byte for byte, and `About`."""
    event = notice.event
    about = msgspec.json.encode(About(crew=notice.crew, title=notice.title, link=notice.link))
    head = msgspec.json.encode({"type": event.data.type, "timestamp": event.at})
    return b'%s,"data":%s,%s}' % (head[:-1], notice.frame[:-1], about[1:])


def slack(notice: Notice) -> bytes:
    """Write `{text}`, in Slack's own markup."""
    return msgspec.json.encode({"text": f"*{_plain(notice.title)}*: {_said(notice.event, notice.link, notice.cost)}"})


def _said(event: Event, link: str, cost: Cost | UnsetType) -> str:
    who = _plain(event.by.name) if event.by else "Somebody"
    match data := event.data:
        case CheckpointOpened():
            return (
                f"{_plain(data.checkpoint.title)}: a person is asked.\n{_quoted(data.checkpoint.draft.text)}"
                f"<{link}|Read and answer>"
            )
        case CheckpointDecided():
            return f"{who} answered {_plain(data.name)}: {_plain(data.action)}.\n{_quoted(data.feedback)}<{link}|Read>"
        case CheckpointExpired():
            return f"nobody answered in time: {_plain(data.outcome)}. <{link}|Read>"
        case CheckpointWithdrawn():
            return f"a question is no longer asked. <{link}|Read>"
        case ExecutionCompleted():
            return f"done.{_paid(data.usage.cost)}\n{_quoted(data.output)}<{link}|Read all of it>"
        case ExecutionFailed():
            return f"failed: {_plain(data.error.message)}{_paid(cost, LINE)} <{link}|Read>"
        case ExecutionStopped():
            return f"{who} stopped it.{_paid(cost)} <{link}|Read>"
        case ExecutionCancelled():
            return f"{who} cancelled it.{_paid(cost)} <{link}|Read>"
    return f"{event.data.type}. <{link}|Read>"


def _paid(cost: Cost | UnsetType, space: str = " ") -> str:
    return f"{space}It cost {prices.told(cost)}." if cost else ""


def _quoted(text: str | None) -> str:
    """Quote the beginning of a text, each line of it."""
    lines = _plain((text or "").strip()).splitlines()
    return "".join(f"> {line}\n" for line in lines)


def _plain(text: str) -> str:
    """Cut a text to what is shown, and take from it what Slack would read as markup of its own: `<!channel>`."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1].rstrip() + "…"
    return cut.translate(ESCAPES)


def crew_ai(write: Callable[..., dict[str, Any]]) -> Callable[[Notice], bytes]:
    """Write a call as CrewAI's platform does, with the caller's `meta`."""

    def written(notice: Notice) -> bytes:
        body = write(notice.event, notice.arguments)
        return msgspec.json.encode(body if notice.meta is None else {**body, "meta": notice.meta})

    return written


#: Each way of writing, by the name that an endpoint has it under.
FORMATS: Mapping[str, Callable[[Notice], bytes]] = {
    "standard": standard,
    SLACK: slack,
    platform.TASK: crew_ai(platform.task),
    platform.STEP: crew_ai(platform.step),
    platform.CREW: crew_ai(platform.crew),
    platform.HUMAN: crew_ai(platform.human),
}
