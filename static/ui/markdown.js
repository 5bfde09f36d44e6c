/**
 * Markdown to elements, never to an HTML string: raw HTML shows as the text it is, and nothing needs sanitising.
 * @import { Token, Tokens } from "marked"
 */
import { lexer } from "marked";
import { createElement as h, Fragment, memo } from "react";
import { Chart } from "./chart.js";
import { barsOf, splitOf, splitOfTable, splitOfText } from "./figures.js";
import { t, useLanguage } from "./i18n/index.js";

const SAFE_URL = /^(https?:|mailto:|#)/i;
/** @type {Readonly<Record<string, string>>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/**
 * Renders a text, its highest heading at `level`. While a text streams in, only its last block renders again.
 * @param {{ text: string, level?: number }} props
 */
export function Markdown({ text, level = 3 }) {
  const tokens = lexer(text).filter((token) => token.type !== "space" && token.type !== "def");
  const language = useLanguage(); // tables and drawings have names in it
  const top = Math.min(...tokens.map((token) => (token.type === "heading" ? token.depth : 6)));
  return h(Fragment, null, ...tokens.map((token, key) => h(Block, { key, token, shift: level - top, language })));
}

const Block = memo(
  /** @param {{ token: Token, shift: number, language: string }} props */
  ({ token, shift }) => element(token.type === "heading" ? { ...token, depth: token.depth + shift } : token, 0),
  (a, b) => a.token.raw === b.token.raw && a.shift === b.shift && a.language === b.language,
);

/** @param {Token} token @param {number} key @returns {any} */
function element(token, key) {
  const t = /** @type {Tokens.Generic} */ (token);
  switch (t.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return h(`h${Math.min(6, t["depth"])}`, { key }, inside(t));
    case "paragraph":
      return figure(t["text"], key) ?? h("p", { key }, inside(t));
    case "strong":
    case "em":
    case "del":
    case "blockquote":
      return h(t.type, { key }, inside(t));
    case "codespan":
      return h("code", { key }, decode(t["text"]));
    case "code":
      return (t["lang"] === "bars" && drawn(barsOf(t["text"]), key)) || h("pre", { key, tabIndex: 0 }, h("code", null, t["text"]));
    case "hr":
    case "br":
      return h(t.type, { key });
    case "list":
      return list(/** @type {Tokens.List} */ (token), key);
    case "link":
      return link(/** @type {Tokens.Link} */ (token), key);
    case "image":
      return h("span", { key, className: "image-alt" }, t["text"]); // no remote image loads: it would tell on the reader
    case "table":
      return table(/** @type {Tokens.Table} */ (token), key);
    case "text":
    case "escape":
      return t.tokens ? h(Fragment, { key }, inside(t)) : decode(t["text"]);
    default:
      return t.raw;
  }
}

/** @param {Tokens.Generic} token @returns {any} */
const inside = (token) => (token.tokens ? token.tokens.map(element) : decode(token["text"] ?? ""));

/** @param {Tokens.List} token @param {number} key */
function list(token, key) {
  const figure = drawn(barsOf(token.items.map((item) => item.text).join("\n"), 2) ?? splitOf(token.items.map((item) => item.text)), key);
  if (figure && !token.items.some((item) => item.task)) return figure;
  const items = token.items.map((item, i) =>
    h(
      "li",
      { key: i, className: item.task ? "task" : undefined },
      item.task ? h("span", { "aria-hidden": true }, item.checked ? "☑ " : "☐ ") : null,
      item.tokens.map(element),
    ),
  );
  return token.ordered
    ? h("ol", { key, start: token.start === 1 ? undefined : Number(token.start) }, items)
    : h("ul", { key }, items);
}

/**
 * A paragraph that is a figure: lines of `name | value`, or shares of a whole.
 * @param {string} text
 * @param {number} key
 */
const figure = (text, key) => drawn(barsOf(text, 2) ?? splitOfText(text), key);

/** @param {import("./figures.js").Figure | undefined} found @param {number} key */
const drawn = (found, key) =>
  found &&
  h(Fragment, { key }, h(Chart, { figure: found }), found.rest ? h("p", { className: "aside" }, found.rest) : null);

/** @param {Tokens.Link} token @param {number} key */
const link = (token, key) =>
  SAFE_URL.test(token.href)
    ? h("a", { key, href: token.href, rel: "noopener noreferrer nofollow", target: "_blank" }, inside(token))
    : h("span", { key }, inside(token));

/** @param {Tokens.Table} token @param {number} key */
function table(token, key) {
  const split = splitOfTable(
    token.header.map((cell) => cell.text),
    token.rows.map((row) => row.map((cell) => cell.text)),
  );
  const name = t("thread.table", { columns: token.header.map((cell) => cell.text).join(", ") });
  const cells = (/** @type {Tokens.TableCell[]} */ row, /** @type {string} */ tag) =>
    row.map((cell, i) =>
      h(
        tag,
        { key: i, scope: tag === "th" ? "col" : undefined, style: cell.align ? { textAlign: cell.align } : undefined },
        cell.tokens.map(element),
      ),
    );
  return h(Fragment, { key }, split ? h(Chart, { figure: split, tabled: true }) : null, h(
    "div",
    { className: "table", tabIndex: 0, role: "group", "aria-label": name },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, cells(token.header, "th"))),
      h(
        "tbody",
        null,
        token.rows.map((row, i) => h("tr", { key: i }, cells(row, "td"))),
      ),
    ),
  ));
}

/** @param {string} text */
const decode = (text) => text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (all, name) => ENTITIES[name] ?? all);
