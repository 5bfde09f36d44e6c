/**
 * A checkpoint as an AG-UI interrupt, and the answer to one as a decision. Pure; the rules of the server's door.
 * @import { Interrupt } from "@ag-ui/client"
 * @import { Checkpoint, Decide } from "../../client/protocol.js"
 */
import { CommandError } from "../../client/commands.js";

/** What a payload may say in our own words; the others are AG-UI's `approved` and `editedArgs`. */
const WORDS = ["feedback", "output", "arguments", "response", "version"];
/** Actions that contradict a yes, and a no. @type {Record<string, string[]>} */
const CONTRADICTED = { true: ["reject", "revise", "stop"], false: ["approve", "edit"] };
/** An agent is always told why its call was refused. */
const UNEXPLAINED = "(no reason given)";

/** How AG-UI's messages name a call, or a text, of an execution. @param {string} execution @param {string} name */
export const identOf = (execution, name) => `${execution}/${name}`;

/** The tool call that people are asked to approve, if that is the question. @param {Checkpoint} asked */
export const callOf = (asked) => (asked.kind === "tool" && asked.tool?.call ? { ...asked.tool, call: asked.tool.call } : undefined);

/** Offers a checkpoint. @param {Checkpoint} asked @returns {Interrupt} */
export function interruptOf(asked) {
  const call = callOf(asked);
  return {
    id: asked.id,
    reason: call ? "tool_call" : `quarterdeck:${asked.kind}`,
    message: asked.title,
    responseSchema: responseSchema(asked),
    metadata: {
      quarterdeck: {
        checkpoint: asked.id,
        execution: asked.execution,
        name: asked.name,
        kind: asked.kind,
        version: asked.version,
        digest: asked.digest,
        description: asked.description,
        draft: asked.draft,
        tool: asked.tool ?? null,
        actions: asked.actions,
      },
    },
    ...(asked.deadline && { expiresAt: asked.deadline }),
    ...(call && { toolCallId: identOf(asked.execution, call.call) }),
  };
}

/** What a payload may be: an action and what goes with it, or AG-UI's yes and no. @param {Checkpoint} asked */
export function responseSchema(asked) {
  const actions = asked.actions.map((action) => action.id),
    isTool = asked.kind === "tool";
  /** @type {Record<string, unknown>} */
  const properties = { action: { type: "string", enum: actions }, feedback: { type: "string" } };
  if (actions.includes("approve")) properties["approved"] = { type: "boolean" };
  if (actions.includes("edit") && isTool)
    properties["arguments"] = properties["editedArgs"] = asked.tool?.schema ?? { type: "object" };
  else if (actions.includes("edit")) properties["output"] = { type: "string" };
  if (actions.includes("respond")) properties["response"] = asked.schema ?? { type: "string" };
  return {
    type: "object",
    properties,
    ...(isTool && "approved" in properties && { required: ["approved"] }),
    additionalProperties: false,
  };
}

/**
 * Reads a payload: `{action, …}`, `{approved, editedArgs?, feedback?}`, or nothing but the words of an answer.
 * `approved: false` never approves: it sends back with feedback, refuses a tool's call, and stops where neither is
 * offered.
 * @param {Checkpoint} asked
 * @param {any} payload
 * @returns {Omit<Decide, "type" | "id" | "key">}
 */
export function decisionOf(asked, payload) {
  const said = typeof payload === "string" && offers(asked, "respond") ? { action: "respond", response: payload } : payload;
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw no("The payload of an answer is one object.");
  /** @type {Record<string, any>} */
  const fields = Object.fromEntries(WORDS.flatMap((name) => ((said[name] ?? null) === null ? [] : [[name, said[name]]])));
  if ((said.editedArgs ?? null) !== null) fields["arguments"] = said.editedArgs;
  const action = said.action || meant(asked, said, fields);
  if (typeof action !== "string") throw no("An answer says its `action`, or whether it is `approved`.");
  if (CONTRADICTED[typeof said.approved === "boolean" ? String(said.approved) : ""]?.includes(action))
    throw no(`\`approved\` contradicts the action '${action}'.`);
  if (action === "reject" && asked.kind === "tool") fields["feedback"] ??= UNEXPLAINED;
  fields["version"] ??= asked.version;
  return { execution: asked.execution, checkpoint: asked.id, action, ...fields };
}

const no = (/** @type {string} */ message) => new CommandError("bad_field", message);

/**
 * Which action `approved` means.
 * @param {Checkpoint} asked
 * @param {{ approved?: unknown }} said
 * @param {Record<string, unknown>} fields
 */
function meant(asked, { approved }, fields) {
  if (approved === true) return "arguments" in fields || "output" in fields ? "edit" : "approve";
  if (approved === false) {
    const wanted = fields["feedback"] ? ["reject", "revise"] : ["reject"];
    return wanted.find((action) => offers(asked, action)) ?? "stop";
  }
  return "response" in fields ? "respond" : undefined;
}

/** @param {Checkpoint} asked @param {string} action */
const offers = (asked, action) => asked.actions.some((one) => one.id === action);
