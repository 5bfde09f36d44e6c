/**
 * Which of a crew's inputs a message fills. Pure.
 * @import { ObjectSchema } from "./fields.js"
 */

/** Names of inputs that hold what a person says, the surest first. */
const NAMES = [
  ...["user_input", "message", "user_message", "prompt", "query", "question", "request", "brief", "topic", "subject"],
  ...["input", "text", "task", "goal", "description"],
];

/**
 * The input that a message goes into: one that is called so, else the only text that must be there.
 * @param {ObjectSchema} schema
 * @returns {string | undefined}
 */
export function messageInput(schema) {
  const texts = Object.entries(schema.properties ?? {})
    .filter(([, property]) => (property.type ?? "string") === "string" && !property.enum)
    .map(([name]) => name);
  const named = NAMES.find((name) => texts.includes(name));
  if (named) return named;
  const needed = texts.filter((name) => schema.required?.includes(name) && !isLanguage(name));
  return needed.length === 1 ? needed[0] : undefined;
}

/** Whether an input names the language that the crew writes in. @param {string} name */
export const isLanguage = (name) => /^(output_)?language$/.test(name);
