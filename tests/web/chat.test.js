/** An execution in the real assistant-ui: a message starts it, its question is a card, the answer a decision. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mock, test } from "node:test";
import { pathToFileURL } from "node:url";
import "./channels.js"; // before assistant-ui
import { act, h, mount, push, reply } from "./dom.js"; // first: React looks for a page when it is loaded
import { CheckpointToolUI, useHITLRuntime } from "../../static/adapters/assistant-ui/index.js";
import { QuarterdeckProvider } from "../../static/client/react.js";
import {
  completed,
  decided,
  delta,
  EPOCH,
  FakeSocket,
  ID,
  latest,
  makeClient,
  opened,
  queued,
  stopClock,
  synced,
  taskStarted,
} from "./support.js";

const { resolve } = createRequire(new URL("../../static/package.json", import.meta.url));
const { AssistantRuntimeProvider, ThreadPrimitive, MessagePrimitive } = await import(
  pathToFileURL(resolve("@assistant-ui/react")).href
);
stopClock();

const CREW = {
  name: "content",
  inputs: { properties: { user_input: {} }, required: ["user_input"] },
  checkpoints: [{ name: "after_planning" }],
};
const ACTIONS = [
  { id: "approve", label: "Approve" },
  { id: "edit", label: "Edit" },
  { id: "revise", label: "Request changes", needs_feedback: true },
];

/** @type {any} */ let runtime;
const components = { Text: (/** @type {{ text: string }} */ { text }) => h("p", null, text) };
const Message = () => h(MessagePrimitive.Root, null, h(MessagePrimitive.Parts, { components }));
/** @param {{ started: (id: string) => void, failed: (e: unknown) => void }} props */
function Chat({ started, failed }) {
  runtime = useHITLRuntime(undefined, { onStarted: started, onError: failed });
  return h(
    AssistantRuntimeProvider,
    { runtime },
    h(CheckpointToolUI),
    h("div", { id: "thread" }, h(ThreadPrimitive.Messages, { components: { UserMessage: Message, AssistantMessage: Message } })),
  );
}

test("a message starts an execution, its text streams in, its question is answered by hand", async () => {
  /** @type {string[]} */ const started = [],
    /** @type {unknown[]} */ failed = [];
  const client = makeClient();
  const chat = h(Chat, {
    started: (/** @type {string} */ id) => void started.push(id),
    failed: (/** @type {unknown} */ e) => void failed.push(e),
  });
  const { text, find, click, type } = await mount(h(QuarterdeckProvider, { client }, chat));
  await act(async () => latest().greet());
  await act(async () => runtime.thread.append({ role: "user", content: [{ type: "text", text: "Kopi, please" }] }));
  await reply("list", { items: [CREW] });
  const { inputs, checkpoints } = latest().of("start")[0];
  assert.deepEqual([inputs, checkpoints], [{ user_input: "Kopi, please" }, ["after_planning"]]);
  await reply("start", { execution: ID, epoch: EPOCH, offset: 1 });
  assert.deepEqual(started, [ID]);

  await push(queued(), taskStarted(2), synced(2), delta(0, "The plan so far"));
  assert.match(text("#thread") ?? "", /The plan so far/);
  assert.equal(runtime.thread.getState().isRunning, true);
  await push(opened(3, { actions: ACTIONS }));
  assert.equal(text("h3"), "After planning");
  assert.equal(find('[data-action="edit"]'), null, "a chat has no editor");
  await click('[data-action="approve"]');
  assert.equal(latest().of("decide").length, 0, "a fresh card takes no answer for half a second");
  await act(async () => mock.timers.tick(500));
  await click('[data-action="revise"]');
  assert.equal(text('[role="alert"]'), "Write a note first");
  await type("textarea", "Shorter");
  await click('[data-action="revise"]');
  const { execution, action, feedback, version, checkpoint: id } = latest().of("decide")[0];
  assert.deepEqual([execution, id, version, action, feedback], [ID, "cp_1", 1, "revise", "Shorter"]);
  assert.equal(text(".qd-verdict"), null, "nothing is called decided before the server says so");
  await reply("decide", { offset: 4, state: "running" });
  await push(
    decided(4, { action: "revise", feedback: "Shorter" }, { by: { id: "u", name: "Rara" } }),
    opened(5, { actions: ACTIONS, version: 2, draft: { text: "A short plan" } }),
  );
  assert.equal(text(".qd-verdict"), "After planning: revise, Rara: Shorter");
  assert.match(text("section") ?? "", /A short plan/);
  await act(async () => mock.timers.tick(500));
  await click('[data-action="approve"]');
  const second = latest().of("decide")[1];
  await push({ type: "error", re: second.id, code: "already_decided", message: "Rara was first", retry: false });
  assert.equal(/** @type {any} */ (failed[0]).code, "already_decided");
  await push(decided(6, { version: 2 }), completed(7));
  assert.equal(runtime.thread.getState().isRunning, false);
  assert.equal(find("section"), null);
  assert.equal(FakeSocket.all.length, 1);
});
