/**
 * What can be decided, and what was, in words.
 * @import { Action, Actor, Checkpoint } from "../client/protocol.js"
 */
import { humanise } from "../client/states.js";
import { t, tOr } from "./i18n/index.js";
import { nameOf } from "./people.js";

/** An outcome of a flow, by the name that its author gave it. */
export const OUTCOME = "outcome:";

/**
 * A button's words in the reader's language: those of this very question, of its kind, of any; else the server's.
 * @param {Checkpoint} c
 * @param {Action} action
 */
export function labelOf(c, { id, label }) {
  const keys = [`action.${c.kind}.${c.name}.${id}`, `action.${c.kind}.${id}`, `action.${id}`];
  return keys.reduceRight((words, key) => tOr(key, words), label);
}

/** What was chosen, as its button said. @param {Checkpoint | undefined} c @param {string} id */
export function chosen(c, id) {
  const action = c?.actions.find((a) => a.id === id);
  return c && action ? labelOf(c, action) : humanise(id.replace(OUTCOME, ""));
}

/**
 * A decision in a sentence.
 * @param {Checkpoint | undefined} c where it is known
 * @param {{ action: string, title: string, by?: Actor | null | undefined }} decision
 * @param {boolean} own whether it went out from this tab
 */
export function verdictOf(c, { action, title, by }, own) {
  const values = { who: nameOf(by, own), title, action: chosen(c, action) };
  const usual = tOr(`decided.${action}`, t("decided.other", values), values);
  return tOr(`decided.${c?.kind}.${action}`, usual, values);
}
