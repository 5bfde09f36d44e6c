"""How a crew's author and its operator want it presented, asked about and bounded: its registration."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from protocol.objects import CrewCheckpoint
from server.runnable import Limits


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a crew's configuration says, read by `server.crews.loading.configuration`.

    A title or description that was not given is empty. `idempotent` and `approve` are names of tools or patterns of
    them, in the style of file names. `concurrency`: executions at once in one worker. `timeout`: seconds of work of
    one execution; waiting for people is not counted. `freeze_clock`: a later attempt sees the day of the first.
    """

    title: str = ""
    description: str = ""
    checkpoints: tuple[CrewCheckpoint, ...] = ()
    idempotent: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    concurrency: int | None = None
    timeout: float | None = None
    freeze_clock: bool = True

    def limits(self) -> Limits:
        """Give the bounds that the engine holds the crew to."""
        return Limits(concurrency=self.concurrency, seconds=self.timeout)

    def is_idempotent(self, *names: str) -> bool:
        """Tell whether a tool of these names may run twice without harm."""
        return any(_matches(name, self.idempotent) for name in names)

    def needs_approval(self, *names: str) -> bool:
        """Tell whether a person must approve each call of a tool of these names."""
        return any(_matches(name, self.approve) for name in names)


def _matches(tool: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(tool, pattern) or fnmatchcase(spelled(tool), spelled(pattern)) for pattern in patterns)


def spelled(name: str) -> str:
    """Spell a tool's name as CrewAI tells it to models: `SendMail`, `Send mail` and `send-mail` are all `send_mail`.

    What a pattern is made of stays: `*`, `?` and `[…]`.
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    plain = re.sub(r"(\[[^\]]*\])|[^a-z0-9*?\[\]]+", lambda found: found[1] or "_", apart.replace("'", ""))
    return re.sub(r"_+", "_", plain).strip("_")
