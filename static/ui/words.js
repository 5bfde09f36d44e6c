/**
 * What a person typed at a checkpoint: kept for the tab's life, so that no word is lost to a reload or a dead socket.
 * @typedef {{ version: number, text?: string | undefined, note: string, form?: Record<string, string> | undefined }} Words
 */
import { useSyncExternalStore } from "react";
import { ifAllowed } from "./storage.js";

const PREFIX = "quarterdeck.words.";
/** @type {Map<string, Words>} */ const held = new Map();
/** @type {Set<() => void>} */ const listeners = new Set();

/** @param {string} checkpoint @returns {Words | undefined} */
export function wordsOf(checkpoint) {
  if (!held.has(checkpoint)) {
    const stored = ifAllowed(() => sessionStorage.getItem(PREFIX + checkpoint));
    if (stored) held.set(checkpoint, JSON.parse(stored));
  }
  return held.get(checkpoint);
}

/** @param {string} checkpoint @param {Words} words */
export function keepWords(checkpoint, words) {
  held.set(checkpoint, words);
  ifAllowed(() => sessionStorage.setItem(PREFIX + checkpoint, JSON.stringify(words)));
  for (const listener of listeners) listener();
}

/** @param {string} checkpoint */
export function dropWords(checkpoint) {
  held.delete(checkpoint);
  ifAllowed(() => sessionStorage.removeItem(PREFIX + checkpoint));
  for (const listener of listeners) listener();
}

/** Those that went out with an answer; what is typed since then is not among them. @type {WeakSet<Words>} */
const sent = new WeakSet();
/** @param {Words | undefined} words */
export const isSent = (words) => words !== undefined && sent.has(words);

/** Notes that all that was typed so far goes out. @param {string} checkpoint */
export function markSent(checkpoint) {
  const words = wordsOf(checkpoint);
  if (words) sent.add(words);
}

/** Drops what went out. @param {string} checkpoint */
export function dropSent(checkpoint) {
  if (isSent(wordsOf(checkpoint))) dropWords(checkpoint);
}

/** Drops a note that was said, and nothing that was typed since. @param {string} checkpoint @param {string} note */
export function dropNote(checkpoint, note) {
  const words = wordsOf(checkpoint);
  if (words?.note.trim() === note) keepWords(checkpoint, { ...words, note: "" });
}

/** @param {(() => void)} f */
const listen = (f) => {
  listeners.add(f);
  return () => void listeners.delete(f);
};

/** @param {string} checkpoint */
export const useWords = (checkpoint) =>
  useSyncExternalStore(
    listen,
    () => wordsOf(checkpoint),
    () => undefined,
  );
