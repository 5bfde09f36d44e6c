/** A front end that polled, on the drop-in and without a provider: the page of the type test, in plain calls. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { act, h, mount, push, React, reply } from "./dom.js"; // first: React looks for a page when it is loaded
import { CheckpointApproval, useHITLWorkflow } from "../../static/adapters/compat/index.js";
import { completed, decided, EPOCH, FakeSocket, ID, latest, opened, queued, stopClock, synced } from "./support.js";

globalThis.WebSocket = /** @type {any} */ (FakeSocket);
stopClock();

const ACTIONS = ["approve", "revise", "skip", "stop"].map((id) => ({ id, label: id }));
const CREW = { name: "content", inputs: { properties: { user_input: {} }, required: ["user_input"] }, checkpoints: [] };

function Campaign() {
  const flow = useHITLWorkflow(),
    { status, checkpoint } = flow;
  return h(
    "main",
    null,
    h("button", { id: "start", onClick: () => flow.startExecution({ message: "Kopi", checkpoints: ["after_planning"] }) }),
    h("p", { id: "state" }, `${flow.loading ? "loading" : "idle"} ${status?.status ?? "none"} ${flow.error ?? ""}`),
    checkpoint &&
      h(CheckpointApproval, {
        checkpoint,
        loading: flow.loading,
        /** @param {import("../../static/adapters/compat/index.js").Action} action @param {string} [feedback] */
        onSubmit: (action, feedback) => flow.submitFeedback(checkpoint.checkpoint_id, action, feedback),
      }),
    status?.result && h("pre", null, status.result.output),
  );
}

test("it starts, asks, takes changes, asks again, goes on and ends: on one socket, to the host of the page", async () => {
  const { click, type, text, find } = await mount(h(React.StrictMode, null, h(Campaign)));
  assert.equal(text("#state"), "idle none ");
  assert.equal(latest().url, "ws://desk.example/ws");
  await act(async () => latest().greet());
  await click("#start");
  assert.equal(text("#state"), "loading none ");
  await reply("list", { items: [CREW] });
  const { crew, inputs, checkpoints } = latest().of("start")[0];
  assert.deepEqual([crew, inputs, checkpoints], ["content", { user_input: "Kopi" }, ["after_planning"]]);
  await reply("start", { execution: ID, epoch: EPOCH, offset: 1 });
  assert.equal(text("#state"), "idle pending ");
  await push(queued(), opened(2, { actions: ACTIONS }), synced(2));
  assert.equal(text("#state"), "idle waiting_feedback ");

  await act(async () => mock.timers.tick(500));
  await click(".qd-revise");
  assert.equal(text('[role="alert"]'), "Say what should change");
  assert.equal(latest().of("decide").length, 0);
  await type("textarea", "Shorter");
  await click(".qd-revise");
  const { action, feedback, version, checkpoint } = latest().of("decide")[0];
  assert.deepEqual([action, feedback, version, checkpoint], ["revise", "Shorter", 1, "cp_1"]);
  assert.equal(find("section").getAttribute("aria-busy"), "true");
  await reply("decide", { offset: 3, state: "running" });
  await push(
    decided(3, { action: "revise", feedback: "Shorter" }),
    opened(4, {
      version: 2,
      actions: ACTIONS,
      draft: { text: "A short plan" },
      opened_at: "2027-01-15T09:00:00.000Z",
    }),
  );
  assert.match(text("section") ?? "", /A short plan/);
  assert.equal(find("textarea").value, "", "words that were sent go with their question");

  await click(".qd-continue");
  assert.equal(latest().of("decide").length, 1, "a fresh draft takes no answer for half a second");
  await act(async () => mock.timers.tick(500));
  await click(".qd-continue");
  assert.deepEqual([latest().of("decide")[1].action, latest().of("decide")[1].version], ["approve", 2]);
  await reply("decide", { offset: 5, state: "running" });
  await push(decided(5, { version: 2 }), completed(6));
  assert.deepEqual([text("#state"), text("pre"), find("section")], ["idle completed ", "Done", null]);
  assert.equal(FakeSocket.all.length, 1);
});

test("what goes wrong is shown, not thrown", async () => {
  const { click, text } = await mount(h(Campaign));
  await act(async () => latest().greet());
  await click("#start");
  await reply("list", { items: [] });
  assert.equal(text("#state"), "idle none The server has no crew");
});
