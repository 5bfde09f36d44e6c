/**
 * How the interface's language writes what only runs and their questions show.
 * @import { Cost } from "../../client/protocol.js"
 */
import { languageNow, t } from "./index.js";

/** A number in few characters: `12K`. @param {number} value */
export const compact = (value) =>
  new Intl.NumberFormat(languageNow(), { notation: "compact", maximumSignificantDigits: 3 }).format(value);

/** A length of time in words: `45 s`, `5 min 3 s`, `2 h 10 min`. @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const unit = (/** @type {number} */ n, /** @type {string} */ name) =>
    new Intl.NumberFormat(languageNow(), { style: "unit", unit: name, unitDisplay: "short" }).format(n);
  if (seconds < 60) return unit(seconds, "second");
  if (seconds < 3600)
    return [unit(Math.floor(seconds / 60), "minute"), ...(seconds % 60 ? [unit(seconds % 60, "second")] : [])].join(
      " ",
    );
  return [
    unit(Math.floor(seconds / 3600), "hour"),
    ...(seconds % 3600 >= 60 ? [unit(Math.floor((seconds % 3600) / 60), "minute")] : []),
  ].join(" ");
}

/** `Rara, Dimas and Sari`. @param {readonly string[]} names */
export const listOf = (names) => new Intl.ListFormat(languageNow()).format(names);

/** The usual two decimals would hide most of what is less than one, and four of what is less than this. */
const TINY = 0.001;

/** An amount of money in the currency's own form: `$12.30`, `$0.0041`. @param {Cost} cost */
export function money({ amount, currency }) {
  const value = Number(amount),
    small = value < TINY ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 4 };
  return new Intl.NumberFormat(languageNow(), { style: "currency", currency, ...(value > 0 && value < 1 && small) }).format(value);
}

/** What models cost: at least so much, where some calls have no price. @param {Cost} cost */
export const costOf = (cost) => (cost.unpriced ? t("cost.least", { cost: money(cost) }) : money(cost));
