"""The OpenAPI document says what is served, no more and no less, in schemas that are sound."""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import BaseRoute, Mount, Route

from protocol.errors import ErrorCode
from server.app.doorkeeper import is_open
from server.app.web import Web
from server.routes.openapi.__main__ import FILE
from server.routes.openapi.document import document, written
from server.routes.openapi.page import page
from server.routes.openapi.table import OPERATIONS
from server.routes.operations import Operations
from server.settings import Settings
from tests.support.contract import references

#: The page and its files are for browsers.
PAGES = ("/", "/x/", "/static/", "/favicon.svg")


def served(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name every method and path that routes serve."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(route.routes, route.path)
        elif isinstance(route, Route) and route.path != "/" and not route.path.startswith(PAGES[1:]):
            path = prefix + re.sub(r"{(\w+):\w+}", r"{\1}", route.path)
            yield from ((method, path) for method in (route.methods or set()) - {"HEAD"})


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document("1")


async def test_every_route_is_described_and_everything_described_is_served() -> None:
    web = Web(Settings(crews={"a": "m:A"}, default_crew="a"), "redis://127.0.0.1:1")
    routes = [*web.routes(), *Operations({}, []).routes()]
    assert sorted(served(routes)) == sorted((operation.method, operation.path) for operation in OPERATIONS)
    await web.redis.aclose()


def test_what_is_open_is_what_the_doorkeeper_leaves_open(described: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        assert operation.open is is_open(operation.path), operation.path
        told = described["paths"][operation.path][operation.method.lower()]
        assert ("401" in told["responses"]) is not operation.open
        assert ("security" in told) is not operation.open


def test_the_committed_copy_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == written(document(version("quarterdeck"))), "stale: run `make schema`"


def test_it_is_self_contained(described: dict[str, Any]) -> None:
    for reference in set(references(described)):
        place: Any = described
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place


def test_nothing_is_described_that_nobody_needs(described: dict[str, Any]) -> None:
    used = {reference.rpartition("/")[2] for reference in references(described)}
    mapped = str(described["components"]["schemas"])
    assert [name for name in described["components"]["schemas"] if name not in used and f"/{name}'" not in mapped] == []


def test_its_schemas_are_sound(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_name_of_its_own_and_says_what_its_path_takes(described: dict[str, Any]) -> None:
    operations = [(path, each) for path, found in described["paths"].items() for each in found.values()]
    names = [each["operationId"] for _, each in operations]
    assert len(set(names)) == len(names)
    for path, each in operations:
        taken = [parameter["name"] for parameter in each["parameters"] if parameter["in"] == "path"]
        assert taken == re.findall(r"{(\w+)}", path)
        assert each["summary"]
        assert each["responses"]


def test_the_page_says_all_of_it_and_every_link_leads_somewhere(described: dict[str, Any]) -> None:
    written = page(described)
    for method, path in ((operation.method, operation.path) for operation in OPERATIONS):
        assert f"<b>{method}</b> <code>{path}</code>" in written
    anchors = re.findall(r'id="([^"]+)"', written)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r'href="#([^"]+)"', written)) <= set(anchors)
    assert {code for code in ErrorCode if f"<code>{code}</code>" not in written} == set()
    assert "<script" not in written
    assert "style=" not in written


def test_what_the_path_says_is_no_field_of_the_body(described: dict[str, Any]) -> None:
    fork = described["components"]["schemas"]["ForkBody"]
    assert not {"type", "id", "execution"} & {*fork["properties"], *fork["required"]}
    assert {"checkpoint", "action"} <= set(fork["required"])
