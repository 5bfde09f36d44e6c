import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { QuarterdeckProvider, useApprovals, useConnection, useExecution } from "../../static/client/react.js";
import { Markdown } from "../../static/ui/markdown.js";
import { FakeSocket, makeClient } from "./support.js";

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { createElement: h } = load("react");
const { renderToStaticMarkup } = load("react-dom/server");

test("on a server the hooks give the empty state and open no socket", () => {
  const client = makeClient();
  const Page = () =>
    h("p", null, useConnection().phase, useApprovals().length, useExecution("x_1") === undefined ? "none" : "some");
  assert.equal(renderToStaticMarkup(h(QuarterdeckProvider, { client }, h(Page))), "<p>idle0none</p>");
  assert.equal(FakeSocket.all.length, 0);
});

test("a hook without a provider says what is missing", () => {
  assert.throws(() => renderToStaticMarkup(h(() => useConnection().phase)), /needs a <QuarterdeckProvider>/);
});

/** @param {string} text */
const shown = (text) => renderToStaticMarkup(h(Markdown, { text, level: 3 }));

test("what an agent writes can make no markup, no script link and no remote image", () => {
  const hostile = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,hi)",
    "[x](//evil.example)",
    "![pixel](https://evil.example/p.png)",
    "<a href=javascript:alert(1)>x</a>",
    "<svg/onload=alert(1)>",
    "`<b>`",
    "```\n<script>\n```",
    "| <i>a</i> |\n|---|\n| <b>c</b> |",
  ];
  for (const text of hostile) {
    const html = shown(text);
    assert.doesNotMatch(html, /<(script|img|svg|iframe|b|i)[\s>/]/i, text);
    assert.doesNotMatch(html, /href="(?!https?:|mailto:|#)/i, text);
  }
});

test("markdown becomes elements, its headings below the page's own", () => {
  assert.equal(shown("# A\n\ntext **b** &amp; `c`"), "<h3>A</h3><p>text <strong>b</strong> &amp; <code>c</code></p>");
  assert.equal(shown("3. x\n4. y"), '<ol start="3"><li>x</li><li>y</li></ol>');
  assert.match(shown("| a |\n|---|\n| 1 |"), /role="group" aria-label="Table: a"/);
  assert.match(
    shown("[x](https://a.example)"),
    /<a href="https:\/\/a\.example" rel="noopener noreferrer nofollow" target="_blank">x<\/a>/,
  );
});
