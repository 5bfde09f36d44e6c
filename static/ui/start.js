/**
 * What a person chose and typed for a run that has not begun: kept for the tab's life.
 * @typedef {{ crew: string, typed: Record<string, string>, unticked: readonly string[] }} Start
 */
import { useState } from "react";
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

/** What is kept, and a function that changes a part of it. */
export function useStart() {
  const [start, set] = useState(startWords);
  const keep = (/** @type {Partial<Start>} */ part) => {
    const next = { ...startWords(), ...part };
    keepStart(next);
    set(next);
  };
  return /** @type {const} */ ([start, keep]);
}
