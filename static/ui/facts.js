/** What a question says beside its draft: the task, its cost, what is expected. */
import { html } from "./html.js";
import { number, tOr } from "./i18n/index.js";
import { costOf } from "./i18n/lengths.js";

/**
 * @import { Cost } from "../client/protocol.js"
 * @typedef {readonly [name: string, value: string | number | Cost]} Fact
 */

/** The facts that can be shown, those for a glance and those too long for it. @param {Readonly<Record<string, unknown>>} facts */
export function sorted(facts) {
  const all = Object.entries(facts).filter(([, v]) => typeof v === "string" || typeof v === "number" || isCost(v));
  const isLong = (/** @type {[string, unknown]} */ [, value]) => String(value).length > 60;
  return /** @type {{ short: Fact[], long: Fact[] }} */ ({
    short: all.filter((fact) => !isLong(fact)),
    long: all.filter(isLong),
  });
}

/** @param {{ facts: readonly Fact[] }} props */
export const Facts = ({ facts }) =>
  html`<dl class="facts">${facts.map(
    ([name, value]) => html`<div key=${name}><dt>${tOr(`fact.${name}`, name.replaceAll("_", " "))}</dt>
  <dd>${isCost(value) ? costOf(value) : typeof value === "number" ? number(value) : value}</dd></div>`,
  )}</dl>`;

/** Whether a fact is what models cost. @param {any} value @returns {value is Cost} */
export const isCost = (value) => /^[A-Z]{3}$/.test(value?.currency ?? "") && Number.isFinite(Number(value.amount ?? NaN));
