/**
 * The states of an execution, and names for what has none.
 * @import { Event, Execution } from "./protocol.js"
 */

/** Ends: the execution's last state by the event that brings it. */
export const ENDS = /** @type {const} */ ({
  "execution.completed": "completed",
  "execution.failed": "failed",
  "execution.stopped": "stopped",
  "execution.cancelled": "cancelled",
});
/** States that nothing follows. @type {ReadonlySet<string>} */
export const OVER = new Set(Object.values(ENDS));
/** @type {Readonly<Record<string, Execution["state"]>>} */
const STATES = {
  ...ENDS,
  "execution.queued": "queued",
  "execution.started": "running",
  "execution.recovered": "running",
  "execution.resumed": "running",
  "execution.paused": "paused",
};

/**
 * The state an event brings, or the one there was.
 * @param {Execution["state"]} state
 * @param {Event} e
 * @returns {Execution["state"]}
 */
export const stateAfter = (state, e) =>
  e.type === "execution.parked" && state === "running" ? "queued" : (STATES[e.type] ?? state);

/** What a worker does when it has taken an execution. */
const TAKEN = new Set(["execution.started", "execution.recovered", "execution.resumed"]);

/**
 * Whether no worker has the execution, after an event.
 * @param {boolean} parked
 * @param {Event} e
 */
export const isParkedAfter = (parked, e) => e.type === "execution.parked" || (parked && !TAKEN.has(e.type));

/** `content_plan` as people write it. @param {string} name */
export const humanise = (name) => name.replaceAll(/[_-]+/g, " ").replace(/^\p{L}/u, (c) => c.toUpperCase());
