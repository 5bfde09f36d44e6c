/**
 * What a pressed button sends, or what is still missing.
 * @import { Action, Checkpoint } from "../client/protocol.js"
 * @import { Answer } from "./decide.js"
 * @import { ObjectSchema } from "./fields.js"
 * @import { Key } from "./i18n/types.js"
 */
import { read } from "./fields.js";
import { t } from "./i18n/index.js";
import { isJson, unsafeNumber } from "./json.js";
import { objectForm, property } from "./schema.js";

/**
 * What a person entered: the edited text, the note, the fields of a form.
 * @typedef {{ text: string, note: string, form: Record<string, string> }} Entered
 */
/** @typedef {Record<string, string>} Problems What is wrong, by field. */
/** @typedef {{ answer: Answer } | { problem: Key } | { problems: Problems }} Prepared */

/** Whether a checkpoint asks for words instead of a verdict. @param {Checkpoint} c */
export const asksAnswer = (c) => c.actions.some((action) => action.id === "respond");

/** Whether the result of a tool can be told, whose own was lost. @param {Checkpoint} c */
export const asksResult = (c) => c.kind === "recovery" && c.actions.some((action) => action.id === "edit");

/** Whether the draft can be changed: it, or the arguments of the call that is asked about. @param {Checkpoint} c */
export const isEditable = (c) => c.kind !== "recovery" && c.actions.some((action) => action.id === "edit");

/** Whether the draft is JSON, and what takes its place must be. @param {Checkpoint} c */
export const isStructured = (c) => c.draft.content_type === "application/json" || Boolean(c.schema);

/**
 * The form of a typed answer; a single value stands in a form of one field.
 * @param {Checkpoint} c
 * @returns {ObjectSchema | undefined}
 */
export function formOf(c) {
  if (!c.schema || !asksAnswer(c)) return undefined;
  const form = objectForm(c.schema);
  if (form) return form;
  const value = property(c.schema);
  return { properties: { response: { ...value, title: value.title ?? t("card.answer") } }, required: ["response"] };
}

/**
 * What the server found wrong, at the fields of the form; a misfit deep in a field stands at the field.
 * @param {Checkpoint} c
 * @param {Problems} fields
 * @returns {Problems}
 */
export function atFields(c, fields) {
  const form = formOf(c);
  if (!form) return fields;
  const known = Object.keys(form.properties ?? {}),
    whole = known.includes("response") && known.length === 1;
  return Object.fromEntries(
    Object.entries(fields)
      .map(([path, reason]) => [whole ? "response" : (path.split(".")[0] ?? ""), reason])
      .filter(([name]) => known.includes(name ?? "")),
  );
}

/** @param {Checkpoint} c @param {Action} action @param {Entered} entered @returns {Prepared} */
export function prepare(c, { id, needs_feedback }, { text, note, form }) {
  const said = note.trim();
  if (id === "respond") return respond(c, said, form);
  if (needs_feedback && !said) return { problem: c.kind === "tool" ? "card.say_agent" : "card.say" };
  const answer = { action: id, ...(said && { feedback: said }) };
  if (id !== "edit") return { answer };
  if (c.kind === "tool") return withArguments(answer, text);
  if (!text.trim()) return { problems: { output: t("start.missing") } };
  if (c.kind !== "recovery" && isStructured(c) && !isJson(text)) return { problems: { output: t("start.json") } };
  return { answer: { ...answer, output: text } };
}

/** @param {Checkpoint} c @param {string} said @param {Record<string, string>} form @returns {Prepared} */
function respond(c, said, form) {
  const schema = formOf(c);
  if (!schema) return said ? { answer: { action: "respond", response: said } } : { problem: "card.say_answer" };
  const { values, problems } = read(schema, form);
  if (Object.keys(problems).length) return { problems };
  const response = c.schema && objectForm(c.schema) ? values : values["response"];
  return { answer: { action: "respond", response, ...(said && { feedback: said }) } };
}

/** @param {Answer} answer @param {string} text @returns {Prepared} */
function withArguments(answer, text) {
  if (!isJson(text)) return { problems: { arguments: t("card.json") } };
  const value = JSON.parse(text),
    unsafe = unsafeNumber(text);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { problems: { arguments: t("card.json_object") } };
  if (unsafe) return { problems: { arguments: t("card.json_number", { number: unsafe }) } };
  return { answer: { ...answer, arguments: value } };
}
