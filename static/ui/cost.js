/**
 * What models cost, as people read it: only where it is known, and “at least” where some calls have no price.
 * @import { Cost } from "../client/protocol.js"
 */
import { languageNow, t } from "./i18n/index.js";
import "./i18n/run.js";

/** The usual two decimals would hide most of what is less than one, and four of what is less than this. */
const TINY = 0.001;

/** An amount of money in the currency's own form: `$12.30`, `$0.0041`. @param {Cost} cost */
export function amountOf({ amount, currency }) {
  const value = Number(amount),
    small = value < TINY ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 4 },
    digits = value > 0 && value < 1 ? small : {};
  return new Intl.NumberFormat(languageNow(), { style: "currency", currency, ...digits }).format(value);
}

/** @param {Cost} cost */
export const costOf = (cost) => (cost.unpriced ? t("cost.least", { cost: amountOf(cost) }) : amountOf(cost));

/** Whether a fact of a question is a cost. @param {unknown} value @returns {value is Cost} */
export const isCost = (value) =>
  typeof value === "object" &&
  value !== null &&
  "amount" in value &&
  "currency" in value &&
  Number.isFinite(Number(value.amount)) &&
  /^[A-Z]{3}$/.test(String(value.currency));
