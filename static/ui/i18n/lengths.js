/** How the interface's language writes what only runs and their questions show. */
import { languageNow } from "./index.js";

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
