"""What the pages of the reference are made of: plain HTML, no script. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

Json = Mapping[str, Any]
#: Code in prose.
CODE = re.compile("`([^`]+)`")
#: The pages' own styles, and what they take from the rest of the site.
STYLES = ("letters", "tokens", "base", "reference")
#: No script, nothing from elsewhere, and nowhere inside another page.
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: What is served here changes with the server only; browsers are to ask whether it has.
SHARED = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
HEADERS = {**SHARED, "content-security-policy": POLICY}


class Page(NamedTuple):
    """A page of the reference: its address, its name, and what machines read instead."""

    path: str
    title: str
    document: str


PAGES = (Page("docs", "Over HTTP", "openapi.json"), Page("docs/socket", "The socket", "asyncapi.json"))


def shell(page: Page, summary: str, contents: Sequence[str], body: str) -> str:
    """Write a whole page around its sections; `contents` names them."""
    root = "../" * page.path.count("/")
    styles = "\n".join(f'<link rel="stylesheet" href="{root}static/ui/{name}.css">' for name in STYLES)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{page.title} · Quarterdeck</title>
<link rel="icon" type="image/svg+xml" href="{root}favicon.svg">
{styles}
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="reference">
<p><a href="{root or "./"}">Quarterdeck</a></p>
<nav aria-label="Reference"><ul>{"".join(_beside(each, page, root) for each in PAGES)}</ul></nav>
</header>
<main class="reference" id="content">
<h1>{page.title}</h1>
{"".join(f"<p>{prose(part)}</p>" for part in summary.split(chr(10) * 2))}
<p>The same for machines: <a href="{root}{page.document}">{page.document}</a>.</p>
<nav aria-label="Contents"><ul>{"".join(map(_entry, contents))}</ul></nav>
{body}
</main>
</body>
</html>
"""


def _beside(each: Page, page: Page, root: str) -> str:
    current = ' aria-current="page"' if each is page else ""
    return f'<li><a href="{root}{each.path}"{current}>{each.title}</a></li>'


def slug(text: str) -> str:
    """Make an anchor of a heading."""
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower())


def _entry(name: str) -> str:
    return f'<li><a href="#{slug(name)}">{escape(name[:1].upper() + name[1:])}</a></li>'


def section(name: str, articles: Iterable[str], index: Mapping[str, str] | None = None) -> str:
    """Write a section of articles; `index` names those by their anchors, to find one without reading all."""
    title = escape(name[:1].upper() + name[1:])
    links = "".join(
        f'<li><a href="#{each}"><code>{escape(text)}</code></a></li>' for each, text in (index or {}).items()
    )
    listed = f'<nav aria-label="{title}"><ul>{links}</ul></nav>' if links else ""
    return f'<section id="{slug(name)}"><h2>{title}</h2>{listed}{"".join(articles)}</section>\n'


def prose(text: str) -> str:
    """Write a sentence; what stands between backticks is code."""
    return CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a table; the last column of three is text, the others are markup."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(_cells(row[: len(heads)]))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: tuple[str, ...]) -> Iterator[str]:
    for number, cell in enumerate(row):
        yield f"<td>{prose(cell) if number > 1 else cell}</td>"


def fields(schema: Json) -> str:
    """Write the table of an object's fields; those that may be absent have a question mark."""
    needed = schema.get("required", [])
    rows = [
        (f"<code>{escape(field)}{'' if field in needed else '?'}</code>", kind(about), about.get("description", ""))
        for field, about in schema.get("properties", {}).items()
    ]
    return table(("field", "type", "meaning") if any(row[2] for row in rows) else ("field", "type"), rows)


def objects(schemas: Json) -> str:
    """Write the section of the objects that others are made of."""
    return section("objects", (_object(name, schema) for name, schema in schemas.items()))


def _object(name: str, schema: Json) -> str:
    values = "" if schema.get("properties") else f"<p>{kind(schema)}</p>"
    text = prose(schema.get("description", ""))
    return f'<article id="{name}"><h3><code>{name}</code></h3><p>{text}</p>{values}{fields(schema)}</article>\n'


def example(frames: Sequence[Any], of: str = "") -> str:
    """Show frames as JSON, folded."""
    shown = "".join(f"<pre><code>{escape(_written(frame), quote=False)}</code></pre>" for frame in frames)
    name = "Example" if len(frames) == 1 else "Examples"
    return f"<details><summary>{name}{of}</summary>{shown}</details>"


def _written(frame: Any) -> str:
    return json.dumps(frame, indent=2, ensure_ascii=False)


def kind(schema: Json) -> str:
    """Write a type in words, with links to objects."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "allOf" in schema:
        return " and ".join(map(kind, schema["allOf"]))
    if "anyOf" in schema:
        kinds = [kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
