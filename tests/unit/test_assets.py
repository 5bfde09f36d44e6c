"""The page and its files, as a browser gets them."""

import base64
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from server.assets import Assets, find_root
from server.assets.modules.parts import needed
from server.assets.modules.syntax import parse
from server.assets.views import EXECUTION, HOME, QUESTION


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets(find_root())


@pytest.fixture
def browser(assets: Assets) -> TestClient:
    return TestClient(Starlette(routes=assets.routes()))


def import_map(page: str) -> dict[str, dict[str, str]]:
    found = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert found
    parsed: dict[str, dict[str, str]] = json.loads(found[1])
    return parsed


def sri(data: bytes, algorithm: str) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@pytest.mark.parametrize("path", ["/", "/x/x_1", "/x/x_1/c/cp_1"])
def test_each_path_of_the_page_answers_with_it(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert '<div id="app">' in answer.text


def test_every_part_is_mapped_to_its_content_and_guarded_by_its_hash(browser: TestClient, assets: Assets) -> None:
    found = import_map(browser.get("/").text)
    parts = [name for name in assets.files if name.endswith(".js")]
    assert {"ui/app.js", "ui/run.js", "ui/desk.js", "ui/palette.js", "ui/i18n/id.js"} <= set(parts)
    assert len(found["imports"]) == len(parts)
    for name in parts:
        url = found["imports"][f"/static/{name}"]
        assert found["integrity"][url] == sri(browser.get(url).content, "sha384")


def test_parts_import_parts_and_nothing_else(assets: Assets) -> None:
    texts = {name: file.data for name, file in assets.files.items() if name.endswith(".js")}
    modules = {name: parse(name, text, {}) for name, text in texts.items()}
    assert {each for module in modules.values() for each in (*module.sources, *module.later)} <= set(modules)


def test_what_no_browser_reads_is_not_sent_but_who_holds_the_rights_is(assets: Assets) -> None:
    texts = {name: file.data.decode() for name, file in assets.files.items() if name.endswith((".js", ".css"))}
    assert all("sourceMappingURL" not in text and "@param" not in text for text in texts.values())
    assert "Copyright (c) 2018-2026, MarkedJS" in texts["ui/document.js"]


def test_what_is_preloaded_and_linked_carries_the_hash_of_what_is_served(browser: TestClient) -> None:
    for path in ("/", "/x/x_1"):
        links = re.findall(
            r'<link rel="(?:modulepreload|stylesheet)" href="([^"]+)" integrity="([^"]+)"', browser.get(path).text
        )
        assert len(links) > 4
        for url, integrity in links:
            assert sri(browser.get(url).content, "sha384") == integrity, url


def test_a_page_names_in_advance_what_its_view_imports_and_nothing_else(browser: TestClient, assets: Assets) -> None:
    modules = {n: parse(n, file.data, {}) for n, file in assets.files.items() if n.endswith(".js")}
    for path, view in (("/", HOME), ("/x/x_1", EXECUTION), ("/x/x_1/c/cp_1", QUESTION)):
        named = re.findall(r'<link rel="modulepreload" href="/static/([^?]+)\?', browser.get(path).text)
        assert sorted(named) == sorted(needed(modules, view.modules + view.beside))


def test_the_policy_allows_the_import_map_by_its_hash_and_no_other_inline_script(browser: TestClient) -> None:
    answer = browser.get("/")
    block = re.search(r'<script type="importmap">(.*?)</script>', answer.text, re.DOTALL)
    assert block
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'self' '{sri(block[1].encode(), 'sha256')}'; style-src 'self'; "
        "font-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def test_a_file_is_kept_for_ever_under_its_version_only(browser: TestClient, assets: Assets) -> None:
    version = assets.files["ui/app.js"].version
    assert "immutable" in browser.get(f"/static/ui/app.js?v={version}").headers["cache-control"]
    assert browser.get("/static/ui/app.js?v=old").headers["cache-control"] == "no-cache"
    assert browser.get("/static/ui/app.js").headers["cache-control"] == "no-cache"


def test_an_unchanged_page_is_not_sent_again(browser: TestClient) -> None:
    etag = browser.get("/").headers["etag"]
    answer = browser.get("/", headers={"if-none-match": f"W/{etag}"})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "client/store.js", "vendor/preact.js",
        "package.json", "tsconfig.json", "index.html", ".npmrc", "client/types.d.ts", "vendor/VENDOR.json",
        "vendor/update.mjs", "node_modules/marked/lib/marked.esm.js", "../server/assets.py",
        "..%2fserver%2fassets.py", "ui", "",
    ],
)  # fmt: skip
def test_nothing_but_the_page_is_public(browser: TestClient, path: str) -> None:
    assert browser.get(f"/static/{path}").status_code == 404


def test_texts_are_sent_compressed_to_those_who_take_it(browser: TestClient, assets: Assets) -> None:
    packed = browser.get("/static/ui/document.js", headers={"accept-encoding": "gzip"})
    plain = browser.get("/static/ui/document.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    file = assets.files["ui/document.js"]
    assert file.packed is not None
    assert gzip.decompress(file.packed) == file.data
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"


def test_fonts_are_named_by_their_content_in_the_style_sheet(browser: TestClient, assets: Assets) -> None:
    urls = re.findall(r'url\("([^"]+)"\)', browser.get("/static/ui/letters.css").text)
    fonts = [name for name in assets.files if name.endswith(".woff2")]
    assert len(urls) == len(fonts) == 4
    for url in urls:
        answer = browser.get(f"/static/ui/{url}")
        assert answer.headers["content-type"] == "font/woff2"
        assert "immutable" in answer.headers["cache-control"]


def test_a_page_under_a_path_names_everything_under_it(assets: Assets) -> None:
    browser = TestClient(Starlette(routes=[Mount("/desk", routes=assets.routes())]))
    page = browser.get("/desk/x/x_1").text
    assert not re.findall(r'(?:href|src)="/?static', page)
    found = import_map(page)
    assert all(url.startswith("/desk/static/") for url in found["imports"].values())
    assert browser.get(found["imports"]["/desk/static/ui/app.js"]).status_code == 200


def test_the_icon_has_its_well_known_name(browser: TestClient) -> None:
    assert browser.get("/favicon.svg").headers["content-type"] == "image/svg+xml"


def test_a_changed_module_gives_its_part_another_version(tmp_path: Path, assets: Assets) -> None:
    root = tmp_path / "static"
    shutil.copytree(find_root(), root, ignore=shutil.ignore_patterns("node_modules"))
    with (root / "ui" / "thread.js").open("a", encoding="utf-8") as module:
        module.write("export const changed = true;\n")
    changed = Assets(root)
    differing = {name for name, file in changed.files.items() if file.version != assets.files[name].version}
    assert differing == {"ui/run.js"}


def test_a_page_has_one_style_sheet_that_says_what_it_holds(browser: TestClient, assets: Assets) -> None:
    for path, wanted in (("/", {"tokens", "layout"}), ("/x/x_1", {"tokens", "layout", "run", "card", "document"})):
        ((url, held),) = re.findall(
            r'<link rel="stylesheet" href="([^"]+)"[^>]* data-holds="([^"]+)"', browser.get(path).text
        )
        assert wanted <= set(held.split())
        sheet = browser.get(url)
        assert "immutable" in sheet.headers["cache-control"]
        assert all(assets.files[f"ui/{name}.css"].data.decode() in sheet.text for name in held.split())


def test_what_stands_beside_is_fetched_only_where_there_is_room(browser: TestClient) -> None:
    preload = re.compile(r'<link rel="modulepreload" href="/static/([^?]+)\?[^>]*?( media="[^"]+")?>')
    for path, beside in (("/x/x_1", "ui/desk.js"), ("/x/x_1/c/cp_1", "ui/inbox.js")):
        found = dict(preload.findall(browser.get(path).text))
        assert found[beside] == ' media="(width >= 720px)"'
        assert found["ui/run.js"] == found["ui/app.js"] == ""
