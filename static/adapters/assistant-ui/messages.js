/**
 * An execution as a chat: the person's request, then the crew's answer with its questions as tool calls. Pure.
 * @import { ThreadMessageLike } from "@assistant-ui/react"
 * @import { CheckpointView, ExecutionView, Item } from "../../client/types.js"
 */
import { humanise } from "../../client/states.js";
import { approvalOf } from "./approval.js";

/** The name of the tool call that is a question to people. */
export const TOOL = "checkpoint";

/** @typedef {Exclude<ThreadMessageLike["content"], string>[number]} Part */
/** @typedef {Readonly<Record<string, CheckpointView>>} Checkpoints */

/**
 * One message of the person and one of the crew. Each task is text, each tool call a tool call, and each question a
 * tool call named `checkpoint` without a result until it is answered.
 * @param {ExecutionView | undefined} run
 * @param {Checkpoints} [checkpoints] those of the client's state
 * @returns {ThreadMessageLike[]}
 */
export function toMessages(run, checkpoints = {}) {
  if (!run) return [];
  return [
    { role: "user", id: `${run.id}:request`, content: wordsOf(run) },
    { role: "assistant", id: run.id, content: contentOf(run, checkpoints), status: statusOf(run) },
  ];
}

/** What the person asked for. @param {ExecutionView} run */
function wordsOf({ inputs, title }) {
  const words = inputs["user_input"] ?? inputs["message"];
  return typeof words === "string" && words ? words : title;
}

/** @param {ExecutionView} run @returns {NonNullable<ThreadMessageLike["status"]>} */
function statusOf(run) {
  switch (run.state) {
    case "waiting":
      return { type: "requires-action", reason: "tool-calls" };
    case "completed":
      return { type: "complete", reason: "stop" };
    case "failed":
      return { type: "incomplete", reason: "error", error: run.error?.message ?? "The crew failed" };
    case "stopped":
    case "cancelled":
      return { type: "incomplete", reason: "cancelled" };
    default:
      return { type: "running" };
  }
}

/** @param {ExecutionView} run @param {Checkpoints} checkpoints @returns {Part[]} */
function contentOf(run, checkpoints) {
  const last = new Map(run.items.flatMap((item) => (item.kind === "task" ? [[item.task, item.key]] : [])));
  const streamed = (/** @type {string} */ task, /** @type {string} */ key) =>
    last.get(task) === key ? Object.values(run.streams).find((s) => s.task === task)?.text : undefined;
  return run.items.flatMap((item) => {
    switch (item.kind) {
      case "task":
        return text(titleOf(run, item.task), item.text ?? streamed(item.task, item.key));
      case "tool":
        return [toolOf(item)];
      case "question":
        return question(item, checkpoints[item.checkpoint], run.items);
      case "notice":
        return text("", item.text);
      default:
        return [];
    }
  });
}

/** @param {ExecutionView} run @param {string} task */
const titleOf = (run, task) => run.tasks.find((t) => t.name === task)?.title ?? humanise(task);

/** @param {string} title @param {string | null | undefined} words @returns {Part[]} */
const text = (title, words) => (words ? [{ type: "text", text: title ? `**${title}**\n\n${words}` : words }] : []);

/** @param {Extract<Item, { kind: "tool" }>} item @returns {Part} */
const toolOf = (item) => ({
  type: "tool-call",
  toolCallId: item.key,
  toolName: item.tool,
  args: /** @type {any} */ (item.arguments ?? {}),
  ...(item.state !== "running" && { result: item.result ?? "", isError: item.state === "failed" }),
});

/**
 * @param {Extract<Item, { kind: "question" }>} item
 * @param {CheckpointView | undefined} c
 * @param {readonly Item[]} items
 * @returns {Part[]}
 */
function question({ checkpoint, version, title }, c, items) {
  const decision = items.find((i) => i.kind === "decision" && i.checkpoint === checkpoint && i.version === version);
  const isOpen = c?.state === "open" && c.version === version;
  const result =
    decision?.kind === "decision"
      ? { action: decision.action, by: decision.by?.name ?? null, feedback: decision.feedback ?? null }
      : { action: c?.state ?? "withdrawn", by: null, feedback: null };
  const asked = isOpen && c ? { description: c.description, draft: c.draft.text, actions: c.actions } : {};
  const id = `${checkpoint}:${version}`,
    judged = decision?.kind === "decision" ? decision : undefined;
  const approval = approvalOf(id, title, isOpen ? c : undefined, judged, c?.state === "expired");
  const args = /** @type {any} */ ({ checkpoint, version, title, ...asked });
  const call = { type: /** @type {const} */ ("tool-call"), toolCallId: id, toolName: TOOL, args, ...(!isOpen && { result }) };
  return [/** @type {Part} */ ({ ...call, approval })];
}
