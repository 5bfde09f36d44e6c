/**
 * What a pressed button sends, or what is still missing.
 * @import { Action, Checkpoint } from "../client/protocol.js"
 * @import { Answer } from "./decide.js"
 * @import { ObjectSchema } from "./fields.js"
 * @import { Key } from "./i18n/types.js"
 */
import { read } from "./fields.js";
import { t } from "./i18n/index.js";

/**
 * What a person entered: the edited text, the note, the fields of a form.
 * @typedef {{ text: string, note: string, form: Record<string, string> }} Entered
 */
/** @typedef {{ answer: Answer } | { problem: Key } | { problems: Record<string, string> }} Prepared */

/** Whether a checkpoint asks for words instead of a verdict. @param {Checkpoint} c */
export const asksAnswer = (c) => c.actions.some((action) => action.id === "respond");

/**
 * The form of a typed answer; a single value stands in a form of one field.
 * @param {Checkpoint} c
 * @returns {ObjectSchema | undefined}
 */
export function formOf(c) {
  if (!c.schema || !asksAnswer(c)) return undefined;
  if (c.schema["type"] === "object") return c.schema;
  return { properties: { response: { title: t("card.answer"), ...c.schema } }, required: ["response"] };
}

/** @param {Checkpoint} c @param {Action} action @param {Entered} entered @returns {Prepared} */
export function prepare(c, { id, needs_feedback }, { text, note, form }) {
  const said = note.trim();
  if (id === "respond") return respond(c, said, form);
  if (needs_feedback && !said) return { problem: "card.say" };
  const answer = { action: id, ...(said && { feedback: said }) };
  if (id !== "edit") return { answer };
  return c.tool ? withArguments(answer, text) : { answer: { ...answer, output: text } };
}

/** @param {Checkpoint} c @param {string} said @param {Record<string, string>} form @returns {Prepared} */
function respond(c, said, form) {
  const schema = formOf(c);
  if (!schema) return said ? { answer: { action: "respond", response: said } } : { problem: "card.say_answer" };
  const { values, problems } = read(schema, form);
  if (Object.keys(problems).length) return { problems };
  return { answer: { action: "respond", response: c.schema === schema ? values : values["response"] } };
}

/** @param {Answer} answer @param {string} text @returns {Prepared} */
function withArguments(answer, text) {
  try {
    return { answer: { ...answer, arguments: JSON.parse(text) } };
  } catch {
    return { problem: "card.json" };
  }
}
