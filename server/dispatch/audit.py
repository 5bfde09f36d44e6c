"""What the log says of commands: who changed what, by which door, and what was refused; never what was said."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from protocol.commands import AnyCommand, Cancel, Comment, Decide, Extend, Fork, Pause, Resend, Resume, Say, Start
from protocol.errors import Refused
from server.auth import Principal

#: Commands that change something; those that only read are not logged.
CHANGES = (Start, Say, Decide, Comment, Extend, Cancel, Pause, Resume, Fork, Resend)

log = structlog.get_logger("server.dispatch")


@contextmanager
def logged(command: AnyCommand, principal: Principal, via: str) -> Iterator[dict[str, str]]:
    """Give every line that is logged inside the ids that belong to it, and log how the command ended.

    What its end is to say besides, the caller puts into the dictionary: the execution that it made.
    """
    ids = {"principal": principal.id, "via": via}
    if isinstance(execution := getattr(command, "execution", None), str):
        ids["execution"] = execution
    told: dict[str, str] = {}
    with structlog.contextvars.bound_contextvars(**ids):
        try:
            yield told
        except Refused as refused:
            _tell(command, "command.refused", code=refused.code)
            raise
        _tell(command, "command.done", **told)


def _tell(command: AnyCommand, event: str, **more: str) -> None:
    if isinstance(command, Decide):
        more |= {"checkpoint": command.checkpoint, "action": command.action}
    if isinstance(command, CHANGES):
        log.info(event, command=command.__struct_config__.tag, **more)
