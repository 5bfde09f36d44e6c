/**
 * What a client of AG-UI asks for, and which of our commands that is. Pure; the rules of the server's `POST /ag-ui/{crew}`.
 * @import { Message, RunAgentInput } from "@ag-ui/client"
 * @import { Crew, Execution, Start } from "../../client/protocol.js"
 */
import { CommandError } from "../../client/commands.js";

/** Inputs by these names are the user's words, the first that a crew has. */
const WORDS = ["user_input", "message", "topic", "prompt", "question", "query", "brief", "text", "input"];

/** What the user said last, if nobody has spoken since. @param {readonly Message[]} messages */
export function lastWords(messages) {
  const last = messages.at(-1);
  return last?.role === "user" ? textOf(last) : undefined;
}

/** A message's text; of its parts, the texts. @param {{ content?: unknown }} message */
export function textOf({ content }) {
  if (Array.isArray(content)) return content.flatMap((part) => ("text" in part ? [String(part.text)] : [])).join("\n");
  return typeof content === "string" ? content : "";
}

/**
 * The command that starts a crew: `forwardedProps.inputs`, the user's last words for the text that is missing, and
 * `forwardedProps.checkpoints`.
 * @param {Crew | undefined} crew as it is registered; the server refuses one that is not
 * @param {string} name
 * @param {RunAgentInput} input
 * @returns {Omit<Start, "type" | "id" | "key">}
 */
export function startOf(crew, name, input) {
  const given = objectOf(input.forwardedProps, "inputs");
  const words = lastWords(input.messages),
    into = crew && textInput(crew.inputs, given);
  return {
    crew: name,
    inputs: { ...(words && into && { [into]: words }), ...given },
    checkpoints: namesOf(input.forwardedProps),
    conversation: input.threadId,
  };
}

/** @param {any} props @param {string} name @returns {Record<string, unknown>} */
function objectOf(props, name) {
  const found = props?.[name] ?? {};
  if (typeof found !== "object" || Array.isArray(found))
    throw new CommandError("bad_field", `\`forwardedProps.${name}\` must be one object.`);
  return found;
}

/** @param {any} props @returns {string[]} */
function namesOf(props) {
  const found = props?.checkpoints ?? [];
  if (!Array.isArray(found) || !found.every((name) => typeof name === "string"))
    throw new CommandError("bad_field", "`forwardedProps.checkpoints` must be a list of names.");
  return found;
}

/**
 * The input that takes the user's words: by its name, else the only text that is missing.
 * @param {Record<string, any>} schema
 * @param {Record<string, unknown>} given
 * @returns {string | undefined}
 */
function textInput(schema, given) {
  const texts = Object.entries(schema["properties"] ?? {}).flatMap(([name, field]) =>
    (/** @type {any} */ (field).type ?? "string") === "string" && !(name in given) ? [name] : [],
  );
  const named = WORDS.find((name) => texts.includes(name)),
    required = texts.filter((name) => schema["required"]?.includes(name));
  return named ?? (required.length === 1 ? required[0] : texts.length === 1 ? texts[0] : undefined);
}

/**
 * What was said: the client's own messages, or, where it knows of no answers, what the tasks have given.
 * @param {readonly Message[]} messages
 * @param {Execution} execution
 * @returns {any[]}
 */
export function historyOf(messages, execution) {
  const kept = messages.filter((message) => message.role !== "activity");
  if (kept.some((message) => message.role === "assistant")) return kept;
  const outputs = execution.tasks.flatMap(({ index, output }) =>
    typeof output === "string" ? [{ id: `${execution.id}/${index}`, role: "assistant", content: output }] : [],
  );
  return [...kept, ...outputs];
}
