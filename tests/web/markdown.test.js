import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import "../../static/ui/i18n/run.js";
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

test("lines of names and values, and shares of a whole, are drawn, with a table for whoever cannot look", () => {
  const drawings = {
    bars: ["```bars\nCold brew | 84\nLatte art | 31.5\n```", "Cold brew | 84\nLatte art | 31.5", "- Cold brew | 84\n- Latte art | 31.5"],
    split: [
      "Positive 62%, neutral 25%, negative 13%.",
      "Expected: 62% positive, 25% neutral and 13% negative",
      "62% positive\n25% neutral\n13% negative",
      "- 62%: positive\n- 25%: neutral\n- 13%: negative",
      "- **Positive:** 62%\n- Neutral: 25%\n- Negative: 13%",
      "| Positive | Neutral | Negative |\n|---|---|---|\n| 62% | 25% | 13% |",
      "| Mood | Share |\n|---|---|\n| Positive | 62 % |\n| Negative | 38 % |",
    ],
  };
  for (const [kind, texts] of Object.entries(drawings))
    for (const text of texts) {
      const html = shown(text);
      assert.equal(html.includes("<figcaption>Expected:</figcaption>"), text.startsWith("Expected"));
      assert.match(html, new RegExp(`data-testid="chart-${kind}">(?:<figcaption>.*</figcaption>)?<svg role="img" aria-labelledby="(\\S+) (\\S+)"`), text);
      assert.match(html, /<title id="[^"]+">[^<]+<\/title><desc id="[^"]+">(Cold brew 84, Latte art 31.5|[Pp]ositive \d+%)/, text);
      assert.equal(html.match(/<table>/g)?.length, 1, text);
    }
});

test("a drawing grows as far as its text has come, and no word of it is lost", () => {
  const rows = (/** @type {string} */ text) => [...shown(text).matchAll(/class="fill" x="0" y="\d+" width="([^"]+)"/g)].map(([, width]) => width);
  assert.deepEqual(rows("```bars\nCold brew | 84\nLatte art | 31.5\n```"), ["84%", "31.5%"]);
  const half = "Cold brew | 84\nTea | 3\nLat";
  assert.equal(rows(half).length, 2);
  assert.match(shown(half), /<p class="aside">Lat<\/p>/);
  for (const text of ["Cold brew\nLatte | 31", "Cold brew | 840\nLatte | 31"]) assert.match(shown(`\`\`\`bars\n${text}\n\`\`\``), /<pre/);
});

test("what only looks like numbers stays text", () => {
  const plain = [
    "It grew by 40% in May and fell by 60% in June, they say.",
    "Costs 40%, gains 30%",
    "50% off, 50% cashback",
    "50% off and 50% cashback.",
    "20% now, 80% on delivery",
    "- Rent: 60%\n- Food: 20%",
    "a | b | 3\nc | d | 4",
    "| Week | Creator |\n|---|---|\n| 1 | Rara |\n| 2 | Dimas |",
    "- [x] Done: 40%\n- [ ] Open: 60%",
  ];
  for (const text of plain) assert.doesNotMatch(shown(text), /<svg/, text);
});
