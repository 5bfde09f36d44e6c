/**
 * Numbers that an agent wrote in one of the two forms that are better looked at than read: lines of `name | value`, and
 * shares that make up a whole. Pure.
 * @typedef {{ name: string, value: number, text: string }} Row `text` is the value as it was written
 * @typedef {{ kind: "bars" | "split", rows: Row[], rest: string, lead?: string }} Figure
 *   `lead`: what the text says before its numbers; `rest`: a last line that may still be streaming in
 */

const BAR = /^\s*(?:[-*•]\s+)?(.*\S)\s*\|\s*(\d+(?:[.,]\d+)?)\s*$/;
const NAME_FIRST = /^(.*?[^\s:|–—-])\s*(?:[:|–—-]|\s)\s*(\d+(?:[.,]\d+)?)\s*%$/;
const SHARE_FIRST = /^(\d+(?:[.,]\d+)?)\s*%\s*(?:[:|–—-]\s*)?(.+)$/;
const MARKS = /[*_`]+/g;

/** @param {string} text */
const toNumber = (text) => Number(text.replace(",", "."));

/**
 * The bars that a text of lines is, each from 0 to 100; nothing when it holds anything else.
 * @param {string} text
 * @param {number} [least] how many lines make a figure
 * @returns {Figure | undefined}
 */
export function barsOf(text, least = 1) {
  const lines = text.trimEnd().split("\n"),
    found = lines.map(bar);
  const isTorn = found.at(-1) === undefined && lines.length > 1;
  const rows = isTorn ? found.slice(0, -1) : found;
  if (rows.length < least || rows.some((row) => row === undefined || row.value > 100)) return undefined;
  return { kind: "bars", rows: /** @type {Row[]} */ (rows), rest: isTorn ? (lines.at(-1) ?? "") : "" };
}

/** @param {string} line @returns {Row | undefined} */
function bar(line) {
  const [, name, value] = BAR.exec(line) ?? [];
  return name && value && !name.includes("|") ? { name: name.replaceAll(MARKS, ""), value: toNumber(value), text: value } : undefined;
}

/**
 * The shares that parts of a text are: all of them, and 100 together.
 * @param {readonly string[]} parts
 * @returns {Figure | undefined}
 */
export function splitOf(parts) {
  const rows = parts.map(share);
  return rows.every((row) => row !== undefined) && isWhole(rows) ? { kind: "split", rows, rest: "" } : undefined;
}

/** @param {string} part @returns {Row | undefined} */
function share(part) {
  const text = bare(part);
  const [, name, after] = NAME_FIRST.exec(text) ?? [];
  const [, before, last] = SHARE_FIRST.exec(text) ?? [];
  const value = after ?? before,
    called = name ?? last;
  if (!value || !called || called.length > 60 || /\d\s*%/.test(called)) return undefined;
  return { name: called.replace(/:$/, "").trim(), value: toNumber(value), text: `${value}%` };
}

/** @param {readonly Row[]} rows */
const isWhole = (rows) => rows.length > 1 && rows.length < 9 && Math.abs(rows.reduce((sum, row) => sum + row.value, 0) - 100) < 1.5;

/**
 * The split that one line or the lines of a paragraph write out: `Positive 62%, neutral 25%, negative 13%.` In one line
 * without a lead each share must stand behind its name: `50% off, 50% cashback` is prose.
 * @param {string} text
 * @returns {Figure | undefined}
 */
export function splitOfText(text) {
  const lines = text.split("\n");
  if (lines.length > 1) return splitOf(lines);
  const [, lead, said = text] = /^([^:%\d]{1,60}:)\s+(.*,.*)$/.exec(text) ?? [];
  const parts = said.split(/\s*[,;·/]\s+|\s+(?:and|dan)\s+/);
  const split = lead || parts.every((part) => NAME_FIRST.test(bare(part))) ? splitOf(parts) : undefined;
  return split && (lead ? { ...split, lead } : split);
}

/** A part without its marks and what ends it. @param {string} part */
const bare = (part) => part.replaceAll(MARKS, "").replace(/[.,;]+$/, "").trim();

/**
 * The split in a table: names beside shares, or names above them.
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function splitOfTable(head, rows) {
  if (rows.length === 1) return splitOf(head.map((name, i) => `${name}: ${rows[0]?.[i] ?? ""}`));
  return head.length === 2 ? splitOf(rows.map(([name, value]) => `${name}: ${value}`)) : undefined;
}
