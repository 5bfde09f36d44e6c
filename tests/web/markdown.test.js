import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Markdown } from "../../static/ui/markdown.js";

const load = createRequire(new URL("../../static/package.json", import.meta.url));
const { createElement } = load("react");
const { renderToStaticMarkup } = load("react-dom/server");
/** @param {string} text @returns {string} */
const shown = (text) => renderToStaticMarkup(createElement(Markdown, { text }));

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

test("a block of bars is drawn as far as it has come, and anything else in it is shown as it is", () => {
  const rows = (/** @type {string} */ text) => [...shown(`\`\`\`bars\n${text}\n\`\`\``).matchAll(/inline-size:([^;"]+)/g)];
  assert.deepEqual(
    rows("Cold brew | 84\nLatte art | 31.5").map(([, size]) => size),
    ["84%", "31.5%"],
  );
  assert.equal(rows("Cold brew | 84\nLat").length, 1);
  for (const text of ["Cold brew\nLatte | 31", "Cold brew | 840\nLatte | 31"]) {
    assert.equal(rows(text).length, 0);
    assert.match(shown(`\`\`\`bars\n${text}\n\`\`\``), /<pre/);
  }
});
