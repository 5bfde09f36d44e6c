/**
 * A question as the approval of a tool call, which assistant-ui has from 0.15 on; older versions pass it over. Pure.
 * @import { Action, Decide } from "../../client/protocol.js"
 * @import { CheckpointView, Item } from "../../client/types.js"
 */

/**
 * How assistant-ui classes an answer. Those that begin with `_` are never taken for a yes or a no.
 * @type {Readonly<Record<string, string>>}
 */
const KINDS = { approve: "allow-once", retry: "allow-once", respond: "allow-once", revise: "reject-once", reject: "reject-once", stop: "reject-once" };

/**
 * @typedef {object} Approval
 * @property {string} id names the checkpoint and the version that is judged
 * @property {string} prompt
 * @property {"decision" | "text"} display
 * @property {boolean} allowFreeform
 * @property {readonly { id: string, kind: string, label: string, confirm?: boolean }[]} [options]
 * @property {boolean} [approved]
 * @property {string} [optionId]
 * @property {string} [text]
 * @property {"cancelled" | "expired"} [resolution]
 */
/** @typedef {{ approvalId: string, approved: boolean, optionId?: string, text?: string, reason?: string }} ApprovalAnswer */

/**
 * @param {string} id
 * @param {string} prompt
 * @param {CheckpointView | undefined} open the checkpoint while it waits for this answer
 * @param {Extract<Item, { kind: "decision" }> | undefined} decision
 * @param {boolean} expired
 * @returns {Approval}
 */
export function approvalOf(id, prompt, open, decision, expired) {
  const actions = (open?.actions ?? []).filter((action) => action.id !== "edit");
  const onlyWords = actions.length > 0 && actions.every((action) => action.id === "respond" || action.id === "stop");
  /** @type {Approval} */ const asked = { id, prompt, display: onlyWords ? "text" : "decision", allowFreeform: Boolean(open) };
  if (open) return { ...asked, options: actions.map(option) };
  if (!decision) return { ...asked, resolution: expired ? "expired" : "cancelled" };
  return { ...asked, approved: isYes(decision.action), optionId: decision.action, ...(decision.feedback && { text: decision.feedback }) };
}

/** @param {Action} action */
const option = ({ id, label, confirm }) => ({ id, kind: KINDS[id] ?? `_${id}`, label, ...(confirm && { confirm }) });

/** Whether an answer lets the work go on as it is. @param {string} action */
const isYes = (action) => action === "edit" || KINDS[action] === "allow-once";

/**
 * What an answer decides. A bare no is a refusal of the call, or asks for changes where it says which, or stops the run.
 * @param {string} execution
 * @param {readonly Action[]} actions those that the question offers
 * @param {ApprovalAnswer} answer
 * @returns {Omit<Decide, "type" | "id" | "key">}
 */
export function decisionOfApproval(execution, actions, { approvalId, approved, optionId, text, reason }) {
  const [checkpoint = "", version] = approvalId.split(":");
  const words = (text ?? reason ?? "").trim();
  const offers = (/** @type {string} */ id) => actions.some((action) => action.id === id);
  const no = offers("reject") ? "reject" : words && offers("revise") ? "revise" : "stop";
  const yes = !offers("approve") && offers("respond") ? "respond" : "approve";
  const action = optionId ?? (approved ? yes : no);
  return { execution, checkpoint, version: Number(version), action, ...(words && (action === "respond" ? { response: words } : { feedback: words })) };
}
