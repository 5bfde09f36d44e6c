/** A word diff, as the page and the hooks show it. */
import { diffWordsWithSpace } from "diff";

/** @typedef {{ value: string, added?: boolean, removed?: boolean }} Change a stretch of text that was kept, added or removed */

/** Nobody waits longer for a finer answer than "all of it", in milliseconds. */
const LIMIT = 200;

/**
 * The stretches that make up both texts, in order.
 * @param {string} from
 * @param {string} to
 * @returns {readonly Change[]}
 */
export const changesOf = (from, to) =>
  /** @type {Change[] | undefined} */ (diffWordsWithSpace(from, to, { timeout: LIMIT })) ?? [
    { value: from, removed: true },
    { value: to, added: true },
  ];
