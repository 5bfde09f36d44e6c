"""How an execution began: when, and with which version of the crew. A later attempt must go on with the same.

A crew that was changed meanwhile may not fit what is recorded: it goes on only after a person has said so.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from protocol.objects import Action, Draft
from server.crews.calls.fingerprint import fingerprint
from server.crews.loading.manifest import difference
from server.crews.run import Run
from server.runnable import Question, Stopped

STEP = "began"
ACTIONS = (
    Action(id="retry", label="Go on with the new version"),
    Action(id="stop", label="Stop run", confirm=True),
)
WHY = (
    "This execution began with another version of the crew. What it has done so far is kept, and the rest would "
    "be done by the new version."
)


class Beginning(msgspec.Struct, frozen=True):
    """When the execution began, and the parts of its crew's code and texts, each with a hash."""

    at: datetime
    manifest: dict[str, str]


async def begin(run: Run, manifest: Mapping[str, str]) -> None:
    """Record how the execution begins, or see that it goes on as it began. Raises `Stopped`, or `Suspended`."""
    stored = run.journal.recall(STEP)
    if stored is None:
        beginning = Beginning(datetime.now(UTC), dict(manifest))
        await run.record(STEP, msgspec.json.encode(beginning))
    else:
        beginning = msgspec.json.decode(stored, type=Beginning)
    run.began = beginning.at
    if changes := difference(beginning.manifest, manifest):
        answer = await run.ask(_question(manifest, changes))
        if answer.action == "stop":
            raise Stopped(answer.checkpoint, None)


def _question(manifest: Mapping[str, str], changes: str) -> Question:
    return Question(
        step=f"version/{fingerprint(dict(manifest))}",
        version=1,
        name="new-version",
        kind="recovery",
        title="Go on with the new version of the crew?",
        description=WHY,
        draft=Draft(text=changes),
        actions=ACTIONS,
        facts={"changes": changes},
    )
