"""`say`: the next message of a conversation starts its crew again, with what the execution before was given."""

from collections.abc import Mapping
from typing import Any

from protocol.commands import Say, Start
from protocol.errors import ErrorCode, Refused
from protocol.ids import ExecutionId
from protocol.objects import Crew, Execution
from protocol.replies import Started
from server.auth import Principal
from server.dispatch.start import start, title
from server.dispatch.work import Work
from server.store.lists import Wanted

#: Inputs that hold what a person says, the surest name first. The page's `message.js` has the same.
WORDS = (
    "user_input", "message", "user_message", "prompt", "query", "question", "request", "brief", "topic", "subject",
    "input", "text", "task", "goal", "description",
)  # fmt: skip
#: Inputs that name the language of the answer.
LANGUAGES = frozenset({"language", "output_language"})


async def say(work: Work, command: Say, principal: Principal) -> Started:
    """Start the execution that answers, or say why there is none."""
    before = await _last(work, command)
    name = command.crew or (before.crew if before else None)
    if name is None:
        raise Refused(
            ErrorCode.NOT_FOUND, f"There is no conversation {command.conversation}; to begin one, name a `crew`."
        )
    crew = await work.catalogue.crew(name)
    kept = before if before is not None and before.crew == name else None
    return await start(work, _start(command, crew, kept), principal)


async def _last(work: Work, command: Say) -> Execution | None:
    """Find the conversation's last execution."""
    async for item in work.store.executions(None, Wanted(conversation=command.conversation)):
        return item.execution
    view = await work.store.view(ExecutionId(command.conversation))
    return view[0] if view else None


def _start(command: Say, crew: Crew, before: Execution | None) -> Start:
    return Start(
        crew=crew.name,
        inputs={**(before.inputs if before else {}), message_input(crew): command.text},
        checkpoints=before.checkpoints if before else [],
        conversation=command.conversation,
        title=title({"text": command.text}),
        watch=False,
        key=command.key,
    )


def message_input(crew: Crew) -> str:
    """Name the input that a message goes into: one that is called so, else the only text that must be there."""
    fields: Mapping[str, Any] = crew.inputs.get("properties", {})
    required = crew.inputs.get("required", [])
    texts = [name for name, field in fields.items() if field.get("type", "string") == "string" and "enum" not in field]
    named = [name for name in WORDS if name in texts]
    needed = [name for name in texts if name in required and name not in LANGUAGES]
    if named or len(needed) == 1:
        return named[0] if named else needed[0]
    raise Refused(
        ErrorCode.MISSING_INPUTS,
        f"The crew {crew.name!r} has no input that takes a message; `start` it with its inputs.",
        inputs=list(required or fields),
    )
