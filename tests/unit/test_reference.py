"""The page of the socket: every frame, error code and close code is on it, with an example."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from protocol.asyncapi import document, golden
from protocol.errors import CloseCode, ErrorCode
from protocol.events import EventType
from protocol.frames import COMMAND_TYPES, CONTROL
from server.routes.openapi.document import document as openapi
from server.routes.openapi.page import page as rest_page
from server.routes.reference.html import PAGES, STYLES
from server.routes.reference.socket import page
from tests.support.processes import ROOT

ARTICLE = re.compile(r'<article id="([^"]+)">(.*?)</article>', re.DOTALL)
EXAMPLE = re.compile(r"<pre><code>(.*?)</code></pre>", re.DOTALL)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(golden())


@pytest.fixture(scope="module")
def written(described: dict[str, Any]) -> str:
    return page(described)


def examples(article: str) -> list[Any]:
    return [json.loads(unescape(found)) for found in EXAMPLE.findall(article)]


def test_every_frame_error_and_close_code_has_an_article_with_an_example(written: str) -> None:
    articles = dict(ARTICLE.findall(written))
    control = {str(struct.__struct_config__.tag) for struct in CONTROL} - {"reply"}
    for which, names in (("command", COMMAND_TYPES), ("control", control), ("event", {*EventType})):
        for name in names:
            assert examples(articles[f"{which}.{name}"])[0]["type"] == name
            assert f"<h3><code>{name}</code></h3><p>" in articles[f"{which}.{name}"]
    for code in ErrorCode:
        assert [frame["code"] for frame in examples(articles[f"error.{code}"])] == [code]
    for close in CloseCode:
        assert [frame["code"] for frame in examples(articles[f"close.{int(close)}"])] == [close]


def test_a_command_says_what_it_is_answered_with(written: str) -> None:
    articles = dict(ARTICLE.findall(written))
    for name in COMMAND_TYPES - {"pong"}:
        assert {frame["type"] for frame in examples(articles[f"command.{name}"])} == {name, "reply"}


class Structure(HTMLParser):
    """Notes elements that are not closed in order, and the order of headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.levels: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("which", ["socket", "rest"])
def test_the_pages_are_sound_and_lead_to_each_other(described: dict[str, Any], which: str) -> None:
    text = page(described) if which == "socket" else rest_page(openapi("1"))
    structure = Structure()
    structure.feed(text)
    assert structure.open == []
    assert structure.levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(structure.levels, structure.levels[1:], strict=False))
    anchors = re.findall(r'id="([^"]+)"', text)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(anchors)
    assert [link in text for link in (f'{each.path}"' for each in PAGES)] == [True] * len(PAGES)
    assert text.count('aria-current="page"') == 1
    assert not re.search("<script|style=|https?://(?!www.w3)", re.sub(r"<details>.*?</details>", "", text, flags=re.S))
    for style in STYLES:
        assert (ROOT / "static" / "ui" / f"{style}.css").is_file()
