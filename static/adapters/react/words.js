/**
 * What a person typed at checkpoints and has not sent: kept while the client lives, whoever unmounts meanwhile.
 * @import { Client } from "../../client/index.js"
 */

/**
 * `text`: the draft as it was changed; `version`: the draft it was made of.
 * @typedef {{ readonly text?: string | undefined, readonly note: string, readonly version: number }} Words
 */

/** Nothing typed. @type {Words} */
export const NO_WORDS = Object.freeze({ note: "", version: 0 });

/** @type {WeakMap<Client, ReturnType<typeof createWords>>} */
const known = new WeakMap();

/** The words typed at the checkpoints of a client. @param {Client} client */
export function wordsOf(client) {
  const words = known.get(client) ?? createWords();
  known.set(client, words);
  return words;
}

export function createWords() {
  /** @type {Map<string, Words>} */ const typed = new Map();
  /** @type {Set<() => void>} */ const listeners = new Set();
  const tell = () => {
    for (const listener of [...listeners]) listener();
  };
  return {
    /** @param {() => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** @param {string | undefined} id */
    read: (id) => (id === undefined ? undefined : typed.get(id)) ?? NO_WORDS,
    /** @param {string} id @param {Words} words */
    write(id, words) {
      typed.set(id, words);
      tell();
    },
    /** They were sent, or are not wanted any more. @param {string} id */
    drop(id) {
      if (typed.delete(id)) tell();
    },
  };
}
