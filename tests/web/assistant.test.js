import assert from "node:assert/strict";
import { test } from "node:test";
import { decisionOfApproval } from "../../static/adapters/assistant-ui/approval.js";
import { toMessages } from "../../static/adapters/assistant-ui/messages.js";
import { follow, initialState, reduce } from "../../static/client/store.js";
import { completed, decided, delta, event, ID, opened, queued, synced, taskCompleted, taskStarted } from "./support.js";

/** @import { ServerFrame } from "../../static/client/protocol.js" */

/** @param {ServerFrame[]} frames */
function told(...frames) {
  const state = frames.reduce(reduce, follow(initialState, ID));
  const [request, answer] = toMessages(state.executions[ID], state.checkpoints);
  return { request, answer, parts: /** @type {any[]} */ (answer?.content ?? []) };
}

test("an execution is a message of the person and one of the crew", () => {
  assert.deepEqual(toMessages(undefined), []);
  const { request, answer, parts } = told(queued(), taskStarted(2), taskCompleted(3, "The plan"), completed(4));
  assert.deepEqual([request?.role, request?.content], ["user", "Kopi"]);
  assert.deepEqual([answer?.role, answer?.id, answer?.status], ["assistant", ID, { type: "complete", reason: "stop" }]);
  assert.deepEqual(parts, [{ type: "text", text: "**Plan**\n\nThe plan" }]);
});

test("text is there while it is streamed, and once it is whole only once", () => {
  const streaming = [queued(), taskStarted(2), synced(2), delta(0, "The "), delta(1, "plan")];
  assert.deepEqual(told(...streaming).parts, [{ type: "text", text: "**Plan**\n\nThe plan" }]);
  assert.equal(told(...streaming).answer?.status?.type, "running");
  assert.equal(told(...streaming, taskCompleted(3, "The plan")).parts.length, 1);
});

test("a question is a tool call that waits; its answer is the result, and the next version another call", () => {
  const asked = [queued(), taskStarted(2), opened(3)];
  const waiting = told(...asked);
  const call = waiting.parts.at(-1);
  assert.equal(waiting.answer?.status?.type, "requires-action");
  assert.deepEqual([call.type, call.toolName, call.toolCallId], ["tool-call", "checkpoint", "cp_1:1"]);
  assert.deepEqual([call.args.draft, call.args.actions[0].id, "result" in call], ["A plan", "approve", false]);
  const revised = told(
    ...asked,
    decided(4, { action: "revise", feedback: "Shorter" }, { by: { id: "u", name: "Rara" } }),
    opened(5, { version: 2 }),
  );
  const [first, second] = revised.parts.filter((part) => part.type === "tool-call");
  assert.deepEqual(first.result, { action: "revise", by: "Rara", feedback: "Shorter" });
  assert.deepEqual([second.toolCallId, "result" in second], ["cp_1:2", false]);
});

test("a question that nobody answers any more has a result, too", () => {
  const { answer, parts } = told(queued(), taskStarted(2), opened(3), event("execution.cancelled", 4, {}));
  assert.equal(parts.find((part) => part.type === "tool-call").result.action, "withdrawn");
  assert.deepEqual(answer?.status, { type: "incomplete", reason: "cancelled" });
});

test("a question is an approval, too, for versions that know them", () => {
  const actions = [
    { id: "approve", label: "Approve" },
    { id: "edit", label: "Approve with edits" },
    { id: "revise", label: "Request changes", needs_feedback: true },
    { id: "skip", label: "Skip" },
    { id: "stop", label: "Stop run", confirm: true },
  ];
  const asked = [queued(), taskStarted(2), opened(3, { actions })];
  const approval = (/** @type {ServerFrame[]} */ ...frames) => told(...asked, ...frames).parts.find((part) => part.toolCallId === "cp_1:1").approval;
  assert.deepEqual(approval(), {
    id: "cp_1:1",
    prompt: "After planning",
    display: "decision",
    allowFreeform: true,
    options: [
      { id: "approve", kind: "allow-once", label: "Approve" },
      { id: "revise", kind: "reject-once", label: "Request changes" },
      { id: "skip", kind: "_skip", label: "Skip" },
      { id: "stop", kind: "reject-once", label: "Stop run", confirm: true },
    ],
  });
  const over = { id: "cp_1:1", prompt: "After planning", display: "decision", allowFreeform: false };
  assert.deepEqual(approval(decided(4)), { ...over, approved: true, optionId: "approve" });
  assert.deepEqual(approval(decided(4, { action: "revise", feedback: "Shorter" })), { ...over, approved: false, optionId: "revise", text: "Shorter" });
  assert.deepEqual(approval(event("checkpoint.expired", 4, { checkpoint: "cp_1", outcome: "stop" })), { ...over, resolution: "expired" });
  assert.deepEqual(approval(event("execution.cancelled", 4, {})), { ...over, resolution: "cancelled" });
});

test("an answer to an approval is a decision on the version that was judged", () => {
  const [approve, revise, stop] = ["approve", "revise", "stop"].map((id) => ({ id, label: id }));
  const review = /** @type {any[]} */ ([approve, revise, stop]),
    call = /** @type {any[]} */ ([approve, { id: "reject", label: "Refuse" }, stop]),
    ask = /** @type {any[]} */ ([{ id: "respond", label: "Send answer" }, stop]);
  /** @type {[any[], object, object][]} */ const answers = [
    [review, { approved: true }, { action: "approve" }],
    [review, { approved: true, optionId: "approve", reason: "Fine" }, { action: "approve", feedback: "Fine" }],
    [review, { approved: false, text: " Shorter " }, { action: "revise", feedback: "Shorter" }],
    [review, { approved: false }, { action: "stop" }],
    [call, { approved: false, reason: "Too dear" }, { action: "reject", feedback: "Too dear" }],
    [call, { approved: true, optionId: "outcome:later" }, { action: "outcome:later" }],
    [ask, { approved: true, text: "Blue" }, { action: "respond", response: "Blue" }],
  ];
  for (const [actions, answer, decision] of answers)
    assert.deepEqual(decisionOfApproval(ID, actions, /** @type {any} */ ({ approvalId: "cp_1:2", ...answer })), { execution: ID, checkpoint: "cp_1", version: 2, ...decision });
});

test("tools that the crew calls are tool calls; a failure says why", () => {
  const call = { call: "c1", tool: "trend_lookup", arguments: { topic: "kopi" } };
  const { answer, parts } = told(
    queued(),
    event("tool.started", 2, call),
    event("tool.failed", 3, { call: "c1", tool: "trend_lookup", result: "No such trend", seconds: 1 }),
    event("execution.failed", 4, { error: { code: "task_failed", message: "No such day" } }),
  );
  assert.deepEqual([parts[0].toolName, parts[0].args, parts[0].isError], ["trend_lookup", { topic: "kopi" }, true]);
  assert.deepEqual(answer?.status, { type: "incomplete", reason: "error", error: "No such day" });
});
