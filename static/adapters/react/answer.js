/**
 * What an action sends, given what was typed. Pure.
 * @import { Action, Decide } from "../../client/protocol.js"
 * @import { CheckpointView } from "../../client/types.js"
 * @import { Words } from "./words.js"
 */
import { CommandError } from "../../client/commands.js";

/** @typedef {Omit<Decide, "type" | "id" | "key">} Decision */
/** @typedef {{ response?: unknown, arguments?: Record<string, unknown>, output?: string, feedback?: string }} More */

/** The text that can be changed: of a tool call its arguments, else the draft. @param {CheckpointView} c */
export const textOf = (c) => (c.kind === "tool" && c.tool ? JSON.stringify(c.tool.arguments, null, 2) : c.draft.text);

/** Whether the text can be changed. @param {CheckpointView} c */
export const isEditable = (c) => c.state === "open" && c.actions.some((action) => action.id === "edit");

/**
 * Makes the decision. A changed text that is approved is an edit; a note is the feedback, or the answer where one is
 * asked for.
 * @param {CheckpointView} c
 * @param {string} id of the action
 * @param {Words} words
 * @param {More} [more] what a form of one's own collected; it comes before what was typed
 * @returns {Decision}
 * @throws {CommandError} `not_offered`, `needs_feedback` or `bad_field`, as the server would say
 */
export function decisionOf(c, id, words, more = {}) {
  const action = offered(c, id === "approve" && words.text !== undefined && isEditable(c) ? "edit" : id);
  const note = words.note.trim(),
    base = { execution: c.execution, checkpoint: c.id, version: c.version, action: action.id };
  if (action.id === "respond") return { ...base, response: required(note, "Write an answer"), ...more };
  if (action.needs_feedback)
    return { ...base, feedback: required(note || more.feedback, "Say what should change"), ...more };
  return { ...base, ...(note && { feedback: note }), ...(action.id === "edit" && edited(c, words)), ...more };

  /** @param {string | undefined} said @param {string} otherwise */
  function required(said, otherwise) {
    if (!said && more.response === undefined) throw new CommandError("needs_feedback", otherwise);
    return said ?? "";
  }
}

/** @param {CheckpointView} c @param {string} id @returns {Action} */
function offered(c, id) {
  const action = c.actions.find((a) => a.id === id);
  if (action) return action;
  throw new CommandError("not_offered", `This question does not take "${id}"`, {
    detail: { actions: c.actions.map((a) => a.id) },
  });
}

/** @param {CheckpointView} c @param {Words} words */
function edited(c, { text = textOf(c) }) {
  if (c.kind !== "tool") return { output: text };
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { arguments: value };
  } catch {} // it is told below
  throw new CommandError("bad_field", "The arguments must be a JSON object");
}
