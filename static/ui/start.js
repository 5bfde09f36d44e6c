/**
 * What a person chose and typed for a run that has not begun: kept for the tab's life.
 * @typedef {{ crew: string, typed: Record<string, string>, unticked: readonly string[] }} Start
 */
import { useSyncExternalStore } from "react";
import { makeListeners } from "./listeners.js";
import { ifAllowed } from "./storage.js";

const KEY = "quarterdeck.start";
/** @type {Start | undefined} */ let held;
const { listen, tell } = makeListeners();

/** @returns {Start} */
export function startWords() {
  if (!held) {
    const stored = ifAllowed(() => sessionStorage.getItem(KEY));
    held = stored ? /** @type {Start} */ (JSON.parse(stored)) : { crew: "", typed: {}, unticked: [] };
  }
  return held;
}

/** @param {Start} start */
export function keepStart(start) {
  held = start;
  ifAllowed(() => sessionStorage.setItem(KEY, JSON.stringify(start)));
  tell();
}

/** What is kept, and a function that changes a part of it. */
export function useStart() {
  const start = useSyncExternalStore(listen, startWords, startWords);
  const keep = (/** @type {Partial<Start>} */ part) => keepStart({ ...startWords(), ...part });
  return /** @type {const} */ ([start, keep]);
}
