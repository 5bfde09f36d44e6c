/**
 * The interface's language, and how it writes numbers and times. The language of what agents write is another matter.
 * @import { Key } from "./types.js"
 */
import { useSyncExternalStore } from "react";
import { makeListeners } from "../listeners.js";
import en from "./en.js";

/** Languages of the interface, by their own names. */
export const LANGUAGES = Object.freeze({ en: "English", id: "Bahasa Indonesia" });
/** @typedef {keyof typeof LANGUAGES} Language */

/** @typedef {() => Promise<Record<string, string>>} Loader */
/** @type {Record<Language, Loader[]>} */
const LOADERS = { en: [async () => en], id: [async () => (await import("./id.js")).default] };
/** @type {Language} */ let language = "en";
/** @type {Promise<unknown>} */ let last = Promise.resolve();
/** @type {Record<string, string>} */ let copy = en;
const { listen, tell } = makeListeners();

/** Switches the interface, or takes in copy that was added, one after the other; resolves when it is there. @param {string} [next] */
export const setLanguage = (next) => (last = last.catch(() => undefined).then(() => put(next ?? language)));

/** @param {string} next */
async function put(next) {
  const known = /** @type {Language} */ (next in LANGUAGES ? next : "en");
  copy = Object.assign({}, ...(await Promise.all(LOADERS[known].map((load) => load()))));
  language = known;
  if (globalThis.document) document.documentElement.lang = known;
  tell();
}

/** The language now. */
export const languageNow = () => language;

/** Adds copy that only some parts of the page need; resolves when it is there. @param {Record<Language, Loader>} more */
export async function addCopy(more) {
  for (const [code, load] of Object.entries(more)) LOADERS[/** @type {Language} */ (code)].push(load);
  await setLanguage();
}

/** The language now; the component renders again when it changes. @returns {Language} */
export const useLanguage = () =>
  useSyncExternalStore(
    listen,
    () => language,
    () => language,
  );

/**
 * The copy of `key`, with its `{names}` filled in; `n` chooses the singular.
 * @param {Key} key
 * @param {Record<string, unknown>} [values]
 */
export function t(key, values = {}) {
  const one = `${key}_one`;
  const text =
    (typeof values["n"] === "number" && new Intl.PluralRules(language).select(values["n"]) === "one" && copy[one]) ||
    copy[key] ||
    key;
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

/**
 * Copy that may be missing, for names that servers make up.
 * @param {string} key
 * @param {string} fallback
 * @param {Record<string, unknown>} [values]
 */
export const tOr = (key, fallback, values) => (key in copy ? t(/** @type {Key} */ (key), values) : fallback);

/** A number as this language writes it. @param {number} value */
export const number = (value) => new Intl.NumberFormat(language).format(value);

/** A countdown: `9:12`, `1:05:09`. @param {number} ms */
export function countdown(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000)),
    two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest.replace(/^0/, "");
}

/** How long ago something was: `5 min. ago`. @param {number} ms */
export function ago(ms) {
  const seconds = Math.max(0, ms / 1000),
    format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  if (seconds < 45) return format.format(0, "second");
  if (seconds < 3600) return format.format(-Math.max(1, Math.round(seconds / 60)), "minute");
  return seconds < 86_400
    ? format.format(-Math.round(seconds / 3600), "hour")
    : format.format(-Math.round(seconds / 86_400), "day");
}
