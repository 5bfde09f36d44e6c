/**
 * What a person chose and typed for a run that has not begun: kept for the tab's life.
 * @typedef {{ crew: string, typed: Record<string, string>, unticked: readonly string[] }} Start
 */
import { ifAllowed } from "./storage.js";

const KEY = "quarterdeck.start";
/** @type {Start} */ let held = { crew: "", typed: {}, unticked: [] };

/** @returns {Start} */
export function startWords() {
  const stored = ifAllowed(() => sessionStorage.getItem(KEY));
  if (stored) held = JSON.parse(stored);
  return held;
}

/** @param {Start} start */
export function keepStart(start) {
  held = start;
  ifAllowed(() => sessionStorage.setItem(KEY, JSON.stringify(start)));
}
