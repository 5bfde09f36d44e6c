"""`crews`, `list`, `inbox`: what there is."""

from protocol.client import Client
from protocol.objects import Checkpoint
from server.cli.remote import show
from server.cli.remote.session import connected


def crews(url: str, json: bool) -> int:
    """List the crews; 0."""
    with connected(url) as client:
        found = client.crews()
    if json:
        for crew in found:
            show.as_json(crew)
        return 0
    rows = [[crew.name, crew.title, ", ".join(point.name for point in crew.checkpoints), crew.broken or ""]
            for crew in found]  # fmt: skip
    show.table(["NAME", "TITLE", "CHECKPOINTS", "BROKEN"], rows)
    return 0


def executions(url: str, json: bool, *, state: str | None, crew: str | None, limit: int) -> int:
    """List executions; 0."""
    with connected(url) as client:
        found = client.executions(state=state, crew=crew, limit=limit).items
    if json:
        for one in found:
            show.as_json(one)
        return 0
    rows = [[one.id, one.crew, one.state, f"{one.progress.done}/{one.progress.total}", one.title] for one in found]
    show.table(["EXECUTION", "CREW", "STATE", "DONE", "TITLE"], rows)
    return 0


def inbox(url: str, json: bool, *, follow: bool) -> int:
    """List what waits for people, and go on doing so with `follow`; 0."""
    with connected(url) as client:
        if not follow:
            _waiting(_all(client), json)
            return 0
        with client.inbox() as changes:
            for waiting in changes:
                _waiting(waiting, json)
    return 0


def _all(client: Client) -> list[Checkpoint]:
    found: list[Checkpoint] = []
    cursor: str | None = None
    while True:
        page = client.checkpoints(cursor=cursor, limit=200)
        found += page.items
        if (cursor := page.next) is None:
            return found


def _waiting(waiting: list[Checkpoint], json: bool) -> None:
    if json:
        show.as_json(waiting)
        return
    rows = [[one.execution, one.name, one.title, ", ".join(a.id for a in one.actions), one.deadline or ""]
            for one in waiting]  # fmt: skip
    show.table(["EXECUTION", "CHECKPOINT", "TITLE", "ACTIONS", "DEADLINE"], rows)
