/**
 * What a person chose and typed for a run that has not begun: kept for the tab's life.
 * @typedef {{ crew: string, typed: Record<string, string>, unticked: readonly string[] }} Start
 */
import { useSyncExternalStore } from "react";
import { ifAllowed } from "./storage.js";

const KEY = "quarterdeck.start";
/** @type {Start | undefined} */ let held;
/** @type {Set<() => void>} */ const listeners = new Set();

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
  for (const listener of listeners) listener();
}

/** What is kept, and a function that changes a part of it. */
export function useStart() {
  const start = useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => void listeners.delete(f);
    },
    startWords,
    startWords,
  );
  const keep = (/** @type {Partial<Start>} */ part) => keepStart({ ...startWords(), ...part });
  return /** @type {const} */ ([start, keep]);
}
