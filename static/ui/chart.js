/**
 * A figure, drawn: bars under their names, or one bar that its shares make up. Whoever cannot see it has its table.
 * @import { Figure, Row } from "./figures.js"
 */
import { createElement as h, Fragment, useId } from "react";
import { number, t } from "./i18n/index.js";

/** Pixels from one row to the next, and in a legend. */
const ROW = 38,
  LINE = 24,
  THICK = 22;
/** Longer names are cut in the picture; its table has them whole. */
const LONGEST = 48;

/** @param {{ figure: Figure, tabled?: boolean }} props `tabled`: the table stands beside it anyway */
export function Chart({ figure, tabled = false }) {
  const id = useId();
  const { kind, rows } = figure;
  const height = kind === "bars" ? rows.length * ROW : THICK + 12 + rows.length * LINE;
  const told = rows.map((row) => `${row.name} ${row.text}`).join(", ");
  return h(
    "figure",
    { className: `chart ${kind}`, "data-testid": `chart-${kind}` },
    figure.lead ? h("figcaption", null, figure.lead.replaceAll(/[*_`]/g, "")) : null,
    h(
      "svg",
      { role: "img", "aria-labelledby": `${id}t ${id}d`, width: "100%", height },
      h("title", { id: `${id}t` }, t(kind === "bars" ? "chart.bars" : "chart.split", { n: rows.length })),
      h("desc", { id: `${id}d` }, told),
      kind === "bars" ? rows.map(bar) : h(Fragment, null, rows.map(slice), rows.map(legend)),
    ),
    tabled ? null : h("details", null, h("summary", null, t("chart.table")), table(rows)),
  );
}

/** @param {string} name */
const short = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

/** @param {Row} row @param {number} i */
const bar = (row, i) =>
  h(
    "g",
    { key: i, className: "row" },
    h("text", { x: 0, y: i * ROW + 15 }, short(row.name)),
    h("text", { x: "100%", y: i * ROW + 15, textAnchor: "end", className: "value" }, row.text),
    h("rect", { className: "track", x: 0, y: i * ROW + 22, width: "100%", height: 8, rx: 2 }),
    h("rect", { className: "fill", x: 0, y: i * ROW + 22, width: `${row.value}%`, height: 8, rx: 2 }),
  );

/** @param {Row} row @param {number} i @param {readonly Row[]} all */
const slice = (row, i, all) =>
  h("rect", {
    key: i,
    className: "fill slice",
    "data-n": i,
    x: `${all.slice(0, i).reduce((sum, before) => sum + before.value, 0)}%`,
    y: 0,
    width: `${row.value}%`,
    height: THICK,
  });

/** @param {Row} row @param {number} i */
const legend = (row, i) =>
  h(
    "g",
    { key: `l${i}`, className: "row" },
    h("rect", { className: "fill", "data-n": i, x: 0, y: THICK + 17 + i * LINE, width: 12, height: 12, rx: 2 }),
    h("text", { x: 22, y: THICK + 28 + i * LINE }, short(row.name)),
    h("text", { x: "100%", y: THICK + 28 + i * LINE, textAnchor: "end", className: "value" }, row.text),
  );

/** @param {readonly Row[]} rows */
const table = (rows) =>
  h(
    "table",
    null,
    h("thead", null, h("tr", null, h("th", { scope: "col" }, t("chart.name")), h("th", { scope: "col" }, t("chart.value")))),
    h(
      "tbody",
      null,
      rows.map((row, i) => h("tr", { key: i }, h("th", { scope: "row" }, row.name), h("td", null, row.text.endsWith("%") ? row.text : number(row.value)))),
    ),
  );
