/**
 * Who else looks at a checkpoint. Pure.
 * @import { Viewer } from "./protocol.js"
 * @import { Self } from "./types.js"
 */

/**
 * The others, one for each person, with what they do; where nobody is told apart, one for each connection.
 * @param {readonly Viewer[]} viewers
 * @param {Self} self
 * @returns {readonly Viewer[]}
 */
export function othersOf(viewers, { connection, person, isOpen, former = [] }) {
  /** @type {Map<string, Viewer>} */ const found = new Map();
  for (const viewer of viewers) {
    if (viewer.id === connection || former.includes(viewer.id) || (!isOpen && person && viewer.person === person.id)) continue;
    const key = (!isOpen && viewer.person) || viewer.id;
    if (found.get(key)?.state !== "editing") found.set(key, viewer);
  }
  return [...found.values()];
}
