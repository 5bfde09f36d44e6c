/**
 * Single keys that work anywhere but in a text; a person may switch them off (WCAG 2.1.4).
 */
import { useEffect } from "react";
import { go } from "./router.js";
import { keepSetting, setting } from "./storage.js";

/** Whether letters are keys in this browser. */
export const areKeysOn = () => setting("keys") !== "off";
/** @param {boolean} on */
export const switchKeys = (on) => keepSetting("keys", on ? "on" : "off");

/** Whether a key is one alone, and not a part of a text. @param {KeyboardEvent} e */
export const isSingle = (e) =>
  !e.metaKey && !e.ctrlKey && !e.altKey && !(/** @type {HTMLElement} */ (e.target).matches?.("input, textarea, select")) && areKeysOn();

/** How long after G the next key still belongs to it, in milliseconds. */
const CHORD = 1500;

/** Listens for the keys of the whole page. @param {() => void} help @param {() => void} palette */
export function useKeys(help, palette) {
  useEffect(() => {
    let before = 0;
    const press = (/** @type {KeyboardEvent} */ e) => {
      const isPalette = (e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k";
      if (isPalette) e.preventDefault(); // the browser's own would leave the page
      if ((e.defaultPrevented && !isPalette) || document.querySelector("dialog[open]")) return;
      if (isPalette) return palette();
      if (e.key === "Escape" && /** @type {HTMLElement} */ (e.target).matches?.("#search")) clear(/** @type {any} */ (e.target));
      if (!isSingle(e)) return;
      const key = e.key.toLowerCase();
      const isChord = key === "i" && e.timeStamp - before < CHORD;
      before = key === "g" ? e.timeStamp : 0;
      const act = isChord ? () => go({}) : { "?": help, "/": toSearch, j: () => step(1), k: () => step(-1) }[key];
      if (!act) return;
      e.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [help, palette]);
}

const toSearch = () => document.getElementById("search")?.focus();

/** @param {HTMLInputElement} field */
function clear(field) {
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.blur();
}

/** Moves the focus along what waits; from elsewhere it begins at the one that is open. @param {1 | -1} by */
function step(by) {
  const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".waiting a")]);
  const focused = all.indexOf(/** @type {any} */ (document.activeElement)),
    here = focused < 0 ? all.findIndex((link) => link.hasAttribute("aria-current")) : focused;
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
  all[next]?.focus();
}
