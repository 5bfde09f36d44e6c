"""`list`: executions, open checkpoints, crews, conversations; a page at a time, each with the cursor of the next."""

from collections.abc import AsyncIterator, Sequence

from protocol.commands import List
from protocol.errors import ErrorCode, Refused
from protocol.objects import Checkpoint, Conversation, Crew, Execution
from protocol.replies import Answer
from server.dispatch.work import Work
from server.store.lists import Wanted

#: More digits than any list is long.
LONGEST = 9


class Listing(Answer, frozen=True, kw_only=True):
    """A page of a list; `next` continues it."""

    items: Sequence[Execution | Checkpoint | Crew | Conversation]
    next: str | None = None


async def list_page(work: Work, command: List) -> Listing:
    """Read the page that a `list` asks for."""
    match command.what:
        case "executions":
            return await _executions(work, command)
        case "checkpoints":
            return await _checkpoints(work, command)
        case "crews":
            return _slice(list((await work.catalogue.crews()).values()), command)
        case "conversations":
            return await _first(command.limit, work.store.conversations(command.cursor))


async def _checkpoints(work: Work, command: List) -> Listing:
    pages = {"open": work.store.inbox_page, "decided": work.store.decided_page}
    page = pages.get(command.filter.state or "open")
    if page is None:
        raise Refused(ErrorCode.BAD_FIELD, "Checkpoints are listed by the state `open` or `decided`.")
    found, following = await page(offset_of(command.cursor), command.limit)
    return Listing(items=found, next=None if following is None else str(following))


async def _executions(work: Work, command: List) -> Listing:
    wanted = Wanted(command.filter.state, command.filter.crew, command.filter.conversation)
    return await _first(command.limit, work.store.executions(command.cursor, wanted))


async def _first(limit: int, found: AsyncIterator[tuple[Execution | Conversation, str]]) -> Listing:
    """Take what a page holds; each comes with the cursor that continues behind it."""
    items: list[Execution | Conversation] = []
    following: str | None = None
    try:
        async for item, cursor in found:
            if len(items) == limit:
                return Listing(items=items, next=following)
            items.append(item)
            following = cursor
    except ValueError:
        raise _bad_cursor() from None
    return Listing(items=items)


def _slice(items: Sequence[Crew], command: List) -> Listing:
    begin = offset_of(command.cursor)
    end = begin + command.limit
    return Listing(items=items[begin:end], next=str(end) if end < len(items) else None)


def offset_of(cursor: str | None) -> int:
    """Read the cursor of a list that is paged by number, or raise `Refused`."""
    cursor = cursor or "0"
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > LONGEST:
        raise _bad_cursor()
    return int(cursor)


def _bad_cursor() -> Refused:
    return Refused(ErrorCode.BAD_FIELD, "`cursor` must be what the page before gave as `next`.")
