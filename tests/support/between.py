"""Somebody between the page and its server, who changes, keeps back or answers what either says."""

import json
from collections.abc import Callable

from playwright.async_api import WebSocketRoute

from tests.support.browser import Screen
from tests.support.client import Frame

#: What becomes of a frame: another one, or nothing.
Change = Callable[[Frame], Frame | None]
#: What a server says, and a client never does: so it is an answer to the page.
ANSWERS = ("reply", "error")


def as_it_is(frame: Frame) -> Frame:
    return frame


class Between:
    """The one in between. `end` closes the page's connection with a code of the server's."""

    def __init__(self, said: Change, heard: Change) -> None:
        self._said = said
        self._heard = heard
        self._page: WebSocketRoute | None = None

    def __call__(self, page: WebSocketRoute) -> None:
        """Stand between a page and a new connection to its server."""
        self._page = page
        server = page.connect_to_server()

        def on_said(message: str | bytes) -> None:
            frame = self._said(json.loads(message))
            if frame is not None:
                (page if frame["type"] in ANSWERS else server).send(json.dumps(frame))

        def on_heard(message: str | bytes) -> None:
            frame = self._heard(json.loads(message))
            if frame is not None:
                page.send(json.dumps(frame))

        page.on_message(on_said)
        server.on_message(on_heard)

    async def end(self, code: int, reason: str) -> None:
        assert self._page is not None, "the page has connected"
        await self._page.close(code=code, reason=reason)


async def between(screen: Screen, *, said: Change = as_it_is, heard: Change = as_it_is) -> Between:
    """Stand between a page, before it is opened, and its server."""
    one = Between(said, heard)
    await screen.page.route_web_socket("**/ws", one)
    return one
