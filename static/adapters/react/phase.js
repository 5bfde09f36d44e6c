/**
 * Where a checkpoint stands for the person who looks at it. Pure.
 * @import { CommandError } from "../../client/index.js"
 * @import { CheckpointView } from "../../client/types.js"
 * @import { Words } from "./words.js"
 */

/**
 * `conflict`: somebody else decided while this person had words of their own; `stale`: the draft was changed under
 * them; `revising`: the crew writes another version.
 * @typedef {"open" | "sending" | "offline" | "stale" | "revising" | "decided" | "conflict" | "expired" | "withdrawn"} Phase
 */

/**
 * @param {CheckpointView} checkpoint
 * @param {{ words: Words, sending: boolean, error: CommandError | null, connected: boolean }} person
 * @returns {Phase}
 */
export function phaseOf(checkpoint, { words, sending, error, connected }) {
  const typed = words.text !== undefined || words.note !== "";
  const lost = error?.code === "already_decided" || (typed && !sending);
  if (checkpoint.state === "decided") return lost ? "conflict" : "decided";
  if (checkpoint.state === "revising" && lost) return "conflict";
  if (checkpoint.state !== "open") return checkpoint.state;
  if (sending) return connected ? "sending" : "offline";
  if (isStale(checkpoint, words) || error?.code === "stale_version" || error?.code === "stale_digest") return "stale";
  return connected ? "open" : "offline";
}

/** Whether what was edited is not the draft that is asked about now. @param {CheckpointView} c @param {Words} words */
const isStale = (c, words) => words.text !== undefined && words.version !== c.version;
